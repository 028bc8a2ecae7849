# 4-level paging. SDM vol. 3, 4.5 (formats), 4.6 (access rights), 4.7 (error codes), 4.8 (accessed and dirty), 4.10 (invalidation).
.include "runtime.inc"
.include "long.inc"

# What is tried lies in a translation of its own: PML4E 1, so that nothing the guest itself needs is touched.
.set WINDOW, 0x8000000000
.set W4K, WINDOW                # tpt[0]
.set W2M, WINDOW + 0x200000     # tpd[1]
.set W1G, WINDOW + 0x40000000   # tpdpt[1]
.set PHYSICAL, 0x400000         # what all of them map; identity mapped as well
.set OPEN, P_P + P_W + P_U

.bss
  .p2align 12
tpdpt: .skip 0x1000
tpd: .skip 0x1000
tpt: .skip 0x1000

.data
  .p2align 3
# For each size: name, address, entries from the PML4E to the leaf (0: none), value of the leaf.
sizes:
  .ascii "4K  "
  .long 0
  .quad W4K
  .quad pml4 + 8, tpdpt, tpd, tpt
  .long tpt, 0, PHYSICAL + OPEN, 0
  .ascii "2M  "
  .long 0
  .quad W2M
  .quad pml4 + 8, tpdpt, tpd + 8, 0
  .long tpd + 8, 0, PHYSICAL + OPEN + P_PS, 0
  .ascii "1G  "
  .long 0
  .quad W1G + PHYSICAL
  .quad pml4 + 8, tpdpt + 8, 0, 0
  .long tpdpt + 8, 0, OPEN + P_PS, 0
.set SIZE_ADDRESS, 8
.set SIZE_ENTRIES, 16
.set SIZE_LEAF, 48
.set SIZE_VALUE, 56
.set SIZE_BYTES, 64

# What is taken from one entry, or put into it: name, bits to clear, bits to set in the low and in the high half.
changes:
  .ascii "all", " "
  .long 0, 0, 0
  .ascii "-P", "  "
  .long P_P, 0, 0
  .ascii "-W", "  "
  .long P_W, 0, 0
  .ascii "-U", "  "
  .long P_U, 0, 0
  .ascii "NX", "  "
  .long 0, 0, 0x80000000
  .ascii "-WU", " "
  .long P_W + P_U, 0, 0
changes_end:

operations: .ascii "kr", "kw", "kx", "ur", "uw", "ux"

attempt_code: .long kernel_read, kernel_write, kernel_fetch, user_read_stub, user_write_stub, user_fetch_stub
attempt_rip: .long kernel_read, kernel_write, 0, user_read, user_write, 0

.section .user
  .p2align 4
user_read:
  mov 8(%rsi), %eax
  int $0x80
user_write:
  mov %eax, 8(%rsi)
  int $0x80

.text
USE32
main:
  call enter_long
USE64
  movl $tpdpt + OPEN, pml4 + 8
  movw $0x80cd, PHYSICAL            # int $0x80, for fetches

  PRINT "# rights: WP=0 NXE=0\n"
  call rights
  mov %cr0, %rax
  or $CR0_WP, %eax
  mov %rax, %cr0
  PRINT "# rights: WP=1 NXE=0\n"
  call rights
  mov $EFER, %ecx
  rdmsr
  or $EFER_NXE, %eax
  wrmsr
  PRINT "# rights: WP=1 NXE=1\n"
  call rights
  mov %cr4, %rax
  or $CR4_SMEP, %eax
  mov %rax, %cr4
  PRINT "# rights: WP=1 NXE=1 SMEP\n"
  call rights
  mov %cr4, %rax
  xor $CR4_SMEP + CR4_SMAP, %eax
  mov %rax, %cr4
  PRINT "# rights: WP=1 NXE=1 SMAP AC=0\n"
  clac
  call rights
  PRINT "# rights: WP=1 NXE=1 SMAP AC=1\n"
  stac
  call rights
  clac
  mov %cr0, %rax
  and $~CR0_WP, %eax
  mov %rax, %cr0
  PRINT "# rights: WP=0 NXE=1 SMAP AC=0\n"
  call rights
  mov %cr0, %rax
  or $CR0_WP, %eax
  mov %rax, %cr0
  mov %cr4, %rax
  and $~(CR4_SMEP + CR4_SMAP), %eax
  mov %rax, %cr4

  call reserved
  call canonical
  call invalidation
  call crossing
  call implicit
  EXIT

# --- rights, and accessed and dirty -------------------------------------------------------------------------------------------------

# Every size, every level, every change, every kind of access.
rights:
  mov $sizes, %r12d
1:
  xor %r13d, %r13d                  # level
2:
  mov SIZE_ENTRIES(%r12,%r13,8), %rbp
  test %rbp, %rbp
  je 9f
  mov $changes, %r14d
3:
  # "All" is the same at every level.
  cmp $changes, %r14d
  jne 4f
  test %r13d, %r13d
  jne 8f
4:
  mov %r12d, %esi
  call puts
  cmp $changes, %r14d
  je 5f
  lea levels(,%r13,8), %esi
  call puts
5:
  mov (%r14), %eax
  push $0
  mov %eax, (%rsp)
  mov %esp, %esi
  call puts
  pop %rax
  xor %r15d, %r15d                  # operation
6:
  call fresh
  mov (%rbp), %rax
  mov 4(%r14), %ecx
  not %rcx
  and %rcx, %rax
  mov 12(%r14), %ecx
  shl $32, %rcx
  or %rcx, %rax
  mov %rax, (%rbp)
  call attempt
  inc %r15d
  cmp $6, %r15d
  jb 6b
  NEWLINE
8:
  add $16, %r14d
  cmp $changes_end, %r14d
  jb 3b
  inc %r13d
  cmp $4, %r13d
  jb 2b
9:
  add $SIZE_BYTES, %r12d
  cmp $sizes + 3 * SIZE_BYTES, %r12d
  jb 1b
  call fresh
  ret

.section .rodata
levels: .asciz "pml4e  ", "pdpte  ", "pde    ", "pte    "
.text
# Fills the tables for the size at R12 anew: everything allowed, nothing accessed.
fresh:
  mov %cr3, %rax
  movl $tpdpt + OPEN, pml4 + 8
  movl $0, pml4 + 12
  movl $tpd + OPEN, tpdpt
  movl $0, tpdpt + 4
  movl $tpt + OPEN, tpd
  movl $0, tpd + 4
  mov SIZE_LEAF(%r12), %ecx
  mov SIZE_VALUE(%r12), %rdx
  mov %rdx, (%rcx)
  mov %rax, %cr3
  ret

# Tries operation R15 on the size at R12 and prints what came of it: `ok` or the page fault's error code, then the leaf's A and D. A `!` says what is wrong:
# an entry above the leaf that isn't accessed though the access succeeded, CR2, or RIP.
attempt:
  mov $' ', %al
  out %al, $0xe9
  mov operations(,%r15,2), %ax
  out %al, $0xe9
  mov %ah, %al
  out %al, $0xe9
  mov $'=', %al
  out %al, $0xe9
  mov SIZE_ADDRESS(%r12), %rsi
  TRY_QUIETLY
  mov attempt_code(,%r15,4), %eax
  jmp *%rax
attempted:
  CAUGHT
  mov rec + REC_VECTOR, %eax
  cmp $NONE, %eax
  je 1f
  cmp $0x80, %eax
  je 1f
  cmp $14, %eax
  je 2f
  call report
  jmp 9f
1:
  PRINT "ok:"
  # Everything above the leaf is accessed.
  xor %ecx, %ecx
3:
  mov SIZE_ENTRIES(%r12,%rcx,8), %rbx
  test %rbx, %rbx
  je 4f
  testb $P_A, (%rbx)
  jne 5f
  PRINT "!A"
5:
  inc %ecx
  cmp $4, %ecx
  jb 3b
  jmp 4f
2:
  mov rec + REC_ERROR, %eax
  HEX 2
  PRINT ":"
  # A fetch faults at its first byte, a datum at its own.
  mov SIZE_ADDRESS(%r12), %rax
  mov %rax, %rdx
  mov attempt_rip(,%r15,4), %ecx
  test %ecx, %ecx
  je 6f
  add $8, %rax
  mov %rcx, %rdx
6:
  cmp %rax, rec + REC_CR2
  je 7f
  PRINT "!cr2"
7:
  cmp %rdx, rec + REC_RIP
  je 4f
  PRINT "!rip"
4:
  mov rec + REC_VECTOR, %ecx
  mov SIZE_LEAF(%r12), %ebx
  testb $P_A, (%rbx)
  je 8f
  # TCG marks a 1 GiB page accessed before it looks at the rights. The manual doesn't quite forbid that, so a fault says nothing of it.
  cmp $14, %ecx
  jne 7f
  cmp $sizes + 2 * SIZE_BYTES, %r12d
  je 8f
7:
  PRINT "A"
8:
  testb $P_D, (%rbx)
  je 9f
  PRINT "D"
9:
  ret

kernel_read:
  mov 8(%rsi), %eax
  jmp attempted
kernel_write:
  mov %eax, 8(%rsi)
  jmp attempted
kernel_fetch:
  jmp *%rsi
user_read_stub:
  mov $user_read, %eax
  jmp to_user
user_write_stub:
  mov $user_write, %eax
  jmp to_user
user_fetch_stub:
  mov %rsi, %rax
to_user:
  push $UDATA
  push $user_stack_top
  pushfq
  push $UCODE64
  push %rax
  iretq

# --- reserved bits ------------------------------------------------------------------------------------------------------------------
# MAXPHYADDR is 40 here and in TCG.

# Writes a whole entry and reads through the window of `size` (0, 1, 2).
.macro ENTRY_TRY name, size, entry, low, high
  mov $sizes + \size * SIZE_BYTES, %r12d
  call fresh
  movl $\low, \entry
  movl $\high, \entry + 4
  mov SIZE_ADDRESS(%r12), %rsi
  TRY "\name"
  mov 8(%rsi), %eax
  REPORT
.endm

reserved:
  PRINT "# reserved bits\n"
  ENTRY_TRY "pml4e PS", 0, pml4 + 8, tpdpt + OPEN + P_PS, 0
  ENTRY_TRY "pml4e bit 40", 0, pml4 + 8, tpdpt + OPEN, 0x100
  ENTRY_TRY "pml4e bit 51", 0, pml4 + 8, tpdpt + OPEN, 0x80000
  ENTRY_TRY "pml4e bits 52-62 ignored", 0, pml4 + 8, tpdpt + OPEN, 0x7ff00000
  ENTRY_TRY "pml4e bits 9-11 ignored", 0, pml4 + 8, tpdpt + OPEN + 0xe00, 0
  ENTRY_TRY "pdpte bit 45", 0, tpdpt, tpd + OPEN, 0x2000
  ENTRY_TRY "pde bit 41", 0, tpd, tpt + OPEN, 0x200
  ENTRY_TRY "pte bit 51", 0, tpt, PHYSICAL + OPEN, 0x80000
  ENTRY_TRY "pte bits 52-58 ignored", 0, tpt, PHYSICAL + OPEN, 0x07f00000
  ENTRY_TRY "pte PWT PCD PAT", 0, tpt, PHYSICAL + OPEN + 0x98, 0
  ENTRY_TRY "not present: nothing is reserved", 0, tpt, 0xfffffffe, 0x7fffffff
  ENTRY_TRY "2M bit 13", 1, tpd + 8, PHYSICAL + OPEN + P_PS + 0x2000, 0
  ENTRY_TRY "2M bit 20", 1, tpd + 8, PHYSICAL + OPEN + P_PS + 0x100000, 0
  ENTRY_TRY "2M bit 12 is PAT", 1, tpd + 8, PHYSICAL + OPEN + P_PS + 0x1000, 0
  ENTRY_TRY "2M bit 50", 1, tpd + 8, PHYSICAL + OPEN + P_PS, 0x40000
  ENTRY_TRY "1G bit 13", 2, tpdpt + 8, OPEN + P_PS + 0x2000, 0
  ENTRY_TRY "1G bit 29", 2, tpdpt + 8, OPEN + P_PS + 0x20000000, 0
  ENTRY_TRY "1G bit 12 is PAT", 2, tpdpt + 8, OPEN + P_PS + 0x1000, 0
  # The reserved bit outranks the missing right.
  ENTRY_TRY "pte bit 51, read only, write", 0, tpt, PHYSICAL + P_P, 0x80000
  # CR3: bits above MAXPHYADDR.
  mov %cr3, %rbp
  # ~ TCG 7.2 takes it and walks nowhere. SDM vol. 2, MOV to control registers: #GP(0) for a reserved bit.
  call is_tcg
  je 1f
  mov %rbp, %rax
  bts $40, %rax
  TRY "~cr3 bit 40"
  mov %rax, %cr3
  REPORT
1:
  mov $sizes, %r12d
  call fresh
  ret

# --- canonical addresses ------------------------------------------------------------------------------------------------------------
canonical:
  PRINT "# canonical addresses\n"
  mov $0x800000000000, %rsi
  TRY "read 0000800000000000"
  mov (%rsi), %eax
  REPORT
  mov $0xffff7fffffffffff, %rsi
  TRY "write ffff7fffffffffff"
  mov %al, (%rsi)
  REPORT
  mov $0x7fffffffffff, %rsi
  TRY "read 00007fffffffffff: not mapped"
  mov (%rsi), %al
  REPORT
  mov $0xffff800000000000, %rsi
  TRY "read ffff800000000000: not mapped"
  mov (%rsi), %al
  REPORT
  mov $0x800000000000, %rbp
  TRY "~read through rbp"
  mov (%rbp), %eax
  REPORT
  # With a stack pointer like that the handlers need stacks of their own.
  movl $stack0_top, tss + 36
  movb $1, idt64 + 12 * 16 + 4
  movb $1, idt64 + 13 * 16 + 4
  movb $1, idt64 + 14 * 16 + 4
  TRY "push", 1f
  mov $0x800000000000, %rsp
1:push %rax
  REPORT
  # ~ TCG raises #GP wherever the manual has #SS: for what the stack segment would serve.
  TRY "~push, not canonical", 1f
  mov $0x800000000010, %rsp
1:push %rax
  REPORT
  TRY "~call", 1f
  mov $0xffff700000000000, %rsp
1:call puts
  REPORT
  TRY "~pop", 1f
  mov $0x800000000000, %rsp
1:pop %rax
  REPORT
  TRY "push of memory", 1f
  mov $0x800000000000, %rsi
1:push (%rsi)
  REPORT
  TRY "~ret, stack", 1f
  mov $0xffff700000000000, %rsp
1:ret
  REPORT
  TRY "~leave", 1f
1:leave
  REPORT
  TRY "stack pointer as a base with an fs override", 1f
  mov $0x800000000000, %rsp
1:mov %fs:(%rsp), %eax
  REPORT
  mov $0x800000000000, %rsi
  # ~ SDM vol. 2, JMP, CALL, RET: the instruction faults, before anything is pushed or popped. TCG (like AMD's processors) faults at the target.
  TRY "~jmp"
  jmp *%rsi
  REPORT
  TRY "~call to"
  call *%rsi
  REPORT_AND
  PRINT " stack "
  mov rec + REC_SP, %rax
  sub rec + REC_RSP, %rax
  HEX 4
  NEWLINE
  push %rsi
  TRY "~ret"
  ret
  REPORT
  pop %rsi
  TRY "lea"
  lea 8(%rsi), %rax
  REPORT
  TRY "invlpg"
  invlpg (%rsi)
  REPORT
  TRY "prefetch"
  prefetcht0 (%rsi)
  REPORT
  # ~ A no-op in TCG. SDM vol. 2, CLFLUSH: #GP(0).
  TRY "~clflush"
  clflush (%rsi)
  REPORT
  movw $0xff, scratch
  mov %rsi, scratch + 2
  # ~ TCG loads any base. SDM vol. 2, LGDT: #GP(0) when the base isn't canonical.
  TRY "~lgdt"
  lgdt scratch
  REPORT
  lgdt gdt_pointer
  mov $0xc0000100, %ecx
  xor %eax, %eax
  mov $0x8000, %edx
  # ~ TCG takes it.
  TRY "~wrmsr fs base"
  wrmsr
  REPORT
  xor %edx, %edx
  wrmsr
  mov $0xc0000101, %ecx
  xor %eax, %eax
  mov $0x7fff, %edx
  wrmsr
  mov $0x100000000, %rsi
  TRY "gs base + offset"
  mov %gs:(%rsi), %eax
  REPORT
  xor %edx, %edx
  wrmsr
  movb $0, idt64 + 12 * 16 + 4
  movb $0, idt64 + 13 * 16 + 4
  ret

# --- invalidation -------------------------------------------------------------------------------------------------------------------
# Only what the manual promises.
.macro SHOW name
  PRINT "\name: "
  mov 16(%rsi), %eax
  HEX 8
  NEWLINE
.endm

invalidation:
  PRINT "# invalidation\n"
  movl $0x11111111, PHYSICAL + 16
  movl $0x22222222, PHYSICAL + 0x1000 + 16
  mov $sizes, %r12d
  call fresh
  mov $W4K, %rsi
  movl $PHYSICAL + OPEN, tpt
  invlpg (%rsi)
  SHOW "first"
  movl $PHYSICAL + 0x1000 + OPEN, tpt
  invlpg (%rsi)
  SHOW "changed, invlpg"
  movl $PHYSICAL + OPEN, tpt
  invlpg 0xfff(%rsi)
  SHOW "changed, invlpg of the last byte"
  movl $PHYSICAL + 0x1000 + OPEN, tpt
  mov %cr3, %rax
  mov %rax, %cr3
  SHOW "changed, cr3"
  # Nothing that isn't present is cached: no invalidation is needed.
  movl $0, tpt
  invlpg (%rsi)
  TRY "not present"
  mov 16(%rsi), %eax
  REPORT
  movl $PHYSICAL + OPEN, tpt
  SHOW "present, no invlpg"
  # A page that was only read gets its dirty bit with the first write.
  movl $PHYSICAL + OPEN, tpt
  invlpg (%rsi)
  mov 16(%rsi), %eax
  PRINT "read, then written:"
  mov tpt, %eax
  and $P_A + P_D, %eax
  call space_hex2
  mov %eax, 32(%rsi)
  mov tpt, %eax
  and $P_A + P_D, %eax
  call space_hex2
  NEWLINE
  # Read-modify-write marks it too, and a compare that fails.
  andl $~(P_A + P_D), tpt
  invlpg (%rsi)
  mov $0x12345678, %eax
  lock cmpxchg %ecx, 16(%rsi)
  PRINT "cmpxchg that fails:"
  mov tpt, %eax
  and $P_A + P_D, %eax
  call space_hex2
  NEWLINE
  # Global pages.
  mov %cr4, %rax
  or $CR4_PGE, %eax
  mov %rax, %cr4
  movl $PHYSICAL + 0x1000 + OPEN + P_G, tpt
  invlpg (%rsi)
  SHOW "global"
  movl $PHYSICAL + OPEN + P_G, tpt
  invlpg (%rsi)
  SHOW "global changed, invlpg"
  movl $PHYSICAL + 0x1000 + OPEN + P_G, tpt
  mov %cr4, %rax
  and $~CR4_PGE, %eax
  mov %rax, %cr4
  SHOW "global changed, PGE off"
  mov %cr4, %rax
  or $CR4_PGE, %eax
  mov %rax, %cr4
  mov 16(%rsi), %eax
  movl $PHYSICAL + OPEN, tpt
  mov %cr4, %rax
  and $~CR4_PGE, %eax
  mov %rax, %cr4
  or $CR4_PGE, %eax
  mov %rax, %cr4
  SHOW "global changed, PGE off and on"
  # G without PGE is ignored.
  mov %cr4, %rax
  and $~CR4_PGE, %eax
  mov %rax, %cr4
  movl $PHYSICAL + OPEN + P_G, tpt
  invlpg (%rsi)
  mov 16(%rsi), %eax
  movl $PHYSICAL + 0x1000 + OPEN + P_G, tpt
  mov %cr3, %rax
  mov %rax, %cr3
  SHOW "G without PGE, cr3"
  # A large page: INVLPG anywhere in it.
  mov $sizes + SIZE_BYTES, %r12d
  call fresh
  mov $W2M, %rsi
  movl $0x33333333, PHYSICAL + 0x200000 + 16
  movl $0x44444444, PHYSICAL + 0x201000 + 16
  SHOW "2M"
  mov 0x1000 + 16(%rsi), %eax
  mov 0x1ff000 + 16(%rsi), %eax
  movl $PHYSICAL + 0x200000 + OPEN + P_PS, tpd + 8
  invlpg 0x123456(%rsi)
  SHOW "2M changed, invlpg inside"
  add $0x1000, %rsi
  SHOW "2M changed, another piece"
  # A higher entry: INVLPG forgets what it led to for this address.
  mov $sizes, %r12d
  call fresh
  mov $W4K, %rsi
  SHOW "by way of a pde"
  movl $PHYSICAL + OPEN + P_PS, tpd
  movl $0x55555555, PHYSICAL + 16
  invlpg (%rsi)
  SHOW "pde is a large page now"
  # WP, NXE and SMEP changes take effect at once.
  mov $sizes, %r12d
  call fresh
  movl $PHYSICAL + P_P, tpt
  invlpg (%rsi)
  mov %cr0, %rax
  and $~CR0_WP, %eax
  mov %rax, %cr0
  TRY "WP off"
  mov %al, 32(%rsi)
  REPORT
  mov %cr0, %rax
  or $CR0_WP, %eax
  mov %rax, %cr0
  TRY "WP on"
  mov %al, 32(%rsi)
  REPORT
  call fresh
  ret

space_hex2:
  push %rax
  mov $' ', %al
  out %al, $0xe9
  pop %rax
  HEX 2
  ret

# --- accesses across pages ----------------------------------------------------------------------------------------------------------

# tpt[0] maps PHYSICAL writable, tpt[1] is `second`. RSI is the last 4 bytes of the first page.
.macro PAIR first=PHYSICAL+OPEN, second=0
  movl $\first, tpt
  movl $\second, tpt + 8
  mov %cr3, %rax
  mov %rax, %cr3
  mov $W4K + 0xffc, %rsi
.endm
# What the first page's end and the second page's beginning hold.
.macro ENDS
  PRINT " "
  mov PHYSICAL + 0xffc, %eax
  HEX 8
  PRINT " "
  mov PHYSICAL + 0x1000, %eax
  HEX 8
  NEWLINE
.endm

.macro SHOW_STRING
  CAUGHT
  cld
  call report
  mov %ecx, %eax
  PRINT " rcx "
  HEX 2
  mov %esi, %eax
  PRINT " rsi "
  HEX 8
  mov %edi, %eax
  PRINT " rdi "
  HEX 8
  NEWLINE
.endm

.set SECOND, PHYSICAL + 0x1000

crossing:
  PRINT "# accesses across pages\n"
  mov $sizes, %r12d
  call fresh
  movl $0xaaaaaaaa, PHYSICAL + 0xffc
  movl $0xbbbbbbbb, SECOND
  mov $0x1122334455667788, %rdx
  PAIR
  TRY "write, second not present"
  mov %rdx, (%rsi)
  REPORT_AND
  ENDS
  PAIR second=SECOND+P_P+P_U
  TRY "write, second read only"
  mov %rdx, (%rsi)
  REPORT_AND
  ENDS
  PAIR 0, SECOND+OPEN
  TRY "write, first not present"
  mov %rdx, (%rsi)
  REPORT_AND
  ENDS
  PAIR 0, 0
  TRY "write, neither present"
  mov %rdx, (%rsi)
  REPORT
  PAIR PHYSICAL+P_P, 0
  TRY "write, first read only, second not present"
  mov %rdx, (%rsi)
  REPORT
  PAIR
  TRY "read, second not present"
  mov (%rsi), %rax
  REPORT
  PAIR
  # ~ Whether a read-modify-write instruction that finds no page was reading or writing is not said. TCG: reading.
  TRY "~add, second not present"
  add %rdx, (%rsi)
  REPORT_AND
  ENDS
  PAIR second=SECOND+P_P
  TRY "add, second read only"
  add %rdx, (%rsi)
  REPORT_AND
  ENDS
  PAIR second=SECOND+P_P
  TRY "lock xadd, second read only"
  lock xadd %rdx, (%rsi)
  REPORT_AND
  ENDS
  PAIR second=SECOND+P_P
  TRY "xchg, second read only"
  xchg %rdx, (%rsi)
  REPORT_AND
  ENDS
  PAIR second=SECOND+P_P
  mov $0x1234, %eax
  TRY "cmpxchg that fails, second read only"
  cmpxchg %rdx, (%rsi)
  REPORT_AND
  ENDS
  PAIR
  TRY "push, second not present"
  mov $W4K + 0x1004, %rsp
  push %rdx
  REPORT_AND
  ENDS
  PAIR
  TRY "pop to memory, second not present"
  push %rdx
  pop (%rsi)
  REPORT_AND
  mov rec + REC_SP, %rax
  sub rec + REC_RSP, %rax
  PRINT " stack "
  HEX 4
  NEWLINE
  mov %cr4, %rax
  or $CR4_OSFXSR, %eax
  mov %rax, %cr4
  movq %rdx, %xmm0
  punpcklqdq %xmm0, %xmm0
  PAIR
  TRY "movups, second not present"
  movups %xmm0, -8(%rsi)
  REPORT_AND
  ENDS
  PAIR second=SECOND+P_P
  # ~ TCG stores 8 bytes, then faults. SDM vol. 3, 6.5: a fault leaves the state as it was before the instruction.
  TRY "~movups, second read only"
  movups %xmm0, -4(%rsi)
  REPORT_AND
  ENDS
  movl $0xaaaaaaaa, PHYSICAL + 0xffc
  PAIR
  fninit
  fldpi
  TRY "fstpt, second not present"
  fstpt (%rsi)
  REPORT_AND
  ENDS
  PAIR
  TRY "fnsave, second not present"
  fnsave -8(%rsi)
  REPORT
  PAIR second=SECOND+OPEN
  TRY "write, both present"
  mov %rdx, (%rsi)
  REPORT_AND
  ENDS
  PRINT "A and D of both:"
  mov tpt, %eax
  and $P_A + P_D, %eax
  call space_hex2
  mov tpt + 8, %eax
  and $P_A + P_D, %eax
  call space_hex2
  NEWLINE
  # The two pages needn't be neighbours in memory.
  PAIR second=PHYSICAL+0x3000+OPEN
  movl $0xcccccccc, PHYSICAL + 0x3000
  PRINT "read, pages apart: "
  mov (%rsi), %rax
  shr $32, %rax
  HEX 8
  NEWLINE

  # Repeated string instructions stop where they fault; the registers say how far they came.
  PAIR
  mov $0x5a, %al
  mov %rsi, %rdi
  mov $16, %ecx
  TRY "rep stosb, second not present"
  rep stosb
  REPORT_AND
  ENDS
  PAIR
  mov $PHYSICAL + 0x2000, %esi
  mov $W4K + 0xffd, %rdi
  mov $16, %ecx
  TRY "rep movsb, second not present"
  rep movsb
  SHOW_STRING
  PAIR
  mov $W4K + 0xff9, %rsi
  mov $PHYSICAL + 0x2000, %edi
  mov $16, %ecx
  TRY "rep movsw, source across"
  rep movsw
  SHOW_STRING
  PAIR
  # From the end down, in words; the border is inside one of them.
  movl $SECOND + OPEN, tpt + 8
  movl $0, tpt
  mov %cr3, %rax
  mov %rax, %cr3
  mov $PHYSICAL + 0x2000, %esi
  mov $W4K + 0x1003, %rdi
  mov $16, %ecx
  std
  TRY "std rep movsw, first not present"
  rep movsw
  SHOW_STRING
  PAIR
  movl $0, PHYSICAL + 0xffc
  mov $W4K + 0xffc, %rdi
  mov $16, %ecx
  xor %eax, %eax
  TRY "repe scasb, second not present"
  repe scasb
  SHOW_STRING

  # Instruction fetch.
  movw $0xc083, PHYSICAL + 0xffe      # add $imm8, %eax: the immediate is beyond
  movw $0x80cd, PHYSICAL + 0xffc
  PAIR
  lea 2(%rsi), %rsi
  TRY "fetch, second not present"
  jmp *%rsi
  CAUGHT
  mov rec + REC_RIP, %eax
  push %rax
  movl $0, rec + REC_TRY
  call report
  pop %rax
  NEWLINE
  PAIR second=SECOND+OPEN
  movl $0x80000000, tpt + 12
  mov %cr3, %rax
  mov %rax, %cr3
  lea 2(%rsi), %rsi
  TRY "fetch, second not executable", 0
  jmp *%rsi
  REPORT
  movl $0, tpt + 12
  # An instruction that ends with the page needs nothing of the next.
  PAIR
  TRY "fetch up to the end of the page", 0
  jmp *%rsi
  REPORT
  # The fetch faults before the operand is looked at, and an instruction is whole before it is undefined.
  movw $0x0b0f, PHYSICAL + 0xffe      # ud2
  PAIR
  lea 2(%rsi), %rsi
  TRY "ud2 at the end of the page", 0
  jmp *%rsi
  REPORT
  movb $0x0f, PHYSICAL + 0xfff
  PAIR
  lea 3(%rsi), %rsi
  TRY "half an opcode at the end of the page", 0
  jmp *%rsi
  REPORT
  mov $sizes, %r12d
  call fresh
  ret

# --- accesses that the processor makes by itself --------------------------------------------------------------------------------------
# SDM vol. 3, 4.6.1: descriptor tables and the TSS are read with supervisor rights at any CPL, and AC doesn't help against SMAP.
.section .user
  .p2align 4
user_load_ds:
  mov $UDATA, %eax
  mov %eax, %ds
  int $0x80
user_load_far:
  mov %rsi, %rax
  mov %eax, %ds
  int $0x80
.text
# The GDT seen through W4K, with the given rights.
.macro GDT_AT rights
  mov $gdt, %eax
  and $~0xfff, %eax
  add $\rights, %eax
  mov %eax, tpt
  movl $0, tpt + 4
  mov $W4K, %rax
  invlpg (%rax)
.endm
implicit:
  PRINT "# implicit accesses\n"
  mov $sizes, %r12d
  call fresh
  GDT_AT P_P+P_W
  # The GDT spans two pages at most; the second stands behind the first.
  mov tpt, %eax
  add $0x1000, %eax
  mov %eax, tpt + 8
  mov $gdt, %eax
  and $0xfff, %eax
  mov $W4K, %rbp
  add %rax, %rbp
  movw $gdt_end - gdt - 1, scratch
  mov %rbp, scratch + 2
  lgdt scratch
  TRY_USER "segment load at CPL 3, GDT in a supervisor page", user_load_ds
  REPORT
  # A selector whose descriptor isn't accessed yet, in a read-only page: the bit must be written. WP is set.
  movl $0x0000ffff, gdt_free
  movl $0x00cff200, gdt_free + 4
  GDT_AT P_P
  mov $FREE + 3, %esi
  mov $FREE, %ecx
  TRY "accessed bit, GDT read only, CPL 0"
  mov %ecx, %ds
  CAUGHT
  call report_offset
  GDT_AT P_P+P_W
  TRY "accessed bit, GDT writable"
  mov %ecx, %ds
  REPORT_AND
  PRINT " "
  mov gdt_free + 4, %eax
  HEX 8
  NEWLINE
  GDT_AT P_P
  TRY "already accessed, GDT read only"
  mov %ecx, %ds
  REPORT
  lgdt gdt_pointer
  # A page of the GDT that is missing, for a selector that only ring 3 loads: the error code says supervisor.
  movw $0xffff, scratch
  mov $W4K + 0x1000, %rbp
  sub $0x1000, %rbp
  call two_part_gdt
  lgdt scratch
  mov $0x1003, %esi
  TRY_USER "segment load at CPL 3, GDT not present", user_load_far
  REPORT
  # SMAP: the tables are in a user page. AC makes no difference.
  movl $PHYSICAL + 0x1000 + OPEN, tpt + 8
  mov $W4K + 0x1000, %rax
  invlpg (%rax)
  movl $0x0000ffff, PHYSICAL + 0x1000
  movl $0x00cff300, PHYSICAL + 0x1004
  mov %cr4, %rax
  or $CR4_SMAP, %eax
  mov %rax, %cr4
  mov $0x1000, %esi
  TRY "SMAP, GDT in a user page, CPL 0 AC=0"
  mov %esi, %ds
  REPORT
  # ~ TCG takes AC into account for implicit accesses at CPL 0.
  stac
  TRY "~SMAP, GDT in a user page, CPL 0 AC=1"
  mov %esi, %ds
  REPORT
  clac
  mov $0x1003, %esi
  TRY_USER "SMAP, GDT in a user page, CPL 3", user_load_far
  REPORT
  TRY_USER "SMAP, GDT in a user page, CPL 3 AC=1", user_load_far, EFL_AC+2
  REPORT
  mov %cr4, %rax
  and $~CR4_SMAP, %eax
  mov %rax, %cr4
  mov $0x1003, %esi
  TRY_USER "GDT in a user page, CPL 3", user_load_far
  REPORT
  lgdt gdt_pointer
  mov $DATA, %eax
  mov %eax, %ds
  # The stack of the handler, from the TSS: written with supervisor rights, and a page fault there is a double fault, with #DF on an IST stack.
  movb $1, idt64 + 8 * 16 + 4
  movl $stack0_top, tss + 36
  movl $0, tss + 40
  mov $W4K + 0x1000, %rax
  mov %rax, tss + 4
  movl $PHYSICAL + OPEN, tpt
  mov $W4K, %rax
  invlpg (%rax)
  TRY_USER "ring 0 stack in a user page", user_load_ds
  REPORT
  movl $PHYSICAL + P_P + P_U, tpt
  mov $W4K, %rax
  invlpg (%rax)
  mov $UDATA, %esi
  TRY_USER "ring 0 stack read only, INT 80H", user_load_far
  REPORT
  mov $0x7770, %esi
  TRY_USER "ring 0 stack read only, #GP", user_load_far
  REPORT
  movb $0, idt64 + 14 * 16 + 4
  TRY_USER "ring 0 stack read only, #PF", user_read
  REPORT
  movl $stack0_top, tss + 4
  movl $0, tss + 8
  mov $sizes, %r12d
  call fresh
  ret

# Like REPORT, but CR2 as an offset within the GDT, which lies wherever the linker put it, and to 8 bytes: how the bit is written is not said.
report_offset:
  mov rec + REC_CR2, %rax
  mov $gdt_free, %ecx
  and $0xfff, %ecx
  sub %rcx, %rax
  and $~7, %rax
  mov %rax, rec + REC_CR2
  call report
  NEWLINE
  mov $FREE, %ecx
  ret

# RBP: where a GDT is to begin, on a page. Its first page is ours, the second (selectors from 1000H) is tpt[1], not present.
two_part_gdt:
  mov %rbp, scratch + 2
  mov $gdt, %esi
  mov $PHYSICAL + 0x2000, %edi
  mov $(gdt_end - gdt) / 8, %ecx
  rep movsq
  movl $PHYSICAL + 0x2000 + P_P + P_W, tpt
  movl $0, tpt + 8
  mov %cr3, %rax
  mov %rax, %cr3
  ret
