/* Values by their parts: members one after the other, several places at once, many changes in one edit; and handles that
 * are given where another kind is asked for. */
#include "test.h"

#include <stdlib.h>

static const char *assigns(synq_socket_t *socket) {
  const char *text = NULL;
  CHECK_OK(synq_value_get_text(synq_socket_all_assigns(socket), "", &text, NULL));
  return text;
}

static int walk(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  static const char *const names[] = {"a", "\xc3\xa9\0x", "", "l"};
  static const size_t lengths[] = {1, 4, 0, 1};
  const char *name = "unchanged";
  const synq_value_t *part = NULL;
  size_t length = 7, count = 0;
  int64_t sum = 0, number = 0;
  (void)event, (void)user;
  for (size_t i = 0; synq_value_member(payload, "", i, &name, &length, &part) == SYNQ_OK; i++, count++) {
    CHECK(i < 4 && length == lengths[i] && memcmp(name, names[i], length + 1) == 0);
    if (synq_value_kind(part, "") == SYNQ_INTEGER && synq_value_get_int(part, "", &number) == SYNQ_OK) sum += number;
  }
  CHECK(count == 4 && sum == 6);
  CHECK_CODE(SYNQ_ENOTFOUND, "index: 4 is not below 4", synq_value_member(payload, "", 4, &name, &length, &part));
  /* Elements have no name; a part has parts. */
  count = 0;
  for (size_t i = 0; synq_value_member(payload, "/l", i, &name, &length, &part) == SYNQ_OK; i++, count++) {
    const synq_value_t *inner = NULL;
    CHECK(name == NULL && length == 0);
    if (i == 99) {
      CHECK_OK(synq_value_member(part, "/deep", 0, &name, NULL, &inner));
      CHECK_TEXT("x", name);
      CHECK_OK(synq_value_get_int(inner, "", &number));
      CHECK(number == 1);
      CHECK_OK(synq_socket_assign(socket, "a", json_null()));
      CHECK_OK(synq_socket_set_value(socket, "/a", part, ""));
    }
  }
  CHECK(count == 100);
  CHECK_TEXT("{\"a\":{\"deep\":{\"x\":1}}}", assigns(socket));
  CHECK_CODE(SYNQ_ETYPE, "/a: expected an array or an object, got a number",
             synq_value_member(payload, "/a", 0, NULL, NULL, NULL));
  CHECK_CODE(SYNQ_ENOTFOUND, "/none", synq_value_member(payload, "/none", 0, NULL, NULL, NULL));
  CHECK_OK(synq_value_member(synq_socket_all_assigns(socket), "", 0, &name, NULL, NULL));
  CHECK_TEXT("a", name);
  return SYNQ_OK;
}

static void members_are_walked(void) {
  char payload[1024], *at = payload;
  at += sprintf(at, "{\"a\":1,\"\xc3\xa9\\u0000x\":2,\"\":3,\"l\":[");
  for (int i = 0; i < 99; i++) at += sprintf(at, "%d,", i);
  sprintf(at, "{\"deep\":{\"x\":1}}]}");
  free(in_callback(walk, payload));
}

static int read_at_once(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  int truth = 9;
  int64_t integer = 9, absent = 9, null = 9;
  double real = 9;
  const char *text = NULL;
  const synq_value_t *list = NULL, *object = NULL;
  const synq_field_t fields[] = {
      {"/t", SYNQ_BOOL, &truth, 0},     {"/i", SYNQ_INTEGER, &integer, 0}, {"/r", SYNQ_REAL, &real, 0},
      {"/o/s", SYNQ_STRING, &text, 0},  {"/l", SYNQ_ARRAY, &list, 0},      {"/o", SYNQ_OBJECT, &object, 0},
      {"/x", SYNQ_INTEGER, &absent, 1}, {"/n", SYNQ_INTEGER, &null, 1},
  };
  (void)socket, (void)event, (void)user;
  CHECK_OK(synq_value_read(payload, fields, sizeof fields / sizeof *fields));
  CHECK(truth == 1 && integer == 3 && real == 2.5 && absent == 9 && null == 9);
  CHECK_TEXT("text", text);
  CHECK(synq_value_size(list, "") == 2 && synq_value_kind(object, "/s") == SYNQ_STRING);

  /* One that fails, and nothing is given. */
  const struct {
    synq_field_t field;
    int code;
    const char *text;
  } wrong[] = {
      {{"/x", SYNQ_INTEGER, &absent, 0}, SYNQ_ENOTFOUND, "/x: is missing"},
      {{"/n", SYNQ_INTEGER, &null, 0}, SYNQ_ETYPE, "/n: expected an integer, got null"},
      {{"/t", SYNQ_STRING, &text, 1}, SYNQ_ETYPE, "/t: expected a string, got a boolean"},
      {{"/big", SYNQ_INTEGER, &integer, 0}, SYNQ_ERANGE, "/big"},
      {{"/nul", SYNQ_STRING, &text, 0}, SYNQ_ETYPE, "/nul: expected a string without NUL"},
      {{"/t", SYNQ_BOOL, NULL, 0}, SYNQ_EINVAL, "fields[1].out: is NULL"},
      {{NULL, SYNQ_BOOL, &truth, 0}, SYNQ_EINVAL, "fields[1].pointer: is NULL"},
      {{"t", SYNQ_BOOL, &truth, 0}, SYNQ_EPOINTER, "t"},
      {{"/t", SYNQ_NULL, &truth, 0}, SYNQ_EINVAL, "fields[1].kind: 1 is not a kind that can be read"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    int64_t first = 7;
    const synq_field_t two[] = {{"/i", SYNQ_INTEGER, &first, 0}, wrong[i].field};
    CHECK_CODE(wrong[i].code, wrong[i].text, synq_value_read(payload, two, 2));
    CHECK(first == 7);
  }
  CHECK_OK(synq_value_read(payload, fields, 0));
  CHECK_CODE(SYNQ_EINVAL, "fields: is NULL", synq_value_read(payload, NULL, 1));
  return SYNQ_OK;
}

static void several_places_are_read_at_once(void) {
  free(in_callback(read_at_once, "{\"t\":true,\"i\":3,\"r\":2.5,\"o\":{\"s\":\"text\"},\"l\":[1,2],\"n\":null,"
                                 "\"big\":9223372036854775808,\"nul\":\"a\\u0000b\"}"));
}

static int edit_at_once(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)payload, (void)user;
  CHECK_OK(synq_socket_assign_text(socket, "a", "{\"x\":1,\"y\":{\"z\":2}}", SYNQ_NUL_TERMINATED));
  CHECK_OK(synq_socket_merge(socket, "/a", json_pack("{s:i, s:n}", "x", 5, "w")));
  CHECK_TEXT("{\"a\":{\"x\":5,\"y\":{\"z\":2},\"w\":null}}", assigns(socket));
  CHECK_OK(synq_socket_merge_text(socket, "", "{\"b\":1,\"c\":[0]}", SYNQ_NUL_TERMINATED));
  CHECK_TEXT("{\"a\":{\"x\":5,\"y\":{\"z\":2},\"w\":null},\"b\":1,\"c\":[0]}", assigns(socket));
  CHECK_OK(synq_socket_patch_text(
      socket, "/a", "[{\"op\":\"remove\",\"path\":\"/w\"},{\"op\":\"replace\",\"path\":\"/y/z\",\"value\":3}]",
      SYNQ_NUL_TERMINATED));
  CHECK_OK(synq_socket_patch(socket, "",
                             json_pack("[{s:s, s:s}, {s:s, s:s, s:i}]", "op", "remove", "path", "/b", "op", "add",
                                       "path", "/c/-", "value", 9)));
  CHECK_TEXT("{\"a\":{\"x\":5,\"y\":{\"z\":3}},\"c\":[0,9]}", assigns(socket));

  CHECK_CODE(SYNQ_ETYPE, "members: expected an object, got an array", synq_socket_merge_text(socket, "/a", "[]", 2));
  CHECK_CODE(SYNQ_ETYPE, "/c: expected an object, got an array", synq_socket_merge_text(socket, "/c", "{}", 2));
  CHECK_CODE(SYNQ_ENOTFOUND, "/none", synq_socket_merge_text(socket, "/none", "{}", 2));
  CHECK_CODE(SYNQ_EINVAL, "__proto__", synq_socket_merge_text(socket, "/a", "{\"u\":1,\"__proto__\":1}", 21));
  CHECK_CODE(SYNQ_EINVAL, "__proto__", synq_socket_merge_text(socket, "", "{\"d\":1,\"a\":{\"__proto__\":1}}", 27));
  CHECK_CODE(SYNQ_EINVAL, "looks like a pointer", synq_socket_merge_text(socket, "", "{\"d\":1,\"/a\":1}", 14));
  CHECK_CODE(SYNQ_EPATCH, "operation 1 at /none",
             synq_socket_patch_text(socket, "/a",
                                    "[{\"op\":\"remove\",\"path\":\"/x\"},{\"op\":\"remove\",\"path\":\"/none\"}]",
                                    SYNQ_NUL_TERMINATED));
  CHECK_CODE(
      SYNQ_EPATCH, "makes an array of the assigns",
      synq_socket_patch_text(socket, "", "[{\"op\":\"replace\",\"path\":\"\",\"value\":[]}]", SYNQ_NUL_TERMINATED));
  CHECK_CODE(SYNQ_ENOTFOUND, "/none", synq_socket_patch_text(socket, "/none", "[]", 2));
  CHECK_TEXT("{\"a\":{\"x\":5,\"y\":{\"z\":3}},\"c\":[0,9]}", assigns(socket));
  return SYNQ_OK;
}

static void many_changes_are_one_edit(void) {
  free(in_callback(edit_at_once, "{}"));
}

static int name_assigns(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)event, (void)payload, (void)user;
  CHECK_CODE(SYNQ_EINVAL, "name: \"/count\" looks like a pointer",
             synq_socket_assign(socket, "/count", json_integer(1)));
  CHECK_CODE(SYNQ_EINVAL, "looks like a pointer", synq_socket_assign_text(socket, "/a/0", "1", 1));
  CHECK_OK(synq_socket_assign_text(socket, "a/b", "1", 1));
  CHECK_TEXT("{\"a/b\":1}", assigns(socket));
  return SYNQ_OK;
}

static void a_name_that_looks_like_a_pointer_is_refused(void) {
  static const char *const track[] = {"a", "/count", NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = NULL;
  free(in_callback(name_assigns, "{}"));
  CHECK_OK(synq_server_new(&server, NULL));
  channel.track = track;
  CHECK_CODE(SYNQ_EINVAL, "track[1]: \"/count\" looks like a pointer", synq_server_channel(server, "t", &channel));
  CHECK_OK(synq_server_free(server));
}

static int mistake_handles(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  void *server = user, *value = (void *)payload;
  synq_deferred_t *deferred = NULL;
  static const long double nothing[2];
  int64_t number;
  (void)event;
  CHECK_OK(synq_socket_defer(socket, SYNQ_DEFER_DETACHED, &deferred));
  CHECK_CODE(SYNQ_EINVAL, "server: this is a socket, not a server",
             synq_server_broadcast_text((synq_server_t *)socket, "t", "e", "{}", 2));
  CHECK_CODE(SYNQ_EINVAL, "server: this is a value, not a server", synq_server_port(value));
  CHECK_CODE(SYNQ_EINVAL, "socket: this is a server, not a socket", synq_socket_push_text(server, "e", "{}", 2));
  CHECK_CODE(SYNQ_EINVAL, "socket: this is a deferred, not a socket",
             synq_socket_push_text((synq_socket_t *)deferred, "e", "{}", 2));
  CHECK_CODE(SYNQ_EINVAL, "deferred: this is a socket, not a deferred",
             synq_deferred_finish((synq_deferred_t *)socket));
  CHECK_CODE(SYNQ_EINVAL, "value: this is a socket, not a value",
             synq_value_get_int((const synq_value_t *)socket, "", &number));
  CHECK_CODE(SYNQ_EINVAL, "connection: this is a socket, not a connection",
             synq_connection_set_id((synq_connection_t *)socket, "x"));
  CHECK_CODE(SYNQ_EINVAL, "socket: this is not a handle of this library, not a socket",
             synq_socket_push_text((synq_socket_t *)(uintptr_t)nothing, "e", "{}", 2));
  CHECK_OK(synq_deferred_finish(deferred));
  return SYNQ_OK;
}

static void a_handle_of_another_kind_is_named(void) {
  free(in_callback(mistake_handles, "{}"));
}

const test_t part_tests[] = {
    {"members_are_walked", members_are_walked},
    {"several_places_are_read_at_once", several_places_are_read_at_once},
    {"many_changes_are_one_edit", many_changes_are_one_edit},
    {"a_name_that_looks_like_a_pointer_is_refused", a_name_that_looks_like_a_pointer_is_refused},
    {"a_handle_of_another_kind_is_named", a_handle_of_another_kind_is_named},
    {NULL, NULL},
};
