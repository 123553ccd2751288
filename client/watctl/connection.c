/* connection.c - how watctl reaches watd: which socket, the connection, the node's methods. */
#include "client/watctl/connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <wat/node.pb-c.h>

#include "client/watctl/problem.h"
#include "proto/check.h"
#include "proto/socket_path.h"

#define PATH_SIZE sizeof(((struct sockaddr_un *)NULL)->sun_path)

void watctl_deinit(struct watctl *ctl)
{
	ctl->node = wat_node_free(ctl->node);
	wat_free(ctl->connection);
	ctl->connection = NULL;
}

static int client_socket(const struct watctl *ctl, char **ret)
{
	const char *given = ctl->socket ? ctl->socket : getenv("WAT_SOCKET");

	*ret = given && *given ? strdup(given) : socket_path_default();
	return *ret ? 0 : -ENOMEM;
}

static int admin_socket(const char *client, char **ret)
{
	const char *slash = strrchr(client, '/');
	int n = slash ? (int)(slash - client) + 1 : 0;

	return asprintf(ret, "%.*sadmin.sock", n, client) < 0 ? -ENOMEM : 0;
}

static int unreachable(const struct watctl *ctl, const char *path, int r)
{
	if (r == -ENOENT || r == -ECONNREFUSED)
		return problem_exit(ctl, WATCTL_UNREACHABLE, WAT_UNAVAILABLE,
				    "no watd answers at %s (%s); start watd, or name its socket "
				    "with -s or $WAT_SOCKET",
				    path, strerror(-r));
	if (r == -EACCES)
		return problem_exit(ctl, WATCTL_UNREACHABLE, WAT_UNAVAILABLE,
				    "%s may not be opened (%s); its file mode decides who may%s",
				    path, strerror(-r),
				    ctl->command->power == WATCTL_NODE ? " manage the node" : "");
	return problem_exit(ctl, WATCTL_UNREACHABLE, WAT_UNAVAILABLE, "watd at %s: %s", path,
			    wat_failure()->status == r ? wat_failure()->text : strerror(-r));
}

static bool is_remote(const char *address)
{
	return strncmp(address, "wat://", 6) == 0 || strncmp(address, "wat+insecure://", 15) == 0;
}

static void set_timeout(const struct watctl *ctl)
{
	if (ctl->timeout_ms != WATCTL_NO_TIMEOUT)
		wat_set_timeout(ctl->connection, ctl->timeout_ms);
}

static int connect_remote(struct watctl *ctl, const char *address)
{
	int r;

	if (ctl->command->power == WATCTL_NODE)
		return problem_exit(ctl, WATCTL_USAGE, WAT_FAILED_PRECONDITION,
				    "a node is managed on its own machine, by its admin socket; "
				    "over the network there are Admins and Users only");
	r = wat_connect(address, &ctl->connection);
	if (r == 0) {
		set_timeout(ctl);
		return 0;
	}
	switch (r) {
	case WAT_INVALID_ARGUMENT:
		return problem_exit(ctl, WATCTL_USAGE, r, "%s", wat_failure()->text);
	case -EKEYREJECTED:
	case WAT_FAILED_PRECONDITION:
		return problem_exit(ctl, WATCTL_CONFIG, WAT_FAILED_PRECONDITION, "%s",
				    wat_failure()->text);
	case WAT_OVERLOADED:
		return problem_call(ctl, NULL, r);
	default:
		return problem_exit(ctl, WATCTL_UNREACHABLE, r > 0 ? r : WAT_UNAVAILABLE, "%s",
				    wat_failure()->text);
	}
}

static int connect_path(struct watctl *ctl, const char *path)
{
	int r;

	if (strlen(path) >= PATH_SIZE)
		return problem_exit(ctl, WATCTL_CONFIG, WAT_FAILED_PRECONDITION,
				    "the socket's path has %zu bytes and may have %zu: %s; name a "
				    "shorter one with -s or $WAT_SOCKET",
				    strlen(path), PATH_SIZE - 1, path);
	r = wat_connect(path, &ctl->connection);
	if (r < 0)
		return unreachable(ctl, path, r);
	if (r > 0)
		return problem_call(ctl, NULL, r);
	set_timeout(ctl);
	return 0;
}

int connection_open(struct watctl *ctl)
{
	_cleanup_(freep) char *client = NULL, *admin = NULL;
	int r;

	if (ctl->connection)
		return 0;
	if (client_socket(ctl, &client) < 0 || admin_socket(client, &admin) < 0)
		return problem_memory(ctl);
	if (is_remote(client))
		return connect_remote(ctl, client);
	if (ctl->command->power != WATCTL_NODE)
		return connect_path(ctl, client);
	r = connect_path(ctl, admin);
	if (r != 0)
		return r;
	r = wat_node_open(ctl->connection, &ctl->node);
	return r != 0 ? problem_call(ctl, NULL, r) : 0;
}

static int node_call_raw(struct watctl *ctl,
			 unsigned number,
			 const ProtobufCMessage *request,
			 uint8_t **ret_reply,
			 size_t *ret_n)
{
	size_t n = protobuf_c_message_get_packed_size(request);
	_cleanup_(freep) uint8_t *bytes = malloc(n > 0 ? n : 1);

	if (!bytes)
		return -ENOMEM;
	(void)protobuf_c_message_pack(request, bytes);
	return wat_node_call_raw(ctl->node, (uint16_t)number, bytes, n, ret_reply, ret_n);
}

int connection_node_try(struct watctl *ctl,
			const char *method,
			const ProtobufCMessage *request,
			ProtobufCMessage **ret_reply)
{
	const ProtobufCServiceDescriptor *node = &wat__node__node__descriptor;
	const ProtobufCMethodDescriptor *which =
		protobuf_c_service_descriptor_get_method_by_name(node, method);
	_cleanup_(wat_memory_freep) uint8_t *reply = NULL;
	size_t n;
	int r = node_call_raw(ctl, (unsigned)(which - node->methods), request, &reply, &n);

	if (r != 0)
		return r;
	r = check_unpack(which->output, NULL, reply, n, ret_reply, NULL);
	return r < 0 && r != -ENOMEM ? -EBADMSG : r;
}

int connection_said(struct watctl *ctl, const char *what, const char *instance, int r)
{
	if (r == -ENOMEM)
		return problem_memory(ctl);
	if (r == -EBADMSG)
		return problem(ctl, WAT_INTERNAL, "watd's answer to %s can't be read", what);
	return r != 0 ? problem_call(ctl, instance, r) : 0;
}

int connection_node_call(struct watctl *ctl,
			 const char *method,
			 const char *instance,
			 const ProtobufCMessage *request,
			 ProtobufCMessage **ret_reply)
{
	int r = connection_open(ctl);

	if (r != 0)
		return r;
	return connection_said(ctl, method, instance,
			       connection_node_try(ctl, method, request, ret_reply));
}
