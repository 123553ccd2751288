/* fuzz_check.c - the checked decode, on messages of every shape. The first byte chooses the
 * message.
 */
#include <google/protobuf/descriptor.pb-c.h>
#include <wat/envelope.pb-c.h>
#include <wat/manifest.pb-c.h>
#include <wat/node.pb-c.h>
#include <wat/types.pb-c.h>

#include "tests/fuzz/decode.h"

static const ProtobufCMessageDescriptor *const descriptors[] = {
	&google__protobuf__file_descriptor_set__descriptor,
	&google__protobuf__descriptor_proto__descriptor,
	&google__protobuf__uninterpreted_option__descriptor,
	&google__protobuf__source_code_info__descriptor,
	&wat__envelope__failure__descriptor,
	&wat__node__instance_list__descriptor,
	&wat__node__user_list__descriptor,
	&wat__manifest__plugin__descriptor,
	&wat__empty__descriptor,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	ProtobufCMessage *message;

	if (n == 0)
		return 0;
	message = decode(descriptors[data[0] % (sizeof descriptors / sizeof *descriptors)],
			 data + 1, n - 1);
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
	return 0;
}
