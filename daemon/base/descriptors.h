/* descriptors.h - how many there may be, and one that is kept for when there are no others: those
 * who wait to be accepted are then told so, rather than left waiting. Its owner's thread. */
#ifndef WAT_BASE_DESCRIPTORS_H
#define WAT_BASE_DESCRIPTORS_H

#include <stddef.h>

/* Lets this process have as many as it may; returns how many that is, 0 if it can't be told. */
size_t descriptors_raise(void);
/* How many that is now. */
size_t descriptors_max(void);

/* Keeps one for a listening socket, if it is not kept already; -1: there is none to be had now. */
void spare_keep(int *spare, int listening);
/* Of those who wait at most n are accepted in its place, refused by the function, and closed; then
 * it is kept again, if it can be. Returns how many they were. */
unsigned spare_refuse(int *spare, int listening, unsigned n, void (*refuse)(int fd));

#endif
