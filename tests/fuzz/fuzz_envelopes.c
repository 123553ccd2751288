/* fuzz_envelopes.c - all that a client, watd, a host and the gate say to one another, what a backup
 * and an image are read from, and what is done with a failure that came from a peer. The first byte
 * chooses the message: of the list, behind it those of each method. */
#include <wat/admin.pb-c.h>
#include <wat/envelope.pb-c.h>
#include <wat/gate.pb-c.h>
#include <wat/host.pb-c.h>
#include <wat/node.pb-c.h>
#include <wat/session.pb-c.h>

#include "proto/failure.h"
#include "tests/fuzz/decode.h"

static const ProtobufCMessageDescriptor *const descriptors[] = {
	&wat__envelope__failure__descriptor,
	&wat__envelope__hello__descriptor,
	&wat__envelope__welcome__descriptor,
	&wat__envelope__bind__descriptor,
	&wat__envelope__bound__descriptor,
	&wat__envelope__attached__descriptor,
	&wat__envelope__go_away__descriptor,
	&wat__session__get_interface_request__descriptor,
	&wat__session__description__descriptor,
	&wat__session__state__descriptor,
	&wat__admin__provision_request__descriptor,
	&wat__admin__provision_reply__descriptor,
	&wat__admin__deprovision_request__descriptor,
	&wat__admin__stop_request__descriptor,
	&wat__admin__stop_reply__descriptor,
	&wat__node__node_status__descriptor,
	&wat__node__spawn_request__descriptor,
	&wat__node__spawn_reply__descriptor,
	&wat__node__start_request__descriptor,
	&wat__node__start_reply__descriptor,
	&wat__node__kill_reply__descriptor,
	&wat__node__instance__descriptor,
	&wat__node__instance_list__descriptor,
	&wat__node__user_list__descriptor,
	&wat__node__name_request__descriptor,
	&wat__node__plugin_list__descriptor,
	&wat__node__describe_request__descriptor,
	&wat__node__description__descriptor,
	&wat__host__start_request__descriptor,
	&wat__host__start_reply__descriptor,
	&wat__host__attach_request__descriptor,
	&wat__host__detach_request__descriptor,
	&wat__host__drain_request__descriptor,
	&wat__host__drain_reply__descriptor,
	&wat__host__finish_request__descriptor,
	&wat__host__provision_request__descriptor,
	&wat__host__deprovision_request__descriptor,
	&wat__host__user_reply__descriptor,
	&wat__host__checkpoint__descriptor,
	&wat__host__channel_count__descriptor,
	&wat__host__rebuilt__descriptor,
	&wat__node__image__descriptor,
	&wat__node__backup_part__descriptor,
	&wat__host__snapshot__descriptor,
	&wat__host__carried__descriptor,
	&wat__host__wants_segment__descriptor,
	&wat__host__panicked__descriptor,
	&wat__host__denied__descriptor,
	&wat__gate__settings__descriptor,
	&wat__gate__listen__descriptor,
	&wat__gate__limits__descriptor,
	&wat__gate__peer__descriptor,
	&wat__gate__refused__descriptor,
};
#define N_DESCRIPTORS (sizeof descriptors / sizeof *descriptors)

static const ProtobufCServiceDescriptor *const services[] = {
	&wat__node__node__descriptor,
	&wat__admin__admin__descriptor,
	&wat__session__session__descriptor,
	&wat__host__host__descriptor,
};

/* NULL: there is none of that number. */
static const ProtobufCMessageDescriptor *of_method(unsigned number)
{
	for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
		const unsigned n = 2 * services[i]->n_methods;

		if (number < n) {
			const ProtobufCMethodDescriptor *method = &services[i]->methods[number / 2];

			return number % 2 ? method->output : method->input;
		}
		number -= n;
	}
	return NULL;
}

static const ProtobufCMessageDescriptor *chosen(uint8_t number)
{
	return number < N_DESCRIPTORS ? descriptors[number]
				      : of_method((unsigned)(number - N_DESCRIPTORS));
}

/* A chain stays bounded, whatever a peer sent. */
static void use_failure(const Wat__Envelope__Failure *failure)
{
	struct failure_cause cause = {.kind = WAT__ENVELOPE__CAUSE_KIND__EXIT, .text = "fuzz"};
	Wat__Envelope__Failure *copy = failure_copy(failure);

	require(copy != NULL);
	for (int i = 0; i < 20; i++)
		require(failure_add_cause(copy, &cause) == 0);
	require(copy->n_chain <= 16);
	pack_again(&copy->base);
	failure_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const ProtobufCMessageDescriptor *descriptor = n > 0 ? chosen(data[0]) : NULL;
	ProtobufCMessage *message = descriptor ? decode(descriptor, data + 1, n - 1) : NULL;

	if (!message)
		return 0;
	if (message->descriptor == &wat__envelope__failure__descriptor)
		use_failure((const Wat__Envelope__Failure *)message);
	protobuf_c_message_free_unpacked(message, NULL);
	return 0;
}
