/* grant_files.h - the Users of the configuration: [grant NAME] is a User NAME whose token watd
 * keeps in a file, fresh, for a program that starts at boot. Loop thread.
 *
 * A grant that is as the configuration says, and whose file proves it, is left alone. Else a new
 * one is made and its file written before the old one ends. When a quarter of its life is left a
 * second one is made beside it, and the first serves until its time is over. It is looked at when
 * its instance becomes ready (at a start of watd, a new incarnation, a restart after a death), at a
 * reload, and when its time comes. */
#ifndef WAT_SUPERVISOR_GRANT_FILES_H
#define WAT_SUPERVISOR_GRANT_FILES_H

#include <stdbool.h>

#include "proto/support/list.h"

struct event;
struct instance;
struct node;

struct grant_files {
	struct list all; /* struct grant_file */
	struct event *timer;
};

void grant_files_init(struct grant_files *files);
void grant_files_deinit(struct grant_files *files);

/* The configuration is new: Users that it does not name any more end, others are made. */
void grant_files_update(struct node *node);
/* The instance became ready. */
void grant_files_ready(struct node *node, const struct instance *instance);
/* None is being made. */
bool grant_files_are_settled(const struct node *node);
/* Why a token is not in its file: the next from *at (NULL at first) on; NULL: no more. */
const char *grant_files_trouble(const struct node *node, const struct list **at);

#endif
