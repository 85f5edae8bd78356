#include "json.h"

#include <string.h>

static const char *skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

/* Behind the closing quote of the string at `at`, or NULL. */
static const char *skip_string(const char *at, const char *end) {
  for (at++; at < end; at++) {
    if (*at == '"') return at + 1;
    if (*at == '\\') at++;
  }
  return NULL;
}

/* Behind the value at `at`, or NULL. Brackets are counted, not matched by kind: a server that mixes them
 * up is found by the checks on what the value holds. */
static const char *skip_value(const char *at, const char *end) {
  size_t depth = 0;
  while (at < end) {
    switch (*at) {
    case '"':
      if ((at = skip_string(at, end)) == NULL) return NULL;
      break;
    case '[':
    case '{':
      depth++;
      at++;
      continue;
    case ']':
    case '}':
      if (depth == 0) return NULL;
      depth--;
      at++;
      break;
    case ',':
    case ':':
    case ' ':
    case '\t':
    case '\n':
    case '\r':
      if (depth == 0) return NULL;
      at++;
      continue;
    case '\0': /* which strchr() finds in every set */
      return NULL;
    default:
      while (at < end && strchr(",:]} \t\r\n", *at) == NULL) at++;
    }
    if (depth == 0) return at;
  }
  return NULL;
}

json_walk_t json_walk(slice_t container) {
  const char *end = container.at + container.count;
  json_walk_t walk = {.at = skip_space(container.at, end), .end = end, .first = true};
  if (walk.at == end || (*walk.at != '[' && *walk.at != '{'))
    walk.failed = true;
  else
    walk.at++;
  return walk;
}

/* Steps over the comma before the next entry; false at the closing bracket. */
static bool next_entry(json_walk_t *walk) {
  if (walk->failed) return false;
  walk->at = skip_space(walk->at, walk->end);
  if (walk->at < walk->end && (*walk->at == ']' || *walk->at == '}')) return false;
  if (!walk->first) {
    if (walk->at == walk->end || *walk->at != ',') {
      walk->failed = true;
      return false;
    }
    walk->at = skip_space(walk->at + 1, walk->end);
  }
  walk->first = false;
  return true;
}

static bool take_value(json_walk_t *walk, slice_t *value) {
  const char *end = skip_value(walk->at, walk->end);
  if (end == NULL) {
    walk->failed = true;
    return false;
  }
  *value = (slice_t){walk->at, (size_t)(end - walk->at)};
  walk->at = end;
  return true;
}

bool json_next_element(json_walk_t *walk, slice_t *value) {
  return next_entry(walk) && take_value(walk, value);
}

bool json_next_member(json_walk_t *walk, slice_t *name, slice_t *value) {
  if (!next_entry(walk) || !take_value(walk, name)) return false;
  walk->at = skip_space(walk->at, walk->end);
  if (!json_string(*name, name) || walk->at == walk->end || *walk->at != ':') {
    walk->failed = true;
    return false;
  }
  walk->at = skip_space(walk->at + 1, walk->end);
  return take_value(walk, value);
}

bool json_member(slice_t object, const char *name, slice_t *value) {
  json_walk_t walk = json_walk(object);
  slice_t key;
  while (json_next_member(&walk, &key, value))
    if (slice_equals(key, name)) return true;
  return false;
}

bool json_unsigned(slice_t value, uint64_t *number) {
  uint64_t sum = 0;
  if (value.count == 0 || value.count > 19) return false;
  for (size_t i = 0; i < value.count; i++) {
    if (value.at[i] < '0' || value.at[i] > '9') return false;
    sum = sum * 10 + (uint64_t)(value.at[i] - '0');
  }
  *number = sum;
  return true;
}

bool json_string(slice_t value, slice_t *text) {
  if (value.count < 2 || value.at[0] != '"') return false;
  *text = (slice_t){value.at + 1, value.count - 2};
  return true;
}

bool json_is_string(slice_t value, const char *text) {
  return json_string(value, &value) && slice_equals(value, text);
}

bool message_parse(slice_t text, message_t *message) {
  json_walk_t walk = json_walk(text);
  return json_next_element(&walk, &message->join_ref) && json_next_element(&walk, &message->ref) &&
         json_next_element(&walk, &message->topic) && json_next_element(&walk, &message->event) &&
         json_next_element(&walk, &message->payload);
}
