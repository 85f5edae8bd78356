/* On which threads callbacks run, in which order, and messages between channels. */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------------------------ polled */

static pthread_t callback_thread;
static int callbacks;

static int note_thread(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)socket, (void)event, (void)payload, (void)user;
  callback_thread = pthread_self();
  callbacks++;
  return SYNQ_OK;
}

/* Waits until the descriptor is readable, then runs what is due. */
static int poll_once(synq_server_t *server, int max) {
  struct pollfd descriptor = {.fd = synq_server_fd(server), .events = POLLIN};
  CHECK(poll(&descriptor, 1, 10000) == 1);
  return synq_server_poll(server, 0, max);
}

static void polled_callbacks_run_where_the_host_polls(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  struct pollfd idle;
  channel.handle_event = note_thread;
  callbacks = 0;
  synq_server_t *server = server_with(&channel, SYNQ_POLLED);
  idle = (struct pollfd){.fd = synq_server_fd(server), .events = POLLIN};
  CHECK(synq_server_fd(server) >= 0 && synq_server_fd(server) == idle.fd);
  CHECK(poll(&idle, 1, 0) == 0);
  CHECK(synq_server_poll(server, 0, 0) == 0);

  client_t *client = client_new(synq_server_port(server));
  client_send(client, "[\"1\",\"1\",\"t:1\",\"phx_join\",{}]");
  for (int i = 2; i < 12; i++) {
    char text[64];
    snprintf(text, sizeof text, "[\"1\",\"%d\",\"t:1\",\"e\",{}]", i);
    client_send(client, text);
  }
  while (callbacks < 10) {
    int ran = poll_once(server, 3);
    CHECK(ran >= 0 && ran <= 3);
    if (ran < 0) break;
  }
  CHECK(pthread_equal(callback_thread, pthread_self()));
  CHECK(client_await(client, "\"11\"") != NULL);

  CHECK_CODE(SYNQ_ESTATE, "", synq_server_wait(server, 0)); /* nobody else polls */
  CHECK_OK(synq_server_stop(server, -1));
  int ran;
  while ((ran = synq_server_poll(server, -1, 0)) >= 0) continue;
  CHECK(ran == SYNQ_ECLOSED);
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

static void *stop_when_open(void *server) {
  CHECK_OK(synq_server_stop(server, -1));
  return NULL;
}

static void run_polls_too(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  pthread_t thread;
  synq_server_t *server = server_with(&channel, SYNQ_POLLED);
  pthread_create(&thread, NULL, stop_when_open, server);
  CHECK_OK(synq_server_run(server));
  pthread_join(thread, NULL);
  CHECK_OK(synq_server_free(server));
}

static void count_close(synq_socket_t *socket, const char *reason, void *user) {
  (void)socket, (void)reason, (void)user;
  callbacks++;
}

static void freeing_a_polled_server_runs_what_is_left(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.handle_event = note_thread;
  channel.before_close = count_close;
  synq_server_t *server = server_with(&channel, SYNQ_POLLED);
  client_t *client = client_new(synq_server_port(server));
  client_send(client, "[\"1\",\"1\",\"t:1\",\"phx_join\",{}]");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"e\",{}]");
  callbacks = 0;
  while (callbacks == 0) CHECK(poll_once(server, 0) >= 0);
  callbacks = 0;
  CHECK_OK(synq_server_free(server));
  CHECK(callbacks == 1);
  client_free(client);
}

static void only_a_polled_server_is_polled(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_poll(server, 0, 0));
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_fd(server));
  CHECK_OK(synq_server_free(server));
}

/* ----------------------------------------------------------------------------------------- parallel and in order */

typedef struct meeting {
  gate_t *first, *second;
} meeting_t;

/* "wait" in one channel ends when "open" has run in another: so they run in parallel. */
static int meet(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  meeting_t *meeting = user;
  (void)socket, (void)payload;
  if (strcmp(event, "wait") == 0) {
    gate_add(meeting->first);
    gate_wait(meeting->second, 1);
  } else {
    gate_add(meeting->second);
  }
  return SYNQ_OK;
}

static void a_slow_callback_delays_its_own_channel_only(void) {
  meeting_t meeting = {gate_new(), gate_new()};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.handle_event = meet;
  channel.user = &meeting;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server)); /* one connection for both */
  client_join(client, "t:1");
  client_join(client, "t:2");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"wait\",{}]");
  gate_wait(meeting.first, 1);
  client_send(client, "[\"1\",\"3\",\"t:2\",\"open\",{}]");
  CHECK(client_await(client, "\"2\",\"t:1\"") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(meeting.first);
  gate_free(meeting.second);
}

/* Connections whose callbacks block until another one's callback has run. */
static void block_all_but_one(int clients, int channels, uint32_t workers, int running) {
  meeting_t meeting = {gate_new(), gate_new()};
  client_t *blockers[16];
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_server_t *server;
  options.workers = workers;
  channel.handle_event = meet;
  channel.user = &meeting;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  client_t *other = client_new(synq_server_port(server));
  client_join(other, "t:other");
  for (int i = 0; i < clients; i++) {
    blockers[i] = client_new(synq_server_port(server));
    for (int j = 0; j < channels; j++) {
      char text[64], topic[16];
      snprintf(topic, sizeof topic, "t:%d", j);
      client_join(blockers[i], topic);
      snprintf(text, sizeof text, "[\"1\",\"2\",\"%s\",\"wait\",{}]", topic);
      client_send(blockers[i], text);
    }
  }
  gate_wait(meeting.first, running);
  client_send(other, "[\"1\",\"3\",\"t:other\",\"open\",{}]");
  CHECK(client_await(other, "\"3\",\"t:other\"") != NULL);
  gate_wait(meeting.first, clients * channels); /* all have run, in the end */
  for (int i = 0; i < clients; i++) client_free(blockers[i]);
  client_free(other);
  CHECK_OK(synq_server_free(server));
  gate_free(meeting.first);
  gate_free(meeting.second);
}

static void one_connection_cannot_take_all_threads(void) {
  block_all_but_one(1, 4, 4, 2);
}

static void threads_are_added_while_all_are_blocked(void) {
  block_all_but_one(16, 1, 0, 16);
}

static int64_t expected_number;

static int check_number(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  int64_t number = -1;
  (void)socket, (void)event, (void)user;
  CHECK_OK(synq_value_get_int(payload, "/n", &number));
  CHECK(number == expected_number++);
  return SYNQ_OK;
}

static void the_callbacks_of_a_channel_run_in_order(void) {
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_INLINE; delivery++) {
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    channel.handle_event = check_number;
    expected_number = 0;
    synq_server_t *server = server_with(&channel, (synq_delivery_t)delivery);
    client_t *client = client_new(synq_server_port(server));
    client_join(client, "t:1");
    for (int i = 0; i < 200; i++) {
      char text[64];
      snprintf(text, sizeof text, "[\"1\",\"r%d\",\"t:1\",\"e\",{\"n\":%d}]", i, i);
      client_send(client, text);
    }
    CHECK(client_await(client, "\"r199\"") != NULL);
    client_free(client);
    CHECK_OK(synq_server_free(server));
    CHECK(expected_number == 200);
  }
}

/* ---------------------------------------------------------------------------------------------------- deferred */

static synq_socket_t *deferred_socket;
static synq_deferred_t *deferred;
static gate_t *return_gate;

static int defer_first(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *gate) {
  (void)payload;
  int mode = strcmp(event, "detached") == 0 ? SYNQ_DEFER_DETACHED : SYNQ_DEFER_IN_ORDER;
  if (strcmp(event, "next") == 0) return SYNQ_OK;
  deferred_socket = socket;
  int result = synq_socket_defer(socket, mode, &deferred);
  gate_add(gate);
  if (strcmp(event, "held") == 0) gate_wait(return_gate, 1);
  return result;
}

static void a_deferred_response_keeps_the_order_or_does_not(void) {
  static const char *const track[] = {"a", NULL};
  gate_t *gate = gate_new();
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = track;
  channel.handle_event = defer_first;
  channel.user = gate;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  CHECK(client_await(client, "synq:change") != NULL);

  client_send(client, "[\"1\",\"2\",\"t:1\",\"in_order\",{}]");
  client_send(client, "[\"1\",\"3\",\"t:1\",\"next\",{}]");
  gate_wait(gate, 1);
  CHECK_OK(synq_socket_set_int(deferred_socket, "/a", 1)); /* as inside the callback */
  CHECK_OK(synq_deferred_reply(deferred, "ok", json_object()));
  CHECK(strstr(client_receive(client, NULL), "\"2\"") != NULL);
  CHECK(strstr(client_receive(client, NULL), "synq:patch") != NULL);
  CHECK(strstr(client_receive(client, NULL), "\"3\"") != NULL);

  client_send(client, "[\"1\",\"4\",\"t:1\",\"detached\",{}]");
  client_send(client, "[\"1\",\"5\",\"t:1\",\"next\",{}]");
  gate_wait(gate, 2);
  CHECK(strstr(client_receive(client, NULL), "\"5\"") != NULL);
  CHECK_OK(synq_deferred_reply_error(deferred, "failed", "It did not work", NULL));
  const char *reply = client_receive(client, NULL);
  CHECK(reply != NULL && strstr(reply, "\"4\"") != NULL && strstr(reply, "\"code\":\"failed\"") != NULL);

  /* Whoever has the deferred may be faster than the callback's return. */
  return_gate = gate_new();
  client_send(client, "[\"1\",\"6\",\"t:1\",\"held\",{}]");
  gate_wait(gate, 3);
  CHECK_OK(synq_socket_set_int(deferred_socket, "/a", 2));
  CHECK_OK(synq_deferred_finish(deferred));
  gate_add(return_gate);
  CHECK(client_await(client, "\"value\":2") != NULL);
  gate_free(return_gate);

  client_send(client, "[\"1\",\"7\",\"t:1\",\"in_order\",{}]");
  gate_wait(gate, 4);
  CHECK_OK(synq_deferred_crash(deferred, "it burnt down"));
  CHECK(client_await(client, "phx_error") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(gate);
}

/* ---------------------------------------------------------------------------------------------------- messages */

static int subscribe_to_news(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  CHECK_OK(synq_socket_subscribe(socket, "news"));
  CHECK_OK(synq_socket_subscribe(socket, "news")); /* twice is once */
  return synq_socket_send_after_text(socket, 1, "later", "{}", 2);
}

/* Two timers are one too many: one is cancelled, so that the next may be set. */
static int set_timers(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  uint64_t first = 0, second = 0;
  (void)topic, (void)params, (void)user;
  CHECK_CODE(SYNQ_ENOTFOUND, "timer: it was due already, or was cancelled", synq_socket_cancel_timer(socket, 1));
  CHECK_CODE(SYNQ_EINVAL, "timer: is NULL", synq_socket_start_timer_text(socket, 0, "never", "{}", 2, NULL));
  CHECK_OK(synq_socket_start_timer_text(socket, 0, "never", "{}", 2, &first));
  CHECK(first != 0);
  CHECK_CODE(SYNQ_ELIMIT, "message: the channel has max_timers (1) that are not due yet",
             synq_socket_start_timer(socket, 1, "later", json_object(), &second));
  CHECK_OK(synq_socket_cancel_timer(socket, first));
  CHECK_CODE(SYNQ_ENOTFOUND, "", synq_socket_cancel_timer(socket, first));
  CHECK_OK(synq_socket_start_timer(socket, 1, "later", json_object(), &second));
  CHECK(second != first);
  CHECK_OK(synq_socket_subscribe(socket, "news"));
  CHECK_OK(synq_socket_subscribe(socket, "news"));
  CHECK_CODE(SYNQ_ELIMIT, "topic: the channel has max_subscriptions (1) of them",
             synq_socket_subscribe(socket, "more"));
  CHECK_OK(synq_socket_unsubscribe(socket, "news"));
  CHECK_OK(synq_socket_subscribe(socket, "more"));
  return SYNQ_OK;
}

/* Passes what it gets on to the client. */
static int report(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                  void *user) {
  const char *text;
  (void)user;
  CHECK_CODE(SYNQ_ESTATE, "", synq_socket_reply(socket, "ok", json_object()));
  CHECK_OK(synq_value_get_text(payload, "", &text, NULL));
  return synq_socket_push(socket, "got", json_pack("{s:s, s:s, s:s}", "topic", topic, "message", message, "is", text));
}

static void timers_can_be_taken_back_and_have_a_limit(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  synq_server_t *server;
  limits.max_timers = limits.max_subscriptions = 1;
  options.limits = &limits;
  channel.init = set_timers;
  channel.handle_message = report;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  const char *got = client_await(client, "got");
  CHECK(got != NULL && strstr(got, "\"message\":\"later\"") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

/* A loop that stands still, because an inline callback blocks, and a program that goes on publishing. */
static void what_waits_for_a_loop_has_a_limit(void) {
  meeting_t meeting = {gate_new(), gate_new()};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_stats_t stats = SYNQ_STATS_INIT;
  int taken = 0, result;
  channel.handle_event = meet;
  channel.handle_message = report;
  channel.user = &meeting;
  synq_server_t *server = server_with(&channel, SYNQ_INLINE);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"wait\",{}]");
  gate_wait(meeting.first, 1);
  while ((result = synq_server_publish_text(server, "t:nobody", "m", "{}", 2)) == SYNQ_OK) taken++;
  CHECK(taken == 10000);
  CHECK_CODE(SYNQ_ELIMIT, "topic: too many messages wait", result);
  CHECK_CODE(SYNQ_ELIMIT, "topic: too many messages wait",
             synq_server_broadcast_text(server, "t:nobody", "e", "{}", 2));
  gate_add(meeting.second);
  CHECK(client_await(client, "\"2\",\"t:1\"") != NULL);
  while ((result = synq_server_publish_text(server, "t:1", "after", "{}", 2)) == SYNQ_ELIMIT) continue;
  CHECK_OK(result);
  CHECK(client_await(client, "after") != NULL);
  CHECK_OK(synq_server_stats(server, &stats));
  CHECK(stats.queued_messages == 0);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(meeting.first);
  gate_free(meeting.second);
}

/* Of messages that replace one another the newest comes, and what has waited for. */
static void the_newest_message_of_a_key_wins(void) {
  meeting_t meeting = {gate_new(), gate_new()};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.handle_event = meet;
  channel.handle_message = report;
  channel.user = &meeting;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"wait\",{}]");
  gate_wait(meeting.first, 1);
  CHECK_OK(synq_server_publish_latest_text(server, "t:1", "at", "a", "1", 1));
  CHECK_OK(synq_server_publish_latest(server, "t:1", "at", "b", json_integer(2)));
  CHECK_OK(synq_server_publish_latest_text(server, "t:1", "at", "a", "3", 1));
  gate_add(meeting.second);
  const char *got = client_await(client, "got");
  CHECK(got != NULL && strstr(got, "\"is\":\"2\"") != NULL);
  got = client_await(client, "got");
  CHECK(got != NULL && strstr(got, "\"is\":\"3\"") != NULL);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(meeting.first);
  gate_free(meeting.second);
}

static void messages_reach_channels_from_anywhere(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.init = subscribe_to_news;
  channel.handle_message = report;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  CHECK(client_await(client, "\"message\":\"later\"") != NULL);
  CHECK_OK(synq_server_publish(server, "t:1", "one", json_pack("{s:i}", "n", 1)));
  const char *got = client_await(client, "got");
  CHECK(got != NULL && strstr(got, "\"topic\":\"t:1\"") != NULL && strstr(got, "\"message\":\"one\"") != NULL);
  CHECK_OK(synq_server_publish_text(server, "news", "two", "[1]", 3));
  got = client_await(client, "got");
  CHECK(got != NULL && strstr(got, "\"topic\":\"news\"") != NULL && strstr(got, "\"is\":\"[1]\"") != NULL);
  CHECK_OK(synq_server_broadcast_text(server, "news", "three", "{}", 2)); /* subscribed: a message, not a push */
  CHECK(client_await(client, "\"message\":\"three\"") != NULL);
  CHECK_OK(synq_server_broadcast_text(server, "t:1", "four", "{}", 2)); /* joined: to the client as it is */
  CHECK_TEXT("[null,null,\"t:1\",\"four\",{}]", client_receive(client, NULL));
  CHECK_OK(synq_server_publish_text(server, "nobody", "five", "{}", 2));
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

const test_t delivery_tests[] = {
    {"polled_callbacks_run_where_the_host_polls", polled_callbacks_run_where_the_host_polls},
    {"run_polls_too", run_polls_too},
    {"freeing_a_polled_server_runs_what_is_left", freeing_a_polled_server_runs_what_is_left},
    {"only_a_polled_server_is_polled", only_a_polled_server_is_polled},
    {"a_slow_callback_delays_its_own_channel_only", a_slow_callback_delays_its_own_channel_only},
    {"one_connection_cannot_take_all_threads", one_connection_cannot_take_all_threads},
    {"threads_are_added_while_all_are_blocked", threads_are_added_while_all_are_blocked},
    {"the_callbacks_of_a_channel_run_in_order", the_callbacks_of_a_channel_run_in_order},
    {"a_deferred_response_keeps_the_order_or_does_not", a_deferred_response_keeps_the_order_or_does_not},
    {"timers_can_be_taken_back_and_have_a_limit", timers_can_be_taken_back_and_have_a_limit},
    {"what_waits_for_a_loop_has_a_limit", what_waits_for_a_loop_has_a_limit},
    {"the_newest_message_of_a_key_wins", the_newest_message_of_a_key_wins},
    {"messages_reach_channels_from_anywhere", messages_reach_channels_from_anywhere},
    {NULL, NULL},
};
