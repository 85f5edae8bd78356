/* libsynq inside an event loop that the program owns: one thread, no locks, callbacks only when the loop asks for them.
 *
 *   cc epoll.c -o epoll $(pkg-config --cflags --libs synq) && ./epoll 4000
 *
 * Everybody on "counter:*" shares one count, which the program itself also raises once a second. The same works with
 * libuv, GLib or asyncio: watch synq_server_fd() and call synq_server_poll() when it is readable.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <synq.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int64_t count; /* touched by this one thread only, so it needs no lock */

static int show(synq_socket_t *socket) {
  return synq_socket_set_int(socket, "/count", count);
}

static int init(synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
  (void)topic, (void)params, (void)user;
  int result = synq_socket_subscribe(socket, "count");
  return result != SYNQ_OK ? result : show(socket);
}

static int handle_event(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)payload;
  if (strcmp(event, "inc") != 0) return synq_socket_reply_error(socket, "unknown_event", event, NULL);
  count++;
  return synq_server_publish_text(user, "count", "changed", "{}", SYNQ_NUL_TERMINATED);
}

static int handle_message(synq_socket_t *socket, const char *topic, const char *message, const synq_value_t *payload,
                          void *user) {
  (void)topic, (void)message, (void)payload, (void)user;
  return show(socket);
}

/* Watches a descriptor for input; the descriptor itself is what the loop gets back. */
static int watch(int epoll, int descriptor) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = descriptor}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

/* Serves until a signal has come and everything is closed. */
static int loop(synq_server_t *server, int signals) {
  const struct itimerspec each_second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
  int callbacks = synq_server_fd(server);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  int epoll = epoll_create1(0);
  int result = 1;
  if (callbacks < 0 || timer < 0 || epoll < 0 || timerfd_settime(timer, 0, &each_second, NULL) != 0 ||
      watch(epoll, callbacks) != 0 || watch(epoll, signals) != 0 || watch(epoll, timer) != 0) {
    goto done;
  }
  for (;;) {
    struct epoll_event ready[8];
    int number = epoll_wait(epoll, ready, 8, -1);
    if (number < 0 && errno != EINTR) goto done;
    for (int i = 0; i < number; i++) {
      uint64_t ticks;
      struct signalfd_siginfo signal;
      if (ready[i].data.fd == callbacks) {
        /* A bounded number, so that timer and signals get their turn; the descriptor stays readable for the rest. */
        int ran = synq_server_poll(server, 0, 64);
        if (ran == SYNQ_ECLOSED) result = 0;
        if (ran < 0) goto done;
      } else if (ready[i].data.fd == timer && read(timer, &ticks, sizeof ticks) == sizeof ticks) {
        count += (int64_t)ticks;
        synq_server_publish_text(server, "count", "changed", "{}", SYNQ_NUL_TERMINATED);
      } else if (ready[i].data.fd == signals && read(signals, &signal, sizeof signal) == sizeof signal) {
        synq_server_stop(server, 1000); /* the loop goes on until the last before_close has run */
      }
    }
  }
done:
  if (epoll >= 0) close(epoll);
  if (timer >= 0) close(timer);
  return result;
}

int main(int argc, char **argv) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGTERM);
  sigprocmask(SIG_BLOCK, &mask, NULL); /* before the library makes its threads, which inherit it */
  int signals = signalfd(-1, &mask, SFD_NONBLOCK);

  static const char *const track[] = {"count", NULL};
  synq_server_t *server = NULL;
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  options.port = argc > 1 ? (uint16_t)atoi(argv[1]) : 4000;
  options.delivery = SYNQ_POLLED;
  channel.track = track;
  channel.init = init;
  channel.handle_event = handle_event;
  channel.handle_message = handle_message;
  if (signals < 0 || synq_server_new(&server, &options) != SYNQ_OK) return 1;
  channel.user = server;
  if (synq_server_channel(server, "counter:*", &channel) || synq_server_start(server)) {
    fprintf(stderr, "epoll: %s\n", synq_error_message());
    synq_server_free(server);
    return 1;
  }
  printf("listening on http://127.0.0.1:%d/\n", synq_server_port(server));
  fflush(stdout);
  int result = loop(server, signals);
  synq_server_free(server);
  close(signals);
  return result;
}
