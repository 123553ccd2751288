/* view.h - what watd says about instances and itself, as JSON. Pure. */
#ifndef WAT_WATCTL_VIEW_H
#define WAT_WATCTL_VIEW_H

#include <jansson.h>

#include <wat/node.pb-c.h>

/* New references; NULL when memory is out. */
json_t *view_instance(const Wat__Node__Instance *instance);
json_t *view_instances(const Wat__Node__InstanceList *list);
json_t *view_snapshots(const Wat__Node__SnapshotList *list);
json_t *view_user(const Wat__Node__User *user);
json_t *view_plugins(const Wat__Node__PluginList *list);
json_t *view_event(const Wat__Envelope__Event *event);
json_t *view_log_line(const Wat__Node__LogLine *l);
json_t *view_status(const Wat__Node__NodeStatus *status);
json_t *view_texts(char *const *texts, size_t n);
/* "thread", "process". */
const char *view_tier(Wat__Node__Tier tier);
/* "panic"; kind: enum wat_cause_kind, whose numbers are also those of the wire. A constant. */
const char *view_cause_kind(int kind);

#endif
