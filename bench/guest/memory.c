/* Memory: a sieve, copying and filling, chasing pointers through more than a cache. */
#include <stdlib.h>
#include <string.h>
#include "bench.h"

uint64_t run_sieve(uint32_t repeats)
{
    enum { LIMIT = 200000 };
    static unsigned char composite[LIMIT];
    uint64_t hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        unsigned primes = 0;
        memset(composite, 0, sizeof composite);
        for (unsigned n = 2; n < LIMIT; n++) {
            if (composite[n])
                continue;
            primes++;
            for (unsigned m = 2 * n; m < LIMIT; m += n)
                composite[m] = 1;
        }
        hash = mix(hash, primes + i);
    }
    return hash;
}

uint64_t run_copy(uint32_t repeats)
{
    enum { SIZE = 1 << 20 };
    static unsigned char from[SIZE], to[SIZE];
    uint64_t state = SEED, hash = CHECKSUM;
    for (size_t i = 0; i < SIZE; i += 8) {
        uint64_t word = next_random(&state);
        memcpy(from + i, &word, 8);
    }
    for (uint32_t i = 0; i < repeats; i++) {
        /* Large pieces, small pieces at odd addresses, overlapping pieces, and a loop of bytes. */
        memcpy(to, from, SIZE);
        for (int j = 0; j < 2000; j++) {
            uint64_t word = next_random(&state);
            size_t length = word & 127, a = (word >> 8) % (SIZE - 128), b = (word >> 32) % (SIZE - 128);
            memcpy(to + a, from + b, length);
        }
        memmove(to + 1000, to + 3, SIZE / 4);
        memset(from + (i * 4096) % (SIZE / 2), (int)i, SIZE / 8);
        for (size_t j = 0; j < SIZE / 8; j++)
            from[SIZE - 1 - j] = (unsigned char)(to[j] + i);
        uint64_t word;
        memcpy(&word, to + (i * 24571) % (SIZE - 8), 8);
        hash = mix(hash, word);
    }
    for (size_t i = 0; i < SIZE; i += 997)
        hash = mix(hash, to[i] + ((uint64_t)from[i] << 8));
    return hash;
}

struct node {
    struct node *next;
    uint64_t value;
    uint64_t padding[6];
};

uint64_t run_chase(uint32_t repeats)
{
    enum { NODES = 1 << 16 };
    struct node *nodes = malloc(NODES * sizeof *nodes);
    uint32_t *order = malloc(NODES * sizeof *order);
    uint64_t state = SEED, hash = CHECKSUM;
    for (uint32_t i = 0; i < NODES; i++) {
        uint32_t j = (uint32_t)(next_random(&state) % (i + 1));
        order[i] = order[j];
        order[j] = i;
    }
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[order[i]].next = &nodes[order[(i + 1) % NODES]];
        nodes[order[i]].value = next_random(&state);
    }
    struct node *at = nodes;
    for (uint32_t i = 0; i < repeats; i++) {
        for (int j = 0; j < NODES / 4; j++) {
            hash += at->value;
            at->value ^= hash;
            at = at->next;
        }
        hash = mix(hash, at->value);
    }
    free(order);
    free(nodes);
    return hash;
}
