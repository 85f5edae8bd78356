// A to-do list with a search box: every client has a list of its own.
//
//   c++ -std=c++17 todo.cpp -o todo $(pkg-config --cflags --libs synq) -pthread && ./todo 4000
//
// Tracked, so on the screen: items, query, found. An edit at a pointer is a patch of one operation.
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <synq.hpp>

namespace {

class Todo : public synq::Channel {
public:
  void init(synq::Socket socket, std::string_view, synq::Value) override {
    socket.emplace_data<int64_t>(0);
    socket.assign("items", synq::Json::array());
    socket.assign("query", "");
    socket.assign("found", synq::Json::array());
  }

  void handle_event(synq::Socket socket, std::string_view event, synq::Value payload) override {
    if (event == "add") {
      auto title = payload.find<std::string_view>("/title").value_or("");
      if (title.empty()) throw synq::ClientError("empty_title", "An item needs a title");
      int64_t id = ++*socket.data<int64_t>();
      socket.append("/items", synq::Json::object({{"id", id}, {"title", title}, {"done", false}}));
      socket.reply("ok", synq::Json::object({{"id", id}}));
    } else if (event == "toggle") {
      std::string done = place(socket, payload) + "/done";
      socket.set(done, !socket.all_assigns().get<bool>(done));
    } else if (event == "remove") {
      socket.remove(place(socket, payload));
    } else if (event == "search") {
      socket.assign("query", payload.find<std::string>("/query").value_or(""));
    } else {
      return Channel::handle_event(socket, event, payload);
    }
    search(socket);
  }

private:
  // The pointer of the item that the client names.
  static std::string place(synq::Socket socket, synq::Value payload) {
    synq::Value assigns = socket.all_assigns();
    auto id = payload.find<int64_t>("/id");
    for (size_t i = 0; i < assigns.size("/items"); i++) {
      std::string item = "/items/" + std::to_string(i);
      if (id && assigns.get<int64_t>(item + "/id") == *id) return item;
    }
    throw synq::ClientError("unknown_item", "There is no such item");
  }

  // Shows the ids of what matches the query; the empty one matches everything.
  static void search(synq::Socket socket) {
    synq::Value assigns = socket.all_assigns();
    auto query = assigns.get<std::string_view>("/query");
    synq::Json found = synq::Json::array();
    for (size_t i = 0; i < assigns.size("/items"); i++) {
      std::string item = "/items/" + std::to_string(i);
      bool matches = assigns.get<std::string_view>(item + "/title").find(query) != std::string_view::npos;
      if (matches) found.append(assigns.get<int64_t>(item + "/id"));
    }
    socket.assign("found", std::move(found));
  }
};

} // namespace

int main(int argc, char **argv) {
  // Blocked before the first thread is there, so that sigwait() below gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  try {
    synq::ServerOptions options;
    options.port = static_cast<uint16_t>(argc > 1 ? std::atoi(argv[1]) : 4000);
    synq::Server server(options);
    server.channel("todo:*", {{"items", "query", "found"}}, std::make_shared<Todo>());
    server.start();
    std::cout << "listening on http://127.0.0.1:" << server.port() << "/" << std::endl;

    int signal;
    sigwait(&signals, &signal);
    server.stop(std::chrono::seconds(1));
    server.wait();
  } catch (const synq::Error &error) {
    std::cerr << "todo: " << error.what() << "\n";
    return 1;
  }
}
