/**
 * The integer and system half of the 0F maps: SDM vol. 2, tables, groups 6 to 9, 15 to 17. The notation is
 * described in `rows.ts`.
 */
export const twoByte: string = `
@ 286
0F 00 /0              | Sldt Ev.w:w
0F 00 /1              | Str Ev.w:w
0F 00 /2              | Lldt Ev.w
0F 00 /3              | Ltr Ev.w
0F 00 /4              | Verr Ev.w           | w=z
0F 00 /5              | Verw Ev.w           | w=z
@ lkgs
F2 0F 00 /6           | Lkgs Ev.w           |                         | only64
@ 286
0F 01 /0 mem          | Sgdt Ms:w           |                         | f64
0F 01 /1 mem          | Sidt Ms:w           |                         | f64
0F 01 /2 mem          | Lgdt Ms             |                         | f64
0F 01 /3 mem          | Lidt Ms             |                         | f64
0F 01 /4              | Smsw Ev.w:w
0F 01 /6              | Lmsw Ev.w
@ 486
0F 01 /7 mem          | Invlpg M:n
@ sgx
np 0F 01 C0           | Enclv               | arith
np 0F 01 CF           | Encls               | arith
np 0F 01 D7           | Enclu               | arith
@ vmx
np 0F 01 C1           | Vmcall              | w=zc 0=osap             | call
np 0F 01 C2           | Vmlaunch            | w=zc 0=osap             | call
np 0F 01 C3           | Vmresume            | w=zc 0=osap             | call
np 0F 01 C4           | Vmxoff              | w=zc 0=osap
np 0F 01 D4           | Vmfunc              | arith
@ pconfig
np 0F 01 C5           | Pconfig             | w=z 0=osapc
@ wrmsrns
np 0F 01 C6           | Wrmsrns
@ msrlist
F3 0F 01 C6           | Wrmsrlist           |                       | only64
F2 0F 01 C6           | Rdmsrlist           |                       | only64
@ tse
np 0F 01 C7           | Pbndkb              | w=z 0=osapc           | only64
@ fred
F3 0F 01 CA           | Eretu               | w=oszapcdik           | ret only64
F2 0F 01 CA           | Erets               | w=oszapcdik           | ret only64
@ sev_es
F3 0F 01 D9           | Vmgexit             |                       | call
F2 0F 01 D9           | Vmgexit             |                       | call
@ rmpquery
F3 0F 01 FD           | Rmpquery            | w=oszap               | only64
@ monitor
np 0F 01 C8           | Monitor
np 0F 01 C9           | Mwait
@ smap
np 0F 01 CA           | Clac                | 0=k
np 0F 01 CB           | Stac                | 1=k
@ xsave
np 0F 01 D0           | Xgetbv
np 0F 01 D1           | Xsetbv
@ rtm
np 0F 01 D5           | Xend
np 0F 01 D6           | Xtest               | w=z 0=osapc
@ svm
0F 01 D8              | Vmrun               | r=oszapcdik             | call
0F 01 D9              | Vmmcall             |                         | call
0F 01 DA              | Vmload
0F 01 DB              | Vmsave
0F 01 DC              | Stgi
0F 01 DD              | Clgi
0F 01 DE              | Skinit              | 0=oszapcdik             | ret
0F 01 DF              | Invlpga
@ tdx
66 0F 01 CC           | Tdcall              |                         | call
66 0F 01 CD           | Seamret             | w=zc 0=osap             | call only64
66 0F 01 CE           | Seamops             | w=z 0=osapc             | only64
66 0F 01 CF           | Seamcall            | w=c 0=oszap             | call only64
@ cet_ss
F3 0F 01 /5 mem       | Rstorssp Mq:rw      | w=c 0=oszap
F3 0F 01 E8           | Setssbsy
F3 0F 01 EA           | Saveprevssp         | r=c
@ tsxldtrk
F2 0F 01 E8           | Xsusldtrk
F2 0F 01 E9           | Xresldtrk
@ serialize
np 0F 01 E8           | Serialize
@ pku
np 0F 01 EE           | Rdpkru
np 0F 01 EF           | Wrpkru
@ uintr
F3 0F 01 EC           | Uiret               | w=oszapcdk 1=u          | ret only64
F3 0F 01 ED           | Testui              | r=u w=c 0=oszap         | only64
F3 0F 01 EE           | Clui                | 0=u                     | only64
F3 0F 01 EF           | Stui                | 1=u                     | only64
@ x64
0F 01 F8              | Swapgs              |                         | only64
@ rdtscp
0F 01 F9              | Rdtscp
@ monitorx
np 0F 01 FA           | Monitorx
np 0F 01 FB           | Mwaitx
@ mcommit
F3 0F 01 FA           | Mcommit             | w=c 0=oszap
@ clzero
0F 01 FC              | Clzero
@ rdpru
np 0F 01 FD           | Rdpru               | w=c 0=oszap
@ invlpgb
np 0F 01 FE           | Invlpgb
np 0F 01 FF           | Tlbsync
@ snp
F2 0F 01 FF           | Pvalidate           | arith
F3 0F 01 FF           | Psmash              | incdec                  | only64
F3 0F 01 FE           | Rmpadjust           | incdec                  | only64
F2 0F 01 FE           | Rmpupdate           | incdec                  | only64
@ 286
0F 02 /r              | Lar Gv:cw Ev.w       | w=z
0F 03 /r              | Lsl Gv:cw Ev.w       | w=z
@ syscall
0F 05                 | Syscall             | r=oszapcdik w=oszapcdik | call
0F 07 o16,o32         | Sysret              | w=oszapcdik             | ret
0F 07 o64             | Sysretq             | w=oszapcdik             | ret
@ 286
0F 06                 | Clts
@ 486
0F 08                 | Invd
0F 09                 | Wbinvd
@ wbnoinvd
F3 0F 09              | Wbnoinvd
@ 386
0F 0B                 | Ud2                 |                         | ud
0F B9 /r              | Ud1 Gv:n Ev:n       |                         | ud
0F FF /r              | Ud0 Gv:n Ev:n       |                         | ud
@ prefetchw
0F 0D /0 mem          | Prefetch Mb:n
0F 0D /1 mem          | Prefetchw Mb:n
0F 0D /2 mem          | Prefetchwt1 Mb:n
0F 0D /3 mem          | Prefetchw Mb:n
0F 0D /4 mem          | Prefetch Mb:n
0F 0D /5 mem          | Prefetch Mb:n
0F 0D /6 mem          | Prefetch Mb:n
0F 0D /7 mem          | Prefetch Mb:n
@ cet_ibt
F3 0F 1E FA           | Endbr64
F3 0F 1E FB           | Endbr32
@ cet_ss
F3 0F 1E /1 reg W0    | Rdsspd Rd:w
F3 0F 1E /1 reg W1    | Rdsspq Rq:w
@ 386
0F 20 /r              | Mov Rm:w Cm         | u=oszapc
0F 21 /r              | Mov Rm:w Dm         | u=oszapc
0F 22 /r              | Mov Cm:w Rm         | u=oszapc
0F 23 /r              | Mov Dm:w Rm         | u=oszapc
@ msr
0F 30                 | Wrmsr
@ tsc
0F 31                 | Rdtsc
@ msr
0F 32                 | Rdmsr
@ rdpmc
0F 33                 | Rdpmc
@ sep
0F 34                 | Sysenter            | 0=i                     | call
0F 35 o16,o32         | Sysexit             |                         | ret
0F 35 o64             | Sysexitq            |                         | ret
@ smx
np 0F 37 W0           | Getsec
np 0F 37 W1           | Getsecq
@ cmov
0F 40 /r              | Cmovo Gv:cz Ev  | r=o
0F 41 /r              | Cmovno Gv:cz Ev | r=o
0F 42 /r              | Cmovb Gv:cz Ev  | r=c
0F 43 /r              | Cmovae Gv:cz Ev | r=c
0F 44 /r              | Cmove Gv:cz Ev  | r=z
0F 45 /r              | Cmovne Gv:cz Ev | r=z
0F 46 /r              | Cmovbe Gv:cz Ev | r=zc
0F 47 /r              | Cmova Gv:cz Ev  | r=zc
0F 48 /r              | Cmovs Gv:cz Ev  | r=s
0F 49 /r              | Cmovns Gv:cz Ev | r=s
0F 4A /r              | Cmovp Gv:cz Ev  | r=p
0F 4B /r              | Cmovnp Gv:cz Ev | r=p
0F 4C /r              | Cmovl Gv:cz Ev  | r=os
0F 4D /r              | Cmovge Gv:cz Ev | r=os
0F 4E /r              | Cmovle Gv:cz Ev | r=osz
0F 4F /r              | Cmovg Gv:cz Ev  | r=osz
@ vmx
np 0F 78 /r           | Vmread Em:w Gm      | w=zc 0=osap
np 0F 79 /r           | Vmwrite Gm Em       | w=zc 0=osap
@ 386
0F 80                 | Jo Jz               | r=o                     | f64 jcc
0F 81                 | Jno Jz              | r=o                     | f64 jcc
0F 82                 | Jb Jz               | r=c                     | f64 jcc
0F 83                 | Jae Jz              | r=c                     | f64 jcc
0F 84                 | Je Jz               | r=z                     | f64 jcc
0F 85                 | Jne Jz              | r=z                     | f64 jcc
0F 86                 | Jbe Jz              | r=zc                    | f64 jcc
0F 87                 | Ja Jz               | r=zc                    | f64 jcc
0F 88                 | Js Jz               | r=s                     | f64 jcc
0F 89                 | Jns Jz              | r=s                     | f64 jcc
0F 8A                 | Jp Jz               | r=p                     | f64 jcc
0F 8B                 | Jnp Jz              | r=p                     | f64 jcc
0F 8C                 | Jl Jz               | r=os                    | f64 jcc
0F 8D                 | Jge Jz              | r=os                    | f64 jcc
0F 8E                 | Jle Jz              | r=osz                   | f64 jcc
0F 8F                 | Jg Jz               | r=osz                   | f64 jcc
0F 90 /r              | Seto Eb:w           | r=o
0F 91 /r              | Setno Eb:w          | r=o
0F 92 /r              | Setb Eb:w           | r=c
0F 93 /r              | Setae Eb:w          | r=c
0F 94 /r              | Sete Eb:w           | r=z
0F 95 /r              | Setne Eb:w          | r=z
0F 96 /r              | Setbe Eb:w          | r=zc
0F 97 /r              | Seta Eb:w           | r=zc
0F 98 /r              | Sets Eb:w           | r=s
0F 99 /r              | Setns Eb:w          | r=s
0F 9A /r              | Setp Eb:w           | r=p
0F 9B /r              | Setnp Eb:w          | r=p
0F 9C /r              | Setl Eb:w           | r=os
0F 9D /r              | Setge Eb:w          | r=os
0F 9E /r              | Setle Eb:w          | r=osz
0F 9F /r              | Setg Eb:w           | r=osz
0F A0                 | Push FS             |                         | d64
0F A1                 | Pop FS:w            |                         | d64
@ cpuid
0F A2                 | Cpuid
@ 386
0F A3 /r              | Bt Ev Gv            | bt
0F A4 /r              | Shld Ev:rw Gv Ib    | w=szpc u=oa
0F A5 /r              | Shld Ev:rw Gv CL    | w=szpc u=oa
0F A8                 | Push GS             |                         | d64
0F A9                 | Pop GS:w            |                         | d64
0F AA                 | Rsm                 | w=oszapcdik             | ret
0F AB /r              | Bts Ev:rw Gv        | bt                      | lock
0F AC /r              | Shrd Ev:rw Gv Ib    | w=szpc u=oa
0F AD /r              | Shrd Ev:rw Gv CL    | w=szpc u=oa
0F AF /r              | Imul Gv:rw Ev       | mul
@ fxsr
np 0F AE /0 mem W0    | Fxsave Mfx:w
np 0F AE /0 mem W1    | Fxsave64 Mfx:w
np 0F AE /1 mem W0    | Fxrstor Mfx
np 0F AE /1 mem W1    | Fxrstor64 Mfx
@ sse
np 0F AE /2 mem       | Ldmxcsr Md
np 0F AE /3 mem       | Stmxcsr Md:w
@ xsave
np 0F AE /4 mem W0    | Xsave Mn:rw
np 0F AE /4 mem W1    | Xsave64 Mn:rw
np 0F AE /5 mem W0    | Xrstor Mn
np 0F AE /5 mem W1    | Xrstor64 Mn
@ xsaveopt
np 0F AE /6 mem W0    | Xsaveopt Mn:rw
np 0F AE /6 mem W1    | Xsaveopt64 Mn:rw
@ clfsh
np 0F AE /7 mem       | Clflush Mb
@ clflushopt
66 0F AE /7 mem       | Clflushopt Mb
@ clwb
66 0F AE /6 mem       | Clwb Mb
@ cet_ss
F3 0F AE /6 mem       | Clrssbsy Mq:rw      | w=c 0=oszap
F3 0F AE /5 reg W0    | Incsspd Rd
F3 0F AE /5 reg W1    | Incsspq Rq
@ ptwrite
F3 0F AE /4           | Ptwrite Ey          |                       | no66
@ sse2
np 0F AE /5 reg       | Lfence
np 0F AE /6 reg       | Mfence
@ sse
np 0F AE /7 reg       | Sfence
@ fsgsbase
F3 0F AE /0 reg       | Rdfsbase Ry:w       |                         | only64
F3 0F AE /1 reg       | Rdgsbase Ry:w       |                         | only64
F3 0F AE /2 reg       | Wrfsbase Ry         |                         | only64
F3 0F AE /3 reg       | Wrgsbase Ry         |                         | only64
@ waitpkg
66 0F AE /6 reg       | Tpause Ry           | w=c 0=oszap
F3 0F AE /6 reg       | Umonitor Ras
F2 0F AE /6 reg       | Umwait Ry           | w=c 0=oszap
@ 486
0F B0 /r              | Cmpxchg Eb:rcw Gb   | arith                   | lock
0F B1 /r              | Cmpxchg Ev:rcw Gv   | arith                   | lock
@ 386
0F B2 /r mem          | Lss Gv:w Mp
0F B3 /r              | Btr Ev:rw Gv        | bt                      | lock
0F B4 /r mem          | Lfs Gv:w Mp
0F B5 /r mem          | Lgs Gv:w Mp
0F B6 /r              | Movzx Gv:w Eb
0F B7 /r              | Movzx Gv:w Ew
@ popcnt
F3 0F B8 /r           | Popcnt Gv:w Ev      | w=z 0=osapc
@ 386
0F BA /4              | Bt Ev Ib            | bt
0F BA /5              | Bts Ev:rw Ib        | bt                      | lock
0F BA /6              | Btr Ev:rw Ib        | bt                      | lock
0F BA /7              | Btc Ev:rw Ib        | bt                      | lock
0F BB /r              | Btc Ev:rw Gv        | bt                      | lock
0F BC /r              | Bsf Gv:cw  Ev       | w=z u=osapc
0F BD /r              | Bsr Gv:cw  Ev       | w=z u=osapc
@ bmi1
F3 0F BC /r           | Tzcnt Gv:w Ev       | w=zc u=osap
@ lzcnt
F3 0F BD /r           | Lzcnt Gv:w Ev       | w=zc u=osap
@ 386
0F BE /r              | Movsx Gv:w Eb
0F BF /r              | Movsx Gv:w Ew
@ 486
0F C0 /r              | Xadd Eb:rw Gb:rw    | arith                   | lock
0F C1 /r              | Xadd Ev:rw Gv:rw    | arith                   | lock
@ sse2
np 0F C3 /r mem       | Movnti My:w Gy
@ cx8
0F C7 /1 mem W0       | Cmpxchg8b Mq:rcw    | w=z                     | lock
@ cx16
0F C7 /1 mem W1       | Cmpxchg16b Mdq:rcw  | w=z                     | lock
@ xsaves
np 0F C7 /3 mem W0    | Xrstors Mn
np 0F C7 /3 mem W1    | Xrstors64 Mn
np 0F C7 /5 mem W0    | Xsaves Mn:w
np 0F C7 /5 mem W1    | Xsaves64 Mn:w
@ xsavec
np 0F C7 /4 mem W0    | Xsavec Mn:w
np 0F C7 /4 mem W1    | Xsavec64 Mn:w
@ vmx
np 0F C7 /6 mem       | Vmptrld Mq          | w=zc 0=osap
np 0F C7 /7 mem       | Vmptrst Mq:w        | 0=oszapc
66 0F C7 /6 mem       | Vmclear Mq          | w=zc 0=osap
F3 0F C7 /6 mem       | Vmxon Mq            | w=zc 0=osap
@ rdrand
nf 0F C7 /6 reg       | Rdrand Rv:w         | w=c 0=oszap
@ rdseed
nf 0F C7 /7 reg       | Rdseed Rv:w         | w=c 0=oszap
@ rdpid
F3 0F C7 /7 reg       | Rdpid Rm:w
@ uintr
F3 0F C7 /6 reg       | Senduipi Rq         |                         | only64
@ 486
0F C8+r               | Bswap Zv:rw
@ movbe
nf 0F 38 F0 /r mem    | Movbe Gv:w Mv
nf 0F 38 F1 /r mem    | Movbe Mv:w Gv
@ sse4_2
F2 0F 38 F0 /r        | Crc32 Gy:rw Eb
F2 0F 38 F1 /r        | Crc32 Gy:rw Ev
@ adx
66 0F 38 F6 /r        | Adcx Gy:rw Ey       | r=c w=c
F3 0F 38 F6 /r        | Adox Gy:rw Ey       | r=o w=o
@ cet_ss
np 0F 38 F6 /r mem W0 | Wrssd Md:w Gd
np 0F 38 F6 /r mem W1 | Wrssq Mq:w Gq
66 0F 38 F5 /r mem W0 | Wrussd Md:w Gd
66 0F 38 F5 /r mem W1 | Wrussq Mq:w Gq
@ movdiri
np 0F 38 F9 /r mem    | Movdiri My:w Gy
@ movdir64b
66 0F 38 F8 /r mem    | Movdir64b Gas M64
@ enqcmd
F2 0F 38 F8 /r mem    | Enqcmd Gas M64       | w=z 0=osapc
F3 0F 38 F8 /r mem    | Enqcmds Gas M64      | w=z 0=osapc
@ vmx
66 0F 38 80 /r mem    | Invept Gm Mdq       | w=zc 0=osap
66 0F 38 81 /r mem    | Invvpid Gm Mdq      | w=zc 0=osap
@ invpcid
66 0F 38 82 /r mem    | Invpcid Gm Mdq
@ hreset
F3 0F 3A F0 C0        | Hreset Ib:n
`;
