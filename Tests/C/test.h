/* A tiny harness: tests are functions in a table, run by name; checks count, on any thread, and do not end the test. */
#ifndef TEST_H
#define TEST_H

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <synq.h>

typedef struct test {
  const char *name; /* says what holds, with words_joined_like_this */
  void (*run)(void);
} test_t;

/* One table for each file of tests. */
extern const test_t argument_tests[], channel_tests[], connect_tests[], deferred_tests[], depth_tests[],
    delivery_tests[], error_tests[], lending_tests[], lifetime_tests[], limit_tests[], message_tests[], part_tests[],
    patch_tests[], presence_tests[], response_tests[], system_tests[], tls_tests[], topic_tests[], value_tests[];

extern atomic_int test_failures;

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      atomic_fetch_add(&test_failures, 1); \
    } \
  } while (0)

/* A call gives `expected`; when that is a failure, the message of this thread holds `text`. */
#define CHECK_CODE(expected, text, call) \
  do { \
    int code_ = (int)(call); \
    const char *message_ = synq_error_message(); \
    if (code_ != (expected) || ((expected) < 0 && strstr(message_, text) == NULL)) { \
      fprintf(stderr, "%s:%d: %s gave %d (%s), message \"%s\"; wanted %d and \"%s\"\n", __FILE__, __LINE__, #call, \
              code_, synq_strerror(code_), message_, (expected), text); \
      atomic_fetch_add(&test_failures, 1); \
    } \
  } while (0)

#define CHECK_OK(call) CHECK_CODE(SYNQ_OK, "", call)

#define CHECK_TEXT(expected, actual) \
  do { \
    const char *actual_ = (actual); \
    if (actual_ == NULL || strcmp((expected), actual_) != 0) { \
      fprintf(stderr, "%s:%d: %s is \"%s\", wanted \"%s\"\n", __FILE__, __LINE__, #actual, \
              actual_ == NULL ? "(null)" : actual_, (expected)); \
      atomic_fetch_add(&test_failures, 1); \
    } \
  } while (0)

/* A value that a test waits for another thread to reach. Waiting ends the program after ten seconds. */
typedef struct gate gate_t;
gate_t *gate_new(void);
void gate_free(gate_t *gate);
void gate_add(gate_t *gate); /* opens it by one */
void gate_wait(gate_t *gate, int count);
int gate_count(gate_t *gate);

/* For `destroy` members whose user is a gate: counts the calls. */
void count_destroy(void *gate);

/* ------------------------------------------------------------------------------------------------------ a client */

typedef struct client client_t;

/* Connects to /socket/websocket of a server here with version 2; ends the program if that fails. */
client_t *client_new(int port);
/* Connects and sends nothing yet. */
client_t *client_raw(int port);
/* Reads what comes until the server closes, ended by NUL; 0 when that does not come or the bytes do not fit. */
int client_read_to_end(client_t *client, char *bytes, size_t size);
/* Sends pings until the system says that nobody is there any more; 0 when that does not come in time. */
int client_is_cut_off(client_t *client, int timeout_ms);
/* Asks for the same with further header fields ("Name: value\r\n"), and does not wait for the answer. */
client_t *client_open(int port, const char *fields);
/* Reads the answer: the HTTP status, 101 when the client is connected, 0 when there is none. */
int client_status(client_t *client);
void client_free(client_t *client); /* closes the TCP connection, without a farewell */
void client_send(client_t *client, const char *text);
/* Sends bytes as they are, which need not be a frame. */
void client_send_raw(client_t *client, const void *bytes, size_t length);
/* The next text message, borrowed until the next call; NULL when the server has closed. `close_code` may be NULL. */
const char *client_receive(client_t *client, int *close_code);
/* Joins a topic as join_ref "1" and reads the reply. */
void client_join(client_t *client, const char *topic);
/* Reads on until a message that contains `text`, and gives it; NULL when the server has closed before. */
const char *client_await(client_t *client, const char *text);

/* ----------------------------------------------------------------------------------------------------- a server */

/* A started server with one channel, "t:*", whose `user` is the server where none is set. Ends the program if it fails. */
synq_server_t *server_with(synq_channel_options_t *channel, synq_delivery_t delivery);

/* Runs `probe` in handle_event of a channel, of which "a" to "e" are tracked, and gives the reply to the event with its
 * payload `payload`, to be freed. The probe's `user` is the server. */
char *in_callback(synq_handle_event_fn probe, const char *payload);

#endif
