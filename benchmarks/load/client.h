/* One WebSocket connection of the load generator. */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include "../common/json.h"
#include "options.h"
#include "workload.h"

#include <netinet/in.h>

typedef struct client {
  int fd;
  uint32_t number;
  bool joined;
  bool has_state;
  uint64_t version;
  progress_t progress;
  uint64_t state_messages;
  uint64_t bytes_received;
  uint64_t *sent_at_ns; /* a ring over the events in flight; NULL in idle mode */
  char topic[48];
  bytes_t partial; /* the start of a frame whose rest has not come */
  bytes_t out;     /* frames to be written together */
} client_t;

/* Connects from the loopback address `source`, upgrades to WebSocket and checks the answer; then the
 * socket is non-blocking. Anything else than 101 ends the program with the server's answer. */
void client_connect(client_t *client, const options_t *options, struct in_addr source);

/* Puts a text frame behind the others; nothing is written yet. */
void client_queue_text(client_t *client, const bytes_t *text);
/* Writes what was queued, in one call as a rule. */
void client_flush(client_t *client);

/* Reads once and hands over each whole text message. Answers pings. A close frame, the end of the stream or
 * a broken frame ends the program. Returns false when there was nothing to read. */
bool client_receive(client_t *client, void (*on_message)(client_t *client, slice_t text, void *user), void *user);

/* Waits until there is something to read; nothing for the stall time ends the program. */
void client_wait(client_t *client, const options_t *options);

/* Ends the connection with a close frame, without waiting for the answer. */
void client_close(client_t *client);

/* Monotonic time. */
uint64_t now_ns(void);

#endif
