/* node_service_backup.c - Backup and ReadBackup of wat.node.Node. Loop thread. */
#include <errno.h>
#include <string.h>
#include <wat/node.service.h>

#include "daemon/supervisor/backup.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/operation.h"

#define PART_MAX (256u * 1024u)

wat_status node_on_backup(struct node_backup_call *c,
			  wat_empty *state,
			  const node_backup_request *in)
{
	struct operation *operation;
	wat_status status = WAT_OK;

	(void)state;
	if (control_call_of(&c->base)->node->suspending)
		return wat_fail(c, WAT_UNAVAILABLE, "watd is going down; try again");
	operation =
		operation_begin(&c->base, ANSWER_OF_NODE(NODE_BACKUP), &in->request_id, &status);
	if (operation)
		backup_begin(operation);
	return status;
}

wat_status node_on_read_backup(struct node_read_backup_call *c,
			       wat_empty *state,
			       const node_read_backup_request *in,
			       node_backup_part *out)
{
	struct node *node = control_call_of(&c->base)->node;
	int64_t n;

	(void)state;
	if (in->id.len != 16)
		return wat_fail(c, WAT_INVALID_ARGUMENT, "id: expected 16 bytes, got %zu",
				in->id.len);
	out->data.data = wat_alloc(c, PART_MAX);
	n = backup_read(node->backup, in->id.data, in->offset, out->data.data, PART_MAX,
			&out->bytes);
	if (n == -ENOENT)
		return wat_fail(c, WAT_NOT_FOUND,
				"this backup is not there any more; make another one");
	if (n == -EINVAL)
		return wat_fail(c, WAT_INVALID_ARGUMENT, "offset: behind the end");
	if (n < 0)
		return wat_fail(c, WAT_DATA_LOSS, "the backup can't be read: %s",
				strerror((int)-n));
	out->data.len = (size_t)n;
	return WAT_OK;
}
