/*
 * Golden vectors of the x87 instructions, from the processor that this runs on.
 *
 *   gcc -O1 -o x87-vectors x87-vectors.c && ./x87-vectors SEED CASES > vectors.bin
 *
 * CASES is the number for a common instruction; rare ones get a fraction of it. The whole state goes in and out as
 * FRSTOR and FNSAVE images, 32-bit protected-mode format. Output: a text header ("pckit-x87-vectors 1", the processor,
 * an empty line), then records of `struct record`, little endian.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "random-floats.h"

struct image {
  uint32_t control, status, tag, fip, fcs_fop, fdp, fds;
  struct f80 registers[8]; /* ST(0) first */
};

enum { NONE, MF, UD };

struct record {
  uint8_t opcode, modrm, trap, operand_size_16;
  uint32_t eflags_in, eflags_out, ax_in, ax_out;
  struct image in;
  uint8_t memory_in[112];
  struct image out;
  uint8_t memory_out[112];
};
_Static_assert(sizeof(struct image) == 108 && sizeof(struct record) == 460, "no padding");

#define CODE 0x20000000ul
#define DATA 0x20001000ul

static uint8_t *const code = (uint8_t *)CODE;
static struct record *const record = (struct record *)DATA;
static size_t instruction_at, epilogue_at;
static volatile int trap;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)info;
  trap = signal == SIGFPE ? MF : UD;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)(code + epilogue_at);
}

static void emit(size_t *at, const char *bytes) {
  for (const char *p = bytes; *p; p += p[2] ? 3 : 2) code[(*at)++] = (uint8_t)strtoul((char[]){p[0], p[1], 0}, 0, 16);
}

/* rdi = FRSTOR image, rsi = memory operand, rdx = FNSAVE image, rax = AX, rcx = EFLAGS. */
static void build(void) {
  size_t at = 0;
  emit(&at, "dd 27");    /* frstor [rdi] */
  emit(&at, "51 9d");    /* push rcx; popf */
  instruction_at = at;
  at += 3;
  epilogue_at = at;
  emit(&at, "9c 59");    /* pushf; pop rcx */
  emit(&at, "dd 32 c3"); /* fnsave [rdx]; ret */
}

static void run(void) {
  uint64_t ax = record->ax_in, eflags = record->eflags_in;
  memcpy(record->memory_out, record->memory_in, sizeof record->memory_in);
  uint8_t *instruction = code + instruction_at;
  instruction[2] = 0x90; /* nop */
  if (record->operand_size_16) *instruction++ = 0x66;
  instruction[0] = record->opcode;
  instruction[1] = record->modrm;
  trap = NONE;
  asm volatile(
    "sub $128, %%rsp\n\t"
    "call *%[code]\n\t"
    "add $128, %%rsp\n\t"
    "cld"
    : "+a"(ax), "+c"(eflags)
    : [code] "r"(code), "D"(&record->in), "S"(record->memory_out), "d"(&record->out)
    : "memory", "cc");
  record->ax_out = (uint32_t)ax;
  record->eflags_out = (uint32_t)eflags & 0x8d5;
  record->trap = (uint8_t)trap;
}

static uint16_t random_control(void) {
  uint16_t masks = below(8) < 5 ? 0x3f : (uint16_t)(random64() & 0x3f);
  return (uint16_t)(0x40 | masks | below(4) << 8 | below(4) << 10);
}

static void random_image(struct image *image, int stack) {
  uint32_t control = random_control();
  uint32_t status = below(8) << 11 | (uint32_t)(random64() & 0x4700);
  if (below(12) == 0) status |= (uint32_t)(random64() & 0x7f);
  if (status & ~control & 0x3f) status |= 0x8080;
  image->control = control | 0xffff0000;
  image->status = status | 0xffff0000;
  uint32_t tag = 0;
  for (int i = 0; i < 8; i++) {
    int empty = stack == 0 ? below(6) == 0 : stack > 0 ? i >= stack : 0;
    if (empty) tag |= 3u << (((status >> 11) + (uint32_t)i) & 7) * 2;
    image->registers[i] = i && below(3) ? near_f80(image->registers[0]) : random_f80();
  }
  image->tag = tag | 0xffff0000;
  image->fip = 0x11223344;
  image->fcs_fop = 0x01230033;
  image->fdp = 0x55667788;
  image->fds = 0xffff002b;
}

/* The 14-byte layout. */
static void random_image_16(uint16_t *memory) {
  struct image image;
  random_image(&image, 0);
  for (int i = 0; i < 7; i++) memory[i] = (uint16_t)((uint32_t *)&image)[i];
  memcpy(memory + 7, image.registers, sizeof image.registers);
}

static void random_memory(uint8_t opcode, int reg) {
  memset(record->memory_in, 0xcc, sizeof record->memory_in);
  void *memory = record->memory_in;
  struct f80 f80 = record->in.registers[0];
  uint32_t f32 = random_f32();
  uint64_t f64 = random_f64();
  int64_t integer = (int64_t)random_fraction(64) >> below(64);
  if (below(3) == 0 && (f80.sign_exponent & 0x7fff) - 16383 > -120 && (f80.sign_exponent & 0x7fff) - 16383 < 120) {
    /* Something that ST(0) meets at about its own size. */
    uint32_t exponent = (uint32_t)((f80.sign_exponent & 0x7fff) - 16383 + 127);
    f32 = near_f32(below(2) << 31 | exponent << 23 | (uint32_t)(f80.significand << 1 >> 41));
    f64 = near_f64((uint64_t)below(2) << 63 | (uint64_t)(exponent + 1023 - 127) << 52 | f80.significand << 1 >> 12);
  }
  switch (opcode) {
    case 0xd8: memcpy(memory, &f32, 4); break;
    case 0xdc: memcpy(memory, &f64, 8); break;
    case 0xda: case 0xde: memcpy(memory, &integer, 4); break;
    case 0xd9:
      if (reg == 0) memcpy(memory, &f32, 4);
      else if (reg == 4 && record->operand_size_16) random_image_16(memory);
      else if (reg == 4) random_image(memory, 0);
      else if (reg == 5) *(uint16_t *)memory = (uint16_t)random64();
      break;
    case 0xdb:
      if (reg == 0) memcpy(memory, &integer, 4);
      else if (reg == 5) { struct f80 value = random_f80(); memcpy(memory, &value, 10); }
      break;
    case 0xdd:
      if (reg == 0) memcpy(memory, &f64, 8);
      else if (reg == 4 && record->operand_size_16) random_image_16(memory);
      else if (reg == 4) random_image(memory, 0);
      break;
    case 0xdf:
      if (reg == 0) memcpy(memory, &integer, 2);
      else if (reg == 5) memcpy(memory, &integer, 8);
      else if (reg == 4) { 
        for (int i = 0; i < 9; i++) record->memory_in[i] = (uint8_t)(below(10) << 4 | below(10));
        for (int i = below(10); i < 9; i++) record->memory_in[i] = 0;
        record->memory_in[9] = (uint8_t)random64();
        /* Digits above 9 are undefined by the manual. */
        if (below(8) == 0) record->memory_in[below(9)] = (uint8_t)random64();
      }
      break;
  }
}

/* Arguments in the ranges where the functions have something to compute. */
static void transcendental_operands(uint8_t modrm) {
  struct f80 *registers = record->in.registers;
  if (below(8) == 0) return;
  switch (modrm) {
    case 0xf0: registers[0] = ranged_f80(-70, -1); break;                       /* f2xm1 */
    case 0xf1:                                                                   /* fyl2x */
      registers[0] = below(2) ? ranged_f80(-1, 0) : random_f80();
      registers[0].sign_exponent &= 0x7fff;
      registers[1] = ranged_f80(-10, 10);
      break;
    case 0xf9:                                                                   /* fyl2xp1 */
      registers[0] = ranged_f80(-75, -2);
      registers[1] = ranged_f80(-10, 10);
      break;
    case 0xf3:                                                                   /* fpatan */
      registers[0] = ranged_f80(-20, 20);
      registers[1] = below(2) ? near_f80(registers[0]) : ranged_f80(-20, 20);
      break;
    case 0xf2: case 0xfb: case 0xfe: case 0xff:                                  /* fptan fsincos fsin fcos */
      registers[0] = below(3) ? ranged_f80(-35, 4) : ranged_f80(4, 63);
      break;
    case 0xf8: case 0xf5:                                                        /* fprem fprem1 */
      registers[0] = ranged_f80(-10, 200);
      registers[1] = below(3) ? near_f80(registers[0]) : ranged_f80(-20, 20);
      break;
    case 0xfd:                                                                   /* fscale */
      if (below(2)) registers[1] = ranged_f80(-3, 17);
      break;
  }
}

static int pushes(uint8_t opcode, uint8_t modrm) {
  int reg = modrm >> 3 & 7;
  if (modrm < 0xc0) {
    int odd = opcode == 0xdb || opcode == 0xdd || opcode == 0xdf;
    return (opcode == 0xd9 && reg == 0) || (odd && (reg == 0 || reg == 5)) || (opcode == 0xdf && reg == 4);
  }
  if (opcode != 0xd9) return 0;
  return reg == 0 || (modrm >= 0xe8 && modrm <= 0xee) || modrm == 0xf2 || modrm == 0xfb || modrm == 0xf4;
}

static void cases(uint8_t opcode, int modrm_low, int modrm_high, int count) {
  for (int n = 0; n < count; n++) {
    uint8_t modrm = (uint8_t)(modrm_low + (int)below((uint32_t)(modrm_high - modrm_low + 1)));
    int loads = pushes(opcode, modrm);
    memset(record, 0, sizeof *record);
    record->opcode = opcode;
    record->modrm = modrm;
    int environment = modrm < 0xc0 && (opcode == 0xd9 || opcode == 0xdd) && (modrm >> 3 & 5) == 4;
    record->operand_size_16 = environment && below(2);
    random_image(&record->in, below(10) == 0 ? 0 : loads ? 1 + (int)below(7) : -1);
    random_memory(opcode, modrm >> 3 & 7);
    if (opcode == 0xd9 && modrm >= 0xf0) transcendental_operands(modrm);
    record->eflags_in = (uint32_t)(random64() & 0x8d5);
    record->ax_in = 0x1234;
    run();
    fwrite(record, sizeof *record, 1, stdout);
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
  int count = atoi(argv[2]);
  if (mmap(code, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != code)
    return perror("mmap"), 1;
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, 0);
  sigaction(SIGILL, &action, 0);
  build();

  printf("pckit-x87-vectors 1\n");
  print_processor();
  printf("\n");
  for (int opcode = 0xd8; opcode <= 0xdf; opcode++) {
    for (int reg = 0; reg < 8; reg++) cases((uint8_t)opcode, reg << 3 | 6, reg << 3 | 6, count);
    for (int group = 0xc0; group < 0x100; group += 8) {
      if (opcode == 0xd9 && group >= 0xe0) {
        for (int modrm = group; modrm < group + 8; modrm++) cases((uint8_t)opcode, modrm, modrm, modrm < 0xf0 ? count / 4 + 1 : count);
      } else {
        cases((uint8_t)opcode, group, group + 7, count);
      }
    }
  }
  return 0;
}
