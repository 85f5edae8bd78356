/* What is lent to a host, for how long, and that it is given back: values, versions of the assigns, texts. */
#define _GNU_SOURCE
#include "test.h"

#include <malloc.h>
#include <stdlib.h>

/* The bytes that the process has from malloc. */
static size_t in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/* Not under valgrind and the sanitizers, whose malloc is another. */
static int in_use_is_known(void) {
  size_t before = in_use();
  void *volatile block = malloc(4096);
  int is_known = in_use() >= before + 4096;
  free(block);
  return is_known;
}

/* -------------------------------------------------------------------------------------------------- until a finish */

enum { channels = 50, payload_bytes = 60000 };

typedef struct host {
  gate_t *deferred_it;
  synq_socket_t *sockets[channels];
  synq_deferred_t *deferreds[channels];
} host_t;

static int defer(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  host_t *host = user;
  int channel = atoi(event);
  CHECK(synq_value_kind(payload, "") == SYNQ_STRING);
  CHECK(synq_socket_all_assigns(socket) != NULL && synq_socket_params(socket) != NULL);
  host->sockets[channel] = socket;
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &host->deferreds[channel]));
  gate_add(host->deferred_it);
  return SYNQ_OK;
}

/* No further callback of the channel is needed for that. */
static void what_was_lent_is_given_back_at_the_finish(void) {
  host_t host = {.deferred_it = gate_new()};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  static char text[payload_bytes + 64];
  size_t before;
  channel.handle_event = defer;
  channel.user = &host;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  for (int i = 0; i < channels; i++) {
    snprintf(text, sizeof text, "t:%d", i);
    client_join(client, text);
  }
  before = in_use();
  for (int i = 0; i < channels; i++) {
    int start = snprintf(text, sizeof text, "[\"1\",\"2\",\"t:%d\",\"%d\",\"", i, i);
    memset(text + start, 'x', payload_bytes);
    memcpy(text + start + payload_bytes, "\"]", 3);
    client_send(client, text);
  }
  gate_wait(host.deferred_it, channels);
  CHECK(!in_use_is_known() || in_use() > before + (size_t)channels * payload_bytes / 2);
  for (int i = 0; i < channels; i++) {
    CHECK_OK(synq_deferred_finish(host.deferreds[i]));
    CHECK(client_await(client, "phx_reply") != NULL);
    CHECK(synq_socket_all_assigns(host.sockets[i]) == NULL && synq_socket_params(host.sockets[i]) == NULL);
  }
  CHECK(in_use() < before + (size_t)channels * payload_bytes / 2);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(host.deferred_it);
}

/* --------------------------------------------------------------------------------------------- until the next change */

enum { versions = 100, version_bytes = 100000 };

static int read_many_versions(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  const char *text = NULL;
  size_t length = 0, before;
  synq_deferred_t *deferred = NULL;
  (void)event, (void)payload, (void)user;
  char *large = malloc(version_bytes);
  if (large == NULL) abort();
  memset(large, 'x', version_bytes);
  CHECK_OK(synq_socket_set_string(socket, "/a", large, version_bytes));
  free(large);
  /* In order, because only then they would be kept for the finish. */
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &deferred));
  before = in_use();
  for (int i = 0; i < versions; i++) {
    const synq_value_t *assigns = synq_socket_all_assigns(socket);
    CHECK(assigns == synq_socket_all_assigns(socket)); /* until a change it is the same */
    CHECK_OK(synq_value_get_text(assigns, "/a", &text, &length));
    CHECK(length == version_bytes + 2);
    CHECK_OK(synq_socket_set_int(socket, "/b", i));
  }
  CHECK(in_use() < before + (size_t)versions * version_bytes / 2);
  CHECK_OK(synq_deferred_finish(deferred));
  return SYNQ_OK;
}

static void a_version_of_the_assigns_is_given_back_at_the_next_change(void) {
  char *answer = in_callback(read_many_versions, "{}");
  CHECK(strstr(answer, "\"status\":\"ok\"") != NULL);
  free(answer);
}

/* Parts of the assigns go into the assigns; an edit that fails leaves what was lent as it was. */
static int move_parts_about(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  int64_t number = 0;
  (void)event, (void)payload, (void)user;
  CHECK_OK(synq_socket_assign_text(socket, "from", "{\"list\":[1,2,3]}", SYNQ_NUL_TERMINATED));
  CHECK_OK(synq_socket_assign_text(socket, "to", "[]", SYNQ_NUL_TERMINATED));
  CHECK_OK(synq_socket_append_value(socket, "/to", synq_socket_all_assigns(socket), "/from/list/2"));
  CHECK_OK(synq_socket_insert_value(socket, "/to/0", synq_socket_all_assigns(socket), "/to/0"));
  CHECK_OK(synq_socket_set_value(socket, "/from/list/0", synq_socket_all_assigns(socket), "/to/1"));
  const synq_value_t *assigns = synq_socket_all_assigns(socket);
  CHECK(synq_value_size(assigns, "/to") == 2);
  CHECK(synq_socket_remove(socket, "/to/7") == SYNQ_ENOTFOUND);
  CHECK(synq_socket_set_value(socket, "/from/none/0", assigns, "/to") == SYNQ_ENOTFOUND);
  CHECK(synq_socket_all_assigns(socket) == assigns);
  CHECK_OK(synq_value_get_int(assigns, "/from/list/0", &number));
  CHECK(number == 3);
  CHECK_OK(synq_value_get_int(assigns, "/to/0", &number));
  CHECK(number == 3);
  return SYNQ_OK;
}

static void a_failed_edit_leaves_the_lent_assigns(void) {
  char *answer = in_callback(move_parts_about, "{}");
  CHECK(strstr(answer, "\"status\":\"ok\"") != NULL);
  free(answer);
}

/* A detached deferred keeps the assigns as they were lent before it, whatever becomes of them. */
static int change_what_is_kept(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  const char *text = NULL;
  synq_deferred_t *deferred = NULL;
  (void)event, (void)payload, (void)user;
  CHECK_OK(synq_socket_set_string(socket, "/a", "before", SYNQ_NUL_TERMINATED));
  const synq_value_t *assigns = synq_socket_all_assigns(socket);
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_DETACHED, &deferred));
  CHECK_OK(synq_socket_set_string(socket, "/a", "after", SYNQ_NUL_TERMINATED));
  CHECK(synq_socket_remove(socket, "/none") == SYNQ_ENOTFOUND);
  CHECK_OK(synq_value_get_string(assigns, "/a", &text, NULL));
  CHECK(strcmp(text, "before") == 0);
  CHECK_OK(synq_value_get_string(synq_socket_all_assigns(socket), "/a", &text, NULL));
  CHECK(strcmp(text, "after") == 0);
  CHECK_OK(synq_deferred_reply(deferred, "ok", json_object()));
  return SYNQ_OK;
}

static void a_detached_deferred_keeps_the_assigns(void) {
  char *answer = in_callback(change_what_is_kept, "{}");
  CHECK(strstr(answer, "\"status\":\"ok\"") != NULL);
  free(answer);
}

/* ------------------------------------------------------------------------------------------------------- texts */

static synq_socket_t *socket_of_test;

static const char *text_of(int which) {
  switch (which) {
  case 0:
    return synq_socket_topic(socket_of_test);
  case 1:
    return synq_socket_join_ref(socket_of_test);
  case 2:
    return synq_socket_id(socket_of_test);
  case 3:
    return synq_socket_peer(socket_of_test);
  default:
    return synq_socket_header(socket_of_test, which == 4 ? "X-Test" : "x-TEST");
  }
}

static int keep_socket(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)payload, (void)user;
  socket_of_test = socket;
  return SYNQ_OK;
}

static int name_connection(synq_connection_t *connection, const synq_value_t *params, void *user) {
  (void)params, (void)user;
  return synq_connection_set_id(connection, "me");
}

static void the_texts_of_a_channel_stay_where_they_are(void) {
  static const char *const expected[] = {"t:1", "\"1\"", "me", "127.0.0.1", "yes", "yes"};
  const char *texts[6];
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_server_t *server = NULL;
  channel.handle_event = keep_socket;
  mount.connect = name_connection;
  CHECK_OK(synq_server_new(&server, NULL));
  CHECK_OK(synq_server_mount(server, "/socket", &mount));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  client_t *client = client_open(synq_server_port(server), "X-Test: yes\r\n");
  CHECK(client_status(client) == 101);
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"e\",{}]");
  CHECK(client_await(client, "\"2\"") != NULL);
  for (int i = 0; i < 6; i++) texts[i] = text_of(i);
  client_send(client, "[\"1\",\"3\",\"t:1\",\"e\",{}]");
  CHECK(client_await(client, "\"3\"") != NULL);
  for (int i = 0; i < 6; i++) {
    CHECK_TEXT(expected[i], texts[i]);
    CHECK(text_of(i) == texts[i]);
  }
  CHECK(texts[4] == texts[5]);
  CHECK(synq_socket_header(socket_of_test, "x-none") == NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

const test_t lending_tests[] = {
    {"what_was_lent_is_given_back_at_the_finish", what_was_lent_is_given_back_at_the_finish},
    {"a_version_of_the_assigns_is_given_back_at_the_next_change",
     a_version_of_the_assigns_is_given_back_at_the_next_change},
    {"a_failed_edit_leaves_the_lent_assigns", a_failed_edit_leaves_the_lent_assigns},
    {"a_detached_deferred_keeps_the_assigns", a_detached_deferred_keeps_the_assigns},
    {"the_texts_of_a_channel_stay_where_they_are", the_texts_of_a_channel_stay_where_they_are},
    {NULL, NULL},
};
