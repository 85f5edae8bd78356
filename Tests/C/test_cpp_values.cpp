// synq.hpp: JSON, values and the patch engine.
#include "test.hpp"

namespace {

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
    CHECK_THROWS(SYNQ_ENOTFOUND, "/none: is missing", (void)socket.all_assigns().get<int64_t>("/none"));
    CHECK_THROWS(SYNQ_ETYPE, "/topic: expected an integer, got a string",
                 (void)socket.all_assigns().find<int64_t>("/topic"));
    CHECK_THROWS(SYNQ_EPOINTER, "", (void)payload.get<int64_t>("no-slash"));
    socket.append("/items", 1);
    socket.insert("/items/0", "first");
    socket.set("/topic", nullptr);
    CHECK(socket.all_assigns().text() == R"({"topic":null,"items":["first",1]})");
    CHECK(socket.increment("/items/1", 4) == 5);
    socket.remove("/items/0");
    socket.push("pushed", synq::Json::object({{"a", 1}}));
    socket.push("pushed_text", synq::Text{"[2]"});
    socket.reply("fine", socket.all_assigns().get<synq::Json>("/items"));
  };
  server.channel("t:*", {{"topic", "items"}}, callbacks);
  server.start();
  Client client(server);
  client.send("read", R"({"i":7,"r":1.5,"b":true,"s":"text","a":[1]})");
  CHECK(client.await("pushed").find(R"("pushed",{"a":1})") != std::string::npos);
  CHECK(client.await("pushed_text").find("[2]") != std::string::npos);
  CHECK(client.await("phx_reply").find(R"({"status":"fine","response":[5]})") != std::string::npos);
}

void parts_are_iterated_and_integers_fit() {
  synq::Server server;
  synq::Callbacks callbacks;
  callbacks.handle_event = [](synq::Socket socket, std::string_view event, synq::Value payload) {
    if (event == "range") {
      (void)payload.get<int8_t>("/i");
      return;
    }
    std::string names;
    int sum = 0;
    for (auto [name, score] : payload.parts("/scores")) {
      names += name;
      sum += score.get<int>();
    }
    for (auto [name, element] : payload.parts("/list")) {
      CHECK(name.empty());
      sum += element.get<int>("/n");
    }
    CHECK(names == "ab" && sum == 33 && payload.parts("/list").size() == 2);
    for (auto [name, part] : payload.parts()) CHECK(payload.has("/" + std::string(name)) && part.kind() != SYNQ_NULL);
    socket.merge("", synq::Json::object({{"x", 1}, {"y", synq::Json::object({})}}));
    socket.merge("/y", synq::Text{R"({"z":300})"});
    socket.patch("", synq::Text{R"([{"op":"remove","path":"/x"}])"});
    synq::Value assigns = socket.all_assigns();
    CHECK(assigns.text() == R"({"y":{"z":300}})");
    CHECK(assigns.get<int>("/y/z") == 300 && assigns.get<uint16_t>("/y/z") == 300 &&
          assigns.get<size_t>("/y/z") == 300);
    CHECK_THROWS(SYNQ_ERANGE, "/y/z: the integer does not fit", (void)assigns.get<int8_t>("/y/z"));
    socket.set("/y/z", -1);
    CHECK_THROWS(SYNQ_ERANGE, "/y/z", (void)socket.all_assigns().get<uint64_t>("/y/z"));
    CHECK_THROWS(SYNQ_ERANGE, "/y/z", (void)socket.all_assigns().find<unsigned>("/y/z"));
    CHECK_THROWS(SYNQ_ETYPE, "/y/z: expected an array or an object", (void)socket.all_assigns().parts("/y/z"));
  };
  server.channel("t:*", {}, callbacks);
  server.start();
  Client client(server);
  client.send("parts", R"({"scores":{"a":1,"b":2},"list":[{"n":10},{"n":20}],"i":300})");
  CHECK(client.await("phx_reply").find(R"("status":"ok")") != std::string::npos);
  client.send("range", R"({"i":300})");
  CHECK(client.await("invalid_payload").find(R"({"path":"/i"})") != std::string::npos);
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

} // namespace

const std::vector<Test> value_tests = {
    {"a_json_owns_its_value", a_json_owns_its_value},
    {"the_patch_engine_throws_what_it_says", the_patch_engine_throws_what_it_says},
    {"values_are_read_and_edited_by_type", values_are_read_and_edited_by_type},
    {"parts_are_iterated_and_integers_fit", parts_are_iterated_and_integers_fit},
    {"only_what_is_meant_becomes_json_or_a_name", only_what_is_meant_becomes_json_or_a_name},
};
