#include "process.h"

#include "../common/fail.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The start of a file under /proc/PID as text; false when it is gone. */
static int read_text(const char *path, char *text, size_t size) {
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  size_t count = fread(text, 1, size - 1, file);
  fclose(file);
  text[count] = '\0';
  return count != 0;
}

static uint64_t threads_cpu_ns(pid_t pid) {
  char path[320], text[128];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *threads = opendir(path);
  if (threads == NULL) fail("process %d is gone", (int)pid);
  uint64_t sum = 0;
  for (struct dirent *thread; (thread = readdir(threads)) != NULL;) {
    unsigned long long ns;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, thread->d_name);
    if (thread->d_name[0] != '.' && read_text(path, text, sizeof text) && sscanf(text, "%llu", &ns) == 1) sum += ns;
  }
  closedir(threads);
  return sum;
}

process_cpu_t process_cpu(pid_t pid) {
  process_cpu_t cpu = {0};
  char path[64], text[1024];
  unsigned long long user, system;
  if (pid == 0) return cpu;
  cpu.cpu_ns = threads_cpu_ns(pid);
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  const char *name_end = read_text(path, text, sizeof text) ? strrchr(text, ')') : NULL;
  if (name_end == NULL ||
      sscanf(name_end, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
    fail("process %d is gone", (int)pid);
  cpu.user_ticks = user;
  cpu.system_ticks = system;
  return cpu;
}

static uint64_t kilobytes(const char *text, const char *name) {
  unsigned long long value = 0;
  const char *line = strstr(text, name);
  if (line == NULL || sscanf(line + strlen(name), "%llu", &value) != 1) fail("no %s of the server in /proc", name);
  return value;
}

process_memory_t process_memory(pid_t pid) {
  process_memory_t memory = {0};
  char path[64], text[4096];
  if (pid == 0) return memory;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
  if (!read_text(path, text, sizeof text)) fail("process %d is gone", (int)pid);
  memory.resident_kb = kilobytes(text, "\nRss:");
  memory.anonymous_kb = kilobytes(text, "\nAnonymous:");
  return memory;
}

uint64_t own_cpu_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
