#ifndef SYNQ_H
#define SYNQ_H
#include <jansson.h>
int synq_version(void);
#endif
