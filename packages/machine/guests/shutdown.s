# The way to a shutdown, and that the processor starts again from its reset vector. SDM vol. 3, 6.15, "Double Fault Exception": what fails in the call of the
# double fault handler shuts the processor down. A PC resets.
.include "runtime.inc"
.include "long.inc"

USE32
main:
  call enter_long
USE64
  # A double fault first, to see that its handler is found.
  movw $0x0e00, idt64 + 13 * 16 + 4
  movw $0x0e00, idt64 + 11 * 16 + 4
  mov $0xfff8, %eax
  TRY "#GP, then #NP"
  mov %eax, %fs
  REPORT
  PRINT "#GP, then #NP, then no #DF\n"
  movw $0x0e00, idt64 + 8 * 16 + 4
  mov %eax, %fs
  PRINT "not reached\n"
  EXIT 1
