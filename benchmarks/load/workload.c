#include "workload.h"

#include <stdio.h>
#include <string.h>

enum { BIG_ITEMS = 1000 };

static bool show(progress_t *progress, uint64_t event) {
  bool possible = event >= progress->shown && event <= progress->sent;
  progress->shown = event;
  return possible;
}

static void append_empty(bytes_t *out, uint32_t number) {
  (void)number;
  bytes_append_text(out, "{}");
}

/* counter: `inc` adds one, so the count is the number of events. */

static void append_inc(bytes_t *out, uint64_t event) {
  (void)event;
  bytes_append_text(out, "{}");
}

static bool counter_patch(progress_t *progress, slice_t operations) {
  json_walk_t walk = json_walk(operations);
  slice_t operation, path, value, another;
  uint64_t count;
  return json_next_element(&walk, &operation) && json_member(operation, "path", &path) &&
         json_is_string(path, "/count") && json_member(operation, "value", &value) && json_unsigned(value, &count) &&
         count > progress->shown && show(progress, count) && !json_next_element(&walk, &another) && !walk.failed;
}

static bool counter_state(progress_t *progress, slice_t state) {
  slice_t value;
  uint64_t count;
  return json_member(state, "count", &value) && json_unsigned(value, &count) && show(progress, count);
}

/* big: event e toggles item (e - 1) % 1000, from all false. */

static void append_toggle(bytes_t *out, uint64_t event) {
  bytes_append_text(out, "{\"i\":");
  bytes_append_unsigned(out, (event - 1) % BIG_ITEMS);
  bytes_append_text(out, "}");
}

static bool big_patch(progress_t *progress, slice_t operations) {
  json_walk_t walk = json_walk(operations);
  slice_t operation, path, value;
  uint64_t event = progress->shown;
  while (json_next_element(&walk, &operation)) {
    char expected[48];
    snprintf(expected, sizeof expected, "/items/%u/done", (unsigned)(event % BIG_ITEMS));
    bool done = event / BIG_ITEMS % 2 == 0;
    event++;
    if (!json_member(operation, "path", &path) || !json_is_string(path, expected) ||
        !json_member(operation, "value", &value) || !slice_equals(value, done ? "true" : "false"))
      return false;
  }
  return !walk.failed && event > progress->shown && show(progress, event);
}

/* The items true are a run from the first one, or one up to the last: with their number that gives how
 * many events of the last 2000 the state has seen. */
static bool big_state(progress_t *progress, slice_t state) {
  slice_t items, item, done;
  if (!json_member(state, "items", &items)) return false;
  json_walk_t walk = json_walk(items);
  uint64_t count = 0, changes = 0, are_true = 0;
  bool first = false, before = false;
  for (; json_next_element(&walk, &item); count++) {
    if (!json_member(item, "done", &done)) return false;
    bool now = slice_equals(done, "true");
    first = count == 0 ? now : first;
    changes += count != 0 && now != before;
    are_true += now;
    before = now;
  }
  if (walk.failed || count != BIG_ITEMS || changes > 1) return false;
  uint64_t phase = first || are_true == 0 ? are_true : 2 * BIG_ITEMS - are_true;
  uint64_t cycle = 2 * BIG_ITEMS;
  return show(progress, progress->shown + (phase + cycle - progress->shown % cycle) % cycle);
}

/* room: `say` puts a message in front of the list that every member keeps. */

static int say_text(char *text, size_t size, uint64_t event) {
  return snprintf(text, size, "message %llu, about as long as what people write", (unsigned long long)event);
}

static void append_user(bytes_t *out, uint32_t number) {
  bytes_append_text(out, "{\"user\":\"user");
  bytes_append_unsigned(out, number);
  bytes_append_text(out, "\"}");
}

static void append_say(bytes_t *out, uint64_t event) {
  char text[96];
  say_text(text, sizeof text, event);
  bytes_append_text(out, "{\"text\":\"");
  bytes_append_text(out, text);
  bytes_append_text(out, "\",\"id\":");
  bytes_append_unsigned(out, event);
  bytes_append_text(out, "}");
}

/* Which operations put the message in front is the server's affair; its text stands in them once. */
static bool room_patch(progress_t *progress, slice_t operations) {
  char text[96];
  say_text(text, sizeof text, progress->shown + 1);
  return slice_contains(operations, text) && show(progress, progress->shown + 1);
}

static bool room_state(progress_t *progress, slice_t state) {
  char text[96];
  slice_t messages, message, value;
  if (!json_member(state, "messages", &messages)) return false;
  json_walk_t walk = json_walk(messages);
  if (!json_next_element(&walk, &message)) /* the state at the join */
    return !walk.failed && show(progress, 0);
  say_text(text, sizeof text, progress->shown + 1);
  return json_member(message, "text", &value) && json_is_string(value, text) && show(progress, progress->shown + 1);
}

/* custom: each state message shows one event more; what it says is not looked at. */

static bool any_patch(progress_t *progress, slice_t operations) {
  return operations.count != 0 && show(progress, progress->shown + 1);
}

static bool any_state(progress_t *progress, slice_t state) {
  return state.count != 0 && show(progress, progress->sent == 0 ? 0 : progress->shown + 1);
}

static const workload_t workloads[] = {
    {"counter", "counter:", "inc", append_empty, append_inc, counter_patch, counter_state},
    {"big", "big:", "toggle", append_empty, append_toggle, big_patch, big_state},
    {"bigtext", "bigtext:", "toggle", append_empty, append_toggle, big_patch, big_state},
    {"room", "room:", "say", append_user, append_say, room_patch, room_state},
    {"shared", "shared:", "say", append_user, append_say, room_patch, room_state},
    {"custom", "counter:", "inc", append_empty, append_inc, any_patch, any_state},
};

const workload_t *workload_named(const char *name) {
  for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
    if (strcmp(workloads[i].name, name) == 0) return &workloads[i];
  return NULL;
}
