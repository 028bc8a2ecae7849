/* Guest programs of the bench. Each does `repeats` units of work and returns a checksum of what it computed, the same on every machine. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t program(uint32_t repeats);

program run_integer, run_branchy, run_calls, run_sieve, run_copy, run_chase, run_crc, run_sha256, run_sort, run_interpreter, run_mandelbrot, run_nbody,
    run_matrix, run_simd, run_compress, run_text;
program run_syscall, run_pipe, run_fork, run_exec, run_fault, run_files;

/* xorshift64*: the same sequence everywhere. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dULL;
}

/* FNV-1a over 64-bit words: puts results into a checksum. */
static inline uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001b3ULL;
}

#define SEED 0x9e3779b97f4a7c15ULL
#define CHECKSUM 0xcbf29ce484222325ULL

#endif
