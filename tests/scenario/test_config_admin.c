/* test_config_admin.c - watctl admin: whoever manages the node gets an Admin of an instance that
 * began without one, or whose Admin was lost; how many there may be, and how they end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wat/node.pb-c.h>

#include "counter.client.h"
#include "proto/token.h"
#include "tests/scenario/configured.h"

#define C1 "[instance c1]\nservice = counter\n"
#define OPEN_ADMIN "OpenAdmin"

static wat_node *open_node(struct configured *c, wat **ret_wat)
{
	wat_node *node;

	assert_int_equal(wat_connect(c->daemon.admin_socket, ret_wat), 0);
	assert_int_equal(wat_node_open(*ret_wat, &node), 0);
	return node;
}

static wat_capability *open_admin(wat *connection, const char *token)
{
	wat_capability *admin = NULL;

	if (wat_capability_open(connection, WAT_ROLE_ADMIN, 0, token, &admin) != 0)
		return NULL;
	return admin;
}

/* A configured instance has no Admin; one is made, does what Admins do, and is in the log with who
 * asked for it. It is there after a kill -9 right afterwards, and ends with the incarnation. */
static void test_admin(void **state)
{
	struct configured *c = *state;
	char path[128], text[64];
	struct stat st;

	configured_start(c, C1);
	WATCTL(c, "provision", "c1", "me");
	assert_code(c, 77);
	assert_err(c, "watctl admin c1");
	snprintf(path, sizeof path, "%s/admin.token", c->daemon.dir);
	WATCTL(c, "admin", "c1", "--out", path);
	assert_code(c, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(text, sizeof text, "uid=%u pid=", (unsigned)geteuid());
	assert_true(test_daemon_logged(&c->daemon, text));
	test_daemon_kill(&c->daemon);
	test_daemon_start(&c->daemon);
	WATCTL(c, "provision", "c1", "me");
	assert_code(c, 0);
	WATCTL(c, "call", "c1", "Get");
	assert_code(c, 0);
	WATCTL(c, "stop", "c1");
	assert_code(c, 0);
	WATCTL(c, "admin", "c1");
	assert_code(c, 1);
	assert_err(c, "STOPPED: \"c1\" was stopped; starting it gives an Admin");
	WATCTL(c, "start", "c1");
	assert_code(c, 0);
	WATCTL(c, "-j", "admin", "c1");
	assert_code(c, 0);
	assert_string_equal(c->out.out,
			    "{\"name\":\"c1\",\"admin\":\"is in the keyring\",\"ended\":0}\n");
	WATCTL(c, "admin", "nobody");
	assert_code(c, 1);
	assert_err(c, "NOT_FOUND");
}

/* An incarnation has at most 16 Admins: one more is refused, until --only ends all others. A handle
 * that was open before is of no use then, and neither is its token. */
static void test_only(void **state)
{
	struct configured *c = *state;
	char *tokens[16], *last = NULL;
	wat_capability *held;
	wat_node *node;
	uint32_t ended = 99;
	wat *connection;

	configured_start(c, C1);
	node = open_node(c, &connection);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(wat_mint_admin_raw(node, "c1", 0, &tokens[i], &ended), 0);
	assert_int_equal(ended, 0);
	assert_int_equal(wat_mint_admin_raw(node, "c1", 0, &last, &ended), WAT_RESOURCE_EXHAUSTED);
	assert_non_null(strstr(wat_failure()->text, "watctl admin c1 --only"));
	held = open_admin(connection, tokens[0]);
	assert_non_null(held);
	assert_int_equal(wat_mint_admin_raw(node, "c1", WAT_ADMIN_ONLY, &last, &ended), 0);
	assert_int_equal(ended, 16);
	assert_int_equal(wat_deprovision_raw(held, "nobody"), WAT_ACCESS_DENIED);
	wat_capability_free(held);
	for (size_t i = 0; i < 16; i++) {
		assert_null(open_admin(connection, tokens[i]));
		assert_int_equal(wat_failure()->status, WAT_ACCESS_DENIED);
		wat_memory_free(tokens[i]);
	}
	held = open_admin(connection, last);
	assert_non_null(held);
	assert_int_equal(wat_deprovision_raw(held, "nobody"), WAT_NOT_FOUND);
	wat_capability_free(held);
	wat_memory_free(last);
	wat_node_free(node);
	wat_free(connection);
	/* The ends are in the store too. */
	test_daemon_kill(&c->daemon);
	test_daemon_start(&c->daemon);
	node = open_node(c, &connection);
	assert_int_equal(wat_mint_admin_raw(node, "c1", WAT_ADMIN_ONLY, &last, &ended), 0);
	assert_int_equal(ended, 1);
	wat_memory_free(last);
	wat_node_free(node);
	wat_free(connection);
}

static uint16_t open_admin_number(void)
{
	const ProtobufCServiceDescriptor *service = &wat__node__node__descriptor;
	const ProtobufCMethodDescriptor *method =
		protobuf_c_service_descriptor_get_method_by_name(service, OPEN_ADMIN);

	assert_non_null(method);
	return (uint16_t)(method - service->methods);
}

static int call_raw(wat_node *node,
		    const Wat__Node__OpenAdminRequest *request,
		    Wat__Node__OpenAdminReply **ret)
{
	uint8_t bytes[512], *reply;
	size_t n = wat__node__open_admin_request__pack(request, bytes), n_reply;
	int r = wat_node_call_raw(node, open_admin_number(), bytes, n, &reply, &n_reply);

	if (r != 0)
		return r;
	*ret = wat__node__open_admin_reply__unpack(NULL, n_reply, reply);
	assert_non_null(*ret);
	wat_memory_free(reply);
	return 0;
}

/* watd gets the key's public half and gives a token without secret. The same request gets the same
 * answer; its id for another request is refused. */
static void test_wire(void **state)
{
	struct configured *c = *state;
	Wat__Node__OpenAdminRequest request = WAT__NODE__OPEN_ADMIN_REQUEST__INIT;
	Wat__Node__OpenAdminReply *first, *second;
	uint8_t id[16] = {1}, pk[32] = {2};
	struct token token;
	wat_node *node;
	wat *connection;

	configured_start(c, C1);
	node = open_node(c, &connection);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.name = (char *)"c1";
	request.holder_pk = (ProtobufCBinaryData){sizeof pk, pk};
	assert_int_equal(call_raw(node, &request, &first), 0);
	assert_int_equal(token_decode(first->token.data, first->token.len, &token), TOKEN_OK);
	assert_false(token.has_seed);
	assert_int_equal(token.role, TOKEN_ADMIN);
	assert_memory_equal(token.holder_pk, pk, sizeof pk);
	assert_int_equal(call_raw(node, &request, &second), 0);
	assert_memory_equal(first->token.data, second->token.data, first->token.len);
	wat__node__open_admin_reply__free_unpacked(second, NULL);
	wat__node__open_admin_reply__free_unpacked(first, NULL);
	id[0] = 3;
	request.holder_pk.len = 31;
	assert_int_equal(call_raw(node, &request, &first), WAT_INVALID_ARGUMENT);
	request.request_id.len = 15;
	assert_int_equal(call_raw(node, &request, &first), WAT_INVALID_ARGUMENT);
	wat_node_free(node);
	wat_free(connection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIGURED_CASE(test_admin),
		CONFIGURED_CASE(test_only),
		CONFIGURED_CASE(test_wire),
	};

	return test_run_cases(tests, NULL, NULL);
}
