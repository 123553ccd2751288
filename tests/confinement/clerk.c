/* clerk.c - a plugin that says what it needs. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clerk.service.h"

#define READ_MAX 256u

static int read_file(struct wat_call *call, const char *path, ProtobufCBinaryData *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *bytes = call->api->alloc(call, READ_MAX);
	ssize_t n;

	if (fd < 0 || !bytes)
		return fd < 0 ? errno : ENOMEM;
	n = read(fd, bytes, READ_MAX);
	(void)close(fd);
	if (n < 0)
		return errno;
	*ret = (ProtobufCBinaryData){(size_t)n, bytes};
	return 0;
}

/* A new file, durable. */
static int write_file(const char *path)
{
	static const char bytes[] = "written";
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r = 0;

	if (fd < 0)
		return errno;
	if (write(fd, bytes, sizeof bytes - 1) < 0 || fsync(fd) < 0)
		r = errno;
	(void)close(fd);
	return r;
}

/* By its name, as programs do. */
static int connect_to(uint32_t port)
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r = 0;
	struct addrinfo *found = NULL;
	char service[8];

	if (fd < 0)
		return errno;
	(void)snprintf(service, sizeof service, "%u", port & 0xffff);
	if (getaddrinfo("localhost", service, &hints, &found) != 0)
		r = ENXIO;
	else if (connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		r = errno;
	if (found)
		freeaddrinfo(found);
	(void)close(fd);
	return r;
}

wat_status clerk_reader_on_read(struct clerk_reader_read_call *call,
				clerk_state *state,
				const clerk_path *in,
				clerk_outcome *out)
{
	(void)state;
	out->error = read_file(&call->base, in->path, &out->content);
	return WAT_OK;
}

wat_status clerk_reader_on_write(struct clerk_reader_write_call *call,
				 clerk_state *state,
				 const clerk_path *in,
				 clerk_outcome *out)
{
	(void)call;
	(void)state;
	out->error = write_file(in->path);
	return WAT_OK;
}

wat_status clerk_reader_on_connect(struct clerk_reader_connect_call *call,
				   clerk_state *state,
				   const clerk_port *in,
				   clerk_outcome *out)
{
	(void)call;
	(void)state;
	out->error = connect_to(in->port);
	return WAT_OK;
}

wat_status clerk_writer_on_read(struct clerk_writer_read_call *call,
				clerk_state *state,
				const clerk_path *in,
				clerk_outcome *out)
{
	(void)state;
	out->error = read_file(&call->base, in->path, &out->content);
	return WAT_OK;
}

wat_status clerk_writer_on_write(struct clerk_writer_write_call *call,
				 clerk_state *state,
				 const clerk_path *in,
				 clerk_outcome *out)
{
	(void)call;
	(void)state;
	out->error = write_file(in->path);
	return WAT_OK;
}

wat_status clerk_writer_on_connect(struct clerk_writer_connect_call *call,
				   clerk_state *state,
				   const clerk_port *in,
				   clerk_outcome *out)
{
	(void)call;
	(void)state;
	out->error = connect_to(in->port);
	return WAT_OK;
}
