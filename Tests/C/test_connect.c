/* Clients that ask to be connected: origins, and decisions that come later. */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------------------------ a server */

/* The lines of the log that contain `wanted` open `seen`. */
typedef struct watch {
  const char *wanted;
  gate_t *seen;
} watch_t;

static void watch_log(const synq_log_record_t *record, void *user) {
  watch_t *watch = user;
  if (strstr(record->message, watch->wanted) != NULL) gate_add(watch->seen);
}

static synq_server_t *serve(synq_mount_options_t *mount, synq_delivery_t delivery, watch_t *watch,
                            const synq_limits_t *limits) {
  static const char *const track[] = {"from", NULL};
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = NULL;
  options.delivery = delivery;
  options.limits = limits;
  options.log_level = SYNQ_LOG_INFO;
  options.log = watch_log;
  options.user = watch;
  channel.track = track;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_mount(server, "/socket", mount));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  return server;
}

/* Runs so many callbacks of a polled server, as they become due. */
static void run_callbacks(synq_server_t *server, int count) {
  while (synq_server_fd(server) >= 0 && count-- > 0) CHECK(synq_server_poll(server, 10000, 1) == 1);
}

/* -------------------------------------------------------------------------------------------------------- origins */

static atomic_int origins_checked;

static int allow_good_origins(const char *origin, void *user) {
  (void)user;
  atomic_fetch_add(&origins_checked, 1);
  if (strcmp(origin, "https://good.example") == 0) return SYNQ_OK;
  return strcmp(origin, "https://crash.example") == 0 ? SYNQ_CRASH : SYNQ_REFUSE;
}

static void a_host_decides_about_origins(void) {
  static const struct {
    const char *field, *logged;
    int status, checked;
  } cases[] = {
      {"", NULL, 101, 0},
      {"Origin: https://good.example\r\n", NULL, 101, 1},
      {"Origin: https://bad.example\r\n", "origin \"https://bad.example\" is not allowed", 403, 1},
      {"Origin: https://crash.example\r\n", "check_origin failed for https://crash.example", 500, 1},
      {"Origin: null\r\n", "origin \"null\" is not allowed", 403, 0},
      {"Origin: file://\r\n", "origin \"file://\" is not allowed", 403, 0},
      {"Origin: what is this\r\n", "origin \"what is this\" is not allowed", 403, 0},
  };
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_POLLED; delivery++) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
      watch_t watch = {cases[i].logged == NULL ? "refusing" : cases[i].logged, gate_new()};
      mount.check_origin = allow_good_origins;
      synq_server_t *server = serve(&mount, (synq_delivery_t)delivery, &watch, NULL);
      atomic_store(&origins_checked, 0);
      client_t *client = client_open(synq_server_port(server), cases[i].field);
      run_callbacks(server, 1 - (cases[i].checked == 0 && cases[i].status != 101));
      CHECK(client_status(client) == cases[i].status);
      CHECK(atomic_load(&origins_checked) == cases[i].checked);
      CHECK(gate_count(watch.seen) == (cases[i].logged != NULL));
      client_free(client);
      CHECK_OK(synq_server_free(server));
      gate_free(watch.seen);
    }
  }
}

static void origins_are_a_list_or_a_callback(void) {
  static const char *const origins[] = {"*", NULL};
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_server_t *server = NULL;
  CHECK_OK(synq_server_new(&server, NULL));
  mount.origins = origins;
  mount.check_origin = allow_good_origins;
  CHECK_CODE(SYNQ_EINVAL, "check_origin", synq_server_mount(server, "/socket", &mount));
  CHECK_OK(synq_server_free(server));
}

/* A page's own host is one of allowed_hosts, or of loopback where the server listens there. */
static void pages_of_a_rebound_name_are_refused(void) {
  static const char *const names[] = {"b.example", NULL};
  static const struct {
    const char *const *allowed;
    const char *host, *origin;
    int status;
  } cases[] = {
      {NULL, "localhost:80", "http://localhost", 101},    {NULL, "a.example", "http://a.example", 403},
      {NULL, "localhost:80", "http://localhost:81", 403}, {names, "b.example", "https://b.example", 101},
      {names, "localhost", "http://localhost", 403},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
    synq_server_t *server = NULL;
    char request[512];
    options.allowed_hosts = cases[i].allowed;
    options.log_level = SYNQ_LOG_OFF;
    CHECK_OK(synq_server_new(&server, &options));
    CHECK_OK(synq_server_start(server));
    snprintf(request, sizeof request,
             "GET /socket/websocket HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nConnection: Upgrade\r\n"
             "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n",
             cases[i].host, cases[i].origin);
    client_t *client = client_raw(synq_server_port(server));
    client_send_raw(client, request, strlen(request));
    CHECK(client_status(client) == cases[i].status);
    client_free(client);
    CHECK_OK(synq_server_free(server));
  }
}

/* ----------------------------------------------------------------------------------------------- deciding later */

typedef struct decision {
  synq_connection_t *connection;
  gate_t *asked;
  int result;        /* what the callback returns */
  int finishes_here; /* in the callback, before it returns */
} decision_t;

static int decide_later(synq_connection_t *connection, const synq_value_t *params, void *user) {
  decision_t *decision = user;
  const char *name = NULL;
  decision->connection = connection;
  CHECK_OK(synq_value_get_string(params, "/name", &name, NULL));
  CHECK_TEXT("me", name);
  CHECK_CODE(SYNQ_ESTATE, "not deferred", synq_connection_finish(connection, SYNQ_OK));
  CHECK_OK(synq_connection_defer(connection));
  CHECK_CODE(SYNQ_ESTATE, "deferred already", synq_connection_defer(connection));
  if (decision->finishes_here) CHECK_OK(synq_connection_finish(connection, SYNQ_OK));
  gate_add(decision->asked);
  return decision->result;
}

/* A server whose connect defers, and a client that waits for its answer. */
typedef struct waiting {
  decision_t decision;
  watch_t watch;
  synq_server_t *server;
  client_t *client;
} waiting_t;

static void wait_to_be_connected(waiting_t *waiting, synq_delivery_t delivery, const synq_limits_t *limits) {
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  waiting->decision.asked = gate_new();
  waiting->watch.seen = gate_new();
  mount.connect = decide_later;
  mount.user = &waiting->decision;
  waiting->server = serve(&mount, delivery, &waiting->watch, limits);
  waiting->client = client_open(synq_server_port(waiting->server), "X-Who: me\r\n");
  run_callbacks(waiting->server, 1);
  gate_wait(waiting->decision.asked, 1);
}

static void end(waiting_t *waiting) {
  CHECK_CODE(SYNQ_ECLOSED, "", synq_connection_finish(waiting->decision.connection, SYNQ_OK));
  CHECK_CODE(SYNQ_ECLOSED, "", synq_connection_defer(waiting->decision.connection));
  CHECK(synq_connection_peer(waiting->decision.connection) == NULL);
  if (waiting->client != NULL) client_free(waiting->client);
  if (waiting->server != NULL) CHECK_OK(synq_server_free(waiting->server));
  gate_free(waiting->decision.asked);
  gate_free(waiting->watch.seen);
}

static void *accept_on_another_thread(void *connection) {
  CHECK_TEXT("me", synq_connection_header(connection, "x-who"));
  CHECK_TEXT("127.0.0.1", synq_connection_peer(connection));
  CHECK_OK(synq_connection_set_id(connection, "somebody"));
  CHECK_OK(synq_connection_assign_text(connection, "from", "\"later\"", SYNQ_NUL_TERMINATED));
  CHECK_CODE(SYNQ_EINVAL, "result", synq_connection_finish(connection, 2));
  CHECK_OK(synq_connection_finish(connection, SYNQ_OK));
  return NULL;
}

static void a_host_may_let_a_client_in_later(void) {
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_POLLED; delivery++) {
    waiting_t waiting = {.watch.wanted = "refusing"};
    pthread_t thread;
    int code = 0;
    wait_to_be_connected(&waiting, (synq_delivery_t)delivery, NULL);
    pthread_create(&thread, NULL, accept_on_another_thread, waiting.decision.connection);
    pthread_join(thread, NULL);
    CHECK(client_status(waiting.client) == 101);
    client_join(waiting.client, "t:1");
    CHECK(client_await(waiting.client, "{\"from\":\"later\"}") != NULL);
    CHECK_OK(synq_server_disconnect(waiting.server, "somebody"));
    CHECK(client_receive(waiting.client, &code) == NULL && code == 1001);
    end(&waiting);
  }
}

static void a_host_may_refuse_a_client_later(void) {
  static const struct {
    int result, refusal, status;
  } cases[] = {{SYNQ_REFUSE, 0, 403}, {SYNQ_REFUSE, 401, 401}, {SYNQ_CRASH, 0, 500}, {SYNQ_EINVAL, 401, 500}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    waiting_t waiting = {.watch.wanted = "connect "};
    wait_to_be_connected(&waiting, SYNQ_WORKERS, NULL);
    if (cases[i].refusal != 0) {
      CHECK_OK(synq_connection_refuse(waiting.decision.connection, cases[i].refusal, "no"));
    }
    CHECK_OK(synq_connection_finish(waiting.decision.connection, cases[i].result));
    CHECK(client_status(waiting.client) == cases[i].status);
    gate_wait(waiting.watch.seen, 1);
    end(&waiting);
  }
}

static void a_deferred_connect_may_be_decided_at_once(void) {
  static const struct {
    int result, finishes_here, status;
  } cases[] = {{SYNQ_OK, 1, 101}, {SYNQ_CRASH, 1, 101}, {SYNQ_CRASH, 0, 500}, {SYNQ_REFUSE, 0, 403}};
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_POLLED; delivery++) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      waiting_t waiting = {.decision = {.result = cases[i].result, .finishes_here = cases[i].finishes_here},
                           .watch.wanted = "refusing"};
      wait_to_be_connected(&waiting, (synq_delivery_t)delivery, NULL);
      CHECK(client_status(waiting.client) == cases[i].status);
      end(&waiting);
    }
  }
}

static void a_client_may_go_away_before_it_is_let_in(void) {
  waiting_t waiting = {.watch.wanted = "the client went away"};
  wait_to_be_connected(&waiting, SYNQ_WORKERS, NULL);
  client_free(waiting.client);
  waiting.client = NULL;
  gate_wait(waiting.watch.seen, 1);
  CHECK_CODE(SYNQ_ECLOSED, "client is gone", synq_connection_set_id(waiting.decision.connection, "x"));
  CHECK_CODE(SYNQ_ECLOSED, "client is gone", synq_connection_finish(waiting.decision.connection, SYNQ_OK));
  end(&waiting);
}

static void a_client_waits_no_longer_than_for_its_handshake(void) {
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  waiting_t waiting = {.watch.wanted = "took longer than the handshake"};
  limits.handshake_timeout_ms = 100;
  wait_to_be_connected(&waiting, SYNQ_WORKERS, &limits);
  CHECK(client_status(waiting.client) == 503);
  gate_wait(waiting.watch.seen, 1);
  CHECK_CODE(SYNQ_ECLOSED, "client is gone", synq_connection_finish(waiting.decision.connection, SYNQ_OK));
  end(&waiting);
}

static void a_server_may_stop_while_clients_wait_to_be_let_in(void) {
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_POLLED; delivery++) {
    waiting_t waiting = {.watch.wanted = "refusing"};
    wait_to_be_connected(&waiting, (synq_delivery_t)delivery, NULL);
    CHECK_OK(synq_server_stop(waiting.server, -1));
    CHECK_OK(synq_server_free(waiting.server));
    waiting.server = NULL;
    CHECK(client_status(waiting.client) == 0);
    end(&waiting);
  }
}

/* ----------------------------------------------------------------------------------------- data of a connection */

static void count_connection_data(void *data) {
  gate_add(data);
}

static int keep_connection_data(synq_connection_t *connection, const synq_value_t *params, void *user) {
  int refused = synq_value_kind(params, "/refuse") == SYNQ_STRING;
  CHECK_OK(synq_connection_set_data(connection, user, count_connection_data));
  CHECK_OK(synq_connection_set_data(connection, user, count_connection_data)); /* destroys the first */
  return refused ? SYNQ_REFUSE : SYNQ_OK;
}

static int connection_data_is_there(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params;
  CHECK(synq_socket_connection_data(socket) == user);
  return SYNQ_OK;
}

static void connection_data_is_there_to_the_end(synq_socket_t *socket, const char *reason, void *user) {
  (void)reason;
  CHECK(synq_socket_connection_data(socket) == user);
}

static void the_data_of_a_connection_is_destroyed_once(void) {
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_INLINE; delivery++) {
    gate_t *gate = gate_new();
    synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
    synq_server_t *server = NULL;
    client_t *client;
    options.delivery = (synq_delivery_t)delivery;
    mount.connect = keep_connection_data;
    mount.user = gate;
    channel.init = connection_data_is_there;
    channel.before_close = connection_data_is_there_to_the_end;
    channel.user = gate;
    CHECK_OK(synq_server_new(&server, &options));
    CHECK_OK(synq_server_mount(server, "/socket", &mount));
    CHECK_OK(synq_server_channel(server, "t:*", &channel));
    CHECK_OK(synq_server_start(server));
    client = client_new(synq_server_port(server));
    client_join(client, "t:1");
    client_join(client, "t:2");
    CHECK(gate_count(gate) == 1);
    client_free(client);
    gate_wait(gate, 2);
    CHECK_OK(synq_server_free(server));
    CHECK(gate_count(gate) == 2);
    gate_free(gate);
  }
}

const test_t connect_tests[] = {
    {"a_host_decides_about_origins", a_host_decides_about_origins},
    {"origins_are_a_list_or_a_callback", origins_are_a_list_or_a_callback},
    {"pages_of_a_rebound_name_are_refused", pages_of_a_rebound_name_are_refused},
    {"a_host_may_let_a_client_in_later", a_host_may_let_a_client_in_later},
    {"a_host_may_refuse_a_client_later", a_host_may_refuse_a_client_later},
    {"a_deferred_connect_may_be_decided_at_once", a_deferred_connect_may_be_decided_at_once},
    {"a_client_may_go_away_before_it_is_let_in", a_client_may_go_away_before_it_is_let_in},
    {"a_client_waits_no_longer_than_for_its_handshake", a_client_waits_no_longer_than_for_its_handshake},
    {"the_data_of_a_connection_is_destroyed_once", the_data_of_a_connection_is_destroyed_once},
    {"a_server_may_stop_while_clients_wait_to_be_let_in", a_server_may_stop_while_clients_wait_to_be_let_in},
    {NULL, NULL},
};
