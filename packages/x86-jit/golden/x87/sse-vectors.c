/*
 * Golden vectors of the SSE, FMA and F16C floating-point instructions, from the processor that this runs on.
 *
 *   gcc -O1 -o sse-vectors sse-vectors.c && ./sse-vectors SEED CASES_PER_INSTRUCTION > vectors.bin
 *
 * Output: a text header ("pckit-sse-vectors 1", the processor, one line per instruction, an empty line), then records
 * of `struct record`, little endian.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <cpuid.h>
#include "random-floats.h"

struct record {
  uint16_t instruction;
  uint8_t immediate;
  uint8_t trapped; /* #XM */
  uint16_t mxcsr_in, mxcsr_out;
  uint32_t a[4], b[4], c[4], result[4];
  uint64_t gpr_in, gpr_out;
  uint32_t eflags, padding;
};

enum lanes { F32, F64, I32, I64, F16 };
enum feature { SSE, AVX, FMA, F16C };

struct instruction {
  const char *name;
  enum lanes lanes;
  enum feature feature;
  const char *bytes;         /* xmm0 = a and result, xmm1 = b, xmm2 = c, rax = GPR in and out; "ib" is the immediate */
  uint8_t immediates;        /* how many values the immediate takes, from 0; 0: no immediate, 255: any */
};

static const struct instruction instructions[] = {
#define ARITHMETIC(name, opcode)                                                                                  \
  {name "ps", F32, SSE, "0f " opcode " c1", 0}, {name "pd", F64, SSE, "66 0f " opcode " c1", 0},                  \
  {name "ss", F32, SSE, "f3 0f " opcode " c1", 0}, {name "sd", F64, SSE, "f2 0f " opcode " c1", 0},
  ARITHMETIC("add", "58") ARITHMETIC("mul", "59") ARITHMETIC("sub", "5c") ARITHMETIC("min", "5d")
  ARITHMETIC("div", "5e") ARITHMETIC("max", "5f") ARITHMETIC("sqrt", "51")
  {"cmpps", F32, SSE, "0f c2 c1 ib", 8}, {"cmppd", F64, SSE, "66 0f c2 c1 ib", 8},
  {"cmpss", F32, SSE, "f3 0f c2 c1 ib", 8}, {"cmpsd", F64, SSE, "f2 0f c2 c1 ib", 8},
  {"vcmpps", F32, AVX, "c5 f8 c2 c1 ib", 32}, {"vcmppd", F64, AVX, "c5 f9 c2 c1 ib", 32},
  {"comiss", F32, SSE, "0f 2f c1", 0}, {"comisd", F64, SSE, "66 0f 2f c1", 0},
  {"ucomiss", F32, SSE, "0f 2e c1", 0}, {"ucomisd", F64, SSE, "66 0f 2e c1", 0},
  {"haddps", F32, SSE, "f2 0f 7c c1", 0}, {"haddpd", F64, SSE, "66 0f 7c c1", 0},
  {"hsubps", F32, SSE, "f2 0f 7d c1", 0}, {"hsubpd", F64, SSE, "66 0f 7d c1", 0},
  {"addsubps", F32, SSE, "f2 0f d0 c1", 0}, {"addsubpd", F64, SSE, "66 0f d0 c1", 0},
  {"dpps", F32, SSE, "66 0f 3a 40 c1 ib", 255}, {"dppd", F64, SSE, "66 0f 3a 41 c1 ib", 255},
  {"roundps", F32, SSE, "66 0f 3a 08 c1 ib", 16}, {"roundpd", F64, SSE, "66 0f 3a 09 c1 ib", 16},
  {"roundss", F32, SSE, "66 0f 3a 0a c1 ib", 16}, {"roundsd", F64, SSE, "66 0f 3a 0b c1 ib", 16},
  {"cvtss2sd", F32, SSE, "f3 0f 5a c1", 0}, {"cvtsd2ss", F64, SSE, "f2 0f 5a c1", 0},
  {"cvtps2pd", F32, SSE, "0f 5a c1", 0}, {"cvtpd2ps", F64, SSE, "66 0f 5a c1", 0},
  {"cvtdq2ps", I32, SSE, "0f 5b c1", 0}, {"cvtdq2pd", I32, SSE, "f3 0f e6 c1", 0},
  {"cvtps2dq", F32, SSE, "66 0f 5b c1", 0}, {"cvttps2dq", F32, SSE, "f3 0f 5b c1", 0},
  {"cvtpd2dq", F64, SSE, "f2 0f e6 c1", 0}, {"cvttpd2dq", F64, SSE, "66 0f e6 c1", 0},
  {"cvtss2si32", F32, SSE, "f3 0f 2d c1", 0}, {"cvttss2si32", F32, SSE, "f3 0f 2c c1", 0},
  {"cvtsd2si32", F64, SSE, "f2 0f 2d c1", 0}, {"cvttsd2si32", F64, SSE, "f2 0f 2c c1", 0},
  {"cvtss2si64", F32, SSE, "f3 48 0f 2d c1", 0}, {"cvttss2si64", F32, SSE, "f3 48 0f 2c c1", 0},
  {"cvtsd2si64", F64, SSE, "f2 48 0f 2d c1", 0}, {"cvttsd2si64", F64, SSE, "f2 48 0f 2c c1", 0},
  {"cvtsi2ss32", I32, SSE, "f3 0f 2a c0", 0}, {"cvtsi2sd32", I32, SSE, "f2 0f 2a c0", 0},
  {"cvtsi2ss64", I64, SSE, "f3 48 0f 2a c0", 0}, {"cvtsi2sd64", I64, SSE, "f2 48 0f 2a c0", 0},
  /* The MMX forms go through mm1 = rax and back. */
  {"cvtpi2ps", I32, SSE, "48 0f 6e c8 0f 2a c1 0f 77", 0},
  {"cvtpi2pd", I32, SSE, "48 0f 6e c8 66 0f 2a c1 0f 77", 0},
  {"cvtps2pi", F32, SSE, "0f 2d c1 48 0f 7e c0 0f 77", 0}, {"cvttps2pi", F32, SSE, "0f 2c c1 48 0f 7e c0 0f 77", 0},
  {"cvtpd2pi", F64, SSE, "66 0f 2d c1 48 0f 7e c0 0f 77", 0}, {"cvttpd2pi", F64, SSE, "66 0f 2c c1 48 0f 7e c0 0f 77", 0},
  {"rcpps", F32, SSE, "0f 53 c1", 0}, {"rcpss", F32, SSE, "f3 0f 53 c1", 0},
  {"rsqrtps", F32, SSE, "0f 52 c1", 0}, {"rsqrtss", F32, SSE, "f3 0f 52 c1", 0},
#define FUSED_PACKED(name, o132, o213, o231)                                                                        \
  {"v" name "132ps", F32, FMA, "c4 e2 71 " o132 " c2", 0}, {"v" name "132pd", F64, FMA, "c4 e2 f1 " o132 " c2", 0},   \
  {"v" name "213ps", F32, FMA, "c4 e2 71 " o213 " c2", 0}, {"v" name "213pd", F64, FMA, "c4 e2 f1 " o213 " c2", 0},   \
  {"v" name "231ps", F32, FMA, "c4 e2 71 " o231 " c2", 0}, {"v" name "231pd", F64, FMA, "c4 e2 f1 " o231 " c2", 0},
#define FUSED_SCALAR(name, o132, o213, o231)                                                                        \
  {"v" name "132ss", F32, FMA, "c4 e2 71 " o132 " c2", 0}, {"v" name "132sd", F64, FMA, "c4 e2 f1 " o132 " c2", 0},   \
  {"v" name "213ss", F32, FMA, "c4 e2 71 " o213 " c2", 0}, {"v" name "213sd", F64, FMA, "c4 e2 f1 " o213 " c2", 0},   \
  {"v" name "231ss", F32, FMA, "c4 e2 71 " o231 " c2", 0}, {"v" name "231sd", F64, FMA, "c4 e2 f1 " o231 " c2", 0},
  FUSED_PACKED("fmaddsub", "96", "a6", "b6") FUSED_PACKED("fmsubadd", "97", "a7", "b7")
  FUSED_PACKED("fmadd", "98", "a8", "b8") FUSED_SCALAR("fmadd", "99", "a9", "b9")
  FUSED_PACKED("fmsub", "9a", "aa", "ba") FUSED_SCALAR("fmsub", "9b", "ab", "bb")
  FUSED_PACKED("fnmadd", "9c", "ac", "bc") FUSED_SCALAR("fnmadd", "9d", "ad", "bd")
  FUSED_PACKED("fnmsub", "9e", "ae", "be") FUSED_SCALAR("fnmsub", "9f", "af", "bf")
  {"vcvtph2ps", F16, F16C, "c4 e2 79 13 c1", 0}, {"vcvtps2ph", F32, F16C, "c4 e3 79 1d c8 ib", 8},
};

static uint8_t *code;
static size_t epilogue; /* offset in `code` where a trapped instruction resumes */
static volatile int trapped;

static void on_sigfpe(int signal, siginfo_t *info, void *context) {
  (void)signal; (void)info;
  trapped = 1;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)(code + epilogue);
}

static size_t emit(size_t at, const char *bytes, uint8_t immediate) {
  for (const char *p = bytes; *p; p += p[2] ? 3 : 2) {
    code[at++] = p[0] == 'i' ? immediate : (uint8_t)strtoul((char[]){p[0], p[1], 0}, 0, 16);
  }
  return at;
}

/* rdi = record. Runs one instruction between loads and stores of all that it may read or write. */
static void run(const struct instruction *instruction, struct record *record) {
#define AT(field) (uint8_t) offsetof(struct record, field)
  size_t at = 0;
  uint32_t mxcsr_default = 0x1f80, mxcsr = record->mxcsr_in;
  const uint8_t prologue[] = {
    0x31, 0xc0,                                                               /* xor eax, eax: the same flags every time */
    0x0f, 0x10, 0x47, AT(a), 0x0f, 0x10, 0x4f, AT(b), 0x0f, 0x10, 0x57, AT(c), /* movups xmm0-2, [rdi + .] */
    0x48, 0x8b, 0x47, AT(gpr_in),                                             /* mov rax, [rdi + gpr_in] */
  };
  const uint8_t ending[] = {
    0x0f, 0x11, 0x47, AT(result),       /* movups [rdi + result], xmm0 */
    0x48, 0x89, 0x47, AT(gpr_out),      /* mov [rdi + gpr_out], rax */
    0x9c, 0x8f, 0x47, AT(eflags),       /* pushf; pop qword [rdi + eflags] */
    0xc3,
  };
  memcpy(code + at, prologue, sizeof prologue);
  at = emit(at + sizeof prologue, instruction->bytes, record->immediate);
  epilogue = at;
  memcpy(code + at, ending, sizeof ending);
  trapped = 0;
  asm volatile(
    "sub $128, %%rsp\n\t" /* the red zone */
    "ldmxcsr (%[mxcsr])\n\t"
    "call *%[code]\n\t"
    "stmxcsr (%[mxcsr])\n\t"
    "ldmxcsr (%[normal])\n\t"
    "add $128, %%rsp"
    : : [code] "r"(code), [mxcsr] "r"(&mxcsr), [normal] "r"(&mxcsr_default), "D"(record)
    : "rax", "memory", "cc", "xmm0", "xmm1", "xmm2");
  record->mxcsr_out = (uint16_t)mxcsr;
  record->trapped = (uint8_t)trapped;
  record->eflags &= 0x8d5;
  record->padding = 0;
}

static void operands(enum lanes lanes, struct record *record) {
  uint32_t *vectors[] = {record->a, record->b, record->c};
  for (int v = 0; v < 3; v++) {
    uint32_t *lane = vectors[v];
    for (int i = 0; i < 4; i++) {
      if (lanes == F32) {
        lane[i] = v && below(2) ? near_f32(record->a[i]) : random_f32();
      } else if (lanes == F16) {
        lane[i] = (uint32_t)random_f16() << 16 | random_f16();
      } else if (lanes == I32) {
        lane[i] = (uint32_t)(int32_t)(int64_t)(random_fraction(32) >> below(32));
      } else if ((i & 1) == 0) {
        uint64_t value = lanes == I64 ? random_fraction(64) >> below(64)
          : v && below(2) ? near_f64((uint64_t)record->a[i + 1] << 32 | record->a[i]) : random_f64();
        memcpy(lane + i, &value, 8);
      }
    }
  }
  record->gpr_in = lanes == I64 ? (uint64_t)((int64_t)random_fraction(64) >> below(64)) : (uint64_t)record->b[1] << 32 | record->b[0];
}

static uint16_t random_mxcsr(void) {
  uint16_t masks = below(4) ? 0x1f80 : (uint16_t)(random64() & 0x1f80);
  uint16_t rest = (uint16_t)(below(4) << 13);
  if (below(4) == 0) rest |= 0x8000;
  if (below(4) == 0) rest |= 0x0040;
  return masks | rest;
}

static int supported(enum feature feature) {
  switch (feature) {
    case AVX: return __builtin_cpu_supports("avx");
    case FMA: return __builtin_cpu_supports("fma");
    case F16C: return __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2");
    default: return 1;
  }
}

static void print_processor(void) {
  unsigned brand[12];
  for (unsigned i = 0; i < 3; i++)
    __get_cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2], &brand[4 * i + 3]);
  printf("%.48s\n", (char *)brand);
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: %s SEED CASES\n", argv[0]), 2;
  random_state = strtoull(argv[1], 0, 0);
  int cases = atoi(argv[2]);
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) return perror("mmap"), 1;
  struct sigaction action = {.sa_sigaction = on_sigfpe, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, 0);

  size_t count = sizeof instructions / sizeof *instructions;
  printf("pckit-sse-vectors 1\n");
  print_processor();
  for (size_t i = 0; i < count; i++) printf("%s\n", instructions[i].name);
  printf("\n");
  for (size_t i = 0; i < count; i++) {
    const struct instruction *instruction = &instructions[i];
    if (!supported(instruction->feature)) continue;
    for (int n = 0; n < cases; n++) {
      struct record record = {.instruction = (uint16_t)i};
      record.mxcsr_in = random_mxcsr();
      if (instruction->immediates) record.immediate = (uint8_t)below(instruction->immediates == 255 ? 256 : instruction->immediates);
      operands(instruction->lanes, &record);
      run(instruction, &record);
      fwrite(&record, sizeof record, 1, stdout);
    }
  }
  return 0;
}
