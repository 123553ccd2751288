/* skeleton_files.c - the files of skeleton/ as they were built in. Constant data. */
#include "client/watctl/skeleton.h"

extern const char skeleton_text_proto[], skeleton_text_service[], skeleton_text_cmake[],
	skeleton_text_test[];

const struct skeleton_file skeleton_files[] = {
	{"@NAME@.proto", skeleton_text_proto},
	{"@NAME@.c", skeleton_text_service},
	{"CMakeLists.txt", skeleton_text_cmake},
	{"test_@NAME@.c", skeleton_text_test},
};
const size_t n_skeleton_files = sizeof skeleton_files / sizeof skeleton_files[0];
