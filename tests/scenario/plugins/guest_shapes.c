/* guest_shapes.c - copying shapes, piece by piece, as a handler's author would. */
#include "guest_shapes.h"

#include <string.h>

static char *copy_text(struct wat_call *call, const char *from)
{
	return call->api->copy_string(call, from);
}

static ProtobufCBinaryData copy_data(struct wat_call *call, ProtobufCBinaryData from)
{
	ProtobufCBinaryData to = {from.len, NULL};

	if (from.len > 0)
		to.data = memcpy(call->api->alloc(call, from.len), from.data, from.len);
	return to;
}

static char **copy_texts(struct wat_call *call, char **from, size_t n)
{
	char **to = call->api->alloc(call, n * sizeof *to);

	for (size_t i = 0; i < n; i++)
		to[i] = copy_text(call, from[i]);
	return to;
}

static guest_person *copy_person(struct wat_call *call, const guest_person *from)
{
	guest_person *to = call->api->alloc(call, sizeof *to);

	guest__person__init(to);
	to->name = copy_text(call, from->name);
	to->id = copy_data(call, from->id);
	to->tags = copy_texts(call, from->tags, from->n_tags);
	to->n_tags = from->n_tags;
	return to;
}

static void copy_maps(struct wat_call *call, guest_shapes *to, const guest_shapes *from)
{
	to->by_name = call->api->alloc(call, from->n_by_name * sizeof(*to->by_name));
	to->n_by_name = from->n_by_name;
	for (size_t i = 0; i < from->n_by_name; i++) {
		to->by_name[i] = call->api->alloc(call, sizeof **to->by_name);
		guest__shapes__by_name_entry__init(to->by_name[i]);
		to->by_name[i]->key = copy_text(call, from->by_name[i]->key);
		if (from->by_name[i]->value)
			to->by_name[i]->value = copy_person(call, from->by_name[i]->value);
	}
	to->by_number = call->api->alloc(call, from->n_by_number * sizeof(*to->by_number));
	to->n_by_number = from->n_by_number;
	for (size_t i = 0; i < from->n_by_number; i++) {
		to->by_number[i] = call->api->alloc(call, sizeof **to->by_number);
		guest__shapes__by_number_entry__init(to->by_number[i]);
		to->by_number[i]->key = from->by_number[i]->key;
		to->by_number[i]->value = copy_data(call, from->by_number[i]->value);
	}
}

static void copy_choice(struct wat_call *call, guest_shapes *to, const guest_shapes *from)
{
	to->choice_case = from->choice_case;
	if (from->choice_case == GUEST__SHAPES__CHOICE_WORD)
		to->word = copy_text(call, from->word);
	else if (from->choice_case == GUEST__SHAPES__CHOICE_NUMBER)
		to->number = from->number;
	else if (from->choice_case == GUEST__SHAPES__CHOICE_SOMEONE)
		to->someone = copy_person(call, from->someone);
}

static void copy_optional(struct wat_call *call, guest_shapes *to, const guest_shapes *from)
{
	to->_maybe_number_case = from->_maybe_number_case;
	to->maybe_number = from->maybe_number;
	to->_maybe_text_case = from->_maybe_text_case;
	if (from->_maybe_text_case)
		to->maybe_text = copy_text(call, from->maybe_text);
	to->_maybe_person_case = from->_maybe_person_case;
	if (from->_maybe_person_case)
		to->maybe_person = copy_person(call, from->maybe_person);
}

static void copy_small(struct wat_call *call, guest_shapes *to, const guest_shapes *from)
{
	to->ratio = from->ratio;
	to->small = from->small;
	to->color = from->color;
	to->n_colors = from->n_colors;
	to->colors = call->api->alloc(call, from->n_colors * sizeof *to->colors);
	to->n_flags = from->n_flags;
	to->flags = call->api->alloc(call, from->n_flags * sizeof *to->flags);
	if (from->n_colors > 0)
		memcpy(to->colors, from->colors, from->n_colors * sizeof *to->colors);
	if (from->n_flags > 0)
		memcpy(to->flags, from->flags, from->n_flags * sizeof *to->flags);
}

void guest_copy_shapes(struct wat_call *call, guest_shapes *to, const guest_shapes *from)
{
	/* In place first, where the old state has room: a failure must find that undone, too. */
	if (to->n_numbers > 0)
		to->numbers[0] = -1;
	if (to->one && to->one->name[0])
		to->one->name[0] = '!';
	if (to->_maybe_text_case && to->maybe_text[0])
		to->maybe_text[0] = '!';
	if (to->_maybe_number_case)
		to->maybe_number++;
	if (to->n_colors > 0)
		to->colors[0] = GUEST__COLOR__RED;
	to->text = copy_text(call, from->text);
	to->data = copy_data(call, from->data);
	to->numbers = call->api->alloc(call, from->n_numbers * sizeof(*to->numbers));
	to->n_numbers = from->n_numbers;
	if (from->n_numbers > 0)
		memcpy(to->numbers, from->numbers, from->n_numbers * sizeof(*to->numbers));
	to->texts = copy_texts(call, from->texts, from->n_texts);
	to->n_texts = from->n_texts;
	to->one = from->one ? copy_person(call, from->one) : NULL;
	to->many = call->api->alloc(call, from->n_many * sizeof(*to->many));
	to->n_many = from->n_many;
	for (size_t i = 0; i < from->n_many; i++)
		to->many[i] = copy_person(call, from->many[i]);
	copy_maps(call, to, from);
	copy_choice(call, to, from);
	copy_optional(call, to, from);
	copy_small(call, to, from);
}
