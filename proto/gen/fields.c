/* fields.c - which methods get a function that takes their fields one by one. */
#include "proto/gen/model.h"

#define WITH_MAX 4u

bool field_is_simple(const field_proto *field, const char **ret_c_type)
{
	if (field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED ||
	    field->has_oneof_index)
		return false;
	switch (field->type) {
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE:
		*ret_c_type = "double ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT:
		*ret_c_type = "float ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64:
		*ret_c_type = "int64_t ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64:
		*ret_c_type = "uint64_t ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32:
		*ret_c_type = "int32_t ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT32:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32:
		*ret_c_type = "uint32_t ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL:
		*ret_c_type = "bool ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING:
		*ret_c_type = "const char *";
		return true;
	default:
		return false;
	}
}

bool method_has_with(const struct method *m)
{
	const char *type;

	if (m->in->proto->n_field > WITH_MAX || m->out->proto->n_field > 1)
		return false;
	for (size_t i = 0; i < m->in->proto->n_field; i++)
		if (!field_is_simple(m->in->proto->field[i], &type))
			return false;
	return m->out->proto->n_field == 0 || field_is_simple(m->out->proto->field[0], &type);
}
