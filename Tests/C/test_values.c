/* Reading values in place, and changing assigns: kinds, pointers, ranges. All of it inside a callback. */
#include "test.h"

#include <stdlib.h>

static const char payload[] =
    "{\"n\":null,\"t\":true,\"f\":false,\"i\":-5,\"max\":9223372036854775807,\"big\":9223372036854775808,"
    "\"r\":1.50,\"e\":1e3,\"s\":\"a\\u00e9\\u0000b\",\"a\":[1,[2]],\"o\":{\"a/b\":{\"c~d\":7}},\"\":8}";

static int read_kinds(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)socket, (void)event, (void)user;
  CHECK(synq_value_kind(value, "") == SYNQ_OBJECT);
  CHECK(synq_value_kind(value, "/n") == SYNQ_NULL);
  CHECK(synq_value_kind(value, "/t") == SYNQ_BOOL);
  CHECK(synq_value_kind(value, "/i") == SYNQ_INTEGER);
  CHECK(synq_value_kind(value, "/big") == SYNQ_INTEGER);
  CHECK(synq_value_kind(value, "/r") == SYNQ_REAL);
  CHECK(synq_value_kind(value, "/e") == SYNQ_REAL);
  CHECK(synq_value_kind(value, "/s") == SYNQ_STRING);
  CHECK(synq_value_kind(value, "/a") == SYNQ_ARRAY);
  CHECK(synq_value_kind(value, "/") == SYNQ_INTEGER); /* the member whose name is empty */
  CHECK(synq_value_size(value, "") == 12);
  CHECK(synq_value_size(value, "/a") == 2);
  CHECK_CODE(SYNQ_ETYPE, "/s: expected an array or an object, got a string", synq_value_size(value, "/s"));
  return SYNQ_OK;
}

static void values_have_kinds_and_sizes(void) {
  free(in_callback(read_kinds, payload));
}

static int read_scalars(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  int64_t integer = 0;
  double real = 0;
  int truth = 7;
  const char *text = NULL;
  const void *bytes;
  size_t length = 0;
  (void)socket, (void)event, (void)user;
  CHECK_OK(synq_value_get_int(value, "/i", &integer));
  CHECK(integer == -5);
  CHECK_OK(synq_value_get_int(value, "/max", &integer));
  CHECK(integer == INT64_MAX);
  CHECK_CODE(SYNQ_ERANGE, "/big: the integer is beyond 64 bits", synq_value_get_int(value, "/big", &integer));
  CHECK_CODE(SYNQ_ETYPE, "/r: expected an integer, got a number", synq_value_get_int(value, "/r", &integer));
  CHECK_CODE(SYNQ_ETYPE, "/s: expected an integer, got a string", synq_value_get_int(value, "/s", &integer));
  CHECK_CODE(SYNQ_ETYPE, "", synq_value_get_int(value, "", &integer));
  CHECK_TEXT("expected an integer, got an object", synq_error_message());
  CHECK(integer == INT64_MAX); /* a failed call leaves it alone */
  CHECK_OK(synq_value_get_real(value, "/r", &real));
  CHECK(real == 1.5);
  CHECK_OK(synq_value_get_real(value, "/i", &real));
  CHECK(real == -5);
  CHECK_CODE(SYNQ_ETYPE, "/t: expected a number, got a boolean", synq_value_get_real(value, "/t", &real));
  CHECK_OK(synq_value_get_bool(value, "/t", &truth));
  CHECK(truth == 1);
  CHECK_OK(synq_value_get_bool(value, "/f", &truth));
  CHECK(truth == 0);
  CHECK_CODE(SYNQ_ETYPE, "/i: expected a boolean, got a number", synq_value_get_bool(value, "/i", &truth));
  CHECK_OK(synq_value_get_string(value, "/s", &text, &length));
  CHECK(length == 5 && memcmp(text, "a\xC3\xA9\0b", 6) == 0);
  CHECK_OK(synq_value_get_string(value, "/s", &text, NULL));
  CHECK_CODE(SYNQ_ETYPE, "/n: expected a string, got null", synq_value_get_string(value, "/n", &text, NULL));
  CHECK_CODE(SYNQ_ETYPE, "", synq_value_get_bytes(value, &bytes, &length));
  return SYNQ_OK;
}

static void scalars_are_read_by_type(void) {
  free(in_callback(read_scalars, payload));
}

static int read_parts(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  int64_t integer = 0;
  const char *text = NULL;
  size_t length = 0;
  json_t *json = NULL;
  (void)socket, (void)event, (void)user;
  CHECK_OK(synq_value_get_int(value, "/a/1/0", &integer));
  CHECK(integer == 2);
  CHECK_OK(synq_value_get_int(value, "/o/a~1b/c~0d", &integer));
  CHECK(integer == 7);
  CHECK_OK(synq_value_get_text(value, "/a", &text, &length));
  CHECK_TEXT("[1,[2]]", text);
  CHECK(length == 7);
  CHECK_OK(synq_value_get_text(value, "/r", &text, NULL));
  CHECK_TEXT("1.50", text); /* as it was written */
  CHECK_OK(synq_value_get_json(value, "/o", &json));
  json_t *expected = json_pack("{s:{s:i}}", "a/b", "c~d", 7);
  CHECK(json_equal(json, expected));
  json_decref(expected);
  json_decref(json);
  CHECK_CODE(SYNQ_ERANGE, "", synq_value_get_json(value, "/big", &json));
  return SYNQ_OK;
}

static void parts_are_read_at_pointers(void) {
  free(in_callback(read_parts, payload));
}

static int read_nowhere(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  int64_t integer;
  static const char *const nowhere[] = {"/missing", "/a/2", "/a/-", "/a/01", "/a/x", "/s/0", "/n/a", "/a/1/0/0"};
  static const char *const no_pointer[] = {"a", "/~", "/~2", "a/b"};
  (void)socket, (void)event, (void)user;
  for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
    CHECK_CODE(SYNQ_ENOTFOUND, nowhere[i], synq_value_get_int(value, nowhere[i], &integer));
    CHECK_CODE(SYNQ_ENOTFOUND, nowhere[i], synq_value_kind(value, nowhere[i]));
  }
  for (size_t i = 0; i < sizeof no_pointer / sizeof *no_pointer; i++) {
    CHECK_CODE(SYNQ_EPOINTER, no_pointer[i], synq_value_get_int(value, no_pointer[i], &integer));
    CHECK_CODE(SYNQ_EPOINTER, no_pointer[i], synq_socket_set_int(socket, no_pointer[i], 1));
  }
  CHECK_CODE(SYNQ_EINVAL, "pointer", synq_value_get_int(value, NULL, &integer));
  CHECK_CODE(SYNQ_EINVAL, "out", synq_value_get_int(value, "/i", NULL));
  CHECK_CODE(SYNQ_EINVAL, "out", synq_value_get_string(value, "/s", NULL, NULL));
  CHECK_CODE(SYNQ_EINVAL, "out", synq_value_get_json(value, "/s", NULL));
  return SYNQ_OK;
}

static void a_pointer_to_nowhere_is_told(void) {
  free(in_callback(read_nowhere, payload));
}

/* All assigns, as text. */
static const char *assigns(synq_socket_t *socket) {
  const char *text = NULL;
  CHECK_OK(synq_value_get_text(synq_socket_all_assigns(socket), "", &text, NULL));
  return text;
}

static int edit(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  int64_t sum = 0;
  (void)event, (void)value, (void)user;
  CHECK_TEXT("{}", assigns(socket));
  CHECK_OK(synq_socket_assign_text(socket, "a", "[1]", SYNQ_NUL_TERMINATED));
  CHECK_OK(synq_socket_append(socket, "/a", json_string("x")));
  CHECK_OK(synq_socket_insert_text(socket, "/a/0", "{\"k\": null}", SYNQ_NUL_TERMINATED));
  CHECK_OK(synq_socket_insert(socket, "/a/-", json_true()));
  CHECK_OK(synq_socket_set_real(socket, "/a/0/k", 0.5));
  CHECK_OK(synq_socket_set_string(socket, "/a/0/new", "t\0u", 3));
  CHECK_OK(synq_socket_remove(socket, "/a/1"));
  CHECK_TEXT("{\"a\":[{\"k\":0.5,\"new\":\"t\\u0000u\"},\"x\",true]}", assigns(socket));
  CHECK_OK(synq_socket_set_int(socket, "/b", INT64_MAX - 1));
  CHECK_OK(synq_socket_increment(socket, "/b", 1, &sum));
  CHECK(sum == INT64_MAX);
  CHECK_OK(synq_socket_increment(socket, "/b", -7, NULL));
  CHECK_OK(synq_socket_remove(socket, "/a"));
  CHECK_TEXT("{\"b\":9223372036854775800}", assigns(socket));
  return SYNQ_OK;
}

static void assigns_are_edited_at_pointers(void) {
  free(in_callback(edit, "{}"));
}

static int keep_what_was_sent(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)event, (void)user;
  CHECK_OK(synq_socket_set_value(socket, "/last", value, ""));
  CHECK_OK(synq_socket_set_value(socket, "/list", value, "/a"));
  CHECK_OK(synq_socket_append_value(socket, "/list", value, "/o/k"));
  CHECK_OK(synq_socket_insert_value(socket, "/list/0", synq_socket_all_assigns(socket), "/last/o"));
  CHECK_TEXT("{\"last\":{\"a\":[1],\"o\":{\"k\":\"x\"}},\"list\":[{\"k\":\"x\"},1,\"x\"]}", assigns(socket));
  CHECK_CODE(SYNQ_ENOTFOUND, "from", synq_socket_set_value(socket, "/last", value, "/none"));
  CHECK_CODE(SYNQ_EPOINTER, "from", synq_socket_set_value(socket, "/last", value, "none"));
  CHECK_CODE(SYNQ_EINVAL, "from", synq_socket_set_value(socket, "/last", value, NULL));
  CHECK_CODE(SYNQ_ETYPE, "/last", synq_socket_append_value(socket, "/last", value, ""));
  CHECK_CODE(SYNQ_EPOINTER, "/list", synq_socket_insert_value(socket, "/list", value, ""));
  return SYNQ_OK;
}

static void what_was_sent_is_kept_without_a_conversion(void) {
  free(in_callback(keep_what_was_sent, "{\"a\":[1],\"o\":{\"k\":\"x\"}}"));
}

static int edit_badly(synq_socket_t *socket, const char *event, const synq_value_t *value, void *user) {
  (void)event, (void)value, (void)user;
  CHECK_OK(synq_socket_assign_text(socket, "a", "{\"list\":[1,2],\"max\":9223372036854775807,\"s\":\"x\"}",
                                   SYNQ_NUL_TERMINATED));
  CHECK_CODE(SYNQ_ENOTFOUND, "/a/none/deeper", synq_socket_set_int(socket, "/a/none/deeper", 1));
  CHECK_CODE(SYNQ_ENOTFOUND, "/a/list/2", synq_socket_set_int(socket, "/a/list/2", 1));
  CHECK_CODE(SYNQ_ENOTFOUND, "/a/list/3", synq_socket_insert(socket, "/a/list/3", json_null()));
  CHECK_CODE(SYNQ_ENOTFOUND, "/none", synq_socket_append(socket, "/none", json_null()));
  CHECK_CODE(SYNQ_ENOTFOUND, "/a/none", synq_socket_remove(socket, "/a/none"));
  CHECK_CODE(SYNQ_ENOTFOUND, "/none", synq_socket_increment(socket, "/none", 1, NULL));
  CHECK_CODE(SYNQ_ETYPE, "/a/s", synq_socket_append(socket, "/a/s", json_null()));
  CHECK_CODE(SYNQ_ETYPE, "/a", synq_socket_insert(socket, "/a/x", json_null()));
  CHECK_CODE(SYNQ_ETYPE, "/a/s", synq_socket_increment(socket, "/a/s", 1, NULL));
  CHECK_CODE(SYNQ_ERANGE, "/a/max", synq_socket_increment(socket, "/a/max", 1, NULL));
  CHECK_CODE(SYNQ_EJSON, "", synq_socket_set_text(socket, "/a/list/0", "[", 1));
  CHECK_CODE(SYNQ_EINVAL, "value", synq_socket_assign(socket, "a", NULL));
  CHECK_CODE(SYNQ_EINVAL, "name", synq_socket_assign(socket, NULL, json_null()));
  CHECK_CODE(SYNQ_EINVAL, "name", synq_socket_assign(socket, "", json_null()));
  CHECK_CODE(SYNQ_EINVAL, "pointer", synq_socket_set_int(socket, NULL, 1));
  CHECK_CODE(SYNQ_EINVAL, "", synq_socket_set_int(socket, "", 1)); /* the assigns themselves */
  CHECK_CODE(SYNQ_EINVAL, "__proto__", synq_socket_assign_text(socket, "b", "{\"__proto__\":1}", 15));
  CHECK_TEXT("{\"a\":{\"list\":[1,2],\"max\":9223372036854775807,\"s\":\"x\"}}", assigns(socket));
  return SYNQ_OK;
}

static void an_edit_that_fails_changes_nothing(void) {
  free(in_callback(edit_badly, "{}"));
}

const test_t value_tests[] = {
    {"values_have_kinds_and_sizes", values_have_kinds_and_sizes},
    {"scalars_are_read_by_type", scalars_are_read_by_type},
    {"parts_are_read_at_pointers", parts_are_read_at_pointers},
    {"a_pointer_to_nowhere_is_told", a_pointer_to_nowhere_is_told},
    {"assigns_are_edited_at_pointers", assigns_are_edited_at_pointers},
    {"what_was_sent_is_kept_without_a_conversion", what_was_sent_is_kept_without_a_conversion},
    {"an_edit_that_fails_changes_nothing", an_edit_that_fails_changes_nothing},
    {NULL, NULL},
};
