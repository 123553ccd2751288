/* title.h - what ps shows of this process in place of its arguments. Main thread. */
#ifndef WAT_BASE_TITLE_H
#define WAT_BASE_TITLE_H

/* Whoever starts a program that gives itself a title hands it so many empty arguments after its
 * name: they say nothing, and the title is written over them. */
#define TITLE_ROOM 200

/* With main's arguments, which nobody may use any more. */
void title_init(int argc, char **argv);
/* Shows the text; cut off if it is longer than the arguments were. Without title_init: nothing. */
void title_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
