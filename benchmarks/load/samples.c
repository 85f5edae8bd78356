#include "samples.h"

#include "../common/fail.h"

#include <math.h>
#include <stdlib.h>

void samples_add(samples_t *samples, uint64_t ns) {
  if (samples->count == samples->capacity) {
    size_t capacity = samples->capacity ? samples->capacity * 2 : 1u << 16;
    uint64_t *grown = realloc(samples->ns, capacity * sizeof *grown);
    if (grown == NULL) fail("out of memory for %zu latencies", capacity);
    samples->ns = grown;
    samples->capacity = capacity;
  }
  samples->ns[samples->count++] = ns;
}

static int compare(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

void samples_sort(samples_t *samples) {
  if (samples->count != 0) qsort(samples->ns, samples->count, sizeof *samples->ns, compare);
}

double samples_at_us(const samples_t *samples, double fraction) {
  if (samples->count == 0) return 0;
  size_t rank = (size_t)ceil(fraction * (double)samples->count);
  return (double)samples->ns[rank == 0 ? 0 : rank - 1] / 1000;
}

void samples_free(samples_t *samples) {
  free(samples->ns);
  *samples = (samples_t){0};
}
