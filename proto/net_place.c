/* net_place.c - "HOST:PORT". Pure. */
#include "proto/net_place.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static bool parse_port(const char *text, char ret[static 6])
{
	size_t n = strlen(text);

	if (n < 1 || n > 5 || strspn(text, "0123456789") != n || strtol(text, NULL, 10) > 65535)
		return false;
	memcpy(ret, text, n + 1);
	return true;
}

static bool take_host(const char *text, size_t n, char ret[static NET_PLACE_HOST_MAX + 1])
{
	if (n < 1 || n > NET_PLACE_HOST_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] > '~' ||
		    strchr("/@[]?#\"\\", text[i]))
			return false;
	memcpy(ret, text, n);
	ret[n] = '\0';
	return true;
}

bool net_place_parse(const char *text, struct net_place *ret)
{
	const char *end = *text == '[' ? strchr(text, ']') : strchr(text, ':');

	if (!end)
		return false;
	if (*text == '[')
		return end[1] == ':' && take_host(text + 1, (size_t)(end - text) - 1, ret->host) &&
		       parse_port(end + 2, ret->port);
	return take_host(text, (size_t)(end - text), ret->host) && parse_port(end + 1, ret->port);
}

bool net_place_is_numeric(const struct net_place *place)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, place->host, bytes) == 1 ||
	       inet_pton(AF_INET6, place->host, bytes) == 1;
}
