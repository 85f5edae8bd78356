#include <synq.h>

#include <stdio.h>

int main(void) {
  printf("consumer: %d\n", synq_version());
  return synq_version() > 0 ? 0 : 1;
}
