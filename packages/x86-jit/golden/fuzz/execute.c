/*
 * Executes whole programs on this processor: `tests/fuzz/native.ts` writes them to standard input and reads what became of them. A
 * program has parts. An exception in one is noted, and execution goes on with the next; after the last the next program comes. Like
 * `golden/integer/runner.c` it works from within signal handlers, on a stack of their own, and uses no thread-local storage there.
 *
 *   gcc -O1 -fno-stack-protector -o execute execute.c
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE 0x10000
#define DATA 0x20000
#define STACK 0x30000
#define CODE_SIZE 0x4000
#define DATA_SIZE 0x3000 /* the last page is read-only */
#define STACK_SIZE 0x2000
#define MOST_PARTS 16

struct state {
  uint64_t registers[16]; /* in the order of their encoding */
  uint8_t ymm[16][32];
  uint32_t flags, mxcsr;
};
struct program {
  struct state state;
  uint32_t parts, starts[MOST_PARTS + 1]; /* addresses; the last is the end's */
  uint8_t code[CODE_SIZE], data[DATA_SIZE], stack[STACK_SIZE];
};
struct fault {
  uint32_t vector, flags;
  uint64_t ip, address;
};
struct result {
  struct state state;
  uint32_t faults, padding;
  struct fault fault[MOST_PARTS];
  uint8_t code[CODE_SIZE], data[DATA_SIZE], stack[STACK_SIZE];
};

static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static struct program *program, *last;
static void finish(void);
static struct result *result;
static uint32_t part;
static int started;

static void copy(volatile uint8_t *to, const volatile uint8_t *from, uint64_t bytes) {
  while (bytes--) *to++ = *from++;
}

/* The signal frame has the XSAVE area in the standard format: XMM at 160, XSTATE_BV at 512, upper halves at 576. */
static void load(ucontext_t *context) {
  const struct state *s = &program->state;
  greg_t *r = context->uc_mcontext.gregs;
  uint8_t *area = (uint8_t *)context->uc_mcontext.fpregs;
  for (int k = 0; k < 16; k++) r[order[k]] = (greg_t)s->registers[k];
  for (int k = 0; k < 16; k++) {
    copy(area + 160 + 16 * k, s->ymm[k], 16);
    copy(area + 576 + 16 * k, s->ymm[k] + 16, 16);
  }
  *(uint64_t *)(area + 512) |= 7;
  *(uint32_t *)(area + 24) = s->mxcsr;
  r[REG_EFL] = s->flags | 0x202;
  mprotect((void *)(DATA + DATA_SIZE - 4096), 4096, PROT_READ | PROT_WRITE);
  memcpy((void *)CODE, program->code, CODE_SIZE);
  memcpy((void *)DATA, program->data, DATA_SIZE);
  memcpy((void *)STACK, program->stack, STACK_SIZE);
  mprotect((void *)(DATA + DATA_SIZE - 4096), 4096, PROT_READ);
  part = 0;
  r[REG_RIP] = program->starts[0];
}

static void record(const ucontext_t *context) {
  struct state *s = &result->state;
  const greg_t *r = context->uc_mcontext.gregs;
  const uint8_t *area = (const uint8_t *)context->uc_mcontext.fpregs;
  uint64_t present = *(const uint64_t *)(area + 512);
  for (int k = 0; k < 16; k++) s->registers[k] = (uint64_t)r[order[k]];
  for (int k = 0; k < 16; k++) {
    if (present & 2) copy(s->ymm[k], area + 160 + 16 * k, 16);
    if (present & 4) copy(s->ymm[k] + 16, area + 576 + 16 * k, 16);
  }
  s->flags = (uint32_t)r[REG_EFL];
  s->mxcsr = *(const uint32_t *)(area + 24);
  memcpy(result->code, (void *)CODE, CODE_SIZE);
  memcpy(result->data, (void *)DATA, DATA_SIZE);
  memcpy(result->stack, (void *)STACK, STACK_SIZE);
}

static void on_signal(int signal, siginfo_t *info, void *uc) {
  (void)info;
  ucontext_t *context = uc;
  greg_t *r = context->uc_mcontext.gregs;
  /* Linux makes locked accesses across cache lines very slow: such a program has no result. */
  if (signal == SIGALRM) result->faults = UINT32_MAX;
  if (started) {
    if (signal != SIGALRM && (uint64_t)r[REG_RIP] != program->starts[program->parts]) {
      struct fault *f = &result->fault[result->faults++];
      f->vector = (uint32_t)r[REG_TRAPNO];
      f->flags = (uint32_t)r[REG_EFL];
      f->ip = (uint64_t)r[REG_RIP];
      f->address = f->vector == 14 ? (uint64_t)r[REG_CR2] : 0;
      /* Parts run one after another; from outside of all, where a wild jump leads, it goes on after the last that is known. */
      for (uint32_t k = part; k < program->parts; k++)
        if (f->ip >= program->starts[k] && f->ip < program->starts[k + 1]) part = k;
      r[REG_RIP] = program->starts[++part];
      return;
    }
    record(context);
    program++;
    result++;
    if (program == last) {
      alarm(0);
      finish();
    }
  }
  started = 1;
  alarm(1);
  load(context);
}

static struct result *results;
static void finish(void) {
  for (uint8_t *p = (uint8_t *)results; p < (uint8_t *)result;) {
    ssize_t n = write(1, p, (size_t)((uint8_t *)result - p));
    if (n <= 0) _exit(3);
    p += n;
  }
  _exit(0);
}

static void *map(uint64_t at, uint64_t size, int rights) {
  void *p = mmap((void *)at, size, rights, MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);
  if (p == MAP_FAILED) perror("mmap"), exit(1);
  return p;
}

int main(void) {
  size_t room = 1 << 20, length = 0;
  uint8_t *input = malloc(room);
  for (;;) {
    size_t n = fread(input + length, 1, room - length, stdin);
    if (n == 0) break;
    length += n;
    if (length == room) input = realloc(input, room *= 2);
  }
  program = (struct program *)input;
  last = program + length / sizeof *program;
  if (program == last) return 0;
  result = results = calloc((size_t)(last - program), sizeof *result);
  map(CODE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
  map(DATA, DATA_SIZE, PROT_READ | PROT_WRITE);
  map(STACK, STACK_SIZE, PROT_READ | PROT_WRITE);
  stack_t stack = {.ss_sp = map(0, 1 << 20, PROT_READ | PROT_WRITE), .ss_size = 1 << 20};
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGALRM, SIGUSR1};
  for (unsigned k = 0; k < sizeof signals / sizeof *signals; k++) sigaction(signals[k], &action, 0);
  raise(SIGUSR1);
  return 5;
}
