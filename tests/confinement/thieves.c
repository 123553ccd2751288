/* thieves.c - fixtures of the tests of confinement. */
#include "tests/confinement/thieves.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void link_plugin(const struct thieves *t, const char *name)
{
	char from[512], to[128];

	(void)snprintf(from, sizeof from, CONFINED_PLUGINS "/%s.so", name);
	(void)snprintf(to, sizeof to, "%s/%s.so", t->plugins, name);
	assert_int_equal(symlink(from, to), 0);
}

int thieves_set_up(void **state)
{
	struct thieves *t = calloc(1, sizeof *t);
	void *configured = NULL;

	assert_non_null(t);
	assert_int_equal(configured_set_up(&configured), 0);
	t->c = configured;
	test_make_dir(t->plugins, sizeof t->plugins);
	link_plugin(t, "burglar");
	link_plugin(t, "clerk");
	link_plugin(t, "starter");
	t->c->daemon.plugin_dir = t->plugins;
	*state = t;
	return 0;
}

static void remove_file(const struct thieves *t, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", t->plugins, name);
	(void)unlink(path);
}

int thieves_tear_down(void **state)
{
	static const char *const files[] = {"burglar.so", "clerk.so", "starter.so"};
	struct thieves *t = *state;
	void *configured = t->c;
	int r;

	wat_node_free(t->node);
	wat_free(t->w);
	r = configured_tear_down(&configured);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		remove_file(t, files[i]);
	(void)rmdir(t->plugins);
	free(t);
	return r;
}

static void write_keyring(struct thieves *t)
{
	FILE *file;

	(void)snprintf(t->keyring, sizeof t->keyring, "%s/a-keyring", t->c->daemon.dir);
	file = fopen(t->keyring, "we");
	assert_non_null(file);
	(void)fputs("wats1_somebody's", file);
	assert_int_equal(fclose(file), 0);
}

void thieves_start(struct thieves *t, const char *configuration)
{
	write_keyring(t);
	configured_start(t->c, configuration);
	assert_int_equal(wat_connect(t->c->daemon.admin_socket, &t->w), 0);
	assert_int_equal(wat_node_open(t->w, &t->node), 0);
}

int thieves_spawn(struct thieves *t, const char *name, uint32_t tier, burglar_user **ret)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	burglar_admin *admin;
	int r;

	spawn.tier = tier;
	grant.name = "u";
	r = burglar_spawn(t->node, name, &spawn, NULL, &admin);
	if (r != 0)
		return r;
	r = burglar_provision(admin, &grant, ret);
	burglar_admin_free(admin);
	return r;
}

pid_t thieves_host(struct thieves *t, const char *name)
{
	const char *at;

	WATCTL(t->c, "-j", "show", name);
	assert_code(t->c, 0);
	at = strstr(t->c->out.out, "\"pid\":");
	assert_non_null(at);
	return (pid_t)strtol(at + 6, NULL, 10);
}
