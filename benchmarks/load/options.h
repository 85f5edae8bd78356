/* What the command line of the load generator asks for. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum { MODE_LOOP, MODE_ROOM, MODE_IDLE } load_mode_t;

/* When an event counts as answered. */
typedef enum { COMPLETE_BOTH, COMPLETE_REPLY, COMPLETE_STATE } completion_t;

/* The names that a line of servers puts on the wire. */
typedef struct {
  const char *name;
  const char *event_prefix;
  const char *operations;  /* the member of a patch payload that holds the operations */
  bool full_state_at_wrap; /* version 0 must be a full state, never a patch */
} dialect_t;

struct workload;

typedef struct {
  const char *label;
  const char *path;
  const char *topic;
  const char *event;
  const char *payload;
  const struct workload *workload;
  const dialect_t *dialect;
  load_mode_t mode;
  completion_t completion;
  pid_t pid;
  uint16_t port;
  uint32_t connections;
  uint32_t in_flight;
  uint32_t sources;
  uint64_t max_events;  /* 0: bounded by time alone */
  uint64_t max_version; /* 0: versions never wrap */
  double seconds;
  double warm_seconds;
  double stall_seconds;
  bool json;
} options_t;

/* Reads the command line; prints what is wrong with it and exits with 2. */
options_t options_parse(int count, char **arguments);

const char *mode_name(load_mode_t mode);

#endif
