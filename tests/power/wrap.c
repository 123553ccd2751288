/* wrap.c - becomes a program under the layer. As "watd-host" it stands beside a copy of watd, which
 * passes nothing of its environment on, and becomes the real host; as anything else it becomes that
 * copy. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char dir[4000], path[4096];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
	const char *program = path;
	bool host;
	char *slash;

	(void)argc;
	if (n < 0)
		return 126;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	host = slash && strcmp(slash, "/watd-host") == 0;
	/* Of .../bin/NAME and .../libexec/NAME what is above. */
	for (int i = 0; i < 2; i++) {
		slash = strrchr(dir, '/');
		if (!slash)
			return 126;
		*slash = '\0';
	}
	(void)snprintf(path, sizeof path, "%s/log-of-power", dir);
	(void)setenv("WAT_POWER_LOG", path, 1);
	(void)setenv("LD_PRELOAD", POWER_LAYER, 1);
	(void)snprintf(path, sizeof path, "%s/bin/watd", dir);
	if (host) {
		(void)setenv("WAT_POWER_HOST", "1", 1);
		program = WAT_BUILD_DIR "/libexec/watd-host";
	}
	(void)execv(program, argv);
	return 127;
}
