# Far transfers between rings and between modes. SDM vol. 2, CALL, JMP, RET, IRET, SYSENTER, SYSEXIT, SYSCALL, SYSRET; vol. 3, 5.8 and 9.8, 9.9.
.include "runtime.inc"
.include "long.inc"

.macro SEGMENT n, base, limit, attributes, flags
  movl $((\limit) & 0xffff) + (((\base) & 0xffff) << 16), gdt_free + \n * 8
  movl $(((\base) >> 16) & 0xff) + ((\attributes) << 8) + ((\limit) & 0xf0000) + ((\flags) << 20) + ((\base) & 0xff000000), gdt_free + \n * 8 + 4
.endm
# A call gate in the second free place. Its target is below 64 KiB or in the image: EAX holds it.
.macro CALL_GATE attributes, selector, words=0
  mov %ax, gdt_free + 8
  movw $\selector, gdt_free + 10
  movb $\words, gdt_free + 12
  movb $\attributes, gdt_free + 13
  shr $16, %eax
  mov %ax, gdt_free + 14
.endm
.set CONFORMING, FREE
.set GATE, FREE + 8
.set SMALL, FREE + 32           # 16-bit code whose base is `small_base`
.set LOW, 0x9000

.macro SHOW name, value
  PRINT " \name "
  mov \value, %eax
  HEX 4
.endm

.text
USE32
main:
  # What 16-bit gates and calls lead to lies below 64 KiB.
  mov $low_code, %esi
  mov $LOW, %edi
  mov $low_code_end - low_code, %ecx
  rep movsb
  SEGMENT 0, 0, 0xfffff, 0x9f, 0xc
  call conforming
  call gates
  call outward
  call code16
  call sysenter32
  call enter_long
USE64
  call compatibility
  call gates64
  call returns64
  call fast_calls
  call refused
  call modes
  EXIT
USE32

# --- conforming code ---------------------------------------------------------------------------------------------------------------------
.section .user
  .p2align 4
user_conforming:
  lcall $CONFORMING, $where
  int $0x80
user_conforming_rpl:
  lcall $CONFORMING + 3, $where
  int $0x80
user_jmp_conforming:
  ljmp $CONFORMING, $user_there
user_there:
  mov %cs, %eax
  int $0x80
user_inner:
  lcall $CODE32, $where
  int $0x80
user_outer_rpl:
  push $CODE32
  push $where
  lretl
where:
  mov %cs, %eax
  lretl
.section .rodata
# The return address is 16 bits of each: no way back with it from up there.
low_code:
  mov (%esp), %ecx
  mov %esp, %edx
  jmp *%ebx
low_code_end:
.text
conforming:
  PRINT "# conforming code, ring 3\n"
  TRY_USER "call", user_conforming
  REPORT_AND
  SHOW cs, %eax
  NEWLINE
  TRY_USER "call, RPL 3", user_conforming_rpl
  REPORT_AND
  SHOW cs, %eax
  NEWLINE
  TRY_USER "jmp", user_jmp_conforming
  REPORT_AND
  SHOW cs, %eax
  NEWLINE
  TRY_USER "call of code that isn't", user_inner
  REPORT
  TRY_USER "ret to an inner ring", user_outer_rpl
  REPORT
  TRY "ring 0: call"
  lcall $CONFORMING, $where
  REPORT_AND
  SHOW cs, %eax
  NEWLINE
  # Conforming code of ring 3 isn't for ring 0.
  SEGMENT 0, 0, 0xfffff, 0xff, 0xc
  TRY "ring 0: call, DPL 3"
  lcall $CONFORMING, $where
  REPORT
  SEGMENT 0, 0, 0xfffff, 0x9f, 0xc
  ret

# --- call gates --------------------------------------------------------------------------------------------------------------------------
.section .user
user_gate:
  push $0x11111111
  push $0x22222222
  lcall $GATE + 3, $0xdeadbeef
  mov %esp, %ecx
  mov %cs, %edx
  int $0x80
user_gate_jmp:
  ljmp $GATE + 3, $0
user_gate_plain:
  lcall $GATE + 3, $0
  int $0x80
user_gate_memory:
  lcall *gate_pointer
  int $0x80
gate_pointer:
  .long 0x12345678
  .word GATE + 3
.text
# Prints what it finds on its stack and returns.
gate_entry:
  mov %esp, %ebx
  mov %esp, %eax
  sub $stack0_top, %eax
  PRINT "esp "
  call putsigned
  SHOW cs, %cs
  SHOW ss, %ss
  PRINT ":"
  mov $6, %edx
1:
  PRINT " "
  mov (%ebx), %eax
  # The return address, as an offset.
  cmp $6, %edx
  jne 2f
  sub rec + REC_TRY, %eax
2:
  cmp $2, %edx
  jne 2f
  sub $user_stack_top, %eax
2:
  HEX
  add $4, %ebx
  sub $1, %edx
  jne 1b
  PRINT "; "
  lretl $8
gate_same:
  mov %cs, %edx
  lretl

.macro GATE_TRY name, attributes, selector, target=gate_same, words=0
  mov $\target, %eax
  CALL_GATE \attributes, \selector, \words
  TRY "\name"
  lcall $GATE, $0
  REPORT
.endm
.macro USER_GATE_TRY name, attributes, selector, code=user_gate_plain, target=gate_same, words=0
  mov $\target, %eax
  CALL_GATE \attributes, \selector, \words
  TRY_USER "\name", \code
  REPORT
.endm
gates:
  PRINT "# call gates\n"
  mov $gate_entry, %eax
  CALL_GATE 0xec, CODE32, 2
  TRY_USER "ring 3 to 0, two parameters", user_gate
  REPORT_AND
  mov %ecx, %eax
  sub $user_stack_top, %eax
  PRINT " esp "
  call putsigned
  SHOW cs, %edx
  NEWLINE
  USER_GATE_TRY "ring 3 to 0, none", 0xec, CODE32
  USER_GATE_TRY "by way of memory", 0xec, CODE32, user_gate_memory
  USER_GATE_TRY "to conforming code", 0xec, CONFORMING
  USER_GATE_TRY "jmp, to conforming code", 0xec, CONFORMING, user_gate_jmp, user_there
  USER_GATE_TRY "jmp, to an inner ring", 0xec, CODE32, user_gate_jmp
  USER_GATE_TRY "to ring 3", 0xec, UCODE32
  USER_GATE_TRY "gate of DPL 0", 0x8c, CODE32
  USER_GATE_TRY "gate of DPL 0, not present", 0x0c, CODE32
  USER_GATE_TRY "gate not present", 0x6c, CODE32
  USER_GATE_TRY "target null", 0xec, 0
  USER_GATE_TRY "target data", 0xec, DATA
  USER_GATE_TRY "target beyond the GDT", 0xec, 0xfff8
  USER_GATE_TRY "an interrupt gate", 0xee, CODE32
  SEGMENT 2, 0, 0xfffff, 0x1b, 0xc
  USER_GATE_TRY "target not present", 0xec, FREE+16
  GATE_TRY "ring 0", 0x8c, CODE32
  GATE_TRY "ring 0, parameters aren't copied", 0x8c, CODE32, gate_same, 5
  GATE_TRY "ring 0, target of DPL 3", 0x8c, UCODE32
  mov $LOW, %eax
  CALL_GATE 0x84, CODE32
  mov $1f, %ebx
  TRY "ring 0, 16-bit gate"
2:lcall $GATE, $0
1:REPORT_AND
  call show_low
  mov $gate_same, %eax
  CALL_GATE 0x8c, CODE32
  TRY "ring 0, RPL 3, DPL 0"
  lcall $GATE + 3, $0
  REPORT
  TRY "ring 0, jmp"
  push $CODE32
  push $1f
  ljmp $GATE, $0
1:REPORT
  # The target must lie within its segment. TCG goes beyond.
  call is_tcg
  jne 1f
  ret
1:
  SEGMENT 2, 0, 0xff, 0x9b, 4
  mov $0x100, %eax
  CALL_GATE 0x8c, FREE+16
  TRY "~ring 0, beyond the limit"
  lcall $GATE, $0
  REPORT_AND
  PRINT " stack "
  mov rec + REC_SP, %eax
  sub rec + REC_RSP, %eax
  HEX 4
  NEWLINE
  ret

# --- to an outer ring ---------------------------------------------------------------------------------------------------------------------
.section .user
user_segments:
  mov %ds, %eax
  mov %es, %ebx
  mov %fs, %ecx
  mov %gs, %edx
  mov %esp, %ebp
  int $0x80
.text
.macro SHOW_SEGMENTS
  push %edx
  push %ecx
  push %ebx
  SHOW ds, %eax
  pop %ebx
  SHOW es, %ebx
  pop %ecx
  SHOW fs, %ecx
  pop %edx
  SHOW gs, %edx
  PRINT " esp "
  mov %ebp, %eax
  sub $user_stack_top, %eax
  call putsigned
  NEWLINE
.endm
.macro INNER_SEGMENTS
  mov $UDATA, %eax
  mov %eax, %es
  mov $CONFORMING, %eax
  mov %eax, %fs
  mov $CODE32, %eax
  mov %eax, %gs
.endm
outward:
  PRINT "# to an outer ring\n"
  TRY "ret", user_segments
  INNER_SEGMENTS
  push $UDATA
  push $user_stack_top
  push $UCODE32
  push $user_segments
  lretl
  REPORT_AND
  SHOW_SEGMENTS
  TRY "ret 8", user_segments
  INNER_SEGMENTS
  push $UDATA
  push $user_stack_top - 16
  push $0
  push $0
  push $UCODE32
  push $user_segments
  lretl $8
  REPORT_AND
  SHOW_SEGMENTS
  TRY "iret", user_segments
  INNER_SEGMENTS
  push $UDATA
  push $user_stack_top
  push $2
  push $UCODE32
  push $user_segments
  iretl
  REPORT_AND
  SHOW_SEGMENTS
  xor %eax, %eax
  mov %eax, %fs
  mov %eax, %gs
  .macro RETF_TRY name, cs, ss
  push $\ss
  push $user_stack_top
  push $\cs
  push $user_segments
  TRY "\name"
  lretl
  REPORT
  add $16, %esp
  .endm
  RETF_TRY "ret, SS null", UCODE32, 0
  RETF_TRY "ret, SS of DPL 0", UCODE32, DATA
  RETF_TRY "ret, SS with another RPL", UCODE32, UDATA-3
  RETF_TRY "ret, SS code", UCODE32, UCODE32
  RETF_TRY "ret, code of DPL 0", CODE32+3, UDATA
  RETF_TRY "ret, conforming code", CONFORMING+3, UDATA
  RETF_TRY "ret, RPL 1, code of DPL 3", UCODE32-2, UDATA
  SEGMENT 2, 0, 0xfffff, 0x73, 0xc
  # ~ TCG: #NP.
  RETF_TRY "~ret, SS not present", UCODE32, FREE+19
  SEGMENT 2, 0, 0xfffff, 0x7b, 0xc
  RETF_TRY "ret, code not present", FREE+19, UDATA
  # 16-bit operands.
  mov $1f, %ebx
  TRY "16-bit call"
  .byte 0x66
  lcall *low_pointer
1:REPORT_AND
  call show_low
  mov $0x12340000 + CODE32, %eax
  TRY "the upper half of a selector on the stack"
  push %eax
  push $1f
  lretl
1:REPORT
  ret
# ECX: what was pushed; EDX: where. The way back there.
show_low:
  pop %ebx
  mov %ecx, %eax
  shr $16, %eax
  PRINT " cs "
  HEX 4
  mov rec + REC_SP, %esp
  mov %esp, %eax
  sub %edx, %eax
  PRINT " stack "
  HEX 4
  mov rec + REC_TRY, %eax
  sub %eax, %ecx
  PRINT " ip "
  movzwl %cx, %eax
  HEX 4
  NEWLINE
  jmp *%ebx
.data
low_pointer: .word LOW, CODE32
.text

# --- 16-bit protected mode -----------------------------------------------------------------------------------------------------------------
code16:
  PRINT "# 16-bit code\n"
  SEGMENT 4, 0, 0xffff, 0x9b, 0
  mov $small_base, %eax
  mov %ax, gdt_free + 4 * 8 + 2
  shr $16, %eax
  mov %al, gdt_free + 4 * 8 + 4
  mov $0x1234ffff, %eax
  mov $0x55550000, %ecx
  TRY "jmp there and back"
  ljmp $SMALL, $small_count - small_base
small_back:
  REPORT_AND
  PRINT " eax "
  HEX
  PRINT " ecx "
  mov %ecx, %eax
  HEX
  NEWLINE
  TRY "ud2 in it", 0
  ljmp $SMALL, $small_ud - small_base
  REPORT_AND
  SHOW cs, rec+REC_CS
  NEWLINE
  TRY "call there"
  lcall $SMALL, $small_return - small_base
  REPORT
  # Offsets wrap at 64 KiB.
  TRY "jmp across the end", 0
  ljmp $SMALL, $small_wrap - small_base
  REPORT
  ret
  .p2align 4
small_base:
  .code16
  nop
small_count:
  incw %ax
  decw %cx
  ljmpl $CODE32, $small_back
small_ud:
  ud2
small_return:
  lretl
small_wrap:
  # To small_base - 1, which is at FFFFH.
  movw $0xfffe, %ax
  pushw $small_wrapped - small_base
  addw $2, %ax
  addw $small_wrapped - small_base, %ax
  jmp *%ax
small_wrapped:
  int $0x80
  .code32

# --- SYSENTER, SYSEXIT ----------------------------------------------------------------------------------------------------------------------
.macro SET_MSR index, low, high=0
  mov $\index, %ecx
  mov $\low, %eax
  mov $\high, %edx
  wrmsr
.endm
# SYSENTER takes CS as it is and SS 8 above; SYSEXIT 16 and 24 above. Ours lie in that order from FREE + 5 * 8 on.
.set FAST, FREE + 5 * 8
.section .user
user_sysenter:
  mov %esp, %ebp
  sysenter
user_sysexited:
  mov %cs, %eax
  mov %ss, %ebx
  mov %esp, %ecx
  pushf
  pop %edx
  int $0x80
.text
sysenter32:
  PRINT "# sysenter and sysexit\n"
  SEGMENT 5, 0, 0xfffff, 0x9b, 0xc
  SEGMENT 6, 0, 0xfffff, 0x93, 0xc
  SEGMENT 7, 0, 0xfffff, 0xfb, 0xc
  SEGMENT 8, 0, 0xfffff, 0xf3, 0xc
  SEGMENT 9, 0, 0xfffff, 0xfb, 0xa
  SEGMENT 10, 0, 0xfffff, 0xf3, 0xc
  SET_MSR 0x174, FAST
  SET_MSR 0x175, stack0_top
  SET_MSR 0x176, sysentered
  TRY_USER "from ring 3", user_sysenter, 0x202
  REPORT_AND
  call show_fast
  TRY "sysexit without CS"
  SET_MSR 0x174, 0
  sysexit
  REPORT
  SET_MSR 0x174, FAST + 3
  TRY_USER "CS with RPL 3", user_sysenter
  REPORT_AND
  call show_fast
  SET_MSR 0x174, FAST
  ret
sysentered:
  pushf
  pop %eax
  and $0x300, %eax
  PRINT "if "
  HEX 3
  SHOW cs, %cs
  SHOW ss, %ss
  mov %esp, %eax
  sub $stack0_top, %eax
  PRINT " esp "
  call putsigned
  PRINT "; "
  mov $user_sysexited, %edx
  mov $user_stack_top - 8, %ecx
  sysexit

# EAX CS, EBX SS, ECX ESP, EDX EFLAGS.
show_fast:
  PRINT " cs "
  HEX 4
  PRINT " ss "
  mov %ebx, %eax
  HEX 4
  PRINT " esp "
  mov %ecx, %eax
  sub $user_stack_top, %eax
  call putsigned
  PRINT " flags "
  mov %edx, %eax
  HEX 4
  NEWLINE
  ret

# --- compatibility mode ----------------------------------------------------------------------------------------------------------------------
.section .user
.code32
user32:
  # INC is a REX prefix in 64-bit code.
  mov $0x41, %eax
  .byte 0x40
  mov $user_stack_top - 0x100, %esi
  movl $0x600d, (%esi)
  mov 0x100(%esi,%ecx), %ebx
  int $0x80
user32_to_64:
  ljmp $UCODE64, $user64
user32_ud:
  nop
  ud2
user32_wrap:
  # Addresses are 32 bits wide: 80000000H * 2 + ...
  mov $user_stack_top - 0x100, %esi
  mov $0x80000000, %ecx
  mov (%esi,%ecx,2), %eax
  int $0x80
user32_syscall:
  syscall
user32_gate:
  lcall $FREE + 11 * 8 + 3, $0
  mov %cs, %edx
  int $0x80
.code64
user64:
  .byte 0x40
  nop
  mov %rsp, %rax
  mov %cs, %ebx
  mov $1f, %edi
  int $0x80
1:
.text
USE64
# In ring 3 with the given CS.
.macro TRY_USER_AT name, label, cs, flags=2
  TRY "\name", \label
  push %rax
  mov $UDATA, %eax
  mov %eax, %ds
  pop %rax
  push $UDATA
  push $user_stack_top - 8
  push $\flags
  push $\cs
  push $\label
  iretq
.endm
compatibility:
  PRINT "# compatibility mode\n"
  mov $0x1111222233334444, %r8
  mov $0xffffffffffffff00, %rcx
  TRY_USER_AT "ring 3", user32, UCODE32
  REPORT_AND
  SHOW eax, %eax
  SHOW cs, rec+REC_CS
  PRINT " r8 "
  mov %r8, %rax
  shr $32, %rax
  HEX
  NEWLINE
  TRY_USER_AT "ring 3, addresses", user32_wrap, UCODE32
  REPORT_AND
  SHOW eax, %eax
  NEWLINE
  TRY_USER_AT "ud2", user32_ud, UCODE32
  REPORT_AND
  SHOW cs, rec+REC_CS
  NEWLINE
  TRY_USER_AT "jmp far to 64-bit code", user32_to_64, UCODE32
  REPORT_AND
  SHOW cs, %ebx
  NEWLINE
  # Ring 0: by RETF, back by JMP.
  TRY "ring 0"
  push $CODE32
  push $compatible
  lretq
USE32
compatible:
  mov $0x41, %eax
  inc %eax
  mov %cs, %ecx
  # PUSH is 4 bytes.
  mov %esp, %edx
  push %eax
  sub %esp, %edx
  pop %ebx
  ljmp $CODE64, $1f
USE64
1:REPORT_AND
  SHOW eax, %eax
  SHOW cs, %ecx
  SHOW push, %edx
  NEWLINE
  # An exception there finds its 64-bit handler, and IRETQ the way back.
  movl $skip2_hook, hooks + 6 * 4
  TRY "ud2 in ring 0, skipped"
  push $CODE32
  push $1f
  lretq
USE32
1:ud2
  mov %cs, %ecx
  ljmp $CODE64, $1f
USE64
1:REPORT_AND
  SHOW cs, %ecx
  NEWLINE
  movl $0, hooks + 6 * 4
  # 16-bit code.
  TRY "16-bit code"
  mov $0x1234ffff, %eax
  push $SMALL
  push $small_long - small_base
  lretq
small_long:
  .code16
  incw %ax
  ljmpl $CODE64, $1f
USE64
1:REPORT_AND
  PRINT " eax "
  HEX
  NEWLINE
  ret
skip2_hook:
  addq $2, F64_RIP(%rdi)
  ret

# --- 64-bit call gates -------------------------------------------------------------------------------------------------------------------------
.set GATE64, FREE + 11 * 8
.macro CALL_GATE64 attributes, selector, high=0, type=0
  mov %ax, gdt_free + 11 * 8
  movw $\selector, gdt_free + 11 * 8 + 2
  movb $5, gdt_free + 11 * 8 + 4
  movb $\attributes, gdt_free + 11 * 8 + 5
  shr $16, %eax
  mov %ax, gdt_free + 11 * 8 + 6
  movl $\high, gdt_free + 11 * 8 + 8
  movl $\type, gdt_free + 11 * 8 + 12
.endm
.section .user
.code64
user64_gate:
  lcall *gate64_pointer
  mov %rsp, %rcx
  mov %cs, %edx
  int $0x80
user64_gate_jmp:
  ljmp *gate64_pointer
gate64_pointer:
  .long 0x12345678
  .word GATE64 + 3
.text
gate64_entry:
  mov %rsp, %rax
  sub $stack0_top, %rax
  PRINT "rsp "
  call putsigned
  SHOW cs, %cs
  SHOW ss, %ss
  PRINT ": "
  mov (%rsp), %rax
  sub rec + REC_TRY, %eax
  HEX
  SHOW ..., 8(%rsp)
  PRINT " "
  mov 16(%rsp), %rax
  sub $user_stack_top, %eax
  call putsigned
  SHOW ..., 24(%rsp)
  PRINT "; "
  lretq
gate64_same:
  lretq
.macro GATE64_TRY name, attributes, selector, high=0, type=0
  mov $gate64_same, %eax
  CALL_GATE64 \attributes, \selector, \high, \type
  TRY "\name"
  lcall *gate64_pointer
  REPORT
.endm
gates64:
  PRINT "# 64-bit call gates\n"
  mov $gate64_entry, %eax
  CALL_GATE64 0xec, CODE64
  TRY_USER_AT "ring 3 to 0", user64_gate, UCODE64
  REPORT_AND
  mov %rcx, %rax
  sub $user_stack_top, %rax
  PRINT " rsp "
  call putsigned
  SHOW cs, %edx
  NEWLINE
  TRY_USER_AT "from compatibility mode", user32_gate, UCODE32
  REPORT_AND
  SHOW cs, %edx
  NEWLINE
  TRY_USER_AT "jmp", user64_gate_jmp, UCODE64
  REPORT
  mov $gate64_entry, %eax
  CALL_GATE64 0x8c, CODE64
  TRY_USER_AT "gate of DPL 0", user64_gate, UCODE64
  REPORT
  GATE64_TRY "ring 0", 0xec, CODE64
  GATE64_TRY "to 32-bit code", 0xec, CODE32
  GATE64_TRY "a type in the upper half", 0xec, CODE64, 0, 0x1f00
  # ~ TCG faults at the target.
  call is_tcg
  je 1f
  GATE64_TRY "~target not canonical", 0xec, CODE64, 0x8000
1:
  GATE64_TRY "16-bit gate", 0xe4, CODE64
  GATE64_TRY "not present", 0x6c, CODE64
  ret

# --- far returns, IRET, indirect jumps --------------------------------------------------------------------------------------------------------------
.data
  .p2align 3
pointer32: .long there, CODE64
pointer64: .quad there
  .word CODE64
pointer_compatible: .long back_to_64, CODE32
.text
returns64:
  PRINT "# far transfers in 64-bit mode\n"
  TRY "jmp m16:32"
  push $1f
  ljmp *pointer32
1:REPORT
  TRY "jmp m16:64"
  push $1f
  rex.w ljmp *pointer64
1:REPORT
  TRY "call m16:64, ret"
  movq $far_there, pointer64
  rex.w lcall *pointer64
  REPORT
  movq $there, pointer64
  TRY "jmp to 32-bit code"
  ljmp *pointer_compatible
USE32
back_to_64:
  mov %cs, %ecx
  ljmp $CODE64, $1f
USE64
1:REPORT_AND
  SHOW cs, %ecx
  NEWLINE
  TRY "ret, 32-bit operands", 1f
  sub $8, %rsp
  movl $2f, (%rsp)
  movl $CODE64, 4(%rsp)
1:lretl
2:REPORT
  TRY "iret, 32-bit operands", 1f
  mov %rsp, %rbp
  sub $20, %rsp
  movl $2f, (%rsp)
  movl $CODE64, 4(%rsp)
  movl $2, 8(%rsp)
  mov %ebp, 12(%rsp)
  movl $DATA, 16(%rsp)
1:iretl
2:REPORT_AND
  mov %rsp, %rax
  sub %rbp, %rax
  PRINT " rsp "
  call putsigned
  NEWLINE
  # IRETQ always takes SS and RSP from the frame.
  TRY "iretq"
  mov %rsp, %rbp
  push $DATA
  lea -0x100(%rbp), %rax
  push %rax
  push $2
  push $CODE64
  push $1f
  iretq
1:
  mov %rsp, %rax
  mov %rbp, %rsp
  REPORT_AND
  sub %rbp, %rax
  PRINT " rsp "
  call putsigned
  NEWLINE
  # Ring 3 may use DS and its like whatever their DPL is, but they are taken from it all the same.
  TRY "ret to ring 3", user64
  push $UDATA
  push $user_stack_top - 16
  push $UCODE64
  push $user64
  lretq
  REPORT_AND
  sub $user_stack_top, %rax
  PRINT " rsp "
  call putsigned
  NEWLINE
  mov $0x800000000000, %rax
  push $CODE64
  push %rax
  # ~ TCG faults at the target.
  TRY "~ret, not canonical"
  lretq
  REPORT
  add $16, %rsp
  push $DATA
  push %rsp
  push $2
  push $CODE64
  push %rax
  TRY "~iretq, not canonical"
  iretq
  REPORT
  add $40, %rsp
  ret
there:
  ret
far_there:
  rex.w lret

# --- SYSCALL, SYSRET, SYSENTER, SYSEXIT ------------------------------------------------------------------------------------------------------------
.section .user
.code64
user64_syscall:
  mov $0x5a, %r9d
  syscall
user64_after:
  mov %cs, %eax
  mov %ss, %ebx
  mov %rcx, %rbp
  pushfq
  pop %rdx
  int $0x80
.code32
user32_after:
  mov %cs, %eax
  mov %ss, %ebx
  mov %ecx, %ebp
  pushf
  pop %edx
  int $0x80
.text
USE64
fast_calls:
  PRINT "# syscall and sysret, sysenter and sysexit\n"
  mov $EFER, %ecx
  rdmsr
  or $EFER_SCE, %eax
  wrmsr
  # SYSCALL: CS from bits 32 to 47, SS 8 above. SYSRET: SS 8 and CS 16 above bits 48 to 63 (CS itself for 32-bit code).
  SET_MSR 0xc0000081, 0, 0x00200000+FREE+12*8
  movl $0x0000ffff, gdt_free + 12 * 8
  movl $0x00af9b00, gdt_free + 12 * 8 + 4
  movl $0x0000ffff, gdt_free + 13 * 8
  movl $0x00cf9300, gdt_free + 13 * 8 + 4
  SET_MSR 0xc0000082, syscalled
  SET_MSR 0xc0000084, 0x600
  TRY_USER_AT "syscall, sysret", user64_syscall, UCODE64, 0xa03
  REPORT_AND
  call show_syscall
  movl $syscalled_32, scratch
  SET_MSR 0xc0000082, syscalled_32
  TRY_USER_AT "syscall, sysret to 32-bit code", user64_syscall, UCODE64, 0x603
  REPORT_AND
  call show_syscall
  # ~ Intel's processors know SYSCALL in 64-bit mode alone; in TCG it comes here.
  SET_MSR 0xc0000082, syscalled_32
  TRY_USER_AT "~syscall in compatibility mode", user32_syscall, UCODE32
  REPORT
  SET_MSR 0xc0000082, syscalled_far
  # ~ SYSRET to an address that isn't canonical is #GP in ring 0 on Intel's processors.
  call is_tcg
  je 1f
  TRY_USER_AT "~sysret, not canonical", user64_syscall, UCODE64
  CAUGHT
  movl $sysret_far, rec + REC_TRY
  call report
  SHOW cs, rec+REC_CS
  NEWLINE
1:
  SET_MSR 0x174, FAST
  SET_MSR 0x175, stack0_top
  SET_MSR 0x176, sysentered_64
  TRY_USER_AT "sysenter, sysexit to 64-bit code", user64_sysenter, UCODE64, 0x203
  REPORT_AND
  call show_syscall
  SET_MSR 0x176, sysentered_32
  TRY_USER_AT "sysenter from compatibility mode, sysexit", user32_sysenter, UCODE32, 0x203
  REPORT_AND
  call show_syscall
  ret
.section .user
user64_sysenter:
  sysenter
.code32
user32_sysenter:
  sysenter
.text
USE64
show_syscall:
  SHOW cs, %eax
  SHOW ss, %ebx
  mov %ebp, %eax
  sub $user_stack_top, %eax
  PRINT " flags "
  mov %edx, %eax
  HEX 4
  NEWLINE
  ret
.macro SYSCALL_ENTRY
  # The stack is still that of ring 3.
  mov %rsp, %r15
  mov $stack0_top, %esp
  mov %rcx, %r14
  # The arithmetic flags get lost in TCG.
  pushfq
  pop %rax
  and $0x4700, %eax
  PRINT "flags "
  HEX 4
  SHOW r11, %r11d
  SHOW cs, %cs
  SHOW ss, %ss
  PRINT "; "
  mov %r15, %rsp
  mov %r14, %rcx
.endm
syscalled:
  SYSCALL_ENTRY
  sysretq
syscalled_32:
  SYSCALL_ENTRY
  mov $user32_after, %ecx
  sysretl
syscalled_far:
  mov $0x800000000000, %rcx
  mov $stack0_top, %esp
sysret_far:
  sysretq
.macro SYSENTER_ENTRY
  pushfq
  pop %rax
  and $0x4700, %eax
  PRINT "flags "
  HEX 4
  SHOW cs, %cs
  SHOW ss, %ss
  PRINT "; "
  mov $user_stack_top - 16, %ecx
.endm
sysentered_64:
  SYSENTER_ENTRY
  mov $user64_after, %edx
  rex.w sysexit
sysentered_32:
  SYSENTER_ENTRY
  mov $user32_after, %edx
  sysexitl

# --- what is refused ----------------------------------------------------------------------------------------------------------------------------------
refused:
  # TCG allows it, with the consequences.
  call is_tcg
  jne 1f
  ret
1:
  PRINT "~refused in long mode\n"
  mov %cr0, %rax
  btr $31, %rax
  TRY "~PG off in 64-bit mode"
  mov %rax, %cr0
  REPORT
  mov %cr4, %rax
  btr $5, %rax
  TRY "~PAE off"
  mov %rax, %cr4
  REPORT
  mov $EFER, %ecx
  rdmsr
  and $~EFER_LME, %eax
  TRY "~LME off while paging is on"
  wrmsr
  REPORT
  mov $EFER, %ecx
  rdmsr
  or $EFER_LME, %eax
  wrmsr
  mov %cr8, %rax
  mov $0x10, %eax
  TRY "~cr8: 10H"
  mov %rax, %cr8
  REPORT
  xor %eax, %eax
  mov %rax, %cr8
  mov $0x180010031, %rax
  TRY "~cr0: bit 32"
  mov %rax, %cr0
  REPORT
  ret

# --- through all modes -----------------------------------------------------------------------------------------------------------------------------------
# 64-bit, compatibility, protected without paging, 16-bit protected, real, and back.
.set REAL, 0x8000
modes:
  PRINT "# through the modes\n"
  mov $real_code, %esi
  mov $REAL, %edi
  mov $real_code_end - real_code, %ecx
  rep movsb
  # 16-bit code at REAL.
  movl $(REAL << 16) + 0xffff, gdt_free
  movl $0x00009b00, gdt_free + 4
  PRINT "64-bit mode, efer "
  call show_efer
  mov %rsp, %rbp
  push $CODE32
  push $1f
  lretq
USE32
1:
  PRINT "compatibility mode\n"
  mov %cr0, %eax
  and $~CR0_PG, %eax
  mov %eax, %cr0
  PRINT "paging off, efer "
  call show_efer
  lidt idt32_pointer
  mov %cr4, %eax
  and $~CR4_PAE, %eax
  mov %eax, %cr4
  # Paging on again: not without PAE, as LME is still set.
  mov %cr0, %eax
  or $CR0_PG, %eax
  # ~ TCG doesn't check.
  call is_tcg_keeping
  je 1f
  TRY "~paging on without PAE"
  mov %eax, %cr0
  REPORT
1:
  mov $EFER, %ecx
  rdmsr
  and $~EFER_LME, %eax
  wrmsr
  PRINT "LME off, efer "
  call show_efer
  TRY "protected mode, ud2"
  ud2
  REPORT
  mov %esp, saved_esp
  # FS keeps a limit of 4 GiB into real mode; ES gets one of 64 KiB.
  mov $DATA, %eax
  mov %eax, %fs
  mov $DATA16, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov %eax, %gs
  ljmp $FREE, $0
real_back:
  mov $DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov saved_esp, %esp
  PRINT "protected mode, bx "
  movzwl %bx, %eax
  HEX 4
  PRINT " unreal "
  mov %edx, %eax
  HEX
  PRINT " int 60H "
  movzwl %cx, %eax
  HEX 4
  PRINT " stack "
  mov %edi, %eax
  HEX
  NEWLINE
  # ~ TCG checks no limits.
  PRINT "~real mode, beyond 64 KiB: vector "
  movzwl %si, %eax
  HEX 4
  NEWLINE
  # And into long mode again.
  andb $~2, gdt + TSS + 5
  lidt idt32_pointer
  mov $TSS, %eax
  ltr %ax
  call enter_long
USE64
  TRY "64-bit mode, ud2"
  ud2
  REPORT_AND
  PRINT " efer "
  call show_efer
  mov %rbp, %rsp
  ret
USE32
is_tcg_keeping:
  push %eax
  call is_tcg
  pop %eax
  ret

# Bimodal.
show_efer:
  push %ecx
  push %edx
  mov $EFER, %ecx
  rdmsr
  HEX 4
  NEWLINE
  pop %edx
  pop %ecx
  ret
.bss
  .p2align 2
saved_esp: .skip 4
.section .rodata
  .p2align 4
real_code:
  .code16
  # 16-bit protected mode; the stack is DATA16.
  movw $0x7000, %sp
  movl %cr0, %eax
  andl $~1, %eax
  movl %eax, %cr0
  # PE is off, but CS is still the protected one.
  movw $'P', %ax
  movb $'R', %al
  outb %al, $0xe9
  ljmpw $0, $REAL + (1f - real_code)
1:
  movb $'\n', %al
  outb %al, $0xe9
  movw %cs, %bx
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw $0x7000, %sp
  # A word beyond 64 KiB by way of FS.
  movl $0x400000, %eax
  movl $0x13579bdf, %fs:(%eax)
  movw $0x40, %cx
  movw %cx, %fs
  # The base is new, the limit isn't.
  movl %fs:-0x400(%eax), %edx
  # The IVT.
  lidtl %cs:REAL + (real_idt - real_code)
  movw $REAL + (real_int - real_code), 0x60 * 4
  movw $0, 0x60 * 4 + 2
  movw $0, %cx
  int $0x60
  # ES has a limit of 64 KiB.
  movw $REAL + (real_gp - real_code), 13 * 4
  movw $0, 13 * 4 + 2
  movw $0, %si
  movb %es:(%eax), %bl              # 4 bytes
  movb $0, %bl
  pushl $0
  popl %edi
  movw %sp, %di
  movl %cr0, %eax
  orl $1, %eax
  movl %eax, %cr0
  ljmpl $CODE32, $real_back
real_int:
  movw $0x6060, %cx
  iretw
real_gp:
  movw $13, %si
  pushw %bp
  movw %sp, %bp
  addw $4, 2(%bp)
  popw %bp
  iretw
  .p2align 2
real_idt:
  .word 0x3ff
  .long 0
real_code_end:
  .code64
.text
