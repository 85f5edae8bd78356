/* The physical limit: a plain C epoll WebSocket server that answers as a channel server would, and does
 * nothing else. What libsynq costs beyond it is what its values, diffs, callbacks and safety cost. */
#include "connection.h"

#include "../common/fail.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 512, READ_BYTES = 256 * 1024, BACKLOG = 4096 };

static const char usage[] = "usage: limit [--port N] [--answer pair|echo]\n"
                            "Serves on 127.0.0.1 (port 0: a free one) and prints \"listening on 127.0.0.1:PORT\".\n"
                            "pair: an event gets a reply and a patch (default); echo: the reply alone.\n";

static int listen_on(uint16_t port) {
  const int on = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_errno("socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, BACKLOG) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0)
    fail_errno("listen");
  printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static void watch(int epoll, int fd, void *user) {
  struct epoll_event readable = {.events = EPOLLIN, .data.ptr = user};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &readable) != 0) fail_errno("epoll_ctl");
}

static void accept_all(int epoll, int listener) {
  const int on = 1;
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    connection_t *connection = calloc(1, sizeof *connection);
    if (connection == NULL) fail("out of memory");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->fd = fd;
    watch(epoll, fd, connection);
  }
}

/* One read for each readiness: what did not fit makes the socket ready again. */
static bool read_once(connection_t *connection, answer_t answer) {
  static bytes_t incoming;
  size_t before = connection->partial.count;
  bytes_reserve(&incoming, before + READ_BYTES);
  if (before != 0) memcpy(incoming.data, connection->partial.data, before);
  ssize_t got = recv(connection->fd, incoming.data + before, READ_BYTES, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  return got != 0 && connection_take(connection, incoming.data, before + (size_t)got, answer);
}

_Noreturn static void serve(int listener, answer_t answer) {
  struct epoll_event ready[BATCH];
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) fail_errno("epoll_create1");
  watch(epoll, listener, NULL);
  for (;;) {
    int count = epoll_wait(epoll, ready, BATCH, -1);
    for (int i = 0; i < count; i++) {
      connection_t *connection = ready[i].data.ptr;
      if (connection == NULL)
        accept_all(epoll, listener);
      else if (!read_once(connection, answer))
        connection_end(connection);
    }
  }
}

int main(int count, char **arguments) {
  static const struct option options[] = {
      {"port", required_argument, NULL, 'p'}, {"answer", required_argument, NULL, 'a'}, {NULL, 0, NULL, 0}};
  unsigned long port = 0;
  answer_t answer = ANSWER_PAIR;
  bool understood = true;
  for (int letter; (letter = getopt_long(count, arguments, "", options, NULL)) != -1;) {
    char *end = NULL;
    if (letter == 'p')
      understood &= (port = strtoul(optarg, &end, 10)) <= UINT16_MAX && *end == '\0';
    else if (letter == 'a' && (strcmp(optarg, "pair") == 0 || strcmp(optarg, "echo") == 0))
      answer = *optarg == 'e' ? ANSWER_ECHO : ANSWER_PAIR;
    else
      understood = false;
  }
  if (!understood || optind != count) {
    fputs(usage, stderr);
    return 2;
  }
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  serve(listen_on((uint16_t)port), answer);
}
