#include <synq.hpp>

int main() {
  synq::Server server;
  return synq_version() > 0 ? 0 : 1;
}
