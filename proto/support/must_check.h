/* must_check.h - the attribute of every function whose failure matters. */
#ifndef WAT_SUPPORT_MUST_CHECK_H
#define WAT_SUPPORT_MUST_CHECK_H

#define WAT_MUST_CHECK __attribute__((warn_unused_result))
#define WAT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
