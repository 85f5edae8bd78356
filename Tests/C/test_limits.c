/* The limits that the network's own tests do not show from C: that each setting reaches its place, and what a client gets. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

/* The lines of the log that contain `wanted`, in the text or in a field, open `seen`. */
typedef struct watch {
  const char *wanted;
  gate_t *seen;
} watch_t;

static void watch_log(const synq_log_record_t *record, void *user) {
  watch_t *watch = user;
  int found = watch->wanted != NULL && strstr(record->message, watch->wanted) != NULL;
  for (size_t i = 0; watch->wanted != NULL && record->fields[i] != NULL; i++) {
    if (strstr(record->fields[i], watch->wanted) != NULL) found = 1;
  }
  if (found) gate_add(watch->seen);
}

static synq_deferred_t *owed[2];
static gate_t *held;

/* Answers when the test says so; what comes meanwhile waits. */
static int hold(synq_socket_t *socket) {
  int result = synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &owed[0]);
  gate_add(held);
  return result;
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)payload, (void)user;
  if (strcmp(event, "hold") == 0) return hold(socket);
  if (strcmp(event, "later") == 0) return synq_socket_defer(socket, SYNQ_DEFER_DETACHED, &owed[owed[0] != NULL]);
  return strcmp(event, "push") == 0 ? synq_socket_push_text(socket, "pushed", "{\"text\":\"a message\"}", 20) : SYNQ_OK;
}

static synq_server_t *serve(const synq_limits_t *limits, watch_t *watch) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_server_t *server = NULL;
  options.limits = limits;
  options.loops = 1;
  options.log_level = SYNQ_LOG_DEBUG;
  options.log = watch_log;
  options.user = watch;
  channel.handle_event = handle_event;
  mount.compress = 1;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_mount(server, "/socket", &mount));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  return server;
}

/* ----------------------------------------------------------------------------------------------------- long poll */

/* Sends a long-poll request of the session `token` (NULL: none), a GET when there is no body, and gives the answer. */
static const char *request(int port, const char *token, const char *body) {
  static char answer[4096];
  char text[1024];
  int length = snprintf(text, sizeof text,
                        "%s /socket/longpoll?vsn=2.0.0%s%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                        "Content-Type: application/x-ndjson\r\nContent-Length: %zu\r\n\r\n%s",
                        body == NULL ? "GET" : "POST", token == NULL ? "" : "&token=", token == NULL ? "" : token,
                        body == NULL ? (size_t)0 : strlen(body), body == NULL ? "" : body);
  client_t *client = client_raw(port);
  client_send_raw(client, text, (size_t)length);
  client_read_to_end(client, answer, sizeof answer);
  client_free(client);
  return answer;
}

/* Begins a session. */
static void begin(int port, char *token, size_t size) {
  const char *answer = strstr(request(port, NULL, NULL), "\"token\":\"");
  CHECK(answer != NULL);
  if (answer == NULL) exit(1);
  answer += strlen("\"token\":\"");
  snprintf(token, size, "%.*s", (int)strcspn(answer, "\""), answer);
}

#define JOIN "[\"1\",\"1\",\"t:1\",\"phx_join\",{}]"
#define PUSH "[\"1\",\"2\",\"t:1\",\"push\",{}]"

static void long_poll_has_its_limits(void) {
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  watch_t watch = {"the client does not poll", gate_new()};
  char token[64];
  limits.max_longpoll_sessions = 1;
  limits.max_longpoll_batch = 2;
  limits.max_longpoll_body_bytes = 200;
  limits.max_longpoll_queue_bytes = 100;
  synq_server_t *server = serve(&limits, &watch);
  int port = synq_server_port(server);
  begin(port, token, sizeof token);
  CHECK(strstr(request(port, NULL, NULL), "\"status\":429") != NULL);
  CHECK(strstr(request(port, token, PUSH "\n" PUSH "\n" PUSH), "\"status\":413") != NULL);
  char large[256];
  memset(large, ' ', sizeof large - 1);
  large[sizeof large - 1] = '\0';
  CHECK(strstr(request(port, token, large), "413") != NULL);
  CHECK(strstr(request(port, token, JOIN), "\"status\":200") != NULL);
  CHECK(strstr(request(port, token, PUSH "\n" PUSH), "\"status\":") != NULL);
  gate_wait(watch.seen, 1);
  CHECK(strstr(request(port, token, PUSH), "\"status\":410") != NULL);
  CHECK_OK(synq_server_free(server));
  gate_free(watch.seen);
}

static void long_poll_is_a_switch(void) {
  static const struct {
    int longpoll;
    const char *answer;
  } cases[] = {{0, "\"token\":"}, {SYNQ_ON, "\"token\":"}, {SYNQ_OFF, "HTTP/1.1 404"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
    synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
    synq_server_t *server = NULL;
    CHECK_OK(synq_server_new(&server, &options));
    mount.longpoll = (synq_switch_t)3;
    CHECK_CODE(SYNQ_EINVAL, "longpoll: 3 is neither SYNQ_ON nor SYNQ_OFF",
               synq_server_mount(server, "/socket", &mount));
    mount.longpoll = (synq_switch_t)cases[i].longpoll;
    CHECK_OK(synq_server_mount(server, "/socket", &mount));
    CHECK_OK(synq_server_start(server));
    CHECK(strstr(request(synq_server_port(server), NULL, NULL), cases[i].answer) != NULL);
    CHECK_OK(synq_server_free(server));
  }
}

static void a_session_that_is_not_polled_ends(void) {
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  watch_t watch = {"the client stopped polling", gate_new()};
  char token[64];
  limits.longpoll_session_timeout_ms = 50;
  synq_server_t *server = serve(&limits, &watch);
  begin(synq_server_port(server), token, sizeof token);
  gate_wait(watch.seen, 1);
  CHECK_OK(synq_server_free(server));
  gate_free(watch.seen);
}

/* ----------------------------------------------------------------------------------------------------- messages */

static void a_client_is_owed_so_many_replies(void) {
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  watch_t watch = {NULL, NULL};
  limits.max_pending_replies = 1;
  owed[0] = owed[1] = NULL;
  synq_server_t *server = serve(&limits, &watch);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"later\",{}]");
  client_send(client, "[\"1\",\"3\",\"t:1\",\"later\",{}]");
  CHECK(client_await(client, "too_many_pending_replies") != NULL);
  CHECK_OK(synq_deferred_reply_text(owed[0], "ok", "{\"late\":1}", SYNQ_NUL_TERMINATED));
  CHECK(client_await(client, "{\"late\":1}") != NULL);
  CHECK_OK(synq_deferred_finish(owed[1])); /* its event was answered with the error */
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

static void events_that_wait_have_so_many_bytes(void) {
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  watch_t watch = {NULL, NULL};
  limits.max_queued_bytes = 100;
  held = gate_new();
  synq_server_t *server = serve(&limits, &watch);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"hold\",{}]");
  for (int i = 3; i <= 5; i++) {
    char text[160];
    snprintf(text, sizeof text, "[\"1\",\"%d\",\"t:1\",\"e\",\"%080d\"]", i, i);
    client_send(client, text);
  }
  /* The first waits, the others are too much. */
  CHECK(client_await(client, "\"4\",\"t:1\",\"phx_reply\",{\"status\":\"error\"") != NULL);
  CHECK(client_await(client, "too_many_queued_events") != NULL);
  gate_wait(held, 1);
  CHECK_OK(synq_deferred_reply_text(owed[0], "ok", "{}", SYNQ_NUL_TERMINATED));
  CHECK(client_await(client, "\"3\",\"t:1\",\"phx_reply\",{\"status\":\"ok\"") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(held);
}

static void a_message_has_so_many_values(void) {
  for (int i = 0; i < 2; i++) {
    synq_limits_t limits = SYNQ_LIMITS_INIT;
    watch_t watch = {NULL, NULL};
    int code = 0;
    limits.max_json_nodes = i == 0 ? 0 : 4;
    synq_server_t *server = serve(&limits, &watch);
    client_t *client = client_new(synq_server_port(server));
    client_join(client, "t:1");
    client_send(client, "[\"1\",\"2\",\"t:1\",\"e\",[1,2,3,4,5,6,7,8]]");
    const char *answer = client_receive(client, &code);
    CHECK(answer != NULL && (strstr(answer, "\"payload_too_complex\"") != NULL) == (i == 1));
    /* Without a ref there is nothing to answer to. */
    client_send(client, "[\"1\",null,\"t:1\",\"e\",[1,2,3,4,5,6,7,8]]");
    CHECK((client_receive(client, &code) != NULL) == (i == 0));
    CHECK(code == (i == 0 ? 0 : 1011));
    client_free(client);
    CHECK_OK(synq_server_free(server));
  }
}

/* 100,000 zeros, deflated 870 times: whole they are no message (1011), beyond the ratio they are not inflated (1009). */
static void a_message_inflates_so_many_times(void) {
  static const struct {
    uint32_t ratio;
    int code;
  } cases[] = {{0, 1009}, {800, 1009}, {1000, 1011}};
  unsigned char frame[6 + 115] = {0xC1, 0x80 | 115};
  static const unsigned char start[] = {0xec, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2, 0xa0,
                                        0x4a, 0xeb, 0x9f, 0xce, 0x1a, 0x1e, 0x40, 0x01};
  memcpy(frame + 6, start, sizeof start);
  frame[6 + 113] = 0xaf;
  frame[6 + 114] = 0x06;
  for (int i = 0; i < 3; i++) {
    synq_limits_t limits = SYNQ_LIMITS_INIT;
    watch_t watch = {NULL, NULL};
    int code = 0;
    limits.max_inflate_ratio = cases[i].ratio;
    synq_server_t *server = serve(&limits, &watch);
    client_t *client = client_open(synq_server_port(server),
                                   "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n");
    CHECK(client_status(client) == 101);
    client_send_raw(client, frame, sizeof frame);
    CHECK(client_receive(client, &code) == NULL && code == cases[i].code);
    client_free(client);
    CHECK_OK(synq_server_free(server));
  }
}

/* -------------------------------------------------------------------------------------------------------- closing */

static void an_http_connection_is_kept_for_so_long(void) {
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  watch_t watch = {NULL, NULL};
  char answer[1024];
  static const char text[] = "GET /none HTTP/1.1\r\nHost: x\r\n\r\n";
  limits.keep_alive_timeout_ms = 50; /* by default the client would give up first */
  synq_server_t *server = serve(&limits, &watch);
  client_t *client = client_raw(synq_server_port(server));
  client_send_raw(client, text, sizeof text - 1);
  CHECK(client_read_to_end(client, answer, sizeof answer));
  CHECK(strstr(answer, "404") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

static void count_close(synq_socket_t *socket, const char *reason, void *closed) {
  (void)socket;
  CHECK_TEXT("shutdown:draining", reason);
  gate_add(closed);
}

/* A stop whose pause never ends tells one connection of three; the others go on until a second stop hastens it. */
static void a_stop_ends_connections_in_batches(void) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  synq_server_t *server = NULL;
  client_t *clients[3];
  int open = 0;
  gate_t *closed = gate_new();
  limits.drain_batch = 1;
  limits.drain_pause_ms = 3600 * 1000;
  options.loops = 1;
  options.limits = &limits;
  channel.before_close = count_close;
  channel.handle_event = handle_event;
  channel.user = closed;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  for (int i = 0; i < 3; i++) {
    clients[i] = client_new(synq_server_port(server));
    client_join(clients[i], "t:1");
  }
  CHECK_OK(synq_server_stop(server, -1));
  gate_wait(closed, 1);
  for (int i = 0; i < 3; i++) {
    int code = 0;
    client_send(clients[i], "[\"1\",\"2\",\"t:1\",\"e\",{}]");
    if (client_receive(clients[i], &code) != NULL)
      open++;
    else
      CHECK(code == 1012);
  }
  CHECK(open == 2 && gate_count(closed) == 1);
  CHECK_OK(synq_server_stop(server, 60000));
  gate_wait(closed, 3);
  CHECK_OK(synq_server_wait(server, -1));
  for (int i = 0; i < 3; i++) client_free(clients[i]);
  CHECK_OK(synq_server_free(server));
  gate_free(closed);
}

/* With a deadline the pauses are as short as they must be for every before_close to run. */
static void a_deadline_shortens_the_pauses_of_a_stop(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  synq_server_t *server = NULL;
  client_t *clients[3];
  gate_t *closed = gate_new();
  limits.drain_batch = 1;
  limits.drain_pause_ms = 3600 * 1000;
  options.loops = 1;
  options.limits = &limits;
  channel.before_close = count_close;
  channel.user = closed;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  for (int i = 0; i < 3; i++) {
    clients[i] = client_new(synq_server_port(server));
    client_join(clients[i], "t:1");
  }
  CHECK_OK(synq_server_stop(server, 2000));
  CHECK_OK(synq_server_wait(server, -1));
  CHECK(gate_count(closed) == 3);
  for (int i = 0; i < 3; i++) client_free(clients[i]);
  CHECK_OK(synq_server_free(server));
  gate_free(closed);
}

static int name_client(synq_connection_t *connection, const synq_value_t *params, void *user) {
  (void)params, (void)user;
  return synq_connection_set_id(connection, "silent");
}

static void a_client_that_never_closes_its_side_is_cut_off(void) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  synq_server_t *server = NULL;
  int code = 0;
  limits.close_timeout_ms = 50;
  options.limits = &limits;
  mount.connect = name_client;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_mount(server, "/socket", &mount));
  CHECK_OK(synq_server_start(server));
  client_t *client = client_new(synq_server_port(server));
  CHECK_OK(synq_server_disconnect(server, "silent"));
  CHECK(client_receive(client, &code) == NULL && code == 1001);
  /* It does not answer the farewell; by default it would have 5 s for that. */
  CHECK(client_is_cut_off(client, 4000));
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

const test_t limit_tests[] = {
    {"long_poll_has_its_limits", long_poll_has_its_limits},
    {"long_poll_is_a_switch", long_poll_is_a_switch},
    {"a_session_that_is_not_polled_ends", a_session_that_is_not_polled_ends},
    {"a_client_is_owed_so_many_replies", a_client_is_owed_so_many_replies},
    {"events_that_wait_have_so_many_bytes", events_that_wait_have_so_many_bytes},
    {"a_message_has_so_many_values", a_message_has_so_many_values},
    {"a_message_inflates_so_many_times", a_message_inflates_so_many_times},
    {"an_http_connection_is_kept_for_so_long", an_http_connection_is_kept_for_so_long},
    {"a_stop_ends_connections_in_batches", a_stop_ends_connections_in_batches},
    {"a_deadline_shortens_the_pauses_of_a_stop", a_deadline_shortens_the_pauses_of_a_stop},
    {"a_client_that_never_closes_its_side_is_cut_off", a_client_that_never_closes_its_side_is_cut_off},
    {NULL, NULL},
};
