/* sanitized.h - is this a build with sanitizers? Their runtimes ask more of the kernel than a
 * sandbox leaves: memory of their own, /proc, for a report other programs and threads. */
#ifndef WAT_BASE_SANITIZED_H
#define WAT_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WAT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WAT_SANITIZED 1
#endif
#endif
#ifndef WAT_SANITIZED
#define WAT_SANITIZED 0
#endif

#endif
