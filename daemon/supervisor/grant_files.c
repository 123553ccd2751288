/* grant_files.c - the Users of the configuration and their token files. Loop thread.
 * Making one: reserve the file -> key -> Provision as by an Admin -> write the file -> end what it
 * replaces. */
#include "daemon/supervisor/grant_files.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/base/secret.h"
#include "daemon/supervisor/configured.h"
#include "daemon/supervisor/configured_users.h"
#include "daemon/supervisor/grant_judge.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/notify.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/token_out.h"
#include "daemon/supervisor/user_begin.h"
#include "daemon/supervisor/user_end.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

#define LOOK_AGAIN_S 3600u /* at the latest: clocks jump */
#define RETRY_S 30u        /* after trouble */

struct grant_file {
	struct list link;
	struct node *node;
	char user[WAT_NAME_MAX + 1];
	char *trouble;  /* NULL: none */
	bool busy;      /* one is being made; from here on only then */
	bool again;     /* it is to be looked at once more afterwards */
	bool beginning; /* inside the call that asks for it */
	bool replaces;  /* those before it end */
	struct token_out *out;
	uint8_t *seed; /* locked, wiped when freed */
};

static void end_making(struct grant_file *file)
{
	file->busy = false;
	file->out = token_out_free(file->out);
	file->seed = secret_free(file->seed);
}

static void grant_file_free(struct grant_file *file)
{
	list_remove(&file->link);
	end_making(file);
	free(file->trouble);
	free(file);
}

void grant_files_init(struct grant_files *files)
{
	list_init(&files->all);
	files->timer = NULL;
}

void grant_files_deinit(struct grant_files *files)
{
	list_for_each_safe (i, &files->all) {
		grant_file_free(container_of(i, struct grant_file, link));
	}
	if (files->timer)
		event_free(files->timer);
	files->timer = NULL;
}

/* Takes the text; NULL: no memory. Said once, however often it is tried. */
static void set_trouble(struct grant_file *file, char *trouble)
{
	bool new = !file->trouble || !trouble || strcmp(file->trouble, trouble) != 0;

	free(file->trouble);
	file->trouble = trouble ? trouble : strdup("no memory");
	notify_changed(file->node);
	if (new)
		log_error("a configured grant has no fresh token file", "user", file->user, "why",
			  file->trouble ? file->trouble : "no memory", "help",
			  "it is tried again; watctl reload tries at once");
}

static void clear_trouble(struct grant_file *file)
{
	if (file->trouble)
		notify_changed(file->node);
	free(file->trouble);
	file->trouble = NULL;
}

static const struct config_section *section_of(const struct grant_file *file)
{
	return config_find(file->node->options->config, CONFIG_GRANT, file->user);
}

static char *say(const struct config_section *section, const char *what)
{
	char *text;

	return asprintf(&text, "%s:%u: [grant %s]: %s", section->place.file, section->place.line,
			section->name, what) < 0
		       ? NULL
		       : text;
}

/* False after the trouble was set. */
static bool read_wanted(struct grant_file *file,
			const struct config_section *section,
			const struct instance *instance,
			struct grant_wanted *ret)
{
	struct node *node = file->node;
	const struct plugin_file *plugin;
	const Wat__Manifest__Service *service;
	struct problems problems = {0};
	bool good = false;

	if (catalog_find(&node->catalog, instance->service, &plugin, &service) != CATALOG_FOUND)
		set_trouble(file, say(section, "the plugin of its instance is not there any more"));
	else
		good = configured_methods(service, section, &problems, &ret->mask) &&
		       configured_group(section, &problems, &ret->gid);
	if (problems.n > 0)
		set_trouble(file, strdup(problems.texts[0]));
	problems_deinit(&problems);
	ret->path = config_text(section, GRANT_KEY_out);
	ret->life_s = config_number(section, GRANT_KEY_expires);
	if (ret->life_s == 0)
		ret->life_s = node->options->limits.grant_life_s;
	return good;
}

static void ensure(struct grant_file *file);
static void plan(struct node *node);

static void log_written(const struct grant_file *file, const struct instance *instance)
{
	const struct config_section *section = section_of(file);

	log_info("a token file is fresh", "user", file->user, "instance", instance->name, "path",
		 section ? config_text(section, GRANT_KEY_out) : "");
}

/* The grant is active: its token goes into the file. Without one nobody could use it. */
static int take_token(struct grant_file *file, const Wat__Admin__ProvisionReply *reply)
{
	struct token token;
	struct grant *grant;
	struct instance *instance;
	int r;

	if (token_decode(reply->token.data, reply->token.len, &token) != TOKEN_OK)
		return -EBADMSG;
	grant = grant_table_find(file->node->grants, token.grant_id);
	if (!grant)
		return -ESTALE;
	instance = grant->instance;
	token.has_seed = true;
	memcpy(token.seed, file->seed, sizeof token.seed);
	r = token_out_commit(file->out, &token);
	sodium_memzero(token.seed, sizeof token.seed);
	if (r < 0) {
		user_end(file->node, grant, NULL, "its token can't be written");
		return r;
	}
	log_written(file, instance);
	configured_users_keep(file->node, instance, grant);
	return 0;
}

static int take_reply(struct grant_file *file, const struct operation *operation)
{
	ProtobufCMessage *reply;
	int r = check_unpack(&wat__admin__provision_reply__descriptor, NULL, operation->reply,
			     operation->reply_len, &reply, NULL);

	if (r < 0)
		return r;
	r = take_token(file, (const Wat__Admin__ProvisionReply *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return r;
}

static void tell(struct grant_file *file, const char *format, const char *a, const char *b)
	__attribute__((format(printf, 2, 0)));

static void tell(struct grant_file *file, const char *format, const char *a, const char *b)
{
	const struct config_section *section = section_of(file);
	char text[WAT_FAILURE_TEXT_MAX + 256];

	(void)snprintf(text, sizeof text, format, a, b);
	if (section)
		set_trouble(file, say(section, text));
}

static void on_provisioned(void *arg,
			   const struct operation *operation,
			   wat_status status,
			   const char *text)
{
	struct grant_file *file = arg;
	struct node *node = file->node;
	bool inside = file->beginning;
	int r = status == WAT_OK ? take_reply(file, operation) : 0;

	end_making(file);
	if (status != WAT_OK) {
		tell(file, "%s: %s", wat_status_name((int)status), text);
	} else if (r < 0) {
		tell(file, "its token can't be written%s: %s", "", strerror(-r));
	} else {
		clear_trouble(file);
	}
	/* Its section may have gone or changed meanwhile, and then the file goes too. */
	if (file->again || !section_of(file)) {
		file->again = false;
		grant_files_update(node);
	}
	plan(node);
	/* Whoever asked for it goes on, maybe with the next one. */
	if (!inside)
		node_check_progress(node);
}

static int make_key(struct grant_file *file, uint8_t pk[32])
{
	uint8_t sk[64];
	void *seed;
	int r = secret_alloc(32, &seed);

	if (r < 0)
		return r;
	file->seed = seed;
	randombytes_buf(file->seed, 32);
	crypto_sign_seed_keypair(pk, sk, file->seed);
	sodium_memzero(sk, sizeof sk);
	return 0;
}

static void make(struct grant_file *file,
		 struct instance *instance,
		 const struct grant_wanted *wanted,
		 bool replaces)
{
	Wat__Admin__ProvisionRequest request = WAT__ADMIN__PROVISION_REQUEST__INIT;
	struct operation *operation;
	uint8_t pk[32];
	int r = token_out_reserve(wanted->path, wanted->gid, &file->out);

	if (r < 0) {
		tell(file, "%s can't be written: %s", wanted->path,
		     r == -EEXIST ? "it is no regular file" : strerror(-r));
		return;
	}
	operation =
		operation_own(file->node, ANSWER_OF_ADMIN(ADMIN_PROVISION), on_provisioned, file);
	if (!operation || make_key(file, pk) < 0) {
		if (operation)
			operation_forget(operation);
		end_making(file);
		set_trouble(file, NULL);
		return;
	}
	file->busy = true;
	request.user = file->user;
	request.holder_pk = (ProtobufCBinaryData){sizeof pk, pk};
	request.method_mask = wanted->mask;
	request.not_after = node_time(file->node) + wanted->life_s;
	file->beginning = true;
	user_begin(operation, instance, &request,
		   replaces ? STORE_CONFIGURED : STORE_CONFIGURED_BESIDE);
	file->beginning = false;
}

static void look(struct grant_file *file,
		 const struct config_section *section,
		 struct instance *instance)
{
	bool foreign;
	struct grant_wanted wanted;
	struct grant *grant;
	enum grant_verdict verdict;

	(void)configured_user_find(instance, file->user, &foreign);
	if (foreign) {
		set_trouble(file,
			    say(section, "its instance has a User of this name that the "
					 "configuration did not make; deprovision it, or choose "
					 "another name"));
		return;
	}
	if (!read_wanted(file, section, instance, &wanted))
		return;
	verdict = grant_judge(instance, file->user, &wanted, node_time(file->node), &grant);
	/* A watd that was killed may not have come to it. */
	if (grant)
		configured_users_keep(file->node, instance, grant);
	if (verdict != GRANT_LEAVE) {
		make(file, instance, &wanted, verdict == GRANT_REPLACE);
		return;
	}
	token_out_clean(wanted.path);
	clear_trouble(file);
}

/* Once its instance is ready. */
static void ensure(struct grant_file *file)
{
	const struct config_section *section = section_of(file);
	const char *name = section ? config_text(section, GRANT_KEY_instance) : NULL;
	struct instance *instance =
		name ? instance_table_by_name(&file->node->instances, name) : NULL;

	if (file->busy)
		file->again = true;
	else if (instance && instance->state == INSTANCE_READY && !file->node->suspending)
		look(file, section, instance);
}

static struct grant_file *find_file(const struct node *node, const char *user)
{
	list_for_each (i, &node->grant_files.all) {
		struct grant_file *file = container_of(i, struct grant_file, link);

		if (strcmp(file->user, user) == 0)
			return file;
	}
	return NULL;
}

/* Does the configuration still give the instance this User? */
static bool is_wanted(const struct node *node, const struct instance *instance, const char *user)
{
	const struct config_section *section =
		config_find(node->options->config, CONFIG_GRANT, user);

	return section && strcmp(config_text(section, GRANT_KEY_instance), instance->name) == 0;
}

/* A user's end needs its instance, whose Deprovision handler runs. */
static void end_unwanted(struct node *node, const struct instance *instance)
{
	if (instance->state != INSTANCE_READY)
		return;
	list_for_each_safe (i, &instance->grants) {
		struct grant *grant = container_of(i, struct grant, of_instance);

		if (!configured_user(grant) || is_wanted(node, instance, grant->row.user))
			continue;
		log_info("a User is no longer in the configuration and ends", "user",
			 grant->row.user, "instance", instance->name);
		user_end(node, grant, NULL, "it is not in the configuration any more");
	}
}

static void add_file(struct node *node, const char *user)
{
	struct grant_file *file = calloc(1, sizeof *file);

	if (!file) {
		log_error("no memory for a configured grant", "user", user);
		return;
	}
	file->node = node;
	(void)snprintf(file->user, sizeof file->user, "%s", user);
	list_append(&node->grant_files.all, &file->link);
}

void grant_files_update(struct node *node)
{
	list_for_each_safe (i, &node->grant_files.all) {
		struct grant_file *file = container_of(i, struct grant_file, link);

		/* One that is being made is seen to when it is done. */
		if (!section_of(file) && !file->busy)
			grant_file_free(file);
	}
	config_for_each (section, node->options->config, CONFIG_GRANT) {
		if (!find_file(node, section->name))
			add_file(node, section->name);
	}
	list_for_each (i, &node->instances.all) {
		end_unwanted(node, container_of(i, struct instance, all));
	}
	list_for_each (i, &node->grant_files.all) {
		ensure(container_of(i, struct grant_file, link));
	}
	plan(node);
}

void grant_files_ready(struct node *node, const struct instance *instance)
{
	end_unwanted(node, instance);
	list_for_each (i, &node->grant_files.all) {
		struct grant_file *file = container_of(i, struct grant_file, link);
		const struct config_section *section = section_of(file);

		if (section &&
		    strcmp(config_text(section, GRANT_KEY_instance), instance->name) == 0)
			ensure(file);
	}
	plan(node);
}

bool grant_files_are_settled(const struct node *node)
{
	list_for_each (i, &node->grant_files.all) {
		if (container_of(i, struct grant_file, link)->busy)
			return false;
	}
	return true;
}

const char *grant_files_trouble(const struct node *node, const struct list **at)
{
	const struct list *all = &node->grant_files.all;

	*at = *at ? (*at)->next : all->next;
	for (; *at != all; *at = (*at)->next) {
		const struct grant_file *file = container_of(*at, struct grant_file, link);

		if (file->trouble)
			return file->trouble;
	}
	return NULL;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;

	(void)fd;
	(void)what;
	if (node->suspending)
		return;
	configured_users_end_expired(node);
	list_for_each (i, &node->grant_files.all) {
		ensure(container_of(i, struct grant_file, link));
	}
	plan(node);
}

/* Sets the timer. */
static void plan(struct node *node)
{
	struct grant_files *files = &node->grant_files;
	uint64_t now = node_time(node), next = LOOK_AGAIN_S;
	const struct list *at = NULL;
	struct timeval timeout;

	next = configured_users_next(node, now, next);
	/* What is due and in trouble would be due at once. */
	if (grant_files_trouble(node, &at))
		next = RETRY_S;
	if (list_empty(&files->all) && next == LOOK_AGAIN_S)
		return;
	timeout = (struct timeval){.tv_sec = (time_t)next};
	if (!files->timer)
		files->timer = evtimer_new(node->base, on_time, node);
	if (!files->timer || evtimer_add(files->timer, &timeout) < 0)
		log_error("no memory for the clock of configured grants; they are not renewed");
}
