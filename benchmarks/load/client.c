#include "client.h"

#include "../common/fail.h"
#include "../common/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024, WRITE_WAIT_MS = 5000 };

/* The key of RFC 6455, section 1.3, and the answer that stands there. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* All connections read into this one, so that an idle one holds no buffer. */
static bytes_t incoming;

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Masks need not be secret here, only not all alike (xorshift32). */
static uint32_t next_mask(void) {
  static uint32_t state = 0x9E3779B9u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static void read_answer(client_t *client) {
  char answer[2048];
  size_t count = 0;
  for (;;) {
    ssize_t got = recv(client->fd, answer + count, sizeof answer - 1 - count, 0);
    if (got < 0) fail_errno("waiting for the answer to the upgrade");
    count += (size_t)got;
    answer[count] = '\0';
    char *end = strstr(answer, "\r\n\r\n");
    if (end != NULL) {
      if (strncmp(answer, "HTTP/1.1 101 ", 13) != 0 || strstr(answer, ACCEPT) == NULL)
        fail("the upgrade was answered with\n%s", answer);
      size_t head = (size_t)(end + 4 - answer);
      bytes_append(&client->partial, answer + head, count - head);
      return;
    }
    if (got == 0 || count == sizeof answer - 1) fail("the upgrade was answered with\n%s", answer);
  }
}

void client_connect(client_t *client, const options_t *options, struct in_addr source) {
  const int on = 1;
  struct timeval patience = {.tv_sec = (time_t)options->stall_seconds + 1};
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = source};
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(options->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_errno("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  /* The port is chosen at connect, so that each source address has the whole range of them. */
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
    fail_errno("connect");
  char request[1024];
  int count = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
                       options->path, options->port);
  if (count < 0 || (size_t)count >= sizeof request) fail("the path is too long");
  if (send(fd, request, (size_t)count, MSG_NOSIGNAL) != count) fail_errno("sending the upgrade");
  read_answer(client);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) fail_errno("fcntl");
}

void client_queue_text(client_t *client, const bytes_t *text) {
  frame_append_masked(&client->out, FRAME_TEXT, text->data, text->count, next_mask());
}

void client_flush(client_t *client) {
  size_t written = 0;
  while (written < client->out.count) {
    ssize_t count = send(client->fd, client->out.data + written, client->out.count - written, MSG_NOSIGNAL);
    if (count >= 0) {
      written += (size_t)count;
    } else if (errno == EAGAIN) {
      struct pollfd writable = {.fd = client->fd, .events = POLLOUT};
      if (poll(&writable, 1, WRITE_WAIT_MS) == 0) fail("connection %u: the server does not read", client->number);
    } else if (errno != EINTR) {
      fail_errno("send");
    }
  }
  client->out.count = 0;
}

/* What is no text frame. */
static void take_control(client_t *client, const frame_t *frame) {
  if (frame->opcode == FRAME_PING) {
    frame_append_masked(&client->out, FRAME_PONG, frame->payload, frame->payload_bytes, next_mask());
    client_flush(client);
  } else if (frame->opcode == FRAME_CLOSE) {
    bool has_code = frame->payload_bytes >= 2;
    fail("connection %u: the server closed with %d %.*s", client->number,
         has_code ? frame->payload[0] << 8 | frame->payload[1] : 1005, has_code ? (int)frame->payload_bytes - 2 : 0,
         has_code ? (char *)frame->payload + 2 : "");
  } else if (frame->opcode != FRAME_PONG) {
    fail("connection %u: a frame of opcode %u", client->number, frame->opcode);
  }
}

bool client_receive(client_t *client, void (*on_message)(client_t *client, slice_t text, void *user), void *user) {
  bytes_reserve(&incoming, client->partial.count + READ_BYTES);
  if (client->partial.count != 0) memcpy(incoming.data, client->partial.data, client->partial.count);
  ssize_t got = recv(client->fd, incoming.data + client->partial.count, READ_BYTES, 0);
  if (got < 0 && errno != EAGAIN && errno != EINTR) fail_errno("recv");
  if (got == 0) fail("connection %u: the server ended the stream", client->number);
  size_t fresh = got < 0 ? 0 : (size_t)got;
  size_t count = client->partial.count + fresh, at = 0;
  client->bytes_received += fresh;
  client->partial.count = 0;
  frame_t frame;
  frame_result_t result;
  while ((result = frame_parse(incoming.data + at, count - at, &frame)) == FRAME_WHOLE) {
    if (frame.masked) fail("connection %u: the server masked a frame", client->number);
    at += frame.bytes;
    if (frame.opcode == FRAME_TEXT)
      on_message(client, (slice_t){(const char *)frame.payload, frame.payload_bytes}, user);
    else
      take_control(client, &frame);
  }
  if (result == FRAME_BROKEN) fail("connection %u: a broken or fragmented frame", client->number);
  if (at < count)
    bytes_append(&client->partial, incoming.data + at, count - at);
  else if (client->partial.capacity != 0)
    bytes_free(&client->partial);
  return fresh != 0;
}

void client_wait(client_t *client, const options_t *options) {
  struct pollfd readable = {.fd = client->fd, .events = POLLIN};
  if (poll(&readable, 1, (int)(options->stall_seconds * 1000)) == 0)
    fail("connection %u: nothing came for %g s", client->number, options->stall_seconds);
}

void client_close(client_t *client) {
  static const uint8_t normal[] = {1000 >> 8, 1000 & 0xFF};
  frame_append_masked(&client->out, FRAME_CLOSE, normal, sizeof normal, next_mask());
  client_flush(client);
  close(client->fd);
  bytes_free(&client->partial);
  bytes_free(&client->out);
}
