/* advice.c - what a user can do about a status. Pure: a table and a substitution. */
#include "client/watctl/advice.h"

#include <stdio.h>
#include <string.h>

#define NODE (1u << WATCTL_NODE)
#define ADMIN (1u << WATCTL_ADMIN)
#define USER (1u << WATCTL_USER)
#define ANY (NODE | ADMIN | USER)

struct line {
	int status;
	unsigned powers;  /* who is helped by it */
	const char *text; /* @ is the instance's name, once */
};

static const struct line lines[] = {
	{WAT_ACCESS_DENIED, NODE, "commands about the node need admin.sock beside watd.sock"},
	{WAT_ACCESS_DENIED, ADMIN, "who manages the node makes one: watctl admin @"},
	{WAT_ACCESS_DENIED, USER,
	 "who holds the Admin can make another User: watctl provision @ USER"},
	{WAT_STALE, ADMIN,
	 "who manages the node makes an Admin of the present one: watctl admin @"},
	{WAT_STALE, USER, "watctl provision @ USER makes a User of the present one"},
	{WAT_STOPPED, ANY, "begin a new incarnation: watctl start @"},
	{WAT_NOT_FOUND, NODE, "watctl ls shows the instances, watctl plugins the services"},
	{WAT_NOT_FOUND, ADMIN | USER, "see which there are: watctl ls, watctl users @"},
	{WAT_ALREADY_EXISTS, NODE, "choose another name, or end it first: watctl stop @"},
	{WAT_ALREADY_EXISTS, ADMIN, "choose another name; see those in use: watctl users @"},
	{WAT_SERVER_DIED, ANY, "see why: watctl show @"},
	{WAT_START_FAILED, ANY, "the log of watd has what it printed last"},
	{WAT_DISCONNECTED, ANY, "look whether it ran before you send it again: watctl show @"},
	{WAT_UNAVAILABLE, ANY, "try again, or see what it does: watctl show @"},
	{WAT_OVERLOADED, ANY, "it was not executed; try again"},
	{WAT_DEADLINE_EXCEEDED, ANY, "it may still happen; see what it does: watctl show @"},
};

static void fill(const char *text, const char *instance, char *ret_text, size_t size)
{
	const char *at = strchr(text, '@');

	if (!at)
		(void)snprintf(ret_text, size, "%s", text);
	else if (instance)
		(void)snprintf(ret_text, size, "%.*s%s%s", (int)(at - text), text, instance,
			       at + 1);
}

void advice(int status, enum watctl_power power, const char *instance, char *ret_text, size_t size)
{
	ret_text[0] = '\0';
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (lines[i].status == status && lines[i].powers & 1u << power)
			fill(lines[i].text, instance, ret_text, size);
}
