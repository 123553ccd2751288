/* end_step.h - the steps by which an instance is ended in order: by a Stop, with its watd, or to be
 * restarted. watd and its host each take some, always in this order; END_HANDLED only in a Stop. */
#ifndef WAT_PROTO_END_STEP_H
#define WAT_PROTO_END_STEP_H

/* Name and sentence in the log; what is under way from there. */
#define END_STEPS(S)                                                                          \
	S(NONE, "none", "no end has begun", "")                                               \
	S(CLOSED, "closed", "an end has begun: nobody is attached any more",                  \
	  "its host does not take notice of the end")                                         \
	S(TOLD, "told", "the host knows: what was sent until now is still served",            \
	  "calls that were sent before are served")                                           \
	S(SERVED, "served", "what was sent before is done",                                   \
	  "its Stop handler runs, or its last state is made")                                 \
	S(HANDLED, "handled", "the Stop handler has run", "its last state is made")           \
	S(GIVEN, "given", "watd has the last state", "its last state is stored")              \
	S(COMMITTED, "committed", "the last state is stored", "its channels are told")        \
	S(SEVERED, "severed", "the channels were told and are closed", "its host lets it go") \
	S(ENDED, "ended", "the end is complete, and whoever asked is answered", "")

enum end_step {
#define END_STEP_ENUM(name, text, sentence, then) END_##name,
	END_STEPS(END_STEP_ENUM)
#undef END_STEP_ENUM
		END_STEPS_N
};

#endif
