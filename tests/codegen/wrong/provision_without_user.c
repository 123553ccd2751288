/* Provision is told who it is for. expect: conflicting types for 'kv_cache_on_provision' */
#include "kv.service.h"

#ifdef RIGHT
#define FOR_WHOM , const struct wat_user *user
#else
#define FOR_WHOM
#endif

wat_status kv_cache_on_provision(struct kv_cache_provision_call *call, struct kv_lru *self FOR_WHOM)
{
	(void)call, (void)self;
	return WAT_OK;
}
