/* A host's own messages for the state. */
#include "test.h"

static int build_new_state(synq_socket_t *socket, const synq_value_t *state, uint32_t version, void *user) {
  const char *text = NULL;
  (void)user;
  CHECK_OK(synq_value_get_text(state, "", &text, NULL));
  CHECK_CODE(SYNQ_ESTATE, "assigns", synq_socket_set_int(socket, "/a", 9));
  CHECK_CODE(SYNQ_ESTATE, "reply", synq_socket_reply_text(socket, "ok", "{}", 2));
  CHECK_CODE(SYNQ_EINVAL, "event", synq_socket_state_message_text(socket, "", "{}", 2));
  CHECK_CODE(SYNQ_EJSON, "text", synq_socket_state_message_text(socket, "all", "{", 1));
  CHECK_OK(synq_socket_state_message(socket, "all", json_pack("{s:s,s:i}", "of", text, "at", (int)version)));
  CHECK_CODE(SYNQ_ESTATE, "already", synq_socket_state_message_text(socket, "all", "{}", 2));
  return SYNQ_OK;
}

static int build_update(synq_socket_t *socket, const synq_value_t *from, const synq_value_t *to, uint32_t version,
                        void *user) {
  json_t *patch = NULL;
  const char *text = NULL;
  size_t length = 0;
  int64_t now = 0;
  (void)version, (void)user;
  CHECK_OK(synq_value_get_int(to, "/a", &now));
  if (now == 3) return SYNQ_OK; /* without a message */
  CHECK_CODE(SYNQ_EINVAL, "from", synq_value_diff(NULL, to, &patch));
  CHECK_CODE(SYNQ_EINVAL, "to", synq_value_diff(from, NULL, &patch));
  CHECK_CODE(SYNQ_EINVAL, "out", synq_value_diff(from, to, NULL));
  CHECK_OK(synq_value_diff(from, to, &patch));
  CHECK_OK(synq_value_diff_text(from, to, &text, &length));
  CHECK(json_array_size(patch) == 1 && length == strlen(text));
  json_decref(patch);
  return synq_socket_state_message_text(socket, "some", text, length);
}

static int add_one(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)event, (void)value, (void)user;
  CHECK_CODE(SYNQ_ESTATE, "no callback runs", synq_socket_state_message(socket, "all", json_object()));
  return synq_socket_increment(socket, "/a", 1, NULL);
}

static int init_a(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_set_int(socket, "/a", 0);
}

static void a_host_builds_the_messages_of_the_state(void) {
  static const char *const track[] = {"a", NULL};
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_INLINE; delivery++) {
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    channel.track = track;
    channel.init = init_a;
    channel.handle_event = add_one;
    channel.new_state = build_new_state;
    channel.update_state = build_update;
    synq_server_t *server = server_with(&channel, (synq_delivery_t)delivery);
    client_t *client = client_new(synq_server_port(server));
    client_join(client, "t:1");
    CHECK_TEXT("[\"1\",null,\"t:1\",\"all\",{\"of\":\"{\\\"a\\\":0}\",\"at\":0}]", client_receive(client, NULL));
    client_send(client, "[\"1\",\"2\",\"t:1\",\"inc\",{}]");
    CHECK(client_await(client, "phx_reply") != NULL);
    CHECK_TEXT("[\"1\",null,\"t:1\",\"some\",[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]]",
               client_receive(client, NULL));
    client_send(client, "[\"1\",\"3\",\"t:1\",\"inc\",{}]");
    client_send(client, "[\"1\",\"4\",\"t:1\",\"inc\",{}]");
    CHECK(client_await(client, "phx_error") != NULL);
    client_free(client);
    CHECK_OK(synq_server_free(server));
  }
}

static void polled_builders_run_where_the_host_polls(void) {
  static const char *const track[] = {"a", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = track;
  channel.init = init_a;
  channel.handle_event = add_one;
  channel.new_state = build_new_state;
  channel.update_state = build_update;
  synq_server_t *server = server_with(&channel, SYNQ_POLLED);
  client_t *client = client_new(synq_server_port(server));
  client_send(client, "[\"1\",\"1\",\"t:1\",\"phx_join\",{}]");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"inc\",{}]");
  for (int ran = 0; ran < 4;) { /* init, new_state, handle_event, update_state */
    int count = synq_server_poll(server, 10000, 1);
    CHECK(count == 1);
    if (count != 1) break;
    ran++;
  }
  CHECK(client_await(client, "\"all\"") != NULL);
  CHECK(client_await(client, "\"some\"") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

static synq_socket_t *later_socket;
static synq_deferred_t *later;

static int build_later(synq_socket_t *socket, const synq_value_t *state, uint32_t version, void *gate) {
  (void)state, (void)version;
  later_socket = socket;
  CHECK_CODE(SYNQ_ESTATE, "event", synq_socket_defer(socket, SYNQ_DEFER_DETACHED, &later));
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &later));
  gate_add(gate);
  return SYNQ_OK;
}

/* From another thread than the callback's; without a message the deferred is as a callback that gave none. */
static void a_message_may_come_later(void) {
  static const char *const track[] = {"a", NULL};
  for (int gives_one = 0; gives_one <= 1; gives_one++) {
    gate_t *gate = gate_new();
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    channel.track = track;
    channel.new_state = build_later;
    channel.user = gate;
    synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
    client_t *client = client_new(synq_server_port(server));
    client_join(client, "t:1");
    gate_wait(gate, 1);
    if (gives_one) CHECK_OK(synq_socket_state_message_text(later_socket, "all", "{}", 2));
    CHECK_OK(synq_deferred_finish(later));
    CHECK(client_await(client, gives_one ? "\"all\"" : "phx_error") != NULL);
    client_free(client);
    CHECK_OK(synq_server_free(server));
    gate_free(gate);
  }
}

/* ------------------------------------------------------------------------------------------------- shared messages */

enum { MEMBERS = 6, MESSAGES = 40, KEPT = 5 };

static int init_list(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_assign(socket, "list", json_array());
}

static int say(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  json_t *said = NULL;
  (void)event, (void)user;
  CHECK_OK(synq_value_get_json(payload, "", &said));
  return synq_socket_publish(socket, "said", said);
}

static int hear(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                void *user) {
  (void)topic, (void)message, (void)user;
  CHECK_OK(synq_socket_insert_value(socket, "/list/0", payload, ""));
  if (synq_value_size(synq_socket_all_assigns(socket), "/list") > KEPT) CHECK_OK(synq_socket_remove(socket, "/list/5"));
  return SYNQ_OK;
}

/* The library lets them share what they have in common, whichever threads their callbacks run on. */
static void members_of_a_room_all_have_what_was_said(void) {
  static const char *const track[] = {"list", NULL};
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_INLINE; delivery++) {
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    channel.track = track;
    channel.init = init_list;
    channel.handle_event = say;
    channel.handle_message = hear;
    synq_server_t *server = server_with(&channel, (synq_delivery_t)delivery);
    client_t *clients[MEMBERS];
    char text[64];
    for (int i = 0; i < MEMBERS; i++) {
      clients[i] = client_new(synq_server_port(server));
      client_join(clients[i], "t:1");
    }
    for (int n = 1; n <= MESSAGES; n++) {
      snprintf(text, sizeof text, "[\"1\",\"%d\",\"t:1\",\"say\",{\"n\":%d}]", n + 1, n);
      client_send(clients[n % MEMBERS], text);
      if (n % 7 == 0) CHECK(client_await(clients[n % MEMBERS], "phx_reply") != NULL);
    }
    for (int i = 0; i < MEMBERS; i++) {
      int order[KEPT] = {0}, previous[MESSAGES + 1] = {0};
      snprintf(text, sizeof text, "\"version\":%d}", MESSAGES);
      CHECK(client_await(clients[i], text) != NULL);
      client_send(clients[i], "[\"1\",\"99\",\"t:1\",\"synq:refresh\",{}]");
      const char *state = client_await(clients[i], "synq:change");
      const char *list = state == NULL ? NULL : strstr(state, "\"list\":[");
      CHECK(list != NULL && sscanf(list, "\"list\":[{\"n\":%d},{\"n\":%d},{\"n\":%d},{\"n\":%d},{\"n\":%d}]}",
                                   &order[0], &order[1], &order[2], &order[3], &order[4]) == KEPT);
      for (int k = 0; k < KEPT; k++) {
        CHECK(order[k] >= 1 && order[k] <= MESSAGES && previous[order[k]]++ == 0);
      }
    }
    for (int i = 0; i < MEMBERS; i++) client_free(clients[i]);
    CHECK_OK(synq_server_free(server));
  }
}

const test_t message_tests[] = {
    {"members_of_a_room_all_have_what_was_said", members_of_a_room_all_have_what_was_said},
    {"a_host_builds_the_messages_of_the_state", a_host_builds_the_messages_of_the_state},
    {"polled_builders_run_where_the_host_polls", polled_builders_run_where_the_host_polls},
    {"a_message_may_come_later", a_message_may_come_later},
    {NULL, NULL},
};
