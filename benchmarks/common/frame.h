/* WebSocket framing (RFC 6455, section 5.2), the part that two benchmark programs need. */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include "bytes.h"

enum {
  FRAME_TEXT = 0x1,
  FRAME_CLOSE = 0x8,
  FRAME_PING = 0x9,
  FRAME_PONG = 0xA,
};

/* The longest frame either side reads; a length beyond it is a broken stream. */
#define FRAME_MAX_BYTES (16u << 20)

typedef struct {
  uint8_t opcode;
  bool masked;
  uint32_t mask; /* as it stands in memory, so that it is applied with memcpy'd words */
  uint8_t *payload;
  size_t payload_bytes;
  size_t bytes; /* header and payload */
} frame_t;

typedef enum { FRAME_WHOLE, FRAME_NEEDS_MORE, FRAME_BROKEN } frame_result_t;

/* Finds the frame at `data`. A fragment or a reserved bit is FRAME_BROKEN: no peer here sends one. */
frame_result_t frame_parse(uint8_t *data, size_t count, frame_t *frame);

/* XORs the mask over the payload, in place. */
void frame_apply_mask(uint8_t *payload, size_t count, uint32_t mask);

/* Appends a whole unmasked frame: what a server sends. */
void frame_append(bytes_t *out, uint8_t opcode, const void *payload, size_t count);
/* Appends a whole masked frame: what a client sends. */
void frame_append_masked(bytes_t *out, uint8_t opcode, const void *payload, size_t count, uint32_t mask);

#endif
