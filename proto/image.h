/* image.h - an instance as a file: "WATIMG1\n", BLAKE2b-256 of what follows, a packed
 * wat.node.Image. No capability, key or lane is in it. Pure. */
#ifndef WAT_PROTO_IMAGE_H
#define WAT_PROTO_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"
#include <wat/node.pb-c.h>

#define IMAGE_HEADER 40u /* bytes before the message */

/* *ret: heap. -ENOMEM. */
int image_pack(const Wat__Node__Image *image, uint8_t **ret, size_t *ret_n) WAT_MUST_CHECK;
/* -ENODATA: it is no such file; -EBADMSG: it is damaged, or out of form. Free with
 * wat__node__image__free_unpacked. */
int image_open(const uint8_t *bytes, size_t n, Wat__Node__Image **ret) WAT_MUST_CHECK;

#endif
