# Segmentation: limits, types, LAR/LSL/VERR/VERW, the I/O permission map, virtual-8086 mode. SDM vol. 3, chapters 3, 5 and 20.
#
# TCG checks neither limits nor types of segments when memory is accessed: the lines of that part are not compared.
.include "runtime.inc"
.include "long.inc"

.set PHYSICAL, 0x400000

# A descriptor in the GDT from FREE on: number, base, limit, attributes, flags.
.macro SEGMENT n, base, limit, attributes, flags
  movl $((\limit) & 0xffff) + (((\base) & 0xffff) << 16), gdt_free + \n * 8
  movl $(((\base) >> 16) & 0xff) + ((\attributes) << 8) + ((\limit) & 0xf0000) + ((\flags) << 20) + ((\base) & 0xff000000), gdt_free + \n * 8 + 4
.endm
# FS becomes that segment.
.macro FS_IS base, limit, attributes, flags
  SEGMENT 0, \base, \limit, \attributes, \flags
  mov $FREE, %eax
  mov %eax, %fs
.endm

.text
USE32
main:
  call limits
  call accessed
  call stack_limits
  call code_limits
  call inspection32
  call io_map
  call v86
  call enter_long
USE64
  PRINT "# in 64-bit mode\n"
  call long_segments
  movl $1, long_mode
  call inspection
  EXIT
USE32

# --- limits ----------------------------------------------------------------------------------------------------------------------------
limits:
  PRINT "# limits and types\n"
  FS_IS PHYSICAL, 0xfff, 0x93, 0x4
  TRY "~fff, byte at fff"
  mov %fs:0xfff, %al
  REPORT
  TRY "~fff, byte at 1000"
  mov %fs:0x1000, %al
  REPORT
  TRY "~fff, word at fff"
  mov %fs:0xfff, %ax
  REPORT
  TRY "~fff, dword at ffc"
  mov %fs:0xffc, %eax
  REPORT
  TRY "~fff, dword at ffd"
  mov %eax, %fs:0xffd
  REPORT
  TRY "~fff, dword at ffffffff"
  mov %fs:0xffffffff, %eax
  REPORT
  TRY "~fff, lea does not look"
  .byte 0x64
  lea 0x2000, %eax
  REPORT
  movl $0x55555555, PHYSICAL + 0xffc
  TRY "~fff, add at ffd writes nothing"
  addl $1, %fs:0xffd
  REPORT_AND
  PRINT " "
  mov PHYSICAL + 0xffc, %eax
  HEX
  NEWLINE
  FS_IS PHYSICAL, 0, 0x93, 0xc
  TRY "~granular 0, dword at ffc"
  mov %fs:0xffc, %eax
  REPORT
  TRY "~granular 0, byte at 1000"
  mov %fs:0x1000, %al
  REPORT
  FS_IS PHYSICAL, 0xfff, 0x91, 0x4
  TRY "~read only, read"
  mov %fs:0, %eax
  REPORT
  TRY "~read only, write"
  mov %eax, %fs:0
  REPORT
  TRY "~read only, write beyond"
  mov %eax, %fs:0x1000
  REPORT
  FS_IS PHYSICAL, 0xfff, 0x9b, 0x4
  TRY "~readable code, read"
  mov %fs:0, %eax
  REPORT
  TRY "~readable code, write"
  mov %eax, %fs:0
  REPORT
  TRY "~cs, write"
  mov %eax, %cs:scratch
  REPORT
  FS_IS PHYSICAL, 0xfff, 0x97, 0x4
  TRY "~expand down, byte at fff"
  mov %fs:0xfff, %al
  REPORT
  TRY "~expand down, byte at 1000"
  mov %fs:0x1000, %al
  REPORT
  TRY "~expand down, word at fff"
  mov %fs:0xfff, %ax
  REPORT
  TRY "~expand down, B, byte at 10000"
  mov %fs:0x10000, %al
  REPORT
  FS_IS PHYSICAL, 0xfff, 0x97, 0
  TRY "~expand down, byte at ffff"
  mov %fs:0xffff, %al
  REPORT
  TRY "~expand down, word at ffff"
  mov %fs:0xffff, %ax
  REPORT
  TRY "~expand down, byte at 10000"
  mov %fs:0x10000, %al
  REPORT
  FS_IS PHYSICAL, 0xfff, 0x95, 0x4
  TRY "~expand down, read only, write"
  mov %al, %fs:0x1000
  REPORT
  xor %eax, %eax
  mov %eax, %fs
  TRY "~null, read"
  mov %fs:scratch, %al
  REPORT
  TRY "~null, write"
  mov %al, %fs:scratch
  REPORT
  TRY "~null, string source"
  mov $scratch, %esi
  lodsb %fs:(%esi), %al
  REPORT
  mov %eax, %es
  mov $DATA, %ecx
  TRY "~null es, stosb"
  mov $scratch, %edi
  stosb
  mov %ecx, %es
  REPORT
  # What a selector load left is kept until the next: the descriptor may go.
  FS_IS PHYSICAL, 0xfff, 0x93, 0x4
  movl $0x12345678, PHYSICAL + 8
  movl $0, gdt_free
  movl $0, gdt_free + 4
  PRINT "the descriptor is gone: "
  mov %fs:8, %eax
  HEX
  NEWLINE
  # The linear address wraps at 4 GiB.
  FS_IS 0xfffff000, 0xfffff, 0x93, 0xc
  PRINT "base fffff000: "
  mov %fs:PHYSICAL + 0x1008, %eax
  HEX
  NEWLINE
  # A failed load leaves the register alone.
  FS_IS PHYSICAL, 0xfff, 0x93, 0x4
  mov $0xfff8, %eax
  TRY "a load that fails"
  mov %eax, %fs
  REPORT_AND
  PRINT " fs "
  mov %fs, %eax
  HEX 4
  PRINT " "
  mov %fs:8, %eax
  HEX
  NEWLINE
  # LFS: nothing is loaded when the selector is bad.
  movl $0x87654321, scratch
  movw $0xfff8, scratch + 4
  mov $0x11111111, %ecx
  TRY "lfs of a bad selector"
  lfs scratch, %ecx
  REPORT_AND
  PRINT " ecx "
  mov %ecx, %eax
  HEX
  NEWLINE
  movw $FREE, scratch + 4
  TRY "lfs"
  lfs scratch, %ecx
  REPORT_AND
  PRINT " ecx "
  mov %ecx, %eax
  HEX
  NEWLINE
  # 16-bit addresses wrap at 64 KiB, before the limit is looked at.
  FS_IS PHYSICAL, 0xfffff, 0x93, 0xc
  movl $0xcafebabe, PHYSICAL + 0x10
  mov $0xfff8, %ebx
  mov $0x18, %esi
  PRINT "16-bit address: "
  mov %fs:(%bx,%si), %eax
  HEX
  NEWLINE
  TRY "~16-bit address, dword at ffff"
  mov $0xffff, %ebx
  mov %fs:(%bx), %eax
  REPORT
  ret

# The accessed bit of the descriptor.
accessed:
  PRINT "# accessed\n"
  SEGMENT 0, 0, 0xfffff, 0x92, 0xc
  mov $FREE, %eax
  mov %eax, %fs
  call show_free
  SEGMENT 0, 0, 0xfffff, 0x98, 0xc
  TRY "a load that fails"
  mov %eax, %fs
  REPORT
  call show_free
  SEGMENT 0, 0, 0xfffff, 0x9a, 0xc
  mov $FREE, %eax
  lar %eax, %ecx
  verr %ax
  call show_free
  # ~ TCG sets it for data and for CS by way of RETF, not here.
  ljmp $FREE, $1f
1:PRINT "~jmp far: "
  call show_free
  ljmp $CODE32, $1f
1:ret
show_free:
  push %eax
  PRINT "descriptor "
  mov gdt_free + 4, %eax
  HEX
  NEWLINE
  pop %eax
  ret

# --- the stack -------------------------------------------------------------------------------------------------------------------------
stack_limits:
  PRINT "# stack segments\n"
  # 2 MiB, so that the handler has its stack.
  SEGMENT 0, 0, 0x1ff, 0x93, 0xc
  mov $FREE, %ecx
  mov $DATA, %edx
  mov $0x200000, %ebp
  TRY "~beyond, ebp"
  mov %ecx, %ss
  mov (%ebp), %eax
  mov %edx, %ss
  REPORT
  TRY "~beyond, ebp with ds override", 1f
  mov %ecx, %ss
1:mov %ds:(%ebp), %eax
  mov %edx, %ss
  REPORT
  TRY "~beyond, eax with ss override", 1f
  mov %ecx, %ss
  mov %ebp, %eax
1:mov %ss:(%eax), %eax
  mov %edx, %ss
  REPORT
  call is_tcg
  je 2f
  TRY "~beyond, leave", 1f
  mov %ecx, %ss
1:leave
  mov %edx, %ss
  REPORT
2:
  # A 16-bit stack: SP alone moves, within 64 KiB above the base.
  SEGMENT 0, PHYSICAL, 0xffff, 0x93, 0
  mov %esp, %esi
  mov %ecx, %ss
  mov $0x12340008, %esp
  push $0x11223344
  pushw $0x5566
  pushw %es
  mov %esp, %eax
  mov %edx, %ss
  mov %esi, %esp
  PRINT "16-bit stack, esp "
  HEX
  PRINT " memory "
  mov PHYSICAL + 4, %eax
  HEX
  PRINT " "
  mov PHYSICAL, %eax
  HEX
  NEWLINE
  # SP wraps.
  mov %ecx, %ss
  mov $0x12340000, %esp
  push $0x77777777
  mov %esp, %eax
  pop %ebx
  mov %esp, %ecx
  mov %edx, %ss
  mov %esi, %esp
  PRINT "16-bit stack, wrapped, esp "
  HEX
  PRINT " and back "
  mov %ecx, %eax
  HEX
  NEWLINE
  # ENTER and LEAVE, CALL and RET with SP.
  mov $FREE, %ecx
  mov %ecx, %ss
  mov $0x12340100, %esp
  mov $0x56780abc, %ebp
  enter $0x20, $0
  mov %esp, %eax
  mov %ebp, %ebx
  call 1f
1:pop %edi
  sub $1b, %edi
  leave
  mov %esp, %ecx
  mov %edx, %ss
  mov %esi, %esp
  PRINT "enter, esp "
  HEX
  PRINT " ebp "
  mov %ebx, %eax
  HEX
  PRINT " leave, esp "
  mov %ecx, %eax
  HEX
  PRINT " ebp "
  mov %ebp, %eax
  HEX
  PRINT " eip "
  mov %edi, %eax
  HEX 2
  NEWLINE
  ret

# --- code limits -----------------------------------------------------------------------------------------------------------------------
code_limits:
  # TCG runs away.
  call is_tcg
  jne 1f
  ret
1:
  PRINT "~code segments\n"
  # Code of 32 bytes at PHYSICAL.
  SEGMENT 0, PHYSICAL, 0x1f, 0x9b, 0x4
  mov $PHYSICAL, %edi
  mov $0x90909090, %eax
  mov $16, %ecx
  rep stosl
  # Offsets within the segment are reported.
  TRY "~falling off the end", 0
  ljmp $FREE, $0x1e
  REPORT
  TRY "~jmp far beyond"
  ljmp $FREE, $0x20
  REPORT
  movw $0x7eeb, PHYSICAL            # jmp +7eH
  TRY "~jmp beyond", 0
  ljmp $FREE, $0
  REPORT
  movb $0xe8, PHYSICAL              # call +100H
  movl $0x100, PHYSICAL + 1
  TRY "~call beyond", 0
  ljmp $FREE, $0
  REPORT_AND
  PRINT " stack "
  mov rec + REC_SP, %eax
  sub rec + REC_RSP, %eax
  HEX 4
  NEWLINE
  movw $0xc3, PHYSICAL              # ret
  TRY "~ret beyond", 0
  push $0x20
  ljmp $FREE, $0
  REPORT
  movl $0x000000b8, PHYSICAL + 0x1d # mov $imm, %eax: two of its bytes are beyond
  TRY "~an instruction across the end", 0
  ljmp $FREE, $0x1d
  REPORT
  # Execute only.
  SEGMENT 0, PHYSICAL, 0xfffff, 0x99, 0xc
  movl $0x0000a12e, PHYSICAL        # mov %cs:0, %eax
  movl $0, PHYSICAL + 2
  TRY "~execute only, read", 0
  ljmp $FREE, $0
  REPORT
  ret

# --- LAR, LSL, VERR, VERW ---------------------------------------------------------------------------------------------------------------
# Every type with DPL 0 in the low five bits of the attributes; then selectors.
inspection32:
  PRINT "# lar, lsl, verr, verw\n"
  jmp inspection

.data
  .p2align 2
long_mode: .long 0
.text
# Bimodal: called in 32- and in 64-bit code.
inspection:
  mov $0, %ebp
1:
  # Type EBP, DPL 0, present; a limit of 12345H bytes.
  mov $gdt_free, %ebx
  movl $0x00002345, (%ebx)
  mov %ebp, %eax
  shl $8, %eax
  add $0x00418000, %eax
  mov %eax, 4(%ebx)
  movl $0, 8(%ebx)
  movl $0, 12(%ebx)
  # ~ 16-bit TSSes and call gates, and task gates, don't exist in long mode; TCG goes on knowing them.
  mov $long_mode, %ebx
  testl $-1, (%ebx)
  je 2f
  mov $0x3a, %ebx                   # 1, 3, 4, 5
  bt %ebp, %ebx
  jnc 2f
  cmp $8, %ebp
  jae 2f
  PRINT "~"
2:
  PRINT "type "
  mov %ebp, %eax
  HEX 2
  mov $FREE, %esi
  call inspect
  # DPL 0, RPL 3: conforming code alone doesn't mind.
  PRINT ", RPL 3"
  mov $FREE + 3, %esi
  call inspect
  NEWLINE
  add $1, %ebp
  cmp $32, %ebp
  jb 1b
  PRINT "not present"
  mov $gdt_free, %ebx
  movl $0x00401300, 4(%ebx)
  mov $FREE, %esi
  call inspect
  NEWLINE
  PRINT "granular"
  movl $0x00c19300, 4(%ebx)
  call inspect
  NEWLINE
  PRINT "null"
  mov $0, %esi
  call inspect
  NEWLINE
  PRINT "beyond"
  mov $0xfff8, %esi
  call inspect
  NEWLINE
  PRINT "LDT"
  mov $FREE + 4, %esi
  call inspect
  NEWLINE
  ret

# For the selector in ESI. A dash where ZF is clear.
inspect:
  push %ebx
  mov $0, %ecx
  PRINT " lar "
  lar %esi, %ecx
  # Bits 16 to 19 are undefined.
  jne 1f
  and $0xfff0ffff, %ecx
  cmp %eax, %eax
1:
  call 5f
  PRINT " lsl "
  mov $0, %ecx
  lsl %esi, %ecx
  call 5f
  PRINT " "
  mov $'-', %al
  verr %si
  jne 1f
  mov $'r', %al
1:out %al, $0xe9
  mov $'-', %al
  verw %si
  jne 2f
  mov $'w', %al
2:out %al, $0xe9
  pop %ebx
  ret
5:
  jne 6f
  mov %ecx, %eax
  mov $8, %ecx
  call puthex
  ret
6:
  PRINT "-"
  ret

# --- the I/O permission map ---------------------------------------------------------------------------------------------------------------
.section .user
  .p2align 4
user_inb:
  in %dx, %al
  int $0x80
user_inw:
  in %dx, %ax
  int $0x80
user_inl:
  in %dx, %eax
  int $0x80
user_outb:
  out %al, %dx
  int $0x80
.text
.macro PORT name, code, port, flags=2
  mov $\port, %edx
  TRY_USER "\name", \code, \flags
  REPORT
.endm
.set MAP, tss + 0x68
# Ports that nothing listens on: 0x700 to 0x71f.
io_map:
  PRINT "# I/O permission map\n"
  PORT "all ones", user_inb, 0x700
  movb $0xfe, MAP + 0x700 / 8
  PORT "byte 0", user_inb, 0x700
  PORT "byte 0, written", user_outb, 0x700
  PORT "byte 1", user_inb, 0x701
  PORT "word 0", user_inw, 0x700
  movb $0xfc, MAP + 0x700 / 8
  PORT "two: word 0", user_inw, 0x700
  PORT "two: dword 0", user_inl, 0x700
  movb $0xf0, MAP + 0x700 / 8
  PORT "four: dword 0", user_inl, 0x700
  PORT "four: dword 1", user_inl, 0x701
  movb $0x3f, MAP + 0x708 / 8
  movb $0xfc, MAP + 0x710 / 8
  PORT "across bytes: dword", user_inl, 0x70e
  movb $0xfe, MAP + 0x710 / 8
  PORT "across bytes, one missing: dword", user_inl, 0x70e
  PORT "IOPL 3", user_inl, 0x701, 0x3002
  PORT "IOPL 2", user_inl, 0x701, 0x2002
  # The last port's byte and the one behind it must lie within the limit.
  movb $0, MAP + 0x1fff
  PORT "port ffff, the map ends there", user_inb, 0xffff
  PORT "port fff0", user_inb, 0xfff0
  # A map that begins beyond the limit: none.
  movb $0, MAP + 0x700 / 8
  PORT "port 700", user_inb, 0x700
  movw $0x2068, tss + 0x66
  PORT "no map", user_inb, 0x700
  movw $0x68, tss + 0x66
  mov $MAP, %edi
  mov $0xff, %al
  mov $0x2000, %ecx
  rep stosb
  ret

# --- virtual-8086 mode -------------------------------------------------------------------------------------------------------------------
# 16-bit code that is copied to 1000H:0.
.set V86_SEGMENT, 0x1000
.macro V86_CODE name
  .section .rodata
\name:
  .code16
.endm
.macro V86_END name
\name\()_end:
  .code32
  .text
.endm

# Runs `code` with the given flags besides VM.
.macro V86 name, code, flags=0
  PRINT "\name: "
  mov $\code, %esi
  mov $\code\()_end - \code, %ecx
  mov $V86_SEGMENT * 16, %edi
  rep movsb
  TRY_QUIETLY 0
  mov $0x2222, %ebx
  push $0x3006                      # GS FS DS ES
  push $0x3005
  push $0x3004
  push $0x3003
  push $0x2000                      # SS
  push $0x100                       # ESP
  push $EFL_VM + 2 + \flags
  push $V86_SEGMENT
  push $0
  iretl
  REPORT_AND
  # RF is another matter: see exceptions.s.
  PRINT " flags "
  mov rec + REC_FLAGS, %eax
  and $~EFL_RF, %eax
  HEX
  PRINT " cs "
  movzwl rec + REC_CS, %eax
  HEX 4
  NEWLINE
.endm

V86_CODE v86_int
  int $0x80
V86_END v86_int
V86_CODE v86_cli
  cli
  int $0x80
V86_END v86_cli
V86_CODE v86_sti
  sti
  int $0x80
V86_END v86_sti
V86_CODE v86_pushf
  pushfw
  popw %ax
  int $0x80
V86_END v86_pushf
V86_CODE v86_popf
  pushw $0x7202
  popfw
  int $0x80
V86_END v86_popf
V86_CODE v86_iret
  pushw $0x7202
  pushw $V86_SEGMENT
  pushw $0x20
  iretw
  . = v86_iret + 0x20
  int $0x80
V86_END v86_iret
V86_CODE v86_int3
  int3
V86_END v86_int3
V86_CODE v86_hlt
  hlt
V86_END v86_hlt
V86_CODE v86_in
  movw $0x700, %dx
  inb %dx, %al
  int $0x80
V86_END v86_in
V86_CODE v86_cr0
  movl %cr0, %eax
V86_END v86_cr0
V86_CODE v86_lgdt
  lgdtw 0
V86_END v86_lgdt
V86_CODE v86_sldt
  sldt %ax
V86_END v86_sldt
V86_CODE v86_lar
  lar %ax, %ax
V86_END v86_lar
V86_CODE v86_arpl
  arpl %ax, %ax
V86_END v86_arpl
V86_CODE v86_smsw
  smsw %ax
  int $0x80
V86_END v86_smsw
V86_CODE v86_ud
  ud2
V86_END v86_ud
V86_CODE v86_segments
  movw %ds, %ax
  movw $0x1234, %cx
  movw %cx, %ds
  movw %ds, %dx
  movw $0x5678, 0
  pushw %ds
  popw %es
  movw %es:0, %bx
  int $0x80
V86_END v86_segments
V86_CODE v86_far
  lcallw $V86_SEGMENT + 1, $0x10
  movw %cs, %dx
  int $0x80
  . = v86_far + 0x20
  movw %cs, %ax
  lretw
V86_END v86_far
V86_CODE v86_limit
  movw $0xffff, %bx
  movw (%bx), %ax
  int $0x80
V86_END v86_limit

# What the handler finds: the frame with the segments of the program, its own being null.
v86_hook:
  mov %ds, v86_seen
  mov 4(%edi), %eax                 # DS as it was pushed
  mov %eax, v86_seen + 4
  mov %fs, v86_seen + 8
  mov %gs, v86_seen + 12
  lea F32_EIP(%edi), %esi
  mov $v86_frame, %edi
  mov $9, %ecx
  rep movsl
  ret
.bss
v86_seen: .skip 16
v86_frame: .skip 36
.text

v86:
  PRINT "# virtual-8086 mode, IOPL 0\n"
  # Every gate but those of INT3, INTO and INT 80H has DPL 0.
  V86 "int 80H", v86_int
  V86 "int3", v86_int3
  V86 "cli", v86_cli
  V86 "sti", v86_sti
  V86 "pushf", v86_pushf
  V86 "popf", v86_popf
  V86 "iret", v86_iret
  V86 "hlt", v86_hlt
  V86 "in, not allowed", v86_in, 0x3000
  movb $0, MAP + 0x700 / 8
  V86 "in, allowed", v86_in
  movb $0xff, MAP + 0x700 / 8
  V86 "mov cr0", v86_cr0
  V86 "lgdt", v86_lgdt
  V86 "sldt", v86_sldt
  V86 "lar", v86_lar
  V86 "arpl", v86_arpl
  V86 "smsw", v86_smsw
  V86 "ud2", v86_ud
  # ~ TCG checks no limits.
  V86 "~word at ffff", v86_limit
  PRINT "# virtual-8086 mode, IOPL 3\n"
  V86 "int 80H", v86_int, 0x3000
  V86 "int3", v86_int3, 0x3000
  V86 "cli", v86_cli, 0x3200
  V86 "sti", v86_sti, 0x3000
  V86 "pushf", v86_pushf, 0x3000
  PRINT "ax "
  call show_ax
  V86 "popf", v86_popf, 0x3000
  V86 "iret", v86_iret, 0x3000
  V86 "hlt", v86_hlt, 0x3000
  V86 "segments", v86_segments, 0x3000
  PRINT "ax "
  call show_ax
  PRINT "dx "
  mov %edx, %eax
  call show_ax
  PRINT "bx "
  mov %ebx, %eax
  call show_ax
  movl $0, 0x12340
  V86 "far call and return", v86_far, 0x3000
  # The frame.
  movl $v86_hook, hooks + 3 * 4
  V86 "int3, whose handler returns", v86_int3_int, 0x3000
  movl $0, hooks + 3 * 4
  PRINT "frame"
  mov $v86_frame, %ebx
  mov $9, %ecx
1:
  mov $' ', %al
  out %al, $0xe9
  mov (%ebx), %eax
  HEX 5
  add $4, %ebx
  loop 1b
  PRINT ", DS was "
  mov v86_seen + 4, %eax
  HEX 4
  PRINT ", FS "
  mov v86_seen + 8, %eax
  HEX 4
  NEWLINE
  # A gate of DPL 0, and a handler that isn't in ring 0.
  V86 "int 90H, gate with DPL 0", v86_int90, 0x3000
  SEGMENT 0, 0, 0xfffff, 0x9f, 0xc
  movw $0xee00, idt32 + 0x90 * 8 + 4
  movw $FREE, idt32 + 0x90 * 8 + 2
  V86 "int 90H, handler in conforming code", v86_int90, 0x3000
  movw $CODE32, idt32 + 0x90 * 8 + 2
  ret
V86_CODE v86_int3_int
  int3
  int $0x80
V86_END v86_int3_int
V86_CODE v86_int90
  int $0x90
V86_END v86_int90

# The recovery in `common32` leaves EAX as it was.
show_ax:
  HEX 4
  NEWLINE
  ret

# --- 64-bit mode --------------------------------------------------------------------------------------------------------------------------
.macro SEGMENT64 n, base, limit, attributes, flags
  SEGMENT \n, \base, \limit, \attributes, \flags
.endm
.set FS_BASE, 0xc0000100
.set GS_BASE, 0xc0000101
.set KERNEL_GS_BASE, 0xc0000102
USE64
long_segments:
  # Neither limit nor type counts, nor the base but for FS and GS.
  SEGMENT64 0, PHYSICAL, 0xf, 0x91, 0x4
  mov $FREE, %eax
  mov $DATA, %ecx
  movl $0xabcdef01, PHYSICAL + 0x100
  TRY "ds: a small read-only segment"
  mov %eax, %ds
  mov %edx, scratch
  mov %ecx, %ds
  REPORT
  TRY "fs: beyond its limit"
  mov %eax, %fs
  mov %fs:0x100, %edx
  REPORT_AND
  PRINT " "
  mov %edx, %eax
  HEX
  NEWLINE
  TRY "fs: read only, write"
  mov %edx, %fs:0x100
  REPORT
  PRINT "fs base "
  mov $FS_BASE, %ecx
  call show_msr
  mov $0x1234, %edx
  mov $0x56789abc, %eax
  wrmsr
  PRINT "fs base, written "
  call show_msr
  PRINT "fs selector "
  mov %fs, %eax
  HEX 4
  NEWLINE
  # Intel's processors clear the base with a null selector.
  xor %eax, %eax
  mov %eax, %fs
  PRINT "fs base, null "
  call show_msr
  xor %eax, %eax
  TRY "null fs"
  mov %fs:scratch, %al
  REPORT
  xor %eax, %eax
  mov %eax, %ds
  mov %eax, %es
  TRY "null ds and es"
  mov scratch, %al
  REPORT
  mov $DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  # SWAPGS.
  mov $GS_BASE, %ecx
  mov $PHYSICAL, %eax
  xor %edx, %edx
  wrmsr
  mov $KERNEL_GS_BASE, %ecx
  mov $0xffff8000, %edx
  wrmsr
  swapgs
  PRINT "swapgs: gs base "
  mov $GS_BASE, %ecx
  call show_msr
  PRINT "kernel gs base "
  mov $KERNEL_GS_BASE, %ecx
  call show_msr
  swapgs
  PRINT "gs: "
  mov %gs:0x100, %eax
  HEX
  NEWLINE
  # The base and a 32-bit address: the sum isn't cut to 32 bits, the address is.
  mov $GS_BASE, %ecx
  mov $0x80, %edx
  xor %eax, %eax
  wrmsr
  mov $0x100000010, %rsi
  TRY "gs, 32-bit address"
  mov %gs:(%esi), %eax
  REPORT
  # RDFSBASE and its like.
  TRY "rdfsbase, FSGSBASE=0"
  rdfsbase %rax
  REPORT
  mov %cr4, %rax
  or $0x10000, %eax
  mov %rax, %cr4
  mov $0x7654321089, %rdx
  wrfsbase %rdx
  rdfsbase %rax
  PRINT "rdfsbase "
  call show_rax
  wrgsbase %edx
  rdgsbase %rax
  PRINT "wrgsbase of 32 bits "
  call show_rax
  mov $0x800000000000, %rdx
  # ~ TCG doesn't check.
  TRY "~wrfsbase, not canonical"
  wrfsbase %rdx
  REPORT
  xor %edx, %edx
  wrfsbase %rdx
  # A selector load sets 32 bits of the base.
  SEGMENT64 0, 0x87654000, 0xfffff, 0x93, 0xc
  mov $FREE, %eax
  mov %eax, %gs
  PRINT "gs base of a descriptor "
  rdgsbase %rax
  call show_rax
  xor %eax, %eax
  mov %eax, %gs
  wrgsbase %rdx
  # LLDT and LTR take 16-byte descriptors.
  SEGMENT64 0, 0x00400000, 0xff, 0x82, 0
  movl $0, gdt_free + 8
  movl $0, gdt_free + 12
  mov $FREE, %eax
  TRY "lldt"
  lldt %ax
  REPORT
  movl $0x0000ffff, PHYSICAL + 8
  movl $0x00cf9300, PHYSICAL + 12
  mov $8 + 4, %eax
  TRY "a selector of the LDT"
  mov %eax, %fs
  REPORT
  mov $0x100 + 4, %eax
  TRY "beyond the LDT"
  mov %eax, %fs
  REPORT
  xor %eax, %eax
  mov %eax, %fs
  lldt %ax
  mov $FREE, %eax
  SEGMENT64 0, 0x00400000, 0xff, 0x81, 0
  # ~ TCG loads it.
  TRY "~ltr, 16-bit TSS"
  ltr %ax
  REPORT
  xor %eax, %eax
  lldt %ax
  ret

show_msr:
  push %rax
  push %rdx
  rdmsr
  xchg %eax, %edx
  HEX
  mov %edx, %eax
  HEX
  NEWLINE
  pop %rdx
  pop %rax
  ret
show_rax:
  push %rax
  shr $32, %rax
  HEX
  pop %rax
  HEX
  NEWLINE
  ret
