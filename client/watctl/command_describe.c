/* command_describe.c - describe: what a service looks like, from its plugin's schema, which watd
 * reads without running it. */
#include "client/watctl/describe.h"

#include <string.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/interface_text.h"
#include "client/watctl/interface_view.h"
#include "client/watctl/message.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"

int describe_service(struct watctl *ctl,
		     const char *service,
		     Wat__Node__Description **ret_description,
		     struct schema **ret_schema)
{
	Wat__Node__DescribeRequest request = WAT__NODE__DESCRIBE_REQUEST__INIT;
	_cleanup_(describe_freep) Wat__Node__Description *description = NULL;
	ProtobufCMessage *reply;
	int r;

	request.service = (char *)(uintptr_t)service;
	r = connection_node_call(ctl, "Describe", NULL, &request.base, &reply);
	if (r != 0)
		return r;
	description = (Wat__Node__Description *)reply;
	r = message_schema(ctl, description->schema.data, description->schema.len, ret_schema);
	if (r != 0)
		return r;
	*ret_description = TAKE(description);
	return 0;
}

int describe_try(struct watctl *ctl,
		 const char *service,
		 Wat__Node__Description **ret_description,
		 struct schema **ret_schema)
{
	Wat__Node__DescribeRequest request = WAT__NODE__DESCRIBE_REQUEST__INIT;
	_cleanup_(describe_freep) Wat__Node__Description *description = NULL;
	ProtobufCMessage *reply;
	int r;

	request.service = (char *)(uintptr_t)service;
	r = connection_node_try(ctl, "Describe", &request.base, &reply);
	if (r != 0)
		return r;
	description = (Wat__Node__Description *)reply;
	r = schema_new(description->schema.data, description->schema.len, ret_schema);
	if (r == 0)
		*ret_description = TAKE(description);
	return r;
}

int command_describe(struct watctl *ctl)
{
	_cleanup_(describe_freep) Wat__Node__Description *description = NULL;
	_cleanup_(schema_freep) struct schema *schema = NULL;
	json_auto_t *view = NULL;
	const char *what = watctl_argument(ctl, 0);
	int r;

	/* No name of a service has a slash. */
	if (strchr(what, '/'))
		return describe_file(ctl, what);
	r = describe_service(ctl, what, &description, &schema);

	if (r != 0)
		return r;
	view = interface_view(schema, description->service, description->prefix, description->file);
	if (!view)
		return problem(ctl, WAT_DATA_LOSS, "the schema in %s does not declare %s",
			       description->file, description->service);
	if (ctl->json)
		output_json(view);
	else
		interface_text(view);
	return 0;
}
