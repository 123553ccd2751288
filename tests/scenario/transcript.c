/* transcript.c - a client that says everything that it sees: transcript SOCKET ADMIN_SOCKET
 * thread|process. Every reply as bytes, every failure with its text and its chain, and what watctl
 * prints about it. The tier is one word for it, handed on to spawn. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.client.h"
#include "probe.client.h"

static const char *socket_path, *tier_name;
static uint32_t tier;
static wat *node_side, *user_side;
static wat_node *node;

static void __attribute__((noreturn)) give_up(const char *what)
{
	printf("transcript ends: %s: %s\n", what, wat_failure()->text);
	exit(1);
}

static void say_bytes(const uint8_t *bytes, size_t n)
{
	printf("  %zu bytes", n);
	for (size_t i = 0; i < n && i < 200; i++)
		printf("%s%02x", i % 4 ? "" : " ", bytes[i]);
	printf("\n");
}

static void say_failure(const struct wat_failure *failure)
{
	printf("  %s\n", failure->text);
	for (size_t i = 0; i < failure->n_causes; i++) {
		const struct wat_cause *c = &failure->causes[i];

		printf("  cause %d service %s instance %s method %s generation %llu signal %d: "
		       "%s\n",
		       c->kind, c->service, c->instance, c->method,
		       (unsigned long long)c->generation, c->signal, c->text);
	}
}

/* How a call ended. False: it failed. */
static int say_end(const char *what, int r)
{
	printf("%s: %s (%d)\n", what, r < 0 ? strerror(-r) : wat_status_name(r), r);
	if (r != 0)
		say_failure(wat_failure());
	return r == 0;
}

static void say_message(const char *what, int r, const ProtobufCMessage *message)
{
	uint8_t *bytes;
	size_t n;

	if (!say_end(what, r))
		return;
	n = protobuf_c_message_get_packed_size(message);
	bytes = malloc(n + 1);
	if (!bytes)
		give_up("memory");
	protobuf_c_message_pack(message, bytes);
	say_bytes(bytes, n);
	free(bytes);
}

/* watctl with these arguments, and all that it says. */
static void __attribute__((format(printf, 1, 2))) say_watctl(const char *format, ...)
{
	char arguments[512], command[1024], line[4096];
	va_list list;
	FILE *output;
	int status;

	va_start(list, format);
	vsnprintf(arguments, sizeof arguments, format, list);
	va_end(list);
	printf("$ watctl %s\n", arguments);
	snprintf(command, sizeof command, WAT_BUILD_DIR "/bin/watctl -s %s %s 2>&1", socket_path,
		 arguments);
	fflush(stdout);
	output = popen(command, "re");
	if (!output)
		give_up("popen");
	while (fgets(line, sizeof line, output))
		fputs(line, stdout);
	status = pclose(output);
	printf("exit %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static uint16_t method_of(const struct wat_interface *interface, const char *name)
{
	for (uint16_t i = 0; i < interface->n_methods; i++)
		if (strcmp(interface->methods[i].name, name) == 0)
			return i;
	give_up(name);
}

/* A request of raw bytes, and the reply as such. */
static void say_raw(wat_capability *user, uint16_t method, const void *request, size_t n)
{
	uint8_t *reply = NULL;
	size_t n_reply = 0;
	char what[32];
	int r = wat_call_raw(user, method, 0, 0, request, n, &reply, &n_reply);

	snprintf(what, sizeof what, "method %u", method);
	if (say_end(what, r))
		say_bytes(reply, n_reply);
	wat_memory_free(reply);
}

static void say_call(probe_user *user, const char *method, const ProtobufCMessage *in)
{
	size_t n = protobuf_c_message_get_packed_size(in);
	uint8_t *request = malloc(n + 1);

	if (!request)
		give_up("memory");
	protobuf_c_message_pack(in, request);
	printf("%s ", method);
	say_raw((wat_capability *)user, method_of(&probe_interface, method), request, n);
	free(request);
}

static void say_change(probe_user *user, const char *method, int64_t n, const char *note)
{
	probe_change change = PROBE_CHANGE_INIT;

	change.n = n;
	change.note = (char *)note;
	say_call(user, method, &change.base);
}

static void say_size(probe_user *user, const char *method, uint64_t n)
{
	probe_size size = PROBE_SIZE_INIT;

	size.n = n;
	say_call(user, method, &size.base);
}

static int spawn_probe(const char *name, const char *note, probe_admin **ret)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	probe_state initial = PROBE_STATE_INIT;

	spawn.tier = tier;
	initial.value = 40;
	initial.note = (char *)note;
	return probe_spawn(node, name, &spawn, &initial, ret);
}

static void say_spawns(void)
{
	static const char *const notes[] = {"refuse start", "panic start", "crash start", "\xff"};
	static const char *const names[] = {"", "Upper", "a/b", "-a", "p1"};
	probe_admin *admin = NULL;
	char *token = NULL;

	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
		say_end("spawn", spawn_probe("p1", notes[i], &admin));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		admin = NULL;
		say_end(names[i], spawn_probe(names[i], "", &admin));
		say_end("again", spawn_probe(names[i], "", &admin));
		if (admin)
			say_end("stop", probe_stop(admin, NULL));
		probe_admin_free(admin);
	}
	say_end("spawn nothing", wat_spawn_raw(node, "probe.Nothing", "n1", NULL, NULL, 0, &token));
	say_watctl("-j spawn probe w1 --tier %s --state '{\"value\": 1}'", tier_name);
	say_watctl("spawn probe w1 --tier %s", tier_name);
	say_watctl("spawn probe w2 --tier %s --state '{\"value\": true}'", tier_name);
	say_watctl("-j spawn guest.Desk w3 --tier %s --state '{\"start\": \"REFUSE\"}'", tier_name);
}

static char *provision(probe_admin *admin, const char *name, uint64_t methods)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	char *token = NULL;
	int r;

	grant.name = name;
	grant.methods = methods;
	r = wat_provision_raw((wat_capability *)admin, &grant, &token);
	say_end(name, r);
	return token;
}

static void say_open(const char *token)
{
	probe_user *user = NULL;

	say_end("open", probe_user_open(user_side, token, &user));
	probe_user_free(user);
}

static void say_calls(probe_user *user)
{
	static const char *const changing[] = {
		"Add",    "AddThenFail", "AddThenPanic", "Sneak",      "Prompt",
		"Forget", "BadReply",    "BadState",     "BadFailure", "AddPositive"};
	static const uint8_t garbage[] = {0x0a, 0xff, 0x01}, deep[] = {0x12, 0x02, 0x61, 0xff};
	probe_change none = PROBE_CHANGE_INIT;

	say_call(user, "Get", &none.base);
	for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) {
		say_change(user, changing[i], -3, "a note");
		say_call(user, "Get", &none.base);
	}
	say_size(user, "Big", 500);
	say_size(user, "Big", 2000000);
	say_size(user, "Grow", 10);
	say_size(user, "Grow", 70000);
	say_size(user, "Allocate", 9000000);
	say_size(user, "Spin", 1000);
	say_raw((wat_capability *)user, 1, garbage, sizeof garbage);
	say_raw((wat_capability *)user, 1, deep, sizeof deep);
	say_raw((wat_capability *)user, 63, NULL, 0);
	say_raw((wat_capability *)user, 500, NULL, 0);
	say_call(user, "Get", &none.base);
}

static void on_reply(void *arg,
		     int status,
		     const uint8_t *reply,
		     size_t n,
		     const struct wat_failure *failure)
{
	printf("answer of %s: %s\n", (const char *)arg, wat_status_name(status));
	if (status == 0)
		say_bytes(reply, n);
	else
		say_failure(failure);
}

/* Many under way: what comes, and in which order. */
static void say_pipelined(probe_user *user)
{
	static const char *const methods[] = {"Add", "Wait", "AddThenFail",     "Wait",
					      "Add", "Get",  "ReleaseThenFail", "Release",
					      "Add", "Wait", "AddThenPanic",    "Get"};
	static const uint8_t request[] = {0x08, 0x02, 0x12, 0x01, 0x61};

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (wat_send_raw((wat_capability *)user, method_of(&probe_interface, methods[i]), 0,
				 0, request, sizeof request, on_reply, (void *)methods[i]) != 0)
			give_up("send");
	/* One waits in vain, and is taken back. */
	while (wat_outstanding(user_side) > 1)
		if (wat_dispatch(user_side, -1) != 0)
			give_up("dispatch");
	printf("taken back: %zu\n", wat_cancel(user_side, methods[9]));
	while (wat_outstanding(user_side) > 0)
		if (wat_dispatch(user_side, -1) != 0)
			give_up("dispatch");
}

static void say_grants(probe_admin *admin)
{
	char *reader = provision(admin, "reader", 1), *gone = provision(admin, "gone", 0);
	probe_change none = PROBE_CHANGE_INIT;
	probe_user *user = NULL;
	probe_admin *wrong = NULL;

	wat_memory_free(provision(admin, "reader", 0));
	wat_memory_free(provision(admin, "Wrong Name", 0));
	wat_memory_free(provision(admin, "too-much", UINT64_C(1) << 40));
	say_end("open reader", probe_user_open(user_side, reader, &user));
	say_call(user, "Get", &none.base);
	say_change(user, "Add", 1, "");
	probe_user_free(user);
	user = NULL;
	say_end("as an Admin", probe_admin_open(user_side, reader, &wrong));
	say_end("open gone", probe_user_open(user_side, gone, &user));
	say_call(user, "Get", &none.base);
	say_end("deprovision", probe_deprovision(admin, "gone"));
	say_call(user, "Get", &none.base);
	probe_user_free(user);
	say_open(gone);
	say_open("wats1_AAAA");
	say_end("deprovision", probe_deprovision(admin, "gone"));
	wat_memory_free(reader);
	wat_memory_free(gone);
}

/* In an instance whose state nobody has changed: it is the same after the death, however much time
 * goes by. */
static void say_crash(void)
{
	probe_change none = PROBE_CHANGE_INIT;
	probe_admin *admin = NULL;
	probe_user *user = NULL;
	char *token;

	say_end("spawn", spawn_probe("p2", "", &admin));
	token = provision(admin, "u1", 0);
	say_end("open", probe_user_open(user_side, token, &user));
	say_call(user, "Crash", &none.base);
	say_call(user, "Get", &none.base);
	say_watctl("-j show p2");
	say_watctl("show p2");
	say_end("stop", probe_stop(admin, NULL));
	wat_memory_free(token);
	probe_user_free(user);
	probe_admin_free(admin);
}

static void say_users_left(probe_admin *admin)
{
	const struct wat_user_left *left = NULL;
	size_t n = 0, n_left = probe_users_left(admin, &left, &n);

	printf("users left: %zu\n", n_left);
	for (size_t i = 0; i < n; i++)
		printf("  %s\n", left[i].name);
}

static void say_stop(probe_admin *admin, probe_user *user, const char *token)
{
	probe_change none = PROBE_CHANGE_INIT;
	probe_state *final = NULL;
	probe_admin *next = NULL;
	int r = probe_stop(admin, &final);

	say_message("stop", r, final ? &final->base : NULL);
	say_users_left(admin);
	say_call(user, "Get", &none.base);
	say_open(token);
	say_end("stop again", probe_stop(admin, NULL));
	say_watctl("-j show p1");
	say_end("next", spawn_probe("p1", "", &next));
	say_open(token);
	say_end("provision by the one before", probe_deprovision(admin, "reader"));
	say_end("stop", probe_stop(next, NULL));
	probe_state_free(final);
	probe_admin_free(next);
}

static void say_probe(void)
{
	probe_admin *admin = NULL;
	probe_user *user = NULL;
	char *token;

	say_end("spawn", spawn_probe("p1", "", &admin));
	token = provision(admin, "u1", 0);
	say_end("open", probe_user_open(user_side, token, &user));
	say_calls(user);
	say_pipelined(user);
	say_grants(admin);
	say_stop(admin, user, token);
	wat_memory_free(token);
	probe_user_free(user);
	probe_admin_free(admin);
}

/* The same as somebody at a terminal sees it: the node, */
static void say_node(void)
{
	say_watctl("-j status");
	say_watctl("ls");
	say_watctl("-j ls");
	say_watctl("plugins");
	say_watctl("describe probe");
	say_watctl("-j describe guest.Desk");
}

/* calls, */
static void say_terminal_calls(void)
{
	say_watctl("provision w1 me");
	say_watctl("call w1 Get");
	say_watctl("call w1 Add '{\"n\": 5, \"note\": \"five\"}'");
	say_watctl("-j call w1 Add '{\"n\": \"x\"}'");
	say_watctl("-j call w1 AddThenFail '{\"n\": 5}'");
	say_watctl("-j call w1 AddThenPanic '{\"n\": 5}'");
	say_watctl("call w1 Nothing");
	say_watctl("call w1 Big '{\"n\": 20}'");
	say_watctl("stop w1");
	say_watctl("-j stop w1");
	say_watctl("call w1 Get");
	say_watctl("start w1 --tier %s", tier_name);
	say_watctl("call w1 Get");
	say_watctl("stop w1");
	say_watctl("kill w1");
}

/* users. Nobody calls d1: when a channel's end is noticed depends on who is quicker. */
static void say_terminal_users(void)
{
	say_watctl("spawn guest.Desk d1 --tier %s --state '{\"capacity\": 2}'", tier_name);
	say_watctl("provision d1 one");
	say_watctl("-j provision d1 two");
	say_watctl("provision d1 three");
	say_watctl("-j provision d1 three");
	say_watctl("users d1");
	say_watctl("-j users d1");
	say_watctl("deprovision d1 two");
	say_watctl("deprovision d1 two");
	say_watctl("-j stop d1");
	say_watctl("start d1 --tier %s", tier_name);
	say_watctl("call d1 Seen --as one");
	say_watctl("stop d1");
	say_watctl("spawn guest.Desk d2 --tier %s", tier_name);
	say_watctl("provision d2 one");
	say_watctl("call d2 Who");
	say_watctl("call d2 Hidden");
	say_watctl("spawn guest.Cache k1 --tier %s", tier_name);
	say_watctl("provision k1 me");
	say_watctl("-j call k1 PutThenPanic '{\"key\": \"half\"}'");
	say_watctl("show k1");
	say_watctl("stop k1");
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 64;
	socket_path = argv[1];
	tier_name = argv[3];
	tier = strcmp(tier_name, "thread") == 0 ? WAT_TIER_THREAD : WAT_TIER_PROCESS;
	if (wat_connect(argv[2], &node_side) != 0 || wat_connect(socket_path, &user_side) != 0 ||
	    wat_node_open(node_side, &node) != 0)
		give_up("connect");
	say_spawns();
	say_watctl("stop w1");
	say_crash();
	say_probe();
	say_watctl("start w1 --tier %s", tier_name);
	say_node();
	say_terminal_calls();
	say_terminal_users();
	wat_node_free(node);
	wat_free(user_side);
	wat_free(node_side);
	printf("end\n");
	return 0;
}
