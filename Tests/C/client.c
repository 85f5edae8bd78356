/* A WebSocket client that is just enough to make a server call its callbacks. */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct client {
  int socket;
  char *text; /* the last message */
};

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Reads exactly so many bytes; 0 at the end of the connection. */
static int read_all(client_t *client, void *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t count = recv(client->socket, (char *)bytes + done, length - done, 0);
    if (count <= 0) return 0;
    done += (size_t)count;
  }
  return 1;
}

void client_send_raw(client_t *client, const void *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t count = send(client->socket, (const char *)bytes + done, length - done, MSG_NOSIGNAL);
    if (count <= 0) return; /* the server is gone: what it said is there to read */
    done += (size_t)count;
  }
}

client_t *client_raw(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct timeval patience = {.tv_sec = 10};
  int at_once = 1; /* else a small message waits for the receipt of the one before */
  client_t *client = calloc(1, sizeof *client);
  if (client == NULL) abort();
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  client->socket = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  if (connect(client->socket, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  return client;
}

int client_is_cut_off(client_t *client, int timeout_ms) {
  struct pollfd end = {client->socket, 0, 0}; /* errors are told without asking */
  for (int waited = 0; waited < timeout_ms; waited += 10) {
    if (send(client->socket, "\x89\x80mask", 6, MSG_NOSIGNAL) < 0 || poll(&end, 1, 10) != 0) return 1;
  }
  return 0;
}

int client_read_to_end(client_t *client, char *bytes, size_t size) {
  size_t done = 0;
  ssize_t count;
  do {
    count = recv(client->socket, bytes + done, size - 1 - done, 0);
    if (count > 0) done += (size_t)count;
  } while (count > 0 && done < size - 1);
  bytes[done] = '\0';
  return count == 0;
}

client_t *client_open(int port, const char *fields) {
  static const char request[] = "GET /socket/websocket?vsn=2.0.0&name=me HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
  client_t *client = client_raw(port);
  client_send_raw(client, request, sizeof request - 1);
  client_send_raw(client, fields, strlen(fields));
  client_send_raw(client, "\r\n", 2);
  return client;
}

int client_status(client_t *client) {
  char head[4096], *end = head;
  do {
    if (end == head + sizeof head - 1 || !read_all(client, end, 1)) return 0;
    *++end = '\0';
  } while (end - head < 4 || strcmp(end - 4, "\r\n\r\n") != 0);
  return atoi(head + strlen("HTTP/1.1 "));
}

client_t *client_new(int port) {
  client_t *client = client_open(port, "");
  int status = client_status(client);
  if (status != 101) {
    fprintf(stderr, "no upgrade: %d\n", status);
    exit(1);
  }
  return client;
}

void client_free(client_t *client) {
  close(client->socket);
  free(client->text);
  free(client);
}

void client_send(client_t *client, const char *text) {
  size_t length = strlen(text);
  unsigned char head[14] = {0x81, (unsigned char)(0x80 | length)}; /* masked with zeros, which change nothing */
  size_t head_length = 6;
  if (length > 0xFFFF) {
    head[1] = 0x80 | 127;
    for (int i = 0; i < 8; i++) head[2 + i] = (unsigned char)(length >> (56 - 8 * i));
    head_length = 14;
  } else if (length >= 126) {
    head[1] = 0x80 | 126;
    head[2] = (unsigned char)(length >> 8);
    head[3] = (unsigned char)length;
    head_length = 8;
  }
  client_send_raw(client, head, head_length);
  client_send_raw(client, text, length);
}

const char *client_receive(client_t *client, int *close_code) {
  unsigned char head[2], more[8];
  if (close_code != NULL) *close_code = 0;
  if (!read_all(client, head, 2)) return NULL;
  size_t length = head[1] & 0x7F, extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (extra > 0) {
    if (!read_all(client, more, extra)) return NULL;
    length = 0;
    for (size_t i = 0; i < extra; i++) length = length << 8 | more[i];
  }
  free(client->text);
  client->text = malloc(length + 1);
  if (client->text == NULL || !read_all(client, client->text, length)) return NULL;
  client->text[length] = '\0';
  if ((head[0] & 0x0F) != 8) return client->text;
  if (close_code != NULL && length >= 2) {
    *close_code = (unsigned char)client->text[0] << 8 | (unsigned char)client->text[1];
  }
  return NULL;
}

const char *client_await(client_t *client, const char *text) {
  const char *message;
  do {
    message = client_receive(client, NULL);
  } while (message != NULL && strstr(message, text) == NULL);
  return message;
}

void client_join(client_t *client, const char *topic) {
  char text[256];
  snprintf(text, sizeof text, "[\"1\",\"1\",\"%s\",\"phx_join\",{}]", topic);
  client_send(client, text);
  CHECK(client_await(client, "\"phx_reply\"") != NULL);
}

/* ----------------------------------------------------------------------------------------------------- a server */

synq_server_t *server_with(synq_channel_options_t *channel, synq_delivery_t delivery) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_server_t *server = NULL;
  options.delivery = delivery;
  options.log_level = SYNQ_LOG_OFF;
  int result = synq_server_new(&server, &options);
  if (channel->user == NULL) channel->user = server;
  if (result || synq_server_channel(server, "t:*", channel) || synq_server_start(server)) {
    fprintf(stderr, "no server: %s\n", synq_error_message());
    exit(1);
  }
  return server;
}

char *in_callback(synq_handle_event_fn probe, const char *payload) {
  static const char *const track[] = {"a", "b", "c", "d", "e", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  char text[1024];
  channel.track = track;
  channel.handle_event = probe;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  snprintf(text, sizeof text, "[\"1\",\"2\",\"t:1\",\"run\",%s]", payload);
  client_send(client, text);
  /* A probe that fails has no reply, but its channel ends. */
  const char *answer;
  do {
    answer = client_receive(client, NULL);
  } while (answer != NULL && strstr(answer, "phx_reply") == NULL && strstr(answer, "phx_error") == NULL);
  char *copy = strdup(answer == NULL ? "closed" : answer);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  return copy;
}
