/** The one-byte opcode map: SDM vol. 2, table A-2 and groups 1 to 5 and 11. The notation is described in `rows.ts`. */
export const oneByte: string = `
@ 8086
00 /r      | Add Eb:rw Gb      | arith            | lock
01 /r      | Add Ev:rw Gv      | arith            | lock
02 /r      | Add Gb:rw Eb      | arith
03 /r      | Add Gv:rw Ev      | arith
04         | Add AL:rw Ib      | arith
05         | Add rAX:rw Iz     | arith
06         | Push ES           |                  | no64
07         | Pop ES:w          |                  | no64
08 /r      | Or Eb:rw Gb       | logic            | lock
09 /r      | Or Ev:rw Gv       | logic            | lock
0A /r      | Or Gb:rw Eb       | logic
0B /r      | Or Gv:rw Ev       | logic
0C         | Or AL:rw Ib       | logic
0D         | Or rAX:rw Iz      | logic
0E         | Push CS           |                  | no64
10 /r      | Adc Eb:rw Gb      | r=c arith        | lock
11 /r      | Adc Ev:rw Gv      | r=c arith        | lock
12 /r      | Adc Gb:rw Eb      | r=c arith
13 /r      | Adc Gv:rw Ev      | r=c arith
14         | Adc AL:rw Ib      | r=c arith
15         | Adc rAX:rw Iz     | r=c arith
16         | Push SS           |                  | no64
17         | Pop SS:w          |                  | no64
18 /r      | Sbb Eb:rw Gb      | r=c arith        | lock
19 /r      | Sbb Ev:rw Gv      | r=c arith        | lock
1A /r      | Sbb Gb:rw Eb      | r=c arith
1B /r      | Sbb Gv:rw Ev      | r=c arith
1C         | Sbb AL:rw Ib      | r=c arith
1D         | Sbb rAX:rw Iz     | r=c arith
1E         | Push DS           |                  | no64
1F         | Pop DS:w          |                  | no64
20 /r      | And Eb:rw Gb      | logic            | lock
21 /r      | And Ev:rw Gv      | logic            | lock
22 /r      | And Gb:rw Eb      | logic
23 /r      | And Gv:rw Ev      | logic
24         | And AL:rw Ib      | logic
25         | And rAX:rw Iz     | logic
27         | Daa               | r=ac w=szapc u=o | no64
28 /r      | Sub Eb:rw Gb      | arith            | lock
29 /r      | Sub Ev:rw Gv      | arith            | lock
2A /r      | Sub Gb:rw Eb      | arith
2B /r      | Sub Gv:rw Ev      | arith
2C         | Sub AL:rw Ib      | arith
2D         | Sub rAX:rw Iz     | arith
2F         | Das               | r=ac w=szapc u=o | no64
30 /r      | Xor Eb:rw Gb      | logic            | lock
31 /r      | Xor Ev:rw Gv      | logic            | lock
32 /r      | Xor Gb:rw Eb      | logic
33 /r      | Xor Gv:rw Ev      | logic
34         | Xor AL:rw Ib      | logic
35         | Xor rAX:rw Iz     | logic
37         | Aaa               | r=a w=ac u=oszp  | no64
38 /r      | Cmp Eb Gb         | arith
39 /r      | Cmp Ev Gv         | arith
3A /r      | Cmp Gb Eb         | arith
3B /r      | Cmp Gv Ev         | arith
3C         | Cmp AL Ib         | arith
3D         | Cmp rAX Iz        | arith
3F         | Aas               | r=a w=ac u=oszp  | no64
40+r       | Inc Zv:rw         | incdec           | no64
48+r       | Dec Zv:rw         | incdec           | no64
50+r       | Push Zv           |                  | d64
58+r       | Pop Zv:w          |                  | d64
@ 186
60 o16     | Pusha             |                  | no64
61 o16     | Popa              |                  | no64
@ 386
60 o32     | Pushad            |                  | no64
61 o32     | Popad             |                  | no64
@ 186
62 /r mem  | Bound Gv Mvv      |                  | no64
@ 286
63 /r      | Arpl Ev.w:rcw Gv   | w=z              | no64
@ x64
63 /r o16  | Movsxd Gw:w Ew    |                  | only64
63 /r o32  | Movsxd Gd:w Ed    |                  | only64
63 /r o64  | Movsxd Gq:w Ed    |                  | only64
@ 186
68         | Push Iz           |                  | d64
69 /r      | Imul Gv:w Ev Iz   | mul
6A         | Push Is           |                  | d64
6B /r      | Imul Gv:w Ev Is   | mul
6C         | Insb Yb:w DX      | r=d
6D o16     | Insw Yw:w DX      | r=d
6E         | Outsb DX Xb       | r=d
6F o16     | Outsw DX Xw       | r=d
@ 386
6D o32,o64 | Insd Yd:w DX      | r=d
6F o32,o64 | Outsd DX Xd       | r=d
@ 8086
70         | Jo Jb             | r=o              | f64 jcc
71         | Jno Jb            | r=o              | f64 jcc
72         | Jb Jb             | r=c              | f64 jcc
73         | Jae Jb            | r=c              | f64 jcc
74         | Je Jb             | r=z              | f64 jcc
75         | Jne Jb            | r=z              | f64 jcc
76         | Jbe Jb            | r=zc             | f64 jcc
77         | Ja Jb             | r=zc             | f64 jcc
78         | Js Jb             | r=s              | f64 jcc
79         | Jns Jb            | r=s              | f64 jcc
7A         | Jp Jb             | r=p              | f64 jcc
7B         | Jnp Jb            | r=p              | f64 jcc
7C         | Jl Jb             | r=os             | f64 jcc
7D         | Jge Jb            | r=os             | f64 jcc
7E         | Jle Jb            | r=osz            | f64 jcc
7F         | Jg Jb             | r=osz            | f64 jcc
80 /0      | Add Eb:rw Ib      | arith            | lock
80 /1      | Or Eb:rw Ib       | logic            | lock
80 /2      | Adc Eb:rw Ib      | r=c arith        | lock
80 /3      | Sbb Eb:rw Ib      | r=c arith        | lock
80 /4      | And Eb:rw Ib      | logic            | lock
80 /5      | Sub Eb:rw Ib      | arith            | lock
80 /6      | Xor Eb:rw Ib      | logic            | lock
80 /7      | Cmp Eb Ib         | arith
81 /0      | Add Ev:rw Iz      | arith            | lock
81 /1      | Or Ev:rw Iz       | logic            | lock
81 /2      | Adc Ev:rw Iz      | r=c arith        | lock
81 /3      | Sbb Ev:rw Iz      | r=c arith        | lock
81 /4      | And Ev:rw Iz      | logic            | lock
81 /5      | Sub Ev:rw Iz      | arith            | lock
81 /6      | Xor Ev:rw Iz      | logic            | lock
81 /7      | Cmp Ev Iz         | arith
82 /0      | Add Eb:rw Ib      | arith            | lock no64
82 /1      | Or Eb:rw Ib       | logic            | lock no64
82 /2      | Adc Eb:rw Ib      | r=c arith        | lock no64
82 /3      | Sbb Eb:rw Ib      | r=c arith        | lock no64
82 /4      | And Eb:rw Ib      | logic            | lock no64
82 /5      | Sub Eb:rw Ib      | arith            | lock no64
82 /6      | Xor Eb:rw Ib      | logic            | lock no64
82 /7      | Cmp Eb Ib         | arith            | no64
83 /0      | Add Ev:rw Is      | arith            | lock
83 /1      | Or Ev:rw Is       | logic            | lock
83 /2      | Adc Ev:rw Is      | r=c arith        | lock
83 /3      | Sbb Ev:rw Is      | r=c arith        | lock
83 /4      | And Ev:rw Is      | logic            | lock
83 /5      | Sub Ev:rw Is      | arith            | lock
83 /6      | Xor Ev:rw Is      | logic            | lock
83 /7      | Cmp Ev Is         | arith
84 /r      | Test Eb Gb        | logic
85 /r      | Test Ev Gv        | logic
86 /r      | Xchg Eb:rw Gb:rw  |                  | lock
87 /r      | Xchg Ev:rw Gv:rw  |                  | lock
88 /r      | Mov Eb:w Gb
89 /r      | Mov Ev:w Gv
8A /r      | Mov Gb:w Eb
8B /r      | Mov Gv:w Ev
8C /r      | Mov Ev.w:w Sw
8D /r mem  | Lea Gv:w M:n
8E /r      | Mov Sw:w Ev.w
8F /0      | Pop Ev:w          |                  | d64
90+r       | Xchg Zv:rw rAX:rw
90 nob     | Nop
@ pause
F3 90      | Pause
@ 8086
98 o16     | Cbw
99 o16     | Cwd
@ 386
98 o32     | Cwde
99 o32     | Cdq
@ x64
98 o64     | Cdqe
99 o64     | Cqo
@ 8086
9A         | Call Ap           |                  | no64 call
9B         | Wait
9C o16     | Pushf             | r=oszapcdi       | d64
9D o16     | Popf              | w=oszapcdi       | d64
@ 386
9C o32     | Pushfd            | r=oszapcdik      | no64
9D o32     | Popfd             | w=oszapcdik      | no64
@ x64
9C o64     | Pushfq            | r=oszapcdik      | d64
9D o64     | Popfq             | w=oszapcdik      | d64
@ 8086
9E         | Sahf              | w=szapc
9F         | Lahf              | r=szapc
A0         | Mov AL:w Ob
A1         | Mov rAX:w Ov
A2         | Mov Ob:w AL
A3         | Mov Ov:w rAX
A4         | Movsb Yb:w Xb     | r=d
A5 o16     | Movsw Yw:w Xw     | r=d
@ 386
A5 o32     | Movsd Yd:w Xd     | r=d
@ x64
A5 o64     | Movsq Yq:w Xq     | r=d
@ 8086
A6         | Cmpsb Xb Yb       | r=d arith
A7 o16     | Cmpsw Xw Yw       | r=d arith
@ 386
A7 o32     | Cmpsd Xd Yd       | r=d arith
@ x64
A7 o64     | Cmpsq Xq Yq       | r=d arith
@ 8086
A8         | Test AL Ib        | logic
A9         | Test rAX Iz       | logic
AA         | Stosb Yb:w AL     | r=d
AB o16     | Stosw Yw:w AX     | r=d
@ 386
AB o32     | Stosd Yd:w EAX    | r=d
@ x64
AB o64     | Stosq Yq:w RAX    | r=d
@ 8086
AC         | Lodsb AL:w Xb     | r=d
AD o16     | Lodsw AX:w Xw     | r=d
@ 386
AD o32     | Lodsd EAX:w Xd    | r=d
@ x64
AD o64     | Lodsq RAX:w Xq    | r=d
@ 8086
AE         | Scasb AL Yb       | r=d arith
AF o16     | Scasw AX Yw       | r=d arith
@ 386
AF o32     | Scasd EAX Yd      | r=d arith
@ x64
AF o64     | Scasq RAX Yq      | r=d arith
@ 8086
B0+r       | Mov Zb:w Ib
B8+r       | Mov Zv:w Iv
@ 186
C0 /0      | Rol Eb:rw Ib      | w=c u=o
C0 /1      | Ror Eb:rw Ib      | w=c u=o
C0 /2      | Rcl Eb:rw Ib      | r=c w=c u=o
C0 /3      | Rcr Eb:rw Ib      | r=c w=c u=o
C0 /4      | Shl Eb:rw Ib      | w=szpc u=oa
C0 /5      | Shr Eb:rw Ib      | w=szpc u=oa
C0 /6      | Sal Eb:rw Ib      | w=szpc u=oa
C0 /7      | Sar Eb:rw Ib      | w=szpc u=oa
C1 /0      | Rol Ev:rw Ib      | w=c u=o
C1 /1      | Ror Ev:rw Ib      | w=c u=o
C1 /2      | Rcl Ev:rw Ib      | r=c w=c u=o
C1 /3      | Rcr Ev:rw Ib      | r=c w=c u=o
C1 /4      | Shl Ev:rw Ib      | w=szpc u=oa
C1 /5      | Shr Ev:rw Ib      | w=szpc u=oa
C1 /6      | Sal Ev:rw Ib      | w=szpc u=oa
C1 /7      | Sar Ev:rw Ib      | w=szpc u=oa
@ 8086
C2         | Ret Iw            |                  | f64 ret
C3         | Ret               |                  | f64 ret
C4 /r mem  | Les Gv:w Mp       |                  | no64
C5 /r mem  | Lds Gv:w Mp       |                  | no64
C6 /0      | Mov Eb:w Ib
C7 /0      | Mov Ev:w Iz
@ rtm
C6 F8      | Xabort Ib
C7 F8      | Xbegin Jz.m       |                  | xbegin
@ 186
C8         | Enter Iw Ib2      |                  | d64
C9         | Leave             |                  | d64
@ 8086
CA         | Retf Iw           |                  | ret
CB         | Retf              |                  | ret
CC         | Int3              |                  | int
CD         | Int Ib            |                  | int
CE         | Into              | r=o              | no64 int
CF o16     | Iret              | w=oszapcdi       | ret
@ 386
CF o32     | Iretd             | w=oszapcdik      | ret
@ x64
CF o64     | Iretq             | w=oszapcdik      | ret
@ 8086
D0 /0      | Rol Eb:rw 1       | w=oc
D0 /1      | Ror Eb:rw 1       | w=oc
D0 /2      | Rcl Eb:rw 1       | r=c w=oc
D0 /3      | Rcr Eb:rw 1       | r=c w=oc
D0 /4      | Shl Eb:rw 1       | w=oszpc u=a
D0 /5      | Shr Eb:rw 1       | w=oszpc u=a
D0 /6      | Sal Eb:rw 1       | w=oszpc u=a
D0 /7      | Sar Eb:rw 1       | w=oszpc u=a
D1 /0      | Rol Ev:rw 1       | w=oc
D1 /1      | Ror Ev:rw 1       | w=oc
D1 /2      | Rcl Ev:rw 1       | r=c w=oc
D1 /3      | Rcr Ev:rw 1       | r=c w=oc
D1 /4      | Shl Ev:rw 1       | w=oszpc u=a
D1 /5      | Shr Ev:rw 1       | w=oszpc u=a
D1 /6      | Sal Ev:rw 1       | w=oszpc u=a
D1 /7      | Sar Ev:rw 1       | w=oszpc u=a
D2 /0      | Rol Eb:rw CL      | w=c u=o
D2 /1      | Ror Eb:rw CL      | w=c u=o
D2 /2      | Rcl Eb:rw CL      | r=c w=c u=o
D2 /3      | Rcr Eb:rw CL      | r=c w=c u=o
D2 /4      | Shl Eb:rw CL      | w=szpc u=oa
D2 /5      | Shr Eb:rw CL      | w=szpc u=oa
D2 /6      | Sal Eb:rw CL      | w=szpc u=oa
D2 /7      | Sar Eb:rw CL      | w=szpc u=oa
D3 /0      | Rol Ev:rw CL      | w=c u=o
D3 /1      | Ror Ev:rw CL      | w=c u=o
D3 /2      | Rcl Ev:rw CL      | r=c w=c u=o
D3 /3      | Rcr Ev:rw CL      | r=c w=c u=o
D3 /4      | Shl Ev:rw CL      | w=szpc u=oa
D3 /5      | Shr Ev:rw CL      | w=szpc u=oa
D3 /6      | Sal Ev:rw CL      | w=szpc u=oa
D3 /7      | Sar Ev:rw CL      | w=szpc u=oa
D4         | Aam Ib            | w=szp u=oac      | no64
D5         | Aad Ib            | w=szp u=oac      | no64
D6         | Salc              | r=c              | no64
D7         | Xlatb Xlat
E0         | Loopne Jb         | r=z              | f64 jcc
E1         | Loope Jb          | r=z              | f64 jcc
E2         | Loop Jb           |                  | f64 jcc
E3 a16     | Jcxz Jb           |                  | f64 jcc
@ 386
E3 a32     | Jecxz Jb          |                  | f64 jcc
@ x64
E3 a64     | Jrcxz Jb          |                  | f64 jcc
@ 8086
E4         | In AL:w Ib
E5         | In zAX:w Ib
E6         | Out Ib AL
E7         | Out Ib zAX
E8         | Call Jz           |                  | f64 call
E9         | Jmp Jz            |                  | f64 jmp
EA         | Jmp Ap            |                  | no64 jmp
EB         | Jmp Jb            |                  | f64 jmp
EC         | In AL:w DX
ED         | In zAX:w DX
EE         | Out DX AL
EF         | Out DX zAX
@ 386
F1         | Int1              |                  | int
@ 8086
F4         | Hlt
F5         | Cmc               | r=c w=c
F6 /0      | Test Eb Ib        | logic
F6 /1      | Test Eb Ib        | logic
F6 /2      | Not Eb:rw         |                  | lock
F6 /3      | Neg Eb:rw         | arith            | lock
F6 /4      | Mul Eb            | mul
F6 /5      | Imul Eb           | mul
F6 /6      | Div Eb            | u=oszapc
F6 /7      | Idiv Eb           | u=oszapc
F7 /0      | Test Ev Iz        | logic
F7 /1      | Test Ev Iz        | logic
F7 /2      | Not Ev:rw         |                  | lock
F7 /3      | Neg Ev:rw         | arith            | lock
F7 /4      | Mul Ev            | mul
F7 /5      | Imul Ev           | mul
F7 /6      | Div Ev            | u=oszapc
F7 /7      | Idiv Ev           | u=oszapc
F8         | Clc               | 0=c
F9         | Stc               | 1=c
FA         | Cli               | 0=i
FB         | Sti               | 1=i
FC         | Cld               | 0=d
FD         | Std               | 1=d
FE /0      | Inc Eb:rw         | incdec           | lock
FE /1      | Dec Eb:rw         | incdec           | lock
FF /0      | Inc Ev:rw         | incdec           | lock
FF /1      | Dec Ev:rw         | incdec           | lock
FF /2      | Call Ev           |                  | f64 icall
FF /3 mem  | Call Mp           |                  | icall
FF /4      | Jmp Ev            |                  | f64 ijmp
FF /5 mem  | Jmp Mp            |                  | ijmp
FF /6      | Push Ev           |                  | d64
`;
