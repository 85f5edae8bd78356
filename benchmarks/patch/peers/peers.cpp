// Times nlohmann::json::diff, and jansson's deep comparison, on the pairs of a directory; one JSON object a line, as
// patch-bench prints them; with `check`, applies patches. `jansson equal` is no engine: it is what merely comparing two trees of nodes costs.
#include <jansson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using clock_type = std::chrono::steady_clock;

static volatile int sink;

template <class Body> static double measure(Body body) {
  double best = 1e18;
  const auto end = clock_type::now() + std::chrono::milliseconds(500);
  for (int calls = 0; calls < 3 || clock_type::now() < end; ++calls) {
    const auto start = clock_type::now();
    body();
    best = std::min(best, std::chrono::duration<double, std::micro>(clock_type::now() - start).count());
    if (calls == 0 && best > 2e6) break;
  }
  return best;
}

static std::string read(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Reads lines [old,new,patch]: whether the patch leads from one to the other, and the bytes of nlohmann's own patch.
static int check() {
  std::string line;
  std::size_t number = 0, bytes = 0, wrong = 0;
  while (std::getline(std::cin, line)) {
    const auto entry = nlohmann::json::parse(line);
    ++number;
    bytes += nlohmann::json::diff(entry[0], entry[1]).dump().size();
    try {
      if (entry[0].patch(entry[2]).dump() == entry[1].dump()) continue;
    } catch (const nlohmann::json::exception &error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ++wrong;
    std::fprintf(stderr, "nlohmann, line %zu: %s\n", number, line.c_str());
  }
  std::printf("{\"wrong\":%zu,\"bytes\":%zu}\n", wrong, bytes);
  return wrong == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  if (std::string(argv[1]) == "check") return check();
  std::vector<std::filesystem::path> folders;
  for (const auto &entry : std::filesystem::directory_iterator(argv[1])) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  for (const auto &folder : folders) {
    const auto name = folder.filename().string();
    const auto old_text = read(folder / "old.json"), new_text = read(folder / "new.json");
    const auto old_json = nlohmann::json::parse(old_text), new_json = nlohmann::json::parse(new_text);
    const auto patch = nlohmann::json::diff(old_json, new_json);
    const double us = measure([&] { sink = static_cast<int>(nlohmann::json::diff(old_json, new_json).size()); });
    std::printf("{\"workload\":\"%s\",\"engine\":\"nlohmann\",\"us\":%.3f,\"operations\":%zu,\"bytes\":%zu}\n",
                name.c_str(), us, patch.size(), patch.dump().size());

    json_t *a = json_loadb(old_text.data(), old_text.size(), 0, nullptr);
    json_t *b = json_loadb(old_text.data(), old_text.size(), 0, nullptr);
    const double equal = measure([&] { sink = json_equal(a, b); });
    std::printf("{\"workload\":\"%s\",\"engine\":\"jansson equal\",\"us\":%.3f}\n", name.c_str(), equal);
    json_decref(a);
    json_decref(b);
    std::fflush(stdout);
  }
}
