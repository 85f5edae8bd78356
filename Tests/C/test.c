#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

atomic_int test_failures;

static const test_t *const tables[] = {argument_tests, value_tests,    part_tests,     patch_tests,   channel_tests,
                                       message_tests,  presence_tests, connect_tests,  depth_tests,   limit_tests,
                                       tls_tests,      deferred_tests, response_tests, lending_tests, lifetime_tests,
                                       delivery_tests, error_tests,    system_tests,   topic_tests};

struct gate {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int count;
};

gate_t *gate_new(void) {
  gate_t *gate = calloc(1, sizeof *gate);
  if (gate == NULL) abort();
  pthread_mutex_init(&gate->lock, NULL);
  pthread_cond_init(&gate->changed, NULL);
  return gate;
}

void gate_free(gate_t *gate) {
  pthread_cond_destroy(&gate->changed);
  pthread_mutex_destroy(&gate->lock);
  free(gate);
}

void gate_add(gate_t *gate) {
  pthread_mutex_lock(&gate->lock);
  gate->count++;
  pthread_cond_broadcast(&gate->changed);
  pthread_mutex_unlock(&gate->lock);
}

void gate_wait(gate_t *gate, int count) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 10;
  pthread_mutex_lock(&gate->lock);
  while (gate->count < count) {
    if (pthread_cond_timedwait(&gate->changed, &gate->lock, &end) != 0) {
      fprintf(stderr, "waited in vain: %d of %d\n", gate->count, count);
      exit(1);
    }
  }
  pthread_mutex_unlock(&gate->lock);
}

int gate_count(gate_t *gate) {
  pthread_mutex_lock(&gate->lock);
  int count = gate->count;
  pthread_mutex_unlock(&gate->lock);
  return count;
}

void count_destroy(void *gate) {
  gate_add(gate);
}

/* abi-tests          lists the names, one a line
 * abi-tests NAME...  runs these tests; "all" runs each */
int main(int argc, char **argv) {
  int ran = 0;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    for (const test_t *test = tables[i]; test->name != NULL; test++) {
      if (argc == 1) puts(test->name);
      for (int j = 1; j < argc; j++) {
        if (strcmp(argv[j], test->name) != 0 && strcmp(argv[j], "all") != 0) continue;
        int before = atomic_load(&test_failures);
        test->run();
        ran++;
        printf("%s %s\n", atomic_load(&test_failures) == before ? "ok  " : "FAIL", test->name);
        fflush(stdout);
      }
    }
  }
  if (argc > 1 && ran == 0) fprintf(stderr, "no such test\n");
  return argc > 1 && (ran == 0 || atomic_load(&test_failures) > 0) ? 1 : 0;
}
