#include "modes.h"

#include "../common/fail.h"
#include "channel.h"

#include <sys/epoll.h>

enum { BATCH = 512 };

static double per_connection(process_memory_t start, process_memory_t now, const options_t *options) {
  return ((double)now.resident_kb - (double)start.resident_kb) * 1024 / options->connections;
}

/* Keeps still for a time; what the server sends by itself is still read and checked. */
static void hold(client_t *clients, int epoll, const options_t *options, double seconds) {
  struct epoll_event ready[BATCH];
  uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
  for (uint64_t now; (now = now_ns()) < end;) {
    int count = epoll_wait(epoll, ready, BATCH, (int)((end - now) / 1000000 + 1));
    for (int i = 0; i < count; i++) client_receive(&clients[ready[i].data.u32], channel_take, (void *)options);
  }
}

/* One connection that comes and goes, so that what the server allocates once is not counted as theirs. */
static void warm_up(const options_t *options) {
  options_t one = *options;
  one.connections = 1;
  client_t *client = crowd_new(&one);
  crowd_connect(client, 0, &one);
  channel_join(client, &one);
  client_close(client);
}

static void exchange_events(client_t *clients, const options_t *options) {
  for (uint32_t i = 0; i < options->connections; i++) {
    client_t *client = &clients[i];
    while (client->progress.sent < options->max_events) {
      channel_queue_event(client, options);
      client_flush(client);
      while (channel_completed(client, options->completion) < client->progress.sent) {
        client_wait(client, options);
        client_receive(client, channel_take, (void *)options);
      }
    }
    bytes_free(&client->out);
  }
}

void run_idle(const options_t *options, report_t *report) {
  warm_up(options);
  client_t *clients = crowd_new(options);
  process_memory_t start = process_memory(options->pid);
  process_cpu_t cpu_start = process_cpu(options->pid);
  uint64_t begun = now_ns();
  for (uint32_t i = 0; i < options->connections; i++) crowd_connect(clients, i, options);
  process_memory_t connected = process_memory(options->pid);
  for (uint32_t i = 0; i < options->connections; i++) {
    channel_join(&clients[i], options);
    bytes_free(&clients[i].out);
  }
  uint64_t joined = now_ns();
  process_cpu_t cpu_joined = process_cpu(options->pid);
  int epoll = crowd_epoll(clients, options);
  hold(clients, epoll, options, options->seconds);
  process_memory_t idle = process_memory(options->pid);
  process_cpu_t cpu_idle = process_cpu(options->pid);

  report_add(report, "joins_per_s", options->connections / ((double)(joined - begun) / 1e9), 0);
  report_add_cpu(report, options, cpu_start, cpu_joined, options->connections);
  report_add(report, "start_kb", (double)start.resident_kb, 0);
  report_add(report, "resident_kb", (double)idle.resident_kb, 0);
  report_add(report, "anonymous_kb", (double)idle.anonymous_kb, 0);
  report_add(report, "connected_bytes", per_connection(start, connected, options), 0);
  report_add(report, "idle_bytes", per_connection(start, idle, options), 0);
  report_add(report, "idle_cpu_ms_per_s",
             options->seconds == 0 ? 0 : (double)(cpu_idle.cpu_ns - cpu_joined.cpu_ns) / 1e6 / options->seconds, 2);
  if (options->max_events != 0) {
    exchange_events(clients, options);
    report_add(report, "used_bytes", per_connection(start, process_memory(options->pid), options), 0);
  }
  for (uint32_t i = 0; i < options->connections; i++) client_close(&clients[i]);
  hold(clients, epoll, options, 1);
  report_add(report, "closed_bytes", per_connection(start, process_memory(options->pid), options), 0);
}
