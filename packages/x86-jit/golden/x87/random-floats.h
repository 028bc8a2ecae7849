/* Operands that find bugs: edges of the formats, neighbours of rounding boundaries, clustered exponents, and plain random bits. */
#pragma once
#include <stdint.h>
#include <string.h>

static uint64_t random_state;

/* splitmix64 */
static uint64_t random64(void) {
  uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static uint32_t below(uint32_t n) { return (uint32_t)((random64() >> 32) * n >> 32); }

/* Runs of ones and zeros, few bits, or random: `width` bits, left-aligned runs being the ones that carry. */
static uint64_t random_fraction(int width) {
  uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
  uint64_t value;
  switch (below(8)) {
    case 0: value = 0; break;
    case 1: value = 1ull << below(width); break;
    case 2: value = ~0ull << below(width); break;
    case 3: value = ~(1ull << below(width)); break;
    case 4: value = (1ull << below(width)) + (1ull << below(width)) + below(2); break;
    case 5: value = random64() << below(width); break;
    default: value = random64(); break;
  }
  return value & mask;
}

static int random_exponent(int bias) {
  int top = 2 * bias + 1;
  switch (below(10)) {
    case 0: return 0;
    case 1: return 1 + below(3);
    case 2: return top;
    case 3: return top - 1 - below(3);
    case 4: return bias + (int)below(70);
    case 5: return bias + 28 + (int)below(8);
    case 6: return bias + 60 + (int)below(6);
    case 7: return bias - 3 + (int)below(6);
    case 8: return bias / 2 + (int)below(60) - 30;
    default: return below(top + 1);
  }
}

static uint32_t random_f32(void) {
  return (uint32_t)(below(2) << 31 | (uint32_t)random_exponent(127) % 256 << 23 | random_fraction(23));
}

static uint64_t random_f64(void) {
  return (uint64_t)below(2) << 63 | (uint64_t)(random_exponent(1023) % 2048) << 52 | random_fraction(52);
}

static uint16_t random_f16(void) {
  return (uint16_t)(below(2) << 15 | (uint32_t)random_exponent(15) % 32 << 10 | random_fraction(10));
}

/* Near another value: same exponent or a few apart, so that sums cancel and quotients tie. */
static uint32_t near_f32(uint32_t other) {
  int exponent = (int)(other >> 23 & 255) + (int)below(52) - 26;
  if (exponent < 0 || exponent > 255) exponent = other >> 23 & 255;
  return (uint32_t)(below(2) << 31 | (uint32_t)exponent << 23 | (below(4) ? random_fraction(23) : (other & 0x7fffff)));
}

static uint64_t near_f64(uint64_t other) {
  int exponent = (int)(other >> 52 & 2047) + (int)below(112) - 56;
  if (exponent < 0 || exponent > 2047) exponent = other >> 52 & 2047;
  return (uint64_t)below(2) << 63 | (uint64_t)exponent << 52 | (below(4) ? random_fraction(52) : (other & 0xfffffffffffff));
}

struct f80 {
  uint64_t significand;
  uint16_t sign_exponent;
} __attribute__((packed));

/* Of any encoding, the unsupported ones included. */
static struct f80 random_f80(void) {
  struct f80 value = {random_fraction(63) | 1ull << 63, (uint16_t)(below(2) << 15 | (uint32_t)random_exponent(16383) % 32768)};
  int exponent = value.sign_exponent & 0x7fff;
  switch (below(16)) {
    case 0: value.significand &= ~(1ull << 63); break; /* denormals, unnormals, pseudo-NaNs */
    case 1: value.sign_exponent &= 0x8000; value.significand = 0; break;
    case 2: value.sign_exponent |= 0x7fff; value.significand = 1ull << 63; break;
    default: if (exponent == 0 && below(8)) value.significand &= ~(1ull << 63); break;
  }
  return value;
}

static struct f80 near_f80(struct f80 other) {
  int exponent = (other.sign_exponent & 0x7fff) + (int)below(138) - 69;
  if (exponent < 0 || exponent > 0x7fff) exponent = other.sign_exponent & 0x7fff;
  if (below(6) == 0) exponent = other.sign_exponent & 0x7fff;
  return (struct f80){
    below(4) ? random_fraction(63) | 1ull << 63 : other.significand,
    (uint16_t)(below(2) << 15 | (uint32_t)exponent)};
}

/* |value| between 2^low and 2^(high + 1). */
static struct f80 ranged_f80(int low, int high) {
  return (struct f80){
    random_fraction(63) | 1ull << 63,
    (uint16_t)(below(2) << 15 | (uint32_t)(16383 + low + (int)below((uint32_t)(high - low + 1))))};
}
