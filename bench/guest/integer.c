/* Integer arithmetic: xorshift, multiplication, division, bit counting, modular exponentiation. */
#include "bench.h"

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint32_t power(uint32_t base, uint32_t exponent, uint32_t modulus)
{
    uint64_t result = 1, square = base % modulus;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = result * square % modulus;
        square = square * square % modulus;
    }
    return (uint32_t)result;
}

static int bits(uint64_t x)
{
    x -= (x >> 1) & 0x5555555555555555ULL;
    x = (x & 0x3333333333333333ULL) + ((x >> 2) & 0x3333333333333333ULL);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
    return (int)((x * 0x0101010101010101ULL) >> 56);
}

uint64_t run_integer(uint32_t repeats)
{
    uint64_t state = SEED, hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        for (int j = 0; j < 3000; j++)
            hash = mix(hash, next_random(&state) + (uint64_t)bits(state));
        for (int j = 0; j < 20; j++)
            hash = mix(hash, gcd(next_random(&state) >> 20, next_random(&state) >> 24));
        for (int j = 0; j < 20; j++)
            hash = mix(hash, power((uint32_t)next_random(&state), (uint32_t)state >> 8, 1000000007));
    }
    return hash;
}
