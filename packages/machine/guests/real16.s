# Real-address mode, entered from protected mode and left again. SDM vol. 3, chapter 20; vol. 1, 3.3.7 (addresses), vol. 2 for each instruction.
# The part that runs in real mode is copied to REAL, where it is code and data side by side; there CS is REAL >> 4, and IP the distance from `real_begin`.
#
# TCG doesn't check limits (see segments.s), in real mode either.
.include "runtime.inc"
.include "long.inc"

.set REAL, 0x8000
.set DS16, 0x2000               # the pattern: byte n of memory is n * 7 ^ n >> 8 ^ n >> 16
.set SS16, 0x3000
.set ES16, 0x4000
.set FS16, 0x5000

.text
USE32
main:
  mov $real_begin, %esi
  mov $REAL, %edi
  mov $real_end - real_begin, %ecx
  rep movsb
  mov $0x20000, %ebx
1:imul $7, %ebx, %eax
  mov %ebx, %edx
  shr $8, %edx
  xor %edx, %eax
  shr $8, %edx
  xor %edx, %eax
  mov %al, (%ebx)
  add $1, %ebx
  cmp $0x60000, %ebx
  jb 1b
  # The interrupt table.
  xor %edi, %edi
  mov $(REAL >> 4) << 16, %eax
  add $stubs16 - real_begin, %eax
  mov $256, %ecx
1:stosl
  add $5, %eax
  sub $1, %ecx
  jne 1b

  call is_tcg
  jne 1f
  movb $1, r_tcg - real_begin + REAL
1:
  lidt ivt_pointer
  mov $DATA16, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  mov %eax, %ss
  .byte 0xea                    # ljmp, through the 16-bit segment that begins at 0
  .long to_real - real_begin + REAL
  .word CODE16

back_protected:
  mov $DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov $stack_top, %esp
  lidt idt32_pointer
  TRY "protected mode again"
  ud2
  REPORT
  call enter_long
USE64
  TRY "long mode"
  mov $0x8000000000000000, %rax
  int3
  REPORT
  EXIT

.data
  .p2align 2
  .word 0
ivt_pointer:
  .word 0x3ff
  .long 0

# --- macros for real mode -----------------------------------------------------------------------------------------------------------
.macro SAY text
  call say
  .asciz "\text"
.endm
# Prints 16-bit registers; changes nothing.
.macro SHOW regs:vararg
  .irp r, \regs
  push %\r
  call show
  .endr
.endm
.macro FLAGS
  pushf
  call show
.endm
.macro R_TRY name
  SAY "\name:"
  mov $DS16, %ax
  mov %ax, %ds
  mov $ES16, %ax
  mov %ax, %es
  movw $0xffff, %cs:r_vector - real_begin
  movw $98f - real_begin, %cs:r_try - real_begin
  movw $99f - real_begin, %cs:r_recover - real_begin
  xor %ax, %ax
98:
.endm
# What came of it, then registers.
.macro R_DONE regs:vararg
99:
  call told
  .ifnb \regs
  SHOW \regs
  .endif
  SAY "\n"
.endm

.section .rodata
  .p2align 4
  .code16
real_begin:
to_real:
  mov %cr0, %eax
  and $~CR0_PE, %al
  mov %eax, %cr0
  ljmp $REAL >> 4, $1f - real_begin
1:mov $SS16, %ax
  mov %ax, %ss
  mov $0x8000, %esp
  mov $FS16, %ax
  mov %ax, %fs
  jmp real16

stubs16:
  .set vector, 0
  .rept 256
  .byte 0x6a, vector
  .byte 0xe9
  .word common16 - . - 2
  .set vector, vector + 1
  .endr
r_vector: .word 0
r_ip: .word 0
r_cs: .word 0
r_flags: .word 0
r_sp: .word 0
r_try: .word 0
r_recover: .word 0
r_save: .word 0
r_ticks: .word 0
r_tcg: .byte 0
common16:
  pop %cs:r_vector - real_begin
  pop %cs:r_ip - real_begin
  pop %cs:r_cs - real_begin
  pop %cs:r_flags - real_begin
  mov %sp, %cs:r_sp - real_begin
  mov %ax, %cs:r_save - real_begin
  mov $SS16, %ax
  mov %ax, %ss
  mov $0x8000, %esp
  mov %cs:r_save - real_begin, %ax
  cld
  jmp *%cs:r_recover - real_begin

# Prints the text behind the call; changes nothing.
say:
  pushf
  push %bp
  mov %sp, %bp
  push %ax
  push %si
  mov 4(%bp), %si
  cld
1:lodsb %cs:(%si), %al
  test %al, %al
  je 2f
  out %al, $0xe9
  jmp 1b
2:mov %si, 4(%bp)
  pop %si
  pop %ax
  pop %bp
  popf
  ret
# Prints the word on the stack.
show:
  pushf
  push %bp
  mov %sp, %bp
  pusha
  mov $' ', %al
  out %al, $0xe9
  mov 6(%bp), %dx
  mov $4, %cx
1:rol $4, %dx
  mov %dl, %al
  and $15, %al
  add $'0', %al
  cmp $'9', %al
  jbe 2f
  add $'a' - '9' - 1, %al
2:out %al, $0xe9
  loop 1b
  popa
  pop %bp
  popf
  ret $2
# ` ok`, or the vector and how far IP was from the beginning.
told:
  pushf
  push %ax
  mov %cs:r_vector - real_begin, %ax
  cmp $0xffff, %ax
  jne 1f
  SAY " ok"
  jmp 2f
1:SAY " int"
  xor %ah, %ah
  SHOW ax
  SAY " ip+"
  mov %cs:r_ip - real_begin, %ax
  sub %cs:r_try - real_begin, %ax
  SHOW ax
2:pop %ax
  popf
  ret

# --- what is tried ------------------------------------------------------------------------------------------------------------------
.macro FORM operand
  R_TRY "\operand"
  mov $0x1235, %bx
  mov $0x4321, %bp
  mov $0xf123, %esi
  mov $0x8766, %edi
  lea \operand, %cx
  mov %es:\operand, %dx
  mov \operand, %ax
  R_DONE cx, ax, dx
.endm
.macro FLAGS_OF mask
  pushf
  pop %dx
  and $\mask, %dx
.endm
.macro BCD name, instruction, value, flags, mask
  R_TRY "\name \value \flags"
  mov $\flags, %ax
  push %ax
  mov $\value, %ax
  popf
  \instruction
  FLAGS_OF \mask
  R_DONE ax, dx
.endm

real16:
  SAY "# addresses\n"
  FORM "(%bx,%si)"
  FORM "(%bx,%di)"
  FORM "(%bp,%si)"
  FORM "(%bp,%di)"
  FORM "(%si)"
  FORM "(%di)"
  FORM "(%bx)"
  FORM "0x9abc"
  FORM "0x7f(%bx,%si)"
  FORM "-0x80(%bx,%di)"
  FORM "-1(%bp,%si)"
  FORM "5(%bp,%di)"
  FORM "-5(%si)"
  FORM "0x11(%di)"
  FORM "0(%bp)"
  FORM "-3(%bx)"
  FORM "0x7890(%bx,%si)"
  FORM "0x7890(%bx,%di)"
  FORM "0x7890(%bp,%si)"
  FORM "0x7890(%bp,%di)"
  FORM "-0x7890(%si)"
  FORM "-0x7890(%di)"
  FORM "-0x7890(%bp)"
  FORM "0xf000(%bx)"
  FORM "(%eax,%edi)"
  FORM "0x10(%esi,%eax,8)"
  R_TRY "fs override"
  mov $0x100, %bx
  mov %fs:(%bx), %ax
  mov %ss:(%bx), %cx
  mov %cs:r_try - real_begin, %dx
  sub $98b - real_begin, %dx
  R_DONE ax, cx, dx
  R_TRY "segments overlap"
  mov $0x2010, %cx
  mov %cx, %es
  mov 0x105, %ax
  mov %es:5, %dx
  R_DONE ax, dx
  R_TRY "segment ffff reaches beyond 1 MiB"
  mov $0xffff, %cx
  mov %cx, %es
  mov %es:0x10, %ax             # where the multiboot header is
  R_DONE ax

  SAY "# limits\n"
  R_TRY "~word at ffff"
  mov 0xffff, %ax
  R_DONE ax
  R_TRY "byte at ffff"
  mov 0xffff, %al
  R_DONE ax
  R_TRY "~doubleword at fffd"
  mov $0xfffd, %bx
  mov (%bx), %eax
  R_DONE ax
  R_TRY "doubleword at fffc"
  mov $0xfffc, %bx
  mov (%bx), %eax
  R_DONE ax
  R_TRY "~stack word at ffff"
  mov $0xffff, %bp
  mov (%bp), %ax
  R_DONE ax
  R_TRY "~32-bit address 10000"
  mov $0x10000, %ebx
  mov (%ebx), %al
  R_DONE ax
  R_TRY "32-bit address ffff"
  mov $0xffff, %ebx
  mov (%ebx), %al
  R_DONE ax
  R_TRY "~32-bit stack address 10000"
  mov $0x10000, %ebp
  mov (%ebp), %al
  R_DONE ax
  R_TRY "32-bit address wraps at 4 GiB"
  mov $0x10010, %ebx
  mov -0x10000(%ebx), %ax
  R_DONE ax
  # TCG would run away.
  cmpb $0, %cs:r_tcg - real_begin
  jne 1f
  R_TRY "~jump beyond 64K"
  mov $0x10000, %ebx
  jmp *%ebx
  R_DONE bx
1:

  SAY "# stack\n"
  R_TRY "push sp"
  push %sp
  pop %ax
  R_DONE ax, sp
  R_TRY "pop sp"
  pushw $0x7ffe
  pop %sp
  mov %sp, %ax
  mov $0x8000, %sp
  R_DONE ax
  R_TRY "pop to (sp), 32-bit address"
  pushw $0x1111
  pushw $0x2222
  pop (%esp)
  pop %ax
  R_DONE ax, sp
  R_TRY "pusha popa"
  mov $1, %ax
  mov $2, %cx
  mov $7, %di
  pusha
  mov %sp, %bp
  mov 6(%bp), %dx
  movw $0x1234, 6(%bp)          # SP: POPA skips it
  movw $0x9999, 14(%bp)
  mov %dx, %cs:r_save - real_begin
  popa
  mov %cs:r_save - real_begin, %bx
  R_DONE ax, bx, di, sp
  R_TRY "push at sp 0"
  xor %sp, %sp
  push $0x55
  mov %sp, %cx
  pop %ax
  mov %sp, %dx
  mov $0x8000, %sp
  R_DONE ax, cx, dx
  R_TRY "push leaves the high half of esp"
  mov $0x12348000, %esp
  push %ax
  mov %esp, %ecx
  mov $0x8000, %esp
  shr $16, %ecx
  R_DONE cx
  R_TRY "enter leave"
  mov $0x4444, %bp
  enter $0x20, $2
  mov %sp, %ax
  mov %bp, %cx
  leave
  R_DONE ax, cx, bp, sp
  R_TRY "push imm32, pop"
  pushl $0x12345678
  pop %ax
  pop %dx
  R_DONE ax, dx, sp
  R_TRY "push of segments"
  pushl %fs
  pop %ax
  pop %cx
  push %fs
  pop %gs
  mov %gs, %dx
  R_DONE ax, dx, sp

  SAY "# calls and interrupts\n"
  R_TRY "call far, ret far"
  lcall $REAL >> 4, $far_routine - real_begin
  R_DONE ax, cx, sp
  R_TRY "call far by another segment"
  lcall $(REAL >> 4) - 0x10, $far_routine - real_begin + 0x100
  R_DONE ax, cx, sp
  R_TRY "call far through memory, ret far n"
  movw $far_routine2 - real_begin, 0x200
  movw $REAL >> 4, 0x202
  push $0x77
  lcall *0x200
  R_DONE ax, sp
  R_TRY "call far, 32-bit"
  lcalll $REAL >> 4, $far_routine32 - real_begin
  R_DONE ax, cx, sp
  R_TRY "ret near n"
  push $0x66
  call near_routine
  R_DONE ax, sp
  R_TRY "int 42"
  int $0x42
  R_DONE ax
  R_TRY "int3"
  int3
  R_DONE ax
  R_TRY "into, clear"
  xor %cx, %cx
  into
  R_DONE cx
  R_TRY "into, set"
  mov $0x7f, %cl
  inc %cl
  into
  R_DONE cx
  R_TRY "divide error"
  mov $0x100, %ax
  mov $1, %cl
  div %cl
  R_DONE ax
  R_TRY "idiv of 8000"
  mov $0x8000, %ax
  mov $0xffff, %dx
  mov $-1, %cx
  idiv %cx
  R_DONE ax, dx
  R_TRY "aam 0"
  mov $0x1234, %ax
  aam $0
  R_DONE ax
  R_TRY "bound, inside"
  movw $-5, 0x210
  movw $5, 0x212
  mov $5, %ax
  bound %ax, 0x210
  R_DONE ax
  R_TRY "bound, outside"
  mov $6, %ax
  bound %ax, 0x210
  R_DONE ax
  R_TRY "undefined"
  ud2
  R_DONE ax
  R_TRY "lock nop"
  .byte 0xf0, 0x90
  R_DONE ax
  R_TRY "lldt"
  lldt %ax
  R_DONE ax
  R_TRY "ltr"
  ltr %ax
  R_DONE ax
  R_TRY "arpl"
  arpl %ax, %cx
  R_DONE ax
  R_TRY "lar"
  lar %ax, %cx
  R_DONE ax
  R_TRY "instruction of 16 bytes"
  .fill 15, 1, 0x3e
  nop
  R_DONE ax
  # An own handler, with what INT pushes and clears.
  R_TRY "int 60, iret"
  xor %bx, %bx
  mov %bx, %es
  movw $int60 - real_begin, %es:0x60 * 4
  push $0x0ad7                  # but not IF or TF
  andw $~0x200, %ss:0x7ffe
  popf
  int $0x60
  pushf
  pop %dx
  cld
  R_DONE ax, cx, dx, sp
  R_TRY "single step"
  pushf
  pop %cx
  or $EFL_TF, %cx
  push %cx
  popf
  nop
  nop
  R_DONE ax
  R_TRY "iret, 32-bit"
  pushl $2
  pushl $REAL >> 4
  pushl $1f - real_begin
  iretl
1:mov $1, %ax
  R_DONE ax, sp
  R_TRY "a table of 16 vectors"
  lidt %cs:short_ivt - real_begin
  int $0x0f
  R_DONE ax
  R_TRY "beyond the table"
  int $0x10
  R_DONE ax
  lidt %cs:long_ivt - real_begin

  SAY "# hardware interrupts\n"
  # Edges from the 8254's counter 0 in mode 0, by the 8259, whose vectors begin at 50H.
  mov $0x11, %al
  out %al, $0x20
  mov $0x50, %al
  out %al, $0x21
  mov $4, %al
  out %al, $0x21
  mov $1, %al
  out %al, $0x21
  mov $0xfe, %al
  out %al, $0x21
  R_TRY "hlt, sti before it"
  call count_down
  sti
  hlt
  R_DONE
  call end_of_interrupt
  R_TRY "sti, one is waiting"
  call count_down
  call until_requested
  movw $1f - real_begin, %cs:r_try - real_begin
1:sti
  nop
  nop
  R_DONE
  call end_of_interrupt
  R_TRY "sti, cli"
  call count_down
  call until_requested
  sti
  cli
  R_DONE
  R_TRY "popf"
  movw $1f - real_begin, %cs:r_try - real_begin
  push $0x202
1:popf
  nop
  R_DONE
  call end_of_interrupt
  R_TRY "masked"
  mov $0xff, %al
  out %al, $0x21
  call count_down
  call until_requested
  sti
  nop
  nop
  cli
  R_DONE
  R_TRY "unmasked"
  mov $0xfe, %al
  sti
  out %al, $0x21
  hlt
  R_DONE
  call end_of_interrupt
  # Three of them with a handler that returns.
  R_TRY "iret"
  xor %bx, %bx
  mov %bx, %es
  movw $tick - real_begin, %es:0x50 * 4
  mov %bx, %cs:r_ticks - real_begin
  mov $3, %bx
1:call count_down
  sti
  hlt
  cli
  sub $1, %bx
  jne 1b
  mov %cs:r_ticks - real_begin, %cx
  R_DONE cx, sp
  mov $0xff, %al
  out %al, $0x21

  SAY "# flags\n"
  R_TRY "popf of all but TF and IF"
  push $0xfcff
  popf
  pushf
  pop %ax
  push $2
  popf
  R_DONE ax
  R_TRY "popf of 0"
  push $0
  popf
  pushf
  pop %ax
  R_DONE ax
  R_TRY "sahf, lahf"
  mov $0xff00, %ax
  sahf
  pushf
  pop %cx
  mov $0, %ah
  lahf
  xor %dx, %dx
  mov %dl, %ah
  sahf
  lahf
  R_DONE ax, cx
  R_TRY "popfl"
  pushl $0x00040002
  popfl
  pushfl
  pop %ax
  pop %cx
  pushl $2
  popfl
  R_DONE ax, cx
  R_TRY "smsw lmsw"
  smsw %ax
  mov %ax, %cx
  xor $8, %cx
  lmsw %cx
  smsw %dx
  lmsw %ax
  R_DONE ax, dx

  SAY "# decimal\n"
  BCD "daa", daa, 0x1a9b, 2, 0xd5
  BCD "daa", daa, 0x0013, 0x12, 0xd5
  BCD "daa", daa, 0x0033, 3, 0xd5
  BCD "daa", daa, 0x0099, 0x13, 0xd5
  BCD "das", das, 0x009b, 2, 0xd5
  BCD "das", das, 0x0003, 0x12, 0xd5
  BCD "das", das, 0x0033, 3, 0xd5
  BCD "das", das, 0x0000, 0x13, 0xd5
  BCD "aaa", aaa, 0x00fa, 2, 0x11
  BCD "aaa", aaa, 0x0103, 0x12, 0x11
  BCD "aaa", aaa, 0x0195, 3, 0x11
  BCD "aas", aas, 0x020a, 2, 0x11
  BCD "aas", aas, 0x0003, 0x12, 0x11
  BCD "aas", aas, 0x0195, 3, 0x11
  BCD "aam", aam, 0x124f, 2, 0xc4
  BCD "aam 16", "aam $16", 0x12a7, 2, 0xc4
  BCD "aad", aad, 0x0907, 2, 0xc4
  BCD "aad 16", "aad $16", 0x2a07, 2, 0xc4
  BCD "salc", ".byte 0xd6", 0x1234, 3, 0x01
  BCD "salc", ".byte 0xd6", 0x1234, 2, 0x01

  SAY "# strings and loops\n"
  R_TRY "movsb wraps"
  mov $0xfffe, %si
  mov $0xffff, %di
  mov $4, %cx
  rep movsb
  mov %es:0xffff, %al
  mov %es:0, %dx
  R_DONE ax, dx, si, di, cx
  R_TRY "~movsw at ffff"
  mov $0x10, %si
  mov $0xffff, %di
  mov $4, %cx
  rep movsw
  R_DONE si, di, cx
  R_TRY "std stosw wraps"
  mov $0x1234, %ax
  mov $2, %di
  mov $3, %cx
  std
  rep stosw
  cld
  mov %es:0xfffe, %dx
  R_DONE dx, di, cx
  R_TRY "lodsb with an override"
  mov $0x100, %si
  lodsb %fs:(%si), %al
  R_DONE ax, si
  R_TRY "std lodsw at 0"
  xor %si, %si
  std
  lodsw
  cld
  R_DONE ax, si
  R_TRY "scasb, cx 0"
  xor %cx, %cx
  mov $5, %di
  repne scasb
  R_DONE cx, di
  R_TRY "repe cmpsb"
  mov $DS16, %dx
  mov %dx, %es
  mov $0x100, %si
  mov $0x100, %di
  xorb $1, 0x105
  xorb $1, 0x105
  mov $0x20, %cx
  repe cmpsb
  FLAGS_OF 0x8d5
  R_DONE cx, si, di, dx
  R_TRY "~32-bit addresses leave 64K"
  mov $0xfffe, %esi
  mov $0x10, %edi
  mov $4, %ecx
  addr32 rep movsb
  R_DONE si, di, cx
  R_TRY "16-bit count leaves the high half"
  mov $0xabcd0002, %ecx
  mov $0x20, %di
  rep stosb
  shr $16, %ecx
  R_DONE cx, di
  R_TRY "loop, 65536 times"
  xor %ax, %ax
  xor %cx, %cx
1:inc %ax
  loop 1b
  R_DONE ax, cx
  R_TRY "loop with ecx"
  mov $0x10002, %ecx
  xor %eax, %eax
1:inc %eax
  addr32 loop 1b
  shr $16, %eax
  R_DONE ax, cx
  R_TRY "loope loopne"
  mov $10, %cx
1:inc %ax
  cmp $4, %ax
  loopne 1b
  mov $10, %dx
  xchg %dx, %cx
2:cmp %cx, %cx
  loope 2b
  R_DONE ax, dx, cx
  R_TRY "jcxz jecxz"
  mov $0x10000, %ecx
  jcxz 1f
  or $1, %al
1:jecxz 2f
  or $2, %al
2:R_DONE ax

  SAY "# pointers and tables\n"
  R_TRY "lds les lfs lss"
  movw $0x1357, 0x300
  movw $0x4321, 0x302
  les 0x300, %bx
  mov %es, %ax
  lgs 0x300, %dx
  mov %gs, %cx
  lds 0x300, %si
  mov %ds, %di
  R_DONE ax, bx, cx, dx, si, di
  R_TRY "lds with 32-bit offset"
  movl $0x89abcdef, 0x310
  movw $0x2000, 0x314
  lesl 0x310, %ebx
  mov %es, %ax
  mov %ebx, %ecx
  shr $16, %ecx
  R_DONE ax, bx, cx
  R_TRY "~les at fffe"
  mov $0xfffe, %si
  les (%si), %bx
  R_DONE si
  R_TRY "les of a register"
  .byte 0xc4, 0xc0
  R_DONE ax
  R_TRY "xlat wraps"
  mov $0xfff0, %bx
  mov $0x20, %al
  xlat
  R_DONE ax
  R_TRY "xlat, fs"
  mov $0xff, %al
  mov $0x1234, %bx
  xlat %fs:(%bx)
  R_DONE ax
  R_TRY "mov cs"
  .byte 0x8e, 0xc8
  R_DONE ax

  SAY "# 32-bit operands, unreal mode\n"
  R_TRY "eax"
  mov $0x12345678, %eax
  mul %eax
  mov %edx, %ecx
  shr $16, %ecx
  R_DONE ax, dx, cx
  R_TRY "movzx bswap shld"
  movzbl 0x100, %eax
  bswap %eax
  mov $0x89abcdef, %ecx
  shld $12, %ecx, %eax
  mov %eax, %edx
  shr $16, %edx
  R_DONE ax, dx
  # Limits loaded in protected mode stay; so does what a load in real mode doesn't touch.
  R_TRY "unreal"
  mov %cr0, %eax
  or $CR0_PE, %al
  mov %eax, %cr0
  mov $DATA, %bx
  mov %bx, %ds
  mov %bx, %gs
  and $~CR0_PE, %al
  mov %eax, %cr0
  mov $0x100000, %ebx
  mov (%ebx), %ax               # base 0 still
  mov $DS16, %cx
  mov %cx, %ds
  mov 0xe0000(%ebx), %dx
  xor %cx, %cx
  mov %cx, %gs
  movl $0xcafef00d, %gs:0x200000(%ebx)
  mov $0x300000 - 0x20000, %esi
  mov (%esi), %cx
  R_DONE ax, cx
  R_TRY "unreal, word at ffff"
  mov $0xffff, %bx
  mov (%bx), %ax
  R_DONE ax
  mov %cr0, %eax
  or $CR0_PE, %al
  mov %eax, %cr0
  ljmpl $CODE32, $back_protected

# One edge, after 430 us.
count_down:
  mov $0x30, %al
  out %al, $0x43
  xor %al, %al
  out %al, $0x40
  mov $2, %al
  out %al, $0x40
  ret
# Waits until the 8259 has the request, masked or not: OCW3 chooses IRR. 8259A data sheet, "Reading the 8259A Status".
until_requested:
  mov $0x0a, %al
  out %al, $0x20
  in $0x20, %al
  test $1, %al
  je until_requested
  ret
end_of_interrupt:
  mov $0x20, %al
  out %al, $0x20
  ret
tick:
  push %ax
  incw %cs:r_ticks - real_begin
  call end_of_interrupt
  pop %ax
  iret
far_routine:
  mov %sp, %bp
  mov 2(%bp), %ax
  mov %cs, %cx
  lret
far_routine2:
  mov $0x2222, %ax
  lret $2
far_routine32:
  mov %sp, %ax
  mov %cs, %cx
  lretl
near_routine:
  mov %sp, %ax
  ret $2
int60:
  pushf
  pop %ax
  mov %sp, %bp
  mov 4(%bp), %cx
  iret
short_ivt:
  .word 16 * 4 - 1
  .long 0
long_ivt:
  .word 0x3ff
  .long 0
real_end:
