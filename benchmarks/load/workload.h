/* What the load generator says on a channel, and what the answers must show. */
#ifndef LOAD_WORKLOAD_H
#define LOAD_WORKLOAD_H

#include "../common/json.h"
#include "options.h"

/* The events of one connection, counted from 1. In a room the events are those of the first connection. */
typedef struct {
  uint64_t sent;
  uint64_t replied;
  uint64_t shown; /* the latest event whose effect the state has shown */
} progress_t;

typedef struct workload {
  const char *name;
  const char *topic; /* the number of the connection follows, in a room 0 */
  const char *event;
  /* The payload of a join by the connection `number`. */
  void (*append_join)(bytes_t *out, uint32_t number);
  /* The payload of the event `event`. */
  void (*append_payload)(bytes_t *out, uint64_t event);
  /* Moves `shown` on to the last event whose effect these operations, or this full state, show. False where
   * they are not what the events sent can have led to. A server may show several events in one message:
   * a state is a value, not a queue. */
  bool (*show_patch)(progress_t *progress, slice_t operations);
  bool (*show_state)(progress_t *progress, slice_t state);
} workload_t;

/* The workload of that name, or NULL. */
const workload_t *workload_named(const char *name);

#endif
