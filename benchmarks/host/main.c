/* The bench host: the channels of the load generator on libsynq.
 *
 *     host [--port N] [--delivery inline|workers]
 *
 * Prints "listening on 127.0.0.1:PORT" when it serves; SIGINT and SIGTERM stop it. */
#include "channels.h"

#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { STOP_MS = 2000 };

static int complain(void) {
  fprintf(stderr, "host: %s\n", synq_error_message());
  return EXIT_FAILURE;
}

static int add_channels(synq_server_t *server) {
  const struct {
    const char *pattern;
    synq_channel_options_t options;
  } channels[] = {{"counter:*", counter_channel()},
                  {"big:*", big_channel()},
                  {"bigtext:*", bigtext_channel()},
                  {"room:*", room_channel()},
                  {"shared:*", shared_channel()}};
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
    int result = synq_server_channel(server, channels[i].pattern, &channels[i].options);
    if (result != SYNQ_OK) return result;
  }
  return SYNQ_OK;
}

/* Serves until one of the signals comes. */
static int serve(synq_server_t *server, const sigset_t *ends) {
  int signal_number;
  if (synq_server_start(server) != SYNQ_OK) return complain();
  printf("listening on 127.0.0.1:%d\n", synq_server_port(server));
  fflush(stdout);
  sigwait(ends, &signal_number);
  if (synq_server_stop(server, STOP_MS) != SYNQ_OK || synq_server_wait(server, -1) != SYNQ_OK) return complain();
  return EXIT_SUCCESS;
}

/* The cores that this process may use: a loop for each, not for each that the machine has. */
static uint32_t cores(void) {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? (uint32_t)CPU_COUNT(&allowed) : 1;
}

static bool parse(int count, char **arguments, synq_server_options_t *options) {
  static const struct option known[] = {
      {"port", required_argument, NULL, 'p'}, {"delivery", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};
  for (int letter; (letter = getopt_long(count, arguments, "", known, NULL)) != -1;) {
    char *end = NULL;
    unsigned long port;
    if (letter == 'p' && (port = strtoul(optarg, &end, 10)) <= UINT16_MAX && *end == '\0')
      options->port = (uint16_t)port;
    else if (letter == 'd' && strcmp(optarg, "inline") == 0)
      options->delivery = SYNQ_INLINE;
    else if (letter == 'd' && strcmp(optarg, "workers") == 0)
      options->delivery = SYNQ_WORKERS;
    else
      return false;
  }
  return optind == count;
}

int main(int count, char **arguments) {
  /* The idle run holds more connections than one address is allowed by default. */
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  limits.max_connections = limits.max_connections_per_address = 100000;
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  options.limits = &limits;
  options.loops = cores();
  synq_mount_options_t mount = SYNQ_MOUNT_OPTIONS_INIT;
  static const char *const any_origin[] = {"*", NULL};
  mount.origins = any_origin;
  if (!parse(count, arguments, &options)) {
    fputs("usage: host [--port N] [--delivery inline|workers]\n", stderr);
    return 2;
  }
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  /* Waited for on this thread alone, so blocked before the library starts its own. */
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, NULL);
  synq_server_t *server = NULL;
  int status = EXIT_FAILURE;
  if (synq_server_new(&server, &options) != SYNQ_OK || add_channels(server) != SYNQ_OK ||
      synq_server_mount(server, "/socket", &mount) != SYNQ_OK)
    complain();
  else
    status = serve(server, &ends);
  if (synq_server_free(server) != SYNQ_OK) return complain();
  return status;
}
