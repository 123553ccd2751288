/* Stop of a live form's service is declared and missing: must not link. expect: undefined reference to `kv_cache_on_stop' */
#include "kv.service.h"
#include "counter.service.h"
