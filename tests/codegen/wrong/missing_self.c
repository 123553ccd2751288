/* The live form has no save: must not link. expect: undefined reference to `kv_cache_save' */
#include "kv.service.h"
