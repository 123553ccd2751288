/* template.h - the configuration as a file in which every key stands as a comment. */
#ifndef WAT_CONFIG_TEMPLATE_H
#define WAT_CONFIG_TEMPLATE_H

#include <stdio.h>

/* conf/watd.conf, byte for byte. */
void config_print_template(FILE *out);

#endif
