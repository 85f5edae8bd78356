#include <synq.h>

int header_in_cxx() {
  return synq_version();
}
