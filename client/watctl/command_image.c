/* command_image.c - export and import: an instance as a file. */
#include <errno.h>
#include <stdio.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/read_file.h"
#include "client/watctl/spawn_options.h"
#include "client/watctl/write_file.h"
#include "proto/image.h"
#include <wat/node.pb-c.h>

static void written_freep(void *p)
{
	written_free(*(struct written **)p);
}

static void image_freep(void *p)
{
	if (*(Wat__Node__Image **)p)
		wat__node__image__free_unpacked(*(Wat__Node__Image **)p, NULL);
}

static int write_whole(const struct watctl *ctl, const char *path, const ProtobufCBinaryData *bytes)
{
	_cleanup_(written_freep) struct written *file = NULL;
	int r = written_new(path, &file);

	if (r == 0)
		r = written_add(file, bytes->data, bytes->len);
	if (r == 0)
		r = written_commit(file);
	return r < 0 ? problem_file(ctl, "nothing was exported to", path, r) : 0;
}

static int print_exported(const struct watctl *ctl,
			  const char *name,
			  const char *path,
			  const Wat__Node__ExportReply *reply)
{
	json_auto_t *view = json_pack("{s:s, s:s, s:I, s:I}", "name", name, "file", path, "bytes",
				      (json_int_t)reply->file.len, "seq", (json_int_t)reply->seq);

	if (!view)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(view);
	else
		printf("exported snapshot %llu of %s to %s\n", (unsigned long long)reply->seq, name,
		       path);
	return 0;
}

int command_export(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0), *path = watctl_argument(ctl, 1);
	Wat__Node__ExportRequest request = WAT__NODE__EXPORT_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *message = NULL;
	const Wat__Node__ExportReply *reply;
	int r = hold_check_name(ctl, "an instance", name);

	if (r == 0)
		r = spawn_read_from(ctl, &request.from);
	if (r != 0)
		return r;
	request.name = (char *)(uintptr_t)name;
	r = connection_node_call(ctl, "Export", name, &request.base, &message);
	if (r != 0)
		return r;
	reply = (const Wat__Node__ExportReply *)message;
	r = write_whole(ctl, path, &reply->file);
	return r != 0 ? r : print_exported(ctl, name, path, reply);
}

/* The name is needed before watd has said it: for the place in the keyring. */
static int open_image(const struct watctl *ctl,
		      const char *path,
		      const char *bytes,
		      size_t n,
		      Wat__Node__Image **ret)
{
	int r = image_open((const uint8_t *)bytes, n, ret);

	if (r == -ENODATA)
		return problem_exit(ctl, WATCTL_FAILED, WAT_INVALID_ARGUMENT,
				    "%s is no exported instance", path);
	if (r == -ENOMEM)
		return problem_memory(ctl);
	return r < 0 ? problem_exit(ctl, WATCTL_FAILED, WAT_DATA_LOSS, "%s is damaged", path) : 0;
}

static int print_imported(const struct watctl *ctl, const char *name, const Wat__Node__Image *image)
{
	json_auto_t *view = json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", name, "service",
				      image->service, "was", image->name, "seq",
				      (json_int_t)image->seq, "admin", "is in the keyring");

	if (!view)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(view);
	else
		printf("imported %s, a %s; its Admin is in the keyring\n", name, image->service);
	return 0;
}

static int import(struct watctl *ctl,
		  const char *name,
		  const struct wat_spawn *how,
		  const char *bytes,
		  size_t n)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(token_file_freep) struct token_file *file = NULL;
	_cleanup_(wat_memory_freep) char *token = NULL;
	int r;

	if ((r = connection_open(ctl)) != 0 || (r = hold_keyring(ctl, &keyring)) != 0 ||
	    (r = hold_reserve(ctl, keyring, name, NULL, &file)) != 0)
		return r;
	r = wat_import_raw(ctl->node, bytes, n, name, how, &token);
	return r != 0 ? problem_call(ctl, name, r) : hold_commit(ctl, name, file, token);
}

int command_import(struct watctl *ctl)
{
	const char *path = watctl_argument(ctl, 0), *name = watctl_argument(ctl, 1);
	_cleanup_(image_freep) Wat__Node__Image *image = NULL;
	_cleanup_(freep) char *bytes = NULL;
	struct wat_spawn how = WAT_SPAWN_INIT;
	size_t n = 0;
	int r;

	if ((r = spawn_read_options(ctl, &how)) != 0)
		return r;
	r = read_file(path, &bytes, &n);
	if (r < 0)
		return problem_file(ctl, "nothing can be imported from", path, r);
	if ((r = open_image(ctl, path, bytes, n, &image)) != 0)
		return r;
	if (!name)
		name = image->name;
	if ((r = hold_check_name(ctl, "an instance", name)) != 0 ||
	    (r = import(ctl, name, &how, bytes, n)) != 0)
		return r;
	return print_imported(ctl, name, image);
}
