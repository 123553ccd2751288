/* user_begin.h - how a User begins: its Provision handler, if the service has one, then one
 * transaction with the grant, the state that the handler left and the answer. Loop thread. */
#ifndef WAT_SUPERVISOR_USER_BEGIN_H
#define WAT_SUPERVISOR_USER_BEGIN_H

#include <wat/admin.pb-c.h>

#include "daemon/store/store.h"

struct instance;
struct operation;

/* The request was checked; configured: whether it is for a [grant] of the configuration. Waits
 * while the instance is neither up nor down, if it has a handler to run. The operation is concluded
 * or failed. */
void user_begin(struct operation *operation,
		struct instance *instance,
		const Wat__Admin__ProvisionRequest *in,
		enum store_configured configured);

#endif
