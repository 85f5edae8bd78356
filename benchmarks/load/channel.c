#include "channel.h"

#include "../common/fail.h"

#include <stdio.h>

/* The join has ref 1 and is its own join_ref; event e has ref e + 1. */
#define JOIN_REF "1"

static void queue(client_t *client, uint64_t ref, const char *prefix, const char *event, const bytes_t *payload) {
  static bytes_t text;
  text.count = 0;
  bytes_append_text(&text, "[\"" JOIN_REF "\",\"");
  bytes_append_unsigned(&text, ref);
  bytes_append_text(&text, "\",\"");
  bytes_append_text(&text, client->topic);
  bytes_append_text(&text, "\",\"");
  bytes_append_text(&text, prefix);
  bytes_append_text(&text, event);
  bytes_append_text(&text, "\",");
  bytes_append(&text, payload->data, payload->count);
  bytes_append_text(&text, "]");
  client_queue_text(client, &text);
}

void channel_join(client_t *client, const options_t *options) {
  uint32_t topic_number = options->mode == MODE_ROOM ? 0 : client->number;
  int count = snprintf(client->topic, sizeof client->topic, "%s%u", options->topic, topic_number);
  if (count < 0 || (size_t)count >= sizeof client->topic) fail("the topic is too long");
  bytes_t payload = {0};
  options->workload->append_join(&payload, client->number);
  queue(client, 1, "", "phx_join", &payload);
  bytes_free(&payload);
  client_flush(client);
  while (!client->joined || !client->has_state) {
    client_wait(client, options);
    client_receive(client, channel_take, (void *)options);
  }
}

void channel_queue_event(client_t *client, const options_t *options) {
  static bytes_t payload;
  payload.count = 0;
  uint64_t event = ++client->progress.sent;
  if (options->payload != NULL)
    bytes_append_text(&payload, options->payload);
  else
    options->workload->append_payload(&payload, event);
  queue(client, event + 1, options->dialect->event_prefix, options->event, &payload);
}

_Noreturn static void refuse(const client_t *client, slice_t text, const char *why) {
  fail("connection %u, %llu events sent, %llu replied, %llu shown, version %llu: %s: %.*s", client->number,
       (unsigned long long)client->progress.sent, (unsigned long long)client->progress.replied,
       (unsigned long long)client->progress.shown, (unsigned long long)client->version, why,
       text.count < 600 ? (int)text.count : 600, text.at);
}

static void take_reply(client_t *client, slice_t text, const message_t *message) {
  slice_t status, ref_text;
  uint64_t ref;
  if (!json_member(message->payload, "status", &status) || !json_is_string(status, "ok"))
    refuse(client, text, "a reply that is not ok");
  if (!json_string(message->ref, &ref_text) || !json_unsigned(ref_text, &ref))
    refuse(client, text, "a reply without the ref that was sent");
  if (ref == 1 && !client->joined)
    client->joined = true;
  else if (client->joined && ref == client->progress.replied + 2 && ref <= client->progress.sent + 1)
    client->progress.replied++;
  else
    refuse(client, text, "a reply to another event than the next");
}

/* The version of the first state is 0; then each is one more, and 0 comes after the highest. */
static void take_version(client_t *client, slice_t text, slice_t payload, bool is_full, const options_t *options) {
  slice_t value;
  uint64_t version;
  if (!json_member(payload, "version", &value) || !json_unsigned(value, &version))
    refuse(client, text, "a state without a version");
  bool at_end = options->max_version != 0 && client->version == options->max_version;
  if (version != (client->has_state && !at_end ? client->version + 1 : 0))
    refuse(client, text, "a version that does not follow");
  if (version == 0 && !is_full && (options->dialect->full_state_at_wrap || !client->has_state))
    refuse(client, text, "a patch where the full state must come");
  client->version = version;
  client->state_messages += client->has_state;
  client->has_state = true;
}

void channel_take(client_t *client, slice_t text, void *user) {
  const options_t *options = user;
  message_t message;
  slice_t topic, event, body;
  if (!message_parse(text, &message) || !json_string(message.topic, &topic) || !json_string(message.event, &event) ||
      !slice_equals(topic, client->topic) ||
      /* What all clients of a topic get has none. */
      !(json_is_string(message.join_ref, JOIN_REF) || slice_equals(message.join_ref, "null")))
    refuse(client, text, "not a message of this channel");
  if (slice_equals(event, "phx_reply")) {
    take_reply(client, text, &message);
  } else if (!client->joined || !slice_equals(message.ref, "null")) {
    refuse(client, text, "a message before the join, or a push with a ref");
  } else if (slice_ends_with(event, ":patch")) {
    take_version(client, text, message.payload, false, options);
    if (!json_member(message.payload, options->dialect->operations, &body) ||
        !options->workload->show_patch(&client->progress, body))
      refuse(client, text, "a patch that the events do not explain");
  } else if (slice_ends_with(event, ":change")) {
    take_version(client, text, message.payload, true, options);
    if (!json_member(message.payload, "state", &body) || !options->workload->show_state(&client->progress, body))
      refuse(client, text, "a state that the events do not explain");
  } else {
    refuse(client, text, "an unexpected message");
  }
}

uint64_t channel_completed(const client_t *client, completion_t completion) {
  uint64_t replied = client->progress.replied, shown = client->progress.shown;
  switch (completion) {
  case COMPLETE_REPLY:
    return replied;
  case COMPLETE_STATE:
    return shown;
  case COMPLETE_BOTH:
    break;
  }
  return replied < shown ? replied : shown;
}
