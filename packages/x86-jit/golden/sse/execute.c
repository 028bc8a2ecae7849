/*
 * Executes instructions on this processor. Standard input is a sequence of `struct input`, standard output one of `struct output` for
 * each; `tests/sse/native.ts` writes and reads them. RSI and RDI point to the memory operand.
 *
 *   gcc -O1 -o execute execute.c
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

struct state {
  uint8_t xmm[3][16];
  uint8_t memory[32];
  uint64_t rax, rcx, rdx;
  uint32_t eflags, mxcsr;
};
struct input {
  uint8_t code[15], length;
  struct state state;
};
struct output {
  struct state state;
  uint32_t trapped, padding;
};

static uint8_t *code;
static volatile size_t length;
static volatile uint32_t trapped;
static _Alignas(64) uint8_t memory[64];

static void on_sigfpe(int signal, siginfo_t *info, void *context) {
  (void)signal; (void)info;
  trapped = 1;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)(code + length);
}

static void run(struct state *state) {
  static const uint32_t mxcsr_default = 0x1f80;
  memcpy(memory, state->memory, sizeof state->memory);
  register struct state *r8 asm("r8") = state;
  register uint8_t *r9 asm("r9") = code;
  asm volatile(
    "sub $128, %%rsp\n\t" /* the red zone */
    "movups 0(%%r8), %%xmm0\n\t" "movups 16(%%r8), %%xmm1\n\t" "movups 32(%%r8), %%xmm2\n\t"
    "mov 80(%%r8), %%rax\n\t" "mov 88(%%r8), %%rcx\n\t" "mov 96(%%r8), %%rdx\n\t"
    "lea %[memory], %%rsi\n\t" "mov %%rsi, %%rdi\n\t"
    "ldmxcsr 108(%%r8)\n\t"
    "mov 104(%%r8), %%r10d\n\t" "push %%r10\n\t" "popfq\n\t"
    "call *%%r9\n\t"
    "pushfq\n\t" "pop %%r10\n\t" "mov %%r10d, 104(%%r8)\n\t"
    "stmxcsr 108(%%r8)\n\t" "ldmxcsr %[normal]\n\t"
    "movups %%xmm0, 0(%%r8)\n\t" "movups %%xmm1, 16(%%r8)\n\t" "movups %%xmm2, 32(%%r8)\n\t"
    "mov %%rax, 80(%%r8)\n\t" "mov %%rcx, 88(%%r8)\n\t" "mov %%rdx, 96(%%r8)\n\t"
    "add $128, %%rsp"
    : "+r"(r8), "+r"(r9)
    : [memory] "m"(memory), [normal] "m"(mxcsr_default)
    : "rax", "rcx", "rdx", "rsi", "rdi", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2");
  memcpy(state->memory, memory, sizeof state->memory);
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "--processor")) {
    unsigned brand[13] = {0};
    for (unsigned i = 0; i < 3; i++) __get_cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2], &brand[4 * i + 3]);
    return printf("%s\n", (char *)brand), 0;
  }
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) return perror("mmap"), 1;
  struct sigaction action = {.sa_sigaction = on_sigfpe, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, 0);
  struct input input;
  while (fread(&input, sizeof input, 1, stdin) == 1) {
    struct output output = {.state = input.state};
    length = input.length;
    memcpy(code, input.code, length);
    code[length] = 0xc3;
    trapped = 0;
    run(&output.state);
    output.trapped = trapped;
    fwrite(&output, sizeof output, 1, stdout);
  }
  return 0;
}
