/* command_backup.c - backup: watd's copy of its database, into a file here. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/view.h"
#include "client/watctl/write_file.h"
#include <wat/node.pb-c.h>

static void written_freep(void *p)
{
	written_free(*(struct written **)p);
}

static int read_part(struct watctl *ctl,
		     const Wat__Node__BackupReply *backup,
		     uint64_t offset,
		     ProtobufCMessage **ret)
{
	Wat__Node__ReadBackupRequest request = WAT__NODE__READ_BACKUP_REQUEST__INIT;

	request.id = backup->id;
	request.offset = offset;
	return connection_node_call(ctl, "ReadBackup", NULL, &request.base, ret);
}

/* Until everything is there, or not. */
static int read_all(struct watctl *ctl,
		    const char *path,
		    const Wat__Node__BackupReply *backup,
		    struct written *file)
{
	for (uint64_t at = 0; at < backup->bytes;) {
		_cleanup_(protobuf_c_messagep) ProtobufCMessage *message = NULL;
		const Wat__Node__BackupPart *part;
		int r = read_part(ctl, backup, at, &message);

		if (r != 0)
			return r;
		part = (const Wat__Node__BackupPart *)message;
		if (part->data.len == 0)
			return problem(ctl, WAT_DATA_LOSS, "the backup ends before its end");
		r = written_add(file, part->data.data, part->data.len);
		if (r < 0)
			return problem_file(ctl, "no backup in", path, r);
		at += part->data.len;
	}
	return 0;
}

static int print_backup(const struct watctl *ctl,
			const char *path,
			const Wat__Node__BackupReply *backup)
{
	json_auto_t *view =
		json_pack("{s:s, s:I, s:o}", "file", path, "bytes", (json_int_t)backup->bytes,
			  "behind", view_texts(backup->behind, backup->n_behind));

	if (!view)
		return problem_memory(ctl);
	if (ctl->json) {
		output_json(view);
		return 0;
	}
	printf("backup of %llu bytes in %s\n", (unsigned long long)backup->bytes, path);
	output_lines(stderr, "not up to date in it  ", json_object_get(view, "behind"));
	return 0;
}

int command_backup(struct watctl *ctl)
{
	const char *path = watctl_argument(ctl, 0);
	Wat__Node__BackupRequest request = WAT__NODE__BACKUP_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	_cleanup_(written_freep) struct written *file = NULL;
	uint8_t id[16];
	int r = written_new(path, &file);

	if (r < 0)
		return problem_file(ctl, "no backup in", path, r);
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	if ((r = connection_node_call(ctl, "Backup", NULL, &request.base, &reply)) != 0 ||
	    (r = read_all(ctl, path, (Wat__Node__BackupReply *)reply, file)) != 0)
		return r;
	r = written_commit(file);
	return r < 0 ? problem_file(ctl, "no backup in", path, r)
		     : print_backup(ctl, path, (Wat__Node__BackupReply *)reply);
}
