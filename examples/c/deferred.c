/* Work that takes long, on threads of the program: the callback hands it over, and the client gets its answer later.
 *
 *   cc deferred.c -o deferred $(pkg-config --cflags --libs synq) -pthread && ./deferred 4000
 *
 * A channel of "work:*" knows two events, both with {"n": 30}, which ask for a Fibonacci number, found the slow way:
 *   reply    the answer comes in the reply, and the channel goes on meanwhile (SYNQ_DEFER_DETACHED)
 *   state    the answer comes in the state, and the channel waits for it (SYNQ_DEFER_IN_ORDER)
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <synq.h>

enum { THREADS = 2, MAX_WAITING = 100 };

typedef struct job {
  synq_socket_t *socket;
  synq_deferred_t *deferred;
  int64_t n;
  int into_state;
} job_t;

/* A queue of bounded length: who finds it full gets an error, and nothing piles up. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static job_t waiting[MAX_WAITING];
static size_t first, number;
static int closing;

static int64_t fibonacci(int64_t n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

/* Every job is finished exactly once. If its channel has ended by then, the calls give SYNQ_ECLOSED and do nothing. */
static void run(const job_t *job) {
  int64_t result = fibonacci(job->n);
  if (!job->into_state) {
    (void)synq_deferred_reply(job->deferred, "ok", json_pack("{s:I}", "result", (json_int_t)result));
  } else if (synq_socket_set_int(job->socket, "/result", result) == SYNQ_OK) {
    (void)synq_deferred_finish(job->deferred); /* the reply goes out, then the patch, then the channel goes on */
  } else {
    (void)synq_deferred_crash(job->deferred, "the result was not stored");
  }
}

static void *work(void *unused) {
  pthread_mutex_lock(&lock);
  for (;;) {
    while (number == 0 && !closing) pthread_cond_wait(&changed, &lock);
    if (number == 0) break;
    job_t job = waiting[first];
    first = (first + 1) % MAX_WAITING;
    number--;
    pthread_mutex_unlock(&lock);
    run(&job);
    pthread_mutex_lock(&lock);
  }
  pthread_mutex_unlock(&lock);
  return unused;
}

/* Says whether there was room. */
static int add(const job_t *job) {
  pthread_mutex_lock(&lock);
  int fits = number < MAX_WAITING;
  if (fits) {
    waiting[(first + number++) % MAX_WAITING] = *job;
    pthread_cond_signal(&changed);
  }
  pthread_mutex_unlock(&lock);
  return fits;
}

static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  return synq_socket_assign(socket, "result", json_null());
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  job_t job = {.socket = socket, .into_state = strcmp(event, "state") == 0};
  (void)user;
  if (!job.into_state && strcmp(event, "reply") != 0) {
    return synq_socket_reply_error(socket, "unknown_event", event, NULL);
  }
  if (synq_value_get_int(payload, "/n", &job.n) != SYNQ_OK || job.n < 0 || job.n > 40) {
    return synq_socket_reply_error(socket, "bad_number", "n is an integer from 0 to 40", NULL);
  }
  int mode = job.into_state ? SYNQ_DEFER_IN_ORDER : SYNQ_DEFER_DETACHED;
  int result = synq_socket_defer(socket, mode, &job.deferred);
  if (result != SYNQ_OK) return result;
  /* From here on a thread may already be answering, even before this callback has returned. */
  if (!add(&job)) return synq_deferred_reply_error(job.deferred, "busy", "Try again later", NULL);
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
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);

  static const char *const track[] = {"result", NULL};
  synq_server_t *server = NULL;
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  options.port = argc > 1 ? (uint16_t)atoi(argv[1]) : 4000;
  channel.track = track;
  channel.init = init;
  channel.handle_event = handle_event;
  if (synq_server_new(&server, &options) || synq_server_channel(server, "work:*", &channel) ||
      synq_server_start(server)) {
    fprintf(stderr, "deferred: %s\n", synq_error_message());
    synq_server_free(server);
    return 1;
  }
  printf("listening on http://127.0.0.1:%d/\n", synq_server_port(server));
  fflush(stdout);

  pthread_t stopper, workers[THREADS];
  if (pthread_create(&stopper, NULL, stop_on_signal, server) != 0) return 1;
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&workers[i], NULL, work, NULL) != 0) return 1;
  }
  (void)synq_server_run(server);
  pthread_join(stopper, NULL);

  pthread_mutex_lock(&lock);
  closing = 1;
  /* Whoever was to get these answers is gone, but each is let go of by finishing it. */
  for (; number > 0; number--, first = (first + 1) % MAX_WAITING) {
    (void)synq_deferred_crash(waiting[first].deferred, "the server has stopped");
  }
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < THREADS; i++) pthread_join(workers[i], NULL);
  synq_server_free(server);
  return 0;
}
