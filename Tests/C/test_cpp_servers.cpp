// synq.hpp: servers, connections and what lives how long.
#include "test.hpp"

namespace {

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
    socket.reply("ok", synq::Json::object({{"id", socket.id()}, {"user", socket.all_assigns().get<int64_t>("/user")}}));
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

synq::Server made() {
  synq::Server server;
  server.channel("t:*", {}, {});
  server.channel("u:*", {}, std::make_shared<synq::Channel>());
  return server;
}

void a_server_can_be_moved() {
  static_assert(!std::is_copy_constructible_v<synq::Server>, "");
  synq::Server first = made();
  first.start();
  synq::Server second = std::move(first);
  CHECK(first.get() == nullptr);
  {
    Client client(second);
    client.send("none");
    CHECK(client.await("unknown_event") != "(closed)");
  }
  second = made(); /* ends the one that runs */
  second.start();
  CHECK(second.port() != 0);
  CHECK_THROWS(SYNQ_EINVAL, "channel: is NULL", second.channel("v", {}, std::shared_ptr<synq::Channel>()));
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

void presences_are_tracked_named_and_heard_of() {
  std::mutex mutex;
  std::string heard;
  synq::ChannelOptions options;
  options.presence.fetch = [](std::string_view, synq::Value presences) {
    CHECK(presences.has("/ann/metas/0"));
    return synq::Data(synq::Json::object({{"ann", synq::Json::object({{"name", "Ann"}})}}));
  };
  options.presence.changed = [&](std::string_view topic, std::string_view key, bool is_present) {
    std::lock_guard<std::mutex> lock(mutex);
    heard += std::string(topic) + " " + std::string(key) + (is_present ? " came;" : " went;");
  };
  options.presence.max_keys = 1;
  synq::Callbacks callbacks;
  callbacks.init = [](synq::Socket socket, std::string_view, synq::Value) {
    CHECK(socket.track("ann", synq::Json::object({{"n", 1}})).size() == 16);
    CHECK(socket.update_presence("ann", synq::Text{"{\"n\":2}"}).size() == 16);
    CHECK(!socket.presence("bob") && socket.presence("ann"));
    CHECK_THROWS(SYNQ_ENOTFOUND, "bob", socket.untrack("bob"));
    CHECK_THROWS(SYNQ_ELIMIT, "max_presence_keys", socket.track("bob"));
    CHECK(json_object_size(socket.presences().get()) == 1);
    socket.show_presences();
  };
  callbacks.handle_event = [](synq::Socket socket, std::string_view, synq::Value) { socket.untrack("ann"); };
  synq::Server server;
  server.channel("t:*", options, callbacks);
  server.start();
  Client client(server);
  CHECK(client.await("presence_state").find("\"name\":\"Ann\"") != std::string::npos);
  CHECK(server.presence("t:1", "ann") && !server.presence("t:1", "bob"));
  client.send("leave");
  client.await("\"leaves\":{\"ann\"");
  CHECK(json_object_size(server.presences("t:1").get()) == 0);
  server.stop();
  server.wait();
  std::lock_guard<std::mutex> lock(mutex);
  CHECK(heard == "t:1 ann came;t:1 ann went;");
}

} // namespace

const std::vector<Test> server_tests = {
    {"a_deferred_answers_from_another_thread_and_crashes_when_dropped",
     a_deferred_answers_from_another_thread_and_crashes_when_dropped},
    {"what_belongs_to_a_channel_ends_with_it", what_belongs_to_a_channel_ends_with_it},
    {"connect_refuses_with_a_status", connect_refuses_with_a_status},
    {"a_connection_is_decided_later_and_its_origin_asked", a_connection_is_decided_later_and_its_origin_asked},
    {"a_message_builder_builds_and_may_throw", a_message_builder_builds_and_may_throw},
    {"a_server_can_be_moved", a_server_can_be_moved},
    {"a_polled_server_runs_callbacks_here_only", a_polled_server_runs_callbacks_here_only},
    {"presences_are_tracked_named_and_heard_of", presences_are_tracked_named_and_heard_of},
};
