// synq.hpp: what it adds to synq.h. One test for each line of the table at the end, run by name.
#include <synq.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>

extern "C" {
/* What client.c, the client of the C tests, has and needs. */
std::atomic<int> test_failures;
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

namespace {

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

void a_json_owns_its_value() {
  synq::Json a = synq::Json::object({{"n", 1}, {"list", synq::Json::array({nullptr, true, 2.5, "x"})}});
  CHECK(a.text() == R"({"n":1,"list":[null,true,2.5,"x"]})");
  CHECK(json_object_get(a.get(), "list")->refcount == 1);
  synq::Json b = std::move(a);
  CHECK(!a && b);
  CHECK(b == synq::Json::parse(b.text()));
  json_t *raw = b.release();
  CHECK(raw->refcount == 1);
  json_decref(raw);
  CHECK_THROWS(SYNQ_EJSON, "", synq::Json::parse("{"));
  CHECK_THROWS(SYNQ_EJSON, "", synq::Json("\xff"));
  CHECK_THROWS(SYNQ_ETYPE, "not an array", synq::Json(1).append(2));
}

void the_patch_engine_throws_what_it_says() {
  synq::Json from = synq::Json::parse(R"({"a":1})"), to = synq::Json::parse(R"({"a":2})");
  synq::Json patch = synq::diff(from, to);
  CHECK(patch.text() == R"([{"op":"replace","path":"/a","value":2}])");
  CHECK(synq::apply(from, patch) == to);
  CHECK_THROWS(SYNQ_EPATCH, "/b", synq::apply(from, synq::Json::parse(R"([{"op":"remove","path":"/b"}])")));
}

void values_are_read_and_edited_by_type() {
  synq::Server server;
  synq::Callbacks callbacks;
  callbacks.init = [](synq::Socket socket, std::string_view topic, synq::Value) {
    socket.assign("topic", topic);
    socket.assign("items", synq::Text{"[]"});
  };
  callbacks.handle_event = [](synq::Socket socket, std::string_view event, synq::Value payload) {
    CHECK(event == "read");
    CHECK(payload.kind() == SYNQ_OBJECT && payload.size() == 5);
    CHECK(payload.get<int64_t>("/i") == 7 && payload.get<double>("/r") == 1.5 && payload.get<bool>("/b"));
    CHECK(payload.get<std::string>("/s") == "text" && payload.get<std::string_view>("/s") == "text");
    CHECK(payload.get<synq::Json>("/a") == synq::Json::array({1}));
    CHECK(payload.text("/a") == "[1]");
    CHECK(!payload.find<int64_t>("/none") && payload.has("/i") && !payload.has("/none"));
    CHECK_THROWS(SYNQ_ENOTFOUND, "/none: is missing", (void)socket.assigns().get<int64_t>("/none"));
    CHECK_THROWS(SYNQ_ETYPE, "/topic: expected an integer, got a string",
                 (void)socket.assigns().find<int64_t>("/topic"));
    CHECK_THROWS(SYNQ_EPOINTER, "", (void)payload.get<int64_t>("no-slash"));
    socket.append("/items", 1);
    socket.insert("/items/0", "first");
    socket.set("/topic", nullptr);
    CHECK(socket.assigns().text() == R"({"topic":null,"items":["first",1]})");
    CHECK(socket.increment("/items/1", 4) == 5);
    socket.remove("/items/0");
    socket.push("pushed", synq::Json::object({{"a", 1}}));
    socket.push("pushed_text", synq::Text{"[2]"});
    socket.reply("fine", socket.assigns().get<synq::Json>("/items"));
  };
  server.channel("t:*", {{"topic", "items"}}, callbacks);
  server.start();
  Client client(server);
  client.send("read", R"({"i":7,"r":1.5,"b":true,"s":"text","a":[1]})");
  CHECK(client.await("pushed").find(R"("pushed",{"a":1})") != std::string::npos);
  CHECK(client.await("pushed_text").find("[2]") != std::string::npos);
  CHECK(client.await("phx_reply").find(R"({"status":"fine","response":[5]})") != std::string::npos);
}

struct Thrower : synq::Channel {
  void handle_event(synq::Socket socket, std::string_view event, synq::Value) override {
    if (event == "declared") throw synq::ClientError("no", "Not today", synq::Json::object({{"day", 1}}));
    if (event == "runtime") throw std::runtime_error("the disk is full");
    if (event == "other") throw 42;
    if (event == "late") {
      socket.reply("ok");
      throw std::runtime_error("never told");
    }
    if (event == "library") socket.remove("/none");
    Channel::handle_event(socket, event, synq::Value(nullptr));
  }
};

void a_client_error_is_the_answer_and_the_channel_goes_on() {
  synq::Server server;
  server.channel("t:*", {}, std::make_shared<Thrower>());
  server.start();
  Client client(server);
  client.send("declared");
  std::string reply = client.await("phx_reply");
  CHECK(reply.find(R"("status":"error")") != std::string::npos);
  CHECK(reply.find(R"("code":"no","message":"Not today","details":{"day":1})") != std::string::npos);
  client.send("what");
  CHECK(client.await("phx_reply").find("unknown_event") != std::string::npos);
}

void crashes(const char *event, const char *logged) {
  Log log;
  synq::ServerOptions options;
  options.log = log.sink();
  synq::Server server(options);
  server.channel("t:*", {}, std::make_shared<Thrower>());
  server.start();
  Client client(server);
  client.send(event);
  CHECK(client.await("phx_error") != "(closed)");
  CHECK(log.await(logged));
  CHECK(server.stats().crashes == 1);
}

void an_exception_crashes_the_channel_with_its_text_in_the_log() {
  crashes("runtime", "the disk is full");
}
void any_exception_is_caught() {
  crashes("other", "no std::exception");
}
void an_error_of_a_call_crashes_with_its_text() {
  crashes("library", "/none");
}
void an_exception_after_a_reply_crashes_too() {
  crashes("late", "never told");
}

void a_payload_that_is_not_as_expected_is_answered() {
  synq::Server server;
  synq::Callbacks callbacks;
  callbacks.handle_event = [](synq::Socket, std::string_view event, synq::Value payload) {
    if (event == "size") (void)payload.size("/s");
    if (event == "kind") (void)payload.kind("/none");
    if (event == "text") (void)payload.text("/none");
    if (event == "bytes") (void)payload.bytes();
    if (event == "find") (void)payload.find<bool>("/s");
    if (event == "get") (void)payload.get<int64_t>("/s");
  };
  server.channel("t:*", {}, callbacks);
  server.start();
  Client client(server);
  const char *const missing = R"("message":"/none: is missing","details":{"path":"/none"})";
  const char *const cases[][2] = {
      {"get", R"("message":"/s: expected an integer, got a string","details":{"path":"/s"})"},
      {"find", R"("message":"/s: expected a boolean, got a string","details":{"path":"/s"})"},
      {"size", R"("message":"/s: expected an array or an object, got a string","details":{"path":"/s"})"},
      {"bytes", R"("message":"value: is not binary","details":{"path":""})"},
      {"kind", missing},
      {"text", missing},
  };
  for (const auto &[event, told] : cases) {
    client.send(event, R"({"s":"text"})");
    std::string reply = client.await("phx_reply");
    CHECK(reply.find(R"("code":"invalid_payload",)") != std::string::npos);
    CHECK(reply.find(told) != std::string::npos);
  }
  CHECK(server.stats().crashes == 0);
}

void what_connect_and_check_origin_throw_is_logged() {
  Log log;
  synq::ServerOptions options;
  synq::MountOptions mount;
  options.log = log.sink(); // at its default level
  mount.check_origin = [](std::string_view origin) -> bool {
    if (origin == "https://bad.example") throw std::runtime_error("the list is lost");
    return true;
  };
  mount.connect = [](synq::Connection, synq::Value params) {
    if (params.get<std::string>("/name") == "me") throw std::runtime_error("the database is gone");
  };
  synq::Server server(options);
  server.mount("/socket", mount);
  server.start();
  for (const auto &[field, logged] : {std::make_pair("Origin: https://bad.example\r\n", "the list is lost"),
                                      std::make_pair("", "the database is gone")}) {
    client_t *client = client_open(server.port(), field);
    CHECK(client_status(client) == 500);
    CHECK(log.await(logged));
    client_free(client);
  }
}

void authorize_refuses_by_throwing() {
  synq::Server server;
  synq::Callbacks callbacks;
  callbacks.authorize = [](synq::Socket, std::string_view, synq::Value params) {
    if (!params.find<bool>("/in").value_or(false)) throw synq::ClientError("stay_out");
  };
  server.channel("t:*", {}, callbacks);
  server.start();
  client_t *client = client_new(server.port());
  client_send(client, R"(["1","1","t:1","phx_join",{}])");
  const char *reply = client_receive(client, nullptr);
  CHECK(reply != nullptr && std::strstr(reply, "stay_out") != nullptr);
  client_send(client, R"(["2","2","t:1","phx_join",{"in":true}])");
  reply = client_receive(client, nullptr);
  CHECK(reply != nullptr && std::strstr(reply, R"("status":"ok")") != nullptr);
  client_free(client);
}

void a_deferred_answers_from_another_thread_and_crashes_when_dropped() {
  Log log;
  synq::ServerOptions options;
  options.log = log.sink();
  synq::Server server(options);
  std::thread worker;
  synq::Callbacks callbacks;
  callbacks.handle_event = [&](synq::Socket socket, std::string_view event, synq::Value) {
    synq::Deferred deferred = socket.defer();
    if (event == "drop") return;
    worker = std::thread([deferred = std::move(deferred)]() mutable {
      CHECK(deferred.is_open());
      deferred.reply("ok", synq::Json::object({{"from", "afar"}}));
      CHECK(!deferred.is_open());
      CHECK_THROWS(SYNQ_ECLOSED, "finished", deferred.finish());
    });
  };
  server.channel("t:*", {}, callbacks);
  server.start();
  Client client(server);
  client.send("work");
  CHECK(client.await("phx_reply").find(R"({"from":"afar"})") != std::string::npos);
  worker.join();
  client.send("drop");
  CHECK(client.await("phx_error") != "(closed)");
  CHECK(log.await("a deferred response was dropped"));
}

void a_deferred_answer_that_fails_can_be_given_again() {
  synq::Server server;
  synq::Callbacks callbacks;
  callbacks.handle_event = [](synq::Socket socket, std::string_view, synq::Value) {
    synq::Deferred deferred = socket.defer();
    CHECK_THROWS(SYNQ_EJSON, "text", deferred.reply("ok", synq::Text{"{bad"}));
    CHECK_THROWS(SYNQ_EINVAL, "NUL", deferred.reply(std::string("o\0k", 3)));
    CHECK(deferred.is_open());
    deferred.reply("ok", synq::Text{"{\"n\":1}"});
    CHECK(!deferred.is_open());
  };
  server.channel("t:*", {}, callbacks);
  server.start();
  Client client(server);
  client.send("work");
  CHECK(client.await("phx_reply").find(R"({"n":1})") != std::string::npos);
}

void what_is_thrown_after_a_defer_is_the_cause() {
  Log log;
  synq::ServerOptions options;
  options.log = log.sink();
  synq::Server server(options);
  synq::Callbacks callbacks;
  callbacks.handle_event = [](synq::Socket socket, std::string_view, synq::Value payload) {
    synq::Deferred deferred = socket.defer_detached();
    payload.get<int64_t>("/n");
  };
  server.channel("t:*", {}, callbacks);
  server.start();
  Client client(server);
  client.send("work");
  CHECK(client.await("phx_error") != "(closed)");
  CHECK(log.await("/n"));
}

void what_before_close_throws_is_logged_and_no_cause_of_another() {
  Log log;
  synq::ServerOptions options;
  options.delivery = SYNQ_INLINE;
  options.loops = 1;
  options.log = log.sink();
  synq::Server server(options);
  synq::Callbacks callbacks;
  callbacks.before_close = [](synq::Socket, std::string_view) { throw std::runtime_error("no farewell"); };
  callbacks.handle_event = [](synq::Socket, std::string_view event, synq::Value) {
    if (event == "note")
      synq_crash("a cause that was noted and not returned");
    else
      throw synq::Error(SYNQ_CRASH);
  };
  server.channel("t:*", {}, callbacks);
  server.start();
  Client client(server);
  client.send("phx_leave");
  client.await("phx_close");
  CHECK(log.await("callback before_close cause no farewell"));
  CHECK(server.stats().crashes == 1);
  Client other(server);
  other.send("note");
  other.await("phx_reply");
  other.send("crash");
  CHECK(other.await("phx_error") != "(closed)");
  CHECK(log.await("event crash"));
  std::lock_guard<std::mutex> lock(log.mutex);
  CHECK(log.lines.find("noted and not returned") == std::string::npos);
}

void a_message_without_a_handler_is_a_warning() {
  Log log;
  synq::ServerOptions options;
  options.log = log.sink();
  synq::Server server(options);
  server.channel("t:*", {}, synq::Callbacks());
  server.start();
  Client client(server);
  server.publish("t:1", "said", synq::Json::object({}));
  CHECK(log.await("a message was dropped"));
}

void only_what_is_meant_becomes_json_or_a_name() {
  static_assert(!std::is_constructible_v<synq::Json, json_t *>, "would be true, and leak");
  static_assert(std::is_constructible_v<synq::Json, bool>, "");
  CHECK_THROWS(SYNQ_EINVAL, "NUL", synq::Name(std::string("a\0b", 3)));
  CHECK_THROWS(SYNQ_EINVAL, "NUL", synq::Name(std::string_view("a\0b", 3)));
  synq::ServerOptions options;
  options.tls_minimum_version = static_cast<synq_tls_version_t>(3);
  CHECK_THROWS(SYNQ_EINVAL, "tls_minimum_version", synq::Server{options});
}

void what_belongs_to_a_channel_ends_with_it() {
  struct Counted {
    explicit Counted(std::shared_ptr<int> alive) : alive(std::move(alive)) {}
    std::shared_ptr<int> alive;
  };
  auto alive = std::make_shared<int>(0);
  {
    synq::Server server;
    synq::Callbacks callbacks;
    callbacks.init = [alive](synq::Socket socket, std::string_view, synq::Value) {
      CHECK(&socket.emplace_data<Counted>(alive) == socket.data<Counted>());
    };
    server.channel("t:*", {}, callbacks);
    callbacks = {};
    server.start();
    Client client(server);
    client.send("phx_leave");
    client.await("phx_reply");
    CHECK_THROWS(SYNQ_EINVAL, "pattern", server.channel("a*b", {}, synq::Callbacks()));
  }
  CHECK(alive.use_count() == 1);
}

void connect_refuses_with_a_status() {
  std::string refused;
  synq::Server server;
  synq::MountOptions options;
  options.connect = [](synq::Connection connection, synq::Value) {
    CHECK(connection.peer() == "127.0.0.1" && !connection.token());
    connection.set_id("someone");
    connection.assign("user", 7);
  };
  server.mount("/socket", options);
  synq::Callbacks callbacks;
  callbacks.handle_event = [](synq::Socket socket, std::string_view, synq::Value) {
    socket.reply("ok", synq::Json::object({{"id", socket.id()}, {"user", socket.assigns().get<int64_t>("/user")}}));
  };
  server.channel("t:*", {}, callbacks);
  server.start();
  {
    Client client(server);
    client.send("who");
    CHECK(client.await("phx_reply").find(R"({"id":"someone","user":7})") != std::string::npos);
    server.disconnect("someone");
    int code = 0;
    while (client_receive(client.raw, &code) != nullptr) {
    }
    CHECK(code == 1001);
  }
  server.stop();
  CHECK(server.wait(std::chrono::seconds(10)));
}

void a_connection_is_decided_later_and_its_origin_asked() {
  std::thread worker;
  synq::Server server;
  synq::MountOptions options;
  options.check_origin = [](std::string_view origin) { return origin == "https://good.example"; };
  options.connect = [&](synq::Connection connection, synq::Value) {
    worker = std::thread([deferred = connection.defer()]() mutable {
      deferred.connection().set_id("late");
      deferred.accept();
    });
  };
  server.mount("/socket", options);
  synq::Callbacks callbacks;
  callbacks.handle_event = [](synq::Socket socket, std::string_view, synq::Value) { socket.reply("ok", socket.id()); };
  server.channel("t:*", {}, callbacks);
  server.start();
  Client client(server); // a program, which has no origin
  client.send("who");
  CHECK(client.await("phx_reply").find(R"("response":"late")") != std::string::npos);
  worker.join();
}

struct Plain : synq::MessageBuilder {
  void new_state(synq::Socket socket, synq::Value state, uint32_t version) override {
    socket.state_message("all", synq::Json::object({{"v", version}, {"data", state.get<synq::Json>()}}));
  }
  void update_state(synq::Socket socket, synq::Value from, synq::Value to, uint32_t) override {
    if (to.get<int64_t>("/n") == 2) throw std::runtime_error("no message for two");
    socket.state_message("some", synq::diff(from, to));
  }
};

void a_message_builder_builds_and_may_throw() {
  Log log;
  synq::ServerOptions options;
  options.log = log.sink();
  synq::Server server(options);
  synq::Callbacks callbacks;
  callbacks.init = [](synq::Socket socket, std::string_view, synq::Value) { socket.assign("n", 0); };
  callbacks.handle_event = [](synq::Socket socket, std::string_view, synq::Value) { socket.increment("/n"); };
  synq::ChannelOptions channel;
  channel.track = {"n"};
  channel.message_builder = std::make_shared<Plain>();
  server.channel("t:*", channel, callbacks);
  server.start();
  Client client(server);
  CHECK(client.await("all").find(R"("all",{"v":0,"data":{"n":0}})") != std::string::npos);
  client.send("inc");
  CHECK(client.await("some").find(R"([{"op":"replace","path":"/n","value":1}])") != std::string::npos);
  client.send("inc");
  CHECK(client.await("phx_error") != "(closed)");
  CHECK(log.await("no message for two"));
}

void a_polled_server_runs_callbacks_here_only() {
  synq::ServerOptions options;
  options.delivery = SYNQ_POLLED;
  synq::Server server(options);
  auto here = std::this_thread::get_id();
  synq::Callbacks callbacks;
  callbacks.init = [&](synq::Socket, std::string_view, synq::Value) { CHECK(std::this_thread::get_id() == here); };
  callbacks.before_close = [&](synq::Socket, std::string_view reason) {
    CHECK(std::this_thread::get_id() == here && reason == "shutdown:left");
    server.stop(std::chrono::milliseconds(0));
  };
  server.channel("t:*", {}, callbacks);
  server.start();
  CHECK(server.fd() >= 0);
  std::thread peer([&] {
    Client client(server);
    client.send("phx_leave");
    client.await("phx_reply");
  });
  int ran = 0;
  while (std::optional<int> count = server.poll()) ran += *count;
  peer.join();
  CHECK(ran >= 2);
  CHECK(!server.poll());
}

const struct {
  const char *name;
  void (*run)();
} tests[] = {
    {"a_json_owns_its_value", a_json_owns_its_value},
    {"the_patch_engine_throws_what_it_says", the_patch_engine_throws_what_it_says},
    {"values_are_read_and_edited_by_type", values_are_read_and_edited_by_type},
    {"a_client_error_is_the_answer_and_the_channel_goes_on", a_client_error_is_the_answer_and_the_channel_goes_on},
    {"an_exception_crashes_the_channel_with_its_text_in_the_log",
     an_exception_crashes_the_channel_with_its_text_in_the_log},
    {"any_exception_is_caught", any_exception_is_caught},
    {"an_error_of_a_call_crashes_with_its_text", an_error_of_a_call_crashes_with_its_text},
    {"a_payload_that_is_not_as_expected_is_answered", a_payload_that_is_not_as_expected_is_answered},
    {"what_connect_and_check_origin_throw_is_logged", what_connect_and_check_origin_throw_is_logged},
    {"an_exception_after_a_reply_crashes_too", an_exception_after_a_reply_crashes_too},
    {"authorize_refuses_by_throwing", authorize_refuses_by_throwing},
    {"a_deferred_answer_that_fails_can_be_given_again", a_deferred_answer_that_fails_can_be_given_again},
    {"what_is_thrown_after_a_defer_is_the_cause", what_is_thrown_after_a_defer_is_the_cause},
    {"what_before_close_throws_is_logged_and_no_cause_of_another",
     what_before_close_throws_is_logged_and_no_cause_of_another},
    {"a_message_without_a_handler_is_a_warning", a_message_without_a_handler_is_a_warning},
    {"only_what_is_meant_becomes_json_or_a_name", only_what_is_meant_becomes_json_or_a_name},
    {"a_deferred_answers_from_another_thread_and_crashes_when_dropped",
     a_deferred_answers_from_another_thread_and_crashes_when_dropped},
    {"what_belongs_to_a_channel_ends_with_it", what_belongs_to_a_channel_ends_with_it},
    {"connect_refuses_with_a_status", connect_refuses_with_a_status},
    {"a_connection_is_decided_later_and_its_origin_asked", a_connection_is_decided_later_and_its_origin_asked},
    {"a_message_builder_builds_and_may_throw", a_message_builder_builds_and_may_throw},
    {"a_polled_server_runs_callbacks_here_only", a_polled_server_runs_callbacks_here_only},
};

} // namespace

/* cpp-tests          lists the names, one a line
 * cpp-tests NAME...  runs these tests; "all" runs each */
int main(int argc, char **argv) {
  int ran = 0;
  for (const auto &test : tests) {
    if (argc == 1) std::puts(test.name);
    for (int i = 1; i < argc; i++) {
      if (std::strcmp(argv[i], test.name) != 0 && std::strcmp(argv[i], "all") != 0) continue;
      int before = test_failures;
      test.run();
      ran++;
      std::printf("%s %s\n", test_failures == before ? "ok  " : "FAIL", test.name);
      std::fflush(stdout);
    }
  }
  if (argc > 1 && ran == 0) std::fprintf(stderr, "no such test\n");
  return argc > 1 && (ran == 0 || test_failures > 0) ? 1 : 0;
}
