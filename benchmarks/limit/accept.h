/* The answer to a WebSocket key (RFC 6455, section 4.2.2). */
#ifndef LIMIT_ACCEPT_H
#define LIMIT_ACCEPT_H

#include <stddef.h>

enum { ACCEPT_SIZE = 29 };

/* Writes the terminated value of Sec-WebSocket-Accept for the key. */
void websocket_accept(const char *key, size_t key_count, char accept[ACCEPT_SIZE]);

#endif
