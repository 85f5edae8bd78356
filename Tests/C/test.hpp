// What the tests of synq.hpp share: checks, a client, a log.
#ifndef TEST_HPP
#define TEST_HPP

#include <synq.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

extern "C" {
/* What client.c, the client of the C tests, has and needs. */
extern std::atomic<int> test_failures;
typedef struct client client_t;
client_t *client_new(int port);
client_t *client_open(int port, const char *fields);
int client_status(client_t *client);
void client_free(client_t *client);
void client_send(client_t *client, const char *text);
const char *client_receive(client_t *client, int *close_code);
void client_join(client_t *client, const char *topic);
const char *client_await(client_t *client, const char *text);
}

struct Test {
  const char *name; // says what holds
  void (*run)();
};

// One table for each file of tests.
extern const std::vector<Test> value_tests, failure_tests, server_tests;

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      test_failures++; \
    } \
  } while (0)

// Runs `body`, which must throw an Error of `code` whose text has `part`.
template <typename Body> void check_throws(int line, int code, const char *part, Body body) {
  try {
    body();
  } catch (const synq::Error &error) {
    if (error.code() == code && std::strstr(error.what(), part) != nullptr) return;
    std::fprintf(stderr, "line %d: threw %d \"%s\", wanted %d \"%s\"\n", line, error.code(), error.what(), code, part);
    test_failures++;
    return;
  }
  std::fprintf(stderr, "line %d: did not throw\n", line);
  test_failures++;
}
#define CHECK_THROWS(code, part, ...) check_throws(__LINE__, code, part, [&] { __VA_ARGS__; })

// A client of a server that has joined "t:1".
struct Client {
  explicit Client(const synq::Server &server) : raw(client_new(server.port())) {
    client_join(raw, "t:1");
  }
  ~Client() {
    client_free(raw);
  }
  Client(const Client &) = delete;
  Client &operator=(const Client &) = delete;
  void send(const char *event, const char *payload = "{}") {
    std::string text = std::string("[\"1\",\"9\",\"t:1\",\"") + event + "\"," + payload + "]";
    client_send(raw, text.c_str());
  }
  std::string await(const char *part) {
    const char *text = client_await(raw, part);
    return text == nullptr ? "(closed)" : text;
  }
  client_t *raw;
};

// The lines of a server's log, to wait for.
struct Log {
  std::mutex mutex;
  std::condition_variable changed;
  std::string lines;

  std::function<void(const synq_log_record_t &)> sink() {
    return [this](const synq_log_record_t &record) {
      std::lock_guard<std::mutex> lock(mutex);
      lines += record.message;
      for (const char *const *field = record.fields; *field != nullptr; field++) lines += std::string(" ") + *field;
      lines += "\n";
      changed.notify_all();
    };
  }
  bool await(const char *part) {
    std::unique_lock<std::mutex> lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [&] { return lines.find(part) != std::string::npos; });
  }
};

#endif
