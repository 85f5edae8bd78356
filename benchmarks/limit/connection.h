/* One connection of the limit server, and what it answers.
 *
 * This is the least that a server of these messages can do: frames are read in place, the answer is copied
 * together from constants and the start of the question, and a burst of questions is answered by one write.
 * There is no JSON value, no callback and no diff. */
#ifndef LIMIT_CONNECTION_H
#define LIMIT_CONNECTION_H

#include "../common/bytes.h"

typedef enum {
  ANSWER_PAIR, /* an event gets its reply and a patch, as long as those of a server that keeps state */
  ANSWER_ECHO  /* an event gets its reply alone */
} answer_t;

typedef struct connection {
  int fd;
  bool upgraded;
  bool member;           /* of the one room */
  char work;             /* the first letter of the topic joined */
  uint8_t address_count; /* of `address` */
  char address[47];      /* `["1",null,"topic"`: how the messages to this channel begin */
  uint64_t version;      /* which is also the number of its events */
  bytes_t partial;       /* the start of a frame whose rest has not come */
  struct connection *previous_member;
  struct connection *next_member;
} connection_t;

/* Takes what was read: `incoming` is this connection's partial frame and what came after it. Frames are
 * unmasked in place. False when the connection has to end. */
bool connection_take(connection_t *connection, uint8_t *incoming, size_t count, answer_t answer);

/* Leaves the room, gives the memory back, closes the socket. */
void connection_end(connection_t *connection);

#endif
