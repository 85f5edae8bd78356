#include "connection.h"

#include "../common/frame.h"
#include "../common/json.h"
#include "accept.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG_ITEMS = 1000, WRITE_WAIT_MS = 5000 };

/* What a burst is answered with; all connections use it, one after the other. */
static bytes_t out;
static connection_t *members;

static bool write_all(int fd, const bytes_t *bytes) {
  for (size_t written = 0; written < bytes->count;) {
    ssize_t count = send(fd, bytes->data + written, bytes->count - written, MSG_NOSIGNAL);
    if (count >= 0) {
      written += (size_t)count;
    } else if (errno == EAGAIN) {
      /* Only a peer that stopped reading comes here: the load generator never does. */
      struct pollfd writable = {.fd = fd, .events = POLLOUT};
      if (poll(&writable, 1, WRITE_WAIT_MS) == 0) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

static void append_slice(bytes_t *bytes, slice_t slice) {
  bytes_append(bytes, slice.at, slice.count);
}

static void append_text_frame(const bytes_t *text) {
  frame_append(&out, FRAME_TEXT, text->data, text->count);
}

/* `head` is the question up to its topic: `[join_ref,ref,topic`. */
static void append_reply(slice_t head) {
  static bytes_t text;
  text.count = 0;
  append_slice(&text, head);
  bytes_append_text(&text, ",\"phx_reply\",{\"status\":\"ok\",\"response\":{}}]");
  append_text_frame(&text);
}

static void append_state(const connection_t *connection) {
  static bytes_t text;
  text.count = 0;
  bytes_append(&text, connection->address, connection->address_count);
  bytes_append_text(&text, ",\"synq:change\",{\"state\":");
  switch (connection->work) {
  case 'r':
    bytes_append_text(&text, "{\"messages\":[]}");
    break;
  case 'b':
    bytes_append_text(&text, "{\"items\":[");
    for (int i = 0; i < BIG_ITEMS; i++) bytes_append_text(&text, i == 0 ? "{\"done\":false}" : ",{\"done\":false}");
    bytes_append_text(&text, "]}");
    break;
  default:
    bytes_append_text(&text, "{\"count\":0}");
  }
  bytes_append_text(&text, ",\"version\":0}]");
  append_text_frame(&text);
}

static void append_operations(bytes_t *text, const connection_t *connection, slice_t payload) {
  uint64_t event = connection->version;
  switch (connection->work) {
  case 'r':
    bytes_append_text(text, "{\"op\":\"add\",\"path\":\"/messages/0\",\"value\":");
    append_slice(text, payload);
    bytes_append_text(text, "},{\"op\":\"remove\",\"path\":\"/messages/20\"}");
    break;
  case 'b':
    bytes_append_text(text, "{\"op\":\"replace\",\"path\":\"/items/");
    bytes_append_unsigned(text, (event - 1) % BIG_ITEMS);
    bytes_append_text(text, "/done\",\"value\":");
    bytes_append_text(text, (event - 1) / BIG_ITEMS % 2 == 0 ? "true}" : "false}");
    break;
  default:
    bytes_append_text(text, "{\"op\":\"replace\",\"path\":\"/count\",\"value\":");
    bytes_append_unsigned(text, event);
    bytes_append_text(text, "}");
  }
}

static void append_patch(connection_t *connection, slice_t payload) {
  static bytes_t text;
  text.count = 0;
  connection->version++;
  bytes_append(&text, connection->address, connection->address_count);
  bytes_append_text(&text, ",\"synq:patch\",{\"operations\":[");
  append_operations(&text, connection, payload);
  bytes_append_text(&text, "],\"version\":");
  bytes_append_unsigned(&text, connection->version);
  bytes_append_text(&text, "}]");
  append_text_frame(&text);
}

static bool join(connection_t *connection, slice_t head, const message_t *message) {
  int count = snprintf(connection->address, sizeof connection->address, "[%.*s,null,%.*s", (int)message->join_ref.count,
                       message->join_ref.at, (int)message->topic.count, message->topic.at);
  if (count < 0 || (size_t)count >= sizeof connection->address || message->topic.count < 2) return false;
  connection->address_count = (uint8_t)count;
  /* A room with one shared state is a room: the bytes are as many. */
  connection->work = message->topic.at[1] == 's' ? 'r' : message->topic.at[1];
  if (connection->work == 'r' && !connection->member) {
    connection->member = true;
    connection->next_member = members;
    if (members != NULL) members->previous_member = connection;
    members = connection;
  }
  append_reply(head);
  append_state(connection);
  return true;
}

/* The speaker's answer goes out first; then each other member gets its message by a write of its own. */
static bool say(connection_t *speaker, slice_t payload) {
  append_patch(speaker, payload);
  if (!write_all(speaker->fd, &out)) return false;
  for (connection_t *member = members; member != NULL; member = member->next_member) {
    if (member == speaker) continue;
    out.count = 0;
    append_patch(member, payload);
    if (!write_all(member->fd, &out)) shutdown(member->fd, SHUT_RDWR);
  }
  out.count = 0;
  return true;
}

static bool take_text(connection_t *connection, slice_t text, answer_t answer) {
  message_t message;
  if (!message_parse(text, &message)) return false;
  slice_t head = {text.at, (size_t)(message.topic.at + message.topic.count - text.at)};
  if (slice_equals(message.event, "\"phx_join\"")) return join(connection, head, &message);
  append_reply(head);
  if (answer == ANSWER_ECHO || connection->address_count == 0 || slice_equals(message.topic, "\"phoenix\""))
    return true;
  if (connection->member) return say(connection, message.payload);
  append_patch(connection, message.payload);
  return true;
}

/* Answers the upgrade that starts `text`; 0 when it is not whole yet, -1 when it is none. */
static ssize_t upgrade(connection_t *connection, slice_t text) {
  static const char name[] = "Sec-WebSocket-Key:";
  const char *end = memmem(text.at, text.count, "\r\n\r\n", 4);
  if (end == NULL) return text.count < 8192 ? 0 : -1;
  const char *key = memmem(text.at, (size_t)(end - text.at), name, sizeof name - 1);
  if (key == NULL) return -1;
  key += sizeof name - 1;
  while (*key == ' ') key++;
  char accept[ACCEPT_SIZE];
  websocket_accept(key, (size_t)((const char *)memchr(key, '\r', (size_t)(end - key) + 1) - key), accept);
  bytes_append_text(&out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: ");
  bytes_append_text(&out, accept);
  bytes_append_text(&out, "\r\n\r\n");
  connection->upgraded = true;
  return end + 4 - text.at;
}

/* The frames from `at` on; where the first that is not whole starts, or -1. */
static ssize_t take_frames(connection_t *connection, uint8_t *data, size_t at, size_t count, answer_t answer) {
  frame_t frame;
  frame_result_t result;
  while ((result = frame_parse(data + at, count - at, &frame)) == FRAME_WHOLE) {
    if (!frame.masked || frame.opcode == FRAME_CLOSE) return -1;
    frame_apply_mask(frame.payload, frame.payload_bytes, frame.mask);
    if (frame.opcode == FRAME_PING)
      frame_append(&out, FRAME_PONG, frame.payload, frame.payload_bytes);
    else if (frame.opcode == FRAME_TEXT &&
             !take_text(connection, (slice_t){(const char *)frame.payload, frame.payload_bytes}, answer))
      return -1;
    at += frame.bytes;
  }
  return result == FRAME_BROKEN ? -1 : (ssize_t)at;
}

bool connection_take(connection_t *connection, uint8_t *incoming, size_t count, answer_t answer) {
  ssize_t at = 0;
  out.count = 0;
  if (!connection->upgraded) at = upgrade(connection, (slice_t){(const char *)incoming, count});
  if (at >= 0 && connection->upgraded) at = take_frames(connection, incoming, (size_t)at, count, answer);
  if (at < 0) return false;
  connection->partial.count = 0;
  if ((size_t)at < count)
    bytes_append(&connection->partial, incoming + at, count - (size_t)at);
  else
    bytes_free(&connection->partial);
  return write_all(connection->fd, &out);
}

void connection_end(connection_t *connection) {
  if (connection->member) {
    *(connection->previous_member ? &connection->previous_member->next_member : &members) = connection->next_member;
    if (connection->next_member != NULL) connection->next_member->previous_member = connection->previous_member;
  }
  bytes_free(&connection->partial);
  close(connection->fd);
  free(connection);
}
