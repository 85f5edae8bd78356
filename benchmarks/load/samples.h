/* Latencies, every one kept, so that a percentile is a measured value and not a bucket's edge. */
#ifndef LOAD_SAMPLES_H
#define LOAD_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty. */
typedef struct {
  uint64_t *ns;
  size_t count;
  size_t capacity;
} samples_t;

void samples_add(samples_t *samples, uint64_t ns);
/* Sorts; to be called before samples_at_us. */
void samples_sort(samples_t *samples);
/* The smallest latency that `fraction` of the samples do not exceed, in microseconds; 0 when there is none.
 */
double samples_at_us(const samples_t *samples, double fraction);
void samples_free(samples_t *samples);

#endif
