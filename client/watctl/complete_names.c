/* complete_names.c - names from watd; of instances and Users, where watd does not tell this user
 * about the node, from the keyring. */
#include "client/watctl/complete_names.h"

#include <stdio.h>
#include <string.h>

#include <wat/types.pb-c.h>

#include "client/watctl/connection.h"
#include "client/watctl/describe.h"
#include "client/watctl/hold.h"
#include "client/watctl/message.h"
#include "client/watctl/method.h"
#include "proto/schema.h"

#define TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name

static const struct command as_node = {.name = "", .arguments = "", .power = WATCTL_NODE};
static const struct command as_user = {.name = "", .arguments = "", .power = WATCTL_USER};

struct offer {
	struct watctl *ctl;
	const char *prefix, *word;
};

static void offer(const struct offer *o, const char *name)
{
	size_t n = strlen(o->prefix);

	if (strncmp(o->word, o->prefix, n) == 0 &&
	    strncmp(o->word + n, name, strlen(o->word + n)) == 0)
		printf("%s%s\n", o->prefix, name);
}

static void offer_list(const struct offer *o, const struct keyring_users *names)
{
	for (size_t i = 0; i < names->n; i++)
		offer(o, names->names[i]);
}

/* As somebody who may ask about the node: true if that is possible. */
static bool open_node(struct watctl *ctl)
{
	ctl->command = &as_node;
	return connection_open(ctl) == 0;
}

/* As somebody with tokens; what was tried before is closed. */
static bool open_keyring(struct watctl *ctl, struct keyring **ret)
{
	watctl_deinit(ctl);
	ctl->command = &as_user;
	return hold_keyring(ctl, ret) == 0;
}

/* False: watd does not tell. */
static bool offer_instances_of_node(const struct offer *o)
{
	Wat__Node__ListRequest request = WAT__NODE__LIST_REQUEST__INIT;

	request.limit = UINT32_MAX;
	do {
		_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
		const Wat__Node__InstanceList *list;

		if (connection_node_try(o->ctl, "List", &request.base, &reply) != 0)
			return request.after != 0;
		list = (const Wat__Node__InstanceList *)reply;
		for (size_t i = 0; i < list->n_instances; i++)
			offer(o, list->instances[i]->name);
		request.after = list->next;
	} while (request.after != 0);
	return true;
}

static void offer_instances(const struct offer *o)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(keyring_users_deinit) struct keyring_users names = {0};

	if (open_node(o->ctl) && offer_instances_of_node(o))
		return;
	if (open_keyring(o->ctl, &keyring) && keyring_instances(keyring, &names) == 0)
		offer_list(o, &names);
}

static void offer_users(const struct offer *o, const char *instance)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(keyring_users_deinit) struct keyring_users names = {0};

	if (open_keyring(o->ctl, &keyring) && keyring_users(keyring, instance, &names) == 0)
		offer_list(o, &names);
}

static void offer_services(const struct offer *o)
{
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	Wat__Empty request = WAT__EMPTY__INIT;
	const Wat__Node__PluginList *list;

	/* A path is a plugin's file. */
	if (strchr(o->word, '/')) {
		puts(":files");
		return;
	}
	if (!open_node(o->ctl) ||
	    connection_node_try(o->ctl, "Plugins", &request.base, &reply) != 0)
		return;
	list = (const Wat__Node__PluginList *)reply;
	for (size_t i = 0; i < list->n_files; i++)
		for (size_t j = 0; j < list->files[i]->n_services; j++) {
			offer(o, list->files[i]->services[j]->name);
			offer(o, list->files[i]->services[j]->prefix);
		}
}

/* The schema of an instance, and the name of its service; heap. */
static bool schema_by_node(struct watctl *ctl,
			   const char *instance,
			   struct schema **ret,
			   char **ret_service)
{
	Wat__Node__NameRequest request = WAT__NODE__NAME_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *shown = NULL;
	_cleanup_(describe_freep) Wat__Node__Description *description = NULL;

	request.name = (char *)(uintptr_t)instance;
	if (!open_node(ctl) || connection_node_try(ctl, "Show", &request.base, &shown) != 0 ||
	    describe_service(ctl, ((Wat__Node__Instance *)shown)->service, &description, ret) != 0)
		return false;
	*ret_service = strdup(description->service);
	return *ret_service;
}

static bool schema_by_user(struct watctl *ctl,
			   const char *instance,
			   struct schema **ret,
			   char **ret_service)
{
	_cleanup_(wat_capability_freep) wat_capability *user = NULL;

	watctl_deinit(ctl);
	ctl->command = &as_user;
	if (hold_open_user(ctl, instance, &user) != 0 || hold_schema(ctl, user, ret) != 0)
		return false;
	*ret_service = strdup(wat_capability_service(user));
	return *ret_service;
}

static bool schema_of(struct watctl *ctl,
		      const char *instance,
		      struct schema **ret,
		      char **ret_service)
{
	if (schema_by_node(ctl, instance, ret, ret_service))
		return true;
	*ret = schema_free(*ret);
	return schema_by_user(ctl, instance, ret, ret_service);
}

static void offer_methods(const struct offer *o, const method_service *service)
{
	struct method method;

	for (size_t i = 0; i < service->n_method; i++) {
		method_read(service, i, &method);
		if (!(method.flags & WAT_METHOD_INTERNAL))
			offer(o, method.name);
	}
}

/* "color=": what an enum or a bool may be. */
static void offer_values(const struct offer *o,
			 const struct schema *schema,
			 const Google__Protobuf__DescriptorProto *message)
{
	size_t n = strcspn(o->word, "=");
	const Google__Protobuf__EnumDescriptorProto *values;
	char prefix[160];
	const struct offer with_prefix = {o->ctl, prefix, o->word};

	(void)snprintf(prefix, sizeof prefix, "%.*s=", (int)n, o->word);
	for (size_t i = 0; i < message->n_field; i++) {
		const Google__Protobuf__FieldDescriptorProto *field = message->field[i];

		if (strlen(field->name) != n || strncmp(field->name, o->word, n) != 0)
			continue;
		if (field->type == TYPE(BOOL)) {
			offer(&with_prefix, "true");
			offer(&with_prefix, "false");
		}
		values = field->type == TYPE(ENUM) ? schema_enum(schema, field->type_name + 1)
						   : NULL;
		for (size_t j = 0; values && j < values->n_value; j++)
			offer(&with_prefix, values->value[j]->name);
	}
}

/* "n=", and no blank behind it. */
static void offer_fields(const struct offer *o,
			 const struct schema *schema,
			 const method_service *service,
			 const char *name)
{
	const Google__Protobuf__DescriptorProto *message;
	struct method method;
	char field[160];

	if (!method_find(service, name, &method) ||
	    !(message = schema_message(schema, method.input)))
		return;
	if (strchr(o->word, '=')) {
		offer_values(o, schema, message);
		return;
	}
	puts(":nospace");
	for (size_t i = 0; i < message->n_field; i++) {
		(void)snprintf(field, sizeof field, "%s=", message->field[i]->name);
		offer(o, field);
	}
}

static void offer_of_schema(const struct offer *o, enum watctl_word kind)
{
	const char *instance = watctl_argument(o->ctl, 0), *method = watctl_argument(o->ctl, 1);
	_cleanup_(schema_freep) struct schema *schema = NULL;
	_cleanup_(freep) char *name = NULL;
	const method_service *service;

	if (!instance || !schema_of(o->ctl, instance, &schema, &name))
		return;
	service = schema_service(schema, name);
	if (service && kind == WORD_METHOD)
		offer_methods(o, service);
	else if (service && method)
		offer_fields(o, schema, service, method);
}

void complete_names(struct watctl *ctl, enum watctl_word kind, const char *prefix, const char *word)
{
	const struct offer o = {ctl, prefix, word};
	const char *instance = watctl_argument(ctl, 0);

	if (kind == WORD_INSTANCE)
		offer_instances(&o);
	else if (kind == WORD_SERVICE)
		offer_services(&o);
	else if (kind == WORD_USER && instance)
		offer_users(&o, instance);
	else if (kind == WORD_METHOD || kind == WORD_FIELD)
		offer_of_schema(&o, kind);
}
