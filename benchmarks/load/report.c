#include "report.h"

#include "../common/fail.h"
#include "workload.h"

#include <stdio.h>

void report_add(report_t *report, const char *name, double value, int decimals) {
  if (report->count == sizeof report->fields / sizeof *report->fields) fail("a report of too many fields");
  report->fields[report->count].name = name;
  report->fields[report->count].value = value;
  report->fields[report->count++].decimals = decimals;
}

void report_add_latency(report_t *report, const char *names[4], samples_t *samples) {
  static const double fractions[] = {0.5, 0.99, 0.999, 1};
  samples_sort(samples);
  for (size_t i = 0; i < 4; i++) report_add(report, names[i], samples_at_us(samples, fractions[i]), 1);
}

void report_add_cpu(report_t *report, const options_t *options, process_cpu_t before, process_cpu_t after,
                    double count) {
  if (options->pid == 0 || count == 0) return;
  double cpu_us = (double)(after.cpu_ns - before.cpu_ns) / 1000 / count;
  double user = (double)(after.user_ticks - before.user_ticks);
  double ticks = user + (double)(after.system_ticks - before.system_ticks);
  report_add(report, "cpu_us", cpu_us, 3);
  if (ticks > 0) {
    report_add(report, "cpu_user_us", cpu_us * user / ticks, 3);
    report_add(report, "cpu_system_us", cpu_us * (1 - user / ticks), 3);
  }
}

static void print_string(const char *text) {
  putchar('"');
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\') putchar('\\');
    if ((unsigned char)*text >= ' ') putchar(*text);
  }
  putchar('"');
}

static void print_json(const report_t *report, const options_t *options) {
  fputs("{\"label\":", stdout);
  print_string(options->label);
  printf(",\"mode\":\"%s\",\"work\":\"%s\",\"dialect\":\"%s\",\"connections\":%u,\"in_flight\":%u",
         mode_name(options->mode), options->workload->name, options->dialect->name, options->connections,
         options->in_flight);
  for (size_t i = 0; i < report->count; i++)
    printf(",\"%s\":%.*f", report->fields[i].name, report->fields[i].decimals, report->fields[i].value);
  fputs("}\n", stdout);
}

void report_print(const report_t *report, const options_t *options) {
  if (options->json) {
    print_json(report, options);
  } else {
    printf("%s%s%s %s, %u connections, %u in flight\n", options->label, *options->label ? ": " : "",
           mode_name(options->mode), options->workload->name, options->connections, options->in_flight);
    for (size_t i = 0; i < report->count; i++)
      printf("  %-28s %14.*f\n", report->fields[i].name, report->fields[i].decimals, report->fields[i].value);
  }
  if (fflush(stdout) != 0) fail_errno("standard output");
}
