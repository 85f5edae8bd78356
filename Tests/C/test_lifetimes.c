/* Who lives how long: destroy functions, handles that are kept, servers that are stopped from anywhere, a fork. */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void destroy_runs_once_also_when_the_registration_fails(void) {
  gate_t *gate = gate_new();
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_server_t *server = NULL;
  options.user = channel.user = mount.user = gate;
  options.destroy = channel.destroy = mount.destroy = count_destroy;

  options.delivery = (synq_delivery_t)7;
  CHECK_CODE(SYNQ_EINVAL, "delivery", synq_server_new(&server, &options));
  CHECK(gate_count(gate) == 1);
  options.delivery = SYNQ_WORKERS;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_CODE(SYNQ_EINVAL, "pattern", synq_server_channel(server, "", &channel));
  CHECK(gate_count(gate) == 2);
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_channel(NULL, "a", &channel));
  CHECK(gate_count(gate) == 3);
  CHECK_CODE(SYNQ_EINVAL, "path", synq_server_mount(server, "", &mount));
  CHECK(gate_count(gate) == 4);
  CHECK_OK(synq_server_channel(server, "a", &channel));
  CHECK_OK(synq_server_channel(server, "b", &channel));
  CHECK_OK(synq_server_mount(server, "/socket", &mount));
  CHECK_OK(synq_server_start(server));
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_channel(server, "late", &channel));
  CHECK(gate_count(gate) == 5);
  CHECK_OK(synq_server_free(server));
  CHECK(gate_count(gate) == 9); /* the log's, two channels' and one mount's */
  gate_free(gate);
}

/* A struct of a newer header begins as the library knows it. */
static void destroy_runs_also_when_a_struct_is_newer_than_the_library(void) {
  gate_t *gate = gate_new();
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_server_t *server = NULL, *other = NULL;
  options.user = channel.user = mount.user = gate;
  options.destroy = channel.destroy = mount.destroy = count_destroy;
  options.size += 8;
  channel.size += 8;
  mount.size += 8;
  CHECK_OK(synq_server_new(&server, NULL));
  CHECK_CODE(SYNQ_EVERSION, "options", synq_server_new(&other, &options));
  CHECK(gate_count(gate) == 1);
  CHECK_CODE(SYNQ_EVERSION, "options", synq_server_channel(server, "a", &channel));
  CHECK(gate_count(gate) == 2);
  CHECK_CODE(SYNQ_EVERSION, "options", synq_server_mount(server, "/a", &mount));
  CHECK(gate_count(gate) == 3);
  CHECK_OK(synq_server_free(server));
  CHECK(gate_count(gate) == 3);
  gate_free(gate);
}

/* ------------------------------------------------------------------------------------------- data of a channel */

static int keep_data(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params;
  CHECK(synq_socket_data(socket) == NULL);
  CHECK_OK(synq_socket_set_data(socket, user, count_destroy));
  CHECK_OK(synq_socket_set_data(socket, user, count_destroy)); /* replaces the first, whose destroy runs */
  CHECK(gate_count(user) == 1 && synq_socket_data(socket) == user);
  return SYNQ_OK;
}

static void data_is_there_in_before_close(synq_socket_t *socket, const char *reason, void *user) {
  (void)reason;
  CHECK(synq_socket_data(socket) == user && gate_count(user) == 1);
}

static void the_data_of_a_channel_is_destroyed_once(void) {
  gate_t *gate = gate_new();
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.init = keep_data;
  channel.before_close = data_is_there_in_before_close;
  channel.user = gate;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"phx_leave\",{}]");
  CHECK(client_await(client, "phx_close") != NULL);
  gate_wait(gate, 2);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  CHECK(gate_count(gate) == 2);
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_set_data(NULL, gate, count_destroy));
  CHECK(gate_count(gate) == 3);
  gate_free(gate);
}

typedef struct race {
  synq_socket_t *socket;
  atomic_int set, destroyed;
} race_t;

static void count_atomically(void *user) {
  atomic_fetch_add(&((race_t *)user)->destroyed, 1);
}

static int keep_socket_of_race(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)payload;
  ((race_t *)user)->socket = socket;
  return SYNQ_OK;
}

static void *set_data_until_it_is_closed(void *user) {
  race_t *race = user;
  int code;
  do {
    atomic_fetch_add(&race->set, 1);
    code = synq_socket_set_data(race->socket, race, count_atomically);
  } while (code == SYNQ_OK);
  CHECK(code == SYNQ_ECLOSED);
  return NULL;
}

static void data_that_is_set_while_the_channel_ends_is_destroyed(void) {
  race_t race = {.socket = NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.handle_event = keep_socket_of_race;
  channel.user = &race;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  for (int i = 0; i < 200; i++) {
    pthread_t thread;
    client_send(client, "[\"1\",\"1\",\"t:1\",\"phx_join\",{}]");
    client_send(client, "[\"1\",\"3\",\"t:1\",\"keep\",{}]");
    CHECK(client_await(client, "\"3\"") != NULL);
    CHECK(pthread_create(&thread, NULL, set_data_until_it_is_closed, &race) == 0);
    client_send(client, "[\"1\",\"2\",\"t:1\",\"phx_leave\",{}]");
    CHECK(client_await(client, "phx_close") != NULL);
    pthread_join(thread, NULL);
  }
  client_free(client);
  CHECK_OK(synq_server_free(server));
  CHECK(atomic_load(&race.destroyed) == atomic_load(&race.set));
}

typedef struct cut {
  gate_t *authorizing, *may_return, *destroyed;
} cut_t;

static int keep_data_and_wait(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  cut_t *cut = user;
  (void)topic, (void)params;
  CHECK_OK(synq_socket_set_data(socket, cut->destroyed, count_destroy));
  gate_add(cut->authorizing);
  gate_wait(cut->may_return, 1);
  return SYNQ_OK;
}

/* A join waits for the only worker when the server is cut off. */
static void a_callback_that_was_cut_off_before_it_began_does_not_run(void) {
  cut_t cut = {gate_new(), gate_new(), gate_new()};
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = NULL;
  options.workers = options.loops = 1;
  channel.authorize = keep_data_and_wait;
  channel.user = &cut;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  client_t *client = client_new(synq_server_port(server));
  client_send(client, "[\"1\",\"1\",\"t:1\",\"phx_join\",{}]");
  gate_wait(cut.authorizing, 1);
  client_send(client, "[\"2\",\"2\",\"t:2\",\"phx_join\",{}]");
  client_send(client, "[null,\"3\",\"phoenix\",\"heartbeat\",{}]");
  CHECK(client_await(client, "\"3\"") != NULL); /* the join before it is due by then */
  CHECK_OK(synq_server_stop(server, 0));
  CHECK_OK(synq_server_wait(server, -1));
  gate_add(cut.may_return);
  CHECK_OK(synq_server_free(server));
  CHECK(gate_count(cut.authorizing) == 1 && gate_count(cut.destroyed) == 1);
  client_free(client);
  gate_free(cut.authorizing);
  gate_free(cut.may_return);
  gate_free(cut.destroyed);
}

/* ------------------------------------------------------------------------------------------------ kept handles */

static synq_socket_t *kept_socket;
static synq_deferred_t *kept_deferred;

static int keep_handles(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)payload, (void)user;
  kept_socket = socket;
  CHECK_OK(synq_socket_reply_text(socket, "ok", "{}", 2));
  return SYNQ_OK;
}

static void check_closed(void) {
  CHECK_CODE(SYNQ_ECLOSED, "", synq_socket_push(kept_socket, "e", json_object()));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_socket_send(kept_socket, "m", json_object()));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_socket_broadcast(kept_socket, "e", json_object()));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_socket_assign(kept_socket, "a", json_object()));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_socket_stop(kept_socket, "normal"));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_socket_subscribe(kept_socket, "x"));
  CHECK(synq_socket_topic(kept_socket) == NULL && synq_socket_join_ref(kept_socket) == NULL);
  CHECK(synq_socket_peer(kept_socket) == NULL && synq_socket_data(kept_socket) == NULL);
}

static void a_kept_socket_is_safe(void) {
  static const char *const track[] = {"a", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.track = track;
  channel.handle_event = keep_handles;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"keep\",{}]");
  CHECK(client_await(client, "phx_reply") != NULL);

  /* Outside of a callback: what reaches the client works, what belongs to callbacks does not. */
  CHECK_OK(synq_socket_push(kept_socket, "e", json_object()));
  CHECK(client_await(client, "\"e\"") != NULL);
  CHECK_CODE(SYNQ_ESTATE, "", synq_socket_assign(kept_socket, "a", json_object()));
  CHECK_CODE(SYNQ_ESTATE, "", synq_socket_reply(kept_socket, "ok", json_object()));
  CHECK(synq_socket_all_assigns(kept_socket) == NULL);

  client_send(client, "[\"1\",\"3\",\"t:1\",\"phx_leave\",{}]");
  CHECK(client_await(client, "phx_close") != NULL);
  check_closed();
  client_join(client, "t:1"); /* a new channel does not take the old handle over */
  check_closed();
  client_free(client);
  CHECK_OK(synq_server_free(server));
  check_closed();
}

static int defer(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *gate) {
  (void)payload;
  int mode = strcmp(event, "detached") == 0 ? SYNQ_DEFER_DETACHED : SYNQ_DEFER_IN_ORDER;
  int result = synq_socket_defer(socket, mode, &kept_deferred);
  gate_add(gate);
  return result;
}

static void a_kept_deferred_is_safe(void) {
  gate_t *gate = gate_new();
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.handle_event = defer;
  channel.user = gate;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"in order\",{}]");
  gate_wait(gate, 1);
  CHECK_OK(synq_deferred_reply(kept_deferred, "ok", json_pack("{s:i}", "late", 1)));
  CHECK(client_await(client, "{\"late\":1}") != NULL);
  CHECK_CODE(SYNQ_ECLOSED, "", synq_deferred_reply(kept_deferred, "ok", json_object()));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_deferred_finish(kept_deferred));

  client_send(client, "[\"1\",\"3\",\"t:1\",\"detached\",{}]");
  gate_wait(gate, 2);
  client_send(client, "[\"1\",\"4\",\"t:1\",\"phx_leave\",{}]");
  CHECK(client_await(client, "phx_close") != NULL);
  CHECK_CODE(SYNQ_ECLOSED, "", synq_deferred_finish(kept_deferred));
  client_free(client);
  CHECK_OK(synq_server_free(server));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_deferred_crash(kept_deferred, "too late"));
  gate_free(gate);
}

static synq_connection_t *kept_connection;

static int keep_connection(synq_connection_t *connection, const synq_value_t *params, void *user) {
  (void)params, (void)user;
  kept_connection = connection;
  CHECK(synq_connection_header(connection, "SEC-WEBSOCKET-VERSION") != NULL);
  CHECK_TEXT("127.0.0.1", synq_connection_peer(connection));
  return synq_connection_assign(connection, "from", json_string("connect"));
}

static void a_kept_connection_is_safe(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_server_t *server = NULL;
  mount.connect = keep_connection;
  CHECK_OK(synq_server_new(&server, NULL));
  CHECK_OK(synq_server_mount(server, "/socket", &mount));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  client_free(client_new(synq_server_port(server)));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_connection_set_id(kept_connection, "x"));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_connection_refuse(kept_connection, 403, NULL));
  CHECK(synq_connection_header(kept_connection, "host") == NULL);
  CHECK_OK(synq_server_free(server));
}

/* ---------------------------------------------------------------------------------------------------- stopping */

static int stop_inside(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *server) {
  (void)socket, (void)event, (void)payload;
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_wait(server, -1));
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_free(server));
  CHECK_OK(synq_server_stop(server, -1));
  CHECK_OK(synq_server_stop(server, 5000)); /* the second only shortens the deadline */
  return SYNQ_OK;
}

static void a_callback_may_stop_its_server(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  int code;
  channel.handle_event = stop_inside;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"stop\",{}]");
  CHECK_OK(synq_server_run(server));
  while (client_receive(client, &code) != NULL) continue;
  CHECK(code == 1012);
  CHECK_OK(synq_server_wait(server, 0));
  CHECK_OK(synq_server_stop(server, 0));
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

static void waiting_has_an_end(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  CHECK_CODE(SYNQ_ETIMEDOUT, "", synq_server_wait(server, 0));
  CHECK_OK(synq_server_stop(server, -1));
  CHECK_OK(synq_server_wait(server, -1));
  CHECK_OK(synq_server_run(server));
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_start(server));
  CHECK_OK(synq_server_free(server));
}

static void servers_come_and_go(void) {
  for (int i = 0; i < 20; i++) {
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    synq_server_t *one = server_with(&channel, (synq_delivery_t)(i % 3));
    channel.user = NULL;
    synq_server_t *two = server_with(&channel, SYNQ_INLINE);
    CHECK(synq_server_port(one) != synq_server_port(two));
    client_t *client = client_new(synq_server_port(two));
    client_join(client, "t:1");
    CHECK_OK(synq_server_free(i % 2 ? one : two));
    CHECK_OK(synq_server_free(i % 2 ? two : one));
    client_free(client);
  }
}

static void a_server_that_never_started_can_be_freed(void) {
  synq_server_t *server = NULL;
  CHECK_OK(synq_server_new(&server, NULL));
  CHECK_OK(synq_server_free(server));
}

/* -------------------------------------------------------------------------------------------------------- fork */

static void a_forked_child_is_told(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  int status = -1;
  pid_t child = fork();
  if (child == 0) {
    int before = atomic_load(&test_failures);
    CHECK_CODE(SYNQ_EFORKED, "", synq_server_port(server));
    CHECK_CODE(SYNQ_EFORKED, "", synq_server_stop(server, 0));
    CHECK_CODE(SYNQ_EFORKED, "", synq_server_wait(server, 0));
    CHECK_CODE(SYNQ_EFORKED, "", synq_server_publish_text(server, "t:1", "m", "{}", 2));
    CHECK_CODE(SYNQ_EFORKED, "", synq_server_free(server));
    _exit(atomic_load(&test_failures) == before ? 0 : 1);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  client_t *client = client_new(synq_server_port(server)); /* the parent's goes on */
  client_join(client, "t:1");
  client_free(client);
  CHECK_OK(synq_server_free(server));
}

static void a_forked_child_of_a_process_that_ended_a_server_can_run_none(void) {
  synq_server_t *server = NULL, *own = NULL;
  int status = -1;
  CHECK_OK(synq_server_new(&server, NULL));
  CHECK_OK(synq_server_start(server));
  CHECK_OK(synq_server_free(server));
  pid_t child = fork();
  if (child == 0) {
    int before = atomic_load(&test_failures);
    CHECK_OK(synq_server_new(&own, NULL));
    CHECK_CODE(SYNQ_EFORKED, "server: the parent process ended one before it forked", synq_server_start(own));
    CHECK_OK(synq_server_free(own));
    _exit(atomic_load(&test_failures) == before ? 0 : 1);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

const test_t lifetime_tests[] = {
    {"destroy_runs_once_also_when_the_registration_fails", destroy_runs_once_also_when_the_registration_fails},
    {"destroy_runs_also_when_a_struct_is_newer_than_the_library",
     destroy_runs_also_when_a_struct_is_newer_than_the_library},
    {"the_data_of_a_channel_is_destroyed_once", the_data_of_a_channel_is_destroyed_once},
    {"data_that_is_set_while_the_channel_ends_is_destroyed", data_that_is_set_while_the_channel_ends_is_destroyed},
    {"a_callback_that_was_cut_off_before_it_began_does_not_run",
     a_callback_that_was_cut_off_before_it_began_does_not_run},
    {"a_kept_socket_is_safe", a_kept_socket_is_safe},
    {"a_kept_deferred_is_safe", a_kept_deferred_is_safe},
    {"a_kept_connection_is_safe", a_kept_connection_is_safe},
    {"a_callback_may_stop_its_server", a_callback_may_stop_its_server},
    {"waiting_has_an_end", waiting_has_an_end},
    {"servers_come_and_go", servers_come_and_go},
    {"a_server_that_never_started_can_be_freed", a_server_that_never_started_can_be_freed},
    {"a_forked_child_is_told", a_forked_child_is_told},
    {"a_forked_child_of_a_process_that_ended_a_server_can_run_none",
     a_forked_child_of_a_process_that_ended_a_server_can_run_none},
    {NULL, NULL},
};
