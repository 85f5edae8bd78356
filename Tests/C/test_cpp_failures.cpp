// synq.hpp: what callbacks throw, and what comes of it.
#include "test.hpp"

namespace {

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

} // namespace

const std::vector<Test> failure_tests = {
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
};
