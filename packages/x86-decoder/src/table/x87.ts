/**
 * The x87 escapes D8 to DF: SDM vol. 2, tables. The last few aliases are not in the SDM but in the AMD
 * APM, and processors run them. The notation is described in `rows.ts`.
 */
export const x87: string = `
@ fpu
D8 /0 mem | Fadd Md             | fpu
D8 /1 mem | Fmul Md             | fpu
D8 /2 mem | Fcom Md             | fcompare
D8 /3 mem | Fcomp Md            | fcompare
D8 /4 mem | Fsub Md             | fpu
D8 /5 mem | Fsubr Md            | fpu
D8 /6 mem | Fdiv Md             | fpu
D8 /7 mem | Fdivr Md            | fpu
D8 C0+i   | Fadd ST0:rw STi     | fpu
D8 C8+i   | Fmul ST0:rw STi     | fpu
D8 D0+i   | Fcom ST0 STi        | fcompare
D8 D8+i   | Fcomp ST0 STi       | fcompare
D8 E0+i   | Fsub ST0:rw STi     | fpu
D8 E8+i   | Fsubr ST0:rw STi    | fpu
D8 F0+i   | Fdiv ST0:rw STi     | fpu
D8 F8+i   | Fdivr ST0:rw STi    | fpu
D9 /0 mem | Fld Md              | fpu
D9 /2 mem | Fst Md:w            | fpu
D9 /3 mem | Fstp Md:w           | fpu
D9 /4 mem | Fldenv Menv         | w=0123
D9 /5 mem | Fldcw Mw            | u=0123
D9 /6 mem | Fnstenv Menv:w      | r=0123 u=0123
D9 /7 mem | Fnstcw Mw:w         | u=0123
D9 C0+i   | Fld STi             | fpu
D9 C8+i   | Fxch ST0:rw STi:rw  | 0=1 u=023
D9 D0     | Fnop
D9 D8+i   | Fstpnce STi:w       | fpu
D9 E0     | Fchs                | 0=1 u=023
D9 E1     | Fabs                | 0=1 u=023
D9 E4     | Ftst                | fcompare
D9 E5     | Fxam                | w=0123
D9 E8     | Fld1                | fpu
D9 E9     | Fldl2t              | fpu
D9 EA     | Fldl2e              | fpu
D9 EB     | Fldpi               | fpu
D9 EC     | Fldlg2              | fpu
D9 ED     | Fldln2              | fpu
D9 EE     | Fldz                | fpu
D9 F0     | F2xm1               | fpu
D9 F1     | Fyl2x               | fpu
D9 F2     | Fptan               | w=12 u=03
D9 F3     | Fpatan              | fpu
D9 F4     | Fxtract             | fpu
@ 387
D9 F5     | Fprem1              | w=0123
@ fpu
D9 F6     | Fdecstp             | 0=1 u=023
D9 F7     | Fincstp             | 0=1 u=023
D9 F8     | Fprem               | w=0123
D9 F9     | Fyl2xp1             | fpu
D9 FA     | Fsqrt               | fpu
@ 387
D9 FB     | Fsincos             | w=12 u=03
@ fpu
D9 FC     | Frndint             | fpu
D9 FD     | Fscale              | fpu
@ 387
D9 FE     | Fsin                | w=12 u=03
D9 FF     | Fcos                | w=12 u=03
@ fpu
DA /0 mem | Fiadd Md            | fpu
DA /1 mem | Fimul Md            | fpu
DA /2 mem | Ficom Md            | fcompare
DA /3 mem | Ficomp Md           | fcompare
DA /4 mem | Fisub Md            | fpu
DA /5 mem | Fisubr Md           | fpu
DA /6 mem | Fidiv Md            | fpu
DA /7 mem | Fidivr Md           | fpu
@ cmov
DA C0+i   | Fcmovb ST0:cw STi:cr   | r=c 0=1 u=023
DA C8+i   | Fcmove ST0:cw STi:cr   | r=z 0=1 u=023
DA D0+i   | Fcmovbe ST0:cw STi:cr  | r=zc 0=1 u=023
DA D8+i   | Fcmovu ST0:cw STi:cr   | r=p 0=1 u=023
@ 387
DA E9     | Fucompp             | fcompare
@ fpu
DB /0 mem | Fild Md             | fpu
@ sse3
DB /1 mem | Fisttp Md:w         | 0=1 u=023
@ fpu
DB /2 mem | Fist Md:w           | fpu
DB /3 mem | Fistp Md:w          | fpu
DB /5 mem | Fld Mt              | fpu
DB /7 mem | Fstp Mt:w           | fpu
@ cmov
DB C0+i   | Fcmovnb ST0:cw STi:cr  | r=c 0=1 u=023
DB C8+i   | Fcmovne ST0:cw STi:cr  | r=z 0=1 u=023
DB D0+i   | Fcmovnbe ST0:cw STi:cr | r=zc 0=1 u=023
DB D8+i   | Fcmovnu ST0:cw STi:cr  | r=p 0=1 u=023
@ fpu
DB E0     | Fneni
DB E1     | Fndisi
DB E2     | Fnclex              | u=0123
DB E3     | Fninit              | 0=0123
@ 287
DB E4     | Fnsetpm
@ cmov
DB E8+i   | Fucomi ST0 STi      | w=zpc 0=osa1
DB F0+i   | Fcomi ST0 STi       | w=zpc 0=osa1
@ fpu
DC /0 mem | Fadd Mq             | fpu
DC /1 mem | Fmul Mq             | fpu
DC /2 mem | Fcom Mq             | fcompare
DC /3 mem | Fcomp Mq            | fcompare
DC /4 mem | Fsub Mq             | fpu
DC /5 mem | Fsubr Mq            | fpu
DC /6 mem | Fdiv Mq             | fpu
DC /7 mem | Fdivr Mq            | fpu
DC C0+i   | Fadd STi:rw ST0     | fpu
DC C8+i   | Fmul STi:rw ST0     | fpu
DC D0+i   | Fcom ST0 STi        | fcompare
DC D8+i   | Fcomp ST0 STi       | fcompare
DC E0+i   | Fsubr STi:rw ST0    | fpu
DC E8+i   | Fsub STi:rw ST0     | fpu
DC F0+i   | Fdivr STi:rw ST0    | fpu
DC F8+i   | Fdiv STi:rw ST0     | fpu
DD /0 mem | Fld Mq              | fpu
@ sse3
DD /1 mem | Fisttp Mq:w         | 0=1 u=023
@ fpu
DD /2 mem | Fst Mq:w            | fpu
DD /3 mem | Fstp Mq:w           | fpu
DD /4 mem | Frstor Msave        | w=0123
DD /6 mem | Fnsave Msave:w      | r=0123 0=0123
DD /7 mem | Fnstsw Mw:w         | r=0123 u=0123
DD C0+i   | Ffree STi:n           | u=0123
DD C8+i   | Fxch ST0:rw STi:rw  | 0=1 u=023
DD D0+i   | Fst STi:w           | fpu
DD D8+i   | Fstp STi:w          | fpu
@ 387
DD E0+i   | Fucom ST0 STi       | fcompare
DD E8+i   | Fucomp ST0 STi      | fcompare
@ fpu
DE /0 mem | Fiadd Mw            | fpu
DE /1 mem | Fimul Mw            | fpu
DE /2 mem | Ficom Mw            | fcompare
DE /3 mem | Ficomp Mw           | fcompare
DE /4 mem | Fisub Mw            | fpu
DE /5 mem | Fisubr Mw           | fpu
DE /6 mem | Fidiv Mw            | fpu
DE /7 mem | Fidivr Mw           | fpu
DE C0+i   | Faddp STi:rw ST0    | fpu
DE C8+i   | Fmulp STi:rw ST0    | fpu
DE D0+i   | Fcomp ST0 STi       | fcompare
DE D9     | Fcompp              | fcompare
DE E0+i   | Fsubrp STi:rw ST0   | fpu
DE E8+i   | Fsubp STi:rw ST0    | fpu
DE F0+i   | Fdivrp STi:rw ST0   | fpu
DE F8+i   | Fdivp STi:rw ST0    | fpu
DF /0 mem | Fild Mw             | fpu
@ sse3
DF /1 mem | Fisttp Mw:w         | 0=1 u=023
@ fpu
DF /2 mem | Fist Mw:w           | fpu
DF /3 mem | Fistp Mw:w          | fpu
DF /4 mem | Fbld Mt             | fpu
DF /5 mem | Fild Mq             | fpu
DF /6 mem | Fbstp Mt:w          | fpu
DF /7 mem | Fistp Mq:w          | fpu
DF C0+i   | Ffreep STi:n          | u=0123
DF C8+i   | Fxch ST0:rw STi:rw  | 0=1 u=023
DF D0+i   | Fstp STi:w          | fpu
DF D8+i   | Fstp STi:w          | fpu
@ 287
DF E0     | Fnstsw AX:w         | r=0123 u=0123
@ cmov
DF E8+i   | Fucomip ST0 STi     | w=zpc 0=osa1
DF F0+i   | Fcomip ST0 STi      | w=zpc 0=osa1
`;
