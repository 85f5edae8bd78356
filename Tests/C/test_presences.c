/* Who is here. */
#include "test.h"

#include <stdlib.h>

static int track_user(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  const char *key, *meta;
  char ref[SYNQ_PRESENCE_REF_BYTES];
  (void)topic, (void)user;
  if (synq_value_get_string(params, "/user", &key, NULL) != SYNQ_OK) return synq_presence_show(socket);
  if (synq_value_get_text(params, "/meta", &meta, NULL) != SYNQ_OK) meta = "{}";
  CHECK_OK(synq_presence_track_text(socket, key, meta, SYNQ_NUL_TERMINATED, ref));
  CHECK(strlen(ref) == 16);
  return SYNQ_OK;
}

static int refuse_early(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  CHECK_CODE(SYNQ_ESTATE, "once it has joined", synq_presence_track(socket, "early", json_object(), NULL));
  return SYNQ_OK;
}

static int handle_presence(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  json_t *list, *one;
  char *text, ref[SYNQ_PRESENCE_REF_BYTES], next[SYNQ_PRESENCE_REF_BYTES];
  size_t length;
  (void)event, (void)payload, (void)user;
  CHECK_OK(synq_presence_track(socket, "second", json_pack("{s:i}", "n", 1), ref));
  CHECK_CODE(SYNQ_ESTATE, "already", synq_presence_track(socket, "second", json_object(), NULL));
  CHECK_OK(synq_presence_update(socket, "second", json_pack("{s:i}", "n", 2), next));
  CHECK(strcmp(ref, next) != 0);
  CHECK_OK(synq_presence_update_text(socket, "second", "{\"n\":3}", SYNQ_NUL_TERMINATED, NULL));
  CHECK_CODE(SYNQ_ENOTFOUND, "third", synq_presence_update_text(socket, "third", "{}", 2, NULL));
  CHECK_CODE(SYNQ_ENOTFOUND, "third", synq_presence_untrack(socket, "third"));
  CHECK_CODE(SYNQ_ETYPE, "meta", synq_presence_track_text(socket, "third", "[]", 2, NULL));
  CHECK_CODE(SYNQ_EINVAL, "JavaScript", synq_presence_track_text(socket, "__proto__", "{}", 2, NULL));
  CHECK_CODE(SYNQ_EINVAL, "key", synq_presence_track_text(socket, NULL, "{}", 2, NULL));
  CHECK_CODE(SYNQ_EINVAL, "meta", synq_presence_track(socket, "third", NULL, NULL));
  CHECK_CODE(SYNQ_ELIMIT, "max_presence_keys (3)", synq_presence_track(socket, "fourth", json_object(), NULL));
  CHECK_OK(synq_presence_list(socket, &list));
  CHECK(json_object_size(list) == 3);
  json_decref(list);
  CHECK_OK(synq_presence_get(socket, "second", &one));
  CHECK(json_integer_value(json_object_get(json_array_get(json_object_get(one, "metas"), 0), "n")) == 3);
  json_decref(one);
  CHECK_CODE(SYNQ_ENOTFOUND, "third", synq_presence_get(socket, "third", &one));
  CHECK_OK(synq_presence_get_text(socket, "second", &text, &length));
  CHECK(strlen(text) == length && strstr(text, "{\"metas\":[{\"phx_ref\":\"") == text);
  synq_free(text);
  CHECK_OK(synq_presence_untrack(socket, "second"));
  CHECK_OK(synq_presence_list_text(socket, &text, NULL));
  CHECK(strstr(text, "second") == NULL);
  CHECK_OK(synq_socket_reply_text(socket, "ok", text, SYNQ_NUL_TERMINATED));
  synq_free(text);
  return SYNQ_OK;
}

static void clients_see_who_is_here(void) {
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_INLINE; delivery++) {
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    channel.authorize = refuse_early;
    channel.init = track_user;
    channel.handle_event = handle_presence;
    channel.max_presence_keys = 3;
    synq_server_t *server = server_with(&channel, (synq_delivery_t)delivery);
    client_t *ann = client_new(synq_server_port(server)), *bob = client_new(synq_server_port(server));
    json_t *list = NULL;
    char *text = NULL;
    CHECK_OK(synq_server_presence_list(server, "t:1", &list));
    CHECK(json_object_size(list) == 0);
    json_decref(list);
    client_send(ann, "[\"1\",\"1\",\"t:1\",\"phx_join\",{\"user\":\"ann\"}]");
    CHECK(client_await(ann, "[\"1\",null,\"t:1\",\"presence_state\",{\"ann\":{\"metas\":[{\"phx_ref\":\"") != NULL);
    client_send(bob, "[\"1\",\"1\",\"t:1\",\"phx_join\",{\"user\":\"bob\",\"meta\":{\"a\":1}}]");
    CHECK(client_await(bob, "\"presence_state\",{\"ann\":") != NULL);
    CHECK(client_await(ann, "[null,null,\"t:1\",\"presence_diff\",{\"joins\":{\"bob\":") != NULL);
    client_send(bob, "[\"1\",\"2\",\"t:1\",\"go\",{}]");
    CHECK(client_await(bob, "phx_reply") != NULL);
    CHECK_OK(synq_server_presence_get(server, "t:1", "bob", &list));
    json_decref(list);
    CHECK_OK(synq_server_presence_get_text(server, "t:1", "bob", &text, NULL));
    CHECK(strstr(text, "\"a\":1") != NULL);
    synq_free(text);
    CHECK_CODE(SYNQ_ENOTFOUND, "cid", synq_server_presence_get(server, "t:1", "cid", &list));
    CHECK_OK(synq_server_presence_list_text(server, "t:1", &text, NULL));
    CHECK(strstr(text, "\"ann\"") != NULL && strstr(text, "\"bob\"") != NULL);
    synq_free(text);
    client_free(bob);
    CHECK(client_await(ann, "\"leaves\":{\"bob\":") != NULL);
    client_free(ann);
    CHECK_OK(synq_server_free(server));
  }
}

typedef struct heard {
  gate_t *changes, *fetches;
  synq_fetch_t *fetch;
} heard_t;

static void presence_changed(const char *topic, const char *key, int is_present, void *user) {
  heard_t *heard = user;
  CHECK_TEXT("t:1", topic);
  CHECK_TEXT("ann", key);
  CHECK(is_present == (gate_count(heard->changes) == 0));
  gate_add(heard->changes);
}

/* The first fetch is finished later, by another thread; the second one fails. */
static int fetch_presence(synq_fetch_t *fetch, const char *topic, const synq_value_t *presences, void *user) {
  heard_t *heard = user;
  const char *text;
  CHECK_TEXT("t:1", topic);
  if (gate_count(heard->fetches) > 0) return synq_crash("no names today");
  CHECK_OK(synq_value_get_text(presences, "/ann/metas/0/phx_ref", &text, NULL));
  heard->fetch = fetch;
  gate_add(heard->fetches);
  return SYNQ_OK;
}

static void names_come_later_and_changes_are_told(void) {
  heard_t heard = {gate_new(), gate_new(), NULL};
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.init = track_user;
  channel.presence_changed = presence_changed;
  channel.fetch_presence = fetch_presence;
  channel.user = &heard;
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *ann = client_new(synq_server_port(server)), *phone = client_new(synq_server_port(server));
  client_send(ann, "[\"1\",\"1\",\"t:1\",\"phx_join\",{\"user\":\"ann\"}]");
  gate_wait(heard.fetches, 1);
  CHECK_CODE(SYNQ_ETYPE, "text", synq_fetch_finish_text(heard.fetch, "[]", 2));
  CHECK_CODE(SYNQ_EJSON, "text", synq_fetch_finish_text(heard.fetch, "{", 1));
  CHECK_OK(synq_fetch_finish(heard.fetch, json_pack("{s:{s:s}}", "ann", "name", "Ann")));
  CHECK_CODE(SYNQ_ECLOSED, "finished", synq_fetch_finish(heard.fetch, json_object()));
  CHECK_CODE(SYNQ_ECLOSED, "finished", synq_fetch_fail(heard.fetch, "late"));
  CHECK_CODE(SYNQ_EINVAL, "fetch", synq_fetch_fail(NULL, "none"));
  CHECK(client_await(ann, "\"name\":\"Ann\"") != NULL);
  client_send(phone, "[\"1\",\"1\",\"t:1\",\"phx_join\",{\"user\":\"ann\"}]");
  CHECK(client_await(phone, "presence_state") != NULL);
  client_free(phone);
  client_free(ann);
  gate_wait(heard.changes, 2);
  CHECK_OK(synq_server_free(server));
  CHECK(gate_count(heard.changes) == 2);
  gate_free(heard.changes);
  gate_free(heard.fetches);
}

static void the_list_is_a_part_of_the_state(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  channel.init = track_user;
  channel.presence = "members";
  synq_server_t *server = server_with(&channel, SYNQ_WORKERS);
  client_t *watcher = client_new(synq_server_port(server)), *ann = client_new(synq_server_port(server));
  client_join(watcher, "t:1");
  CHECK(client_await(watcher, "\"state\":{\"members\":{}}") != NULL);
  client_send(ann, "[\"1\",\"1\",\"t:1\",\"phx_join\",{\"user\":\"ann\"}]");
  CHECK(client_await(watcher, "{\"op\":\"add\",\"path\":\"/members/ann\",\"value\":{\"metas\":[{\"phx_ref\":") != NULL);
  client_free(ann);
  CHECK(client_await(watcher, "{\"op\":\"remove\",\"path\":\"/members/ann\"}") != NULL);
  client_free(watcher);
  CHECK_OK(synq_server_free(server));
}

const test_t presence_tests[] = {
    {"clients_see_who_is_here", clients_see_who_is_here},
    {"the_list_is_a_part_of_the_state", the_list_is_a_part_of_the_state},
    {"names_come_later_and_changes_are_told", names_come_later_and_changes_are_told},
    {NULL, NULL},
};
