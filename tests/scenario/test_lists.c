/* test_lists.c - who lists what there is gets all of it, however much that is: page by page, each
 * entry once and in order, though some come and go in between; and who asks for no page gets
 * everything at once, as before. A page of a watd of before is no place to go on from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wat/node.pb-c.h>
#include <wat/raw.h>

#include "tests/scenario/desk.h"

/* More than watctl asks for at once. */
#define MANY 120u

#define LIST 3u
#define USERS 5u

static void name_of(unsigned i, char ret[static 16])
{
	(void)snprintf(ret, 16, "n%u", i);
}

static guest_desk_admin *begin(struct desk *desk, unsigned i)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	guest_desk_admin *admin;
	char name[16];

	name_of(i, name);
	spawn.tier = WAT_TIER_THREAD;
	if (guest_desk_spawn(desk->node, name, &spawn, NULL, &admin) != 0)
		fail_msg("%s: %s", name, wat_failure()->text);
	return admin;
}

static void spawn(struct desk *desk, unsigned i)
{
	guest_desk_admin_free(begin(desk, i));
}

static ProtobufCMessage *ask(struct desk *desk,
			     uint16_t method,
			     const ProtobufCMessage *request,
			     const ProtobufCMessageDescriptor *of_reply)
{
	uint8_t bytes[256], *reply = NULL;
	ProtobufCMessage *message;
	size_t n;

	assert_true(protobuf_c_message_get_packed_size(request) <= sizeof bytes);
	n = protobuf_c_message_pack(request, bytes);
	if (wat_node_call_raw(desk->node, method, bytes, n, &reply, &n) != 0)
		return NULL;
	message = protobuf_c_message_unpack(of_reply, NULL, n, reply);
	assert_non_null(message);
	wat_memory_free(reply);
	return message;
}

static Wat__Node__InstanceList *page(struct desk *desk, uint64_t after, uint32_t limit)
{
	Wat__Node__ListRequest request = WAT__NODE__LIST_REQUEST__INIT;

	request.after = after;
	request.limit = limit;
	return (Wat__Node__InstanceList *)ask(desk, LIST, &request.base,
					      &wat__node__instance_list__descriptor);
}

static void page_free(Wat__Node__InstanceList *list)
{
	protobuf_c_message_free_unpacked(&list->base, NULL);
}

/* The page has these, and no others; where the next one goes on. */
static uint64_t expect_page(struct desk *desk,
			    uint64_t after,
			    uint32_t limit,
			    const unsigned *numbers,
			    size_t n)
{
	Wat__Node__InstanceList *list = page(desk, after, limit);
	uint64_t next;

	assert_non_null(list);
	assert_int_equal(list->n_instances, n);
	for (size_t i = 0; i < n; i++) {
		char name[16];

		name_of(numbers[i], name);
		assert_string_equal(list->instances[i]->name, name);
	}
	next = list->next;
	page_free(list);
	return next;
}

#define PAGE(...) \
	(const unsigned[]){__VA_ARGS__}, sizeof((unsigned[]){__VA_ARGS__}) / sizeof(unsigned)

static void drop(struct desk *desk, guest_desk_admin *admin, const char *name)
{
	struct test_output out;

	assert_int_equal(guest_desk_stop(admin, NULL), 0);
	guest_desk_admin_free(admin);
	test_watctl(&desk->daemon, &out, "rm", name, NULL);
	assert_int_equal(out.code, 0);
}

/* What was there all the time is in one page, and only in one. */
static void test_pages(void **state)
{
	guest_desk_admin *admins[5];
	struct desk *desk = *state;
	uint64_t next;

	for (unsigned i = 0; i < 5; i++)
		admins[i] = begin(desk, i);
	assert_true(expect_page(desk, 0, 0, PAGE(0, 1, 2, 3, 4)) == 0);
	assert_true(expect_page(desk, 0, 5, PAGE(0, 1, 2, 3, 4)) == 0);
	next = expect_page(desk, 0, 2, PAGE(0, 1));
	assert_true(next != 0);
	assert_true(expect_page(desk, next, 0, PAGE(2, 3, 4)) == 0);
	/* The one that the cursor is of, and one behind it. */
	drop(desk, admins[1], "n1");
	drop(desk, admins[3], "n3");
	spawn(desk, 5);
	next = expect_page(desk, next, 2, PAGE(2, 4));
	assert_true(expect_page(desk, next, 2, PAGE(5)) == 0);
	for (unsigned i = 0; i < 5; i += 2)
		guest_desk_admin_free(admins[i]);
}

static void test_other_watd(void **state)
{
	struct desk *desk = *state;
	uint64_t next;

	spawn(desk, 0);
	spawn(desk, 1);
	next = expect_page(desk, 0, 1, PAGE(0));
	desk_disconnect(desk);
	assert_int_equal(test_daemon_terminate(&desk->daemon), 0);
	test_daemon_start(&desk->daemon);
	desk_connect(desk);
	assert_null(page(desk, next, 1));
	assert_int_equal(wat_failure()->status, WAT_ABORTED);
	assert_true(expect_page(desk, 0, 0, PAGE(0, 1)) == 0);
}

/* Each "name" of the document, in order, is the next one of ours. */
static void expect_all(const char *json)
{
	const char *at = json;
	char name[32];

	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof name, "\"name\":\"n%u\"", i);
		at = strstr(at, name);
		if (!at)
			fail_msg("n%u is not there", i);
		at++;
	}
	assert_null(strstr(at, "\"name\":"));
}

static void provision(guest_desk_admin *admin, unsigned i)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	guest_desk_user *user;
	char name[16];

	name_of(i, name);
	grant.name = name;
	if (guest_desk_provision(admin, &grant, &user) != 0)
		fail_msg("%s: %s", name, wat_failure()->text);
	guest_desk_user_free(user);
}

/* watctl puts the pages together: one document with all in it. */
static void test_watctl_joins(void **state)
{
	static struct test_output out;
	struct desk *desk = *state;
	guest_desk_admin *admin = desk_spawned(desk, WAT_TIER_PROCESS, NULL);

	for (unsigned i = 0; i < MANY; i++)
		provision(admin, i);
	test_watctl(&desk->daemon, &out, "-j", "users", "d1", NULL);
	assert_int_equal(out.code, 0);
	expect_all(out.out);
	test_watctl(&desk->daemon, &out, "users", "d2", NULL);
	assert_int_not_equal(out.code, 0);
	guest_desk_admin_free(admin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_pages),
		DESK_CASE(test_other_watd),
		DESK_CASE(test_watctl_joins),
	};

	return test_run_cases(tests, NULL, NULL);
}
