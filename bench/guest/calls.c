/* Calls and returns: recursion, and calls through pointers. */
#include "bench.h"

static __attribute__((noinline)) unsigned fibonacci(unsigned n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static __attribute__((noinline)) int takeuchi(int x, int y, int z)
{
    return y >= x ? z : takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

static __attribute__((noinline)) uint64_t add(uint64_t a, uint64_t b) { return a + b; }
static __attribute__((noinline)) uint64_t subtract(uint64_t a, uint64_t b) { return a - b; }
static __attribute__((noinline)) uint64_t exclusive(uint64_t a, uint64_t b) { return a ^ b; }
static __attribute__((noinline)) uint64_t rotate(uint64_t a, uint64_t b) { return a << (b & 63) | a >> (-b & 63); }

uint64_t run_calls(uint32_t repeats)
{
    static uint64_t (*const volatile operations[4])(uint64_t, uint64_t) = { add, subtract, exclusive, rotate };
    uint64_t state = SEED, hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        hash = mix(hash, fibonacci(19));
        hash = mix(hash, (uint64_t)takeuchi(9, 5, 2));
        for (int j = 0; j < 2000; j++) {
            uint64_t word = next_random(&state);
            hash = operations[word >> 62](hash, word);
        }
    }
    return hash;
}
