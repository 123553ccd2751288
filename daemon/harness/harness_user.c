/* harness_user.c - users and their channels. Test's thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/harness/harness.h"
#include "daemon/host/grant.h"
#include "daemon/host/service_loop.h"
#include "proto/support/cleanup.h"

struct harness_user *harness_find_user(struct wat_test *test, const char *name)
{
	list_for_each (i, &test->users) {
		struct harness_user *user = container_of(i, struct harness_user, link);

		if (strcmp(user->name, name) == 0)
			return user;
	}
	return NULL;
}

struct harness_user *harness_add_user(struct wat_test *test, const char *name)
{
	struct harness_user *user = calloc(1, sizeof *user);

	if (!user)
		return NULL;
	(void)snprintf(user->name, sizeof user->name, "%s", name);
	test->n_users++;
	memcpy(user->id, &test->n_users, sizeof test->n_users);
	stream_init(&user->stream, -1, WAT_BODY_MAX);
	list_append(&test->users, &user->link);
	return user;
}

void harness_remove_user(struct wat_test *test, struct harness_user *user)
{
	harness_disconnect(user);
	list_remove(&user->link);
	if (test->acting == user)
		test->acting = NULL;
	free(user);
}

void harness_disconnect(struct harness_user *user)
{
	stream_deinit(&user->stream);
	stream_init(&user->stream, -1, WAT_BODY_MAX);
}

static int attach(struct wat_test *test, struct harness_user *user, int fd)
{
	Wat__Host__AttachRequest in = WAT__HOST__ATTACH_REQUEST__INIT;
	struct request request;
	uint8_t lane[WAT_ID_SIZE] = {0};
	int r;

	test->connection++;
	memcpy(lane, &test->connection, sizeof test->connection);
	in.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, test->instance.id};
	in.grant_id = (ProtobufCBinaryData){WAT_ID_SIZE, user->id};
	in.lane = (ProtobufCBinaryData){WAT_ID_SIZE, lane};
	in.method_mask = UINT64_MAX;
	in.connection = test->connection;
	in.user = user->name;
	request_init(&request, REQUEST_ATTACH, &in.base, fd);
	r = harness_serve(test, &request);
	request_deinit(&request);
	return r;
}

int harness_connect(struct wat_test *test, struct harness_user *user)
{
	int pair[2], r;

	if (user->stream.fd >= 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	r = attach(test, user, pair[1]);
	if (r != 0) {
		(void)fd_close(pair[0]);
		return r;
	}
	stream_init(&user->stream, pair[0], WAT_BODY_MAX);
	return 0;
}

/* By the request that watd would send. */
static int ask(struct wat_test *test, enum request_kind kind, const ProtobufCMessage *in)
{
	struct request request;
	int r;

	request_init(&request, kind, in, -1);
	r = harness_serve(test, &request);
	request_deinit(&request);
	return r;
}

static int check_name(struct wat_test *test, const char *name)
{
	if (!test->instance.loop)
		return harness_fail(test, WAT_STOPPED, "no instance is running");
	if (*name && strlen(name) <= WAT_NAME_MAX)
		return 0;
	return harness_fail(test, WAT_INVALID_ARGUMENT, "\"%s\" is no name of a user", name);
}

int wat_test_provision(wat_test *test, const char *name)
{
	Wat__Host__ProvisionRequest in = WAT__HOST__PROVISION_REQUEST__INIT;
	struct harness_user *user;
	int r = check_name(test, name);

	if (r != 0)
		return r;
	if (harness_find_user(test, name))
		return harness_fail(test, WAT_ALREADY_EXISTS, "there is a user %s", name);
	user = harness_add_user(test, name);
	if (!user)
		return -ENOMEM;
	in.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, test->instance.id};
	in.grant_id = (ProtobufCBinaryData){WAT_ID_SIZE, user->id};
	in.user = user->name;
	r = ask(test, REQUEST_PROVISION, &in.base);
	if (r != 0)
		harness_remove_user(test, user);
	return r;
}

static int find(struct wat_test *test, const char *name, struct harness_user **ret)
{
	*ret = harness_find_user(test, name);
	return *ret ? 0 : harness_fail(test, WAT_NOT_FOUND, "there is no user %s", name);
}

int wat_test_deprovision(wat_test *test, const char *name)
{
	Wat__Host__DeprovisionRequest in = WAT__HOST__DEPROVISION_REQUEST__INIT;
	struct harness_user *user;
	int r = find(test, name, &user);

	if (r != 0)
		return r;
	in.instance_id = (ProtobufCBinaryData){WAT_ID_SIZE, test->instance.id};
	in.grant_id = (ProtobufCBinaryData){WAT_ID_SIZE, user->id};
	in.user = user->name;
	r = ask(test, REQUEST_DEPROVISION, &in.base);
	if (r == 0)
		r = harness_pump(test);
	harness_remove_user(test, user);
	return r;
}

int wat_test_disconnect(wat_test *test, const char *name)
{
	struct harness_user *user;
	int r = find(test, name, &user);

	if (r != 0)
		return r;
	harness_disconnect(user);
	return harness_pump(test);
}

int wat_test_act_as(wat_test *test, const char *name)
{
	struct harness_user *user;
	int r = find(test, name, &user);

	if (r == 0)
		test->acting = user;
	return r;
}
