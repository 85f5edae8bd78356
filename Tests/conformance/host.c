/* The conformance host: HOST --port N serves what the recordings were made against, so that they can be replayed.
 * With --certificate FILE and --key FILE over TLS.
 *
 * Prints "listening on http://127.0.0.1:PORT/" when it is ready and stops on SIGINT or SIGTERM.
 */
#define _POSIX_C_SOURCE 200809L
#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int host_add_pair(synq_server_t *server, const char *seance, const char *live_state, synq_channel_options_t *channel) {
  channel->dialect = SYNQ_DIALECT_SEANCE;
  int result = synq_server_channel(server, seance, channel);
  if (result != SYNQ_OK) return result;
  channel->dialect = SYNQ_DIALECT_LIVE_STATE;
  return synq_server_channel(server, live_state, channel);
}

const char *host_string(const synq_value_t *value, const char *pointer) {
  const char *text;
  return synq_value_get_string(value, pointer, &text, NULL) == SYNQ_OK ? text : "";
}

char *host_format(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *text = length < 0 ? NULL : malloc((size_t)length + 1);
  if (text == NULL) return NULL;
  va_start(arguments, format);
  vsnprintf(text, (size_t)length + 1, format, arguments);
  va_end(arguments);
  return text;
}

char *host_wrap(const char *before, const synq_value_t *payload, const char *after) {
  const char *text;
  if (synq_value_get_text(payload, "", &text, NULL) != SYNQ_OK) return NULL;
  return host_format("%s%s%s", before, text, after);
}

typedef struct late_reply {
  synq_deferred_t *deferred;
  unsigned delay_ms;
  const char *status;
  const char *text;
} late_reply_t;

static void *reply_late(void *argument) {
  late_reply_t *late = argument;
  struct timespec delay = {.tv_sec = late->delay_ms / 1000, .tv_nsec = (long)(late->delay_ms % 1000) * 1000000};
  nanosleep(&delay, NULL);
  (void)synq_deferred_reply_text(late->deferred, late->status, late->text, SYNQ_NUL_TERMINATED);
  free(late);
  return NULL;
}

int host_reply_later(synq_deferred_t *deferred, unsigned delay_ms, const char *status, const char *text) {
  late_reply_t *late = malloc(sizeof *late);
  pthread_t thread;
  if (late == NULL) return SYNQ_ENOMEM;
  *late = (late_reply_t){deferred, delay_ms, status, text};
  if (pthread_create(&thread, NULL, reply_late, late) != 0) {
    free(late);
    return SYNQ_ENOMEM;
  }
  pthread_detach(thread);
  return SYNQ_OK;
}

static void *stop_on_signal(void *server) {
  sigset_t signals;
  int signal;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigwait(&signals, &signal);
  (void)synq_server_stop(server, 1000);
  return NULL;
}

int main(int argc, char **argv) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_server_t *server = NULL;
  pthread_t thread;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && strcmp(argv[i], "--port") == 0) {
      options.port = (uint16_t)atoi(argv[i + 1]);
    } else if (i + 1 < argc && strcmp(argv[i], "--certificate") == 0) {
      options.tls_certificate = argv[i + 1];
    } else if (i + 1 < argc && strcmp(argv[i], "--key") == 0) {
      options.tls_key = argv[i + 1];
    } else {
      fprintf(stderr, "usage: %s [--port N] [--certificate FILE --key FILE]\n", argv[0]);
      return 2;
    }
  }

  options.metrics = "/metrics";
  options.health = "/health";
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);

  if (synq_server_new(&server, &options) || host_add_sockets(server) || host_add_plain(server) ||
      host_add_states(server) || host_add_lifecycles(server) || host_add_ledger(server) || host_add_presence(server) ||
      host_add_board(server) || synq_server_start(server)) {
    fprintf(stderr, "conformance host: %s\n", synq_error_message());
    synq_server_free(server);
    return 1;
  }
  printf("listening on http%s://127.0.0.1:%d/\n", options.tls_certificate == NULL ? "" : "s", synq_server_port(server));
  fflush(stdout);
  if (pthread_create(&thread, NULL, stop_on_signal, server) != 0) return 1;
  (void)synq_server_run(server);
  pthread_join(thread, NULL);
  synq_server_free(server);
  host_free_ledger();
  return 0;
}
