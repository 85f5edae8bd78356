#include "modes.h"

#include "../common/fail.h"
#include "channel.h"

#include <sys/epoll.h>

enum { BATCH = 512 };

typedef struct {
  const options_t *options;
  client_t *clients;
  measurement_t measurement;
  samples_t deliveries; /* until one member has the message */
  samples_t rounds;     /* until the last one has it */
  uint64_t said_at_ns;
  uint64_t bytes;
  uint32_t missing; /* members that do not have the message yet */
} room_t;

static void say(room_t *room) {
  client_t *speaker = &room->clients[0];
  channel_queue_event(speaker, room->options);
  /* What was said may be shown to all; only the speaker gets the reply. */
  for (uint32_t i = 1; i < room->options->connections; i++) room->clients[i].progress.sent = speaker->progress.sent;
  room->missing = room->options->connections;
  room->said_at_ns = now_ns();
  client_flush(speaker);
}

static bool has_message(const room_t *room, const client_t *client) {
  completion_t completion = client->number == 0 ? room->options->completion : COMPLETE_STATE;
  return channel_completed(client, completion) == client->progress.sent;
}

static void take_delivery(room_t *room, client_t *client) {
  bool had = has_message(room, client);
  uint64_t bytes = client->bytes_received;
  if (!client_receive(client, channel_take, (void *)room->options)) return;
  bool measuring = room->measurement.phase == MEASURING;
  if (measuring) room->bytes += client->bytes_received - bytes;
  if (had || !has_message(room, client)) return;
  uint64_t latency = now_ns() - room->said_at_ns;
  room->missing--;
  if (!measuring) return;
  samples_add(&room->deliveries, latency);
  if (room->missing == 0) {
    samples_add(&room->rounds, latency);
    room->measurement.events++;
  }
}

static void report_room(room_t *room, report_t *report) {
  const measurement_t *measurement = &room->measurement;
  double rounds = (double)measurement->events, deliveries = (double)room->deliveries.count;
  double seconds = measurement_seconds(measurement);
  if (measurement->events == 0) fail("no message reached everybody in %g s", room->options->seconds);
  report_add(report, "seconds", seconds, 3);
  report_add(report, "events", rounds, 0);
  report_add(report, "events_per_s", rounds / seconds, 1);
  report_add(report, "deliveries_per_s", deliveries / seconds, 0);
  report_add_latency(report, (const char *[]){"p50_us", "p99_us", "p99_9_us", "max_us"}, &room->rounds);
  report_add_latency(report,
                     (const char *[]){"delivery_p50_us", "delivery_p99_us", "delivery_p99_9_us", "delivery_max_us"},
                     &room->deliveries);
  report_add_cpu(report, room->options, measurement->before, measurement->after, deliveries);
  report_add(report, "load_cpu_us",
             (double)(measurement->own_cpu_after_ns - measurement->own_cpu_before_ns) / 1000 / deliveries, 3);
  report_add(report, "received_bytes", (double)room->bytes / deliveries, 1);
  report_add(report, "resident_kb", (double)process_memory(room->options->pid).resident_kb, 0);
}

void run_room(const options_t *options, report_t *report) {
  room_t room = {.options = options, .clients = crowd_new(options)};
  struct epoll_event ready[BATCH];
  for (uint32_t i = 0; i < options->connections; i++) {
    crowd_connect(room.clients, i, options);
    channel_join(&room.clients[i], options);
  }
  int epoll = crowd_epoll(room.clients, options);
  room.measurement = measurement_begin(options);
  say(&room);
  for (;;) {
    int count = epoll_wait(epoll, ready, BATCH, (int)(options->stall_seconds * 1000));
    if (count == 0)
      fail("%u members miss message %llu, and nothing came for %g s", room.missing,
           (unsigned long long)room.clients[0].progress.sent, options->stall_seconds);
    for (int i = 0; i < count; i++) take_delivery(&room, &room.clients[ready[i].data.u32]);
    if (room.missing != 0) continue;
    /* Between two messages, so that a measurement holds whole rounds only. */
    measurement_advance(&room.measurement, options);
    if (room.measurement.phase == DRAINING) break;
    say(&room);
  }
  report_room(&room, report);
  samples_free(&room.deliveries);
  samples_free(&room.rounds);
}
