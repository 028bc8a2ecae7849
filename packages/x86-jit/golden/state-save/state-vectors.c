/*
 * Golden vectors of FXSAVE, FXRSTOR, XSAVE, XSAVEOPT, XSAVEC and XRSTOR, from the processor that this runs on.
 *
 *   gcc -O1 -mavx -o state-vectors state-vectors.c && ./state-vectors SEED CASES > vectors.bin
 *
 * Output: a text header ("pckit-state-vectors 1", the processor, an empty line), then CASES records for each instruction, little endian.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

struct area {
  uint8_t legacy[512];
  uint64_t xstate_bv, xcomp_bv, reserved[6];
  uint8_t avx[256];
} __attribute__((aligned(64)));

struct record {
  uint8_t operation, mask, trap, unused;
  uint32_t mxcsr;
  uint8_t x87[108]; /* FRSTOR image, 32-bit protected mode */
  uint8_t ymm[16][32];
  uint8_t area_in[832], area_out[832];
  uint8_t state_out[512]; /* FXSAVE64 afterwards */
  uint8_t upper_out[16][16];
};
_Static_assert(sizeof(struct area) == 832 && sizeof(struct record) == 3060, "no padding");

/* With [rsi]. The reader has the same list. */
static const char *const operations[] = {
  "0fae06", "480fae06", "0fae0e", "480fae0e", "0fae26", "480fae26", "0fae36", "480fae36", "0fc726", "480fc726", "0fae2e", "480fae2e",
};
enum { FXSAVE, FXSAVE64, FXRSTOR, FXRSTOR64, XSAVE, XSAVE64, XSAVEOPT, XSAVEOPT64, XSAVEC, XSAVEC64, XRSTOR, XRSTOR64, OPERATIONS };

static uint64_t random_state;
static uint64_t random64(void) {
  uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
static uint32_t below(uint32_t n) { return (uint32_t)((random64() >> 32) * n >> 32); }

static uint8_t *code;
static size_t after_instruction;
static volatile int trap;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)info;
  trap = signal;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)(code + after_instruction);
}

static void execute(int operation, uint32_t mask, const struct record *from, struct area *area, struct record *into) {
  size_t at = 0;
  for (const char *p = operations[operation]; *p; p += 2) code[at++] = (uint8_t)strtoul((char[]){p[0], p[1], 0}, 0, 16);
  after_instruction = at;
  code[at] = 0xc3;
  static uint8_t state[512] __attribute__((aligned(16)));
  static const uint32_t default_mxcsr = 0x1f80;
  memset(state, 0, sizeof state);
  trap = 0;
  register const void *r8 asm("r8") = from;
  register void *r9 asm("r9") = state;
  register void *r10 asm("r10") = into->upper_out;
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD(n) "vmovdqu 116+32*" #n "(%%r8), %%ymm" #n "\n\t"
#define DUMP(n) "vextractf128 $1, %%ymm" #n ", 16*" #n "(%%r10)\n\t"
  asm volatile(
    "sub $128, %%rsp\n\t"
    "frstor 8(%%r8)\n\t" EACH(LOAD) "ldmxcsr 4(%%r8)\n\t"
    "call *%[code]\n\t"
    "fxsave64 (%%r9)\n\t" EACH(DUMP)
    "fninit\n\tvzeroall\n\tldmxcsr %[mxcsr]\n\t"
    "add $128, %%rsp"
    :
    : "r"(r8), "r"(r9), "r"(r10), [code] "r"(code), "a"(mask), "d"(0), "S"(area), [mxcsr] "m"(default_mxcsr)
    : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
      "xmm14", "xmm15");
  memcpy(into->state_out, state, sizeof state);
}

/* Few random bytes, so that the fixture stays small; components are in their initial configuration now and then. */
static void random_registers(struct record *r) {
  uint32_t *environment = (uint32_t *)r->x87;
  memset(r->x87, 0, sizeof r->x87);
  memset(r->ymm, 0, sizeof r->ymm);
  environment[0] = 0xffff037f;
  environment[1] = 0xffff0000;
  environment[2] = 0xffffffff;
  if (below(4)) {
    environment[0] = 0xffff0040 | below(64) | below(16) << 8;
    environment[1] = 0xffff0000 | below(8) << 11 | (random64() & 0x4700) | (below(2) ? random64() & 0x7f : 0);
    if (environment[1] & ~environment[0] & 0x3f) environment[1] |= 0x8080;
    environment[2] = 0xffff0000 | (random64() & 0xffff);
    environment[3] = 0x11223344;
    environment[4] = 0x01230033;
    environment[5] = 0x55667788;
    environment[6] = 0xffff0000;
    for (int i = 0; i < 8; i++) {
      uint8_t *st = r->x87 + 28 + 10 * i;
      if (below(3)) continue;
      uint64_t v = random64();
      memcpy(st + below(6), &v, 4);
    }
  }
  for (int n = 0, low = below(4) != 0, high = below(3) != 0; n < 16; n++) {
    uint64_t v = random64();
    if (low && below(3) == 0) memcpy(r->ymm[n] + below(13), &v, 3);
    if (high && below(3) == 0) memcpy(r->ymm[n] + 16 + below(13), &v, 3);
  }
  r->mxcsr = below(2) ? 0x1f80 : (uint32_t)(random64() & 0xffff);
}

/* What a restore gets: an area that a save has made, often spoilt. */
static void random_area(struct area *area, int operation) {
  static struct record other;
  memset(area, 0xa5, sizeof *area);
  memset(&area->xstate_bv, 0, 64);
  area->xstate_bv = below(8);
  if (operation < FXRSTOR || (operation >= XSAVE && operation < XRSTOR)) {
    if (below(2)) area->xcomp_bv = random64();
    return;
  }
  random_registers(&other);
  if (operation < XSAVE) {
    execute(operation == FXRSTOR ? FXSAVE : FXSAVE64, 0, &other, area, &other);
  } else {
    int compacted = below(2) != 0;
    execute((compacted ? XSAVEC : XSAVE) + operation - XRSTOR, below(3) ? 7 : below(8), &other, area, &other);
    switch (below(12)) {
      case 0: area->xstate_bv ^= 1u << below(3); break;
      case 1: area->xstate_bv |= 1ull << 62; break;
      case 2: area->xcomp_bv |= 1; break;
      case 3: area->xcomp_bv ^= 1ull << 63; break;
      case 4: area->reserved[0] = 1; break;
      case 5: area->reserved[1 + below(5)] = 1; break;
      case 6: area->xcomp_bv |= 1ull << 62; break;
      case 7: area->xstate_bv = below(8) & (compacted ? area->xcomp_bv : 7); break;
    }
  }
  if (below(12) == 0) area->legacy[26] |= 0x10; /* a reserved bit of MXCSR */
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: %s SEED CASES\n", argv[0]), 2;
  random_state = strtoull(argv[1], 0, 0);
  int count = atoi(argv[2]);
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGILL, &action, 0);

  unsigned brand[12];
  for (unsigned i = 0; i < 3; i++)
    __get_cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2], &brand[4 * i + 3]);
  printf("pckit-state-vectors 1\n%.48s\n\n", (char *)brand);

  static struct record record;
  static struct area area;
  for (int operation = 0; operation < OPERATIONS; operation++) {
    for (int n = 0; n < count; n++) {
      memset(&record, 0, sizeof record);
      record.operation = (uint8_t)operation;
      record.mask = (uint8_t)(below(3) ? 7 : below(8));
      random_area(&area, operation);
      memcpy(record.area_in, &area, sizeof area);
      random_registers(&record);
      execute(operation, record.mask, &record, &area, &record);
      record.trap = trap != 0;
      memcpy(record.area_out, &area, sizeof area);
      fwrite(&record, sizeof record, 1, stdout);
    }
  }
  return 0;
}
