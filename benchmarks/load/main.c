/* A closed-loop load generator for Phoenix Channels servers; `load --help` says what it does. */
#include "modes.h"

#include "../common/fail.h"

#include <stdlib.h>
#include <sys/resource.h>

enum { OTHER_FILES = 64 };

/* Each connection is a descriptor; the soft limit is often 1024. */
static void allow_files(uint32_t connections) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail_errno("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail_errno("setrlimit");
  if (limit.rlim_cur < connections + OTHER_FILES)
    fail("%u connections need a limit of %u open files, and it is %llu (ulimit -Hn)", connections,
         connections + OTHER_FILES, (unsigned long long)limit.rlim_cur);
}

int main(int count, char **arguments) {
  options_t options = options_parse(count, arguments);
  report_t report = {0};
  allow_files(options.connections);
  switch (options.mode) {
  case MODE_LOOP:
    run_loop(&options, &report);
    break;
  case MODE_ROOM:
    run_room(&options, &report);
    break;
  case MODE_IDLE:
    run_idle(&options, &report);
    break;
  }
  report_print(&report, &options);
  return EXIT_SUCCESS;
}
