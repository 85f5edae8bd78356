#include "frame.h"

#include <string.h>

enum { FIN = 0x80, MASKED = 0x80, LENGTH_16 = 126, LENGTH_64 = 127 };

frame_result_t frame_parse(uint8_t *data, size_t count, frame_t *frame) {
  if (count < 2) return FRAME_NEEDS_MORE;
  if ((data[0] & 0xF0) != FIN) return FRAME_BROKEN;
  size_t header = 2;
  uint64_t length = data[1] & 0x7F;
  if (length == LENGTH_16 || length == LENGTH_64) {
    size_t extra = length == LENGTH_16 ? 2 : 8;
    if (count < header + extra) return FRAME_NEEDS_MORE;
    length = 0;
    for (size_t i = 0; i < extra; i++) length = length << 8 | data[header + i];
    header += extra;
    if (length > FRAME_MAX_BYTES) return FRAME_BROKEN;
  }
  frame->opcode = data[0] & 0x0F;
  frame->masked = (data[1] & MASKED) != 0;
  if (frame->masked) {
    if (count < header + sizeof frame->mask) return FRAME_NEEDS_MORE;
    memcpy(&frame->mask, data + header, sizeof frame->mask);
    header += sizeof frame->mask;
  }
  frame->payload = data + header;
  frame->payload_bytes = (size_t)length;
  frame->bytes = header + (size_t)length;
  return count < frame->bytes ? FRAME_NEEDS_MORE : FRAME_WHOLE;
}

void frame_apply_mask(uint8_t *payload, size_t count, uint32_t mask) {
  uint64_t wide = (uint64_t)mask << 32 | mask;
  uint8_t key[sizeof mask];
  memcpy(key, &mask, sizeof mask);
  size_t i = 0;
  for (; i + sizeof wide <= count; i += sizeof wide) {
    uint64_t word;
    memcpy(&word, payload + i, sizeof word);
    word ^= wide;
    memcpy(payload + i, &word, sizeof word);
  }
  for (; i < count; i++) payload[i] ^= key[i % sizeof key];
}

static void append_header(bytes_t *out, uint8_t opcode, uint8_t masked, size_t count) {
  uint8_t header[10] = {(uint8_t)(FIN | opcode)};
  size_t bytes = 2;
  if (count < LENGTH_16) {
    header[1] = (uint8_t)(masked | count);
  } else {
    size_t extra = count <= UINT16_MAX ? 2 : 8;
    header[1] = (uint8_t)(masked | (extra == 2 ? LENGTH_16 : LENGTH_64));
    for (size_t i = 0; i < extra; i++) header[bytes++] = (uint8_t)((uint64_t)count >> (8 * (extra - 1 - i)));
  }
  bytes_append(out, header, bytes);
}

void frame_append(bytes_t *out, uint8_t opcode, const void *payload, size_t count) {
  append_header(out, opcode, 0, count);
  bytes_append(out, payload, count);
}

void frame_append_masked(bytes_t *out, uint8_t opcode, const void *payload, size_t count, uint32_t mask) {
  append_header(out, opcode, MASKED, count);
  bytes_append(out, &mask, sizeof mask);
  size_t start = out->count;
  bytes_append(out, payload, count);
  frame_apply_mask(out->data + start, count, mask);
}
