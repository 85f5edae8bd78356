/* A growable run of bytes, and a view into somebody else's. */
#ifndef BENCH_BYTES_H
#define BENCH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty and owns nothing. */
typedef struct {
  uint8_t *data;
  size_t count;
  size_t capacity;
} bytes_t;

/* Makes room for `more` bytes behind `count`; memory that runs out ends the program. */
void bytes_reserve(bytes_t *bytes, size_t more);
void bytes_append(bytes_t *bytes, const void *data, size_t count);
void bytes_append_text(bytes_t *bytes, const char *text);
void bytes_append_unsigned(bytes_t *bytes, uint64_t value);
/* Drops the first `count` bytes; what is behind them moves to the front. */
void bytes_drop_front(bytes_t *bytes, size_t count);
/* Gives the memory back; the value is empty again. */
void bytes_free(bytes_t *bytes);

/* Text that lives elsewhere; not terminated. */
typedef struct {
  const char *at;
  size_t count;
} slice_t;

bool slice_equals(slice_t slice, const char *text);
bool slice_ends_with(slice_t slice, const char *text);
bool slice_contains(slice_t slice, const char *text);

#endif
