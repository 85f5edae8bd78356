#include "options.h"

#include "workload.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONNECTIONS = 100000, MAX_IN_FLIGHT = 1024, MAX_SOURCES = 250, PER_SOURCE = 1000 };

static const dialect_t dialects[] = {
    {"synq", "", "operations", true},
    {"seance", "seance:event:", "operations", false},
    {"live_state", "lvs_evt:", "patch", false},
};

static const char *const modes[] = {[MODE_LOOP] = "loop", [MODE_ROOM] = "room", [MODE_IDLE] = "idle"};
static const char *const completions[] = {
    [COMPLETE_BOTH] = "both", [COMPLETE_REPLY] = "reply", [COMPLETE_STATE] = "state"};

static const char usage[] =
    "usage: load --port PORT [options]\n"
    "\n"
    "Drives a Phoenix Channels server (serializer V2 over WebSocket) in a closed loop from one thread,\n"
    "checks every answer, and prints what it measured.\n"
    "\n"
    "  --port PORT          where the server listens, on 127.0.0.1\n"
    "  --pid PID            the server's process: measures its CPU and memory\n"
    "  --mode MODE          loop (default): each connection joins a topic of its own and keeps sending\n"
    "                       room: all join one topic, the first sends, delivery is counted at each\n"
    "                       idle: all join and keep still; memory per connection\n"
    "  --work NAME          counter (default), big, bigtext, room, shared or custom: topic, event, payload, checks\n"
    "  --connections N      1 (default) to 100000\n"
    "  --in-flight N        events that a connection sends ahead of the answers, 1 (default) to 1024\n"
    "  --seconds S          how long it measures (3)\n"
    "  --warm S             how long it runs before that (0.5)\n"
    "  --events N           ends after so many events too; in idle mode, events per connection\n"
    "  --complete WHAT      an event is answered by its reply, its state, or both (default)\n"
    "  --dialect NAME       synq (default), seance or live_state: the names on the wire\n"
    "  --max-version N      the version before 0 (1000); 0: the server never wraps\n"
    "  --topic T --event E --payload JSON   instead of the workload's own\n"
    "  --path PATH          of the upgrade (/socket/websocket?vsn=2.0.0)\n"
    "  --sources N          loopback addresses to connect from (one per 1000 connections)\n"
    "  --stall S            gives up when nothing arrives for so long (10)\n"
    "  --label TEXT         repeated in the output\n"
    "  --json               one line of JSON instead of text\n";

const char *mode_name(load_mode_t mode) {
  return modes[mode];
}

_Noreturn static void reject(const char *name, const char *value) {
  fprintf(stderr, "load: --%s does not take \"%s\"\n\n%s", name, value, usage);
  exit(2);
}

static uint64_t whole_number(const char *name, const char *text, uint64_t least, uint64_t most) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < least || value > most) reject(name, text);
  return value;
}

static double seconds(const char *name, const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= 0 && value <= 3600)) reject(name, text);
  return value;
}

static unsigned one_of(const char *name, const char *text, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], text) == 0) return (unsigned)i;
  reject(name, text);
}

static const dialect_t *dialect_named(const char *name, const char *text) {
  for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
    if (strcmp(dialects[i].name, text) == 0) return &dialects[i];
  reject(name, text);
}

static const workload_t *workload_named_or_reject(const char *name, const char *text) {
  const workload_t *workload = workload_named(text);
  if (workload == NULL) reject(name, text);
  return workload;
}

static const struct option long_options[] = {
    {"port", required_argument, NULL, 'p'},
    {"pid", required_argument, NULL, 'i'},
    {"mode", required_argument, NULL, 'm'},
    {"work", required_argument, NULL, 'w'},
    {"connections", required_argument, NULL, 'c'},
    {"in-flight", required_argument, NULL, 'f'},
    {"seconds", required_argument, NULL, 's'},
    {"warm", required_argument, NULL, 'a'},
    {"events", required_argument, NULL, 'e'},
    {"complete", required_argument, NULL, 'o'},
    {"dialect", required_argument, NULL, 'd'},
    {"max-version", required_argument, NULL, 'v'},
    {"topic", required_argument, NULL, 't'},
    {"event", required_argument, NULL, 'n'},
    {"payload", required_argument, NULL, 'y'},
    {"path", required_argument, NULL, 'r'},
    {"sources", required_argument, NULL, 'u'},
    {"stall", required_argument, NULL, 'x'},
    {"label", required_argument, NULL, 'l'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void take(options_t *options, int letter, const char *name, const char *value) {
  switch (letter) {
  case 'p':
    options->port = (uint16_t)whole_number(name, value, 1, UINT16_MAX);
    break;
  case 'i':
    options->pid = (pid_t)whole_number(name, value, 1, INT32_MAX);
    break;
  case 'm':
    options->mode = (load_mode_t)one_of(name, value, modes, 3);
    break;
  case 'w':
    options->workload = workload_named_or_reject(name, value);
    break;
  case 'c':
    options->connections = (uint32_t)whole_number(name, value, 1, MAX_CONNECTIONS);
    break;
  case 'f':
    options->in_flight = (uint32_t)whole_number(name, value, 1, MAX_IN_FLIGHT);
    break;
  case 's':
    options->seconds = seconds(name, value);
    break;
  case 'a':
    options->warm_seconds = seconds(name, value);
    break;
  case 'e':
    options->max_events = whole_number(name, value, 1, UINT64_MAX);
    break;
  case 'o':
    options->completion = (completion_t)one_of(name, value, completions, 3);
    break;
  case 'd':
    options->dialect = dialect_named(name, value);
    break;
  case 'v':
    options->max_version = whole_number(name, value, 0, UINT64_MAX);
    break;
  case 't':
    options->topic = value;
    break;
  case 'n':
    options->event = value;
    break;
  case 'y':
    options->payload = value;
    break;
  case 'r':
    options->path = value;
    break;
  case 'u':
    options->sources = (uint32_t)whole_number(name, value, 1, MAX_SOURCES);
    break;
  case 'x':
    options->stall_seconds = seconds(name, value);
    break;
  case 'l':
    options->label = value;
    break;
  case 'j':
    options->json = true;
    break;
  case 'h':
    fputs(usage, stdout);
    exit(0);
  default:
    fprintf(stderr, "\n%s", usage);
    exit(2);
  }
}

options_t options_parse(int count, char **arguments) {
  options_t options = {
      .label = "",
      .path = "/socket/websocket?vsn=2.0.0",
      .workload = workload_named("counter"),
      .dialect = &dialects[0],
      .connections = 1,
      .in_flight = 1,
      .max_version = 1000,
      .seconds = 3,
      .warm_seconds = 0.5,
      .stall_seconds = 10,
  };
  int letter, index = 0;
  while ((letter = getopt_long(count, arguments, "", long_options, &index)) != -1)
    take(&options, letter, long_options[index].name, optarg);
  if (optind != count || options.port == 0) {
    fprintf(stderr, "load: %s\n\n%s", optind != count ? "an argument too many" : "--port is missing", usage);
    exit(2);
  }
  if (options.mode == MODE_ROOM && options.in_flight != 1) reject("in-flight", "more than 1 in a room");
  if (options.sources == 0) options.sources = (options.connections - 1) / PER_SOURCE + 1;
  if (options.topic == NULL) options.topic = options.workload->topic;
  if (options.event == NULL) options.event = options.workload->event;
  return options;
}
