/* What a run measured, as text for people or as one line of JSON. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "options.h"
#include "process.h"
#include "samples.h"

#include <stddef.h>

/* The fields come out in the order in which they went in. */
typedef struct {
  struct {
    const char *name;
    double value;
    int decimals;
  } fields[48];
  size_t count;
} report_t;

/* The unit is the end of the name: `_us`, `_kb`, `_bytes`, `_per_s`. */
void report_add(report_t *report, const char *name, double value, int decimals);
/* PREFIXp50_us, p99, p99_9 and max. Sorts the samples. */
void report_add_latency(report_t *report, const char *names[4], samples_t *samples);
/* The server's CPU between two readings for each of `count` things: in all, user, system. Nothing without
 * --pid. */
void report_add_cpu(report_t *report, const options_t *options, process_cpu_t before, process_cpu_t after,
                    double count);
void report_print(const report_t *report, const options_t *options);

#endif
