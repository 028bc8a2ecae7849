/* A bytecode interpreter with a stack: counts primes and computes a polynomial hash, dispatching through one indirect jump. */
#include "bench.h"

enum { PUSH, LOAD, STORE, ADD, SUB, MUL, MOD, LESS, JUMP, UNLESS, DUP, HALT };

uint64_t run_interpreter(uint32_t repeats)
{
    static int32_t program[96];
    uint64_t hash = CHECKSUM;
    int n = 0;
#define EMIT(...) do { const int32_t part[] = { __VA_ARGS__ }; for (size_t k = 0; k < sizeof part / sizeof *part; k++) program[n++] = part[k]; } while (0)
    /* for (n = 2, found = 0; n < limit; n++) { for (d = 2; d * d < n + 1; d++) if (n % d == 0) goto next; found++; hash = hash * 31 + n; next: }
       Variables: 0 n, 1 d, 2 found, 3 limit, 4 hash. */
    EMIT(PUSH, 2, STORE, 0, PUSH, 0, STORE, 2);
    int outer = n;
    EMIT(LOAD, 0, LOAD, 3, LESS, UNLESS, 0);
    int done = n - 1;
    EMIT(PUSH, 2, STORE, 1);
    int inner = n;
    EMIT(LOAD, 1, DUP, MUL, LOAD, 0, PUSH, 1, ADD, LESS, UNLESS, 0);
    int prime = n - 1;
    EMIT(LOAD, 0, LOAD, 1, MOD, UNLESS, 0);
    int next = n - 1;
    EMIT(LOAD, 1, PUSH, 1, ADD, STORE, 1, JUMP, inner);
    program[prime] = n;
    EMIT(LOAD, 2, PUSH, 1, ADD, STORE, 2, LOAD, 4, PUSH, 31, MUL, LOAD, 0, ADD, STORE, 4);
    program[next] = n;
    EMIT(LOAD, 0, PUSH, 1, ADD, STORE, 0, JUMP, outer);
    program[done] = n;
    EMIT(HALT);

    for (uint32_t i = 0; i < repeats; i++) {
        uint64_t stack[16], variables[5] = { 0, 0, 0, 400 + i % 7, hash };
        uint64_t *top = stack;
        const int32_t *at = program;
        for (int running = 1; running;) {
            switch (*at++) {
            case PUSH: *top++ = (uint64_t)*at++; break;
            case LOAD: *top++ = variables[*at++]; break;
            case STORE: variables[*at++] = *--top; break;
            case ADD: top--; top[-1] += *top; break;
            case SUB: top--; top[-1] -= *top; break;
            case MUL: top--; top[-1] *= *top; break;
            case MOD: top--; top[-1] %= *top; break;
            case LESS: top--; top[-1] = top[-1] < *top; break;
            case JUMP: at = program + *at; break;
            case UNLESS: at = *--top == 0 ? program + *at : at + 1; break;
            case DUP: *top = top[-1]; top++; break;
            default: running = 0;
            }
        }
        hash = mix(variables[4], variables[2]);
    }
    return hash;
}
