# Hardware task switching. SDM vol. 3, chapter 7.
.include "runtime.inc"

.macro SEGMENT n, base, limit, attributes, flags
  movl $((\limit) & 0xffff) + (((\base) & 0xffff) << 16), gdt_free + \n * 8
  movl $(((\base) >> 16) & 0xff) + ((\attributes) << 8) + ((\limit) & 0xf0000) + ((\flags) << 20) + ((\base) & 0xff000000), gdt_free + \n * 8 + 4
.endm
# A system descriptor for something in the image.
.macro SYSTEM n, address, limit, attributes
  movl $\limit, gdt_free + \n * 8
  movl $(\attributes) << 8, gdt_free + \n * 8 + 4
  mov $\address, %eax
  mov %ax, gdt_free + \n * 8 + 2
  shr $16, %eax
  mov %al, gdt_free + \n * 8 + 4
  mov %ah, gdt_free + \n * 8 + 7
.endm
.set B, FREE
.set GATE, FREE + 8
.set SMALL, FREE + 16
.set T, FREE + 24
.set LDT, FREE + 32
.set BAD, FREE + 40
.set V, FREE + 48

.set T_LINK, 0
.set T_CR3, 0x1c
.set T_EIP, 0x20
.set T_EFLAGS, 0x24
.set T_EAX, 0x28
.set T_ECX, 0x2c
.set T_EDX, 0x30
.set T_EBX, 0x34
.set T_ESP, 0x38
.set T_EBP, 0x3c
.set T_ESI, 0x40
.set T_EDI, 0x44
.set T_ES, 0x48
.set T_CS, 0x4c
.set T_SS, 0x50
.set T_DS, 0x54
.set T_FS, 0x58
.set T_GS, 0x5c
.set T_LDT, 0x60
.set T_TRAP, 0x64

.bss
  .p2align 12
tables: .skip 0x1000
other_tables: .skip 0x1000
tss_b: .skip 0x68
tss_t: .skip 0x68
tss_v: .skip 0x68
tss_small: .skip 0x2c
ldt: .skip 64
  .p2align 4
  .skip 0x800
stack_b:
  .skip 0x800
stack_t:
  .skip 0x800
stack_small:

.macro TASK tss, entry, stack
  movl $\entry, \tss + T_EIP
  movl $2, \tss + T_EFLAGS
  movl $\stack, \tss + T_ESP
  movl $CODE32, \tss + T_CS
  movl $DATA, \tss + T_SS
  movl $DATA, \tss + T_DS
  movl $DATA, \tss + T_ES
  movl $0, \tss + T_FS
  movl $0, \tss + T_GS
  movl $0, \tss + T_LDT
  movl $tables, \tss + T_CR3
  movl $0, \tss + T_TRAP
.endm
.macro TASK_B
  TASK tss_b, task_b, stack_b
.endm

.text
main:
  # Paging with 4 MiB pages, in two sets of tables that differ in one page.
  mov $tables, %edi
  mov $P_P + P_W + P_U + P_PS, %eax
1:mov %eax, (%edi)
  mov %eax, other_tables - tables(%edi)
  add $4, %edi
  add $0x400000, %eax
  jnc 1b
  movl $0x400000 + P_P + P_W + P_PS, tables + 0x400
  movl $0x800000 + P_P + P_W + P_PS, other_tables + 0x400
  movl $0xaaaaaaaa, 0x400000
  movl $0xbbbbbbbb, 0x800000
  mov $CR4_PSE, %eax
  mov %eax, %cr4
  mov $tables, %eax
  mov %eax, %cr3
  mov %cr0, %eax
  or $CR0_PG, %eax
  mov %eax, %cr0
  mov $tables, %eax
  mov %eax, tss + T_CR3

  SYSTEM 0, tss_b, 0x67, 0x89
  movl $(B << 16), gdt_free + 8     # a task gate
  movl $0x00008500, gdt_free + 12
  SYSTEM 2, tss_small, 0x2b, 0x81
  SYSTEM 3, tss_t, 0x67, 0x89
  SYSTEM 4, ldt, 63, 0x82
  SYSTEM 6, tss_v, 0x67, 0x89

  call jumps
  call calls
  call interrupts
  call small
  call errors_before
  call errors_after
  call v86
  EXIT

# --- what a task sees --------------------------------------------------------------------------------------------------------------------
# Prints TR, NT, CR0.TS, the link, whether the descriptors of the first task and of B are busy, and the byte of CR3's difference.
show:
  push %eax
  push %ebx
  PRINT "tr "
  str %eax
  HEX 4
  pushf
  pop %eax
  shr $14, %eax
  PRINT " nt "
  HEX 1
  mov %cr0, %eax
  shr $3, %eax
  and $1, %eax
  PRINT " ts "
  HEX 1
  PRINT " busy "
  mov gdt + TSS + 5, %al
  shr $1, %eax
  and $1, %eax
  HEX 1
  mov gdt_free + 5, %al
  shr $1, %eax
  and $1, %eax
  HEX 1
  PRINT " link "
  mov tss_b + T_LINK, %eax
  HEX 4
  PRINT " page "
  mov 0x40000000, %eax
  HEX 4
  NEWLINE
  clts
  pop %ebx
  pop %eax
  ret

task_b:
  PRINT "  B "
  call show
  PRINT "  B eax "
  HEX
  PRINT " ecx "
  mov %ecx, %eax
  HEX
  PRINT " ebp "
  mov %ebp, %eax
  HEX
  PRINT " edi "
  mov %edi, %eax
  HEX
  PRINT " fs "
  mov %fs, %eax
  HEX 4
  PRINT " ldt "
  sldt %eax
  HEX 4
  PRINT " esp "
  mov %esp, %eax
  sub $stack_b, %eax
  call putsigned
  NEWLINE
  jmp *leave_b
.data
  .p2align 2
leave_b: .long b_jumps
.text
b_jumps:
  ljmp $TSS, $0x12345678
  PRINT "  B again\n"
  jmp task_b
b_returns:
  iretl
  PRINT "  B again\n"
  jmp task_b

jumps:
  PRINT "# jmp\n"
  clts
  TASK_B
  movl $0x11111111, tss_b + T_EAX
  movl $0x22222222, tss_b + T_ECX
  movl $0x33333333, tss_b + T_EBP
  movl $0x44444444, tss_b + T_EDI
  movl $DATA, tss_b + T_FS
  movl $LDT, tss_b + T_LDT
  movl $other_tables, tss_b + T_CR3
  mov $0xcafe, %edx
  mov $0x7777, %ebp
  TRY "jmp to a TSS"
  NEWLINE
  ljmp $B, $0
  REPORT
  mov %edx, %eax
  HEX 4
  mov %ebp, %eax
  HEX 4
  NEWLINE
  call show
  # The first task's TSS has what it was left with.
  PRINT "saved: eip "
  mov tss + T_EIP, %eax
  sub $98b, %eax
  call putsigned
  PRINT " edx "
  mov tss + T_EDX, %eax
  HEX 4
  PRINT " cs "
  mov tss + T_CS, %eax
  HEX 4
  PRINT " ds "
  mov tss + T_DS, %eax
  HEX 4
  NEWLINE
  TRY "jmp again"
  NEWLINE
  ljmp $B, $0
  REPORT
  TRY "jmp through a task gate"
  NEWLINE
  ljmp $GATE, $0
  REPORT
  call show
  ret

calls:
  PRINT "# call and iret\n"
  TASK_B
  movl $b_returns, leave_b
  TRY "call of a TSS"
  NEWLINE
  lcall $B, $0
  REPORT
  call show
  PRINT "saved: nt "
  mov tss_b + T_EFLAGS, %eax
  shr $14, %eax
  HEX 1
  NEWLINE
  TRY "call through a task gate"
  NEWLINE
  lcall $GATE, $0
  REPORT
  call show
  # A link that leads nowhere.
  TASK_B
  movl $b_bad_link, leave_b
  TRY "iret to a task that isn't busy", b_bad_link_iret
  NEWLINE
  lcall $B, $0
  REPORT
  # That was reported by B itself: the first task goes on without a switch.
  mov $TSS, %eax
  andb $~2, gdt + TSS + 5
  ltr %ax
  andb $~2, gdt_free + 5
  pushf
  andl $~EFL_NT, (%esp)
  popf
  ret
b_bad_link:
  movw $T, tss_b + T_LINK
b_bad_link_iret:
  iretl

# --- through the IDT ------------------------------------------------------------------------------------------------------------------------
# T is the task of exceptions: it prints its error code, mends what `mend` says, and returns.
.data
  .p2align 2
has_code: .long 0
mend: .long 0
.text
task_t:
  cmpl $3, has_code
  jne 1f
  PRINT "~"
1:
  PRINT "  T "
  cmpl $0, has_code
  je 1f
  PRINT "error "
  pop %eax
  HEX 4
  PRINT " "
1:
  PRINT "link "
  mov tss_t + T_LINK, %eax
  HEX 4
  PRINT " esp "
  mov %esp, %eax
  sub $stack_t, %eax
  call putsigned
  # Where the interrupted task was: its TSS says so.
  # ~ A task that faults on its way in is at its own EIP. TCG has that of the task before it.
  cmpl $2, has_code
  jb 2f
  PRINT "\n~"
2:
  PRINT " eip "
  mov tss + T_EIP, %eax
  cmpw $B, tss_t + T_LINK
  jne 2f
  mov tss_b + T_EIP, %eax
2:
  sub rec + REC_TRY, %eax
  call putsigned
  PRINT " flags "
  mov tss + T_EFLAGS, %eax
  and $~EFL_RF, %eax
  HEX
  NEWLINE
  clts
  mov mend, %eax
  test %eax, %eax
  je 3f
  jmp *%eax
3:iretl
  jmp task_t

.macro TASK_GATE vector, selector, attributes=0x8500
  movl $(\selector) << 16, idt32 + \vector * 8
  movl $\attributes, idt32 + \vector * 8 + 4
.endm
.macro STUB_GATE vector, attributes=0x8e00
  mov $stubs32 + \vector * STUB, %eax
  mov %ax, idt32 + \vector * 8
  shr $16, %eax
  mov %ax, idt32 + \vector * 8 + 6
  movw $CODE32, idt32 + \vector * 8 + 2
  movw $\attributes, idt32 + \vector * 8 + 4
.endm
.section .user
user_int:
  int $0x90
  int $0x80
.text
interrupts:
  PRINT "# task gates in the IDT\n"
  TASK tss_t, task_t, stack_t
  TASK_GATE 0x90, T, 0xe500
  TRY "int 90H"
  NEWLINE
  int $0x90
  REPORT
  TRY_USER "int 90H in ring 3", user_int
  REPORT
  TASK_GATE 0x91, T, 0x8500
  TRY "a gate that isn't present"
  movw $0x0500, idt32 + 0x91 * 8 + 4
  int $0x91
  REPORT
  # With an error code. The fault's cause is mended by skipping it.
  TASK_GATE 13, T
  movl $1, has_code
  movl $skip_lgdt, mend
  mov $0xfff8, %eax
  TRY "#GP"
  NEWLINE
  mov %eax, %fs
  nop
  REPORT
  movl $0, mend
  STUB_GATE 13
  movl $0, has_code
  # A double fault, as 32-bit Linux has it: the stack is gone.
  TASK_GATE 8, T
  movl $1, has_code
  movl $mend_stack, mend
  TRY "#DF, the stack isn't there", 1f
  mov %esp, %ebp
  # The page that the stack would be in.
  movl $0, tables + 0x404
  mov %cr3, %eax
  mov %eax, %cr3
  NEWLINE
  mov $0x40800000, %esp
1:push %eax
2:mov %ebp, %esp
  REPORT
  STUB_GATE 8
  movl $0, mend
  movl $0, has_code
  ret
skip_lgdt:
  # MOV to FS is two bytes.
  addl $2, tss + T_EIP
  iretl
  jmp task_t
mend_stack:
  movl $2b, tss + T_EIP
  iretl
  jmp task_t

# --- a 16-bit TSS ---------------------------------------------------------------------------------------------------------------------------
.section .rodata
# At 9000H: a 16-bit TSS has 16 bits of IP.
low_code:
  mov $1f, %eax
  jmp *%eax
low_code_end:
.text
1:
  # The upper halves are nobody's business.
  PRINT "  16-bit: dx "
  mov %edx, %eax
  HEX 4
  PRINT " sp "
  mov %esp, %eax
  HEX 4
  PRINT " fs "
  mov %fs, %eax
  HEX 4
  PRINT " flags "
  pushf
  pop %eax
  HEX
  NEWLINE
  clts
  iretl
small:
  PRINT "# a 16-bit TSS\n"
  mov $low_code, %esi
  mov $0x9000, %edi
  mov $low_code_end - low_code, %ecx
  rep movsb
  movw $0x9000, tss_small + 0x0e    # IP
  movw $2, tss_small + 0x10         # FLAGS
  movw $0x5678, tss_small + 0x16    # DX
  movw $0x7000, tss_small + 0x1a    # SP
  movw $DATA, tss_small + 0x22      # ES
  movw $CODE32, tss_small + 0x24    # CS
  # A 16-bit stack, which needs no more than SP.
  movw $DATA16, tss_small + 0x26    # SS
  movw $DATA, tss_small + 0x28      # DS
  mov $DATA, %eax
  mov %eax, %fs
  TRY "call"
  NEWLINE
  lcall $SMALL, $0
  REPORT
  PRINT "link "
  movzwl tss_small, %eax
  HEX 4
  PRINT " fs here "
  mov %fs, %eax
  HEX 4
  NEWLINE
  xor %eax, %eax
  mov %eax, %fs
  ret

# --- what is found before the switch --------------------------------------------------------------------------------------------------------
.section .user
user_jmp_tss:
  ljmp $B + 3, $0
user_jmp_gate:
  ljmp $GATE + 3, $0
.text
errors_before:
  PRINT "# refused\n"
  TASK_B
  movl $b_jumps, leave_b
  orb $2, gdt_free + 5
  TRY "busy"
  ljmp $B, $0
  REPORT
  TRY "busy, by way of the gate"
  lcall $GATE, $0
  REPORT
  TASK_GATE 0x90, B
  TRY "busy, int"
  int $0x90
  REPORT
  andb $~2, gdt_free + 5
  TRY "the present task"
  lcall $TSS, $0
  REPORT
  andb $0x7f, gdt_free + 5
  TRY "not present"
  ljmp $B, $0
  REPORT
  TRY "not present, int"
  int $0x90
  REPORT
  orb $0x80, gdt_free + 5
  movw $0x66, gdt_free
  TRY "too short"
  ljmp $B, $0
  REPORT
  movw $0x67, gdt_free
  movb $0x05, gdt_free + 13
  TRY "gate not present"
  ljmp $GATE, $0
  REPORT
  movb $0x85, gdt_free + 13
  movw $DATA, gdt_free + 10
  TRY "gate to data"
  ljmp $GATE, $0
  REPORT
  movw $0, gdt_free + 10
  TRY "gate to null"
  ljmp $GATE, $0
  REPORT
  movw $0xfff8, gdt_free + 10
  TRY "gate beyond the GDT"
  ljmp $GATE, $0
  REPORT
  movw $B + 4, gdt_free + 10
  # ~ TCG: #TS. SDM vol. 2, JMP: #GP(TSS selector).
  TRY "~gate into the LDT"
  ljmp $GATE, $0
  REPORT
  movw $B, gdt_free + 10
  TRY_USER "ring 3, a TSS of DPL 0", user_jmp_tss
  REPORT
  TRY_USER "ring 3, a gate of DPL 0", user_jmp_gate
  REPORT
  # A TSS that isn't there: a page fault of the old task, which is all there.
  SYSTEM 5, 0, 0x67, 0x89
  movl $0x40400089, %eax
  movl $0x40008940, gdt_free + 5 * 8 + 4
  movl $0x67, gdt_free + 5 * 8
  TRY "a TSS that isn't there"
  ljmp $BAD, $0
  CAUGHT
  movl $0, rec + REC_CR2
  call report
  PRINT " tr "
  str %eax
  HEX 4
  NEWLINE
  ret

# --- what is found in the new task -----------------------------------------------------------------------------------------------------------
# #TS and its like come in the new task, to T, which goes back to the first.
.macro NEW_TASK name, field, value
  TASK_B
  movl $\value, tss_b + \field
  TRY "\name", task_b
  NEWLINE
  ljmp $B, $0
  REPORT
.endm
back_to_first:
  # B stays behind, busy.
  andb $~2, gdt_free + 5
  pushf
  andl $~EFL_NT, (%esp)
  popf
  ljmp $TSS, $0
  jmp task_t
errors_after:
  PRINT "# faults in the new task\n"
  TASK tss_t, task_t, stack_t
  movl $back_to_first, mend
  movl $2, has_code
  TASK_GATE 10, T
  TASK_GATE 11, T
  TASK_GATE 12, T
  TASK_GATE 13, T
  SEGMENT 5, 0, 0xfffff, 0x13, 0xc
  NEW_TASK "CS null", T_CS, 0
  NEW_TASK "CS data", T_CS, DATA
  NEW_TASK "CS of DPL 3", T_CS, UCODE32-3
  NEW_TASK "CS beyond the GDT", T_CS, 0xfff8
  NEW_TASK "SS null", T_SS, 0
  NEW_TASK "SS code", T_SS, CODE32
  NEW_TASK "SS of DPL 3", T_SS, UDATA-3
  NEW_TASK "SS with RPL 3", T_SS, DATA+3
  NEW_TASK "SS not present", T_SS, BAD
  NEW_TASK "DS a system segment", T_DS, TSS
  NEW_TASK "ES not present", T_ES, BAD
  NEW_TASK "GS beyond the GDT", T_GS, 0xfff8
  NEW_TASK "LDT data", T_LDT, DATA
  NEW_TASK "LDT in the LDT", T_LDT, LDT+4
  SEGMENT 5, 0, 0xfffff, 0x1b, 0xc
  NEW_TASK "CS not present", T_CS, BAD
  SEGMENT 5, 0, 0xfff, 0x9b, 4
  # ~ TCG doesn't check. SDM vol. 3, 7.3: the instruction pointer against the limit of CS.
  call is_tcg
  je 1f
  movl $3, has_code
  TASK_B
  movl $BAD, tss_b + T_CS
  TRY "~EIP beyond CS", task_b
  NEWLINE
  ljmp $B, $0
  PRINT "~"
  REPORT
1:
  STUB_GATE 10
  STUB_GATE 11
  STUB_GATE 12
  STUB_GATE 13
  movl $0, mend
  movl $0, has_code
  # The T flag: #DB in the new task, and DR6.BT. TCG doesn't know it.
  call is_tcg
  jne 1f
  ret
1:
  TASK_GATE 1, T
  movl $back_to_first, mend
  xor %eax, %eax
  mov %eax, %dr6
  TASK_B
  movl $1, tss_b + T_TRAP
  TRY "~the T flag", task_b
  PRINT "\n~"
  ljmp $B, $0
  PRINT "~"
  REPORT_AND
  PRINT " dr6 "
  mov %dr6, %eax
  HEX
  NEWLINE
  STUB_GATE 1
  movl $0, mend
  ret

# --- a task in virtual-8086 mode ---------------------------------------------------------------------------------------------------------------
v86:
  PRINT "# a task in virtual-8086 mode\n"
  movl $0x80cdc88c, 0x10000         # mov %cs, %ax; int $0x80
  TASK tss_v, 0, 0x100
  movl $EFL_VM + 0x3002, tss_v + T_EFLAGS
  movl $0x1000, tss_v + T_CS
  movl $0x2000, tss_v + T_SS
  movl $stack_t, tss_v + 4
  movl $DATA, tss_v + 8
  TRY "call", 0
  lcall $V, $0
  REPORT_AND
  PRINT " ax "
  HEX 4
  PRINT " flags "
  mov rec + REC_FLAGS, %eax
  HEX
  PRINT " tr "
  str %eax
  HEX 4
  NEWLINE
  ret
