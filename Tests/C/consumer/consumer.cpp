#include <synq.h>

int main() {
  return synq_version() > 0 ? 0 : 1;
}
