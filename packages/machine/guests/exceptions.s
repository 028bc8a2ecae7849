# Exceptions: vectors, error codes, saved RIP, and which comes first. SDM vol. 3, chapter 6; vol. 2 for each instruction; vol. 3, 17.3.1.4 for TF.
.include "runtime.inc"
.include "long.inc"

.macro OP name, bytes:vararg
  TRY "\name"
  .byte \bytes
  REPORT
.endm
# The same in ring 3.
.macro USER_OP name, bytes:vararg
  .pushsection .user
.Luser\@:
  .byte \bytes
  int $0x80
  .popsection
  TRY_USER "\name", .Luser\@
  REPORT
.endm
# A descriptor in the first free place of the GDT.
.macro FREE_DESCRIPTOR attributes, flags=0xc, limit=0xfffff
  movl $(\limit) & 0xffff, gdt_free
  movl $((\attributes) << 8) + ((\flags) << 20) + ((\limit) & 0xf0000), gdt_free + 4
.endm
.macro LOAD name, register, selector, attributes, flags=0xc
  FREE_DESCRIPTOR \attributes, \flags
  mov $\selector, %eax
  mov $DATA, %ecx
  TRY "\name"
  mov %eax, %\register
  mov %ecx, %ds
  REPORT
  mov $DATA, %eax
  mov %eax, %\register
.endm

.text
USE32
main:
  PRINT "# 32-bit code\n"
  xor %edx, %edx
  xor %ecx, %ecx
  mov $1, %eax
  TRY "div by 0"
  div %ecx
  REPORT
  mov $2, %edx
  mov $2, %ecx
  TRY "div overflow"
  div %ecx
  REPORT
  mov $0x80000000, %eax
  cltd
  mov $-1, %ecx
  TRY "idiv overflow"
  idiv %ecx
  REPORT
  OP "aam 0", 0xd4, 0
  OP "int3", 0xcc
  OP "int 3", 0xcd, 3
  # ~ TCG takes it for a breakpoint of its debugger.
  OP "~int1", 0xf1
  OP "int 80H", 0xcd, 0x80
  TRY "into, OF=0", 1f
  xor %eax, %eax
1:into
  REPORT
  TRY "into, OF=1", 1f
  mov $0x7fffffff, %eax
  add $1, %eax
1:into
  REPORT
  movl $10, scratch
  movl $20, scratch + 4
  mov $9, %eax
  TRY "bound, below"
  bound %eax, scratch
  REPORT
  mov $20, %eax
  TRY "bound, upper limit"
  bound %eax, scratch
  REPORT
  mov $21, %eax
  TRY "bound, above"
  bound %eax, scratch
  REPORT

  PRINT "# undefined\n"
  OP "ud2", 0x0f, 0x0b
  OP "ud1", 0x0f, 0xb9, 0xc0
  OP "ud0", 0x0f, 0xff, 0xc0
  OP "0f 04", 0x0f, 0x04
  OP "mov to cs", 0x8e, 0xc8
  OP "mov to segment register 6", 0x8e, 0xf0
  OP "lea of a register", 0x8d, 0xc0
  OP "mov cr1", 0x0f, 0x20, 0xc8
  OP "lock add, register", 0xf0, 0x01, 0xc0
  OP "lock nop", 0xf0, 0x90
  TRY "lock add, memory"
  lock addl $0, scratch
  REPORT
  # ~ TCG ignores LOCK here and there. SDM vol. 2, LOCK: #UD for any other instruction.
  TRY "~lock mov, memory"
  .byte 0xf0
  mov %eax, scratch
  REPORT
  TRY "lock cmp, memory"
  .byte 0xf0
  cmp %eax, scratch
  REPORT
  TRY "~lock bt, memory"
  .byte 0xf0
  bt %eax, scratch
  REPORT
  TRY "lock bts, memory"
  xor %eax, %eax
  lock bts %eax, scratch
  REPORT
  OP "bound of a register", 0x62, 0xc0
  OP "les of a register", 0xc4, 0xc0, 0x00
  OP "call far register", 0xff, 0xd8
  OP "jmp far register", 0xff, 0xe8
  OP "ff /7", 0xff, 0xf8
  OP "fe /2", 0xfe, 0xd0
  # ~ TCG doesn't look at the reg field of these.
  OP "~8f /1", 0x8f, 0xc8
  OP "~c6 /1", 0xc6, 0xc8, 0x00
  OP "cmpxchg8b register", 0x0f, 0xc7, 0xc8
  OP "invlpg register", 0x0f, 0x01, 0xfd
  OP "sgdt register", 0x0f, 0x01, 0xc5
  OP "lidt register", 0x0f, 0x01, 0xdd
  OP "movnti register", 0x0f, 0xc3, 0xc0
  TRY "syscall, SCE=0"
  syscall
  REPORT
  TRY "sysenter, no CS"
  sysenter
  REPORT

  PRINT "# length\n"
  TRY "15 bytes"
  .fill 14, 1, 0x66
  nop
  REPORT
  TRY "16 bytes"
  .fill 15, 1, 0x66
  nop
  REPORT
  TRY "16 bytes, segment prefixes"
  .fill 15, 1, 0x26
  nop
  REPORT
  TRY "16 bytes by the immediate"
  .fill 10, 1, 0x36
  add $0x12345678, %ecx
  REPORT
  TRY "15 bytes by the immediate"
  .fill 9, 1, 0x36
  add $0x12345678, %ecx
  REPORT

  PRINT "# selectors\n"
  LOAD "ds, not present", ds, FREE, 0x13
  LOAD "fs, not present", fs, FREE, 0x13
  LOAD "ss, not present", ss, FREE, 0x13
  LOAD "ss, read only", ss, FREE, 0x91
  LOAD "ss, code", ss, FREE, 0x9b
  LOAD "ss, DPL 3", ss, FREE, 0xf3
  LOAD "ss, RPL 3", ss, FREE+3, 0x93
  LOAD "ss, null", ss, 0, 0x93
  LOAD "ds, null", ds, 0, 0x93
  LOAD "ds, null with RPL", ds, 3, 0x93
  LOAD "ds, execute only", ds, FREE, 0x99
  LOAD "ds, readable code", ds, FREE, 0x9b
  LOAD "ds, RPL 3, DPL 0", ds, FREE+3, 0x93
  LOAD "ds, RPL 3, conforming code", ds, FREE+3, 0x9f
  LOAD "ds, RPL 3, conforming code, execute only", ds, FREE+3, 0x9d
  LOAD "ds, a system segment", ds, FREE, 0x82
  LOAD "ds, a system segment, not present", ds, FREE, 0x02
  LOAD "es, beyond the table", es, 0xfff8, 0x93
  LOAD "gs, in the LDT, which is null", gs, FREE+4, 0x93
  LOAD "gs, in the LDT, RPL 3", gs, FREE+7, 0x93
  mov $DATA, %ax
  TRY "lldt, data"
  lldt %ax
  REPORT
  FREE_DESCRIPTOR 0x02
  mov $FREE, %ax
  TRY "lldt, not present"
  lldt %ax
  REPORT
  mov $FREE + 4, %ax
  TRY "lldt, in the LDT"
  lldt %ax
  REPORT
  xor %eax, %eax
  TRY "lldt, null"
  lldt %ax
  REPORT
  # ~ TCG loads it, and has no TSS from then on. SDM vol. 2, LTR: #GP(0).
  call is_tcg
  je 1f
  xor %eax, %eax
  TRY "~ltr, null"
  ltr %ax
  REPORT
1:
  mov $TSS, %ax
  TRY "ltr, busy"
  ltr %ax
  REPORT
  mov $DATA, %ax
  TRY "ltr, data"
  ltr %ax
  REPORT
  FREE_DESCRIPTOR 0x09
  mov $FREE, %ax
  TRY "ltr, not present"
  ltr %ax
  REPORT
  TRY "jmp far, null"
  .byte 0xea
  .long 0
  .word 0
  REPORT
  TRY "jmp far, data"
  ljmp $DATA, $0
  REPORT
  FREE_DESCRIPTOR 0x1b
  TRY "jmp far, not present"
  ljmp $FREE, $0
  REPORT
  FREE_DESCRIPTOR 0xfb
  TRY "jmp far, DPL 3"
  ljmp $FREE, $0
  REPORT
  FREE_DESCRIPTOR 0x9b, 0x4, 0xfff
  TRY "jmp far, beyond the limit"
  ljmp $FREE, $0x1000
  REPORT
  push $0
  push $0
  TRY "retf to null"
  lretl
  REPORT
  TRY "iret to null"
  push $0
  push $0
  push $0
1:iretl
  REPORT
  add $8, %esp
  push $UCODE32
  push $0
  TRY "retf to ring 3, no stack"
  lretl
  REPORT
  add $8, %esp

  PRINT "# the IDT\n"
  .macro GATE vector, type, selector=CODE32
  movw $\type, idt32 + \vector * 8 + 4
  movw $\selector, idt32 + \vector * 8 + 2
  .endm
  GATE 0x90, 0x0e00
  OP "gate not present", 0xcd, 0x90
  GATE 0x90, 0x8100
  OP "gate of a wrong type", 0xcd, 0x90
  GATE 0x90, 0x8e00, 0
  OP "gate to a null selector", 0xcd, 0x90
  GATE 0x90, 0x8e00, DATA
  OP "gate to data", 0xcd, 0x90
  GATE 0x90, 0x8e00, 0xfff8
  OP "gate beyond the GDT", 0xcd, 0x90
  GATE 0x90, 0x8e00, FREE
  FREE_DESCRIPTOR 0x1b
  OP "gate to code not present", 0xcd, 0x90
  FREE_DESCRIPTOR 0xfb
  OP "gate to code of ring 3", 0xcd, 0x90
  FREE_DESCRIPTOR 0x9f
  OP "gate to conforming code", 0xcd, 0x90
  FREE_DESCRIPTOR 0x9b, 0x4, 0xfff
  # ~ TCG checks no limit. SDM vol. 2, INT: #GP(EXT).
  OP "~gate beyond the limit of its segment", 0xcd, 0x90
  GATE 0x90, 0x8e00
  movw $0x90 * 8 + 6, scratch
  movl $idt32, scratch + 2
  lidt scratch
  OP "beyond the IDT", 0xcd, 0x90
  lidt idt32_pointer
  USER_OP "ring 3, gate with DPL 0", 0xcd, 0x90
  GATE 0x90, 0x6e00
  USER_OP "ring 3, gate with DPL 3, not present", 0xcd, 0x90
  GATE 0x90, 0x0e00
  USER_OP "ring 3, gate with DPL 0, not present", 0xcd, 0x90
  USER_OP "ring 3, int3", 0xcc
  movw $0x8e00, idt32 + 3 * 8 + 4
  USER_OP "ring 3, int3, gate with DPL 0", 0xcc
  USER_OP "~ring 3, int1", 0xf1
  movw $0xee00, idt32 + 3 * 8 + 4
  # ~ An exception, as opposed to INT n, sets EXT in the error code of a fault on the way (SDM vol. 3, 6.13). TCG never sets it.
  GATE 6, 0x0e00
  OP "~ud2, gate not present", 0x0f, 0x0b
  USER_OP "~ud2 in ring 3, gate not present", 0x0f, 0x0b
  GATE 6, 0x8e00, 0
  OP "~ud2, gate to null", 0x0f, 0x0b
  GATE 6, 0x8e00
  GATE 3, 0x6e00
  # INT3 has no EXT: "an interrupt ... other than ... INT n, INT3, INTO".
  OP "int3, gate not present", 0xcc
  GATE 3, 0xee00

  PRINT "# double faults\n"
  xor %ecx, %ecx
  GATE 0, 0x0e00
  TRY "#DE, then #NP"
  div %ecx
  REPORT
  GATE 0, 0x8e00
  GATE 13, 0x0e00
  TRY "#GP, then #NP"
  ljmp $DATA, $0
  REPORT
  GATE 13, 0x8e00
  GATE 6, 0x0e00
  GATE 11, 0x0e00
  TRY "#UD, #NP, then #NP"
  ud2
  REPORT
  GATE 11, 0x8e00
  TRY "~#UD, then #NP: not double"
  ud2
  REPORT
  GATE 6, 0x8e00

  # What is wrong with the TSS or the stack of ring 0 shows in a handler that runs in ring 3: another stack is out of the question. It comes back by
  # SYSENTER, which needs none of them.
  PRINT "# stack switches\n"
  .macro RING3_GATE vector, handler
  mov $\handler, %eax
  mov %ax, idt32 + \vector * 8
  shr $16, %eax
  mov %ax, idt32 + \vector * 8 + 6
  movw $UCODE32, idt32 + \vector * 8 + 2
  .endm
  .macro STUB_GATE vector
  mov $stubs32 + \vector * STUB, %eax
  mov %ax, idt32 + \vector * 8
  shr $16, %eax
  mov %ax, idt32 + \vector * 8 + 6
  movw $CODE32, idt32 + \vector * 8 + 2
  .endm
  mov $0x174, %ecx
  xor %edx, %edx
  mov $CODE32, %eax
  wrmsr
  mov $0x175, %ecx
  mov $stack_top - 0x1000, %eax
  wrmsr
  mov $0x176, %ecx
  mov $stack_switched, %eax
  wrmsr
  .macro STACK_SWITCH name, bytes:vararg
  .pushsection .user
.Luser\@:
  .byte \bytes
  int $0x80
  .popsection
  PRINT "\name: "
  mov $.Luser\@, %eax
  call stack_switch
  .endm
  RING3_GATE 10, ring3_ts
  RING3_GATE 12, ring3_ss
  movl $UDATA, tss + 8
  STACK_SWITCH "int 80H, SS0 of DPL 3", 0xcd, 0x80
  movl $UDATA, tss + 8
  STACK_SWITCH "~ud2, SS0 of DPL 3", 0x0f, 0x0b
  movl $0, tss + 8
  STACK_SWITCH "int 80H, SS0 null", 0xcd, 0x80
  movl $0, tss + 8
  STACK_SWITCH "~ud2, SS0 null", 0x0f, 0x0b
  movl $0xfff8, tss + 8
  STACK_SWITCH "int 80H, SS0 beyond the GDT", 0xcd, 0x80
  movl $DATA + 3, tss + 8
  STACK_SWITCH "int 80H, SS0 with RPL 3", 0xcd, 0x80
  movl $CODE32, tss + 8
  STACK_SWITCH "int 80H, SS0 code", 0xcd, 0x80
  FREE_DESCRIPTOR 0x91
  movl $FREE, tss + 8
  STACK_SWITCH "int 80H, SS0 read only", 0xcd, 0x80
  FREE_DESCRIPTOR 0x13
  movl $FREE, tss + 8
  # ~ TCG: #TS. SDM vol. 2, INT: #SS.
  STACK_SWITCH "~int 80H, SS0 not present", 0xcd, 0x80
  # A stack too small for the frame: 16 bytes.
  movl $DATA, tss + 8
  RING3_GATE 13, ring3_gp
  # ~ TCG checks no limits. SDM vol. 2, INT: #SS(new SS + EXT).
  call is_tcg
  je 1f
  FREE_DESCRIPTOR 0x93, 0x4, 15
  movl $FREE, tss + 8
  movl $16, tss + 4
  STACK_SWITCH "~int 80H, stack 0 too small", 0xcd, 0x80
  movl $stack0_top, tss + 4
1:
  # The TSS ends before SS0.
  FREE_DESCRIPTOR 0x89, 0, 8
  mov $tss, %eax
  mov %ax, gdt_free + 2
  shr $16, %eax
  mov %al, gdt_free + 4
  mov %ah, gdt_free + 7
  mov $FREE, %eax
  ltr %ax
  STACK_SWITCH "int 80H, TSS too short", 0xcd, 0x80
  andb $~2, gdt + TSS + 5
  mov $TSS, %eax
  ltr %ax
  STUB_GATE 10
  STUB_GATE 12
  STUB_GATE 13
  call privileged
  call x87
  call sse
  call steps32
  call enter_long
USE64
  call undefined64
  call gates64
  call priorities64
  call steps64
  EXIT
USE32

# From EAX on in ring 3; prints the vector, the error code and where it happened.
stack_switch:
  mov %eax, rec + REC_TRY
  mov %esp, rec + REC_SP
  mov $UDATA, %ecx
  mov %ecx, %ds
  mov %ecx, %es
  push $UDATA
  push $user_stack_top
  push $2
  push $UCODE32
  push %eax
  iretl
.section .user
ring3_ts:
  mov $10, %ebx
  jmp 1f
ring3_ss:
  mov $12, %ebx
  jmp 1f
ring3_gp:
  mov $13, %ebx
1:
  pop %ecx
  pop %edx
  sysenter
.text
stack_switched:
  mov $DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  mov rec + REC_SP, %esp
  mov %ebx, rec + REC_VECTOR
  mov %ecx, rec + REC_ERROR
  mov %edx, rec + REC_RIP
  movl $DATA, tss + 8
  movl $stack0_top, tss + 4
  call report
  NEWLINE
  ret

# --- what ring 3 may not ---------------------------------------------------------------------------------------------------------------
privileged:
  PRINT "# privileged\n"
  USER_OP "hlt", 0xf4
  USER_OP "cli", 0xfa
  USER_OP "sti", 0xfb
  USER_OP "in", 0xec
  USER_OP "out immediate", 0xe6, 0x80
  USER_OP "insb", 0x6c
  USER_OP "outsb", 0x6e
  USER_OP "mov from cr0", 0x0f, 0x20, 0xc0
  USER_OP "mov to cr3", 0x0f, 0x22, 0xd8
  USER_OP "mov from dr7", 0x0f, 0x21, 0xf8
  USER_OP "mov to dr0", 0x0f, 0x23, 0xc0
  USER_OP "lgdt", 0x0f, 0x01, 0x15, 0, 0, 0, 0
  USER_OP "lidt", 0x0f, 0x01, 0x1d, 0, 0, 0, 0
  USER_OP "lldt", 0x0f, 0x00, 0xd0
  USER_OP "ltr", 0x0f, 0x00, 0xd8
  USER_OP "lmsw", 0x0f, 0x01, 0xf0
  USER_OP "clts", 0x0f, 0x06
  USER_OP "invlpg", 0x0f, 0x01, 0x38
  USER_OP "invd", 0x0f, 0x08
  USER_OP "wbinvd", 0x0f, 0x09
  USER_OP "rdmsr", 0x0f, 0x32
  USER_OP "wrmsr", 0x0f, 0x30
  USER_OP "rdpmc", 0x0f, 0x33
  USER_OP "rdtsc", 0x0f, 0x31
  mov $4, %eax
  mov %eax, %cr4
  USER_OP "rdtsc, TSD", 0x0f, 0x31
  USER_OP "rdtscp, TSD", 0x0f, 0x01, 0xf9
  xor %eax, %eax
  mov %eax, %cr4
  USER_OP "smsw", 0x0f, 0x01, 0xe0
  USER_OP "sldt", 0x0f, 0x00, 0xc0
  USER_OP "str", 0x0f, 0x00, 0xc8
  USER_OP "cpuid", 0x0f, 0xa2
  USER_OP "sysexit", 0x0f, 0x35
  USER_OP "clac", 0x0f, 0x01, 0xca
  USER_OP "mov dr4, DE=0", 0x0f, 0x21, 0xe0
  # POPF leaves IF and IOPL alone, without a fault.
  .pushsection .user
.Lpopf:
  push $0x3202
  popf
  pushf
  pop %eax
  int $0x80
  .popsection
  TRY_USER "popf", .Lpopf
  REPORT_AND
  PRINT " eflags "
  HEX 4
  NEWLINE
  # IOPL 3 gives back CLI, STI and the ports; IF, too.
  TRY_USER "IOPL 3: hlt", .Liopl, 0x3002
  REPORT
  TRY_USER "IOPL 3: cli, sti", .Liopl_flags, 0x3002
  REPORT_AND
  PRINT " eflags "
  HEX 4
  NEWLINE
  TRY_USER "IOPL 3: in", .Liopl_in, 0x3002
  REPORT
  .pushsection .user
.Liopl:
  hlt
  int $0x80
.Liopl_flags:
  sti
  cli
  push $0x0002
  popf
  pushf
  pop %eax
  int $0x80
.Liopl_in:
  mov $0xe9, %edx
  in %dx, %al
  int $0x80
  .popsection
  # In ring 0: what the values may be.
  mov $0x12345678, %ecx
  # ~ TCG reads 0 from an MSR that doesn't exist.
  TRY "~rdmsr of nothing"
  rdmsr
  REPORT
  TRY "~wrmsr of nothing"
  wrmsr
  REPORT
  # ~ TCG obeys, and that is the end of it.
  call is_tcg
  je 1f
  mov $CR0_PG, %eax
  TRY "~cr0: PG without PE"
  mov %eax, %cr0
  REPORT
1:
  mov $0x20000000 + CR0_PE, %eax
  # ~ TCG takes it.
  TRY "~cr0: NW without CD"
  mov %eax, %cr0
  REPORT
  mov $CR0_PE + CR0_ET + CR0_NE, %eax
  mov %eax, %cr0
  # ~ TCG 7.2 leaves for a hypervisor that isn't there.
  call is_tcg
  je 1f
  mov $0x8000, %eax
  TRY "~cr4: reserved"
  mov %eax, %cr4
  REPORT
1:
  mov $EFER, %ecx
  xor %edx, %edx
  mov $2, %eax
  # ~ TCG ignores reserved bits of EFER.
  TRY "~efer: reserved"
  wrmsr
  REPORT
  mov $8, %eax
  mov %eax, %cr4
  TRY "dr4, DE=1"
  mov %dr4, %eax
  REPORT
  xor %eax, %eax
  mov %eax, %cr4
  TRY "dr4, DE=0"
  mov %dr4, %eax
  REPORT
  # GD: any access to a debug register is #DB, and BD says so.
  mov $0x2400, %eax
  mov %eax, %dr7
  TRY "~dr7.GD"
  mov %dr0, %eax
  REPORT_AND
  PRINT " dr6 "
  mov %dr6, %eax
  HEX
  PRINT " dr7 "
  mov %dr7, %eax
  HEX
  NEWLINE
  xor %eax, %eax
  mov %eax, %dr6
  TRY "xsetbv, OSXSAVE=0"
  xsetbv
  REPORT
  mov $0x40000, %eax
  mov %eax, %cr4
  xor %ecx, %ecx
  xor %edx, %edx
  xor %eax, %eax
  TRY "xsetbv without x87"
  xsetbv
  REPORT
  mov $1, %ecx
  mov $1, %eax
  TRY "xsetbv of register 1"
  xsetbv
  REPORT
  USER_OP "xsetbv", 0x0f, 0x01, 0xd1
  xor %eax, %eax
  mov %eax, %cr4
  ret

# --- x87 -------------------------------------------------------------------------------------------------------------------------------
x87:
  PRINT "# x87\n"
  fninit
  movl $0x37b, scratch              # ZM clear
  fldcw scratch
  fld1
  fldz
  TRY "fdivrp by 0, masked off"
  fdivrp
  REPORT
  # ~ TCG raises #MF with FWAIT alone, looks at CR0.TS and EM for no MMX instruction, and knows no #XM.
  TRY "~the next one"
  fld1
  REPORT
  TRY "fwait"
  fwait
  REPORT
  TRY "fnstsw"
  fnstsw %ax
  REPORT_AND
  PRINT " "
  HEX 4
  NEWLINE
  TRY "fnstcw"
  fnstcw scratch
  REPORT
  TRY "fnstenv"
  fnstenv scratch2
  REPORT
  fldenv scratch2
  TRY "~fxch after fldenv"
  fxch
  REPORT
  TRY "fnclex"
  fnclex
  REPORT
  TRY "fxch after fnclex"
  fxch
  REPORT
  fninit
  mov $0x37b, %eax
  mov %eax, scratch
  fldcw scratch
  fld1
  fldz
  fdivrp
  TRY "~emms"
  emms
  REPORT
  fninit
  # CR0.EM, TS, MP.
  .macro CR0_SET bits
  mov $CR0_PE + CR0_ET + CR0_NE + \bits, %eax
  mov %eax, %cr0
  .endm
  CR0_SET CR0_TS
  TRY "TS: fld1"
  fld1
  REPORT
  TRY "TS: fwait"
  fwait
  REPORT
  TRY "~TS: emms"
  emms
  REPORT
  TRY "TS: fxsave"
  fxsave scratch2
  REPORT
  TRY "TS: clts"
  clts
  REPORT
  TRY "fld1"
  fld1
  REPORT
  CR0_SET CR0_TS+CR0_MP
  TRY "TS, MP: fwait"
  fwait
  REPORT
  CR0_SET CR0_MP
  TRY "MP: fwait"
  fwait
  REPORT
  CR0_SET CR0_EM
  TRY "EM: fld1"
  fld1
  REPORT
  TRY "EM: fwait"
  fwait
  REPORT
  TRY "~EM: emms"
  emms
  REPORT
  TRY "EM: fxsave"
  fxsave scratch2
  REPORT
  CR0_SET CR0_EM+CR0_TS
  TRY "~EM, TS: emms"
  emms
  REPORT
  TRY "EM, TS: fnop"
  fnop
  REPORT
  CR0_SET 0
  fninit
  ret

# --- SSE -------------------------------------------------------------------------------------------------------------------------------
sse:
  PRINT "# SSE\n"
  TRY "OSFXSR=0"
  movaps %xmm0, %xmm1
  REPORT
  CR0_SET CR0_TS
  TRY "OSFXSR=0, TS"
  movaps %xmm0, %xmm1
  REPORT
  CR0_SET 0
  mov $CR4_OSFXSR, %eax
  mov %eax, %cr4
  TRY "OSFXSR"
  movaps %xmm0, %xmm1
  REPORT
  CR0_SET CR0_TS
  TRY "TS"
  movaps %xmm0, %xmm1
  REPORT
  TRY "TS: ldmxcsr"
  ldmxcsr scratch
  REPORT
  TRY "TS: sfence"
  sfence
  REPORT
  TRY "TS: movnti"
  movnti %eax, scratch
  REPORT
  TRY "TS: prefetch"
  prefetcht0 scratch
  REPORT
  TRY "TS: popcnt"
  popcnt %eax, %eax
  REPORT
  TRY "TS: crc32"
  crc32 %eax, %eax
  REPORT
  CR0_SET CR0_EM
  TRY "EM"
  movaps %xmm0, %xmm1
  REPORT
  CR0_SET CR0_EM+CR0_TS
  TRY "~EM, TS"
  movaps %xmm0, %xmm1
  REPORT
  CR0_SET 0
  movl $0x11f80, scratch
  TRY "~mxcsr: reserved"
  ldmxcsr scratch
  REPORT
  movl $0x1d80, scratch             # ZM clear
  ldmxcsr scratch
  xorps %xmm0, %xmm0
  mov $0x3f800000, %eax
  movd %eax, %xmm1
  TRY "~division by 0, OSXMMEXCPT=0"
  divss %xmm0, %xmm1
  REPORT
  mov $CR4_OSFXSR + CR4_OSXMMEXCPT, %eax
  mov %eax, %cr4
  movl $0x1d80, scratch
  ldmxcsr scratch
  TRY "~division by 0, OSXMMEXCPT=1"
  divss %xmm0, %xmm1
  REPORT_AND
  PRINT " mxcsr "
  stmxcsr scratch
  mov scratch, %eax
  HEX 4
  PRINT " xmm1 "
  movd %xmm1, %eax
  HEX
  NEWLINE
  TRY "a flag that is set alone does nothing"
  mulss %xmm0, %xmm1
  REPORT
  TRY "movaps, not aligned"
  movaps scratch + 4, %xmm1
  REPORT
  TRY "paddb, not aligned"
  paddb scratch + 4, %xmm1
  REPORT
  TRY "movups, not aligned"
  movups scratch + 4, %xmm1
  REPORT
  TRY "fxsave, not aligned"
  fxsave scratch2 + 8
  REPORT
  movl $0x1f80, scratch
  ldmxcsr scratch
  xor %eax, %eax
  mov %eax, %cr4
  ret

# --- single steps ----------------------------------------------------------------------------------------------------------------------
.bss
  .p2align 4
scratch2: .skip 512 + 16
trace_buffer: .skip 4 * 32
trace_count: .skip 4
trace_base: .skip 4
trace_end: .skip 4
.text
# The hook of #DB: notes RIP; at `trace_end` or a little beyond, or after 16, no more.
.macro TRACE_HOOK name, frame_rip, frame_flags
\name:
  mov $trace_count, %ebx
  mov (%ebx), %ecx
  mov \frame_rip, %eax
  mov $trace_buffer, %edx
  shl $2, %ecx
  add %ecx, %edx
  mov %eax, (%edx)
  addl $1, (%ebx)
  cmpl $16, (%ebx)
  jae 1f
  sub trace_end - trace_count(%ebx), %eax
  cmp $16, %eax
  jae 2f
1:
  andl $~EFL_TF, \frame_flags
2:
  ret
.endm
TRACE_HOOK trace_hook32, F32_EIP(%edi), F32_EFLAGS(%edi)

# Bimodal.
print_trace:
  push %eax
  push %ebx
  push %ecx
  push %edx
  mov $trace_count, %ebx
  mov $trace_buffer, %edx
  mov (%ebx), %ecx
  jmp 2f
1:
  mov $' ', %al
  out %al, $0xe9
  mov (%edx), %eax
  sub trace_base - trace_count(%ebx), %eax
  call putsigned
  add $4, %edx
  sub $1, %ecx
2:
  test %ecx, %ecx
  jne 1b
  pop %edx
  pop %ecx
  pop %ebx
  pop %eax
  ret

# `name:` and where RIP was at each #DB from here to STEPPED.
.macro STEP name
  PRINT "\name:"
  movl $0, trace_count
  movl $96f, trace_base
  movl $97f, trace_end
  .if BITS == 64
  movl $trace_hook64, hooks + 4
  pushfq
  orl $EFL_TF, (%rsp)
  popfq
  .else
  movl $trace_hook32, hooks + 4
  pushf
  orl $EFL_TF, (%esp)
  popf
  .endif
96:
.endm
.macro STEPPED
97:
  nop
  .if BITS == 64
  pushfq
  andl $~EFL_TF, (%rsp)
  popfq
  .else
  pushf
  andl $~EFL_TF, (%esp)
  popf
  .endif
  movl $0, hooks + 4
  call print_trace
  NEWLINE
.endm

null_hook:
  ret
skip2_hook32:
  addl $2, F32_EIP(%edi)
  ret

steps32:
  PRINT "# single steps\n"
  xor %eax, %eax
  mov %eax, %dr6
  STEP "nop nop"
  nop
  nop
  STEPPED
  PRINT "dr6 "
  mov %dr6, %eax
  HEX
  NEWLINE
  STEP "jmp, call, ret"
  jmp 1f
  nop
1:call 2f
  jmp 3f
2:ret
3:
  STEPPED
  STEP "pushf, pop"
  pushf
  pop %eax
  STEPPED
  PRINT "TF in the image: "
  and $EFL_TF, %eax
  HEX 3
  NEWLINE
  STEP "popf that clears TF"
  pushf
  andl $~EFL_TF, (%esp)
  popf
  nop
  nop
  STEPPED
  mov $DATA, %edx
  STEP "mov ss"
  nop
  mov %edx, %ss
  nop
  nop
  STEPPED
  STEP "pop ss"
  push %ss
  pop %ss
  nop
  nop
  STEPPED
  STEP "mov ds"
  mov %edx, %ds
  nop
  STEPPED
  movl $null_hook, hooks + 0x81 * 4
  STEP "int 81H, whose handler returns"
  nop
  int $0x81
  nop
  nop
  STEPPED
  movl $null_hook, hooks + 3 * 4
  STEP "int3"
  nop
  int3
  nop
  nop
  STEPPED
  movl $0, hooks + 3 * 4
  movl $skip2_hook32, hooks + 6 * 4
  STEP "ud2, which its handler skips"
  nop
  ud2
  nop
  nop
  STEPPED
  movl $0, hooks + 6 * 4
  mov $3, %ecx
  mov $scratch2, %esi
  mov %esi, %edi
  STEP "rep movsb, 3"
  rep movsb
  STEPPED
  xor %ecx, %ecx
  STEP "rep movsb, 0"
  rep movsb
  nop
  STEPPED
  mov $3, %ecx
  mov $scratch2, %edi
  mov (%edi), %al
  movb %al, 1(%edi)
  not %al
  movb %al, 2(%edi)
  STEP "repne scasb, found at the third"
  repne scasb
  STEPPED
  STEP "cpuid"
  cpuid
  nop
  STEPPED
  # ~ STI holds off interrupts for one instruction, not this trap (SDM vol. 3, 6.8.3 names MOV SS and POP SS alone). TCG knows one kind of shadow.
  STEP "~sti, cli"
  sti
  cli
  nop
  STEPPED
  STEP "iret"
  pushf
  push $CODE32
  push $1f
  iretl
  nop
1:
  nop
  STEPPED
  STEP "iret that clears TF"
  push $2
  push $CODE32
  push $1f
  iretl
  nop
1:
  nop
  STEPPED
  # IRET or POPF that sets TF: the first trap is that of the instruction behind.
  .pushsection .user
.Lnops:
  nop
  nop
  int $0x80
.Lud2:
  ud2
.Lint80:
  int $0x80
  .popsection
  TRY_USER "iret that sets TF", .Lnops, EFL_TF+2
  REPORT_AND
  PRINT " eflags "
  mov rec + REC_FLAGS, %eax
  HEX
  NEWLINE
  # A fault is no trap: it is as if the instruction had not begun; TF stands in the image.
  # ~ RF in the image: set for faults (SDM vol. 3, 17.3.1.1); TCG leaves it clear.
  TRY_USER "~ud2 with TF", .Lud2, EFL_TF+2
  REPORT_AND
  PRINT " eflags "
  mov rec + REC_FLAGS, %eax
  HEX
  NEWLINE
  TRY_USER "int 80H with TF", .Lint80, EFL_TF+2
  REPORT_AND
  PRINT " eflags "
  mov rec + REC_FLAGS, %eax
  HEX
  NEWLINE
  ret

# --- 64-bit code -----------------------------------------------------------------------------------------------------------------------
USE64
undefined64:
  PRINT "# 64-bit code, undefined\n"
  OP "push es", 0x06
  OP "pop ds", 0x1f
  OP "daa", 0x27
  OP "aaa", 0x37
  OP "aas", 0x3f
  OP "pusha", 0x60
  OP "popa", 0x61
  OP "bound", 0x62, 0x05, 0, 0, 0, 0
  OP "group 1, 82H", 0x82, 0xc0, 0
  OP "call far", 0x9a, 0, 0, 0, 0, 0, 0
  OP "jmp far", 0xea, 0, 0, 0, 0, 0, 0
  OP "les", 0xc4, 0x05, 0, 0, 0, 0
  OP "into", 0xce
  OP "aam", 0xd4, 0x0a
  OP "salc", 0xd6
  OP "lahf", 0x9f
  OP "ud2", 0x0f, 0x0b
  OP "mov cr9", 0x44, 0x0f, 0x20, 0xc8
  OP "lock sub, register", 0xf0, 0x29, 0xc0
  xor %ecx, %ecx
  TRY "div by 0"
  div %rcx
  REPORT
  mov $0x8000000000000000, %rax
  cqto
  mov $-1, %rcx
  TRY "idiv overflow"
  idiv %rcx
  REPORT
  TRY "int3"
  int3
  REPORT
  TRY "syscall, SCE=0"
  syscall
  REPORT
  TRY "16 bytes"
  .fill 15, 1, 0x66
  nop
  REPORT
  TRY "sysret, SCE=0"
  sysretq
  REPORT
  # NT: there are no nested tasks here.
  TRY "iretq with NT", 1f
  push $DATA
  push $stack_top - 0x800
  push $2
  push $CODE64
  push $2f
  pushfq
  orl $EFL_NT, (%rsp)
  popfq
1:iretq
2:
  CAUGHT
  pushfq
  andl $~EFL_NT, (%rsp)
  popfq
  call report
  NEWLINE
  TRY "iretq to a null CS", 1f
  push $DATA
  push $stack_top - 0x800
  push $2
  push $0
  push $2f
1:iretq
2:
  REPORT
  TRY "iretq to ring 3, SS null", 1f
  push $0
  push $stack_top - 0x800
  push $2
  push $UCODE64
  push $2f
1:iretq
2:
  REPORT
  TRY "iretq to ring 3, SS of DPL 0", 1f
  push $DATA
  push $stack_top - 0x800
  push $2
  push $UCODE64
  push $2f
1:iretq
2:
  REPORT
  # In ring 0 SS may be null.
  TRY "iretq, SS null", 1f
  push $0
  push $stack_top - 0x800
  push $2
  push $CODE64
  push $2f
1:iretq
2:
  CAUGHT
  mov rec + REC_SP, %rsp
  call report
  mov %ss, %eax
  PRINT " ss "
  HEX 4
  mov $DATA, %eax
  mov %eax, %ss
  NEWLINE
  # ~ TCG goes there, and takes it for 32-bit code.
  call is_tcg
  je 3f
  FREE_DESCRIPTOR 0x9b, 0xe
  TRY "~iretq to code with L and D", 1f
  push $DATA
  push $stack_top - 0x800
  push $2
  push $FREE
  push $2f
1:iretq
2:
  REPORT
3:
  ret

.macro GATE64 vector, type, selector=CODE64, ist=0
  movw $\type + \ist, idt64 + \vector * 16 + 4
  movw $\selector, idt64 + \vector * 16 + 2
.endm
gates64:
  PRINT "# 64-bit IDT\n"
  # ~ SDM vol. 3, 6.13: bits 3 to 15 of the error code are the vector. TCG 7.2 has twice that in long mode.
  GATE64 0x90, 0x0e00
  OP "~gate not present", 0xcd, 0x90
  GATE64 0x90, 0x8600
  OP "~16-bit gate", 0xcd, 0x90
  GATE64 0x90, 0x8500
  OP "~task gate", 0xcd, 0x90
  GATE64 0x90, 0x8e00, 0
  OP "null selector", 0xcd, 0x90
  GATE64 0x90, 0x8e00, CODE32
  OP "32-bit code", 0xcd, 0x90
  GATE64 0x90, 0x8e00, DATA
  OP "data", 0xcd, 0x90
  GATE64 0x90, 0x8e00, 0xfff8
  OP "beyond the GDT", 0xcd, 0x90
  GATE64 0x90, 0x8e00, FREE
  FREE_DESCRIPTOR 0x1b, 0xa
  OP "code not present", 0xcd, 0x90
  FREE_DESCRIPTOR 0xfb, 0xa
  OP "code of ring 3", 0xcd, 0x90
  FREE_DESCRIPTOR 0x9b, 0xe
  OP "code with L and D", 0xcd, 0x90
  FREE_DESCRIPTOR 0x9f, 0xa
  OP "conforming code", 0xcd, 0x90
  GATE64 0x90, 0x8e00
  movw $0x90 * 16 + 14, scratch
  movl $idt64, scratch + 2
  movl $0, scratch + 6
  lidt scratch
  OP "~beyond the IDT", 0xcd, 0x90
  lidt idt64_pointer
  movl $0x8000, idt64 + 0x90 * 16 + 8
  # ~ TCG jumps there, and faults at the target. SDM vol. 2, INT: #GP(EXT) of the delivery.
  OP "~offset not canonical", 0xcd, 0x90
  movl $0, idt64 + 0x90 * 16 + 8
  USER_OP "~ring 3, gate with DPL 0", 0xcd, 0x90
  # Frames are aligned to 16 bytes.
  mov %rsp, %rbp
  TRY "rsp in the frame", 1f
  mov $stack_top - 0x803, %rsp
1:int $0x90
  REPORT_AND
  mov rec + REC_RSP, %rax
  sub $stack_top - 0x800, %eax
  PRINT " "
  call putsigned
  PRINT " ss "
  mov rec + REC_SS, %eax
  HEX 4
  NEWLINE
  # The handler's own RSP, from an IST entry that isn't aligned; 1 to 7.
  movl $frame_hook, hooks + 0x90 * 4
  mov $stack0_top - 5, %eax
  mov %eax, tss + 36
  mov %eax, tss + 36 + 6 * 8
  GATE64 0x90, 0x8e00, CODE64, 1
  TRY "IST 1"
  int $0x90
  REPORT_AND
  call show_frame
  GATE64 0x90, 0x8e00, CODE64, 7
  TRY "IST 7"
  int $0x90
  REPORT_AND
  call show_frame
  GATE64 0x90, 0xee00
  movl $stack0_top - 3, tss + 4
  .pushsection .user
.Luser_frame:
  int $0x90
  int $0x80
  .popsection
  TRY_USER "from ring 3", .Luser_frame
  REPORT_AND
  call show_frame
  movl $stack0_top, tss + 4
  movl $0, hooks + 0x90 * 4
  # A ring 0 stack that isn't canonical: #SS, on a stack of its own.
  movl $stack0_top, tss + 36
  movb $1, idt64 + 12 * 16 + 4
  movl $0x8000, tss + 8
  movb $1, idt64 + 13 * 16 + 4
  USER_OP "RSP0 not canonical", 0xcd, 0x80
  movl $0, tss + 8
  movb $0, idt64 + 12 * 16 + 4
  movb $0, idt64 + 13 * 16 + 4
  PRINT "# double faults\n"
  GATE64 11, 0x0e00
  GATE64 6, 0x0e00
  TRY "#UD, #NP, #NP"
  ud2
  REPORT_AND
  # Where is still said; the error code is 0.
  NEWLINE
  GATE64 11, 0x8e00
  GATE64 6, 0x8e00
  GATE64 14, 0x0e00
  mov $0x8000000000, %rsi
  TRY "#PF, #NP"
  mov (%rsi), %eax
  REPORT
  GATE64 14, 0x8e00
  GATE64 0, 0x0e00
  xor %ecx, %ecx
  TRY "#DE, #NP"
  div %ecx
  REPORT
  GATE64 0, 0x8e00
  # Benign, then a page fault: no double fault. The stack of #UD isn't there.
  mov $0x50000000, %eax
  mov %rax, tss + 36
  movb $1, idt64 + 6 * 16 + 4
  TRY "#UD on a stack that isn't there"
  ud2
  REPORT
  # The page fault's own stack: double.
  movb $1, idt64 + 14 * 16 + 4
  TRY "#PF on a stack that isn't there"
  mov (%rsi), %eax
  REPORT_AND
  PRINT " cr2 "
  mov rec + REC_CR2, %eax
  HEX
  NEWLINE
  TRY "#UD, then #PF on a stack that isn't there"
  ud2
  REPORT
  movb $0, idt64 + 6 * 16 + 4
  movb $0, idt64 + 14 * 16 + 4
  movl $stack0_top, tss + 36
  ret

frame_hook:
  mov %rdi, frame_rdi
  mov F64_RSP(%rdi), %rax
  mov %rax, frame_rsp
  ret
.bss
frame_rdi: .skip 8
frame_rsp: .skip 8
.text
show_frame:
  push %rax
  PRINT " frame at "
  # 192 bytes for what the handler has pushed until then, the return addresses not among them.
  mov frame_rdi, %eax
  add $F64_SS + 8 + 5, %eax
  sub $stack0_top, %eax
  call putsigned
  NEWLINE
  pop %rax
  ret

# Which fault comes first. SDM vol. 3, 6.9.
priorities64:
  PRINT "# 64-bit code, priorities\n"
  mov $0x8000000000, %rsi           # not mapped
  mov $CR4_PAE + CR4_OSFXSR, %eax
  mov %rax, %cr4
  TRY "movaps, not aligned, not mapped"
  movaps 1(%rsi), %xmm0
  REPORT
  TRY "cmpxchg16b, not aligned, not mapped"
  cmpxchg16b 8(%rsi)
  REPORT
  TRY "movaps, aligned, not mapped"
  movaps (%rsi), %xmm0
  REPORT
  mov %cr0, %rax
  or $CR0_TS, %eax
  mov %rax, %cr0
  TRY "TS: fld, not mapped"
  fldl (%rsi)
  REPORT
  TRY "TS: movaps, not mapped"
  movaps (%rsi), %xmm0
  REPORT
  TRY "TS: movaps, not aligned"
  movaps scratch + 1, %xmm0
  REPORT
  clts
  TRY "lock on a register, before anything"
  .byte 0xf0, 0x48, 0x01, 0xf6
  REPORT
  mov $0x800000000000, %rdi         # not canonical
  TRY "not canonical and not aligned"
  movaps 1(%rdi), %xmm0
  REPORT
  # Two operands: the source of MOVS is read first.
  TRY "movsb, neither mapped"
  movsb (%rsi), %es:(%rdi)
  REPORT
  mov $scratch, %esi
  mov $0x8000000010, %rdi
  TRY "movsb, destination not mapped"
  movsb
  REPORT
  mov $0x8000000000, %rsi
  TRY "push of memory that isn't mapped"
  push (%rsi)
  REPORT
  # The divisor is read before it divides.
  TRY "div by memory that isn't mapped"
  divl (%rsi)
  REPORT
  xor %ecx, %ecx
  movl $0, scratch
  TRY "div by memory that is 0"
  divl scratch
  REPORT
  TRY "call through memory that isn't mapped"
  call *(%rsi)
  REPORT
  # Privilege before the operand: MSRs and descriptor tables in ring 3 with an address that isn't mapped.
  USER_OP "ring 3: lgdt of nothing", 0x0f, 0x01, 0x16
  USER_OP "ring 3: mov cr0", 0x0f, 0x22, 0xc0
  USER_OP "ring 3: swapgs", 0x0f, 0x01, 0xf8
  USER_OP "ring 3: sysret", 0x48, 0x0f, 0x07
  USER_OP "ring 3: hlt", 0xf4
  USER_OP "ring 3: rdtsc", 0x0f, 0x31
  ret

TRACE_HOOK trace_hook64, F64_RIP(%rdi), F64_RFLAGS(%rdi)

null_hook64:
  ret

steps64:
  PRINT "# 64-bit code, single steps\n"
  movl $null_hook64, hooks + 0x81 * 4
  STEP "nop nop"
  nop
  nop
  STEPPED
  STEP "int 81H, whose handler returns"
  int $0x81
  nop
  nop
  STEPPED
  mov $DATA, %edx
  STEP "mov ss"
  mov %edx, %ss
  nop
  nop
  STEPPED
  # SYSCALL and SYSRET. FREE: code of ring 0, data of ring 0.
  FREE_DESCRIPTOR 0x9b, 0xa
  movl $0x0000ffff, gdt_free + 8
  movl $0x00cf9300, gdt_free + 12
  mov $EFER, %ecx
  rdmsr
  or $EFER_SCE, %eax
  wrmsr
  mov $0xc0000081, %ecx
  xor %eax, %eax
  mov $0x00200000 + FREE, %edx
  wrmsr
  mov $0xc0000082, %ecx
  mov $syscall_entry, %eax
  xor %edx, %edx
  wrmsr
  mov $0xc0000084, %ecx
  mov $EFL_TF, %eax
  wrmsr
  .pushsection .user
syscall_user:
  nop
  syscall
  nop
  nop
  int $0x80
  .popsection
  movl $trace_hook64, hooks + 4
  movl $0, trace_count
  movl $syscall_user, trace_base
  movl $syscall_user + 5, trace_end
  TRY_USER "syscall and sysret, TF masked", syscall_user, EFL_TF+2
  CAUGHT
  call print_trace
  NEWLINE
  mov $0xc0000084, %ecx
  xor %eax, %eax
  xor %edx, %edx
  wrmsr
  movl $0, trace_count
  TRY_USER "syscall and sysret, TF not masked", syscall_user, EFL_TF+2
  CAUGHT
  # The one in ring 0 is `syscall_entry`.
  cmpl $syscall_entry, trace_buffer + 4
  jne 1f
  movl $syscall_user + 0x100, trace_buffer + 4
1:
  call print_trace
  NEWLINE
  movl $0, hooks + 4
  ret
syscall_entry:
  sysretq
