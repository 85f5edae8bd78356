/* Bad arguments outside of callbacks: each gives a code, and a text that names the argument. */
#include "test.h"

#include <stdlib.h>

static synq_server_t *fresh(void) {
  synq_server_t *server = NULL;
  CHECK_OK(synq_server_new(&server, NULL));
  return server;
}

static synq_server_t *started(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  return server_with(&channel, SYNQ_WORKERS);
}

static void the_library_has_the_version_of_the_header(void) {
  CHECK(synq_version() == SYNQ_VERSION_HEX);
}

static void every_code_has_a_text(void) {
  for (int code = -101; code <= 2; code++) {
    const char *text = synq_strerror(code);
    CHECK(text != NULL && *text != '\0');
  }
  CHECK(strcmp(synq_strerror(SYNQ_EINVAL), synq_strerror(SYNQ_EJSON)) != 0);
  CHECK(synq_error_message() != NULL);
}

static void null_is_named(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_stats_t stats = SYNQ_STATS_INIT;
  synq_server_t *server = fresh();
  CHECK_CODE(SYNQ_EINVAL, "out", synq_server_new(NULL, NULL));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_channel(NULL, "a", &channel));
  CHECK_CODE(SYNQ_EINVAL, "pattern", synq_server_channel(server, NULL, &channel));
  CHECK_CODE(SYNQ_EINVAL, "options", synq_server_channel(server, "a", NULL));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_mount(NULL, "/s", NULL));
  CHECK_CODE(SYNQ_EINVAL, "path", synq_server_mount(server, NULL, NULL));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_static(NULL, "/", "."));
  CHECK_CODE(SYNQ_EINVAL, "prefix", synq_server_static(server, NULL, "."));
  CHECK_CODE(SYNQ_EINVAL, "directory", synq_server_static(server, "/", NULL));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_start(NULL));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_port(NULL));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_run(NULL));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_poll(NULL, 0, 0));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_fd(NULL));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_stop(NULL, 0));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_wait(NULL, 0));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_disconnect(NULL, "x"));
  CHECK_CODE(SYNQ_EINVAL, "id", synq_server_disconnect(server, NULL));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_stats(NULL, &stats));
  CHECK_CODE(SYNQ_EINVAL, "out", synq_server_stats(server, NULL));
  CHECK_OK(synq_server_free(server));
  CHECK_OK(synq_server_free(NULL));
  synq_free(NULL);
}

static void null_handles_are_errors(void) {
  int64_t number;
  synq_deferred_t *deferred;
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_assign(NULL, "a", json_null()));
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_set_int(NULL, "/a", 1));
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_increment(NULL, "/a", 1, &number));
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_remove(NULL, "/a"));
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_push(NULL, "e", json_object()));
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_reply(NULL, "ok", json_object()));
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_reply_error(NULL, "c", NULL, json_object()));
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_stop(NULL, "normal"));
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_defer(NULL, SYNQ_DEFER_IN_ORDER, &deferred));
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_subscribe(NULL, "t"));
  CHECK_CODE(SYNQ_EINVAL, "deferred", synq_deferred_finish(NULL));
  CHECK_CODE(SYNQ_EINVAL, "deferred", synq_deferred_reply(NULL, "ok", json_object()));
  CHECK_CODE(SYNQ_EINVAL, "connection", synq_connection_set_id(NULL, "x"));
  CHECK_CODE(SYNQ_EINVAL, "value", synq_value_kind(NULL, ""));
  CHECK(synq_socket_topic(NULL) == NULL && synq_socket_data(NULL) == NULL && synq_socket_all_assigns(NULL) == NULL);
  CHECK(synq_socket_id(NULL) == NULL && synq_socket_peer(NULL) == NULL && synq_socket_params(NULL) == NULL);
  CHECK(synq_connection_header(NULL, "host") == NULL && synq_connection_peer(NULL) == NULL);
}

static void a_pattern_must_be_one(void) {
  static const char *const wrong[] = {"", "a*b", "*a", "a**", "a\xff*"};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = fresh();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_CODE(SYNQ_EINVAL, "pattern", synq_server_channel(server, wrong[i], &channel));
  }
  CHECK_OK(synq_server_channel(server, "room:*", &channel));
  CHECK_CODE(SYNQ_EINVAL, "pattern", synq_server_channel(server, "room:*", &channel));
  CHECK_OK(synq_server_channel(server, "room:1", &channel));
  CHECK_OK(synq_server_free(server));
}

static void a_mount_path_must_be_one(void) {
  synq_server_t *server = fresh();
  CHECK_CODE(SYNQ_EINVAL, "path", synq_server_mount(server, "", NULL));
  CHECK_CODE(SYNQ_EINVAL, "path", synq_server_mount(server, "socket", NULL));
  CHECK_OK(synq_server_mount(server, "/socket", NULL));
  CHECK_CODE(SYNQ_EINVAL, "path", synq_server_mount(server, "/socket", NULL));
  CHECK_OK(synq_server_free(server));
}

static void registrations_end_with_the_start(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = fresh();
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_port(server));
  CHECK_OK(synq_server_start(server));
  CHECK(synq_server_port(server) > 0);
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_start(server));
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_channel(server, "late", &channel));
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_mount(server, "/late", NULL));
  CHECK_CODE(SYNQ_ESTATE, "", synq_server_static(server, "/", "."));
  CHECK_OK(synq_server_free(server));
}

static void a_port_in_use_is_told(void) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_server_t *first = fresh(), *second = NULL;
  char port[16];
  CHECK_OK(synq_server_start(first));
  options.port = (uint16_t)synq_server_port(first);
  snprintf(port, sizeof port, "%d", synq_server_port(first));
  CHECK_OK(synq_server_new(&second, &options));
  CHECK_CODE(SYNQ_EADDRINUSE, port, synq_server_start(second));
  CHECK_OK(synq_server_free(second));
  CHECK_OK(synq_server_free(first));
}

static void what_is_missing_on_disk_is_told(void) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_server_t *server = fresh();
  CHECK_CODE(SYNQ_EIO, "/no/such/directory", synq_server_static(server, "/", "/no/such/directory"));
  CHECK_CODE(SYNQ_EIO, "/dev/null", synq_server_static(server, "/", "/dev/null"));
  CHECK_OK(synq_server_free(server));

  server = NULL;
  options.tls_certificate = "/no/such/certificate.pem";
  CHECK_CODE(SYNQ_EINVAL, "tls_key", synq_server_new(&server, &options));
  options.tls_key = "/no/such/key.pem";
  int result = synq_server_new(&server, &options);
  if (result == SYNQ_OK) result = synq_server_start(server);
  CHECK_CODE(SYNQ_EIO, "/no/such/certificate.pem", result);
  CHECK_OK(synq_server_free(server));
}

static void the_size_of_a_struct_tells_its_version(void) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  synq_stats_t stats = SYNQ_STATS_INIT;
  synq_server_t *server = fresh(), *other = NULL;
  const size_t sizes[] = {0, 3, 100000};
  const int codes[] = {SYNQ_EINVAL, SYNQ_EINVAL, SYNQ_EVERSION};
  options.limits = &limits;
  for (int i = 0; i < 3; i++) {
    options.size = sizes[i];
    CHECK_CODE(codes[i], "size", synq_server_new(&other, &options));
    channel.size = sizes[i];
    CHECK_CODE(codes[i], "size", synq_server_channel(server, "a", &channel));
    mount.size = sizes[i];
    CHECK_CODE(codes[i], "size", synq_server_mount(server, "/a", &mount));
    stats.size = sizes[i];
    CHECK_CODE(codes[i], "size", synq_server_stats(server, &stats));
    options.size = sizeof options;
    limits.size = sizes[i];
    CHECK_CODE(codes[i], "limits", synq_server_new(&other, &options));
    limits.size = sizeof limits;
  }
  CHECK(other == NULL);
  CHECK_OK(synq_server_free(server));
}

static void enumerations_have_no_other_values(void) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = fresh(), *other = NULL;
  options.delivery = (synq_delivery_t)7;
  CHECK_CODE(SYNQ_EINVAL, "delivery", synq_server_new(&other, &options));
  options.delivery = SYNQ_WORKERS;
  options.log_level = (synq_log_level_t)77;
  CHECK_CODE(SYNQ_EINVAL, "log_level", synq_server_new(&other, &options));
  channel.dialect = (synq_dialect_t)7;
  CHECK_CODE(SYNQ_EINVAL, "dialect", synq_server_channel(server, "a", &channel));
  CHECK_OK(synq_server_free(server));
}

/* The reference is the library's also when the call fails: jansson counts what is left of them. */
static void a_payload_is_stolen_in_any_case(void) {
  synq_server_t *server = started();
  json_t *payload = json_object();
  json_incref(payload);
  CHECK_OK(synq_server_broadcast(server, "t:1", "e", payload));
  CHECK(payload->refcount == 1);
  json_incref(payload);
  CHECK_CODE(SYNQ_EINVAL, "event", synq_server_broadcast(server, "t:1", NULL, payload));
  CHECK(payload->refcount == 1);
  json_incref(payload);
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_publish(NULL, "t:1", "m", payload));
  CHECK(payload->refcount == 1);
  json_incref(payload);
  CHECK_CODE(SYNQ_EINVAL, "socket", synq_socket_push(NULL, "e", payload));
  CHECK(payload->refcount == 1);
  json_decref(payload);
  CHECK_OK(synq_server_free(server));
}

static void a_payload_must_be_json(void) {
  static const char *const wrong[] = {"", "{", "{} x", "[1,]", "nul", "\"\xff\"", "\"\\ud800\"", "01", "NaN", "{1:2}"};
  synq_server_t *server = started();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_CODE(SYNQ_EJSON, "", synq_server_broadcast_text(server, "t:1", "e", wrong[i], SYNQ_NUL_TERMINATED));
  }
  CHECK_OK(synq_server_broadcast_text(server, "t:1", "e", "{} and more", 2));
  CHECK_CODE(SYNQ_EINVAL, "text", synq_server_broadcast_text(server, "t:1", "e", NULL, SYNQ_NUL_TERMINATED));
  CHECK_CODE(SYNQ_EINVAL, "payload", synq_server_broadcast(server, "t:1", "e", NULL));
  CHECK_CODE(SYNQ_EINVAL, "bytes", synq_server_broadcast_binary(server, "t:1", "e", NULL, 3));
  CHECK_CODE(SYNQ_EINVAL, "topic", synq_server_publish_text(server, NULL, "m", "{}", SYNQ_NUL_TERMINATED));
  CHECK_CODE(SYNQ_EINVAL, "message", synq_server_publish_text(server, "t:1", NULL, "{}", SYNQ_NUL_TERMINATED));

  json_t *outer = json_array(), *inner = json_array();
  json_array_append(outer, inner);
  json_array_append(inner, outer);
  CHECK_CODE(SYNQ_EJSON, "", synq_server_broadcast(server, "t:1", "e", json_incref(outer)));
  json_array_clear(inner); /* breaks the cycle, so that both can go */
  json_decref(inner);
  json_decref(outer);
  CHECK_OK(synq_server_free(server));
}

/* Some makers of strings in jansson do not look at what they are given. */
static void a_string_of_jansson_must_be_utf8(void) {
  static const char *const wrong[] = {"\xff",          "abcdefgh\xc3", "abcdefghi\x80j",   "\xed\xa0\x80",
                                      "\xc0\x80 over", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98"};
  synq_server_t *server = started();
  json_t *out = NULL, *none = json_null();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    json_t *key = json_object();
    json_object_set_new_nocheck(key, wrong[i], json_true());
    CHECK_CODE(SYNQ_EJSON, "payload: has a string that is not UTF-8",
               synq_server_broadcast(server, "t:1", "e", json_string_nocheck(wrong[i])));
    CHECK_CODE(SYNQ_EJSON, "to: has a string that is not UTF-8", synq_patch_diff(none, key, &out));
    json_decref(key);
  }
  CHECK(out == NULL);
  CHECK_OK(
      synq_server_broadcast(server, "t:1", "e", json_string_nocheck("abcdefgh\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
  CHECK_OK(synq_server_free(server));
}

const test_t argument_tests[] = {
    {"the_library_has_the_version_of_the_header", the_library_has_the_version_of_the_header},
    {"every_code_has_a_text", every_code_has_a_text},
    {"null_is_named", null_is_named},
    {"null_handles_are_errors", null_handles_are_errors},
    {"a_pattern_must_be_one", a_pattern_must_be_one},
    {"a_mount_path_must_be_one", a_mount_path_must_be_one},
    {"registrations_end_with_the_start", registrations_end_with_the_start},
    {"a_port_in_use_is_told", a_port_in_use_is_told},
    {"what_is_missing_on_disk_is_told", what_is_missing_on_disk_is_told},
    {"the_size_of_a_struct_tells_its_version", the_size_of_a_struct_tells_its_version},
    {"enumerations_have_no_other_values", enumerations_have_no_other_values},
    {"a_payload_is_stolen_in_any_case", a_payload_is_stolen_in_any_case},
    {"a_payload_must_be_json", a_payload_must_be_json},
    {"a_string_of_jansson_must_be_utf8", a_string_of_jansson_must_be_utf8},
    {NULL, NULL},
};
