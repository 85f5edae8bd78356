/* What the system may refuse - threads, memory - and what a server writes to stderr. */
#define _GNU_SOURCE
#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------------------ threads */

static void there_are_only_so_many_threads(void) {
  static const uint32_t workers[] = {1025, UINT32_MAX}, loops[] = {257, UINT32_MAX};
  synq_server_t *server = NULL;
  for (int i = 0; i < 2; i++) {
    synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
    options.workers = workers[i];
    CHECK_CODE(SYNQ_EINVAL, "not in 1...1024", synq_server_new(&server, &options));
    options.workers = 0;
    options.loops = loops[i];
    CHECK_CODE(SYNQ_EINVAL, "not in 1...256", synq_server_new(&server, &options));
  }
  CHECK(server == NULL);
}

static void threads_that_cannot_be_made_are_told(void) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_server_t *server = NULL;
  pthread_attr_t usual, huge;
  options.workers = 8;
  CHECK(pthread_getattr_default_np(&usual) == 0 && pthread_attr_init(&huge) == 0);
  /* Stacks of which at most three fit into the address space. */
  CHECK(pthread_attr_setstacksize(&huge, (size_t)1 << 45) == 0 && pthread_setattr_default_np(&huge) == 0);
  CHECK_CODE(SYNQ_EIO, "workers: thread ", synq_server_new(&server, &options));
  CHECK(pthread_setattr_default_np(&usual) == 0);
  CHECK_OK(synq_server_new(&server, &options));
  CHECK_OK(synq_server_free(server));
  pthread_attr_destroy(&usual);
  pthread_attr_destroy(&huge);
}

/* All threads but this one block what a program may wait for by signalfd, whenever it begins to. */
static void threads_of_the_library_block_signals(void) {
  for (int delivery = SYNQ_WORKERS; delivery <= SYNQ_POLLED; delivery++) {
    synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
    synq_server_t *server = server_with(&channel, (synq_delivery_t)delivery);
    DIR *tasks = opendir("/proc/self/task");
    int others = 0;
    CHECK(tasks != NULL);
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
      char path[300], line[256];
      unsigned long long blocked = 0;
      if (task->d_name[0] == '.' || atoi(task->d_name) == (int)getpid()) continue;
      snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
      FILE *status = fopen(path, "r");
      if (status == NULL) continue; /* it has ended */
      while (fgets(line, sizeof line, status) != NULL) sscanf(line, "SigBlk: %llx", &blocked);
      fclose(status);
      const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGALRM, SIGPIPE};
      for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) CHECK(blocked >> (wanted[i] - 1) & 1);
      CHECK((blocked >> (SIGSEGV - 1) & 1) == 0);
      others++;
    }
    if (tasks != NULL) closedir(tasks);
    CHECK(others > 0);
    sigset_t here;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &here) == 0 && !sigismember(&here, SIGTERM));
    CHECK_OK(synq_server_free(server));
  }
}

static void descriptors_that_cannot_be_opened_are_told(void) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_server_t *server = NULL;
  struct rlimit usual, few;
  options.loops = 16;
  CHECK_OK(synq_server_new(&server, &options));
  CHECK(getrlimit(RLIMIT_NOFILE, &usual) == 0);
  few = usual;
  few.rlim_cur = 32;
  CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
  CHECK_CODE(SYNQ_EIO, "loops: 16 need 48 descriptors: ", synq_server_start(server));
  CHECK(setrlimit(RLIMIT_NOFILE, &usual) == 0);
  CHECK_OK(synq_server_start(server));
  CHECK_OK(synq_server_free(server));
}

/* ------------------------------------------------------------------------------------------------------- memory */

static int allowed, live;

static void *allocate(size_t size) {
  if (allowed == 0) return NULL;
  allowed--;
  live++;
  return malloc(size);
}

static void release(void *memory) {
  if (memory != NULL) live--;
  free(memory);
}

/* jansson gets less memory than the result needs: one allocation, two, and so on, until it is enough. */
static void out_of_memory_is_told(void) {
  json_t *from = json_object(), *out = NULL;
  json_t *to =
      json_pack("{s:[i,i,i,i,i,i,i,i,i,i], s:s, s:{s:n}}", "a", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "b", "text", "c", "d");
  json_malloc_t usual_malloc;
  json_free_t usual_free;
  int code = SYNQ_ENOMEM, budget = 0;
  json_get_alloc_funcs(&usual_malloc, &usual_free);
  json_set_alloc_funcs(allocate, release);
  for (; code == SYNQ_ENOMEM && budget < 1000; budget++) {
    allowed = budget;
    live = 0;
    code = synq_patch_diff(from, to, &out);
    if (code != SYNQ_OK) {
      CHECK_CODE(SYNQ_ENOMEM, "out of memory", code);
      CHECK(live == 0 && out == NULL);
    }
  }
  CHECK(code == SYNQ_OK && budget > 20);
  json_decref(out);
  CHECK(live == 0);
  json_set_alloc_funcs(usual_malloc, usual_free);
  json_decref(from);
  json_decref(to);
}

/* ------------------------------------------------------------------------------------------------------- stderr */

static int fail(synq_socket_t *socket, const char *event, const synq_value_t *payload, void *user) {
  (void)socket, (void)event, (void)payload, (void)user;
  return SYNQ_CRASH;
}

static void a_topic_cannot_forge_a_line_of_the_log(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = NULL;
  char text[4096] = "";
  int ends[2], usual = dup(STDERR_FILENO);
  channel.handle_event = fail;
  CHECK(usual >= 0 && pipe(ends) == 0);
  CHECK_OK(synq_server_new(&server, NULL));
  CHECK_OK(synq_server_channel(server, "t:*", &channel));
  CHECK_OK(synq_server_start(server));
  client_t *client = client_new(synq_server_port(server));
  client_join(client, "t:\\nsynq error: forged\\u001b[2J");
  dup2(ends[1], STDERR_FILENO);
  client_send(client, "[\"1\",\"2\",\"t:\\nsynq error: forged\\u001b[2J\",\"e\",{}]");
  int has_crashed = client_await(client, "phx_error") != NULL;
  client_free(client);
  int result = synq_server_free(server);
  dup2(usual, STDERR_FILENO);
  close(ends[1]);
  close(usual);
  size_t length = 0;
  ssize_t count;
  while ((count = read(ends[0], text + length, sizeof text - 1 - length)) > 0) length += (size_t)count;
  close(ends[0]);
  CHECK(has_crashed && result == SYNQ_OK);
  CHECK(strstr(text, "t:\\nsynq error: forged\\u{1B}[2J") != NULL);
  CHECK(strchr(text, '\n') == text + strlen(text) - 1);
}

const test_t system_tests[] = {
    {"there_are_only_so_many_threads", there_are_only_so_many_threads},
    {"threads_that_cannot_be_made_are_told", threads_that_cannot_be_made_are_told},
    {"threads_of_the_library_block_signals", threads_of_the_library_block_signals},
    {"descriptors_that_cannot_be_opened_are_told", descriptors_that_cannot_be_opened_are_told},
    {"out_of_memory_is_told", out_of_memory_is_told},
    {"a_topic_cannot_forge_a_line_of_the_log", a_topic_cannot_forge_a_line_of_the_log},
    {NULL, NULL},
};
