/* Values that are deeper than what a tree of objects bears: refused with a code, never a stack that overflows. */
#include "test.h"

#include <stdlib.h>

enum { DEEPEST = 2048, ABYSS = 300000 };

/* Arrays in arrays. */
static json_t *nested(int depth) {
  json_t *value = json_array();
  for (int i = 1; i < depth; i++) {
    json_t *outer = json_array();
    json_array_append_new(outer, value);
    value = outer;
  }
  return value;
}

static char *nested_text(int depth) {
  char *text = malloc((size_t)depth * 2 + 1);
  if (text == NULL) abort();
  memset(text, '[', (size_t)depth);
  memset(text + depth, ']', (size_t)depth);
  text[depth * 2] = '\0';
  return text;
}

static int keep_depths(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  char *text = nested_text(DEEPEST), *deeper = nested_text(DEEPEST + 1);
  json_t *json = NULL;
  (void)event, (void)value, (void)user;
  CHECK_OK(synq_socket_assign(socket, "a", nested(DEEPEST)));
  CHECK_OK(synq_value_get_json(synq_socket_all_assigns(socket), "/a", &json));
  json_decref(json);
  CHECK_CODE(SYNQ_EJSON, "deeper than 2048", synq_socket_assign(socket, "b", nested(DEEPEST + 1)));
  CHECK_CODE(SYNQ_EJSON, "deeper than 2048", synq_socket_assign(socket, "b", nested(ABYSS)));
  CHECK_OK(synq_socket_assign_text(socket, "b", text, SYNQ_NUL_TERMINATED));
  CHECK_CODE(SYNQ_EJSON, "nested too deep", synq_socket_assign_text(socket, "b", deeper, SYNQ_NUL_TERMINATED));
  CHECK_CODE(SYNQ_ELIMIT, "deeper than 2048", synq_socket_append_text(socket, "/b", text, SYNQ_NUL_TERMINATED));
  free(text);
  free(deeper);
  return SYNQ_OK;
}

static void an_assign_is_only_so_deep(void) {
  free(in_callback(keep_depths, "{}"));
}

/* Each edit puts a small value below the last one. */
static int grow(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  static char pointer[2 + 2 * (DEEPEST + 2)];
  int result, depth = 1;
  (void)event, (void)value, (void)user;
  CHECK_OK(synq_socket_assign_text(socket, "c", "[]", 2));
  strcpy(pointer, "/c");
  while ((result = synq_socket_append_text(socket, pointer, "[]", 2)) == SYNQ_OK && depth < 2 * DEEPEST) {
    strcat(pointer, "/0");
    depth++;
  }
  CHECK(result == SYNQ_ELIMIT && depth == DEEPEST);
  return SYNQ_OK;
}

static void edits_do_not_make_it_deeper(void) {
  free(in_callback(grow, "{}"));
}

static void a_patch_of_deep_values_is_a_tree_too(void) {
  json_t *from = nested(1), *to = nested(DEEPEST), *abyss = nested(DEEPEST + 1), *patch = NULL;
  CHECK_OK(synq_patch_diff(from, to, &patch));
  CHECK(json_array_size(patch) > 0);
  json_decref(patch);
  patch = NULL;
  CHECK_CODE(SYNQ_EJSON, "to: is deeper than 2048", synq_patch_diff(from, abyss, &patch));
  CHECK(patch == NULL);
  json_decref(from);
  json_decref(to);
  json_decref(abyss);
}

static void settings_have_a_ceiling(void) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  synq_server_t *server = NULL;
  options.limits = &limits;
  limits.max_json_depth = DEEPEST + 1;
  CHECK_CODE(SYNQ_EINVAL, "max_json_depth 2049 is more than 2048", synq_server_new(&server, &options));
  limits.max_json_depth = DEEPEST;
  limits.max_message_bytes = (1u << 30) + 1;
  CHECK_CODE(SYNQ_EINVAL, "max_message_bytes", synq_server_new(&server, &options));
  limits.max_message_bytes = 1u << 30;
  CHECK_OK(synq_server_new(&server, &options));
  limits.max_json_depth = ABYSS;
  mount.limits = &limits;
  CHECK_CODE(SYNQ_EINVAL, "max_json_depth", synq_server_mount(server, "/socket", &mount));
  CHECK_OK(synq_server_free(server));
}

static int accept_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)socket, (void)event, (void)payload, (void)user;
  return SYNQ_OK;
}

/* What a message holds: 1,000,000 bytes and 100,000 values, and one setting raises each. */
static void messages_are_small_unless_asked_for(void) {
  static const struct {
    uint32_t max_message_bytes, max_json_nodes;
    int values, spaces;
    const char *answer; /* NULL: the connection closes with 1009 */
  } cases[] = {
      {0, 0, 99990, 0, "\"ok\""},       {0, 0, 100001, 0, "payload_too_complex"},
      {0, 100010, 100001, 0, "\"ok\""}, {0, 0, 1, 999900, "\"ok\""},
      {0, 0, 1, 1000000, NULL},         {3000000, 0, 1, 2000000, "\"ok\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    synq_limits_t limits = SYNQ_LIMITS_INIT;
    synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    synq_server_t *server = NULL;
    int code = 0;
    limits.max_message_bytes = cases[i].max_message_bytes;
    limits.max_json_nodes = cases[i].max_json_nodes;
    options.limits = &limits;
    options.log_level = SYNQ_LOG_OFF;
    channel.handle_event = accept_event;
    CHECK_OK(synq_server_new(&server, &options));
    CHECK_OK(synq_server_channel(server, "t:*", &channel));
    CHECK_OK(synq_server_start(server));
    client_t *client = client_new(synq_server_port(server));
    client_join(client, "t:1");
    char *text = malloc((size_t)cases[i].values * 2 + (size_t)cases[i].spaces + 64), *at = text;
    if (text == NULL) abort();
    at += sprintf(at, "[\"1\",\"2\",\"t:1\",\"e\",[");
    memset(at, ' ', (size_t)cases[i].spaces);
    at += cases[i].spaces;
    for (int value = 0; value < cases[i].values; value++) at += sprintf(at, value == 0 ? "0" : ",0");
    sprintf(at, "]]");
    client_send(client, text);
    const char *answer = client_receive(client, &code);
    CHECK((answer == NULL) == (cases[i].answer == NULL));
    CHECK(answer == NULL ? code == 1009 : strstr(answer, cases[i].answer) != NULL);
    free(text);
    client_free(client);
    CHECK_OK(synq_server_free(server));
  }
}

const test_t depth_tests[] = {
    {"an_assign_is_only_so_deep", an_assign_is_only_so_deep},
    {"edits_do_not_make_it_deeper", edits_do_not_make_it_deeper},
    {"a_patch_of_deep_values_is_a_tree_too", a_patch_of_deep_values_is_a_tree_too},
    {"settings_have_a_ceiling", settings_have_a_ceiling},
    {"messages_are_small_unless_asked_for", messages_are_small_unless_asked_for},
    {NULL, NULL},
};
