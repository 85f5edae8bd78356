/* A channel from its join to its end, as its callbacks see it. */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------------------- answering */

static int reply_twice(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)event, (void)value, (void)user;
  CHECK_CODE(SYNQ_EINVAL, "status", synq_socket_reply(socket, NULL, json_object()));
  CHECK_CODE(SYNQ_EINVAL, "status", synq_socket_reply(socket, "", json_object()));
  CHECK_CODE(SYNQ_EINVAL, "payload", synq_socket_reply(socket, "ok", NULL));
  CHECK_CODE(SYNQ_EJSON, "", synq_socket_reply_text(socket, "ok", "{", 1));
  CHECK_OK(synq_socket_reply(socket, "ok", json_pack("{s:i}", "first", 1)));
  CHECK_CODE(SYNQ_ESTATE, "", synq_socket_reply(socket, "ok", json_pack("{s:i}", "second", 2)));
  CHECK_CODE(SYNQ_ESTATE, "", synq_socket_reply_error(socket, "code", NULL, NULL));
  return SYNQ_OK;
}

static void the_first_reply_counts(void) {
  char *reply = in_callback(reply_twice, "{}");
  CHECK(strstr(reply, "\"first\":1") != NULL);
  free(reply);
}

static int reply_with_error(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)event, (void)value, (void)user;
  CHECK_CODE(SYNQ_EINVAL, "code", synq_socket_reply_error(socket, NULL, "m", NULL));
  CHECK_CODE(SYNQ_EINVAL, "details", synq_socket_reply_error(socket, "c", "m", json_array()));
  return synq_socket_reply_error(socket, "too_late", "Come back tomorrow", json_pack("{s:i}", "hour", 18));
}

static void an_error_response_is_a_reply(void) {
  char *reply = in_callback(reply_with_error, "{}");
  CHECK(strstr(reply, "\"status\":\"error\"") != NULL);
  CHECK(strstr(reply, "\"code\":\"too_late\"") != NULL);
  CHECK(strstr(reply, "\"message\":\"Come back tomorrow\"") != NULL);
  CHECK(strstr(reply, "\"details\":{\"hour\":18}") != NULL);
  CHECK(strstr(reply, "\"timestamp\":\"") != NULL);
  free(reply);
}

static int push_badly(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)event, (void)value, (void)user;
  CHECK_CODE(SYNQ_EINVAL, "event", synq_socket_push(socket, NULL, json_object()));
  CHECK_CODE(SYNQ_EINVAL, "event", synq_socket_push(socket, "", json_object()));
  CHECK_CODE(SYNQ_EINVAL, "payload", synq_socket_push(socket, "e", NULL));
  CHECK_CODE(SYNQ_EINVAL, "bytes", synq_socket_push_binary(socket, "e", NULL, 1));
  CHECK_CODE(SYNQ_EINVAL, "topic", synq_socket_subscribe(socket, NULL));
  CHECK_CODE(SYNQ_EINVAL, "topic", synq_socket_subscribe(socket, ""));
  CHECK_CODE(SYNQ_EINVAL, "reason", synq_socket_stop(socket, NULL));
  CHECK_CODE(SYNQ_EINVAL, "message", synq_socket_send(socket, NULL, json_object()));
  CHECK_CODE(SYNQ_EINVAL, "out", synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, NULL));
  return SYNQ_OK;
}

static void bad_arguments_inside_are_named(void) {
  free(in_callback(push_badly, "{}"));
}

static int push_and_change(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)event, (void)value, (void)user;
  CHECK_OK(synq_socket_set_int(socket, "/a", 1));
  CHECK_OK(synq_socket_reply_text(socket, "ok", "{\"r\":1}", SYNQ_NUL_TERMINATED));
  CHECK_OK(synq_socket_push(socket, "e1", json_object()));
  CHECK_OK(synq_socket_push(socket, "e2", json_object()));
  return SYNQ_OK;
}

static void pushes_then_the_reply_then_the_patch(void) {
  static const char *const track[] = {"a", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = track;
  channel.handle_event = push_and_change;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  CHECK_TEXT("[\"1\",null,\"t:1\",\"synq:change\",{\"state\":{},\"version\":0}]", client_receive(client, NULL));
  client_send(client, "[\"1\",\"2\",\"t:1\",\"go\",{}]");
  CHECK_TEXT("[\"1\",null,\"t:1\",\"e1\",{}]", client_receive(client, NULL));
  CHECK_TEXT("[\"1\",null,\"t:1\",\"e2\",{}]", client_receive(client, NULL));
  CHECK(strstr(client_receive(client, NULL), "{\"r\":1}") != NULL);
  CHECK(strstr(client_receive(client, NULL), "synq:patch") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

/* -------------------------------------------------------------------------------------------------- failures */

static int fail_after_change(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)value, (void)user;
  CHECK_OK(synq_socket_set_int(socket, "/a", 1));
  CHECK_OK(synq_socket_reply_text(socket, "ok", "{\"r\":1}", SYNQ_NUL_TERMINATED));
  return strcmp(event, "crash") == 0 ? SYNQ_CRASH : synq_socket_remove(socket, "/none");
}

static void any_failure_ends_the_channel_and_nothing_of_it_is_sent(void) {
  static const char *const track[] = {"a", NULL};
  static const char *const events[] = {"crash", "fail"};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = track;
  channel.handle_event = fail_after_change;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  for (int i = 0; i < 2; i++) {
    char text[64];
    client_join(client, "t:1");
    CHECK(client_await(client, "synq:change") != NULL);
    snprintf(text, sizeof text, "[\"1\",\"2\",\"t:1\",\"%s\",{}]", events[i]);
    client_send(client, text);
    CHECK_TEXT("[\"1\",\"1\",\"t:1\",\"phx_error\",{}]", client_receive(client, NULL));
  }
  synq_stats_t stats = SYNQ_STATS_INIT;
  CHECK_OK(synq_server_stats(server, &stats));
  CHECK(stats.crashes == 2 && stats.connections == 1 && stats.channels == 0);
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

/* The causes that the log gave, "; " after each. */
static char causes[512];

static void keep_cause(const synq_log_record_t *record, void *user) {
  (void)user;
  for (size_t i = 0; record->fields[i] != NULL; i += 2) {
    if (strcmp(record->fields[i], "cause") != 0) continue;
    size_t used = strlen(causes);
    snprintf(causes + used, sizeof causes - used, "%s; ", record->fields[i + 1]);
  }
}

static int fail_as_told(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  char cause[] = "the disk is full";
  (void)value, (void)user;
  if (strcmp(event, "noted") == 0) {
    int result = synq_crash(cause);
    memset(cause, 'x', sizeof cause - 1); /* it was copied */
    return result;
  }
  if (strcmp(event, "nothing") == 0) return synq_crash(NULL);
  return strcmp(event, "crash") == 0 ? SYNQ_CRASH : synq_socket_remove(socket, "/none");
}

static void the_log_says_why_a_callback_failed(void) {
  static const char *const events[] = {"noted", "crash", "nothing", "fail"};
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = NULL;
  options.delivery = SYNQ_INLINE;
  options.log = keep_cause;
  channel.handle_event = fail_as_told;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  client_t *client = client_new(synq_server_port(server));
  for (int i = 0; i < 4; i++) {
    char text[64];
    client_join(client, "t:1");
    snprintf(text, sizeof text, "[\"1\",\"2\",\"t:1\",\"%s\",{}]", events[i]);
    client_send(client, text);
    CHECK(client_await(client, "phx_error") != NULL);
  }
  client_free(client);
  CHECK_OK(synq_server_free(server));
  CHECK_TEXT("the disk is full; it returned SYNQ_CRASH; synq_crash() notes why; "
             "it returned SYNQ_CRASH; synq_crash() notes why; pointer: /none: there is no assign none; ",
             causes);
}

/* ---------------------------------------------------------------------------------------------------- endings */

typedef struct endings {
  pthread_mutex_t lock;
  char reasons[256]; /* one after another, each with a semicolon */
  gate_t *gate;
} endings_t;

static void note_reason(synq_socket_t *socket, const char *reason, void *user) {
  endings_t *endings = user;
  CHECK_TEXT("t:1", synq_socket_topic(socket));
  pthread_mutex_lock(&endings->lock);
  strncat(endings->reasons, reason, 100);
  strcat(endings->reasons, ";");
  pthread_mutex_unlock(&endings->lock);
  gate_add(endings->gate);
}

static int stop_as_asked(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)value, (void)user;
  return strcmp(event, "crash") == 0 ? SYNQ_CRASH : synq_socket_stop(socket, event);
}

/* What the client does, what it then gets (NULL: it is gone), and the reason that the host is told. */
static const struct {
  const char *send, *receive, *reason;
} ends[] = {
    {"[\"1\",\"2\",\"t:1\",\"phx_leave\",{}]", "phx_close", "shutdown:left;"},
    {"[\"1\",\"2\",\"t:1\",\"normal\",{}]", "phx_close", "normal;"},
    {"[\"1\",\"2\",\"t:1\",\"shutdown\",{}]", "phx_close", "shutdown;"},
    {"[\"1\",\"2\",\"t:1\",\"shutdown:idle\",{}]", "phx_close", "shutdown:idle;"},
    {"[\"1\",\"2\",\"t:1\",\"crash\",{}]", "phx_error", "crashed;"},
    {"[\"1\",\"2\",\"t:1\",\"phx_join\",{}]", "phx_close", "shutdown:duplicate_join;"},
    {"not a message", NULL, "shutdown:closed;"},
    {NULL, NULL, "shutdown:closed;"},
};

static void before_close_tells_each_reason_once(void) {
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    endings_t endings = {.lock = PTHREAD_MUTEX_INITIALIZER, .gate = gate_new()};
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    channel.handle_event = stop_as_asked;
    channel.before_close = note_reason;
    channel.user = &endings;
    synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
    client_t *client = client_new(synq_server_port(server));
    client_join(client, "t:1");
    if (ends[i].send != NULL) {
      client_send(client, ends[i].send);
      const char *answer = client_await(client, ends[i].receive == NULL ? "never" : ends[i].receive);
      CHECK((answer != NULL) == (ends[i].receive != NULL));
    }
    client_free(client);
    gate_wait(endings.gate, 1);
    CHECK(strncmp(endings.reasons, ends[i].reason, strlen(ends[i].reason)) == 0);
    CHECK_OK(synq_server_free(server));
    CHECK(gate_count(endings.gate) == (strstr(ends[i].reason, "duplicate") != NULL ? 2 : 1));
    gate_free(endings.gate);
  }
}

static void a_stop_drains_every_channel(void) {
  endings_t endings = {.lock = PTHREAD_MUTEX_INITIALIZER, .gate = gate_new()};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  client_t *clients[3];
  int code;
  channel.before_close = note_reason;
  channel.user = &endings;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  for (int i = 0; i < 3; i++) client_join(clients[i] = client_new(synq_server_port(server)), "t:1");
  CHECK_OK(synq_server_stop(server, -1));
  for (int i = 0; i < 3; i++) {
    while (client_receive(clients[i], &code) != NULL) continue;
    CHECK(code == 1012);
    client_free(clients[i]);
  }
  CHECK_OK(synq_server_wait(server, -1));
  CHECK_TEXT("shutdown:draining;shutdown:draining;shutdown:draining;", endings.reasons);
  CHECK_OK(synq_server_free(server));
  gate_free(endings.gate);
}

/* ------------------------------------------------------------------------------------------------------ access */

static int refuse_as_asked(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)params, (void)user;
  if (strcmp(topic, "t:plainly") == 0) return SYNQ_REFUSE;
  if (strcmp(topic, "t:crash") == 0) return SYNQ_CRASH;
  if (strcmp(topic, "t:error") == 0) return synq_socket_reply_error(socket, "not_you", NULL, NULL);
  if (strcmp(topic, "t:own") == 0) {
    CHECK_OK(synq_socket_reply_text(socket, "error", "\"because\"", SYNQ_NUL_TERMINATED));
    return SYNQ_REFUSE;
  }
  return synq_socket_reply_text(socket, "ok", "{\"hello\":1}", SYNQ_NUL_TERMINATED);
}

static void authorize_lets_in_or_refuses(void) {
  static const char *const joins[][2] = {
      {"t:plainly", "\"status\":\"error\""}, {"t:crash", "join crashed"}, {"t:error", "\"code\":\"not_you\""},
      {"t:own", "\"response\":\"because\""}, {"t:in", "{\"hello\":1}"},
  };
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.authorize = refuse_as_asked;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
    char text[128];
    snprintf(text, sizeof text, "[\"1\",\"1\",\"%s\",\"phx_join\",{}]", joins[i][0]);
    client_send(client, text);
    const char *reply = client_receive(client, NULL);
    CHECK(reply != NULL && strstr(reply, joins[i][1]) != NULL);
  }
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

const test_t channel_tests[] = {
    {"the_first_reply_counts", the_first_reply_counts},
    {"an_error_response_is_a_reply", an_error_response_is_a_reply},
    {"bad_arguments_inside_are_named", bad_arguments_inside_are_named},
    {"pushes_then_the_reply_then_the_patch", pushes_then_the_reply_then_the_patch},
    {"the_log_says_why_a_callback_failed", the_log_says_why_a_callback_failed},
    {"any_failure_ends_the_channel_and_nothing_of_it_is_sent", any_failure_ends_the_channel_and_nothing_of_it_is_sent},
    {"before_close_tells_each_reason_once", before_close_tells_each_reason_once},
    {"a_stop_drains_every_channel", a_stop_drains_every_channel},
    {"authorize_lets_in_or_refuses", authorize_lets_in_or_refuses},
    {NULL, NULL},
};
