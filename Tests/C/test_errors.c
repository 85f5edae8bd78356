/* Every function of the header with every kind of wrong argument, one at a time: the code, and a text that says why. */
#define _POSIX_C_SOURCE 200809L
#include "functions.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static synq_channel_options_t channel_options = SYNQ_CHANNEL_OPTIONS_INIT;
static synq_stats_t stats = SYNQ_STATS_INIT;
static synq_deferred_t *deferred;
static const void *pointer_out;
static size_t size;
static json_t *some_json;
static int64_t read_out;
static const synq_field_t fields[] = {{"", SYNQ_INTEGER, &read_out, 0}};

static void link_accepted(synq_link_t *link, const char *subprotocol, void *user) {
  (void)link, (void)subprotocol, (void)user;
}

static void link_refused(synq_link_t *link, int status, const char *body, void *user) {
  (void)link, (void)status, (void)body, (void)user;
}

static void link_send(synq_link_t *link, int is_binary, const void *bytes, size_t length, void *user) {
  (void)link, (void)is_binary, (void)bytes, (void)length, (void)user;
}

static void link_close(synq_link_t *link, int code, const char *reason, void *user) {
  (void)link, (void)code, (void)reason, (void)user;
}

static const synq_link_request_t link_request = {.size = sizeof(synq_link_request_t), .path = "/socket/websocket"};
static const synq_link_options_t link_options = {.size = sizeof(synq_link_options_t),
                                                 .accepted = link_accepted,
                                                 .refused = link_refused,
                                                 .send = link_send,
                                                 .close = link_close};

static int update_nothing(synq_socket_t *socket, void *user) {
  (void)socket, (void)user;
  return SYNQ_OK;
}

typedef struct function {
  const char *name;
  int64_t (*call)(const arguments_t *a);
  int takes;
} function_t;

/* A function that gives a pointer gives 1 for one, 0 for NULL; another its code. */
#define THUNK(id, function, takes, call) \
  static int64_t call_##id(const arguments_t *a) { \
    (void)a; \
    return (int64_t)(intptr_t)function call; \
  }
#define ROW(id, function, takes, call) {#function, call_##id, takes},

SERVER_FUNCTIONS(THUNK)
CONNECTION_FUNCTIONS(THUNK)
SOCKET_FUNCTIONS(THUNK)
DEFERRED_FUNCTIONS(THUNK)
FETCH_FUNCTIONS(THUNK)
LINK_FUNCTIONS(THUNK)
VALUE_FUNCTIONS(THUNK)

static const function_t server_functions[] = {SERVER_FUNCTIONS(ROW){NULL, NULL, 0}};
static const function_t connection_functions[] = {CONNECTION_FUNCTIONS(ROW){NULL, NULL, 0}};
static const function_t socket_functions[] = {SOCKET_FUNCTIONS(ROW){NULL, NULL, 0}};
static const function_t deferred_functions[] = {DEFERRED_FUNCTIONS(ROW){NULL, NULL, 0}};
static const function_t fetch_functions[] = {FETCH_FUNCTIONS(ROW){NULL, NULL, 0}};
static const function_t link_functions[] = {LINK_FUNCTIONS(ROW){NULL, NULL, 0}};
static const function_t value_functions[] = {VALUE_FUNCTIONS(ROW){NULL, NULL, 0}};
static const function_t *const all_functions[] = {server_functions,   connection_functions, socket_functions,
                                                  deferred_functions, fetch_functions,      link_functions,
                                                  value_functions};

static void expect(const function_t *function, const char *wrong, const arguments_t *arguments, int code,
                   const char *text) {
  int64_t result = function->call(arguments);
  const char *message = synq_error_message();
  int is_right = function->takes & LENT ? result == 0 : result == code;
  if (is_right && strstr(message, text) != NULL) return;
  fprintf(stderr, "%s with %s gave %lld, \"%s\"; wanted %d, \"%s\"\n", function->name, wrong, (long long)result,
          message, code, text);
  atomic_fetch_add(&test_failures, 1);
}

/* Calls a function with one wrong argument after the other. `right` has what else it takes. */
static void give_wrong_arguments(const function_t *function, const arguments_t *right) {
  static const struct {
    int argument;
    const char *wrong;
    int code;
    const char *text, *value;
    size_t length;
  } cases[] = {
      {NAME | STRING, "NULL for a name", SYNQ_EINVAL, "is NULL", NULL, 0},
      {NAME, "an empty name", SYNQ_EINVAL, "is empty", "", 0},
      {NAME | STRING, "a name that is not UTF-8", SYNQ_EINVAL, "is not UTF-8", "a\xff", 0},
      {POINTER | EDIT, "NULL for a pointer", SYNQ_EINVAL, "pointer: is NULL", NULL, 0},
      {POINTER | EDIT, "a pointer that is none", SYNQ_EPOINTER, "pointer: ", "a", 0},
      {POINTER | EDIT, "a pointer with a bad escape", SYNQ_EPOINTER, "pointer: ", "/a~2", 0},
      {POINTER | EDIT, "a pointer that is not UTF-8", SYNQ_EINVAL, "is not UTF-8", "/a\xff", 0},
      {POINTER | EDIT, "a pointer to nothing", SYNQ_ENOTFOUND, "/none/1", "/none/1", 0},
      {EDIT, "a pointer without an assign", SYNQ_EINVAL, "names no assign", "", 0},
      {TEXT, "NULL for a text", SYNQ_EINVAL, "is NULL", NULL, 2},
      {TEXT, "a text that is not JSON", SYNQ_EJSON, ": ", "{\"a\":}", 6},
      {TEXT, "a text that is not UTF-8", SYNQ_EJSON, ": ", "\"\xff\"", 3},
      {TEXT, "an empty text", SYNQ_EJSON, ": ", "", SYNQ_NUL_TERMINATED},
      {TEXT | LENGTH, "a length out of range", SYNQ_EINVAL, "length", "{}", (size_t)-2},
      {LENGTH, "NULL for a text", SYNQ_EINVAL, "text: is NULL", NULL, 2},
      {LENGTH, "a text that is not UTF-8", SYNQ_EINVAL, "text: is not UTF-8", "\xff", 1},
      {BYTES, "NULL for bytes", SYNQ_EINVAL, "bytes: is NULL", NULL, 1},
      {BYTES, "a length out of range", SYNQ_EINVAL, "length", "{}", (size_t)-2},
      {JSON, "NULL for a value", SYNQ_EINVAL, "is NULL", NULL, 0},
      {BORROWED, "NULL for a value", SYNQ_EINVAL, "is NULL", NULL, 0},
      {VALUE, "NULL for a value", SYNQ_EINVAL, "is NULL", NULL, 0},
      {OUT, "NULL for a result", SYNQ_EINVAL, "is NULL", NULL, 0},
      {HANDLE, "NULL for a handle", SYNQ_EINVAL, "is NULL", NULL, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int argument = cases[i].argument & function->takes;
    arguments_t a = *right;
    if (argument == 0) continue;
    if (argument & (NAME | STRING)) a.name = cases[i].value;
    if (argument & (POINTER | EDIT)) a.pointer = cases[i].value;
    if (argument & (TEXT | LENGTH)) a.text = cases[i].value;
    if (argument & BYTES) a.bytes = cases[i].value;
    if (argument & (TEXT | LENGTH | BYTES)) a.length = cases[i].length;
    if (argument & JSON) a.has_json = 0;
    if (argument & BORROWED) a.borrowed = NULL;
    if (argument & VALUE) a.value = NULL;
    if (argument & OUT) a.out = NULL;
    if (argument & HANDLE) a.handle = NULL;
    expect(function, cases[i].wrong, &a, cases[i].code, cases[i].text);
  }
}

static arguments_t right_arguments(void *handle) {
  static void *out;
  return (arguments_t){.handle = handle,
                       .name = "name",
                       .pointer = "/a",
                       .text = "{}",
                       .length = 2,
                       .bytes = "ab",
                       .has_json = 1,
                       .borrowed = some_json,
                       .value = NULL,
                       .out = &out};
}

static void give_all_wrong_arguments(const function_t *functions, void *handle, const synq_value_t *value) {
  arguments_t right = right_arguments(handle);
  right.value = value;
  for (; functions->name != NULL; functions++) give_wrong_arguments(functions, &right);
}

/* Each function of a table with right arguments, for the handle's sake. */
static void expect_from_all(const function_t *functions, int takes, void *handle, int code, const char *text) {
  arguments_t right = right_arguments(handle);
  right.out = NULL;
  for (; functions->name != NULL; functions++) {
    arguments_t a = right;
    void *out = NULL;
    if (functions->takes & OUT) a.out = &out;
    if ((functions->takes & takes) == takes) expect(functions, "right arguments", &a, code, text);
  }
}

/* ----------------------------------------------------------------------------------------------------- the tests */

static void every_function_is_in_a_table(void) {
  static const char *const cannot_fail[] = {"synq_version",       "synq_crash",      "synq_strerror",
                                            "synq_error_message", "synq_free",       "synq_deferred_is_open",
                                            "synq_server_new",    "synq_server_free"};
  char line[128];
  int count = 0;
  FILE *list = fopen(SYNQ_SYMBOLS, "r");
  CHECK(list != NULL);
  while (list != NULL && fgets(line, sizeof line, list) != NULL) {
    int found = 0;
    if (line[0] == '#' || line[0] == '\n') continue;
    line[strcspn(line, " ")] = '\0';
    for (size_t i = 0; i < sizeof all_functions / sizeof *all_functions; i++) {
      for (const function_t *row = all_functions[i]; row->name != NULL; row++) found |= strcmp(row->name, line) == 0;
    }
    for (size_t i = 0; i < sizeof cannot_fail / sizeof *cannot_fail; i++) found |= strcmp(cannot_fail[i], line) == 0;
    if (!found) fprintf(stderr, "%s is in no table of functions.h\n", line);
    CHECK(found);
    count++;
  }
  if (list != NULL) fclose(list);
  CHECK(count > 100);
}

static void wrong_arguments_to_a_server_are_named(void) {
  synq_server_t *server = NULL;
  CHECK_OK(synq_server_new(&server, NULL));
  give_all_wrong_arguments(server_functions, server, NULL);
  CHECK_OK(synq_server_free(server));
}

static void wrong_arguments_to_values_are_named(void) {
  some_json = json_object();
  arguments_t right = right_arguments(NULL);
  for (const function_t *row = value_functions; row->name != NULL; row++) {
    if (!(row->takes & HANDLE)) give_wrong_arguments(row, &right);
  }
  json_decref(some_json);
  some_json = NULL;
}

static synq_socket_t *socket_of_test;
static gate_t *deferred_gate;

static int probe_socket(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)user;
  arguments_t right = right_arguments((void *)payload);
  right.value = payload;
  CHECK_OK(synq_socket_set_text(socket, "/a", "[]", 2));
  give_all_wrong_arguments(socket_functions, socket, payload);
  /* No deferred's handle: but other arguments are looked at first. */
  give_all_wrong_arguments(deferred_functions, (void *)1, NULL);
  give_all_wrong_arguments(fetch_functions, (void *)1, NULL);
  for (const function_t *row = value_functions; row->name != NULL; row++) {
    if (row->takes & HANDLE) give_wrong_arguments(row, &right);
  }
  /* Nothing of all that was done. */
  const char *text = NULL;
  CHECK_OK(synq_value_get_text(synq_socket_all_assigns(socket), "", &text, NULL));
  CHECK_TEXT("{\"a\":[]}", text);
  return SYNQ_OK;
}

static void wrong_arguments_inside_a_callback_are_named_and_do_nothing(void) {
  char *answer = in_callback(probe_socket, "{\"a\":1}");
  CHECK(strstr(answer, "\"response\":{}") != NULL);
  free(answer);
}

static int keep_socket(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)payload, (void)user;
  socket_of_test = socket;
  if (strcmp(event, "defer") != 0) return SYNQ_OK;
  int result = synq_socket_defer(socket, SYNQ_DEFER_IN_ORDER, &deferred);
  gate_add(deferred_gate);
  return result;
}

static void outside_of_a_callback_and_after_the_end_functions_say_so(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.handle_event = keep_socket;
  deferred_gate = gate_new();
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"keep\",{}]");
  CHECK(client_await(client, "\"2\"") != NULL);
  expect_from_all(socket_functions, INSIDE, socket_of_test, SYNQ_ESTATE, "socket: no callback");
  client_send(client, "[\"1\",\"3\",\"t:1\",\"defer\",{}]");
  gate_wait(deferred_gate, 1);
  CHECK_OK(synq_deferred_finish(deferred));
  expect_from_all(deferred_functions, HANDLE, deferred, SYNQ_ECLOSED, "deferred: it was finished before");
  client_send(client, "[\"1\",\"4\",\"t:1\",\"phx_leave\",{}]");
  CHECK(client_await(client, "phx_close") != NULL);
  expect_from_all(socket_functions, HANDLE, socket_of_test, SYNQ_ECLOSED, "socket: the channel is gone");
  client_free(client);
  CHECK_OK(synq_server_free(server));
  expect_from_all(socket_functions, HANDLE, socket_of_test, SYNQ_ECLOSED, "socket: the channel is gone");
  gate_free(deferred_gate);
}

static void wrong_arguments_to_a_link_are_named(void) {
  synq_link_options_t without_send = link_options;
  synq_link_request_t without_path = SYNQ_LINK_REQUEST_INIT;
  synq_server_t *server = NULL;
  synq_link_t *link = NULL;
  without_send.send = NULL;
  CHECK_OK(synq_server_new(&server, NULL));
  CHECK_CODE(SYNQ_ESTATE, "", synq_link_open(server, &link_request, &link_options, &link));
  CHECK_OK(synq_server_start_links(server));
  CHECK_CODE(SYNQ_EINVAL, "send", synq_link_open(server, &link_request, &without_send, &link));
  CHECK_CODE(SYNQ_EINVAL, "path: is NULL", synq_link_open(server, &without_path, &link_options, &link));
  CHECK_CODE(SYNQ_EINVAL, "request: is NULL", synq_link_open(server, NULL, &link_options, &link));
  CHECK_CODE(SYNQ_EINVAL, "options: is NULL", synq_link_open(server, &link_request, NULL, &link));
  CHECK(link == NULL);
  CHECK_OK(synq_link_open(server, &link_request, &link_options, &link));
  give_all_wrong_arguments(link_functions, link, NULL);
  CHECK_OK(synq_link_lost(link, 0));
  expect_from_all(link_functions, HANDLE, link, SYNQ_ECLOSED, "link: ");
  CHECK_OK(synq_server_free(server));
}

static synq_connection_t *connection_of_test;

static int probe_connection(synq_connection_t *connection, const synq_value_t *params, void *user) {
  (void)params, (void)user;
  connection_of_test = connection;
  give_all_wrong_arguments(connection_functions, connection, params);
  CHECK_CODE(SYNQ_EINVAL, "status: 399", synq_connection_refuse(connection, 399, NULL));
  CHECK_CODE(SYNQ_EINVAL, "status: 600", synq_connection_refuse(connection, 600, NULL));
  CHECK_CODE(SYNQ_EINVAL, "body: is not UTF-8", synq_connection_refuse(connection, 403, "\xff"));
  CHECK_CODE(SYNQ_ESTATE, "not deferred", synq_connection_finish(connection, SYNQ_OK));
  return SYNQ_OK;
}

static void wrong_arguments_to_a_connection_are_named(void) {
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_server_t *server = NULL;
  mount.connect = probe_connection;
  CHECK_OK(synq_server_new(&server, NULL));
  CHECK_OK(synq_server_mount(server, "/socket", &mount));
  CHECK_OK(synq_server_start(server));
  client_free(client_new(synq_server_port(server)));
  expect_from_all(connection_functions, HANDLE, connection_of_test, SYNQ_ECLOSED, "connection: ");
  CHECK_OK(synq_server_free(server));
}

static void in_a_forked_child_every_function_of_a_server_says_so(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  int status = -1;
  pid_t child = fork();
  if (child == 0) {
    int before = atomic_load(&test_failures);
    for (const function_t *row = server_functions; row->name != NULL; row++) {
      arguments_t a = right_arguments(server);
      if (strcmp(row->name, "synq_server_channel") == 0) a.out = &channel_options;
      expect(row, "right arguments in a child", &a, SYNQ_EFORKED, "server: it belongs to the parent process");
    }
    CHECK_CODE(SYNQ_EFORKED, "parent", synq_server_free(server));
    _exit(atomic_load(&test_failures) == before ? 0 : 1);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK_OK(synq_server_free(server));
}

static int hold_second_connection(synq_connection_t *connection, const synq_value_t *params, void *user) {
  (void)params, (void)user;
  if (connection_of_test == NULL) {
    connection_of_test = connection;
    return SYNQ_OK;
  }
  connection_of_test = connection;
  int result = synq_connection_defer(connection);
  gate_add(deferred_gate);
  return result;
}

static void expect_forked(const function_t *functions, void *handle) {
  for (; functions->name != NULL; functions++) {
    arguments_t a = right_arguments(handle);
    expect(functions, "right arguments in a child", &a, SYNQ_EFORKED, "it belongs to the parent process");
  }
}

static void a_forked_child_is_told_of_tickets(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_server_t *server = NULL;
  int status = -1;
  deferred_gate = gate_new();
  connection_of_test = NULL;
  channel.handle_event = keep_socket;
  mount.connect = hold_second_connection;
  CHECK_OK(synq_server_new(&server, NULL));
  CHECK_OK(synq_server_mount(server, "/socket", &mount));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:1");
  client_send(client, "[\"1\",\"2\",\"t:1\",\"defer\",{}]");
  gate_wait(deferred_gate, 1);
  client_t *waiting = client_open(synq_server_port(server), "");
  gate_wait(deferred_gate, 2);
  pid_t child = fork();
  if (child == 0) {
    int before = atomic_load(&test_failures);
    expect_forked(socket_functions, socket_of_test);
    expect_forked(deferred_functions, deferred);
    expect_forked(connection_functions, connection_of_test);
    CHECK(synq_deferred_is_open(deferred) == 0);
    /* A server of its own has tickets of its own. */
    synq_socket_t *parents = socket_of_test;
    channel.user = NULL;
    synq_server_t *own = server_with(&channel, SYNQ_WORKERS);
    client_t *own_client = client_new(synq_server_port(own));
    client_join(own_client, "t:1");
    client_send(own_client, "[\"1\",\"2\",\"t:1\",\"keep\",{}]");
    CHECK(client_await(own_client, "\"2\"") != NULL);
    CHECK(socket_of_test != parents);
    CHECK_OK(synq_socket_push_text(socket_of_test, "e", "{}", 2));
    CHECK(client_await(own_client, "\"e\"") != NULL);
    CHECK_CODE(SYNQ_EFORKED, "socket: ", synq_socket_push_text(parents, "e", "{}", 2));
    client_free(own_client);
    CHECK_OK(synq_server_free(own));
    _exit(atomic_load(&test_failures) == before ? 0 : 1);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(synq_deferred_is_open(deferred) == 1);
  CHECK_OK(synq_deferred_finish(deferred));
  CHECK(client_await(client, "\"2\"") != NULL);
  CHECK_OK(synq_connection_finish(connection_of_test, SYNQ_OK));
  CHECK(client_status(waiting) == 101);
  client_free(waiting);
  client_free(client);
  CHECK_OK(synq_server_free(server));
  gate_free(deferred_gate);
}

const test_t error_tests[] = {
    {"every_function_is_in_a_table", every_function_is_in_a_table},
    {"wrong_arguments_to_a_server_are_named", wrong_arguments_to_a_server_are_named},
    {"wrong_arguments_to_values_are_named", wrong_arguments_to_values_are_named},
    {"wrong_arguments_inside_a_callback_are_named_and_do_nothing",
     wrong_arguments_inside_a_callback_are_named_and_do_nothing},
    {"outside_of_a_callback_and_after_the_end_functions_say_so",
     outside_of_a_callback_and_after_the_end_functions_say_so},
    {"wrong_arguments_to_a_link_are_named", wrong_arguments_to_a_link_are_named},
    {"wrong_arguments_to_a_connection_are_named", wrong_arguments_to_a_connection_are_named},
    {"in_a_forked_child_every_function_of_a_server_says_so", in_a_forked_child_every_function_of_a_server_says_so},
    {"a_forked_child_is_told_of_tickets", a_forked_child_is_told_of_tickets},
    {NULL, NULL},
};
