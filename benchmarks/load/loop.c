#include "modes.h"

#include "../common/fail.h"
#include "channel.h"

#include <stdlib.h>
#include <sys/epoll.h>

enum { BATCH = 512 };

typedef struct {
  const options_t *options;
  client_t *clients;
  measurement_t measurement;
  samples_t samples;
  uint64_t outstanding;
} loop_t;

static void send_events(loop_t *loop, client_t *client, uint64_t count) {
  const options_t *options = loop->options;
  uint64_t now = now_ns();
  for (uint64_t i = 0; i < count; i++) {
    channel_queue_event(client, options);
    client->sent_at_ns[client->progress.sent % options->in_flight] = now;
  }
  loop->outstanding += count;
  client_flush(client);
}

static void take_answers(loop_t *loop, client_t *client) {
  const options_t *options = loop->options;
  uint64_t before = channel_completed(client, options->completion);
  if (!client_receive(client, channel_take, (void *)options)) return;
  uint64_t now = now_ns(), after = channel_completed(client, options->completion);
  loop->outstanding -= after - before;
  if (loop->measurement.phase == MEASURING) {
    loop->measurement.events += after - before;
    for (uint64_t event = before + 1; event <= after; event++)
      samples_add(&loop->samples, now - client->sent_at_ns[event % options->in_flight]);
  }
  if (loop->measurement.phase != DRAINING && after != before) send_events(loop, client, after - before);
}

static void start(loop_t *loop) {
  const options_t *options = loop->options;
  for (uint32_t i = 0; i < options->connections; i++) {
    client_t *client = &loop->clients[i];
    crowd_connect(loop->clients, i, options);
    channel_join(client, options);
    client->sent_at_ns = calloc(options->in_flight, sizeof *client->sent_at_ns);
    if (client->sent_at_ns == NULL) fail("out of memory");
  }
  loop->measurement = measurement_begin(options);
  for (uint32_t i = 0; i < options->connections; i++) send_events(loop, &loop->clients[i], options->in_flight);
}

typedef struct {
  uint64_t bytes;
  uint64_t state_messages;
} traffic_t;

static traffic_t traffic(const loop_t *loop) {
  traffic_t sum = {0};
  for (uint32_t i = 0; i < loop->options->connections; i++) {
    sum.bytes += loop->clients[i].bytes_received;
    sum.state_messages += loop->clients[i].state_messages;
  }
  return sum;
}

static void report_loop(loop_t *loop, report_t *report, traffic_t before, traffic_t after) {
  const measurement_t *measurement = &loop->measurement;
  double events = (double)measurement->events;
  if (measurement->events == 0) fail("no event was answered in %g s", loop->options->seconds);
  report_add(report, "seconds", measurement_seconds(measurement), 3);
  report_add(report, "events", events, 0);
  report_add(report, "events_per_s", events / measurement_seconds(measurement), 0);
  report_add_latency(report, (const char *[]){"p50_us", "p99_us", "p99_9_us", "max_us"}, &loop->samples);
  report_add_cpu(report, loop->options, measurement->before, measurement->after, events);
  report_add(report, "load_cpu_us",
             (double)(measurement->own_cpu_after_ns - measurement->own_cpu_before_ns) / 1000 / events, 3);
  report_add(report, "state_messages_per_event", (double)(after.state_messages - before.state_messages) / events, 3);
  report_add(report, "received_bytes", (double)(after.bytes - before.bytes) / events, 1);
  report_add(report, "resident_kb", (double)process_memory(loop->options->pid).resident_kb, 0);
}

/* Every event sent was answered, once, and the last state shows all of them. */
static void check_end(const loop_t *loop) {
  for (uint32_t i = 0; i < loop->options->connections; i++) {
    const client_t *client = &loop->clients[i];
    if (channel_completed(client, loop->options->completion) != client->progress.sent)
      fail("connection %u: %llu events sent, %llu answered", i, (unsigned long long)client->progress.sent,
           (unsigned long long)channel_completed(client, loop->options->completion));
  }
}

void run_loop(const options_t *options, report_t *report) {
  loop_t loop = {.options = options, .clients = crowd_new(options)};
  struct epoll_event ready[BATCH];
  traffic_t before = {0}, after = {0};
  start(&loop);
  int epoll = crowd_epoll(loop.clients, options);
  while (loop.measurement.phase != DRAINING || loop.outstanding != 0) {
    int count = epoll_wait(epoll, ready, BATCH, (int)(options->stall_seconds * 1000));
    if (count == 0)
      fail("%llu events unanswered, and nothing came for %g s", (unsigned long long)loop.outstanding,
           options->stall_seconds);
    for (int i = 0; i < count; i++) take_answers(&loop, &loop.clients[ready[i].data.u32]);
    if (measurement_advance(&loop.measurement, options))
      *(loop.measurement.phase == MEASURING ? &before : &after) = traffic(&loop);
  }
  check_end(&loop);
  report_loop(&loop, report, before, after);
  samples_free(&loop.samples);
}
