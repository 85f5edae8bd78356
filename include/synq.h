/*
 * synq.h - server-owned application state, synchronised to clients by JSON patches,
 *          over the Phoenix Channels protocol.
 *
 * SPDX-License-Identifier: MIT
 *
 * TUTORIAL
 *
 *   A server owns state; clients render it and send events. One client's conversation about one topic
 *   ("room:42") is a channel. The host, which is your program, registers callbacks for a topic pattern and
 *   names the assigns to track. After each callback the library compares the tracked assigns with what that
 *   client has and sends the difference as a JSON Patch (RFC 6902). Clients are the stock Phoenix clients.
 *
 *     static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
 *       return synq_socket_assign(socket, "count", json_integer(0));
 *     }
 *
 *     static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload,
 *                             void *user) {
 *       if (strcmp(event, "inc") == 0) return synq_socket_increment(socket, "/count", 1, NULL);
 *       return synq_socket_reply_error(socket, "unknown_event", event, NULL);
 *     }
 *
 *     int main(void) {
 *       synq_server_t *server;
 *       synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
 *       synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
 *       const char *track[] = {"count", NULL};
 *
 *       options.port = 4000;
 *       channel.track = track;
 *       channel.init = init;
 *       channel.handle_event = handle_event;
 *       if (synq_server_new(&server, &options) || synq_server_channel(server, "counter:*", &channel) ||
 *           synq_server_start(server)) {
 *         fprintf(stderr, "%s\n", synq_error_message());
 *         return 1;
 *       }
 *       synq_server_run(server);
 *       synq_server_free(server);
 *     }
 *
 *   The client, with phoenix.js: connect to ws://127.0.0.1:4000/socket and join the channel "counter:1". It
 *   gets "synq:change" {state: {count: 0}, version: 0}, and after push("inc") a reply and "synq:patch"
 *   {operations: [{op: "replace", path: "/count", value: 1}], version: 1}.
 *
 *   In this order the header treats versions, errors, handles, reading values, callbacks, options, the
 *   server, clients that ask to be connected, and what a callback does with its socket: know its client,
 *   change its assigns, answer, answer later, send messages; at the end the patch engine alone.
 *
 * CONVENTIONS
 *
 *   Results    Functions return SYNQ_OK (0) or a negative SYNQ_E... code; synq_strerror() gives the text of
 *              a code, synq_error_message() the detail of the last failure on the calling thread: which
 *              argument, and why. A call that fails has changed nothing.
 *   Errors     Each function names its own. Beside them every function gives SYNQ_EINVAL for an argument
 *              that is NULL, empty or not UTF-8 where that is not allowed, SYNQ_ECLOSED for a ticket whose
 *              channel, client or server is gone, SYNQ_EFORKED for a handle of the parent process,
 *              SYNQ_EJSON for text that is not JSON, and SYNQ_EPOINTER for text that is no JSON Pointer.
 *   Ownership  In jansson's words. "Steals": the function takes over the caller's reference, also when it
 *              fails. "Borrows": the caller keeps its reference and may do with it what it likes afterwards,
 *              because the library copies; strings, bytes and structs are always borrowed. "New": the caller
 *              must json_decref() the result.
 *   JSON       Wherever a value is given there are two functions: one steals a json_t, the one that ends in
 *              _text borrows JSON text. A _binary one borrows bytes, which only clients of serializer V2
 *              read.
 *   Strings    UTF-8. `const char *` ends in NUL; a pair `text, length` does not have to, and
 *              SYNQ_NUL_TERMINATED as the length means strlen(text). A returned string is borrowed for as
 *              long as its function says.
 *   Threads    Every function may be called from any thread and from inside callbacks, except where it says
 *              so. No callback is called while the library holds a lock. A value or a string that a callback
 *              was lent may be read by one thread at a time. Threads of the runtime may outlive the last server,
 *              so the library stays mapped until the process ends: dlclose() is allowed and unmaps nothing.
 *   Structs    The first member is the size of the struct, set by the INIT macro; members are only ever
 *              added at the end. A zero or NULL member means its default.
 *   Callbacks  A set of callbacks shares one `user` pointer. `destroy(user)`, if given, is called exactly
 *              once: when the library does not need `user` any more, and also when the registration fails.
 *   C++        A callback must not let an exception out, nor longjmp: the frames between are not C++.
 *   Signals    The library installs no signal handler and raises no SIGPIPE. Its threads block all signals but
 *              those of their own faults (SIGSEGV and the like), so that a signalfd, a sigwait or a handler of
 *              the program gets them, whenever it is made.
 *   Memory     The first server that starts makes glibc keep up to 8 MB of freed memory at the end of each
 *              heap (as freeing one block of 4 MB does), unless the program has set M_TRIM_THRESHOLD itself;
 *              after a spike the library calls malloc_trim(). Both are for the whole process.
 *   Fork       A server, and each socket, connection and deferred of it, belongs to the process that made
 *              it: in a forked child its functions return SYNQ_EFORKED or NULL, and the child may not free
 *              it either. A child may start servers of its own, unless a server was stopped before the fork.
 *   Versions   Every function says since which version it exists. Before 1.0 a minor version may change the
 *              interface, so each has a soname of its own (libsynq.so.0.1); within one nothing is removed
 *              or changed.
 */
#ifndef SYNQ_H
#define SYNQ_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Behind a function whose result must be looked at: whatever else the call was for has not happened when it failed.
 * A program that wants no warnings defines it as nothing before it includes this header. */
#ifndef SYNQ_MUST_CHECK
#if defined(__GNUC__)
#define SYNQ_MUST_CHECK __attribute__((warn_unused_result))
#else
#define SYNQ_MUST_CHECK
#endif
#endif

/* A struct of options with its size set and all else zero, which means the defaults: the value of the INIT macros. */
#ifdef __cplusplus
#define SYNQ_INIT(type) \
  [] { \
    type made = type(); \
    made.size = sizeof(type); \
    return made; \
  }()
#else
#define SYNQ_INIT(type) {.size = sizeof(type)}
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*- All that follows is exported by the library, also where a program hides by default what it declares. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------------------------------------------------
 * Version
 *
 * A program that was compiled with this header runs with any library that is not older. To find that out at
 * the start, before anything else fails for it:
 *
 *     if (synq_version() < SYNQ_VERSION_HEX) die("libsynq is older than what this was compiled with");
 *
 * A struct from a header that is newer than the library gives SYNQ_EVERSION; one from an older header is
 * read as far as it goes.
 * ------------------------------------------------------------------------------------------------------- */

#define SYNQ_VERSION_MAJOR 0
#define SYNQ_VERSION_MINOR 1
#define SYNQ_VERSION_PATCH 0
#define SYNQ_VERSION "0.1.0"
/* The version as one number, for comparisons: 0xMMmmpp. */
#define SYNQ_VERSION_HEX ((SYNQ_VERSION_MAJOR << 16) | (SYNQ_VERSION_MINOR << 8) | SYNQ_VERSION_PATCH)

/* The version of the library that is loaded, as SYNQ_VERSION_HEX. Never fails. Since 0.1. */
int synq_version(void);

/* ----------------------------------------------------------------------------------------------------------
 * Errors
 * ------------------------------------------------------------------------------------------------------- */

enum {
  SYNQ_OK = 0,
  SYNQ_EINVAL = -1,      /* an argument is NULL, empty, too long or otherwise not allowed */
  SYNQ_ENOMEM = -2,      /* out of memory */
  SYNQ_ECLOSED = -3,     /* the channel, the client or the server is gone; nothing was done */
  SYNQ_ESTATE = -4,      /* not at this time: after the start, outside a callback, a second reply */
  SYNQ_EJSON = -5,       /* not JSON text, or a json_t without a JSON form: NaN, a cycle, no UTF-8 */
  SYNQ_EPOINTER = -6,    /* text that is not a JSON Pointer (RFC 6901) */
  SYNQ_ENOTFOUND = -7,   /* the pointer names no value */
  SYNQ_ETYPE = -8,       /* the value there is of another kind */
  SYNQ_ERANGE = -9,      /* the number does not fit */
  SYNQ_EADDRINUSE = -10, /* the port is taken */
  SYNQ_EIO = -11,        /* the system refused: a missing directory, a bad certificate, no permission */
  SYNQ_EFORKED = -12,    /* the handle, or what it needs, belongs to the parent process */
  SYNQ_EPATCH = -13,     /* a patch that is not one, or that does not apply */
  SYNQ_ELIMIT = -14,     /* a limit was reached */
  SYNQ_EVERSION = -15,   /* the header is newer than the library */
  SYNQ_ETIMEDOUT = -16,  /* the deadline passed */

  /* What only callbacks return: see "Callbacks". */
  SYNQ_CRASH = -100, /* the callback failed: end this channel */
  SYNQ_REFUSE = -101 /* no: the client may not join, connect, or come from that page */
};

/* A short English text for a code: static, never NULL, also for unknown codes. Since 0.1. */
const char *synq_strerror(int code);

/* The detail of the last call that failed on this thread: the argument's name and the cause, in one line.
 * Borrowed until the next call on this thread; "" when none has failed, never NULL. Since 0.1. */
const char *synq_error_message(void);

/* Notes why a callback fails, for the log, and gives SYNQ_CRASH: `return synq_crash("the disk is full");` in any
 * callback that returns a result, a mere call in before_close, which returns none, and
 * `synq_connection_finish(connection, synq_crash("..."))`. On the thread that returns or finishes. `cause` is
 * copied; NULL notes nothing. Since 0.1. */
int synq_crash(const char *cause);

/* ----------------------------------------------------------------------------------------------------------
 * Handles
 *
 * A server and what it gives out. A socket, a connection and a deferred are tickets, not memory: they are
 * checked at each call and never dereferenced, so one that is kept beyond its channel is safe, and a call on
 * it gives SYNQ_ECLOSED. A channel has the same ticket in each of its callbacks, and no other of the process
 * ever gets it: key a table by it. A server and a value are memory: a server until synq_server_free(), a
 * value for as long as who lent it says.
 * ------------------------------------------------------------------------------------------------------- */

typedef struct synq_server synq_server_t;         /* a server: synq_server_new() */
typedef struct synq_socket synq_socket_t;         /* one channel of one client, as callbacks see it */
typedef struct synq_connection synq_connection_t; /* a client that asks to be connected: synq_connect_fn */
typedef struct synq_deferred synq_deferred_t;     /* a response that is given later: synq_socket_defer() */
typedef struct synq_fetch synq_fetch_t;           /* a question about presences: synq_fetch_presence_fn */
typedef struct synq_link synq_link_t;             /* a client of a web server of yours: synq_link_open() */
typedef struct synq_value synq_value_t;           /* a JSON value that is read in place: "Reading values" */

/* Frees what a host gave: `user` of a set of callbacks, `data` of synq_socket_set_data(). Called once.
 * With SYNQ_POLLED on a thread that polls, else on any. */
typedef void (*synq_destroy_fn)(void *user);

/* As the length of a text: up to its NUL. */
#define SYNQ_NUL_TERMINATED ((size_t)-1)

/* ----------------------------------------------------------------------------------------------------------
 * Reading values
 *
 * Payloads, params and assigns come as values that are read in place, at a JSON Pointer (RFC 6901): "" is
 * the value itself, "/items/3/title" a part of it. A read costs the depth of the pointer, not the size of
 * the value. A value that a callback receives is valid until the callback returns; if it defers, until the
 * host has finished the deferred, also when the channel has ended by then.
 *
 * Each gives SYNQ_ENOTFOUND when nothing is at the pointer, and SYNQ_ETYPE for a binary value. The message then
 * says what is wrong with the value ("/title: expected a string, got a number"), and may be the answer to whoever
 * sent it:
 *
 *     if (synq_value_get_string(payload, "/title", &title, NULL) != SYNQ_OK)
 *       return synq_socket_reply_error(socket, "invalid_payload", synq_error_message(), NULL);
 * ------------------------------------------------------------------------------------------------------- */

typedef enum synq_kind {
  SYNQ_NULL = 1,
  SYNQ_BOOL = 2,
  SYNQ_INTEGER = 3, /* written without fraction and exponent, of any size */
  SYNQ_REAL = 4,
  SYNQ_STRING = 5,
  SYNQ_ARRAY = 6,
  SYNQ_OBJECT = 7,
  SYNQ_BINARY = 8 /* the payload of a binary message: synq_value_get_bytes() */
} synq_kind_t;

/* The kind of the value at `pointer`, a synq_kind_t, or a negative code. Since 0.1. */
int synq_value_kind(const synq_value_t *value, const char *pointer);

/* The number of elements or members of the array or object at `pointer`, or a negative code: SYNQ_ETYPE
 * for anything else. Since 0.1. */
int64_t synq_value_size(const synq_value_t *value, const char *pointer);

/* An integer: SYNQ_ETYPE when it is none, SYNQ_ERANGE when it is beyond int64_t. Since 0.1. */
int synq_value_get_int(const synq_value_t *value, const char *pointer, int64_t *out);

/* A real or an integer as the nearest double, else SYNQ_ETYPE. Since 0.1. */
int synq_value_get_real(const synq_value_t *value, const char *pointer, double *out);

/* true as 1 and false as 0, else SYNQ_ETYPE. Since 0.1. */
int synq_value_get_bool(const synq_value_t *value, const char *pointer, int *out);

/* A string: borrowed as long as the value, ended by NUL; it may also contain NUL, so see *length (which
 * may be NULL). Else SYNQ_ETYPE. Since 0.1. */
int synq_value_get_string(const synq_value_t *value, const char *pointer, const char **out, size_t *length);

/* The bytes of a binary payload, borrowed as long as the value; else SYNQ_ETYPE. Since 0.1. */
int synq_value_get_bytes(const synq_value_t *value, const void **out, size_t *length);

/* The value at `pointer` as compact JSON text: borrowed as long as the value, ended by NUL; `length` may
 * be NULL. Since 0.1. */
int synq_value_get_text(const synq_value_t *value, const char *pointer, const char **out, size_t *length);

/* The value at `pointer` as a new jansson value. SYNQ_ERANGE for an integer beyond 64 bits. Since 0.1. */
int synq_value_get_json(const synq_value_t *value, const char *pointer, json_t **out);

/* The element or member number `index`, from 0 and in the order as sent, of the array or object at
 * `pointer`: its name in *name (NULL for an element; may contain NUL, see *length), and itself as a value in
 * *out. All three may be NULL, and what they give is borrowed as long as `value`. SYNQ_ENOTFOUND behind the
 * last one, SYNQ_ETYPE for anything else than an array or object. A step costs the same wherever it is.
 *
 *     for (size_t i = 0; synq_value_member(payload, "/scores", i, &name, NULL, &score) == SYNQ_OK; i++) ...
 *
 * Since 0.1. */
int synq_value_member(const synq_value_t *value, const char *pointer, size_t index, const char **name,
                      size_t *length, const synq_value_t **out);

/* One place that synq_value_read() reads: */
typedef struct synq_field {
  const char *pointer; /* from the value: "/title" */
  synq_kind_t kind;    /* what must be there */
  void *out;    /* SYNQ_BOOL: int *, SYNQ_INTEGER: int64_t *, SYNQ_REAL: double *, SYNQ_STRING: const char **
                          (a string with NUL inside is SYNQ_ETYPE), SYNQ_ARRAY and SYNQ_OBJECT: const
                          synq_value_t ** */
  int optional; /* 1: where nothing or null is, *out stays as it is */
} synq_field_t;

/* Reads several places at once, all or none: when one fails, as its own function would, no *out is written.
 * What is given is borrowed as long as `value`.
 *
 *     const synq_field_t fields[] = {{"/title", SYNQ_STRING, &title, 0}, {"/done", SYNQ_BOOL, &done, 1}};
 *     if (synq_value_read(payload, fields, 2) != SYNQ_OK)
 *       return synq_socket_reply_error(socket, "invalid_payload", synq_error_message(), NULL);
 *
 * Since 0.1. */
int synq_value_read(const synq_value_t *value, const synq_field_t *fields, size_t count);

/* The patch (RFC 6902) that turns `from` into `to`, as a new array of operations. SYNQ_ERANGE for an
 * integer beyond 64 bits. Since 0.1. */
int synq_value_diff(const synq_value_t *from, const synq_value_t *to, json_t **out) SYNQ_MUST_CHECK;

/* The same as text: borrowed as long as `to`, ended by NUL; `length` may be NULL. Since 0.1. */
int synq_value_diff_text(const synq_value_t *from, const synq_value_t *to, const char **out,
                         size_t *length) SYNQ_MUST_CHECK;

/* ----------------------------------------------------------------------------------------------------------
 * Callbacks
 *
 * The callbacks of one channel run one at a time, in the order of their causes; those of different channels
 * run in parallel with SYNQ_WORKERS. synq_delivery_t says on which threads, and whether they may block.
 * Inside, every function of this header may be called but synq_server_run(), synq_server_wait() and
 * synq_server_free() of the same server. What a callback is given is borrowed until it returns.
 *
 * What a callback returns:
 *   SYNQ_OK      all is well. The client gets the response that the callback set with synq_socket_reply...
 *                or synq_socket_reply_error, else (for an event) status "ok" with the response {}.
 *   SYNQ_CRASH   or any other negative code: the callback failed. The host finds it in the log with topic,
 *                event, code and cause (that of synq_crash(), or of the failed call), what the callback
 *                assigned is dropped, the client gets phx_error and rejoins. So it is right to end with
 *                `return synq_socket_increment(...)`: a failure is never lost.
 *   SYNQ_REFUSE  (authorize, connect and check_origin only) no; with synq_socket_reply_error or
 *                synq_connection_refuse to say why.
 *
 * Order on the wire: what the callback pushed, then its reply, then the patch.
 * ------------------------------------------------------------------------------------------------------- */

/* A client asks to join `topic`. SYNQ_OK lets it in (a payload set by synq_socket_reply is sent with the
 * answer), an error response or SYNQ_REFUSE refuses. Assigns made here are kept. Default: every client
 * may join. */
typedef int (*synq_authorize_fn)(synq_socket_t *socket, const char *topic, const synq_value_t *params,
                                 void *user);

/* The client has joined: set the first assigns. They are sent as the full state when the callback is
 * done. After an error response (synq_socket_reply_error) the channel stays joined without state: the
 * client gets the error, its events are answered with the error not_initialized, and a refresh runs init
 * again. */
typedef int (*synq_init_fn)(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user);

/* The client sent an event. `event` is the name that the client gave, without the prefix of the dialect. */
typedef int (*synq_handle_event_fn)(synq_socket_t *socket, const char *event, const synq_value_t *payload,
                                    void *user);

/* A message of the server: sent to this channel, published on its topic or on one that it subscribed to,
 * or a broadcast that it intercepts or subscribed to. `topic` is the one that it came by. */
typedef int (*synq_handle_message_fn)(synq_socket_t *socket, const char *topic, const char *message,
                                      const synq_value_t *payload, void *user);

/* The channel is about to end. Called exactly once for each channel whose authorize succeeded. Assigns
 * can be read; nothing reaches the client any more; publishing and broadcasting still reach the others.
 * After a crash the assigns are as they were before the callback that failed. Reasons: "normal",
 * "shutdown", "shutdown:left" (the client left), "shutdown:closed" (the connection is lost),
 * "shutdown:duplicate_join", "shutdown:draining" (the server stops), "shutdown:..." as given to
 * synq_socket_stop(), "crashed". */
typedef void (*synq_before_close_fn)(synq_socket_t *socket, const char *reason, void *user);

/* Nobody is in the topic yet: set its shared assigns for the first time. Called once, before the first init of the topic;
 * `socket` is the topic: it has the shared assigns, can broadcast, publish and defer in order, and has no client
 * (SYNQ_ESTATE for what needs one). After an error response, or a failure, the clients that wait get the error, and the
 * next that joins tries again. */
typedef int (*synq_open_topic_fn)(synq_socket_t *socket, const char *topic, void *user);

/* The topic's last channel has left and linger_ms has passed: keep what is shared, if it is to be kept. Called once for
 * each topic that was opened; then its shared assigns are gone. */
typedef void (*synq_close_topic_fn)(synq_socket_t *socket, const char *topic, void *user);

/* A function that runs once in the order of a topic or a channel: synq_server_update(), synq_socket_update(). `socket` is
 * the topic (see synq_open_topic_fn) or the channel; its assigns can be read and changed. A negative result drops what was
 * changed, and is the result that `done` gets. */
typedef int (*synq_update_fn)(synq_socket_t *socket, void *user);

/* An update is over, or will never run. `result` is what the function returned; SYNQ_ENOTFOUND if the topic is not open,
 * SYNQ_ECLOSED if the channel or the server has ended before. Called exactly once for each call, on a thread that runs
 * callbacks; also when the call itself fails, then before it returns. Free `user` here. */
typedef void (*synq_update_done_fn)(int result, void *user);

/* Builds the message that carries the full state, in place of the dialect's: the first one, the one after
 * max_version (version 0), and the answer to a refresh. `state` is the object of the tracked assigns as
 * they are: ignore_keys belongs to the dialect's messages. The callback gives its message by
 * synq_socket_state_message(), now or, deferred in order, later; one that ends without a message has
 * failed. It may read the assigns and push, not change them (SYNQ_ESTATE). The channel waits for it as
 * for its other callbacks, so a client that does not read costs one message at most. */
typedef int (*synq_new_state_fn)(synq_socket_t *socket, const synq_value_t *state, uint32_t version,
                                 void *user);

/* The same for the message that leads the client from the state that it has to the current one, which
 * differ; synq_value_diff() gives the operations between them. max_patch_bytes does not bound it. */
typedef int (*synq_update_state_fn)(synq_socket_t *socket, const synq_value_t *from, const synq_value_t *to,
                                    uint32_t version, void *user);

/* What is to be shown of keys that came or changed, beside their metas: names, pictures. `presences` is an
 * object, {"ann": {"metas": [...]}}, valid until the fetch is finished. It is asked once for all keys of a
 * change, and the change is told when it is finished, by synq_fetch_finish(): exactly once, now or later,
 * from any thread. A failure is logged, and the metas are shown alone. One at a time for each topic. */
typedef int (*synq_fetch_presence_fn)(synq_fetch_t *fetch, const char *topic, const synq_value_t *presences,
                                      void *user);

/* The first channel came under `key` of a topic (`is_present` 1), or the last one went (0). One at a time for
 * each topic, in order; who goes and comes back at once is not reported. */
typedef void (*synq_presence_changed_fn)(const char *topic, const char *key, int is_present, void *user);

/* A client asks to be connected; `params` are those of its URL, an object of strings. SYNQ_OK connects
 * it, SYNQ_REFUSE answers 403 or what synq_connection_refuse() said; a failure answers 500. A decision
 * that takes longer, on another thread or in a task of an event loop: synq_connection_defer(). */
typedef int (*synq_connect_fn)(synq_connection_t *connection, const synq_value_t *params, void *user);

/* Whether pages of `origin`, as the browser sent it ("https://example.com"), may connect: SYNQ_OK or
 * SYNQ_REFUSE, which answers 403 and leaves a warning in the log; a failure answers 500. Called before
 * connect and on the same thread, for long poll when the session begins. A request without an origin
 * comes from a program and is let through; one that names no host ("null", "file://", garbage) is refused
 * without asking. */
typedef int (*synq_check_origin_fn)(const char *origin, void *user);

/* ----------------------------------------------------------------------------------------------------------
 * Options
 * ------------------------------------------------------------------------------------------------------- */

/* An option that is on or off; 0 is its default, as everywhere. */
typedef enum synq_switch { SYNQ_ON = 1, SYNQ_OFF = 2 } synq_switch_t;

/* On which threads callbacks run. */
typedef enum synq_delivery {
  /* On threads of the library, in parallel, each channel in order. A callback may block: it delays its
   * channel, and takes one of the `workers`. One connection gets at most half of them. */
  SYNQ_WORKERS = 0,
  /* On the thread that serves the connection. The fastest; a callback must never block. */
  SYNQ_INLINE = 1,
  /* On the host's threads, inside synq_server_poll(), synq_server_run() or synq_server_free(), and so is
   * every destroy(); none but the log ever runs on a thread of the library. Several threads may poll at
   * once. */
  SYNQ_POLLED = 2
} synq_delivery_t;

typedef enum synq_log_level {
  SYNQ_LOG_DEBUG = 1,
  SYNQ_LOG_INFO = 2,
  SYNQ_LOG_WARNING = 3,
  SYNQ_LOG_ERROR = 4,
  SYNQ_LOG_OFF = 5
} synq_log_level_t;

/* One line of the log. Borrowed during the call. */
typedef struct synq_log_record {
  size_t size;
  synq_log_level_t level;
  const char *message;
  /* Names and values by turns, ended by NULL: "topic", "room:1", "event", "inc", NULL. Never payloads or
   * tokens. */
  const char *const *fields;
} synq_log_record_t;

/* Called for each line of the log, by a thread of the server's that does nothing else: one line at a time,
 * and a call that blocks keeps no client waiting. Lines that come faster than they are taken are left out and
 * counted, and so are those of one kind beyond some a second (SYNQ_LOG_INFO and above). Characters that
 * control a terminal or end a line are escaped, and long values cut. The last call returns before
 * `destroy`. It must not call the library. */
typedef void (*synq_log_fn)(const synq_log_record_t *record, void *user);

/* Limits against clients that ask for too much; 0 is the default. Over a limit a client gets an error
 * reply that names the limit, or its connection is closed with the code given here. Two have a ceiling, and
 * more is SYNQ_EINVAL: max_json_depth 2,048, which is as deep as jansson's own parser goes and holds for
 * assigns too (SYNQ_ELIMIT); max_message_bytes 1,073,741,824. */
typedef struct synq_limits {
  size_t size;
  uint32_t max_connections;             /* in all: 503. Default 100,000 */
  uint32_t max_connections_per_address; /* of an IPv4 address or a /64: 503, long poll 429. Default 10,000 */
  uint32_t handshake_timeout_ms;        /* from accept to upgrade; in connect: 503. Default 10,000 */
  uint32_t idle_timeout_ms;             /* without a byte from the client: close 1002. Default 60,000 */
  uint32_t max_header_bytes;            /* of an HTTP request: 431. Default 16,384 */
  uint32_t max_frame_bytes;             /* of one WebSocket frame: close 1009. Default: a whole message */
  uint32_t max_message_bytes;           /* all its frames: close 1009, long poll 413. Default 1,000,000 */
  uint32_t max_fragments;               /* frames of one message: close 1009. Default 1,024 */
  uint32_t max_channels;                /* joined at once by one connection: an error. Default 100 */
  uint32_t max_queued_events;           /* of one channel, while its callback runs: an error. Default 1,000 */
  uint32_t max_topic_bytes;             /* an error. Default 1,024 */
  uint32_t max_event_bytes;             /* an error. Default 256 */
  uint32_t max_ref_bytes;               /* close 1008. Default 256 */
  uint32_t max_json_depth;              /* of a message: an error; without a ref close 1011. Default 128 */
  uint32_t max_messages_per_second;     /* of one connection: an error, or close 1008. Default: no limit */
  uint32_t max_joins_per_second;        /* of one connection, on average: an error. Default: no limit */
  uint32_t max_outbound_bytes;          /* for a client that does not read: close 1013. Default 8,000,000 */
  uint32_t max_patch_bytes;             /* a longer one is sent as the full state. Default 8,000,000 */
  uint32_t max_json_nodes;              /* values in a message: as max_json_depth. Default 100,000 */
  uint32_t max_pending_replies;         /* owed to a connection, detached: an error. Default 1,000 */
  uint32_t max_inflate_ratio;           /* of a compressed message beyond 64 kB: close 1009. Default 100 */
  uint32_t max_longpoll_sessions;       /* of one mount: status 429. Default 10,000 */
  uint32_t max_longpoll_batch;          /* messages of one request: status 413. Default 100 */
  uint32_t max_longpoll_queue_bytes;    /* for the next poll: the session ends. Default 1,048,576 */
  uint32_t max_longpoll_body_bytes;     /* of one request: status 413. Default: max_message_bytes */
  uint32_t longpoll_session_timeout_ms; /* without a request: the session ends. Default 20,000 */
  uint32_t keep_alive_timeout_ms;       /* of an HTTP connection without a request. Default 30,000 */
  uint32_t close_timeout_ms;            /* for a peer to close its side: it is cut off. Default 5,000 */
  uint32_t drain_batch;                 /* connections that a stop ends at once. Default 1,000 */
  uint32_t drain_pause_ms;              /* from one batch of a stop to the next. Default 100 */
  uint32_t max_queued_messages;         /* of one channel, while its callback runs: a crash. Default 10,000 */
  uint32_t max_queued_bytes;            /* of a connection's events, likewise: an error. Default 16,000,000 */
  uint32_t max_timers;                  /* of one channel, not due yet: SYNQ_ELIMIT. Default 1,000 */
  uint32_t max_subscriptions;           /* of one channel: SYNQ_ELIMIT. Default 1,000 */
  uint32_t message_timeout_ms;          /* for a message to arrive: close 1008. Default 60,000 */
  uint32_t max_memory_mb;               /* held for all clients: the largest holders are closed with 1013.
                                           Default: a quarter of the memory that the process may use */
  uint32_t max_memory_mb_per_address;   /* of an IPv4 address or a /64, likewise. Default: half of that */
} synq_limits_t;

#define SYNQ_LIMITS_INIT SYNQ_INIT(synq_limits_t)

/* The oldest version of TLS that a client may speak. */
typedef enum synq_tls_version {
  SYNQ_TLS_1_2 = 12, /* the default, as RFC 9325 says */
  SYNQ_TLS_1_3 = 13
} synq_tls_version_t;

/* A server. Strings are copied. */
typedef struct synq_server_options {
  size_t size;
  const char *host;                       /* the address to listen on. Default "127.0.0.1" */
  uint16_t port;                          /* Default 0: a free one, see synq_server_port() */
  synq_delivery_t delivery;               /* Default SYNQ_WORKERS */
  uint32_t workers;                       /* threads for SYNQ_WORKERS, at most 1,024. Default: one per core,
                                             at least 4, and up to 64 while all of them are blocked */
  uint32_t loops;                         /* threads that serve connections, at most 256. Default: one per
                                             core */
  const synq_limits_t *limits;            /* copied. Default: those above */
  const char *tls_certificate;            /* a PEM file: the certificate and its chain. Default: no TLS */
  const char *tls_key;                    /* a PEM file: the private key, not encrypted */
  synq_log_level_t log_level;             /* Default SYNQ_LOG_WARNING */
  synq_log_fn log;                        /* Default: lines on stderr */
  void *user;                             /* for `log` */
  synq_destroy_fn destroy;                /* for `user` */
  synq_tls_version_t tls_minimum_version; /* Default SYNQ_TLS_1_2 */
  const char *const *allowed_hosts;       /* the names in the Host field under which pages of the server's own
                                             may connect, ended by NULL: "example.com", a host that starts
                                             with "*." for its subdomains too, or "*" for any. Stops pages
                                             whose name is given this machine's address (DNS rebinding).
                                             Default: where `host` is of loopback its names and addresses,
                                             else any. A proxy that passes its own name on needs it. */
  const char *metrics;                    /* a path ("/metrics") at which Prometheus reads what the server
                                             counts; callbacks are timed then. Default: none */
  const char *health;                     /* a path for load balancers: 200 "ok", or 503 "draining" once the
                                             server stops. Default: none */
  const char *cluster;                    /* a Redis 6.2 or later, or a Valkey, that joins this server to all
                                             that are given the same one: "redis://host:6379", with
                                             user:password@ before the host, /database and ?prefix=NAME after
                                             it where needed, "rediss://" for TLS. Broadcasts, messages and
                                             disconnects reach the clients of all, at most once. Default:
                                             this server is alone */
} synq_server_options_t;

#define SYNQ_SERVER_OPTIONS_INIT SYNQ_INIT(synq_server_options_t)

/* The names that a client line uses on the wire. */
typedef enum synq_dialect {
  SYNQ_DIALECT_SYNQ = 0,
  SYNQ_DIALECT_LIVE_STATE = 1, /* phx-live-state */
  SYNQ_DIALECT_LIVE_VIEW_MODEL = 2,
  SYNQ_DIALECT_SEANCE = 3
} synq_dialect_t;

/* A channel: the callbacks for a topic pattern. Strings and arrays are copied. */
typedef struct synq_channel_options {
  size_t size;
  const char *const *track;              /* the assigns to synchronise, ended by NULL. Default: none */
  synq_authorize_fn authorize;           /* Default: every client may join */
  synq_init_fn init;                     /* Default: no first assigns */
  synq_handle_event_fn handle_event;     /* Default: the error unknown_event */
  synq_handle_message_fn handle_message; /* Default: messages are dropped, with a warning */
  synq_before_close_fn before_close;
  void *user;                     /* for all of these callbacks */
  synq_destroy_fn destroy;        /* for `user` */
  uint32_t max_version;           /* the version after it is 0. Default 1,000 */
  synq_dialect_t dialect;         /* Default SYNQ_DIALECT_SYNQ */
  const char *const *ignore_keys; /* members dropped from tracked state, at any depth, ended by NULL; not for
                                     new_state and update_state. Default: "__meta__" */
  const char *const *intercept;   /* broadcasts of these events go to handle_message, not to the client */
  int allow_prototype_keys;       /* 1: tracked state may have members named __proto__, constructor or
                                     prototype, which break careless JavaScript clients. Default: to assign
                                     one is SYNQ_EINVAL */
  synq_new_state_fn new_state;    /* Default: the dialect's message with the full state */
  synq_update_state_fn update_state;     /* Default: the dialect's patch */
  synq_fetch_presence_fn fetch_presence; /* Default: metas are shown alone */
  synq_presence_changed_fn presence_changed;
  uint32_t max_presence_keys;  /* of one topic: SYNQ_ELIMIT. Default 10,000 */
  uint32_t max_presence_bytes; /* of one topic's keys and metas: SYNQ_ELIMIT. Default 4,000,000 */
  const char *const *shared;   /* the assigns that a topic has once for all of its channels, ended by NULL; in
                                        `track` too if clients see them. Callbacks of such a topic's channels run one
                                        at a time, authorize apart. Default: none */
  synq_open_topic_fn open_topic; /* Default: the shared assigns are not set until a callback sets them */
  synq_close_topic_fn close_topic;
  uint32_t linger_ms;         /* how long a topic stays open without channels; needs `shared`. Default 0 */
  uint32_t patch_interval_ms; /* state messages of a client are at least so far apart; what changed
                                        meanwhile is one patch. Default 0: at once */
  const char *presence;       /* the assign that the library keeps to who is here, {"ann": {"metas": [...]}};
                                        it is tracked and shared, and clients get no presence messages. Default:
                                        none */
} synq_channel_options_t;

#define SYNQ_CHANNEL_OPTIONS_INIT SYNQ_INIT(synq_channel_options_t)

/* A socket path: who may connect there, and how. Strings and arrays are copied. */
typedef struct synq_mount_options {
  size_t size;
  const char *const *origins; /* allowed origins, ended by NULL: "https://example.com", "//example.com" (any
                                 scheme), a host that starts with "*." for its subdomains, or "*" for all.
                                 Default: the host and port that the request names, if it is one of the
                                 server's allowed_hosts */
  synq_connect_fn connect;    /* Default: every client may connect */
  void *user;                 /* for `connect` and `check_origin` */
  synq_destroy_fn destroy;    /* for `user` */
  const char *const *subprotocols;   /* offered to clients that ask for one, ended by NULL. Default: none */
  synq_switch_t longpoll;            /* SYNQ_OFF: WebSocket only. Default SYNQ_ON */
  uint32_t longpoll_window_ms;       /* how long a poll waits for something to send. Default 10,000 */
  const char *pattern;               /* in place of "websocket": a path with parameters, "custom/:id/ws" */
  const synq_limits_t *limits;       /* for connections here; 0 takes the server's. max_connections...,
                                      handshake_timeout_ms, max_header_bytes, keep_alive_timeout_ms,
                                      close_timeout_ms, max_memory_... and drain_... are the server's alone */
  int compress;                      /* 1: permessage-deflate (RFC 7692) for WebSocket clients that offer it:
                                      fewer bytes for more CPU time. Default 0 */
  synq_check_origin_fn check_origin; /* decides in place of `origins`; to give both is SYNQ_EINVAL */
} synq_mount_options_t;

#define SYNQ_MOUNT_OPTIONS_INIT SYNQ_INIT(synq_mount_options_t)

/* ----------------------------------------------------------------------------------------------------------
 * Server: making and running it
 * ------------------------------------------------------------------------------------------------------- */

/* Makes a server that does not listen yet; free it with synq_server_free(). `options` may be NULL.
 * SYNQ_EINVAL also for more `workers` or `loops` than there may be, SYNQ_EIO when the system does not give
 * the threads, SYNQ_EVERSION. Since 0.1. */
int synq_server_new(synq_server_t **out, const synq_server_options_t *options) SYNQ_MUST_CHECK;

/* Registers a channel, before the start. `pattern` is a topic ("lobby") or a prefix that ends in "*"
 * ("room:*"); the most specific pattern wins. SYNQ_EINVAL for a pattern that is none or is taken,
 * SYNQ_ESTATE after the start, SYNQ_EVERSION. Since 0.1. */
int synq_server_channel(synq_server_t *server, const char *pattern,
                        const synq_channel_options_t *options) SYNQ_MUST_CHECK;

/* Serves a socket at PATH/websocket and PATH/longpoll, before the start. `options` may be NULL. A server
 * with no mount gets "/socket" with the defaults. SYNQ_EINVAL for a path that does not begin with "/" or
 * is mounted already, SYNQ_ESTATE after the start, SYNQ_EVERSION. Since 0.1. */
int synq_server_mount(synq_server_t *server, const char *path,
                      const synq_mount_options_t *options) SYNQ_MUST_CHECK;

/* Serves the files of `directory` below `prefix` ("/"), for demos; before the start. SYNQ_EIO if it is
 * not a directory, SYNQ_ESTATE after the start. Since 0.1. */
int synq_server_static(synq_server_t *server, const char *prefix, const char *directory) SYNQ_MUST_CHECK;

/* Binds the port and serves; blocks until the port is bound. SYNQ_EADDRINUSE, SYNQ_EIO (also for
 * certificates and origins that cannot be used, and for too few file descriptors), SYNQ_ESTATE when started
 * before, SYNQ_EFORKED in the child of a process that had stopped a server. After a failure it may be tried
 * again. Since 0.1. */
int synq_server_start(synq_server_t *server) SYNQ_MUST_CHECK;

/* Starts without a port: clients come by synq_link_open() alone. Errors as synq_server_start(). Since 0.1. */
int synq_server_start_links(synq_server_t *server) SYNQ_MUST_CHECK;

/* The port that the server listens on, or SYNQ_ESTATE before the start and where it has none. Since 0.1. */
int synq_server_port(const synq_server_t *server);

/* Waits until the server has stopped; with SYNQ_POLLED it runs the callbacks meanwhile. SYNQ_ESTATE
 * before the start and inside a callback of this server. Since 0.1. */
int synq_server_run(synq_server_t *server);

/* With SYNQ_POLLED: waits until callbacks are due, at most `timeout_ms` (0: not at all, -1: without end),
 * runs at most `max` of them (0: all that are due) on the calling thread and returns their number.
 * SYNQ_ECLOSED once the server has stopped and nothing is due any more, SYNQ_ESTATE with another
 * delivery. Since 0.1. */
int synq_server_poll(synq_server_t *server, int timeout_ms, int max);

/* With SYNQ_POLLED: a descriptor that is readable (level-triggered) while callbacks are due, and for good
 * once synq_server_poll() gives SYNQ_ECLOSED, for epoll, libuv or asyncio; do nothing else with it. Valid
 * until synq_server_free(). SYNQ_ESTATE with another delivery. Since 0.1. */
int synq_server_fd(synq_server_t *server);

/* Begins the end, from any thread or callback, and returns at once: no new connections; each channel's
 * before_close runs with "shutdown:draining"; connections close with 1012, in batches, so that clients
 * come back elsewhere and not all at once. What is not done after `timeout_ms` (-1: no end) is cut off; a
 * deadline shortens the pauses between batches. A second stop can only shorten the deadline, and ends the
 * pauses; after the end a stop does nothing. Since 0.1. */
int synq_server_stop(synq_server_t *server, int timeout_ms);

/* Waits until a stop is complete, at most `timeout_ms` (-1: no end): SYNQ_ETIMEDOUT. SYNQ_ESTATE inside a
 * callback of this server, and with SYNQ_POLLED on the thread that polled last, as nobody would run what
 * is due. Since 0.1. */
int synq_server_wait(synq_server_t *server, int timeout_ms);

/* Frees the server; NULL is allowed. A running one is stopped first, which waits for callbacks, but not
 * for clients to close their side; with SYNQ_POLLED the remaining before_close callbacks run inside this
 * call. Every destroy() is called before it returns. No other call on the server may be running or
 * follow. SYNQ_ESTATE, and nothing is done, inside a callback of this server. Since 0.1. */
int synq_server_free(synq_server_t *server);

/* ----------------------------------------------------------------------------------------------------------
 * Server: while it runs
 *
 * Before the start SYNQ_ESTATE, after the stop SYNQ_ECLOSED.
 * ------------------------------------------------------------------------------------------------------- */

/* Pushes an event to every client that has joined `topic`, and to handle_message of channels that
 * subscribed to it. The message is encoded once. A topic that nobody joined is no error. SYNQ_ELIMIT, here and
 * for what is published, when 10,000 messages to topics, or 64 MB of them, wait because members do not keep up:
 * nothing is sent. Since 0.1. */
int synq_server_broadcast(synq_server_t *server, const char *topic, const char *event,
                          json_t *payload /* steals */);
int synq_server_broadcast_text(synq_server_t *server, const char *topic, const char *event, const char *text,
                               size_t length);
int synq_server_broadcast_binary(synq_server_t *server, const char *topic, const char *event,
                                 const void *bytes, size_t length);

/* Sends a message to handle_message of every channel that has joined `topic` or subscribed to it. Clients
 * see only what those callbacks make of it. Since 0.1. */
int synq_server_publish(synq_server_t *server, const char *topic, const char *message,
                        json_t *payload /* steals */);
int synq_server_publish_text(synq_server_t *server, const char *topic, const char *message, const char *text,
                             size_t length);

/* The same for messages that replace one another, such as the newest price: while one waits for a channel whose
 * callback runs, a newer one of the same topic, message and `key` takes its place, so that a channel that does
 * not keep up has one for each key. Since 0.1. */
int synq_server_publish_latest(synq_server_t *server, const char *topic, const char *message, const char *key,
                               json_t *payload /* steals */);
int synq_server_publish_latest_text(synq_server_t *server, const char *topic, const char *message,
                                    const char *key, const char *text, size_t length);

/* Whether synq_server_update() opens a topic that nobody is in. */
enum {
  SYNQ_UPDATE_IF_OPEN = 0, /* SYNQ_ENOTFOUND: there is nobody to see the change */
  SYNQ_UPDATE_OPEN = 1     /* open_topic runs first, and close_topic after linger_ms */
};

/* Runs `update` once in the turn of a topic whose channels have shared assigns, from anywhere: a timer, an HTTP handler,
 * another topic's callback. What it changes becomes one patch for each client. Returns at once; `done`, which may be NULL,
 * tells the result. SYNQ_ESTATE inside a callback of the same topic, which would wait for itself; SYNQ_EINVAL for a topic
 * without a channel, or whose channels share nothing; SYNQ_ECLOSED once the server stops. Since 0.1. */
int synq_server_update(synq_server_t *server, const char *topic, int mode, synq_update_fn update, void *user,
                       synq_update_done_fn done);

/* The number of channels in a topic with shared assigns, or a negative code. Since 0.1. */
int64_t synq_server_channel_count(synq_server_t *server, const char *topic);

/* Closes every connection whose id (synq_connection_set_id) is `id`, with 1001, so that clients come back
 * and are asked again. SYNQ_OK also when there is none. Since 0.1. */
int synq_server_disconnect(synq_server_t *server, const char *id);

/* Reads certificate and key again, from the same files: connections that begin from now on use them,
 * those that run go on. On an error all stays as it was: SYNQ_EIO when the files cannot be used,
 * SYNQ_ESTATE without TLS. Blocks while it reads. Since 0.1. */
int synq_server_reload_tls(synq_server_t *server);

typedef struct synq_stats {
  size_t size;
  uint64_t connections;       /* open now */
  uint64_t channels;          /* joined now */
  uint64_t connections_total; /* since the start */
  uint64_t messages_in;       /* messages from clients since the start */
  uint64_t messages_out;      /* messages to clients since the start */
  uint64_t bytes_out;         /* of those messages */
  uint64_t callbacks;         /* callbacks run since the start */
  uint64_t crashes;           /* callbacks that failed */
  uint64_t queued_messages;   /* published, sent and intercepted, that wait for a callback's end now */
} synq_stats_t;

#define SYNQ_STATS_INIT SYNQ_INIT(synq_stats_t)

/* Fills `out`, whose `size` must be set; zeros before the start and after the stop. SYNQ_EVERSION. Since
 * 0.1. */
int synq_server_stats(synq_server_t *server, synq_stats_t *out);

/* What the server counts as OpenMetrics text, ended by NUL and freed with synq_free(). Times of callbacks are in it
 * where the option `metrics` is set. `length` may be NULL. SYNQ_ESTATE before the start. Since 0.1. */
int synq_server_metrics_text(synq_server_t *server, char **out, size_t *length) SYNQ_MUST_CHECK;

/* ----------------------------------------------------------------------------------------------------------
 * Connections: clients that ask to be connected
 *
 * Inside synq_connect_fn, and after synq_connection_defer() until synq_connection_finish(); else, and once
 * the client has gone, SYNQ_ECLOSED or NULL. What is borrowed is valid until the callback returns or, if it
 * deferred, until the finish.
 * ------------------------------------------------------------------------------------------------------- */

/* A header of the request by its name in any case, or NULL. Borrowed. Since 0.1. */
const char *synq_connection_header(synq_connection_t *connection, const char *name);

/* The peer's address without the port. Borrowed. Since 0.1. */
const char *synq_connection_peer(synq_connection_t *connection);

/* The auth token that the client offered (phoenix.js: authToken), or NULL. Borrowed. Since 0.1. */
const char *synq_connection_token(synq_connection_t *connection);

/* Names the connection's owner, for synq_server_disconnect(). Since 0.1. */
int synq_connection_set_id(synq_connection_t *connection, const char *id);

/* Sets an assign that each channel of the connection starts with. Since 0.1. */
int synq_connection_assign(synq_connection_t *connection, const char *name, json_t *value /* steals */);
int synq_connection_assign_text(synq_connection_t *connection, const char *name, const char *text,
                                size_t length);

/* Keeps a pointer of the program with the connection, for all of its channels: synq_socket_connection_data().
 * `destroy(data)`, if given, is called exactly once: when it is replaced, when the client is refused or has
 * gone and its channels have ended, or now if this call fails. Since 0.1. */
int synq_connection_set_data(synq_connection_t *connection, void *data, synq_destroy_fn destroy);

/* The HTTP status (400-599, else SYNQ_EINVAL) and the body (may be NULL) of a refusal; then return
 * SYNQ_REFUSE. Since 0.1. */
int synq_connection_refuse(synq_connection_t *connection, int status, const char *body);

/* Says that the decision comes later; then return SYNQ_OK (another result decides at once). The client
 * waits, at most handshake_timeout_ms. The connection must be finished exactly once, from any thread,
 * also when its client has gone meanwhile: it keeps the params until then. Inside synq_connect_fn, once,
 * else SYNQ_ESTATE. Since 0.1. */
int synq_connection_defer(synq_connection_t *connection) SYNQ_MUST_CHECK;

/* Decides about a deferred connection: `result` is what the callback would have returned. SYNQ_ECLOSED
 * when the client has gone, its time is over, the server has stopped, or it was finished before;
 * SYNQ_ESTATE when it is not deferred; SYNQ_EINVAL, and it still waits, for a positive result. Since
 * 0.1. */
int synq_connection_finish(synq_connection_t *connection, int result);

/* The pointer that the program gave with the link of the client, or NULL: see "Links". Since 0.1. */
void *synq_connection_link_user(synq_connection_t *connection);

/* ----------------------------------------------------------------------------------------------------------
 * Links: clients of a web server that the program has already
 *
 * A program that has a web server of its own keeps its port: that server reads the request of a WebSocket and
 * asks with synq_link_open(); the library answers by `accepted`, and the web server finishes the handshake, or
 * by `refused`. From then on messages go in by synq_link_receive() and come out by `send`. Limits, origins, the
 * connect callback, close codes and the log are those of the server's own port.
 *
 *     static void send(synq_link_t *link, int is_binary, const void *bytes, size_t length, void *user) {
 *       web_write(user, is_binary, bytes, length); // and when the peer has taken it: synq_link_sent(link, length)
 *     }
 *
 *     synq_link_request_t request = SYNQ_LINK_REQUEST_INIT;
 *     synq_link_options_t options = SYNQ_LINK_OPTIONS_INIT;
 *     request.path = "/socket/websocket";
 *     request.query = "vsn=2.0.0";
 *     request.headers = headers; // {"host", "example.com", "origin", "https://example.com", NULL}
 *     options.accepted = accepted;
 *     ...
 *     if (synq_link_open(server, &request, &options, &link) != SYNQ_OK) web_answer(connection, 503);
 *
 *   Threads        The functions may be called from any thread; the messages of one link are to come from one
 *                  at a time. The callbacks of one link run one at a time and in order, where callbacks of the
 *                  server run: with SYNQ_WORKERS on its threads, with SYNQ_POLLED in synq_server_poll(), with
 *                  SYNQ_INLINE on the thread that serves the link, and they must not block there. They may come
 *                  before synq_link_open() has returned.
 *   Back-pressure  `send` may be called with more than the peer takes. What synq_link_sent() did not report
 *                  counts as waiting: from 64 kB on state is held back, and beyond max_outbound_bytes the link
 *                  is closed with 1013. A program that never reports stops its clients. The other way
 *                  synq_link_receive() gives SYNQ_LINK_WAIT, and the program reads no more from the client
 *                  until `resume`.
 *   Life           A link ends by `refused`, by `close`, or by synq_link_lost(), which must be called when the
 *                  client has closed or its connection is lost. Then it is a ticket for nothing
 *                  (SYNQ_ECLOSED), no callback follows, and `destroy` is called once.
 * ------------------------------------------------------------------------------------------------------- */

/* What synq_link_receive() gives where no more should be read until `resume`. */
#define SYNQ_LINK_WAIT 1

/* What the web server knows of the client. All is copied. */
typedef struct synq_link_request {
  size_t size;
  const char *path;           /* decoded; must be given */
  const char *mount;          /* the path of a mount that `path` may also be relative to: "/websocket" below
                                      "/socket". Default: none */
  const char *query;          /* as in the URL, without "?". Default: none */
  const char *const *headers; /* name, value, name, value, ended by NULL. Default: none */
  const char *host;           /* the host and port under which the client reaches the program, for the
                                      origin rule. Default: the host header */
  const char *peer;           /* the client's address without the port; limits count by it */
  const char *const *subprotocols; /* what the client offers, ended by NULL. Default: what the headers say */
} synq_link_request_t;

#define SYNQ_LINK_REQUEST_INIT SYNQ_INIT(synq_link_request_t)

/* The client may connect: the web server finishes the handshake, with this subprotocol, or without one if it is
 * NULL. Strings and bytes of these callbacks are borrowed until they return. */
typedef void (*synq_link_accepted_fn)(synq_link_t *link, const char *subprotocol, void *user);

/* The client may not connect: the web server answers with this status and body, which may be "". The last call of
 * the link. */
typedef void (*synq_link_refused_fn)(synq_link_t *link, int status, const char *body, void *user);

/* A message for the client, of text or of bytes. */
typedef void (*synq_link_send_fn)(synq_link_t *link, int is_binary, const void *bytes, size_t length,
                                  void *user);

/* The program may read from the client again. */
typedef void (*synq_link_resume_fn)(synq_link_t *link, void *user);

/* The web server sends what came before, then a close frame with this code and reason, which may be "". The last call
 * of the link. */
typedef void (*synq_link_close_fn)(synq_link_t *link, int code, const char *reason, void *user);

typedef struct synq_link_options {
  size_t size;
  synq_link_accepted_fn accepted; /* must be given, like refused, send and close */
  synq_link_refused_fn refused;
  synq_link_send_fn send;
  synq_link_resume_fn resume; /* Default: the program does not wait */
  synq_link_close_fn close;
  void *user;              /* for all of these */
  synq_destroy_fn destroy; /* for `user` */
} synq_link_options_t;

#define SYNQ_LINK_OPTIONS_INIT SYNQ_INIT(synq_link_options_t)

/* Asks whether a client may connect; `accepted` or `refused` answers. SYNQ_ESTATE before the start, SYNQ_ECLOSED
 * once the server stops, SYNQ_EVERSION. Since 0.1. */
int synq_link_open(synq_server_t *server, const synq_link_request_t *request,
                   const synq_link_options_t *options, synq_link_t **out) SYNQ_MUST_CHECK;

/* Takes one whole message of the client, of text or of bytes. SYNQ_OK, or SYNQ_LINK_WAIT: it was taken too.
 * SYNQ_ECLOSED before `accepted` and when the link is over. Since 0.1. */
int synq_link_receive(synq_link_t *link, int is_binary, const void *bytes, size_t length);

/* Reports that the client's connection has taken `length` more bytes of the messages. Since 0.1. */
int synq_link_sent(synq_link_t *link, size_t length);

/* Reports that the client closed its connection with this code, or that it is lost (0). No callback follows but
 * `destroy`, except one that runs now. Since 0.1. */
int synq_link_lost(synq_link_t *link, int code);

/* ----------------------------------------------------------------------------------------------------------
 * Sockets: what a channel is
 *
 * Each may be called at any time; strings are borrowed until the channel is gone, its last callback over.
 * ------------------------------------------------------------------------------------------------------- */

/* The topic that was joined; NULL once the channel is gone. Since 0.1. */
const char *synq_socket_topic(synq_socket_t *socket);

/* The join_ref as JSON text ("\"3\""), "null" if there is none; NULL once the channel is gone. Since 0.1. */
const char *synq_socket_join_ref(synq_socket_t *socket);

/* The id given by synq_connection_set_id(), or NULL. Since 0.1. */
const char *synq_socket_id(synq_socket_t *socket);

/* The peer's address without the port; NULL once the channel is gone. Since 0.1. */
const char *synq_socket_peer(synq_socket_t *socket);

/* A header of the request that connected the client, by its name in any case, or NULL: user-agent and
 * those that begin with "x-" are kept. Since 0.1. */
const char *synq_socket_header(synq_socket_t *socket, const char *name);

/* The params of the connection, an object of strings; inside a callback or deferred in order, else NULL.
 * Valid as long as the callback's payload. Since 0.1. */
const synq_value_t *synq_socket_params(synq_socket_t *socket);

/* Keeps a pointer of the host with the channel. `destroy(data)`, if given, is called exactly once: when
 * it is replaced, after before_close, or now if this call fails. Since 0.1. */
int synq_socket_set_data(synq_socket_t *socket, void *data, synq_destroy_fn destroy);

/* That pointer, or NULL. Since 0.1. */
void *synq_socket_data(synq_socket_t *socket);

/* The pointer of synq_connection_set_data(), or NULL. Since 0.1. */
void *synq_socket_connection_data(synq_socket_t *socket);

/* ----------------------------------------------------------------------------------------------------------
 * Sockets: assigns
 *
 * On the thread of the channel's callback that runs, or while one is deferred in order; else SYNQ_ESTATE: from
 * elsewhere, synq_socket_update() and synq_server_update(). Shared assigns are read and changed by the same calls, but
 * not in authorize, which does not have the topic's turn (SYNQ_ESTATE). `pointer` is a JSON
 * Pointer whose first token is the assign: "/items/3/done"; SYNQ_EINVAL when it names none. An edit at a
 * pointer touches only what it changes: no diff of the whole, no copy of the rest by value. SYNQ_ENOTFOUND
 * when what the pointer leads through is not there, SYNQ_ETYPE when it is of another kind, SYNQ_EINVAL for
 * members of tracked state that allow_prototype_keys bars. A failed call changes nothing. What is set in a
 * callback that fails is dropped.
 * ------------------------------------------------------------------------------------------------------- */

/* All assigns, as one object; valid as long as the callback's payload, but not beyond the next change. NULL
 * outside a callback. Since 0.1. */
const synq_value_t *synq_socket_all_assigns(synq_socket_t *socket);

/* Sets the assign `name`, which is not a pointer: one that begins with "/" is SYNQ_EINVAL. Since 0.1. */
int synq_socket_assign(synq_socket_t *socket, const char *name, json_t *value /* steals */);
int synq_socket_assign_text(synq_socket_t *socket, const char *name, const char *text, size_t length);

/* Sets the value at `pointer`: an assign or an object's member, new or not; an array's element that
 * exists. A real must be finite (SYNQ_EJSON). Since 0.1. */
int synq_socket_set(synq_socket_t *socket, const char *pointer, json_t *value /* steals */);
int synq_socket_set_text(synq_socket_t *socket, const char *pointer, const char *text, size_t length);
int synq_socket_set_int(synq_socket_t *socket, const char *pointer, int64_t value);
int synq_socket_set_real(synq_socket_t *socket, const char *pointer, double value);
int synq_socket_set_bool(synq_socket_t *socket, const char *pointer, int value);
int synq_socket_set_string(synq_socket_t *socket, const char *pointer, const char *text, size_t length);

/* Inserts into an array before the index at the pointer's end ("/items/0"); its length or "-" appends.
 * Since 0.1. */
int synq_socket_insert(synq_socket_t *socket, const char *pointer, json_t *value /* steals */);
int synq_socket_insert_text(synq_socket_t *socket, const char *pointer, const char *text, size_t length);

/* Appends to the array at `pointer` ("/items"). Since 0.1. */
int synq_socket_append(synq_socket_t *socket, const char *pointer, json_t *value /* steals */);
int synq_socket_append_text(synq_socket_t *socket, const char *pointer, const char *text, size_t length);

/* The same with a part of a value that the library lent: `value` is a payload, params or the assigns, and
 * `from` points into it ("" for the whole). Nothing is converted or parsed: the way to keep what was sent.
 * SYNQ_ENOTFOUND when nothing is at `from`, SYNQ_ETYPE when `value` is binary. Since 0.1. */
int synq_socket_set_value(synq_socket_t *socket, const char *pointer, const synq_value_t *value,
                          const char *from);
int synq_socket_insert_value(synq_socket_t *socket, const char *pointer, const synq_value_t *value,
                             const char *from);
int synq_socket_append_value(synq_socket_t *socket, const char *pointer, const synq_value_t *value,
                             const char *from);

/* Sets each member of an object in the object at `pointer`, in one edit: a member that is there is replaced,
 * another one added, none is removed. With "" the members are assigns. All or nothing, and one copy of what
 * is changed, however many there are. SYNQ_ETYPE when one of the two is not an object. Since 0.1. */
int synq_socket_merge(synq_socket_t *socket, const char *pointer, json_t *members /* steals */);
int synq_socket_merge_text(synq_socket_t *socket, const char *pointer, const char *text, size_t length);

/* Applies a patch (RFC 6902) to the value at `pointer`, with "" to the assigns themselves: all or nothing.
 * SYNQ_EPATCH, with the operation, its path and the reason in synq_error_message(). Since 0.1. */
int synq_socket_patch(synq_socket_t *socket, const char *pointer, json_t *patch /* steals */);
int synq_socket_patch_text(synq_socket_t *socket, const char *pointer, const char *text, size_t length);

/* Removes an assign, a member or an element; SYNQ_ENOTFOUND if there is none. Since 0.1. */
int synq_socket_remove(synq_socket_t *socket, const char *pointer);

/* Adds to the integer at `pointer` and gives the sum in *out (may be NULL). SYNQ_ERANGE beyond 64 bits.
 * Since 0.1. */
int synq_socket_increment(synq_socket_t *socket, const char *pointer, int64_t by, int64_t *out);

/* ----------------------------------------------------------------------------------------------------------
 * Sockets: answering the client
 * ------------------------------------------------------------------------------------------------------- */

/* Pushes an event to this client. From any thread at any time; inside a callback it goes out when that is
 * done, before the reply. Since 0.1. */
int synq_socket_push(synq_socket_t *socket, const char *event, json_t *payload /* steals */);
int synq_socket_push_text(synq_socket_t *socket, const char *event, const char *text, size_t length);
int synq_socket_push_binary(synq_socket_t *socket, const char *event, const void *bytes, size_t length);

/* Sets the response of the running callback: a status ("ok", "error" or any short name) and a payload.
 * Inside handle_event and authorize, once; else SYNQ_ESTATE. Since 0.1. */
int synq_socket_reply(synq_socket_t *socket, const char *status, json_t *payload /* steals */);
int synq_socket_reply_text(synq_socket_t *socket, const char *status, const char *text, size_t length);
int synq_socket_reply_binary(synq_socket_t *socket, const char *status, const void *bytes, size_t length);

/* Sets an error response: status "error" with {code, message, details, timestamp}. `code` is a short
 * stable name for programs, `message` for people (NULL: the code), `details` an object or NULL. Inside
 * authorize, init and handle_event, once; else SYNQ_ESTATE. The channel goes on. Since 0.1. */
int synq_socket_reply_error(synq_socket_t *socket, const char *code, const char *message,
                            json_t *details /* steals, may be NULL */);
int synq_socket_reply_error_text(synq_socket_t *socket, const char *code, const char *message,
                                 const char *details, size_t length);

/* Gives the message that a running new_state or update_state was asked for: the event's name, as it is on
 * the wire, and what it carries. Once; else SYNQ_ESTATE. Since 0.1. */
int synq_socket_state_message(synq_socket_t *socket, const char *event, json_t *payload /* steals */);
int synq_socket_state_message_text(synq_socket_t *socket, const char *event, const char *text, size_t length);

/* Ends the channel when the callback is done, after its reply if it set one (an event gets no receipt
 * then); from outside a callback, as soon as the channel is free. `reason`: "normal", "shutdown", or
 * "shutdown:" and a word of the host: the client gets phx_close and does not come back. Any other reason:
 * phx_error, and it rejoins. Since 0.1. */
int synq_socket_stop(synq_socket_t *socket, const char *reason);

/* ----------------------------------------------------------------------------------------------------------
 * Sockets: responding later
 *
 * A deferred must be finished exactly once, by one of the functions below, from any thread. A second time
 * gives SYNQ_ECLOSED, and so does one whose channel has ended; it must be finished all the same, as it keeps
 * what the callback was lent until then.
 * ------------------------------------------------------------------------------------------------------- */

enum {
  /* The channel waits: its next callback runs when the deferred is finished, and assigns can be changed until
   * then. */
  SYNQ_DEFER_IN_ORDER = 0,
  /* Only the reply is late: the callback's changes are sent when it returns and the channel goes on. */
  SYNQ_DEFER_DETACHED = 1
};

/* Says that the response comes later; then return SYNQ_OK (another result decides at once), or from
 * before_close. In order inside any callback of a channel, detached inside handle_event; once, and not after
 * a response was set, else SYNQ_ESTATE. Since 0.1. */
int synq_socket_defer(synq_socket_t *socket, int mode, synq_deferred_t **out) SYNQ_MUST_CHECK;

/* Finishes as when a callback returns SYNQ_OK: with the response that was set after an in-order defer, if
 * any. Since 0.1. */
int synq_deferred_finish(synq_deferred_t *deferred);

/* Finishes with a response, as synq_socket_reply(). SYNQ_ESTATE, and the channel still waits, when one was
 * set already. Since 0.1. */
int synq_deferred_reply(synq_deferred_t *deferred, const char *status, json_t *payload /* steals */);
int synq_deferred_reply_text(synq_deferred_t *deferred, const char *status, const char *text, size_t length);
int synq_deferred_reply_binary(synq_deferred_t *deferred, const char *status, const void *bytes,
                               size_t length);

/* Finishes with an error response, as synq_socket_reply_error(). Since 0.1. */
int synq_deferred_reply_error(synq_deferred_t *deferred, const char *code, const char *message,
                              json_t *details /* steals, may be NULL */);
int synq_deferred_reply_error_text(synq_deferred_t *deferred, const char *code, const char *message,
                                   const char *details, size_t length);

/* Finishes as a callback that failed; `cause` is for the log. Since 0.1. */
int synq_deferred_crash(synq_deferred_t *deferred, const char *cause);

/* 1 while the deferred can be finished; 0 when it was, or when its channel ends: then the work can be
 * given up. Since 0.1. */
int synq_deferred_is_open(const synq_deferred_t *deferred);

/* ----------------------------------------------------------------------------------------------------------
 * Sockets: messages between channels
 *
 * From any thread at any time; inside a callback they are sent when it is done, in the order of the calls.
 * ------------------------------------------------------------------------------------------------------- */

/* Runs `update` once in the order of this channel's callbacks, from anywhere: the way to change assigns outside of one.
 * Returns at once; `done`, which may be NULL, tells the result. SYNQ_ESTATE inside a callback of the channel, which would
 * wait for itself. Since 0.1. */
int synq_socket_update(synq_socket_t *socket, synq_update_fn update, void *user, synq_update_done_fn done);

/* Sends a message to this channel's handle_message. Since 0.1. */
int synq_socket_send(synq_socket_t *socket, const char *message, json_t *payload /* steals */);
int synq_socket_send_text(synq_socket_t *socket, const char *message, const char *text, size_t length);

/* The same after `delay_ms`; a channel that has ended by then gets nothing. Since 0.1. */
int synq_socket_send_after(synq_socket_t *socket, uint32_t delay_ms, const char *message,
                           json_t *payload /* steals */);
int synq_socket_send_after_text(synq_socket_t *socket, uint32_t delay_ms, const char *message,
                                const char *text, size_t length);

/* The same, and gives the number of the timer in *timer, for synq_socket_cancel_timer(); numbers belong to the
 * channel and are never 0. SYNQ_ELIMIT, here and above, when max_timers of the channel are not due yet, or when
 * their payloads hold more than max_queued_bytes. Since 0.1. */
int synq_socket_start_timer(synq_socket_t *socket, uint32_t delay_ms, const char *message,
                            json_t *payload /* steals */, uint64_t *timer);
int synq_socket_start_timer_text(synq_socket_t *socket, uint32_t delay_ms, const char *message,
                                 const char *text, size_t length, uint64_t *timer);

/* Takes a delayed message back: it will not come. SYNQ_ENOTFOUND when it was due already, or cancelled. Timers
 * end with their channel without it. Since 0.1. */
int synq_socket_cancel_timer(synq_socket_t *socket, uint64_t timer);

/* Broadcasts on this channel's topic, to all its clients; _from leaves this one out. See
 * synq_server_broadcast(). Since 0.1. */
int synq_socket_broadcast(synq_socket_t *socket, const char *event, json_t *payload /* steals */);
int synq_socket_broadcast_text(synq_socket_t *socket, const char *event, const char *text, size_t length);
int synq_socket_broadcast_binary(synq_socket_t *socket, const char *event, const void *bytes, size_t length);
int synq_socket_broadcast_from(synq_socket_t *socket, const char *event, json_t *payload /* steals */);
int synq_socket_broadcast_from_text(synq_socket_t *socket, const char *event, const char *text,
                                    size_t length);
int synq_socket_broadcast_from_binary(synq_socket_t *socket, const char *event, const void *bytes,
                                      size_t length);

/* Publishes on this channel's topic, to handle_message of all its channels, this one too; _from leaves it
 * out. See synq_server_publish(). Since 0.1. */
int synq_socket_publish(synq_socket_t *socket, const char *message, json_t *payload /* steals */);
int synq_socket_publish_text(synq_socket_t *socket, const char *message, const char *text, size_t length);
int synq_socket_publish_from(synq_socket_t *socket, const char *message, json_t *payload /* steals */);
int synq_socket_publish_from_text(synq_socket_t *socket, const char *message, const char *text,
                                  size_t length);

/* Publishes on this channel's topic what replaces an older message of the same key. See
 * synq_server_publish_latest(). Since 0.1. */
int synq_socket_publish_latest(synq_socket_t *socket, const char *message, const char *key,
                               json_t *payload /* steals */);
int synq_socket_publish_latest_text(synq_socket_t *socket, const char *message, const char *key,
                                    const char *text, size_t length);

/* Adds a topic whose messages and broadcasts reach this channel's handle_message, or takes it back; the
 * channel has its own topic without asking. Twice is once. Subscriptions end with the channel. SYNQ_ELIMIT for
 * more than max_subscriptions. Since 0.1. */
int synq_socket_subscribe(synq_socket_t *socket, const char *topic);
int synq_socket_unsubscribe(synq_socket_t *socket, const char *topic);

/* ----------------------------------------------------------------------------------------------------------
 * Presence: who is here
 *
 * A channel is present under keys that it tracks, mostly one: the user's id. A key has the metas of all of
 * its channels, one for each tab or device. Clients follow with phoenix.js's Presence: the channel's client
 * gets presence_state once it tracks a key, and every client of the topic presence_diff from then on. A
 * channel that ends is taken away by itself. From any thread at any time, but not inside authorize
 * (SYNQ_ESTATE): nobody is to be seen before he was let in.
 * ------------------------------------------------------------------------------------------------------- */

/* The bytes of a phx_ref with its NUL. */
#define SYNQ_PRESENCE_REF_BYTES 17

/* Makes the channel present under `key`, with an object that clients see ({"status": "online"}). `ref` has
 * SYNQ_PRESENCE_REF_BYTES bytes for the meta's phx_ref, or is NULL. SYNQ_ESTATE if the channel tracks the
 * key already, SYNQ_ETYPE if `meta` is no object, SYNQ_EINVAL for a key that every JavaScript object has
 * ("constructor"), SYNQ_ELIMIT beyond max_presence_keys and max_presence_bytes. Since 0.1. */
int synq_presence_track(synq_socket_t *socket, const char *key, json_t *meta /* steals */, char *ref);
int synq_presence_track_text(synq_socket_t *socket, const char *key, const char *text, size_t length,
                             char *ref);

/* Replaces this channel's meta under `key`, as a whole and under a new ref. SYNQ_ENOTFOUND if it does not
 * track the key. Since 0.1. */
int synq_presence_update(synq_socket_t *socket, const char *key, json_t *meta /* steals */, char *ref);
int synq_presence_update_text(synq_socket_t *socket, const char *key, const char *text, size_t length,
                              char *ref);

/* Takes this channel away from `key`. SYNQ_ENOTFOUND if it does not track the key. Since 0.1. */
int synq_presence_untrack(synq_socket_t *socket, const char *key);

/* Shows who is here to the client of a channel that tracks no key. Since 0.1. */
int synq_presence_show(synq_socket_t *socket);

/* The keys of the channel's topic, {"ann": {"metas": [...]}}, with what fetch_presence added so far: a new
 * value, or text that is ended by NUL and freed with synq_free(). `length` may be NULL. Since 0.1. */
int synq_presence_list(synq_socket_t *socket, json_t **out) SYNQ_MUST_CHECK;
int synq_presence_list_text(synq_socket_t *socket, char **out, size_t *length) SYNQ_MUST_CHECK;

/* One key of the channel's topic, {"metas": [...]}. SYNQ_ENOTFOUND if nobody is there. Since 0.1. */
int synq_presence_get(synq_socket_t *socket, const char *key, json_t **out) SYNQ_MUST_CHECK;
int synq_presence_get_text(synq_socket_t *socket, const char *key, char **out,
                           size_t *length) SYNQ_MUST_CHECK;

/* The same of any topic. A topic that nobody joined has no keys. Since 0.1. */
int synq_server_presence_list(synq_server_t *server, const char *topic, json_t **out) SYNQ_MUST_CHECK;
int synq_server_presence_list_text(synq_server_t *server, const char *topic, char **out,
                                   size_t *length) SYNQ_MUST_CHECK;
int synq_server_presence_get(synq_server_t *server, const char *topic, const char *key,
                             json_t **out) SYNQ_MUST_CHECK;
int synq_server_presence_get_text(synq_server_t *server, const char *topic, const char *key, char **out,
                                  size_t *length) SYNQ_MUST_CHECK;

/* Answers a fetch with {"ann": {"name": "Ann"}}: the members of each object are shown beside the key's metas.
 * A key without one is shown alone. SYNQ_ECLOSED if it was finished before. Since 0.1. */
int synq_fetch_finish(synq_fetch_t *fetch, json_t *additions /* steals */);
int synq_fetch_finish_text(synq_fetch_t *fetch, const char *text, size_t length);

/* Says that a fetch failed; `cause` is for the log. Since 0.1. */
int synq_fetch_fail(synq_fetch_t *fetch, const char *cause);

/* ----------------------------------------------------------------------------------------------------------
 * The patch engine alone: RFC 6902 without a server
 * ------------------------------------------------------------------------------------------------------- */

/* The patch that turns `from` into `to` (both borrowed), as a new array of operations. SYNQ_EJSON. Since
 * 0.1. */
int synq_patch_diff(const json_t *from, const json_t *to, json_t **out) SYNQ_MUST_CHECK;

/* The same for texts; *out is ended by NUL and freed with synq_free(). `out_length` may be NULL. Since
 * 0.1. */
int synq_patch_diff_text(const char *from, size_t from_length, const char *to, size_t to_length, char **out,
                         size_t *out_length) SYNQ_MUST_CHECK;

/* Applies `patch` to `document` (both borrowed and unchanged) and gives a new value. SYNQ_EPATCH, with
 * the number of the operation, its path and the reason in synq_error_message(). Since 0.1. */
int synq_patch_apply(const json_t *document, const json_t *patch, json_t **out) SYNQ_MUST_CHECK;

/* The same for texts; *out is ended by NUL and freed with synq_free(). `out_length` may be NULL. Since
 * 0.1. */
int synq_patch_apply_text(const char *document, size_t document_length, const char *patch,
                          size_t patch_length, char **out, size_t *out_length) SYNQ_MUST_CHECK;

/* Frees memory that the library gave out; NULL is allowed. Since 0.1. */
void synq_free(void *memory);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif /* SYNQ_H */
