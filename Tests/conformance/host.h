/* The conformance host: the channels and sockets of the recordings in Tests/wire/fixtures, on synq.h alone. */
#ifndef HOST_H
#define HOST_H

#include <stddef.h>
#include <stdint.h>
#include <synq.h>

/* Each adds its channels or sockets; SYNQ_OK, or the code of the call that failed. */
int host_add_sockets(synq_server_t *server);     /* host_sockets.c */
int host_add_plain(synq_server_t *server);       /* host_plain.c: plain:*, exact */
int host_add_states(synq_server_t *server);      /* host_states.c: counter, big, room, roll, patch */
int host_add_lifecycles(synq_server_t *server);  /* host_lifecycles.c: auth, init, event */
int host_add_ledger(synq_server_t *server);      /* host_ledger.c: ledger:*, for tests that break connections */
int host_add_presence(synq_server_t *server);    /* host_presence.c: presence:*, presencef:* */
void host_free_ledger(void);
int host_add_board(synq_server_t *server);       /* host_board.c: board:*, a state that a topic owns */

/* Registers one channel for both lines of clients: `seance` and `live_state` are the patterns. */
int host_add_pair(synq_server_t *server, const char *seance, const char *live_state, synq_channel_options_t *channel);

/* The string at `pointer`, or "" when there is none. */
const char *host_string(const synq_value_t *value, const char *pointer);

/* A text made like printf's, with `%s` and the like; to be freed, NULL when memory is out. */
char *host_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The payload as text inside a text: `before`, the payload, `after`; to be freed. NULL for a binary payload. */
char *host_wrap(const char *before, const synq_value_t *payload, const char *after);

/* Finishes `deferred` with `status` and `text` after `delay_ms`, on a thread of the host. */
int host_reply_later(synq_deferred_t *deferred, unsigned delay_ms, const char *status, const char *text);

#endif
