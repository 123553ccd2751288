/* emit.h - generated text. Each function writes one file; what they share is here. */
#ifndef WAT_GEN_EMIT_H
#define WAT_GEN_EMIT_H

#include <stdio.h>

#include "proto/gen/model.h"

struct plugin;

void emit_client_h(FILE *out, const struct file *file);
void emit_service_h(FILE *out, const struct file *file);
void emit_test_h(FILE *out, const struct file *file);
void emit_wat_c(FILE *out, const struct file *file);
void emit_plugin_c(FILE *out, const struct plugin *plugin);
void emit_handlers_c(FILE *out, const struct file *file);

/* First line, and the include of the messages. */
void emit_head(FILE *out, const struct file *file, const char *what);
/* An include of a generated header: "x" or, for watd's own files, <x>. */
void emit_include(FILE *out, const struct file *file, const char *suffix);
/* C names of the messages of all files but wat's own, each file under a guard. */
void emit_types(FILE *out, const struct file *file);
/* A .proto comment as a C comment; nothing for "". */
void emit_comment(FILE *out, const char *comment);
/* A prototype with its end (";" or "\n{"), on one line or, over 100 columns, one parameter a line.
 */
void emit_prototype(FILE *out,
		    const char *start,
		    const char *const *parameters,
		    size_t n,
		    const char *end);
/* `start(arguments);` as a statement, its lines filled up to 100 columns. */
void emit_call(FILE *out, const char *start, const char *const *arguments, size_t n);
void emit_pragma(FILE *out);
/* ACME_KV_CLIENT_H */
char *emit_guard(const struct file *file, const char *suffix);
/* Thunks, handler tables and service tables of all services. */
void emit_handler_tables(FILE *out, const struct file *file);

#endif
