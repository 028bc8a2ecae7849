# 32-bit and PAE paging. SDM vol. 3, 4.3, 4.4, 4.6 to 4.8. What both share with 4-level paging is tried in full in paging64.s.
.include "runtime.inc"

.set WINDOW, 0x40000000
.set PHYSICAL, 0x400000
.set OPEN, P_P + P_W + P_U

.bss
  .p2align 12
directory: .skip 0x1000
table: .skip 0x1000       # of the window
low_table: .skip 0x2000
pae_directories: .skip 0x4000
pae_table: .skip 0x1000
pae_low_table: .skip 0x1000
  .p2align 5
pdpt: .skip 32
other_pdpt: .skip 32

.data
  .p2align 2
# For each size: name, address, entries from the top to the leaf (0: none), value of the leaf, number of changes.
.set SIZE_ADDRESS, 8
.set SIZE_ENTRIES, 12
.set SIZE_LEAF, 24
.set SIZE_VALUE, 28
.set SIZE_CHANGES, 32
.set SIZE_BYTES, 36
size_4k:
  .asciz "4K     "
  .long WINDOW, directory + 0x400, table, 0, table, PHYSICAL + OPEN, changes_nx
size_4m:
  .asciz "4M     "
  .long WINDOW + 0x400000, directory + 0x404, 0, 0, directory + 0x404, PHYSICAL + OPEN + P_PS, changes_nx
size_pae_4k:
  .asciz "PAE 4K "
  .long WINDOW, pae_directories + 0x1000, pae_table, 0, pae_table, PHYSICAL + OPEN, changes_end
size_pae_2m:
  .asciz "PAE 2M "
  .long WINDOW + 0x200000, pae_directories + 0x1008, 0, 0, pae_directories + 0x1008, PHYSICAL + OPEN + P_PS, changes_end

changes:
  .ascii "all", " "
  .long 0, 0
  .ascii "-P", "  "
  .long P_P, 0
  .ascii "-W", "  "
  .long P_W, 0
  .ascii "-U", "  "
  .long P_U, 0
  .ascii "-WU", " "
  .long P_W + P_U, 0
changes_nx:
  .ascii "NX", "  "
  .long 0, 0x80000000
changes_end:
levels: .asciz "pde    ", "pte    "
operations: .ascii "kr", "kw", "kx", "ur", "uw", "ux"
  .p2align 2
attempt_code: .long kernel_read, kernel_write, kernel_fetch, user_read_stub, user_write_stub, user_fetch_stub
attempt_rip: .long kernel_read, kernel_write, 0, user_read, user_write, 0
size: .long 0
level: .long 0
change: .long 0
operation: .long 0

.section .user
  .p2align 4
user_read:
  mov 8(%esi), %eax
  int $0x80
user_write:
  mov %eax, 8(%esi)
  int $0x80

.text
main:
  movw $0x80cd, PHYSICAL            # int $0x80, for fetches
  call tables
  mov $directory, %eax
  mov %eax, %cr3
  # Without CR4.PSE bit 7 of a PDE means nothing: `directory` has none of them yet.
  mov %cr0, %eax
  or $CR0_PG, %eax
  mov %eax, %cr0

  PRINT "# 32-bit paging, WP=0\n"
  movl $size_4k, size
  call rights
  movl $table + OPEN + P_PS, directory + 0x400
  mov $WINDOW, %esi
  invlpg (%esi)
  TRY "no PSE: PS is ignored"
  mov 8(%esi), %eax
  REPORT
  mov $CR4_PSE, %eax
  mov %eax, %cr4
  call fresh
  movl $size_4m, size
  call rights
  mov %cr0, %eax
  or $CR0_WP, %eax
  mov %eax, %cr0
  PRINT "# 32-bit paging, WP=1\n"
  call all32
  mov %cr4, %eax
  or $CR4_SMEP, %eax
  mov %eax, %cr4
  PRINT "# 32-bit paging, WP=1 SMEP\n"
  call all32
  mov %cr4, %eax
  xor $CR4_SMEP + CR4_SMAP, %eax
  mov %eax, %cr4
  PRINT "# 32-bit paging, WP=1 SMAP\n"
  call all32
  mov $CR4_PSE, %eax
  mov %eax, %cr4
  call bits32
  call implicit32
  call to_pae
  PRINT "# PAE, WP=1 NXE=0\n"
  call all_pae
  mov $EFER, %ecx
  rdmsr
  or $EFER_NXE, %eax
  wrmsr
  PRINT "# PAE, WP=1 NXE=1\n"
  call all_pae
  mov %cr4, %eax
  or $CR4_SMEP + CR4_SMAP, %eax
  mov %eax, %cr4
  PRINT "# PAE, WP=1 NXE=1 SMEP SMAP\n"
  call all_pae
  mov $CR4_PAE, %eax
  mov %eax, %cr4
  call bits_pae
  call pdptes
  EXIT

all32:
  movl $size_4k, size
  call rights
  movl $size_4m, size
  jmp rights
all_pae:
  movl $size_pae_4k, size
  call rights
  movl $size_pae_2m, size
  jmp rights

# --- tables -------------------------------------------------------------------------------------------------------------------------

# The first 8 MiB in 4 KiB pages, `.user` open to ring 3.
tables:
  movl $low_table + OPEN, directory
  movl $low_table + 0x1000 + OPEN, directory + 4
  mov $low_table, %edi
  mov $P_P + P_W, %eax
1:
  mov %eax, (%edi)
  cmp $user_begin, %eax
  jb 2f
  cmp $user_end, %eax
  jae 2f
  orl $P_U, (%edi)
2:
  add $4, %edi
  add $0x1000, %eax
  cmp $0x800000, %eax
  jb 1b
  ret

# Fills the window's entries for `size`.
fresh:
  push %eax
  push %ecx
  mov %cr4, %eax
  test $CR4_PAE, %eax
  jne 1f
  movl $table + OPEN, directory + 0x400
  jmp 2f
1:
  movl $pae_table + OPEN, pae_directories + 0x1000
  movl $0, pae_directories + 0x1004
2:
  mov size, %eax
  test %eax, %eax
  je 3f
  mov SIZE_LEAF(%eax), %ecx
  mov SIZE_VALUE(%eax), %eax
  mov %eax, (%ecx)
  mov %cr4, %eax
  test $CR4_PAE, %eax
  je 3f
  movl $0, 4(%ecx)
3:
  mov %cr3, %eax
  mov %eax, %cr3
  pop %ecx
  pop %eax
  ret

# --- rights: see paging64.s ----------------------------------------------------------------------------------------------------------
rights:
  movl $0, level
2:
  mov size, %eax
  mov level, %ecx
  mov SIZE_ENTRIES(%eax,%ecx,4), %ebp
  test %ebp, %ebp
  je 9f
  movl $changes, change
3:
  cmpl $changes, change
  jne 4f
  cmpl $0, level
  jne 8f
4:
  mov size, %esi
  call puts
  cmpl $changes, change
  je 5f
  mov level, %eax
  lea levels(,%eax,8), %esi
  call puts
5:
  mov change, %eax
  push $0
  push (%eax)
  mov %esp, %esi
  call puts
  add $8, %esp
  movl $0, operation
6:
  call fresh
  mov change, %ecx
  mov 4(%ecx), %eax
  not %eax
  and %eax, (%ebp)
  mov 8(%ecx), %eax
  test %eax, %eax
  je 7f
  or %eax, 4(%ebp)
7:
  mov %cr3, %eax
  mov %eax, %cr3
  call attempt
  incl operation
  cmpl $6, operation
  jb 6b
  NEWLINE
8:
  addl $12, change
  mov size, %eax
  mov SIZE_CHANGES(%eax), %eax
  cmp %eax, change
  jb 3b
  incl level
  cmpl $3, level
  jb 2b
9:
  jmp fresh

attempt:
  mov $' ', %al
  out %al, $0xe9
  mov operation, %ecx
  mov operations(,%ecx,2), %ax
  out %al, $0xe9
  mov %ah, %al
  out %al, $0xe9
  mov $'=', %al
  out %al, $0xe9
  mov size, %eax
  mov SIZE_ADDRESS(%eax), %esi
  TRY_QUIETLY
  jmp *attempt_code(,%ecx,4)
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
  ret
1:
  PRINT "ok:"
  mov size, %eax
  mov SIZE_ENTRIES(%eax), %ebx
  testb $P_A, (%ebx)
  jne 4f
  PRINT "!A"
  jmp 4f
2:
  mov rec + REC_ERROR, %eax
  HEX 2
  PRINT ":"
  # A fetch faults at its first byte, a datum at its own.
  mov size, %edx
  mov SIZE_ADDRESS(%edx), %eax
  mov %eax, %edx
  mov operation, %ecx
  mov attempt_rip(,%ecx,4), %ecx
  test %ecx, %ecx
  je 6f
  add $8, %eax
  mov %ecx, %edx
6:
  cmp %eax, rec + REC_CR2
  je 7f
  PRINT "!cr2"
7:
  cmp %edx, rec + REC_RIP
  je 4f
  PRINT "!rip"
4:
  mov size, %ebx
  mov SIZE_LEAF(%ebx), %ebx
  testb $P_A, (%ebx)
  je 8f
  PRINT "A"
8:
  testb $P_D, (%ebx)
  je 9f
  PRINT "D"
9:
  ret

kernel_read:
  mov 8(%esi), %eax
  jmp attempted
kernel_write:
  mov %eax, 8(%esi)
  jmp attempted
kernel_fetch:
  jmp *%esi
user_read_stub:
  mov $user_read, %eax
  jmp to_user
user_write_stub:
  mov $user_write, %eax
  jmp to_user
user_fetch_stub:
  mov %esi, %eax
to_user:
  mov $UDATA, %ecx
  mov %ecx, %ds
  push $UDATA
  push $user_stack_top
  pushf
  push $UCODE32
  push %eax
  iretl

# --- bits ----------------------------------------------------------------------------------------------------------------------------

.macro ENTRY_TRY name, size, entry, low, high
  movl $\size, size
  call fresh
  movl $\low, \entry
  .ifnb \high
  movl $\high, \entry + 4
  .endif
  mov %cr3, %eax
  mov %eax, %cr3
  mov $\size, %esi
  mov SIZE_ADDRESS(%esi), %esi
  TRY "\name"
  mov 8(%esi), %eax
  REPORT
.endm

bits32:
  PRINT "# 32-bit paging, bits\n"
  ENTRY_TRY "pde bits 8-11", size_4k, directory + 0x400, table + OPEN + 0xf00
  ENTRY_TRY "pte G PAT, bits 9-11", size_4k, table, PHYSICAL + OPEN + 0xf80
  ENTRY_TRY "4M bit 12 is PAT", size_4m, directory + 0x404, PHYSICAL + OPEN + P_PS + 0x1000
  ENTRY_TRY "4M bit 21", size_4m, directory + 0x404, PHYSICAL + OPEN + P_PS + 0x200000
  # ~ TCG takes bits 13 to 20 as address bits 32 to 39 whatever CPUID says of PSE-36. SDM vol. 3, table 4-4: without it they are reserved.
  ENTRY_TRY "~4M bit 13", size_4m, directory + 0x404, PHYSICAL + OPEN + P_PS + 0x2000
  ENTRY_TRY "not present: nothing is reserved", size_4m, directory + 0x404, 0xfffffffe
  movl $size_4k, size
  call fresh
  # The upper half of the linear space works as the lower.
  movl $table + OPEN, directory + 0xffc
  mov $0xffc00000, %esi
  movl $0x12345678, PHYSICAL + 16
  PRINT "ffc00010: "
  mov 16(%esi), %eax
  HEX
  NEWLINE
  # An access across a 4 MiB border.
  movl $0x89abcdef, PHYSICAL + 0x3ffffc
  movl $PHYSICAL + OPEN + P_PS, directory + 0x404
  movl $0, directory + 0x408
  mov $WINDOW + 0x7ffffe, %esi
  mov $-1, %eax
  TRY "write across 4M, second not present"
  mov %eax, (%esi)
  REPORT_AND
  PRINT " "
  mov PHYSICAL + 0x3ffffc, %eax
  HEX
  NEWLINE
  # Without CR4.PGE, G means nothing; CR0.PG off and on forgets everything.
  movl $PHYSICAL + OPEN + P_G, table
  mov %cr3, %eax
  mov %eax, %cr3
  mov $WINDOW, %esi
  mov 16(%esi), %eax
  movl $0x11111111, PHYSICAL + 0x1010
  movl $PHYSICAL + 0x1000 + OPEN, table
  mov %cr0, %eax
  and $~CR0_PG, %eax
  mov %eax, %cr0
  or $CR0_PG, %eax
  mov %eax, %cr0
  PRINT "changed, PG off and on: "
  mov 16(%esi), %eax
  HEX
  NEWLINE
  # A large page that becomes small ones: INVLPG of one address, all of them.
  movl $PHYSICAL + OPEN + P_PS, directory + 0x404
  mov $WINDOW + 0x400000, %esi
  mov 16(%esi), %eax
  mov 0x1010(%esi), %eax
  mov 0x3ff010(%esi), %eax
  movl $0x800000 + P_P + P_W + P_PS, directory + 8
  movl $0x22222222, PHYSICAL + 0x401010
  movl $PHYSICAL + 0x400000 + OPEN + P_PS, directory + 0x404
  invlpg 0x345678(%esi)
  PRINT "4M changed, invlpg inside: "
  mov 0x1010(%esi), %eax
  HEX
  NEWLINE
  movl $size_4k, size
  jmp fresh

# What the processor reads by itself: the TSS and the IDT are in supervisor pages here all the time. The GDT in a page that is missing.
.section .user
  .p2align 4
user_load:
  mov %esi, %eax
  mov %eax, %ds
  int $0x80
.text
implicit32:
  PRINT "# 32-bit paging, implicit accesses\n"
  # Two pages at the window: a copy of the GDT, and nothing.
  mov $gdt, %esi
  mov $PHYSICAL + 0x2000, %edi
  mov $(gdt_end - gdt) / 4, %ecx
  rep movsl
  movl $PHYSICAL + 0x2000 + P_P + P_W, table
  movl $0, table + 4
  mov %cr3, %eax
  mov %eax, %cr3
  movw $0xffff, scratch
  movl $WINDOW, scratch + 2
  lgdt scratch
  mov $0x1003, %esi
  TRY_USER "segment load at CPL 3, GDT not present", user_load
  REPORT
  movl $PHYSICAL + 0x3000 + P_P, table + 4
  movl $0x0000ffff, PHYSICAL + 0x3000
  movl $0x00cff200, PHYSICAL + 0x3004
  TRY_USER "segment load at CPL 3, accessed bit in a read-only page", user_load
  CAUGHT
  # Which byte of the descriptor is written isn't said.
  andl $~7, rec + REC_CR2
  call report
  NEWLINE
  movl $PHYSICAL + 0x3000 + P_P + P_W, table + 4
  mov $WINDOW + 0x1000, %eax
  invlpg (%eax)
  TRY_USER "segment load at CPL 3, supervisor page", user_load
  REPORT_AND
  PRINT " "
  mov PHYSICAL + 0x3004, %eax
  HEX
  NEWLINE
  lgdt gdt_pointer
  movl $size_4k, size
  jmp fresh

# --- PAE ------------------------------------------------------------------------------------------------------------------------------
to_pae:
  mov %cr0, %eax
  and $~CR0_PG, %eax
  mov %eax, %cr0
  mov $CR4_PAE, %eax
  mov %eax, %cr4
  movl $pae_low_table + OPEN, pae_directories
  mov $pae_low_table, %edi
  mov $P_P + P_W, %eax
1:
  mov %eax, (%edi)
  movl $0, 4(%edi)
  cmp $user_begin, %eax
  jb 2f
  cmp $user_end, %eax
  jae 2f
  orl $P_U, (%edi)
2:
  add $8, %edi
  add $0x1000, %eax
  cmp $0x200000, %eax
  jb 1b
  # The rest of the first 16 MiB.
  movl $0x200000 + P_P + P_W + P_PS, pae_directories + 8
  movl $0x400000 + P_P + P_W + P_PS, pae_directories + 16
  movl $0x600000 + P_P + P_W + P_PS, pae_directories + 24
  movl $pae_directories + P_P, pdpt
  movl $pae_directories + 0x1000 + P_P, pdpt + 8
  movl $0, pdpt + 16
  movl $pae_directories + 0x3000 + P_P, pdpt + 24
  mov $pdpt, %eax
  mov %eax, %cr3
  mov %cr0, %eax
  or $CR0_PG, %eax
  mov %eax, %cr0
  ret

bits_pae:
  PRINT "# PAE, bits\n"
  ENTRY_TRY "pde bit 40", size_pae_4k, pae_directories + 0x1000, pae_table + OPEN, 0x100
  ENTRY_TRY "pte bit 40", size_pae_4k, pae_table, PHYSICAL + OPEN, 0x100
  ENTRY_TRY "pte bit 51", size_pae_4k, pae_table, PHYSICAL + OPEN, 0x80000
  # SDM vol. 3, tables 4-9 to 4-11: bits 52 to 62 are reserved in PAE's entries, unlike in those of 4-level paging.
  ENTRY_TRY "pte bit 52", size_pae_4k, pae_table, PHYSICAL + OPEN, 0x100000
  ENTRY_TRY "pde bit 62", size_pae_4k, pae_directories + 0x1000, pae_table + OPEN, 0x40000000
  ENTRY_TRY "2M bit 13", size_pae_2m, pae_directories + 0x1008, PHYSICAL + OPEN + P_PS + 0x2000, 0
  ENTRY_TRY "2M bit 12 is PAT", size_pae_2m, pae_directories + 0x1008, PHYSICAL + OPEN + P_PS + 0x1000, 0
  ENTRY_TRY "2M bit 45", size_pae_2m, pae_directories + 0x1008, PHYSICAL + OPEN + P_PS, 0x2000
  movl $size_pae_4k, size
  call fresh
  mov $0x80000000, %esi
  TRY "pdpte not present"
  mov (%esi), %eax
  REPORT
  # CR3 gives bits 5 to 31 of the PDPT's address.
  mov $pdpt, %esi
  mov $other_pdpt, %edi
  mov $8, %ecx
  rep movsl
  mov $other_pdpt, %eax
  or $0x1f, %eax
  mov %eax, %cr3
  mov $WINDOW, %esi
  TRY "PDPT at 20H"
  mov 8(%esi), %eax
  REPORT
  mov $pdpt, %eax
  mov %eax, %cr3
  ret

# The PDPTEs are registers, loaded with CR3. SDM vol. 3, 4.4.1.
pdptes:
  PRINT "# PAE, PDPTE registers\n"
  mov $WINDOW, %esi
  # ~ TCG walks through memory, and checks nothing.
  movl $0, pdpt + 8
  invlpg (%esi)
  TRY "~changed in memory, invlpg"
  mov 8(%esi), %eax
  REPORT
  mov $pdpt, %eax
  mov %eax, %cr3
  TRY "changed in memory, cr3"
  mov 8(%esi), %eax
  REPORT
  movl $pae_directories + 0x1000 + P_P + P_W, pdpt + 8
  mov $pdpt, %eax
  TRY "~reserved bit 1, cr3"
  mov %eax, %cr3
  REPORT
  movl $pae_directories + 0x1000 + P_P, pdpt + 8
  movl $0x80000000, pdpt + 12
  mov $pdpt, %eax
  TRY "~reserved bit 63, cr3"
  mov %eax, %cr3
  REPORT
  movl $0xfffffffe, pdpt + 8
  mov $pdpt, %eax
  TRY "not present: nothing is reserved"
  mov %eax, %cr3
  REPORT
  movl $pae_directories + 0x1000 + P_P + P_PS, pdpt + 8
  movl $0, pdpt + 12
  mov %cr0, %eax
  and $~CR0_PG, %eax
  mov %eax, %cr0
  or $CR0_PG, %eax
  TRY "~reserved bit 7, PG on"
  mov %eax, %cr0
  REPORT
  movl $pae_directories + 0x1000 + P_P, pdpt + 8
  mov %cr0, %eax
  or $CR0_PG, %eax
  mov %eax, %cr0
  TRY "and right again"
  mov 8(%esi), %eax
  REPORT
  # CR4.PGE, PSE and PAE changes load them too; and PAE can't go while EFER.LMA is set, which it isn't here.
  movl $0, pdpt + 8
  mov $CR4_PAE + CR4_PGE, %eax
  mov %eax, %cr4
  TRY "changed in memory, PGE"
  mov 8(%esi), %eax
  REPORT
  ret
