/*
 * httpd FOLDER: an HTTP endpoint for the delivery tests. Prints its port, then answers each request, one a connection:
 * with the first status in the file FOLDER/KEY, KEY being its Idempotency-Key, which is then taken from that file; without
 * such a file 200, where the status is 0 not at all. FOLDER/log has a line each: METHOD KEY STATUS BODY.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *folder;

static int listen_anywhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		exit(71);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

/* Takes the first of the statuses kept for this key. */
static int next_status(const char *key)
{
	char path[512], rest[256] = "";
	int status = 200;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, key);
	file = fopen(path, "r");
	if (!file)
		return status;
	if (fscanf(file, "%d %255[^\n]", &status, rest) < 1)
		status = 200;
	fclose(file);
	if (!*rest) {
		unlink(path);
		return status;
	}
	file = fopen(path, "w");
	fprintf(file, "%s\n", rest);
	fclose(file);
	return status;
}

static const char *header(const char *request, const char *name, char value[64])
{
	const char *at = strcasestr(request, name);

	*value = '\0';
	if (at)
		sscanf(at + strlen(name), " %63[^\r\n]", value);
	return value;
}

/* All of it, or what came. */
static char *read_request(int fd, char *request, size_t size)
{
	size_t got = 0;
	char *body = NULL, number[64];

	while (got < size - 1) {
		ssize_t more = read(fd, request + got, size - 1 - got);

		if (more <= 0)
			break;
		got += (size_t)more;
		request[got] = '\0';
		body = strstr(request, "\r\n\r\n");
		if (body && strlen(body + 4) >= strtoul(header(request, "Content-Length:", number), NULL, 10))
			return body + 4;
	}
	return NULL;
}

static void serve(int fd)
{
	static char request[65536];
	char key[64], method[16] = "", path[512], answer[128];
	char *body = read_request(fd, request, sizeof request);
	int status;
	FILE *log;

	if (!body)
		return;
	sscanf(request, "%15s", method);
	header(request, "Idempotency-Key:", key);
	status = next_status(key);
	snprintf(path, sizeof path, "%s/log", folder);
	log = fopen(path, "a");
	fprintf(log, "%s %s %d %s\n", method, key, status, body);
	fclose(log);
	snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
	if (status != 0)
		(void)!write(fd, answer, strlen(answer));
}

int main(int argc, char **argv)
{
	int server, fd;

	if (argc != 2)
		return 64;
	folder = argv[1];
	server = listen_anywhere();
	while ((fd = accept(server, NULL, NULL)) >= 0) {
		serve(fd);
		close(fd);
	}
	return 71;
}
