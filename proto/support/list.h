/* list.h - intrusive doubly linked list. A list is a struct list that points to itself; an element
 * embeds one. */
#ifndef WAT_SUPPORT_LIST_H
#define WAT_SUPPORT_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}
#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *l, struct list *element)
{
	element->prev = l->prev;
	element->next = l;
	l->prev->next = element;
	l->prev = element;
}

/* Takes the element out; it is then a list of its own, so that removing twice is harmless. */
static inline void list_remove(struct list *element)
{
	element->prev->next = element->next;
	element->next->prev = element->prev;
	list_init(element);
}

static inline struct list *list_first(const struct list *l)
{
	return list_empty(l) ? NULL : l->next;
}

#define list_for_each(i, l) for (struct list *i = (l)->next; i != (l); i = i->next)

/* The element at hand may be removed. */
#define list_for_each_safe(i, l)                                        \
	for (struct list *i = (l)->next, *i##_next = i->next; i != (l); \
	     i = i##_next, i##_next = i->next)

#endif
