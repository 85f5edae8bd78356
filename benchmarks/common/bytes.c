#include "bytes.h"

#include "fail.h"

#include <stdlib.h>
#include <string.h>

void bytes_reserve(bytes_t *bytes, size_t more) {
  if (bytes->capacity - bytes->count >= more) return;
  size_t capacity = bytes->capacity ? bytes->capacity * 2 : 256;
  while (capacity - bytes->count < more) capacity *= 2;
  uint8_t *data = realloc(bytes->data, capacity);
  if (data == NULL) fail("out of memory for %zu bytes", capacity);
  bytes->data = data;
  bytes->capacity = capacity;
}

void bytes_append(bytes_t *bytes, const void *data, size_t count) {
  if (count == 0) return;
  bytes_reserve(bytes, count);
  memcpy(bytes->data + bytes->count, data, count);
  bytes->count += count;
}

void bytes_append_text(bytes_t *bytes, const char *text) {
  bytes_append(bytes, text, strlen(text));
}

void bytes_append_unsigned(bytes_t *bytes, uint64_t value) {
  char digits[20];
  size_t first = sizeof digits;
  do {
    digits[--first] = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  bytes_append(bytes, digits + first, sizeof digits - first);
}

void bytes_drop_front(bytes_t *bytes, size_t count) {
  bytes->count -= count;
  if (bytes->count != 0) memmove(bytes->data, bytes->data + count, bytes->count);
}

void bytes_free(bytes_t *bytes) {
  free(bytes->data);
  *bytes = (bytes_t){0};
}

bool slice_equals(slice_t slice, const char *text) {
  return slice.count == strlen(text) && memcmp(slice.at, text, slice.count) == 0;
}

bool slice_ends_with(slice_t slice, const char *text) {
  size_t count = strlen(text);
  return slice.count >= count && memcmp(slice.at + slice.count - count, text, count) == 0;
}

bool slice_contains(slice_t slice, const char *text) {
  return slice.count != 0 && memmem(slice.at, slice.count, text, strlen(text)) != NULL;
}
