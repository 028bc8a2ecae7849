/*
 * Executes AVX instructions on this processor: `golden/sse/execute.c` for YMM registers and faults. RSI points into the memory operand,
 * which ends with its page; the page that follows is not there.
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
  uint8_t ymm[5][32];
  uint8_t memory[128];
  uint64_t rax, rcx, rdx;
  uint32_t eflags, mxcsr;
  uint32_t pointer; /* RSI, as an offset in memory */
  uint32_t vector;  /* of the exception, and where a page fault was, as an offset too */
  uint32_t fault, padding;
};
struct input {
  uint8_t code[15], length;
  struct state state;
};
struct output {
  struct state state;
  uint32_t trapped, padding;
};

static uint8_t *code, *memory;
static volatile size_t length;
static volatile uint32_t vector, fault;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal; (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  vector = (uint32_t)registers[REG_TRAPNO];
  fault = vector == 14 ? (uint32_t)(registers[REG_CR2] - (greg_t)memory) : 0;
  registers[REG_RIP] = (greg_t)(code + length);
}

static void run(struct state *state) {
  static const uint32_t mxcsr_default = 0x1f80;
  memcpy(memory, state->memory, sizeof state->memory);
  register struct state *r8 asm("r8") = state;
  register uint8_t *r9 asm("r9") = code;
  register uint8_t *rsi asm("rsi") = memory + state->pointer;
  asm volatile(
    "sub $128, %%rsp\n\t" /* the red zone */
    "vmovdqu 0(%%r8), %%ymm0\n\t" "vmovdqu 32(%%r8), %%ymm1\n\t" "vmovdqu 64(%%r8), %%ymm2\n\t" "vmovdqu 96(%%r8), %%ymm3\n\t" "vmovdqu 128(%%r8), %%ymm4\n\t"
    "mov 288(%%r8), %%rax\n\t" "mov 296(%%r8), %%rcx\n\t" "mov 304(%%r8), %%rdx\n\t"
    "mov %%rsi, %%rdi\n\t"
    "ldmxcsr 316(%%r8)\n\t"
    "mov 312(%%r8), %%r10d\n\t" "push %%r10\n\t" "popfq\n\t"
    "call *%%r9\n\t"
    "pushfq\n\t" "pop %%r10\n\t" "mov %%r10d, 312(%%r8)\n\t"
    "stmxcsr 316(%%r8)\n\t" "ldmxcsr %[normal]\n\t"
    "vmovdqu %%ymm0, 0(%%r8)\n\t" "vmovdqu %%ymm1, 32(%%r8)\n\t" "vmovdqu %%ymm2, 64(%%r8)\n\t" "vmovdqu %%ymm3, 96(%%r8)\n\t" "vmovdqu %%ymm4, 128(%%r8)\n\t"
    "vzeroupper\n\t"
    "mov %%rax, 288(%%r8)\n\t" "mov %%rcx, 296(%%r8)\n\t" "mov %%rdx, 304(%%r8)\n\t"
    "add $128, %%rsp"
    : "+r"(r8), "+r"(r9), "+r"(rsi)
    : [normal] "m"(mxcsr_default)
    : "rax", "rcx", "rdx", "rdi", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4");
  memcpy(state->memory, memory, sizeof state->memory);
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "--processor")) {
    unsigned brand[13] = {0};
    for (unsigned i = 0; i < 3; i++) __get_cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2], &brand[4 * i + 3]);
    return printf("%s\n", (char *)brand), 0;
  }
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint8_t *pages = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED || pages == MAP_FAILED) return perror("mmap"), 1;
  if (mprotect(pages + 4096, 4096, PROT_NONE)) return perror("mprotect"), 1;
  memory = pages + 4096 - sizeof ((struct state *)0)->memory;
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, 0);
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  struct input input;
  while (fread(&input, sizeof input, 1, stdin) == 1) {
    struct output output = {.state = input.state};
    length = input.length;
    memcpy(code, input.code, length);
    code[length] = 0xc3;
    vector = fault = 0;
    run(&output.state);
    output.state.vector = vector;
    output.state.fault = fault;
    output.trapped = vector != 0;
    fwrite(&output, sizeof output, 1, stdout);
  }
  return 0;
}
