# Interrupts, as they are delivered: the shadows of STI and MOV SS, priorities, NMI, the local APIC and its timer, the 8259s, the I/O APIC.
# SDM vol. 3, 6.8 (masking), 6.7.1 (NMI), 10.5.4 (timer), 10.8 (handling); 8259A and 82093AA datasheets.
# `vector+offset`: where RIP was, measured from a label that each test names.
.include "runtime.inc"
.include "long.inc"

.set APIC, 0xfee00000
.set IOAPIC, 0xfec00000
.set A_TPR, 0x80
.set A_PPR, 0xa0
.set A_EOI, 0xb0
.set A_SVR, 0xf0
.set A_ISR, 0x100
.set A_IRR, 0x200
.set A_ICR, 0x300
.set A_ICR2, 0x310
.set A_TIMER, 0x320
.set A_LINT0, 0x350
.set A_LINT1, 0x360
.set A_INITIAL, 0x380
.set A_CURRENT, 0x390
.set A_DIVIDE, 0x3e0
.set MASKED, 0x10000

.bss
  .p2align 3
base: .skip 4       # what offsets are measured from; 0: they aren't told
events: .skip 4     # how many were recorded
depth: .skip 4      # handlers that are active
deepest: .skip 4
inside: .skip 4     # non-zero: called by the handler before it ends the interrupt
shadowed: .skip 4   # where no interrupt may arrive
broken: .skip 4     # how often one did
seen: .skip 16      # what `inside` read
log: .skip 64 * 8

.text
# Records from now on, with offsets from `label`.
.macro EVENTS_AT label=0
  movl $\label, base
  movl $0, events
  movl $0, deepest
.endm
.macro SHOW_EVENTS name
  PRINT "\name:"
  call show_events
  NEWLINE
.endm
.macro VALUE name, digits=2
  PRINT " \name="
  HEX \digits
.endm
.macro SELF vector
  movl $0x44000 + \vector, A_ICR(%r15)
.endm
.macro INSIDE routine=0
  movl $\routine, inside
.endm
# Lets in what is pending.
.macro OPEN
  sti
  nop
  nop
  cli
.endm
.macro IO_SET register, value
  movl $\register, (%r14)
  movl $\value, 0x10(%r14)
.endm

USE32
main:
  call pop_ss
  mov $hooks, %edi
  mov $event, %eax
  mov %eax, 2 * 4(%edi)
  add $0x20 * 4, %edi
  mov $0xe0, %ecx
  rep stosl
  movl $0, hooks + 0x80 * 4
  call enter_long
USE64
  mov $APIC, %r15d
  mov $IOAPIC, %r14d
  movl $0x1ff, A_SVR(%r15)
  movl $0, A_TPR(%r15)
  movl $MASKED + 0x700, A_LINT0(%r15)
  movl $MASKED + 0x400, A_LINT1(%r15)
  movl $MASKED, A_TIMER(%r15)
  IO_SET 0x14, MASKED
  IO_SET 0x15, 0
  call shadows
  call priorities
  call nmis
  call timer
  call pic
  call ioapic
  EXIT

# --- shadows ------------------------------------------------------------------------------------------------------------------------
shadows:
  PRINT "# when interrupts are recognized\n"
  EVENTS_AT 1f
  SELF 0x40
  nop
  nop
1:
  SHOW_EVENTS "IF=0"
  EVENTS_AT 1f
  sti
1:nop
  nop
  nop
  cli
  SHOW_EVENTS "sti, nop"
  EVENTS_AT 1f
  SELF 0x40
  sti
1:cli
  nop
  SHOW_EVENTS "sti, cli"
  EVENTS_AT 1f
  sti
1:mov $0x12345678, %eax
  cli
  SHOW_EVENTS "sti, mov"
  EVENTS_AT 1f
  SELF 0x40
  sti
1:jmp 2f
  nop
2:nop
  cli
  SHOW_EVENTS "sti, jmp"
  EVENTS_AT 1f
  SELF 0x40
  pushfq
  orl $EFL_IF, (%rsp)
  popfq
1:nop
  nop
  cli
  SHOW_EVENTS "popf"
  EVENTS_AT 1f
  SELF 0x40
  mov %rsp, %rax
  push $DATA
  push %rax
  push $EFL_IF + 2
  push $CODE64
  push $1f
  iretq
1:nop
  nop
  cli
  SHOW_EVENTS "iret"
  # The second STI casts no shadow.
  EVENTS_AT 1f
  SELF 0x40
  sti
1:sti
  nop
  nop
  cli
  SHOW_EVENTS "sti, sti"
  EVENTS_AT 1f
  SELF 0x40
  sti
1:hlt
  cli
  SHOW_EVENTS "sti, hlt"
  # A software interrupt doesn't care, and no EOI belongs to it; one that is given does no harm.
  EVENTS_AT 1f
1:int $0x41
  SHOW_EVENTS "int, IF=0"
  # Fast ticks hit a loop anywhere but behind MOV SS.
  EVENTS_AT
  movl $1f, shadowed
  movl $0, broken
  movl $0xb, A_DIVIDE(%r15)
  movl $0x20000 + 0x42, A_TIMER(%r15)
  movl $9973, A_INITIAL(%r15)
  mov $DATA, %eax
  sti
  nop       # behind the shadow of STI, MOV SS need not cast another
2:mov %eax, %ss
1:nop
  cmpl $40, events
  jb 2b
  cli
  movl $MASKED, A_TIMER(%r15)
  movl $0, A_INITIAL(%r15)
  OPEN
  PRINT "mov ss: broken"
  mov broken, %eax
  VALUE "into"
  NEWLINE
  movl $0, shadowed
  ret

# The same for POP SS, in 32-bit code.
USE32
pop_ss:
  mov $APIC, %ebx
  movl $0x1ff, A_SVR(%ebx)
  movl $event32, hooks + 0x42 * 4
  movl $0xb, A_DIVIDE(%ebx)
  movl $0x20000 + 0x42, A_TIMER(%ebx)
  movl $9973, A_INITIAL(%ebx)
  movl $1f, shadowed
  sti
2:push %ss
  pop %ss
1:nop
  cmpl $40, events
  jb 2b
  cli
  movl $MASKED, A_TIMER(%ebx)
  movl $0, A_INITIAL(%ebx)
  sti
  nop
  nop
  cli
  PRINT "pop ss: broken into="
  mov broken, %eax
  HEX 2
  NEWLINE
  movl $0, shadowed
  ret
event32:
  mov F32_EIP(%edi), %eax
  cmp %eax, shadowed
  jne 1f
  addl $1, broken
1:
  addl $1, events
  mov $APIC, %eax
  movl $0, A_EOI(%eax)
  ret
USE64

# --- priorities ---------------------------------------------------------------------------------------------------------------------
priorities:
  PRINT "# priorities\n"
  EVENTS_AT 1f
  SELF 0x50
  SELF 0x41
  SELF 0x63
  SELF 0x41
  sti
1:nop
  nop
  cli
  SHOW_EVENTS "50 41 63 41"
  # What is requested and in service.
  SELF 0x73
  PRINT "requested:"
  mov A_IRR + 0x30(%r15), %eax
  VALUE "IRR3", 8
  mov A_ISR + 0x30(%r15), %eax
  VALUE "ISR3", 8
  NEWLINE
  EVENTS_AT
  INSIDE read_service
  OPEN
  INSIDE
  SHOW_EVENTS "delivered"
  PRINT "in service:"
  mov seen, %eax
  VALUE "IRR3", 8
  mov seen + 4, %eax
  VALUE "ISR3", 8
  mov seen + 8, %eax
  VALUE "PPR"
  NEWLINE
  PRINT "ended:"
  mov A_IRR + 0x30(%r15), %eax
  VALUE "IRR3", 8
  mov A_ISR + 0x30(%r15), %eax
  VALUE "ISR3", 8
  mov A_PPR(%r15), %eax
  VALUE "PPR"
  NEWLINE
  # A handler that opens itself is interrupted by a higher class only.
  EVENTS_AT
  INSIDE higher
  SELF 0x45
  OPEN
  SHOW_EVENTS "45, in it 56"
  mov deepest, %eax
  PRINT " "
  VALUE "depth"
  NEWLINE
  EVENTS_AT
  INSIDE same
  SELF 0x45
  OPEN
  SHOW_EVENTS "45, in it 4f and 33"
  mov deepest, %eax
  PRINT " "
  VALUE "depth"
  NEWLINE
  INSIDE
  # The task priority.
  EVENTS_AT 1f
  mov $5, %eax
  mov %rax, %cr8
  PRINT "cr8 5:"
  mov A_TPR(%r15), %eax
  VALUE "TPR"
  mov A_PPR(%r15), %eax
  VALUE "PPR"
  NEWLINE
  SELF 0x5f
  SELF 0x60
  sti
1:nop
  nop
  SHOW_EVENTS "5f 60"
  EVENTS_AT 1f
  mov $4, %eax
  mov %rax, %cr8
1:nop
  nop
  cli
  SHOW_EVENTS "cr8 4"
  movl $0x37, A_TPR(%r15)
  PRINT "TPR 37:"
  mov %cr8, %rax
  VALUE "cr8"
  mov A_PPR(%r15), %eax
  VALUE "PPR"
  NEWLINE
  EVENTS_AT
  SELF 0x3f
  SELF 0x31
  OPEN
  SHOW_EVENTS "3f 31"
  EVENTS_AT
  movl $0x2f, A_TPR(%r15)
  OPEN
  SHOW_EVENTS "TPR 2f"
  mov $15, %eax
  mov %rax, %cr8
  EVENTS_AT
  SELF 0xfe
  OPEN
  SHOW_EVENTS "cr8 f, fe"
  xor %eax, %eax
  EVENTS_AT 1f
  mov %rax, %cr8
  sti
1:nop
  nop
  cli
  SHOW_EVENTS "cr8 0"
  # ~ TCG takes it. SDM vol. 3, 10.8.6.1: the upper bits are reserved.
  TRY "~cr8 10"
  mov $16, %eax
  mov %rax, %cr8
  REPORT
  # A higher vector waits for the task priority, HLT waits with it.
  EVENTS_AT 1f
  mov $8, %eax
  mov %rax, %cr8
  SELF 0x77
  SELF 0x99
  sti
1:hlt
  cli
  SHOW_EVENTS "hlt, 77 99"
  xor %eax, %eax
  mov %rax, %cr8
  EVENTS_AT
  OPEN
  SHOW_EVENTS "cr8 0"
  ret

read_service:
  mov A_IRR + 0x30(%r15), %eax
  mov %eax, seen
  mov A_ISR + 0x30(%r15), %eax
  mov %eax, seen + 4
  mov A_PPR(%r15), %eax
  mov %eax, seen + 8
  ret
higher:
  INSIDE
  SELF 0x56
  OPEN
  ret
same:
  INSIDE
  SELF 0x33
  SELF 0x4f
  OPEN
  ret

# --- NMI ----------------------------------------------------------------------------------------------------------------------------
# To the processor with ID 0: the self shorthand is for fixed interrupts.
.macro NMI
  movl $0, A_ICR2(%r15)
  movl $0x4400, A_ICR(%r15)
  jmp 1f
1:nop
  jmp 1f
1:nop
.endm
nmis:
  PRINT "# NMI\n"
  EVENTS_AT
  NMI
  SHOW_EVENTS "IF=0"
  EVENTS_AT
  INSIDE nmi_twice
  NMI
  SHOW_EVENTS "two more in the handler"
  mov deepest, %eax
  PRINT " "
  VALUE "depth"
  NEWLINE
  EVENTS_AT
  INSIDE nmi_iret
  NMI
  SHOW_EVENTS "an IRET in the handler"
  mov deepest, %eax
  PRINT " "
  VALUE "depth"
  NEWLINE
  EVENTS_AT
  INSIDE nmi_open
  NMI
  INSIDE
  SHOW_EVENTS "an interrupt in the handler"
  ret
nmi_twice:
  INSIDE
  NMI
  NMI
  ret
# The IRET of any handler ends the blocking.
nmi_iret:
  INSIDE
  NMI
  int $0x41
  nop
  ret
nmi_open:
  INSIDE
  SELF 0x41
  OPEN
  ret

# --- the timer of the local APIC ----------------------------------------------------------------------------------------------------
timer:
  PRINT "# timer\n"
  movl $0xb, A_DIVIDE(%r15)
  EVENTS_AT 1f
  movl $0x60, A_TIMER(%r15)
  movl $50000, A_INITIAL(%r15)
  sti
1:hlt
  cli
  SHOW_EVENTS "one-shot"
  PRINT "then:"
  mov A_CURRENT(%r15), %eax
  VALUE "current", 8
  mov A_INITIAL(%r15), %eax
  VALUE "initial", 8
  NEWLINE
  EVENTS_AT
  movl $MASKED + 0x60, A_TIMER(%r15)
  movl $50000, A_INITIAL(%r15)
1:pause
  cmpl $0, A_CURRENT(%r15)
  jne 1b
  movl $0x60, A_TIMER(%r15)
  OPEN
  SHOW_EVENTS "one-shot, masked"
  EVENTS_AT 1f
  movl $0x20061, A_TIMER(%r15)
  movl $500000, A_INITIAL(%r15)
2:sti
1:hlt
  cli
  cmpl $5, events
  jb 2b
  movl $0, A_INITIAL(%r15)
  SHOW_EVENTS "periodic"
  movl $MASKED, A_TIMER(%r15)
  OPEN
  movl $0xa, A_DIVIDE(%r15)
  PRINT "divide:"
  mov A_DIVIDE(%r15), %eax
  VALUE "register"
  NEWLINE
  movl $0xb, A_DIVIDE(%r15)
  # ~ TCG has no TSC deadline. SDM vol. 3, 10.5.4.1.
  mov $1, %eax
  cpuid
  bt $24, %ecx
  jnc 9f
  EVENTS_AT 1f
  movl $0x40062, A_TIMER(%r15)
  mfence
  call deadline
  sti
1:hlt
  cli
  SHOW_EVENTS "~deadline"
  mov $0x6e0, %ecx
  rdmsr
  PRINT "~then:"
  VALUE "deadline", 8
  NEWLINE
  EVENTS_AT
  call deadline
  xor %eax, %eax
  xor %edx, %edx
  wrmsr
  mov $100000, %ecx
1:loop 1b
  OPEN
  SHOW_EVENTS "~deadline, disarmed"
  # One that is past is due at once.
  EVENTS_AT
  mov $0x6e0, %ecx
  mov $1, %eax
  xor %edx, %edx
  wrmsr
  OPEN
  SHOW_EVENTS "~deadline in the past"
  movl $MASKED, A_TIMER(%r15)
9:
  ret
deadline:
  rdtsc
  add $50000, %eax
  adc $0, %edx
  mov $0x6e0, %ecx
  wrmsr
  ret

# --- the 8259s and the 8254 -----------------------------------------------------------------------------------------------------------
.macro OUTB port, value
  mov $\value, %al
  out %al, $\port
.endm
# The output of counter 0 low, both 8259s anew and masked.
quiet:
  OUTB 0x43, 0x30
  OUTB 0x40, 0
  OUTB 0x40, 0
  OUTB 0x20, 0x11
  OUTB 0x21, 0x20
  OUTB 0x21, 4
  OUTB 0x21, 1
  OUTB 0xa0, 0x11
  OUTB 0xa1, 0x28
  OUTB 0xa1, 2
  OUTB 0xa1, 1
  OUTB 0x21, 0xff
  OUTB 0xa1, 0xff
  ret
# Its output high after a while; it stays so.
arm:
  OUTB 0x43, 0x30
  OUTB 0x40, 0xe8
  OUTB 0x40, 3
  ret
# In 55 ms: for an NMI that must not come before the HLT, since nothing holds it back.
arm_late:
  OUTB 0x43, 0x30
  OUTB 0x40, 0xff
  OUTB 0x40, 0xff
  ret
# Until the 8259 has seen it.
wait_request:
  OUTB 0x20, 0x0a
1:in $0x20, %al
  test $1, %al
  je 1b
  ret
.macro PIC_READ command, name
  OUTB 0x20, \command
  in $0x20, %al
  movzbl %al, %eax
  VALUE \name
.endm

pic:
  PRINT "# 8259 and 8254\n"
  movl $0x700, A_LINT0(%r15)
  call quiet
  EVENTS_AT 1f
  OUTB 0x21, 0xfe
  call arm
  sti
1:hlt
  cli
  SHOW_EVENTS "IRQ 0"
  EVENTS_AT
  call quiet
  call arm
  call wait_request
  OPEN
  SHOW_EVENTS "masked"
  PRINT "then:"
  PIC_READ 0x0a, "IRR"
  PIC_READ 0x0b, "ISR"
  in $0x21, %al
  VALUE "IMR"
  NEWLINE
  EVENTS_AT 1f
  INSIDE pic_service
  OUTB 0x21, 0xfe
  sti
1:nop
  nop
  cli
  INSIDE
  SHOW_EVENTS "unmasked"
  PRINT "in service:"
  mov seen, %eax
  VALUE "IRR"
  mov seen + 4, %eax
  VALUE "ISR"
  NEWLINE
  PRINT "ended:"
  PIC_READ 0x0a, "IRR"
  PIC_READ 0x0b, "ISR"
  NEWLINE
  # The level stays high: an edge is one interrupt.
  EVENTS_AT
  OPEN
  SHOW_EVENTS "still high"
  # ExtINT doesn't care for the task priority.
  mov $15, %eax
  mov %rax, %cr8
  EVENTS_AT
  call quiet
  OUTB 0x21, 0xfe
  call arm
  call wait_request
  OPEN
  SHOW_EVENTS "cr8 f"
  xor %eax, %eax
  mov %rax, %cr8
  # LINT0 masked: nothing gets past it.
  movl $MASKED + 0x700, A_LINT0(%r15)
  EVENTS_AT
  call quiet
  OUTB 0x21, 0xfe
  call arm
  call wait_request
  OPEN
  SHOW_EVENTS "LINT0 masked"
  # By way of the second 8259: the periodic interrupt of the clock.
  movl $0x700, A_LINT0(%r15)
  call quiet
  OUTB 0x21, 0xfb
  OUTB 0xa1, 0xfe
  OUTB 0x70, 0x0a
  OUTB 0x71, 0x26
  OUTB 0x70, 0x0c
  in $0x71, %al
  OUTB 0x70, 0x0b
  OUTB 0x71, 0x42
  EVENTS_AT 1f
  sti
1:hlt
  cli
  OUTB 0x70, 0x0b
  OUTB 0x71, 0x02
  OUTB 0x70, 0x0c
  in $0x71, %al
  SHOW_EVENTS "IRQ 8 of the clock"
  and $0xf0, %eax
  PRINT "  register C:"
  VALUE "flags"
  NEWLINE
  call quiet
  movl $MASKED + 0x700, A_LINT0(%r15)
  ret
pic_service:
  OUTB 0x20, 0x0a
  in $0x20, %al
  mov %al, seen
  OUTB 0x20, 0x0b
  in $0x20, %al
  mov %al, seen + 4
  ret

# --- the I/O APIC -------------------------------------------------------------------------------------------------------------------
ioapic:
  PRINT "# I/O APIC, pin 2\n"
  movl $0, seen
  movl $0, seen + 4
  movl $0, seen + 8
  call quiet
  IO_SET 0x14, 0x70
  EVENTS_AT 1f
  call arm
  sti
1:hlt
  cli
  SHOW_EVENTS "edge"
  # An edge on a masked pin is lost.
  call quiet
  IO_SET 0x14, MASKED+0x70
  call arm
  call wait_request
  EVENTS_AT
  IO_SET 0x14, 0x70
  OPEN
  SHOW_EVENTS "edge, masked"
  # A level isn't: it comes until the source is quiet.
  call quiet
  IO_SET 0x14, MASKED+0x8071
  call arm
  call wait_request
  OPEN
  SHOW_EVENTS "level, masked"
  EVENTS_AT
  INSIDE level_service
  IO_SET 0x14, 0x8071
  OPEN
  INSIDE
  SHOW_EVENTS "level, unmasked"
  PRINT "entry in service:"
  mov seen + 8, %eax
  VALUE "low", 5
  PRINT ", ended:"
  movl $0x14, (%r14)
  mov 0x10(%r14), %eax
  VALUE "low", 5
  NEWLINE
  # NMI, with IF=0; out of HLT, too: that machine isn't stuck, whatever it looks like.
  call quiet
  IO_SET 0x14, 0x400
  EVENTS_AT
  call arm
1:pause
  cmpl $0, events
  je 1b
  SHOW_EVENTS "NMI"
  call quiet
  EVENTS_AT 1f
  call arm_late
  hlt
1:
  SHOW_EVENTS "NMI, hlt"
  IO_SET 0x14, MASKED
  # The same by LINT0.
  call quiet
  movl $0x400, A_LINT0(%r15)
  OUTB 0x21, 0xfe
  EVENTS_AT 1f
  call arm_late
  hlt
1:
  SHOW_EVENTS "NMI by LINT0, hlt"
  movl $0x10000, A_LINT0(%r15)
  call quiet
  ret
level_service:
  movl $0x14, (%r14)
  mov 0x10(%r14), %eax
  mov %eax, seen + 8
  cmpl $3, events
  jb 1f
  call quiet
1:ret

# --- handlers -----------------------------------------------------------------------------------------------------------------------
event:
  mov $APIC, %r15d
  mov $IOAPIC, %r14d
  mov F64_RIP(%rdi), %rdx
  cmp %edx, shadowed
  jne 1f
  addl $1, broken
1:
  sub base, %edx
  mov F64_VECTOR(%rdi), %ebp
  mov events, %ecx
  and $63, %ecx
  mov %ebp, log(,%rcx,8)
  mov %edx, log + 4(,%rcx,8)
  addl $1, events
  addl $1, depth
  mov depth, %ecx
  cmp deepest, %ecx
  jbe 1f
  mov %ecx, deepest
1:
  mov inside, %ecx
  test %ecx, %ecx
  je 1f
  push %rbp
  call *%rcx
  pop %rbp
1:
  subl $1, depth
  cmp $0x20, %ebp
  jb 9f
  cmp $0x30, %ebp
  jae 3f
  cmp $0x28, %ebp
  mov $0x20, %al
  jb 2f
  out %al, $0xa0
2:
  out %al, $0x20
9:
  ret
3:
  movl $0, A_EOI(%r15)
  ret

show_events:
  push %rax
  push %rbx
  cmpl $0, events
  jne 1f
  PRINT " none"
1:
  xor %ebx, %ebx
2:
  cmp events, %ebx
  jae 9f
  PRINT " "
  mov log(,%rbx,8), %eax
  HEX 2
  cmpl $0, base
  je 3f
  mov log + 4(,%rbx,8), %eax
  call putsigned
3:
  inc %ebx
  jmp 2b
9:
  pop %rbx
  pop %rax
  ret
