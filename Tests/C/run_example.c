/* Runs an example as a user would and talks to it: starts the program on a free port, joins, sends events, waits for what
 * must come, asks it to end by SIGTERM and looks at how it ended.
 *
 *   run-example NAME PROGRAM
 */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

atomic_int test_failures;

/* An event, and parts of the messages that follow it, in their order; a NULL event only waits. */
typedef struct step {
  const char *event, *payload;
  const char *parts[3];
} step_t;

typedef struct example {
  const char *name;
  const char *port_option; /* before the port; NULL when the port stands alone */
  const char *topic;
  int ends_by_signal; /* the program leaves SIGTERM its default effect */
  step_t steps[9];
} example_t;

static const example_t examples[] = {
    {"counter",
     NULL,
     "counter:1",
     1,
     {{NULL, NULL, {"{\"state\":{\"count\":0},\"version\":0}"}},
      {"inc",
       "{\"by\":5}",
       {"{\"status\":\"ok\",\"response\":{\"count\":5}}", "{\"op\":\"replace\",\"path\":\"/count\",\"value\":5}"}},
      {"what", "{}", {"unknown_event"}}}},
    {"demo",
     "--port",
     "room:1",
     0,
     {{NULL, NULL, {"\"members\":[{"}},
      {"inc", "{}", {"\"status\":\"ok\"", "\"/count\""}},
      {"say", "{\"text\":\"hello\"}", {"\"status\":\"ok\"", "hello"}}}},
    {"epoll",
     NULL,
     "counter:1",
     0,
     {{NULL, NULL, {"\"state\":{\"count\":"}}, {"inc", "{}", {"\"status\":\"ok\"", "\"/count\""}}}},
    {"deferred",
     NULL,
     "work:1",
     0,
     {{"reply", "{\"n\":10}", {"{\"result\":55}"}},
      {"state", "{\"n\":11}", {"\"status\":\"ok\"", "\"/result\",\"value\":89"}},
      {"reply", "{\"n\":99}", {"bad_number"}}}},
    {"todo-cpp",
     NULL,
     "todo:1",
     0,
     {{NULL, NULL, {"{\"items\":[],\"query\":\"\",\"found\":[]}"}},
      {"add",
       "{\"title\":\"milk\"}",
       {"{\"id\":1}", "{\"op\":\"add\",\"path\":\"/items/-\",\"value\":{\"id\":1,\"title\":\"milk\",\"done\":false}}"}},
      {"toggle", "{\"id\":1}", {"[{\"op\":\"replace\",\"path\":\"/items/0/done\",\"value\":true}]"}},
      {"search", "{\"query\":\"xy\"}", {"{\"op\":\"remove\",\"path\":\"/found/0\"}"}},
      {"search", "{\"query\":\"mi\"}", {"\"/found/-\",\"value\":1"}},
      {"add", "{}", {"empty_title"}},
      {"toggle", "{\"id\":7}", {"unknown_item"}},
      {"remove", "{\"id\":1}", {"\"status\":\"ok\"", "{\"op\":\"remove\",\"path\":\"/items/0\"}"}}}},
};

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static const example_t *find(const char *name) {
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
    if (strcmp(examples[i].name, name) == 0) return &examples[i];
  }
  fail("there is no such example");
  return NULL;
}

/* Starts the program; its first line says which port it took. */
static pid_t start(const example_t *example, const char *program, int *port) {
  int output[2];
  if (pipe(output) != 0) fail("pipe");
  pid_t child = fork();
  if (child == 0) {
    dup2(output[1], STDOUT_FILENO);
    close(output[0]);
    close(output[1]);
    if (example->port_option == NULL) execl(program, program, "0", (char *)NULL);
    execl(program, program, example->port_option, "0", (char *)NULL);
    _exit(127);
  }
  close(output[1]);
  FILE *lines = fdopen(output[0], "r");
  char line[256];
  if (child < 0 || lines == NULL || fgets(line, sizeof line, lines) == NULL ||
      sscanf(line, "listening on http://127.0.0.1:%d/", port) != 1) {
    fail("the example did not say where it listens");
  }
  return child; /* `lines` stays open, so that the child can go on writing */
}

static void converse(const example_t *example, client_t *client) {
  for (const step_t *step = example->steps; step->parts[0] != NULL; step++) {
    if (step->event != NULL) {
      char text[512];
      snprintf(text, sizeof text, "[\"1\",\"9\",\"%s\",\"%s\",%s]", example->topic, step->event, step->payload);
      client_send(client, text);
    }
    for (int i = 0; i < 3 && step->parts[i] != NULL; i++) {
      if (client_await(client, step->parts[i]) != NULL) continue;
      fprintf(stderr, "after \"%s\" came no message with %s\n", step->event ? step->event : "the join", step->parts[i]);
      test_failures++;
      return;
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 3) fail("usage: run-example NAME PROGRAM");
  const example_t *example = find(argv[1]);
  int port = 0, status = 0;
  pid_t child = start(example, argv[2], &port);
  client_t *client = client_new(port);
  client_join(client, example->topic);
  converse(example, client);
  kill(child, SIGTERM);
  client_free(client);
  if (waitpid(child, &status, 0) != child) fail("waitpid");
  CHECK(example->ends_by_signal ? WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM
                                : WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return test_failures == 0 ? 0 : 1;
}
