/*
 * Executes instructions on the processor that this runs on, one at a time, and says what they did.
 *
 *   gcc -O1 -fno-stack-protector -o runner runner.c && ./runner < cases > outcomes
 *
 * It knows no instruction. `tests/integer/recorder.ts` writes the cases: whole register files, code bytes, memory. All runs
 * inside one signal handler: returning from it loads every register with TF set, so that one instruction executes before the
 * next signal, be it the trap or an exception, brings all registers back. That works in any code segment, with any stack
 * pointer, and for exceptions of every kind. The handler must touch no thread-local storage: FS belongs to the cases.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define MAGIC 0x31746e69 /* "int1" */
#define PAGE 4096
#define MOST_REGIONS 16
#define MOST_ITERATIONS 100000
#define HUNG 255

struct header {
  uint32_t magic, regions, descriptors, cases;
};
struct region {
  uint64_t base;
  uint32_t pages, flags; /* 1 writable, 2 executable */
};
struct input {
  uint64_t registers[16]; /* in the order of their encoding */
  uint64_t ip, code_at, fs_base, gs_base;
  uint32_t flags;
  uint16_t cs, ss, ds, es, fs, gs;
  uint8_t code_length, writes, repeats, steps; /* of a sequence, or 1 */
  uint32_t unused;
  uint8_t code[64];
};
struct memory_write {
  uint64_t at, value, size;
};
struct outcome {
  uint64_t registers[16];
  uint64_t ip, cr2, fs_base, gs_base;
  uint32_t flags, vector, error_code, completed;
  uint16_t cs, ss, ds, es, fs, gs;
  uint32_t changes;
};
struct change {
  uint64_t at, value;
};

/* REG_* of the registers in the order of their encoding. */
static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static struct region regions[MOST_REGIONS];
static uint8_t *pristine[MOST_REGIONS], *before[MOST_REGIONS];
static unsigned region_count;
static uint8_t *in, *in_end, *out_start, *out;
static uint32_t remaining;
static const struct input *current;
static uint32_t iterations;
static uint64_t own_fs_base;
static int in_case;
static const struct input *watched;
static uint32_t watched_iterations;

static void finish(void) {
  __asm__ volatile("wrfsbase %0" : : "r"(own_fs_base));
  for (uint8_t *p = out_start; p < out;) {
    ssize_t n = write(1, p, (size_t)(out - p));
    if (n <= 0) _exit(3);
    p += n;
  }
  _exit(0);
}

static uint8_t *shadow(uint64_t at) {
  for (unsigned i = 0; i < region_count; i++)
    if (at - regions[i].base < (uint64_t)regions[i].pages * PAGE) return before[i] + (at - regions[i].base);
  return 0;
}

static void copy(volatile uint8_t *to, const volatile uint8_t *from, uint64_t bytes) {
  while (bytes--) *to++ = *from++;
}

/* memcmp would have to be bound first, by code that uses thread-local storage. */
static int differ(const uint64_t *a, const uint64_t *b) {
  for (unsigned k = 0; k < PAGE / 8; k++)
    if (a[k] != b[k]) return 1;
  return 0;
}

static void load(ucontext_t *context) {
  if (remaining-- == 0) finish();
  const struct input *input = current = (const struct input *)in;
  in += sizeof *input;
  for (unsigned i = 0; i < input->writes; i++, in += sizeof(struct memory_write)) {
    struct memory_write *w = (struct memory_write *)in;
    copy((uint8_t *)w->at, (uint8_t *)&w->value, w->size);
    for (unsigned k = 0; k < w->size; k++) {
      uint8_t *s = shadow(w->at + k);
      if (s) *s = ((uint8_t *)&w->value)[k];
    }
  }
  copy((uint8_t *)input->code_at, input->code, input->code_length);
  copy(shadow(input->code_at), input->code, input->code_length);
  iterations = 0;
  in_case = 1;
  greg_t *r = context->uc_mcontext.gregs;
  for (int i = 0; i < 16; i++) r[order[i]] = (greg_t)input->registers[i];
  r[REG_RIP] = (greg_t)input->ip;
  r[REG_EFL] = input->flags | 0x302;
  r[REG_CSGSFS] = (greg_t)((uint64_t)input->cs | (uint64_t)input->ss << 48);
  context->uc_flags |= 6; /* UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
  __asm__ volatile(
    "mov %w0, %%ds\n\tmov %w1, %%es\n\tmov %w2, %%fs\n\tmov %w3, %%gs"
    : : "r"(input->ds), "r"(input->es), "r"(input->fs), "r"(input->gs));
  if (input->cs == 0x33) __asm__ volatile("wrfsbase %0\n\twrgsbase %1" : : "r"(input->fs_base), "r"(input->gs_base));
}

static void record(const ucontext_t *context) {
  const greg_t *r = context->uc_mcontext.gregs;
  struct outcome *o = (struct outcome *)out;
  out += sizeof *o;
  uint16_t ds, es, fs, gs;
  __asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3" : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
  __asm__ volatile("rdfsbase %0\n\trdgsbase %1" : "=r"(o->fs_base), "=r"(o->gs_base));
  for (int i = 0; i < 16; i++) o->registers[i] = (uint64_t)r[order[i]];
  o->ip = (uint64_t)r[REG_RIP];
  o->flags = (uint32_t)r[REG_EFL];
  o->vector = (uint32_t)r[REG_TRAPNO];
  o->error_code = (uint32_t)r[REG_ERR];
  o->cr2 = (uint64_t)r[REG_CR2];
  o->completed = iterations;
  o->cs = (uint16_t)r[REG_CSGSFS];
  o->ss = (uint16_t)((uint64_t)r[REG_CSGSFS] >> 48);
  o->ds = ds, o->es = es, o->fs = fs, o->gs = gs;
  o->changes = 0;
  for (unsigned i = 0; i < region_count; i++) {
    for (uint64_t page = 0; page < (uint64_t)regions[i].pages * PAGE; page += PAGE) {
      uint8_t *now = (uint8_t *)regions[i].base + page;
      uint8_t *was = before[i] + page;
      if (differ((const uint64_t *)now, (const uint64_t *)was)) {
        for (unsigned k = 0; k < PAGE; k += 8) {
          if (*(uint64_t *)(now + k) == *(uint64_t *)(was + k)) continue;
          struct change *c = (struct change *)out;
          out += sizeof *c;
          o->changes++;
          c->at = (uint64_t)now + k;
          c->value = *(uint64_t *)(now + k);
        }
        copy(now, was, PAGE);
      }
    }
  }
  /* What the case set goes back too. */
  const struct memory_write *w = (const struct memory_write *)(current + 1);
  for (unsigned i = 0; i < current->writes; i++, w++) {
    for (unsigned k = 0; k < w->size; k++) {
      uint64_t at = w->at + k;
      for (unsigned n = 0; n < region_count; n++) {
        if (at - regions[n].base >= (uint64_t)regions[n].pages * PAGE) continue;
        uint8_t was = pristine[n][at - regions[n].base];
        before[n][at - regions[n].base] = was;
        *(volatile uint8_t *)at = was;
      }
    }
  }
  for (unsigned k = 0; k < current->code_length; k++) *(volatile uint8_t *)(current->code_at + k) = *shadow(current->code_at + k) = 0xf4;
}

static void on_signal(int signal, siginfo_t *info, void *argument) {
  /* AC, NT and ID may be the case's; the kernel leaves them on. */
  __asm__ volatile("pushq $0x202\n\tpopfq" : : : "cc", "memory");
  (void)info;
  ucontext_t *context = argument;
  if (signal == SIGPROF) {
    /* A processor's, or a hypervisor's, idea of an instruction may be that it never ends. */
    if (!in_case || current != watched || iterations != watched_iterations) {
      watched = current;
      watched_iterations = iterations;
      return;
    }
    context->uc_mcontext.gregs[REG_TRAPNO] = HUNG;
    record(context);
    load(context);
    return;
  }
  if (in_case) {
    const greg_t *r = context->uc_mcontext.gregs;
    if (r[REG_TRAPNO] == 1) {
      iterations++;
      if (iterations < current->steps) return;
      if (current->repeats && (uint64_t)r[REG_RIP] == current->ip && (uint16_t)r[REG_CSGSFS] == current->cs && iterations < MOST_ITERATIONS) return;
    }
    record(context);
  }
  load(context);
}

static void read_all(void) {
  size_t size = 0, room = 1 << 20;
  in = malloc(room);
  for (ssize_t n; (n = read(0, in + size, room - size)) > 0;) {
    size += (size_t)n;
    if (size == room) in = realloc(in, room *= 2);
  }
  in_end = in + size;
}

static void fail(const char *what) {
  perror(what);
  exit(2);
}

int main(void) {
  read_all();
  struct header *header = (struct header *)in;
  in += sizeof *header;
  if (header->magic != MAGIC || header->regions > MOST_REGIONS) return fprintf(stderr, "not cases\n"), 2;
  region_count = header->regions;
  for (unsigned i = 0; i < region_count; i++) {
    regions[i] = *(struct region *)in;
    in += sizeof(struct region);
  }
  for (unsigned i = 0; i < region_count; i++) {
    size_t bytes = (size_t)regions[i].pages * PAGE;
    int protection = PROT_READ | (regions[i].flags & 1 ? PROT_WRITE : 0) | (regions[i].flags & 2 ? PROT_EXEC : 0);
    void *at = (void *)regions[i].base;
    if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0) != at) fail("mmap");
    pristine[i] = malloc(bytes);
    before[i] = malloc(bytes);
    memcpy(at, in, bytes);
    memcpy(pristine[i], in, bytes);
    memcpy(before[i], in, bytes);
    if (mprotect(at, bytes, protection) != 0) fail("mprotect");
    in += bytes;
  }
  for (unsigned i = 0; i < header->descriptors; i++, in += sizeof(struct user_desc))
    if (syscall(SYS_modify_ldt, 0x11, in, sizeof(struct user_desc)) != 0) fail("modify_ldt");

  remaining = header->cases;
  size_t room = (size_t)remaining * (sizeof(struct outcome) + 64 * sizeof(struct change)) + (1 << 20);
  out = out_start = mmap(0, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (out == MAP_FAILED) fail("mmap");
  __asm__ volatile("rdfsbase %0" : "=r"(own_fs_base));

  stack_t stack = {.ss_size = 1 << 17};
  stack.ss_sp = mmap(0, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  const int signals[] = {SIGTRAP, SIGSEGV, SIGFPE, SIGILL, SIGBUS};
  sigaddset(&action.sa_mask, SIGPROF); /* it must find the case, not the handler */
  for (int i = 0; i < 5; i++) sigaction(signals[i], &action, 0);
  sigaction(SIGPROF, &action, 0);
  struct itimerval interval = {{0, 500000}, {0, 500000}};
  setitimer(ITIMER_PROF, &interval, 0);
  __asm__ volatile("ud2");
}
