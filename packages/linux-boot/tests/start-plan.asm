; The firmware of a QEMU machine that does nothing but put the processor into a plan's state: 64 KiB at 0xf0000, reset at its end.
; Defines: GDT, CR3, RIP, RSP, RSI, RBX, RAX, and LONG64 for the 64-bit state.
        org 0xf0000
        bits 16
real:   cli
        mov ax, 0xf000
        mov ds, ax
        o32 lgdt [(descriptor - real)]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 0x10:protected

        bits 32
protected:
        mov ax, 0x18
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
%ifdef LONG64
        mov eax, 0x20
        mov cr4, eax
        mov eax, CR3
        mov cr3, eax
        mov ecx, 0xc0000080
        mov eax, 0x100
        xor edx, edx
        wrmsr
        mov eax, 0x80000011
        mov cr0, eax
        lgdt [final]
        jmp 0x10:wide
        bits 64
wide:   mov ax, 0x18
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov rsp, RSP
        mov rsi, RSI
        mov rax, RIP
        jmp rax
        bits 32
%else
        lgdt [final]
        jmp 0x10:reload
reload: mov ax, 0x18
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov eax, 0x11
        mov cr0, eax
        mov esp, RSP
        mov esi, RSI
        mov ebx, RBX
        xor ebp, ebp
        xor edi, edi
        xor ecx, ecx
        xor edx, edx
        mov eax, RIP
        mov [0x500], eax
        mov eax, RAX
        jmp [0x500]
%endif

        align 8
first:  dq 0, 0
        dq 0x00cf9b000000ffff
        dq 0x00cf93000000ffff
descriptor: dw 31
        dd first
final:  dw 31
        dd GDT
        dd 0

        times 0xfff0 - ($ - $$) db 0
        bits 16
        jmp 0xf000:0
        times 0x10000 - ($ - $$) db 0
