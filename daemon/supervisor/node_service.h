/* node_service.h - what the handlers of the node service share. Loop thread. */
#ifndef WAT_SUPERVISOR_NODE_SERVICE_H
#define WAT_SUPERVISOR_NODE_SERVICE_H

#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/instance.h"
#include "proto/plugin_file.h"
#include "proto/support/must_check.h"
#include <wat/node.pb-c.h>

struct instance;
struct node;

/* Reads the plugin directory anew and finds the service; on failure the call's failure is set. */
wat_status node_find_service(struct wat_call *call,
			     const char *name,
			     const struct plugin_file **ret_file,
			     const Wat__Manifest__Service **ret_service);
wat_status node_find_instance(struct wat_call *call, const char *name, struct instance **ret);
/* What every beginning is asked: while watd ends it is refused. */
wat_status node_check_begin(struct wat_call *call,
			    const ProtobufCBinaryData *holder_pk,
			    Wat__Node__Tier tier,
			    uint32_t durability);
wat_status node_check_restart(struct wat_call *call, uint32_t restart);
/* A name is free when it was never used, or its incarnation was stopped. */
wat_status node_check_free(struct wat_call *call, const struct instance *previous);
wat_status node_check_state(struct wat_call *call,
			    const ProtobufCBinaryData *state,
			    const Wat__Manifest__Service *service);
enum instance_tier node_tier_of(Wat__Node__Tier tier, enum instance_tier fallback);
/* Points into the instance. */
/* Of the instance, and in force. */
struct grant;
bool node_is_user(const struct grant *grant);
uint32_t node_count_users(const struct instance *instance);
void node_describe_instance(const struct instance *instance, Wat__Node__Instance *out);

/* An instance changed its state, or is none any more: whoever waits for that is told, not from
 * here. */
void node_wait_notice(struct node *node);
/* Ends with the node. */
int node_wait_init(struct node *node) WAT_MUST_CHECK;
void node_wait_deinit(struct node *node);
/* Events were committed. */
void node_events_notice(struct node *node);
int node_logs_init(struct node *node) WAT_MUST_CHECK;
void node_logs_deinit(struct node *node);
/* A host wrote a line. */
void node_logs_notice(struct node *node);

/* Calls of Replay that are open: each is told, and its process ends. */
void node_replays_end(struct node *node);

#endif
