/* The one channel that each connection joins: its messages, and the checks on what comes back. */
#ifndef LOAD_CHANNEL_H
#define LOAD_CHANNEL_H

#include "client.h"

/* Joins the topic of the connection and waits for the reply and the first full state. */
void channel_join(client_t *client, const options_t *options);

/* Queues the next event; the caller flushes. */
void channel_queue_event(client_t *client, const options_t *options);

/* Takes one message. `user` is the options_t. What must not be ends the program: a reply out of order or not
 * ok, a version that does not follow, a state that the events sent cannot have led to, any other message. */
void channel_take(client_t *client, slice_t text, void *user);

/* How many of the client's events are answered, from the first. */
uint64_t channel_completed(const client_t *client, completion_t completion);

#endif
