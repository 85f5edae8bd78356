/* Reading JSON in place: enough to check what a server sent, without a tree.
 *
 * A value is a slice of the text it stands in. Nothing is unescaped: the names and the text that the
 * benchmarks compare are plain ASCII on both sides. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include "bytes.h"

/* A walk over the elements of an array or the members of an object. */
typedef struct {
  const char *at;
  const char *end;
  bool first;
  bool failed;
} json_walk_t;

/* Starts at the opening bracket of `array` or the brace of `object`. */
json_walk_t json_walk(slice_t container);
/* The next element; false at the end, and with `failed` set where the text is no JSON. */
bool json_next_element(json_walk_t *walk, slice_t *value);
/* The next member; `name` without its quotes. */
bool json_next_member(json_walk_t *walk, slice_t *name, slice_t *value);

/* The member `name` of an object. */
bool json_member(slice_t object, const char *name, slice_t *value);
/* A non-negative decimal integer that fits. */
bool json_unsigned(slice_t value, uint64_t *number);
/* A string equal to `text`. */
bool json_is_string(slice_t value, const char *text);
/* What stands between the quotes of a string. */
bool json_string(slice_t value, slice_t *text);

/* A Phoenix V2 message, `[join_ref, ref, topic, event, payload]`, each as its JSON text. */
typedef struct {
  slice_t join_ref;
  slice_t ref;
  slice_t topic;
  slice_t event;
  slice_t payload;
} message_t;

bool message_parse(slice_t text, message_t *message);

#endif
