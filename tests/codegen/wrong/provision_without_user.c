/* Provision is told who it is for. expect: conflicting types for 'kv_cache_on_provision' */
#include "kv.service.h"

wat_status kv_cache_on_provision(struct kv_cache_provision_call *call, struct kv_lru *self)
{
	(void)call, (void)self;
	return WAT_OK;
}
