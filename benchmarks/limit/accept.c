#include "accept.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 64, DIGEST = 20, MAX_KEY = 64 };

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static uint32_t rotate(uint32_t value, int count) {
  return value << count | value >> (32 - count);
}

/* SHA-1 (RFC 3174, section 6.1) of one block. */
static void sha1_block(uint32_t hash[5], const uint8_t block[BLOCK]) {
  uint32_t word[80];
  for (int i = 0; i < 16; i++)
    word[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
              block[4 * i + 3];
  for (int i = 16; i < 80; i++) word[i] = rotate(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
  uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
  for (int i = 0; i < 80; i++) {
    uint32_t mix, constant;
    if (i < 20) {
      mix = (b & c) | (~b & d);
      constant = 0x5A827999;
    } else if (i < 40) {
      mix = b ^ c ^ d;
      constant = 0x6ED9EBA1;
    } else if (i < 60) {
      mix = (b & c) | (b & d) | (c & d);
      constant = 0x8F1BBCDC;
    } else {
      mix = b ^ c ^ d;
      constant = 0xCA62C1D6;
    }
    uint32_t next = rotate(a, 5) + mix + e + constant + word[i];
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  hash[0] += a;
  hash[1] += b;
  hash[2] += c;
  hash[3] += d;
  hash[4] += e;
}

static void sha1(const char *text, size_t count, uint8_t digest[DIGEST]) {
  uint32_t hash[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  uint8_t padded[3 * BLOCK] = {0};
  size_t blocks = (count + 1 + 8 + BLOCK - 1) / BLOCK;
  memcpy(padded, text, count);
  padded[count] = 0x80;
  for (size_t i = 0; i < 8; i++) padded[blocks * BLOCK - 1 - i] = (uint8_t)((uint64_t)count * 8 >> (8 * i));
  for (size_t i = 0; i < blocks; i++) sha1_block(hash, padded + i * BLOCK);
  for (size_t i = 0; i < DIGEST; i++) digest[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
}

void websocket_accept(const char *key, size_t key_count, char accept[ACCEPT_SIZE]) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char text[MAX_KEY + sizeof GUID];
  uint8_t digest[DIGEST + 1] = {0}; /* the zero fills up the last group of three */
  if (key_count > MAX_KEY) key_count = MAX_KEY;
  memcpy(text, key, key_count);
  memcpy(text + key_count, GUID, sizeof GUID - 1);
  sha1(text, key_count + sizeof GUID - 1, digest);
  for (size_t group = 0; group < (DIGEST + 1) / 3; group++) {
    uint32_t bits = (uint32_t)digest[3 * group] << 16 | (uint32_t)digest[3 * group + 1] << 8 | digest[3 * group + 2];
    for (size_t i = 0; i < 4; i++) accept[4 * group + i] = alphabet[bits >> (18 - 6 * i) & 63];
  }
  accept[ACCEPT_SIZE - 2] = '=';
  accept[ACCEPT_SIZE - 1] = '\0';
}
