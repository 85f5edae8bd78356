/* The three ways to load a server. Each connects, measures, reports, and leaves the sockets to the exit. */
#ifndef LOAD_MODES_H
#define LOAD_MODES_H

#include "client.h"
#include "report.h"

/* Every connection keeps `in_flight` events unanswered on a topic of its own. */
void run_loop(const options_t *options, report_t *report);
/* All join one topic, the first says something, and says the next when every member has it. */
void run_room(const options_t *options, report_t *report);
/* All join and keep still; what that costs the server in memory, step by step. */
void run_idle(const options_t *options, report_t *report);

/* `options->connections` clients, not connected yet. */
client_t *crowd_new(const options_t *options);
/* Connects one; source addresses take turns. */
void crowd_connect(client_t *clients, uint32_t number, const options_t *options);
/* An epoll descriptor on which all of them are, each with its number as `data.u32`. */
int crowd_epoll(client_t *clients, const options_t *options);

/* The phases of a measurement: warming up, measuring, waiting for the last answers. */
typedef enum { WARMING, MEASURING, DRAINING } phase_t;

typedef struct {
  phase_t phase;
  uint64_t warm_until_ns;
  uint64_t begun_ns;
  uint64_t ended_ns;
  uint64_t events; /* counted while measuring */
  process_cpu_t before;
  process_cpu_t after;
  uint64_t own_cpu_before_ns;
  uint64_t own_cpu_after_ns;
} measurement_t;

measurement_t measurement_begin(const options_t *options);
/* Moves on to the next phase when its time, or the number of events, has come; true when it did. */
bool measurement_advance(measurement_t *measurement, const options_t *options);
double measurement_seconds(const measurement_t *measurement);

#endif
