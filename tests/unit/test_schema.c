/* test_schema.c - a FileDescriptorSet read, looked up, and refused where it contradicts itself. */
#include <stddef.h>
#include <stdint.h>
#include <errno.h>

#include "proto/limits.h"
#include "tests/unit/schema_example.h"
#include "tests/lib/cases.h"

typedef Google__Protobuf__FileDescriptorSet descriptor_set;

/* Messages, enums, services, their files, comments and state are found by full name, and only as
 * what they are. */
static void test_lookups(void **state)
{
	_cleanup_(schema_freep) struct schema *schema = example_schema();
	const struct schema_type *type;

	(void)state;
	assert_string_equal(schema_message(schema, "t.All")->name, "All");
	assert_string_equal(schema_enum(schema, "t.Color")->name, "Color");
	assert_string_equal(schema_service(schema, "t.Svc")->name, "Svc");
	assert_string_equal(schema_file_of(schema, "t.Svc")->name, "t.proto");
	assert_null(schema_message(schema, "t.Svc"));
	assert_null(schema_message(schema, ".t.All"));
	assert_null(schema_message(schema, "t.all"));
	assert_null(schema_enum(schema, ""));
	assert_null(schema_file_of(schema, "u.X"));
	type = schema_type(schema, "t.All");
	assert_true(type->is_proto3);
	assert_string_equal(schema_field(type, 22)->json_name, "byId");
	assert_null(schema_field(type, 0));
	assert_null(schema_field(type, 29));
	assert_true(schema_is_map_entry(schema_message(schema, "t.All.CountsEntry")));
	assert_false(schema_is_map_entry(type->message));
}

/* Comments come without protoc's blanks; a service's state is in its option. */
static void test_comments_and_state(void **state)
{
	_cleanup_(schema_freep) struct schema *schema = example_schema();

	(void)state;
	assert_string_equal(schema_comment(schema, "t.All"), "All there is.\nReally.");
	assert_string_equal(schema_comment(schema, "t.Svc"), "Comes and goes.");
	assert_string_equal(schema_comment(schema, "t.Svc.Echo"), "Sends it back.");
	assert_string_equal(schema_comment(schema, "t.All.f_float"), "in metres");
	assert_string_equal(schema_comment(schema, "t.All.f_double"), "");
	assert_string_equal(schema_comment(schema, "t.Nothing"), "");
	assert_string_equal(schema_state(schema, "t.Svc"), "t.All");
	assert_null(schema_state(schema, "t.All"));
	assert_null(schema_state(schema, "t.Nothing"));
}

static void rename_field(descriptor_set *set)
{
	strcpy(set->file[0]->message_type[0]->field[0]->name, "f_float");
}

static void break_identifier(descriptor_set *set)
{
	set->file[0]->message_type[0]->field[0]->name[0] = '-';
}

static void repeat_number(descriptor_set *set)
{
	set->file[0]->message_type[0]->field[0]->number = 2;
}

static void zero_number(descriptor_set *set)
{
	set->file[0]->message_type[0]->field[0]->number = 0;
}

static void large_number(descriptor_set *set)
{
	set->file[0]->message_type[0]->field[0]->number = 1 << 29;
}

static void lose_type(descriptor_set *set)
{
	strcpy(set->file[0]->message_type[0]->field[16]->type_name, ".t.Not");
}

static void confuse_type(descriptor_set *set)
{
	strcpy(set->file[0]->message_type[0]->field[16]->type_name, ".t.Svc");
}

static void use_group(descriptor_set *set)
{
	set->file[0]->message_type[0]->field[16]->type = EXAMPLE_TYPE(GROUP);
}

static void unknown_type(descriptor_set *set)
{
	set->file[0]->message_type[0]->field[0]->type = 99;
}

static void no_type(descriptor_set *set)
{
	set->file[0]->message_type[0]->field[0]->has_type = false;
}

static void far_oneof(descriptor_set *set)
{
	set->file[0]->message_type[0]->field[22]->oneof_index = 2;
}

static void negative_oneof(descriptor_set *set)
{
	set->file[0]->message_type[0]->field[22]->oneof_index = -1;
}

static void odd_map_key(descriptor_set *set)
{
	set->file[0]->message_type[0]->nested_type[0]->field[0]->type = EXAMPLE_TYPE(DOUBLE);
}

static void lose_request(descriptor_set *set)
{
	set->file[0]->service[0]->method[0]->input_type[3] = 'X';
}

static void lose_state(descriptor_set *set)
{
	set->file[0]->service[0]->options->base.unknown_fields->data[5] = 'X';
}

static void break_state(descriptor_set *set)
{
	set->file[0]->service[0]->options->base.unknown_fields->data[2] = 0x7f;
}

static void empty_enum(descriptor_set *set)
{
	set->file[0]->enum_type[0]->value[0]->has_number = false;
}

static void same_json_name(descriptor_set *set)
{
	strcpy(set->file[0]->message_type[0]->field[0]->name, "fFloat");
}

static void odd_package(descriptor_set *set)
{
	set->file[0]->package[0] = '.';
}

static void (*const damages[])(descriptor_set *) = {
	rename_field, break_identifier, repeat_number,  zero_number,  large_number,
	lose_type,    confuse_type,     use_group,      unknown_type, no_type,
	far_oneof,    negative_oneof,   odd_map_key,    lose_request, lose_state,
	break_state,  empty_enum,       same_json_name, odd_package,
};

/* A set that contradicts itself is refused as a whole, so that nobody has to check again. */
static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLE_COUNT(damages); i++) {
		descriptor_set *set = example_make_set();
		struct schema *schema = NULL;

		damages[i](set);
		if (example_parse(set, &schema) != -EBADMSG)
			fail_msg("damage %zu was not noticed", i);
		assert_null(schema);
		google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
	}
}

/* A type may be missing where a whole file is: google's descriptor.proto never comes along. */
static void test_missing_file(void **state)
{
	_cleanup_(schema_freep) struct schema *schema = NULL;
	descriptor_set *set = example_make_set();
	Google__Protobuf__FileDescriptorProto *file = set->file[0];

	(void)state;
	lose_type(set);
	file->n_dependency = 1;
	file->dependency = example_alloc(1, sizeof *file->dependency);
	file->dependency[0] = example_string("google/protobuf/descriptor.proto");
	assert_int_equal(example_parse(set, &schema), 0);
	assert_non_null(schema_message(schema, "t.All"));
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

/* Nothing is a schema of nothing; bytes that are none, too many of them, and names as long as they
 * like are refused. */
static void test_bytes(void **state)
{
	static const uint8_t garbage[] = "\x0a\x7fnot a descriptor";
	_cleanup_(schema_freep) struct schema *schema = NULL;
	_cleanup_(freep) uint8_t *large = calloc(1, WAT_SCHEMA_MAX + 1);
	descriptor_set *set = example_make_set();
	char *name = example_alloc(1, 1000);

	(void)state;
	assert_int_equal(schema_new(garbage, sizeof garbage, &schema), -EBADMSG);
	assert_int_equal(schema_new(large, WAT_SCHEMA_MAX + 1, &schema), -EBADMSG);
	memset(name, 'x', 999);
	free(set->file[0]->package);
	set->file[0]->package = name;
	assert_int_equal(example_parse(set, &schema), -EBADMSG);
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
	assert_null(schema);
	assert_int_equal(schema_new(NULL, 0, &schema), 0);
	assert_null(schema_message(schema, "t.All"));
	assert_null(schema_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookups),  cmocka_unit_test(test_comments_and_state),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_bytes),
	};

	return test_run_cases(tests, NULL, NULL);
}
