# Two processors: start-up, locks, interrupts between them, INIT.
# SDM vol. 3, 8.1 (locked operations), 8.4 (initialization), 10.4.7 (the APIC after INIT), 10.6 (interrupts between processors), 17.17 (TSC).
.include "runtime.inc"
.include "long.inc"

.set APIC, 0xfee00000
.set A_ID, 0x20
.set A_EOI, 0xb0
.set A_LDR, 0xd0
.set A_DFR, 0xe0
.set A_SVR, 0xf0
.set A_ICR, 0x300
.set A_ICR2, 0x310
.set TRAMPOLINE, 0x8000
.set INIT, 0x4500
.set SIPI, 0x4600 + (TRAMPOLINE >> 12)

.bss
  .p2align 6
task: .skip 4         # what the second processor is to do; 0: it has done it
starts: .skip 4       # how often it came out of the trampoline
first_cs: .skip 4     # what it found then
first_cr0: .skip 4
first_svr: .skip 4
first_id: .skip 4
lock_word: .skip 4
turn: .skip 4
gate: .skip 4
counter: .skip 4
guarded: .skip 4
exchanged: .skip 4
last: .skip 8         # time stamp
backwards: .skip 4
ball: .skip 4
left: .skip 4         # answers still to be given
ready: .skip 4
over: .skip 4
beat: .skip 4
logical: .skip 8      # LDR of both
model: .skip 4        # DFR
  .p2align 4
counts: .skip 2 * 1024
  .skip 0x1000
second_stack_top:

.text
.macro VALUE name, digits=8
  PRINT " \name="
  HEX \digits
.endm
# Has the second processor do it, meanwhile going on.
.macro START routine
  movl $\routine, task
.endm
.macro FINISH
77:
  pause
  cmpl $0, task
  jne 77b
.endm
.macro ICR destination, low
  movl $\destination << 24, A_ICR2(%r15)
  movl $\low, A_ICR(%r15)
.endm
.macro DELAY count=200000
  mov $\count, %ecx
78:
  pause
  sub $1, %ecx
  jne 78b
.endm

USE32
main:
  movl $event, hooks + 2 * 4
  mov $hooks + 0x40 * 4, %edi
  mov $event, %eax
  mov $0xc0, %ecx
  rep stosl
  call enter_long
USE64
  mov $APIC, %r15d
  movl $0x1ff, A_SVR(%r15)
  mov $trampoline, %esi
  mov $TRAMPOLINE, %edi
  mov $trampoline_end - trampoline, %ecx
  rep movsb
  call start_up
  call locks
  call time
  call messages
  call destinations
  call halted
  call again
  EXIT

# --- start-up -----------------------------------------------------------------------------------------------------------------------
start_up:
  PRINT "# start-up\n"
  mov A_ID(%r15), %eax
  PRINT "processor 0:"
  VALUE "ID"
  NEWLINE
  ICR 1, INIT
  DELAY
  PRINT "INIT: starts="
  mov starts, %eax
  HEX 2
  NEWLINE
  ICR 1, SIPI
1:
  pause
  cmpl $0, starts
  je 1b
show_start:
  PRINT "SIPI: starts="
  mov starts, %eax
  HEX 2
  mov first_cs, %eax
  VALUE "CS", 4
  mov first_cr0, %eax
  and $~0x60000000, %eax      # CD and NW are kept
  VALUE "CR0"
  mov first_svr, %eax
  VALUE "SVR"
  mov first_id, %eax
  VALUE "ID"
  NEWLINE
  ret

  .p2align 4
.code16
trampoline:
  cli
  mov %cs, %ax
  mov %ax, %ds
  mov %cr0, %ebp
  mov %ax, %bx
  lgdtl trampoline_gdt - trampoline
  mov $CR0_PE + CR0_ET + CR0_NE, %eax
  mov %eax, %cr0
  ljmpl $CODE32, $second32
  .p2align 2
  .word 0
trampoline_gdt:
  .word gdt_end - gdt - 1
  .long gdt
trampoline_end:
.code32
second32:
  mov $DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov $second_stack_top, %esp
  movzwl %bx, %ebx
  mov %ebx, first_cs
  mov %ebp, first_cr0
  mov $CR4_PAE, %eax
  mov %eax, %cr4
  mov $pml4, %eax
  mov %eax, %cr3
  mov $EFER, %ecx
  rdmsr
  or $EFER_LME, %eax
  wrmsr
  mov %cr0, %eax
  or $CR0_PG, %eax
  mov %eax, %cr0
  ljmp $CODE64, $1f
.code64
1:
  lidt idt64_pointer
  mov $APIC, %r15d
  mov A_SVR(%r15), %eax
  mov %eax, first_svr
  mov A_ID(%r15), %eax
  mov %eax, first_id
  movl $0x1ff, A_SVR(%r15)
  movl $0, task
  lock addl $1, starts
1:
  pause
  mov task, %eax
  test %eax, %eax
  je 1b
  call *%rax
  cli
  movl $0, task
  jmp 1b

# --- locks --------------------------------------------------------------------------------------------------------------------------
# Changes EAX and ECX.
acquire:
  mov $1, %ecx
1:
  xor %eax, %eax
  lock cmpxchg %ecx, lock_word
  je 2f
  pause
  jmp 1b
2:
  ret
.macro RELEASE
  movl $0, lock_word
.endm

# Both come here before either goes on.
meet:
  lock addl $1, gate
1:
  pause
  cmpl $2, gate
  jb 1b
  ret

locks:
  PRINT "# locks\n"
  START lines
  call lines
  FINISH
  movl $0, gate
  START count
  call count
  FINISH
  PRINT "20000 times:"
  mov counter, %eax
  VALUE "lock"
  mov guarded, %eax
  VALUE "guarded"
  mov exchanged, %eax
  VALUE "cmpxchg"
  NEWLINE
  ret

# Four lines each, in turn.
lines:
  mov A_ID(%r15), %ebx
  shr $24, %ebx
1:
  call acquire
  mov turn, %eax
  cmp $8, %eax
  jae 3f
  mov %eax, %edx
  and $1, %edx
  cmp %edx, %ebx
  jne 2f
  PRINT "line "
  HEX 1
  PRINT " of processor "
  mov %ebx, %eax
  HEX 1
  NEWLINE
  addl $1, turn
2:
  RELEASE
  pause
  jmp 1b
3:
  RELEASE
  ret

count:
  call meet
  mov $10000, %edx
1:
  lock incl counter
  call acquire
  mov guarded, %eax
  inc %eax
  mov %eax, guarded
  RELEASE
  mov exchanged, %eax
2:
  lea 1(%rax), %ecx
  lock cmpxchg %ecx, exchanged
  jne 2b
  dec %edx
  jne 1b
  ret

# --- time stamps ----------------------------------------------------------------------------------------------------------------------
time:
  PRINT "# time stamps\n"
  START catch
  xor %ebx, %ebx
  call play
  FINISH
  PRINT "200 in turn:"
  mov ball, %eax
  VALUE "passed", 2
  mov backwards, %eax
  VALUE "backwards", 2
  NEWLINE
  ret
catch:
  mov $1, %ebx
play:
1:
  pause
  mov ball, %eax
  cmp $200, %eax
  jae 3f
  and $1, %eax
  cmp %eax, %ebx
  jne 1b
  rdtsc
  shl $32, %rdx
  or %rdx, %rax
  cmp last, %rax
  jae 2f
  incl backwards
2:
  mov %rax, last
  incl ball
  jmp 1b
3:
  ret

# --- interrupts between processors ------------------------------------------------------------------------------------------------------
.macro COUNT name, cpu, vector
  mov counts + \cpu * 1024 + \vector * 4, %eax
  VALUE "\name", 4
.endm

messages:
  PRINT "# from one to the other\n"
  START call_first
  sti
1:
  cli
  cmpl $0, counts + 0x50 * 4
  jne 2f
  sti
  hlt
  jmp 1b
2:
  ICR 1, 0x4051
  FINISH
  PRINT "1 to 0, 0 to 1:"
  COUNT "0 had 50", 0, 0x50
  COUNT "1 had 51", 1, 0x51
  NEWLINE
  # Each answers from its handler.
  movl $100, left
  START wait_for_none
  ICR 1, 0x4052
  call wait_for_none
  FINISH
  PRINT "100 answers:"
  COUNT "0 had 52", 0, 0x52
  COUNT "1 had 52", 1, 0x52
  NEWLINE
  ret

call_first:
  ICR 0, 0x4050
1:
  cli
  cmpl $0, counts + 1024 + 0x51 * 4
  jne 2f
  sti
  hlt
  jmp 1b
2:
  ret
wait_for_none:
  sti
1:
  pause
  cmpl $0, left
  jne 1b
  nop
  cli
  ret

# --- destinations -----------------------------------------------------------------------------------------------------------------------
# Sends vector 70H and tells who got it. Vector 40H, of a lower priority, arrives behind it.
.macro SEND name, destination, low
  PRINT "\name:"
  ICR \destination, \low + 0x4070
  call told
.endm
told:
  ICR 1, 0x4040
  movl $0x44040, A_ICR(%r15)
  sti
1:
  pause
  cmpl $0, counts + 0x40 * 4
  je 1b
  cmpl $0, counts + 1024 + 0x40 * 4
  je 1b
  cli
  mov counts + 0x70 * 4, %eax
  add counts + 1024 + 0x70 * 4, %eax
  jne 2f
  PRINT " nobody"
2:
  cmpl $0, counts + 0x70 * 4
  je 3f
  COUNT "0", 0, 0x70
3:
  cmpl $0, counts + 1024 + 0x70 * 4
  je 4f
  COUNT "1", 1, 0x70
4:
  NEWLINE
clear:
  mov $counts, %edi
  mov $2 * 1024, %ecx
  xor %eax, %eax
  rep stosb
  ret

listen:
  mov logical + 4, %eax
  call set_model
  movl $1, ready
  sti
1:
  pause
  cmpl $0, over
  je 1b
  cli
  ret
set_model:
  mov model, %ecx
  mov %ecx, A_DFR(%r15)
  mov %eax, A_LDR(%r15)
  ret
.macro LISTEN dfr, ldr0, ldr1
  movl $\dfr, model
  movl $\ldr0 << 24, logical
  movl $\ldr1 << 24, logical + 4
  movl $0, over
  movl $0, ready
  mov logical, %eax
  call set_model
  START listen
75:
  pause
  cmpl $0, ready
  je 75b
.endm
.macro LISTENED
  movl $1, over
  FINISH
.endm

destinations:
  PRINT "# destinations\n"
  call clear
  LISTEN 0xffffffff, 1, 2
  SEND "physical 0", 0, 0
  SEND "physical 1", 1, 0
  SEND "physical 5", 5, 0
  SEND "physical ff", 0xff, 0
  SEND "self", 5, 0x40000
  SEND "all", 5, 0x80000
  SEND "all but self", 5, 0xc0000
  SEND "flat 1", 1, 0x800
  SEND "flat 2", 2, 0x800
  SEND "flat 3", 3, 0x800
  SEND "flat 4", 4, 0x800
  SEND "flat f2", 0xf2, 0x800
  SEND "flat ff", 0xff, 0x800
  SEND "flat 0", 0, 0x800
  SEND "lowest priority, flat 2", 2, 0x900
  # ~ TCG doesn't look at priorities. SDM vol. 3, 10.6.2.4.
  mov $3, %eax
  mov %rax, %cr8
  SEND "~lowest priority, flat 3", 3, 0x900
  xor %eax, %eax
  mov %rax, %cr8
  LISTENED
  LISTEN 0x0fffffff, 0x11, 0x22
  SEND "cluster 11", 0x11, 0x800
  SEND "cluster 22", 0x22, 0x800
  SEND "cluster 12", 0x12, 0x800
  SEND "cluster 2f", 0x2f, 0x800
  SEND "cluster 31", 0x31, 0x800
  # ~ TCG takes it for cluster 15. SDM vol. 3, 10.6.2.2: all ones are a broadcast.
  SEND "~cluster ff", 0xff, 0x800
  LISTENED
  LISTEN 0xffffffff, 1, 2
  LISTENED
  # Who doesn't listen gets it later, once.
  call clear
  ICR 1, 0x4070
  ICR 1, 0x4070
  LISTEN 0xffffffff, 1, 2
  PRINT "twice, before it listens:"
  call told
  LISTENED
  ret

# --- HLT --------------------------------------------------------------------------------------------------------------------------------
halted:
  PRINT "# halted\n"
  call clear
  movl $0, ready
  START sleep
1:
  pause
  cmpl $0, ready
  je 1b
  DELAY
  ICR 1, 0x4070
  DELAY
  PRINT "IF=0, interrupt:"
  call asleep
  ICR 1, 0x4400
  mov $50, %ebx
1:
  DELAY
  sub $1, %ebx
  je 2f
  cmpl $0, task
  jne 1b
2:
  PRINT "IF=0, NMI:"
  call asleep
  FINISH
  PRINT "then:"
  COUNT "NMIs", 1, 2
  COUNT "interrupts", 1, 0x70
  NEWLINE
  LISTEN 0xffffffff, 1, 2
  PRINT "IF=1:"
  call told
  LISTENED
  ret
sleep:
  movl $1, ready
  cli
  hlt
  ret
asleep:
  cmpl $0, task
  je 1f
  PRINT " asleep\n"
  ret
1:
  PRINT " awake\n"
  ret

# --- INIT again -------------------------------------------------------------------------------------------------------------------------
again:
  PRINT "# again\n"
  # A start-up message to a processor that runs is ignored.
  ICR 1, SIPI
  DELAY
  PRINT "SIPI without INIT: starts="
  mov starts, %eax
  HEX 2
  NEWLINE
  START heart
1:
  pause
  cmpl $100, beat
  jb 1b
  PRINT "beats\n"
  ICR 1, INIT
  mov $50, %edx
1:
  mov beat, %ebx
  DELAY
  cmp beat, %ebx
  je 2f
  sub $1, %edx
  jne 1b
  PRINT "goes on after INIT\n"
  jmp 3f
2:
  PRINT "INIT: stopped\n"
3:
  # It waits, and takes no interrupt.
  call clear
  ICR 1, 0x4070
  DELAY
  PRINT "waiting:"
  COUNT "interrupts", 1, 0x70
  NEWLINE
  ICR 1, SIPI
1:
  pause
  cmpl $2, starts
  jb 1b
  call show_start
  # The second message of the usual two.
  ICR 1, SIPI
  DELAY
  PRINT "SIPI: starts="
  mov starts, %eax
  HEX 2
  NEWLINE
  movl $0, turn
  START lines
  call lines
  FINISH
  ret
heart:
  lock incl beat
  pause
  jmp heart

# --- handler ----------------------------------------------------------------------------------------------------------------------------
event:
  mov $APIC, %r15d
  mov A_ID(%r15), %ebx
  shr $24, %ebx
  mov F64_VECTOR(%rdi), %ebp
  mov %ebx, %eax
  shl $8, %eax
  add %ebp, %eax
  addl $1, counts(,%rax,4)
  cmp $2, %ebp
  je 9f
  movl $0, A_EOI(%r15)
  cmp $0x52, %ebp
  jne 9f
  subl $1, left
  je 9f
  xor $1, %ebx
  shl $24, %ebx
  mov %ebx, A_ICR2(%r15)
  movl $0x4052, A_ICR(%r15)
9:
  ret
