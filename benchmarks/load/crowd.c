#include "modes.h"

#include "../common/fail.h"

#include <stdlib.h>
#include <sys/epoll.h>

client_t *crowd_new(const options_t *options) {
  client_t *clients = calloc(options->connections, sizeof *clients);
  if (clients == NULL) fail("out of memory for %u connections", options->connections);
  return clients;
}

void crowd_connect(client_t *clients, uint32_t number, const options_t *options) {
  struct in_addr source = {.s_addr = htonl(INADDR_LOOPBACK + number % options->sources)};
  clients[number].number = number;
  client_connect(&clients[number], options, source);
}

int crowd_epoll(client_t *clients, const options_t *options) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) fail_errno("epoll_create1");
  for (uint32_t i = 0; i < options->connections; i++) {
    struct epoll_event readable = {.events = EPOLLIN, .data.u32 = i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &readable) != 0) fail_errno("epoll_ctl");
  }
  return epoll;
}

measurement_t measurement_begin(const options_t *options) {
  return (measurement_t){.warm_until_ns = now_ns() + (uint64_t)(options->warm_seconds * 1e9)};
}

bool measurement_advance(measurement_t *measurement, const options_t *options) {
  uint64_t now = now_ns();
  if (measurement->phase == WARMING && now >= measurement->warm_until_ns) {
    measurement->phase = MEASURING;
    measurement->before = process_cpu(options->pid);
    measurement->own_cpu_before_ns = own_cpu_ns();
    measurement->begun_ns = now_ns();
    return true;
  }
  bool over = (double)(now - measurement->begun_ns) >= options->seconds * 1e9 ||
              (options->max_events != 0 && measurement->events >= options->max_events);
  if (measurement->phase == MEASURING && over) {
    measurement->phase = DRAINING;
    measurement->ended_ns = now;
    measurement->own_cpu_after_ns = own_cpu_ns();
    measurement->after = process_cpu(options->pid);
    return true;
  }
  return false;
}

double measurement_seconds(const measurement_t *measurement) {
  return (double)(measurement->ended_ns - measurement->begun_ns) / 1e9;
}
