// Runs the tests of synq.hpp, which are in test_cpp_*.cpp: what it adds to synq.h.
#include "test.hpp"

std::atomic<int> test_failures;

/* cpp-tests          lists the names, one a line
 * cpp-tests NAME...  runs these tests; "all" runs each */
int main(int argc, char **argv) {
  int ran = 0;
  std::vector<Test> tests;
  for (const auto *table : {&value_tests, &failure_tests, &server_tests}) {
    tests.insert(tests.end(), table->begin(), table->end());
  }
  for (const Test &test : tests) {
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
