/*
 * Golden vectors of the instructions with MMX registers, from the processor that this runs on.
 *
 *   gcc -O1 -o mmx-vectors mmx-vectors.c && ./mmx-vectors SEED CASES > vectors.bin
 *
 * Output: a text header ("pckit-mmx-vectors 1", the processor, the seed, the number of cases, one line for each form: instruction bytes
 * and name; an empty line), then CASES + 1 records for each form, little endian. The first record of a form is a 108-byte FNSAVE image
 * that the instruction left from all zero registers and FNINIT, FLD1, FLDPI, FLDZ; the others are `struct state` after the instruction XOR `struct state` before it (which the reader makes
 * again from the seed), and a byte that says whether it raised an exception.
 *
 * Registers: mm0, mm1, xmm0, xmm1, rax; rsi and rdi point at `memory`.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
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

struct state {
  uint64_t mm[2], xmm0[2], xmm1[2], memory[2], rax, mxcsr;
};
_Static_assert(sizeof(struct state) == 80, "no padding");

static uint8_t *code;
static size_t instruction_at, epilogue_at;
static volatile uint8_t trap;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)info;
  trap = (uint8_t)signal;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)(code + epilogue_at);
}

static size_t emit(size_t at, const char *bytes) {
  for (const char *p = bytes; *p; p += p[2] == ' ' ? 3 : 2) code[at++] = (uint8_t)strtoul((char[]){p[0], p[1], 0}, 0, 16);
  return at;
}

/* r8 = state. */
static void build(const char *instruction) {
  size_t at = 0;
  at = emit(at, "41 0f 6f 00");       /* movq mm0, [r8] */
  at = emit(at, "41 0f 6f 48 08");    /* movq mm1, [r8+8] */
  at = emit(at, "f3 41 0f 6f 40 10"); /* movdqu xmm0, [r8+16] */
  at = emit(at, "f3 41 0f 6f 48 20"); /* movdqu xmm1, [r8+32] */
  at = emit(at, "49 8b 40 40");       /* mov rax, [r8+64] */
  at = emit(at, "49 8d 70 30");       /* lea rsi, [r8+48] */
  at = emit(at, "48 89 f7");          /* mov rdi, rsi */
  at = emit(at, "41 0f ae 50 48");    /* ldmxcsr [r8+72] */
  instruction_at = at;
  at = emit(at, instruction);
  epilogue_at = at;
  at = emit(at, "41 0f 7f 00");       /* movq [r8], mm0 */
  at = emit(at, "41 0f 7f 48 08");    /* movq [r8+8], mm1 */
  at = emit(at, "f3 41 0f 7f 40 10"); /* movdqu [r8+16], xmm0 */
  at = emit(at, "f3 41 0f 7f 48 20"); /* movdqu [r8+32], xmm1 */
  at = emit(at, "49 89 40 40");       /* mov [r8+64], rax */
  at = emit(at, "41 0f ae 58 48");    /* stmxcsr [r8+72] */
  emit(at, "0f 77 c3");               /* emms; ret */
}

/* The x87's state after the instruction alone, from a stack of three. */
static void build_transition(const char *instruction) {
  size_t at = emit(0, "0f ef c0 0f ef c9 0f ef d2 0f ef db 0f ef e4 0f ef ed 0f ef f6 0f ef ff"); /* pxor mm0, mm0 ... */
  at = emit(at, "31 c0 66 0f ef c9");             /* xor eax, eax; pxor xmm1, xmm1 */
  at = emit(at, "db e3 d9 e8 d9 eb d9 ee");       /* fninit; fld1; fldpi; fldz */
  at = emit(at, "49 8d 70 30 48 89 f7");          /* lea rsi, [r8+48]; mov rdi, rsi */
  instruction_at = at;
  at = emit(at, instruction);
  epilogue_at = at;
  emit(at, "41 dd 31 db e3 c3"); /* fnsave [r9]; fninit; ret */
}

static void run(void *state, void *image) {
  register void *r8 asm("r8") = state;
  register void *r9 asm("r9") = image;
  uint32_t mxcsr = 0x1f80;
  trap = 0;
  asm volatile("sub $128, %%rsp\n\tcall *%[code]\n\tadd $128, %%rsp\n\tldmxcsr %[mxcsr]\n\tcld"
               : "+r"(r8), "+r"(r9)
               : [code] "r"(code), [mxcsr] "m"(mxcsr)
               : "rax", "rsi", "rdi", "xmm0", "xmm1", "memory", "cc");
}

/*
 * `tests/mmx/mmx-vectors.ts` makes the same values again, so each is a function of a fixed number of draws.
 */
static uint64_t random_lanes(void) {
  static const uint8_t bytes[16] = {0, 1, 2, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xfd, 0xfe, 0xff, 0x55, 0xaa};
  static const uint16_t words[8] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x4000, 0xfffe};
  static const uint32_t dwords[4] = {0, 0x7fffffff, 0x80000000, 0xffffffff};
  uint64_t kind = random64() & 15, a = random64(), b = random64(), value = 0;
  switch (kind) {
    case 0: return a & b;
    case 1: return a | b;
    case 2: return a % 70; /* a shift count */
    case 3: return a >> (b & 63);
    case 4: case 5: case 6:
      for (int k = 0; k < 8; k++) value |= (uint64_t)bytes[a >> (4 * k) & 15] << (8 * k);
      return value;
    case 7: case 8: case 9:
      for (int k = 0; k < 4; k++) value |= (uint64_t)words[a >> (3 * k) & 7] << (16 * k);
      return value;
    case 10: return dwords[a & 3] | (uint64_t)dwords[a >> 2 & 3] << 32;
    default: return a;
  }
}

/* Zero, infinity, NaNs, a denormal, the neighbourhood of the integers' limits, halves, and values of integers' size. */
static uint32_t random_single(uint32_t r, uint32_t kind) {
  uint32_t sign = r & 0x80000000;
  switch (kind & 15) {
    case 0: return sign;
    case 1: return sign | 0x7f800000;
    case 2: return sign | 0x7fc00000 | (r & 0xff);
    case 3: return sign | 0x7f800001;
    case 4: return sign | (r & 0x7fffff);
    case 5: return sign | (0x4effffff + (r & 3));
    case 6: return sign | (0x3effffff + (r & 3));
    case 7: return r;
    default: return sign | (125 + (kind >> 4) % 34) << 23 | (r & 0x7fffff);
  }
}
static uint64_t random_double(uint64_t r, uint32_t kind) {
  uint64_t sign = r & 0x8000000000000000u;
  switch (kind & 15) {
    case 0: return sign;
    case 1: return sign | 0x7ff0000000000000u;
    case 2: return sign | 0x7ff8000000000000u | (r & 0xff);
    case 3: return sign | 0x7ff0000000000001u;
    case 4: return sign | (r & 0xfffffffffffffu);
    case 5: return sign | (0x41dfffffffffffffu - (r & 3) * 0x100000);
    case 6: return sign | (0x3fdfffffffffffffu + (r & 3));
    case 7: return r;
    default: return sign | (uint64_t)(1021 + (kind >> 4) % 34) << 52 | (r & 0xfffffffffffffu);
  }
}
static uint64_t random_floats(void) {
  uint64_t kinds = random64(), r = random64();
  if (kinds >> 63) return random_double(r, (uint32_t)kinds & 0xffff);
  return random_single((uint32_t)r, (uint32_t)kinds & 0xffff) | (uint64_t)random_single((uint32_t)(r >> 32), (uint32_t)(kinds >> 16) & 0xffff) << 32;
}

static void random_state_of(struct state *s, int floats) {
  s->mm[0] = random_lanes();
  s->mm[1] = random_lanes();
  uint64_t *rest = s->xmm0;
  for (int i = 0; i < 6; i++) rest[i] = floats ? random_floats() : random_lanes();
  s->rax = random_lanes();
  /* Rounding control at random; now and then unmasked exceptions, flags, DAZ. */
  uint64_t r = random64();
  s->mxcsr = 0x1f80;
  if (floats) s->mxcsr = (r & 0x6000) | (r >> 16 & 3 ? 0x1f80 : r >> 20 & 0x1f80) | (r >> 40 & 7 ? 0 : r >> 44 & 0x7f);
}

static const char *const forms[] = {
#include "forms.h"
};

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: %s SEED CASES\n", argv[0]), 2;
  uint64_t seed = strtoull(argv[1], 0, 0);
  int count = atoi(argv[2]);
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, 0);
  sigaction(SIGILL, &action, 0);
  sigaction(SIGSEGV, &action, 0);

  unsigned brand[12];
  for (unsigned i = 0; i < 3; i++)
    __get_cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2], &brand[4 * i + 3]);
  printf("pckit-mmx-vectors 1\n%.48s\n%llu\n%d\n", (char *)brand, (unsigned long long)seed, count);
  for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) printf("%s\n", forms[f]);
  printf("\n");

  static struct state before, after __attribute__((aligned(16)));
  for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
    char instruction[64];
    snprintf(instruction, sizeof instruction, "%s", forms[f]);
    char *name = strstr(instruction, "  ");
    *name = 0;
    int floats = strstr(name + 2, "cvt") != 0;
    random_state = seed * 1000003 + f;
    uint8_t image[108];
    memset(&after, 0, sizeof after);
    build_transition(instruction);
    run(&after, image);
    fwrite(image, sizeof image, 1, stdout);
    build(instruction);
    for (int n = 0; n < count; n++) {
      random_state_of(&before, floats);
      after = before;
      run(&after, 0);
      for (size_t i = 0; i < sizeof after / 8; i++) ((uint64_t *)&after)[i] ^= ((uint64_t *)&before)[i];
      fwrite(&after, sizeof after, 1, stdout);
      fwrite((uint8_t *)&trap, 1, 1, stdout);
    }
  }
  return 0;
}
