# Code that writes code. SDM vol. 3, 11.6 (self-modifying code) and 8.1.3 (cross-modifying code): on one processor what is written is what runs next,
# by any kind of store and through any linear address; the manual asks for a jump in between only of processors older than any with long mode.
.include "runtime.inc"
.include "long.inc"

.set ROUNDS, 2000               # enough for what runs often to be treated as such

# A test: what became of it, and EAX.
.macro DONE
  CAUGHT
  call report
  PRINT " "
  HEX
  NEWLINE
.endm

# --- in 32-bit and in 64-bit code -------------------------------------------------------------------------------------------------
# Everything is assembled once for each. Where an instruction is patched, its number is 1; the loop around it is 2.
.macro LOOP_BEGIN
  xor %eax, %eax
  mov $ROUNDS, %ecx
2:
.endm
.macro LOOP_END
  sub $1, %ecx
  jne 2b
.endm

.macro COMMON suffix, ax, cx
  TRY "next instruction, once"
  movb $7, 1f + 1
1:mov $1, %eax
  DONE

  TRY "next instruction, its immediate each round"
  LOOP_BEGIN
  mov %cl, 1f + 1
1:mov $0, %edx
  add %edx, %eax
  LOOP_END
  DONE

  TRY "all of a 4-byte immediate"
  LOOP_BEGIN
  imul $0x01234567, %ecx, %ebx
  mov %ebx, 1f + 1
1:mov $0, %edx
  xor %edx, %eax
  add %edx, %eax
  LOOP_END
  DONE

  TRY "an earlier instruction in the loop"
  LOOP_BEGIN
1:mov $0, %edx
  add %edx, %eax
  mov %cl, 1b + 1
  LOOP_END
  DONE

  TRY "add and subtract in turn"
  LOOP_BEGIN
  xorb $0x28, 1f + 1              # 83 C0 05: add $5, %eax; 83 E8 05: sub
  nop
  nop
1:add $5, %eax
  add $1, %eax
  LOOP_END
  DONE

  TRY "other borders between instructions"
  LOOP_BEGIN
  xorb $0x90 ^ 0xb2, 1f           # 90, 04 03, C1 C0 C3, 90: nop, add $3, %al, rol $3, %eax, nop
1:nop                             # B2 04, 03 C1, C0 C3 90: mov $4, %dl, add %ecx, %eax, rol $0x90, %bl
  .byte 0x04, 0x03, 0xc1, 0xc0, 0xc3, 0x90
  LOOP_END
  DONE

  TRY "a conditional jump turned around"
  LOOP_BEGIN
  xorb $1, 1f
  cmp $1000, %ecx
1:jb 3f
  add $1, %eax
3:LOOP_END
  DONE

  TRY "a jump's displacement"
  LOOP_BEGIN
  xorb $3, 1f + 1
1:jmp 3f
3:add $1, %eax
  add $16, %eax
  LOOP_END
  DONE

  TRY "a call's target"
  LOOP_BEGIN
  mov $one\suffix - (1f + 5), %edx
  test $3, %cl
  jne 3f
  mov $sixteen\suffix - (1f + 5), %edx
3:mov %edx, 1f + 1
1:call one\suffix
  LOOP_END
  DONE

  TRY "the loop's own branch"
  xor %eax, %eax
2:add $1, %eax
  cmp $1500, %eax
  jb 3f
  movw $0x9090, 1f
3:nop
1:jmp 2b
  DONE

  TRY "code in the next page"
  LOOP_BEGIN
  mov %ecx, far_page\suffix + 0x1001
  call far_page\suffix + 0x1000
  LOOP_END
  DONE

  TRY "falls through into the next page"
  LOOP_BEGIN
  mov %ecx, far_page\suffix + 0x1001
  call far_page\suffix + 0xff8
  LOOP_END
  DONE

  TRY "an instruction across two pages, its second half"
  LOOP_BEGIN
  mov %cx, far_page\suffix + 0x2000
  call far_page\suffix + 0x1ffd
  LOOP_END
  DONE

  TRY "an instruction across two pages, its first half"
  LOOP_BEGIN
  mov %cx, far_page\suffix + 0x1ffe
  call far_page\suffix + 0x1ffd
  LOOP_END
  DONE

  TRY "an instruction across two pages, by one write"
  LOOP_BEGIN
  imul $0x00010001, %ecx, %edx
  mov %edx, far_page\suffix + 0x1ffe
  call far_page\suffix + 0x1ffd
  LOOP_END
  DONE

  TRY "inc of an immediate"
  LOOP_BEGIN
  addl $1, 1f + 1
1:mov $0, %edx
  add %edx, %eax
  LOOP_END
  DONE

  TRY "xchg"
  LOOP_BEGIN
  mov %ecx, %edx
  xchg %edx, 1f + 1
1:mov $0, %ebx
  sub %edx, %ebx
  xor %ebx, %eax
  LOOP_END
  DONE

  TRY "lock cmpxchg"
  xor %ebx, %ebx
  mov $ROUNDS, %ecx
2:mov 1f + 1, %eax
  lock cmpxchg %ecx, 1f + 1
1:mov $0, %edx
  add %edx, %ebx
  mov $0x12345, %eax            # this one fails, and changes nothing
  lock cmpxchg %ebx, 1b + 1
  LOOP_END
  mov %ebx, %eax
  DONE

  TRY "lock xadd, lock inc, bts, sete"
  LOOP_BEGIN
  mov $3, %edx
  lock xadd %edx, 1f + 1
  add %edx, %eax
  lock addl $1, 1f + 1
  btsl $20, 1f + 1
  cmp %eax, %eax
  sete 1f + 4
1:mov $0, %edx
  xor %edx, %eax
  LOOP_END
  DONE

  TRY "push onto the code"
  .if BITS == 64
  mov %rsp, %rbp
  mov $0x9090909000000000, %rbx
  .else
  mov %esp, %ebp
  .endif
  LOOP_BEGIN
  .if BITS == 64
  mov $1f + 9, %esp
  lea (%rbx,%rcx), %rdx
  push %rdx
  .else
  mov $1f + 5, %esp
  push %ecx
  .endif
1:mov $0, %edx
  nop
  nop
  nop
  nop
  add %edx, %eax
  LOOP_END
  .if BITS == 64
  mov %rbp, %rsp
  .else
  mov %ebp, %esp
  .endif
  DONE

  TRY "pop to the code"
  LOOP_BEGIN
  .if BITS == 64
  mov $0x9090909000000000, %rbx
  add %rcx, %rbx
  push %rbx
  pop 1f + 1
  .else
  push %ecx
  pop 1f + 1
  .endif
1:mov $0, %edx
  nop
  nop
  nop
  nop
  add %edx, %eax
  LOOP_END
  DONE

  TRY "stosb, next instruction"
  LOOP_BEGIN
  mov %eax, %ebx
  mov %ecx, %eax
  mov $1f + 1, %edi
  stosb
1:mov $0, %edx
  lea (%ebx,%edx), %eax
  LOOP_END
  DONE

  TRY "rep stosb of nops over what follows it"
  xor %eax, %eax
  mov $0x90, %al
  mov $1f, %edi
  mov $10, %ecx
  rep stosb
1:add $0x100, %eax
  add $0x1000, %eax
  DONE

  TRY "rep movsb over what follows it, each round"
  xor %ebx, %ebx
  mov $ROUNDS, %edx
2:mov $patches\suffix, %esi
  test $1, %dl
  je 3f
  add $6, %esi
3:mov $1f, %edi
  mov $6, %ecx
  rep movsb
1:.fill 6, 1, 0x90
  sub $1, %edx
  jne 2b
  mov %ebx, %eax
  DONE

  TRY "std rep movsb over what follows it"
  xor %ebx, %ebx
  mov $patches\suffix + 11, %esi
  mov $1f + 5, %edi
  mov $6, %ecx
  std
  rep movsb
1:.fill 6, 1, 0x90
  cld
  mov %ebx, %eax
  DONE

  TRY "rep movsl, code copied and called, the page used again"
  LOOP_BEGIN
  push %\cx
  mov $one\suffix, %esi
  test $1, %cl
  je 3f
  mov $sixteen\suffix, %esi
3:mov $fresh_page, %edi
  mov $2, %ecx
  rep movsl
  pop %\cx
  call fresh_page
  LOOP_END
  DONE

  TRY "a page full of code, run, then filled with other code"
  xor %eax, %eax
  mov $20, %edx
2:push %\ax
  mov $0x0101c083, %eax           # add $1, %eax; (01 90..) never ends there: three bytes and a nop
  and $0x00ffffff, %eax
  or $0x90000000, %eax
  test $1, %dl
  je 3f
  xor $0x00030000, %eax           # add $2, %eax
3:mov $fresh_page, %edi
  mov $1023, %ecx
  rep stosl
  movl $0xc3, (%edi)
  pop %\ax
  call fresh_page
  sub $1, %edx
  jne 2b
  DONE

  TRY "int3 put in and taken out"
  xor %eax, %eax
  movb $0xcc, 1f
1:add $1, %eax
  DONE
  movb $0x83, 1b

  # SDM vol. 3, 8.1.3; as Linux patches: INT3 over the first byte, then the rest, then the first byte. The handler counts and skips.
  movl $skip\suffix, hooks + 3 * 4
  movl $0, skipped
  TRY "int3, tail, first byte"
  LOOP_BEGIN
  movb $0xcc, 1f
  call 3f
  mov %ecx, 1f + 1
  call 3f
  movb $0xb8 + 2, 1f              # mov $imm32, %edx
  call 3f
  LOOP_END
  jmp 4f
3:xor %edx, %edx
1:mov $0, %edx
  add %edx, %eax
  ret
4:
  DONE
  movl $0, hooks + 3 * 4
  mov skipped, %eax
  PRINT "int3s: "
  HEX
  NEWLINE

  TRY "undefined becomes defined"
  xor %eax, %eax
1:ud2
  add $3, %eax
  DONE
  movw $0x9090, 1b
  TRY "the same again, after it was patched"
  xor %eax, %eax
  movw $0x9090, 1f
1:ud2
  add $3, %eax
  DONE

  # The store comes before the instruction it creates faults, and RIP is that instruction's.
  TRY "a store makes the next instruction fault"
  xor %eax, %eax
  movw $0x0b0f, 1f
1:add $3, %eax
  DONE
.endm

.macro ROUTINES suffix
  .p2align 3
one\suffix:
  add $1, %eax
  ret
  .p2align 3
sixteen\suffix:
  add $16, %eax
  ret
  .p2align 3
patches\suffix:
  add $0x21, %ebx                 # six bytes each
  xor %eax, %eax
  nop
  add $0x300, %ebx
skip\suffix:
  addl $1, skipped
  .if BITS == 64
  addq $4, F64_RIP(%rdi)
  .else
  addl $4, F32_EIP(%edi)
  .endif
  ret
.endm

# An add in the second page, one across the border of the second and the third.
.macro FAR_PAGES suffix
  .p2align 12
far_page\suffix:
  .fill 0xff8, 1, 0x90
  .fill 8, 1, 0x90
  .byte 0xba                      # mov $0, %edx
  .long 0
  add %edx, %eax
  ret
  .fill 0x1000 - 8 - 3, 1, 0x90
  .byte 0xba
  .long 0
  add %edx, %eax
  ret
  .p2align 12
.endm

.data
skipped: .long 0
  .code32
  FAR_PAGES 32
  .code64
  FAR_PAGES 64
.bss
  .p2align 14
pages: .skip 0x4000               # aligned to its size: bit 12 of an address chooses
fresh_page: .skip 0x1000
tpdpt: .skip 0x1000
tpd: .skip 0x1000
tpt: .skip 0x1000
.text
  .p2align 6
USE32
  ROUTINES 32
main:
  PRINT "# 32-bit code\n"
  COMMON 32, eax, ecx
  call enter_long
USE64
  jmp main64
  ROUTINES 64
main64:
  PRINT "# 64-bit code\n"
  COMMON 64, rax, rcx
  call aliases
  call wide
  call others
  EXIT

# --- by way of other linear addresses -------------------------------------------------------------------------------------------------
.set WINDOW, 0x8000000000
.set OPEN, P_P + P_W
aliases:
  PRINT "# aliases\n"
  movl $tpdpt + OPEN, pml4 + 8
  movl $tpd + OPEN, tpdpt
  movl $tpt + OPEN, tpd
  # Pages 0 and 1 of the window are the first of `pages`, page 2 is the second.
  movl $pages + OPEN, tpt
  movl $pages + OPEN, tpt + 8
  movl $pages + 0x1000 + OPEN, tpt + 16
  mov $one64, %esi
  mov $pages, %edi
  movsq
  mov $sixteen64, %esi
  mov $pages + 0x1000, %edi
  movsq
  mov $WINDOW, %rbp

  TRY "written at one address, run at another"
  LOOP_BEGIN
  mov %cl, 2(%rbp)
  lea 0x1000(%rbp), %rbx
  call *%rbx
  LOOP_END
  DONE
  TRY "written at the identity mapped address, run at both"
  LOOP_BEGIN
  mov %cl, pages + 2
  call *%rbp
  lea 0x1000(%rbp), %rbx
  call *%rbx
  LOOP_END
  DONE
  TRY "code that patches itself at another address"
  LOOP_BEGIN
  mov $1f + 1, %ebx
  and $~0xfff, %ebx
  add $OPEN, %ebx
  mov %ebx, tpt + 24
  lea 0x3000(%rbp), %rbx
  invlpg (%rbx)
  mov $1f + 1, %edx
  and $0xfff, %edx
  mov %cl, (%rbx,%rdx)
1:mov $0, %edx
  add %edx, %eax
  LOOP_END
  DONE

  movb $1, pages + 2
  movb $16, pages + 0x1000 + 2
  TRY "remapped, invlpg"
  LOOP_BEGIN
  xorl $0x1000, tpt
  invlpg (%rbp)
  call *%rbp
  LOOP_END
  DONE
  TRY "called, remapped, called"
  LOOP_BEGIN
  call *%rbp
  xorl $0x1000, tpt
  invlpg (%rbp)
  call *%rbp
  call *%rbp
  LOOP_END
  DONE
  TRY "remapped, cr3"
  LOOP_BEGIN
  xorl $0x1000, tpt
  mov %cr3, %rbx
  mov %rbx, %cr3
  call *%rbp
  LOOP_END
  DONE
  TRY "changed while it isn't mapped"
  LOOP_BEGIN
  movl $pages + OPEN, tpt
  invlpg (%rbp)
  call *%rbp
  movl $pages + 0x1000 + OPEN, tpt
  invlpg (%rbp)
  mov %cl, pages + 2
  call *%rbp
  LOOP_END
  DONE
  # The second page of an instruction that lies across two.
  movb $0x05, pages + 0xfff       # add $imm32, %eax
  movl $0x100, pages + 0x2000
  movb $0xc3, pages + 0x2004
  movl $0x1, pages + 0x3000
  movb $0xc3, pages + 0x3004
  movl $pages + OPEN, tpt
  movl $pages + 0x2000 + OPEN, tpt + 8
  mov %cr3, %rbx
  mov %rbx, %cr3
  TRY "across two pages, the second remapped"
  LOOP_BEGIN
  xorl $0x1000, tpt + 8
  lea 0x1000(%rbp), %rbx
  invlpg (%rbx)
  lea 0xfff(%rbp), %rbx
  call *%rbx
  LOOP_END
  DONE
  TRY "across two pages, the second written elsewhere"
  LOOP_BEGIN
  mov %cx, pages + 0x2000
  mov %cx, pages + 0x3000
  call *%rbx
  LOOP_END
  DONE
  mov $EFER, %ecx
  rdmsr
  or $EFER_NXE, %eax
  wrmsr
  TRY "no longer executable", 0
  xor %eax, %eax
  mov %rbp, %rbx
  movb $3, pages + 2
  call *%rbx
  movl $0x80000000, tpt + 4
  invlpg (%rbp)
  call *%rbx
  DONE
  movl $0, tpt + 4
  invlpg (%rbp)
  ret

# --- stores of other widths -----------------------------------------------------------------------------------------------------------
wide:
  PRINT "# stores of other widths\n"
  mov %cr4, %rax
  or $CR4_OSFXSR, %eax
  mov %rax, %cr4
  fninit
  TRY "8 bytes"
  LOOP_BEGIN
  mov $0x90d00100000000ba, %rbx   # mov $0, %edx; add %edx, %eax; nop
  mov %ecx, %edx
  shl $8, %rdx
  or %rdx, %rbx
  mov %rbx, 1f
1:mov $0, %edx
  add %edx, %eax
  nop
  LOOP_END
  DONE
  TRY "movups"
  LOOP_BEGIN
  mov %cl, sse_patch + 1
  mov %cl, sse_patch + 8
  movups sse_patch, %xmm0
  movups %xmm0, 1f
1:.fill 16, 1, 0x90
  LOOP_END
  DONE
  TRY "movss, movlps"
  LOOP_BEGIN
  movd %ecx, %xmm0
  movss %xmm0, 1f + 1
1:mov $0, %edx
  add %edx, %eax
  LOOP_END
  DONE
  TRY "fistp, fstp"
  LOOP_BEGIN
  mov %ecx, scratch
  fildl scratch
  fistpl 1f + 1
1:mov $0, %edx
  add %edx, %eax
  LOOP_END
  DONE
  TRY "lock cmpxchg16b"
  xor %esi, %esi
  mov $ROUNDS, %edi
2:mov block16, %rax
  mov block16 + 8, %rdx
  mov %rax, %rbx
  mov %rdx, %rcx
  add $0x100, %rbx
  lock cmpxchg16b block16
  call block16
  sub $1, %edi
  jne 2b
  mov %esi, %eax
  DONE
  TRY "sgdt, sidt, str"
  xor %eax, %eax
  str 1f + 1
1:mov $0, %eax
  DONE
  TRY "call pushes its return address over code"
  mov %rsp, %rbp
  mov $2f + 9, %esp
  call 1f
2:mov $0x12345678, %eax           # becomes mov $2b, %eax; the high half of the address is add %al, (%rax), twice
  nop
  nop
  nop
  nop
  mov %rbp, %rsp
  sub $2b, %eax
  jmp 3f
1:add $0, %eax
  jmp 2b
3:
  DONE
  ret
.data
sse_patch:
  .byte 0x04, 0, 0x90, 0x90, 0x90, 0x90, 0x90       # add $0, %al
  .byte 0x05, 0, 0, 0, 0, 0x90, 0x90, 0x90, 0x90    # add $0, %eax
  .p2align 4
block16:
  .byte 0xba                      # mov $0, %edx
  .long 0
  add %edx, %esi
  ret
  .fill 8, 1, 0x90
.text

# --- two processors -------------------------------------------------------------------------------------------------------------------
# CPU 1 calls the patched place again and again, with a serializing instruction in each round; CPU 0 waits for whole rounds where the manual asks for
# the other processor's synchronization.
.set ICR_LOW, 0xfee00300
.set ICR_HIGH, 0xfee00310
.set TRAMPOLINE, 0x8000
.set OLD, 0x11111111
.set NEW, 0x2a2a2a2a
.data
  .p2align 2
rounds: .long 0                 # that CPU 1 has begun
stop: .long 0
old_seen: .long 0
new_seen: .long 0
neither_seen: .long 0
.bss
  .skip 0x1000
stack1_top:
.section .rodata
# Real mode, copied to TRAMPOLINE: straight to long mode.
  .code16
trampoline:
  cli
  xor %ax, %ax
  mov %ax, %ds
  lgdtl TRAMPOLINE + trampoline_gdt - trampoline
  mov $CR4_PAE, %eax
  mov %eax, %cr4
  mov $pml4, %eax
  mov %eax, %cr3
  mov $EFER, %ecx
  rdmsr
  or $EFER_LME + EFER_NXE, %eax
  wrmsr
  mov $CR0_PE + CR0_ET + CR0_NE + CR0_PG, %eax
  mov %eax, %cr0
  ljmpl $CODE64, $cpu1
trampoline_gdt:
  .word gdt_end - gdt - 1
  .long gdt
trampoline_end:
.text
  .code64
cpu1:
  mov $DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov $stack1_top, %esp
  lidt idt64_pointer
1:lock addl $1, rounds
  xor %eax, %eax
  cpuid
  call patched
  cmp $OLD, %eax
  jne 2f
  lock addl $1, old_seen
  jmp 1b
2:cmp $NEW, %eax
  jne 3f
  lock addl $1, new_seen
  jmp 1b
3:cmp $-1, %eax                 # skipped over INT3
  je 1b
  cmpl $0, stop
  jne 4f
  lock addl $1, neither_seen
  jmp 1b
4:cli
  hlt
  jmp 4b
  .p2align 3
patched:
  or $-1, %eax
patched_site:
  mov $OLD, %eax                # its immediate is aligned
  ret

# Waits until CPU 1 has begun a round after one that begins after now.
synchronize:
  mov rounds, %eax
1:pause
  mov rounds, %edx
  sub %eax, %edx
  cmp $2, %edx
  jb 1b
  ret

.macro SEEN name, counter
  PRINT "\name "
  mov \counter, %eax
  test %eax, %eax
  setne %al
  movzbl %al, %eax
  HEX 1
.endm
.macro SEEN_ALL
  SEEN "old" old_seen
  SEEN " new" new_seen
  SEEN " neither" neither_seen
  NEWLINE
  movl $0, old_seen
  movl $0, new_seen
.endm

others:
  PRINT "# two processors\n"
  mov $trampoline, %esi
  mov $TRAMPOLINE, %edi
  mov $trampoline_end - trampoline, %ecx
  rep movsb
  mov $ICR_HIGH, %esi
  mov $ICR_LOW, %edi
  movl $1 << 24, (%rsi)
  movl $0x4500, (%rdi)          # INIT
  movl $1 << 24, (%rsi)
  movl $0x4600 + (TRAMPOLINE >> 12), (%rdi)
1:pause
  cmpl $0, rounds
  je 1b

  # An aligned write is seen whole or not at all.
  PRINT "an aligned immediate: "
  mov $1000, %ebx
1:xorl $OLD ^ NEW, patched_site + 1
  test $63, %bl
  jne 2f
  call synchronize
2:sub $1, %ebx
  jne 1b
  SEEN_ALL

  # What was written before a synchronization is what runs after it.
  # ~ TCG invalidates its translation before it stores; the other processor may translate the old code again in between, and keep it.
  PRINT "~what ran after it: "
  xor %ebp, %ebp
  mov $20, %ebx
1:xorl $OLD ^ NEW, patched_site + 1
  call synchronize
  mov old_seen, %esi
  mov new_seen, %edi
  call synchronize
  call synchronize
  mov old_seen, %eax
  mov new_seen, %edx
  cmpl $OLD, patched_site + 1
  je 2f
  xchg %esi, %edi
  xchg %eax, %edx
2:cmp %edi, %edx                # the other one isn't seen any more,
  jne 3f
  cmp %esi, %eax                # this one is
  jne 4f
3:add $1, %ebp
4:sub $1, %ebx
  jne 1b
  mov %ebp, %eax
  HEX
  PRINT " times wrong, "
  SEEN_ALL

  # INT3 over the first byte, then the rest, then the first byte. The handler skips the instruction.
  movl $skip64, hooks + 3 * 4
  movl $0, skipped
  PRINT "int3, tail, first byte: "
  mov $25, %ebx
1:movb $0xcc, patched_site
  call synchronize
  xorb $(OLD ^ NEW) & 0xff, patched_site + 1
  call synchronize
  xorb $(OLD ^ NEW) & 0xff, patched_site + 4
  xorb $(OLD ^ NEW) & 0xff, patched_site + 3
  xorb $(OLD ^ NEW) & 0xff, patched_site + 2
  call synchronize
  movb $0xb8, patched_site
  call synchronize
  call synchronize
  sub $1, %ebx
  jne 1b
  SEEN "traps", skipped
  PRINT " "
  SEEN_ALL

  PRINT "CPU 1 stops\n"
  movl $1, stop
  movl $0, patched_site + 1     # neither: where CPU 1 looks at `stop`
1:mov rounds, %eax
  mov $10000, %ecx
2:pause
  sub $1, %ecx
  jne 2b
  cmp rounds, %eax
  jne 1b
  ret
