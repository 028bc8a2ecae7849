/**
 * MMX, SSE to SSE3, SSE4A, prefetches and reserved NOPs in the 0F map: SDM vol. 2, table A-3 and groups 12 to 14 and
 * 16. The notation is described in `rows.ts`.
 */
export const mmxSse: string = `
@ sse
0F 18 /0 mem    | Prefetchnta Mb:n
0F 18 /1 mem    | Prefetcht0 Mb:n
0F 18 /2 mem    | Prefetcht1 Mb:n
0F 18 /3 mem    | Prefetcht2 Mb:n
@ nop
0F 0D /r reg    | Reservednop Ev:n Gv:n
0F 18 /r reg    | Reservednop Ev:n Gv:n
0F 18 /4 mem    | Reservednop Ev:n Gv:n
0F 18 /5 mem    | Reservednop Ev:n Gv:n
0F 18 /6 mem    | Reservednop Ev:n Gv:n
0F 18 /7 mem    | Reservednop Ev:n Gv:n
0F 19 /r        | Reservednop Ev:n Gv:n
0F 1A /r        | Reservednop Ev:n Gv:n
0F 1B /r        | Reservednop Ev:n Gv:n
0F 1C /r        | Reservednop Ev:n Gv:n
0F 1D /r        | Reservednop Ev:n Gv:n
0F 1E /r        | Reservednop Ev:n Gv:n
0F 1F /r        | Reservednop Ev:n Gv:n
0F 1F /0        | Nop Ev:n
@ cldemote
np 0F 1C /0 mem | Cldemote Mb:n
@ sse
np 0F 10 /r     | Movups Vdq:w Wdq
np 0F 11 /r     | Movups Wdq:w Vdq
@ sse2
66 0F 10 /r     | Movupd Vdq:w Wdq
66 0F 11 /r     | Movupd Wdq:w Vdq
@ sse
F3 0F 10 /r mem | Movss Vdq:w Md
F3 0F 10 /r reg | Movss Vd:rw Ud
F3 0F 11 /r mem | Movss Md:w Vd
F3 0F 11 /r reg | Movss Ud:rw Vd
@ sse2
F2 0F 10 /r mem | Movsd Vdq:w Mq
F2 0F 10 /r reg | Movsd Vq:rw Uq
F2 0F 11 /r mem | Movsd Mq:w Vq
F2 0F 11 /r reg | Movsd Uq:rw Vq
@ sse
np 0F 12 /r mem | Movlps Vq:rw Mq
np 0F 12 /r reg | Movhlps Vq:rw Uq
np 0F 13 /r mem | Movlps Mq:w Vq
np 0F 16 /r mem | Movhps Vq:rw Mq
np 0F 16 /r reg | Movlhps Vq:rw Uq
np 0F 17 /r mem | Movhps Mq:w Vq
@ sse2
66 0F 12 /r mem | Movlpd Vq:rw Mq
66 0F 13 /r mem | Movlpd Mq:w Vq
66 0F 16 /r mem | Movhpd Vq:rw Mq
66 0F 17 /r mem | Movhpd Mq:w Vq
@ sse3
F3 0F 12 /r     | Movsldup Vdq:w Wdq
F2 0F 12 /r     | Movddup Vdq:w Wq
F3 0F 16 /r     | Movshdup Vdq:w Wdq
@ sse
np 0F 14 /r     | Unpcklps Vdq:rw Wdq
@ sse2
66 0F 14 /r     | Unpcklpd Vdq:rw Wdq
@ sse
np 0F 15 /r     | Unpckhps Vdq:rw Wdq
@ sse2
66 0F 15 /r     | Unpckhpd Vdq:rw Wdq
@ sse
np 0F 28 /r     | Movaps Vdq:w Wdq
np 0F 29 /r     | Movaps Wdq:w Vdq
@ sse2
66 0F 28 /r     | Movapd Vdq:w Wdq
66 0F 29 /r     | Movapd Wdq:w Vdq
@ sse
np 0F 2A /r     | Cvtpi2ps Vq:rw Qq
F3 0F 2A /r     | Cvtsi2ss Vd:rw Ey
@ sse2
66 0F 2A /r     | Cvtpi2pd Vdq:w Qq
F2 0F 2A /r     | Cvtsi2sd Vq:rw Ey
@ sse
np 0F 2B /r mem | Movntps Mdq:w Vdq
@ sse2
66 0F 2B /r mem | Movntpd Mdq:w Vdq
@ sse4a
F3 0F 2B /r mem | Movntss Md:w Vd
F2 0F 2B /r mem | Movntsd Mq:w Vq
@ sse
np 0F 2C /r     | Cvttps2pi Pq:w Wq
F3 0F 2C /r     | Cvttss2si Gy:w Wd
@ sse2
66 0F 2C /r     | Cvttpd2pi Pq:w Wdq
F2 0F 2C /r     | Cvttsd2si Gy:w Wq
@ sse
np 0F 2D /r     | Cvtps2pi Pq:w Wq
F3 0F 2D /r     | Cvtss2si Gy:w Wd
@ sse2
66 0F 2D /r     | Cvtpd2pi Pq:w Wdq
F2 0F 2D /r     | Cvtsd2si Gy:w Wq
@ sse
np 0F 2E /r     | Ucomiss Vd Wd              | compare
@ sse2
66 0F 2E /r     | Ucomisd Vq Wq              | compare
@ sse
np 0F 2F /r     | Comiss Vd Wd               | compare
@ sse2
66 0F 2F /r     | Comisd Vq Wq               | compare
@ sse
np 0F 50 /r reg | Movmskps Gy:w Udq
@ sse2
66 0F 50 /r reg | Movmskpd Gy:w Udq
@ sse
np 0F 51 /r     | Sqrtps Vdq:w Wdq
@ sse2
66 0F 51 /r     | Sqrtpd Vdq:w Wdq
@ sse
F3 0F 51 /r     | Sqrtss Vd:rw Wd
@ sse2
F2 0F 51 /r     | Sqrtsd Vq:rw Wq
@ sse
np 0F 52 /r     | Rsqrtps Vdq:w Wdq
F3 0F 52 /r     | Rsqrtss Vd:rw Wd
np 0F 53 /r     | Rcpps Vdq:w Wdq
F3 0F 53 /r     | Rcpss Vd:rw Wd
np 0F 54 /r     | Andps Vdq:rw Wdq
@ sse2
66 0F 54 /r     | Andpd Vdq:rw Wdq
@ sse
np 0F 55 /r     | Andnps Vdq:rw Wdq
@ sse2
66 0F 55 /r     | Andnpd Vdq:rw Wdq
@ sse
np 0F 56 /r     | Orps Vdq:rw Wdq
@ sse2
66 0F 56 /r     | Orpd Vdq:rw Wdq
@ sse
np 0F 57 /r     | Xorps Vdq:rw Wdq
@ sse2
66 0F 57 /r     | Xorpd Vdq:rw Wdq
@ sse
np 0F 58 /r     | Addps Vdq:rw Wdq
@ sse2
66 0F 58 /r     | Addpd Vdq:rw Wdq
@ sse
F3 0F 58 /r     | Addss Vd:rw Wd
@ sse2
F2 0F 58 /r     | Addsd Vq:rw Wq
@ sse
np 0F 59 /r     | Mulps Vdq:rw Wdq
@ sse2
66 0F 59 /r     | Mulpd Vdq:rw Wdq
@ sse
F3 0F 59 /r     | Mulss Vd:rw Wd
@ sse2
F2 0F 59 /r     | Mulsd Vq:rw Wq
np 0F 5A /r     | Cvtps2pd Vdq:w Wq
66 0F 5A /r     | Cvtpd2ps Vdq:w Wdq
F3 0F 5A /r     | Cvtss2sd Vq:rw Wd
F2 0F 5A /r     | Cvtsd2ss Vd:rw Wq
np 0F 5B /r     | Cvtdq2ps Vdq:w Wdq
66 0F 5B /r     | Cvtps2dq Vdq:w Wdq
F3 0F 5B /r     | Cvttps2dq Vdq:w Wdq
@ sse
np 0F 5C /r     | Subps Vdq:rw Wdq
@ sse2
66 0F 5C /r     | Subpd Vdq:rw Wdq
@ sse
F3 0F 5C /r     | Subss Vd:rw Wd
@ sse2
F2 0F 5C /r     | Subsd Vq:rw Wq
@ sse
np 0F 5D /r     | Minps Vdq:rw Wdq
@ sse2
66 0F 5D /r     | Minpd Vdq:rw Wdq
@ sse
F3 0F 5D /r     | Minss Vd:rw Wd
@ sse2
F2 0F 5D /r     | Minsd Vq:rw Wq
@ sse
np 0F 5E /r     | Divps Vdq:rw Wdq
@ sse2
66 0F 5E /r     | Divpd Vdq:rw Wdq
@ sse
F3 0F 5E /r     | Divss Vd:rw Wd
@ sse2
F2 0F 5E /r     | Divsd Vq:rw Wq
@ sse
np 0F 5F /r     | Maxps Vdq:rw Wdq
@ sse2
66 0F 5F /r     | Maxpd Vdq:rw Wdq
@ sse
F3 0F 5F /r     | Maxss Vd:rw Wd
@ sse2
F2 0F 5F /r     | Maxsd Vq:rw Wq
@ mmx
np 0F 60 /r     | Punpcklbw Pq:rw Qq.d
@ sse2
66 0F 60 /r     | Punpcklbw Vdq:rw Wdq
@ mmx
np 0F 61 /r     | Punpcklwd Pq:rw Qq.d
@ sse2
66 0F 61 /r     | Punpcklwd Vdq:rw Wdq
@ mmx
np 0F 62 /r     | Punpckldq Pq:rw Qq.d
@ sse2
66 0F 62 /r     | Punpckldq Vdq:rw Wdq
@ mmx
np 0F 63 /r     | Packsswb Pq:rw Qq
@ sse2
66 0F 63 /r     | Packsswb Vdq:rw Wdq
@ mmx
np 0F 64 /r     | Pcmpgtb Pq:rw Qq
@ sse2
66 0F 64 /r     | Pcmpgtb Vdq:rw Wdq
@ mmx
np 0F 65 /r     | Pcmpgtw Pq:rw Qq
@ sse2
66 0F 65 /r     | Pcmpgtw Vdq:rw Wdq
@ mmx
np 0F 66 /r     | Pcmpgtd Pq:rw Qq
@ sse2
66 0F 66 /r     | Pcmpgtd Vdq:rw Wdq
@ mmx
np 0F 67 /r     | Packuswb Pq:rw Qq
@ sse2
66 0F 67 /r     | Packuswb Vdq:rw Wdq
@ mmx
np 0F 68 /r     | Punpckhbw Pq:rw Qq
@ sse2
66 0F 68 /r     | Punpckhbw Vdq:rw Wdq
@ mmx
np 0F 69 /r     | Punpckhwd Pq:rw Qq
@ sse2
66 0F 69 /r     | Punpckhwd Vdq:rw Wdq
@ mmx
np 0F 6A /r     | Punpckhdq Pq:rw Qq
@ sse2
66 0F 6A /r     | Punpckhdq Vdq:rw Wdq
@ mmx
np 0F 6B /r     | Packssdw Pq:rw Qq
@ sse2
66 0F 6B /r     | Packssdw Vdq:rw Wdq
66 0F 6C /r     | Punpcklqdq Vdq:rw Wdq
66 0F 6D /r     | Punpckhqdq Vdq:rw Wdq
@ mmx
np 0F 6E /r W0  | Movd Pq:w Ed
np 0F 6E /r W1  | Movq Pq:w Eq
@ sse2
66 0F 6E /r W0  | Movd Vdq:w Ed
66 0F 6E /r W1  | Movq Vdq:w Eq
@ mmx
np 0F 6F /r     | Movq Pq:w Qq
@ sse2
66 0F 6F /r     | Movdqa Vdq:w Wdq
66 0F 7F /r     | Movdqa Wdq:w Vdq
F3 0F 6F /r     | Movdqu Vdq:w Wdq
F3 0F 7F /r     | Movdqu Wdq:w Vdq
@ mmx
np 0F 7F /r     | Movq Qq:w Pq
@ sse
np 0F 70 /r     | Pshufw Pq:w Qq Ib
@ sse2
66 0F 70 /r     | Pshufd Vdq:w Wdq Ib
F3 0F 70 /r     | Pshufhw Vdq:w Wdq Ib
F2 0F 70 /r     | Pshuflw Vdq:w Wdq Ib
@ mmx
np 0F 71 /2 reg | Psrlw Nq:rw Ib
@ sse2
66 0F 71 /2 reg | Psrlw Udq:rw Ib
@ mmx
np 0F 71 /4 reg | Psraw Nq:rw Ib
@ sse2
66 0F 71 /4 reg | Psraw Udq:rw Ib
@ mmx
np 0F 71 /6 reg | Psllw Nq:rw Ib
@ sse2
66 0F 71 /6 reg | Psllw Udq:rw Ib
@ mmx
np 0F 72 /2 reg | Psrld Nq:rw Ib
@ sse2
66 0F 72 /2 reg | Psrld Udq:rw Ib
@ mmx
np 0F 72 /4 reg | Psrad Nq:rw Ib
@ sse2
66 0F 72 /4 reg | Psrad Udq:rw Ib
@ mmx
np 0F 72 /6 reg | Pslld Nq:rw Ib
@ sse2
66 0F 72 /6 reg | Pslld Udq:rw Ib
@ mmx
np 0F 73 /2 reg | Psrlq Nq:rw Ib
@ sse2
66 0F 73 /2 reg | Psrlq Udq:rw Ib
66 0F 73 /3 reg | Psrldq Udq:rw Ib
@ mmx
np 0F 73 /6 reg | Psllq Nq:rw Ib
@ sse2
66 0F 73 /6 reg | Psllq Udq:rw Ib
66 0F 73 /7 reg | Pslldq Udq:rw Ib
@ mmx
np 0F 74 /r     | Pcmpeqb Pq:rw Qq
@ sse2
66 0F 74 /r     | Pcmpeqb Vdq:rw Wdq
@ mmx
np 0F 75 /r     | Pcmpeqw Pq:rw Qq
@ sse2
66 0F 75 /r     | Pcmpeqw Vdq:rw Wdq
@ mmx
np 0F 76 /r     | Pcmpeqd Pq:rw Qq
@ sse2
66 0F 76 /r     | Pcmpeqd Vdq:rw Wdq
@ mmx
np 0F 77        | Emms
@ sse4a
66 0F 78 /0 reg | Extrq Udq:rw Ib Ib2
F2 0F 78 /r reg | Insertq Vdq:rw Udq Ib Ib2
66 0F 79 /r reg | Extrq Vdq:rw Udq
F2 0F 79 /r reg | Insertq Vdq:rw Udq
@ sse3
66 0F 7C /r     | Haddpd Vdq:rw Wdq
F2 0F 7C /r     | Haddps Vdq:rw Wdq
66 0F 7D /r     | Hsubpd Vdq:rw Wdq
F2 0F 7D /r     | Hsubps Vdq:rw Wdq
66 0F D0 /r     | Addsubpd Vdq:rw Wdq
F2 0F D0 /r     | Addsubps Vdq:rw Wdq
@ mmx
np 0F 7E /r W0  | Movd Ed:w Pq
np 0F 7E /r W1  | Movq Eq:w Pq
@ sse2
66 0F 7E /r W0  | Movd Ed:w Vdq
66 0F 7E /r W1  | Movq Eq:w Vdq
F3 0F 7E /r     | Movq Vdq:w Wq
66 0F D6 /r     | Movq Wq:w Vq
@ sse
np 0F C2 /r     | Cmpps Vdq:rw Wdq Ib
@ sse2
66 0F C2 /r     | Cmppd Vdq:rw Wdq Ib
@ sse
F3 0F C2 /r     | Cmpss Vd:rw Wd Ib
@ sse2
F2 0F C2 /r     | Cmpsd Vq:rw Wq Ib
@ sse
np 0F C4 /r     | Pinsrw Pq:rw Ey.w Ib
np 0F C5 /r reg | Pextrw Gy:w Nq Ib
@ sse2
66 0F C4 /r     | Pinsrw Vdq:rw Ey.w Ib
66 0F C5 /r reg | Pextrw Gy:w Udq Ib
@ sse
np 0F C6 /r     | Shufps Vdq:rw Wdq Ib
@ sse2
66 0F C6 /r     | Shufpd Vdq:rw Wdq Ib
@ mmx
np 0F D1 /r     | Psrlw Pq:rw Qq
@ sse2
66 0F D1 /r     | Psrlw Vdq:rw Wdq
@ mmx
np 0F D2 /r     | Psrld Pq:rw Qq
@ sse2
66 0F D2 /r     | Psrld Vdq:rw Wdq
@ mmx
np 0F D3 /r     | Psrlq Pq:rw Qq
@ sse2
66 0F D3 /r     | Psrlq Vdq:rw Wdq
np 0F D4 /r     | Paddq Pq:rw Qq
66 0F D4 /r     | Paddq Vdq:rw Wdq
@ mmx
np 0F D5 /r     | Pmullw Pq:rw Qq
@ sse2
66 0F D5 /r     | Pmullw Vdq:rw Wdq
F3 0F D6 /r reg | Movq2dq Vdq:w Nq
F2 0F D6 /r reg | Movdq2q Pq:w Uq
@ sse
np 0F D7 /r reg | Pmovmskb Gy:w Nq
@ sse2
66 0F D7 /r reg | Pmovmskb Gy:w Udq
@ mmx
np 0F D8 /r     | Psubusb Pq:rw Qq
@ sse2
66 0F D8 /r     | Psubusb Vdq:rw Wdq
@ mmx
np 0F D9 /r     | Psubusw Pq:rw Qq
@ sse2
66 0F D9 /r     | Psubusw Vdq:rw Wdq
@ sse
np 0F DA /r     | Pminub Pq:rw Qq
@ sse2
66 0F DA /r     | Pminub Vdq:rw Wdq
@ mmx
np 0F DB /r     | Pand Pq:rw Qq
@ sse2
66 0F DB /r     | Pand Vdq:rw Wdq
@ mmx
np 0F DC /r     | Paddusb Pq:rw Qq
@ sse2
66 0F DC /r     | Paddusb Vdq:rw Wdq
@ mmx
np 0F DD /r     | Paddusw Pq:rw Qq
@ sse2
66 0F DD /r     | Paddusw Vdq:rw Wdq
@ sse
np 0F DE /r     | Pmaxub Pq:rw Qq
@ sse2
66 0F DE /r     | Pmaxub Vdq:rw Wdq
@ mmx
np 0F DF /r     | Pandn Pq:rw Qq
@ sse2
66 0F DF /r     | Pandn Vdq:rw Wdq
@ sse
np 0F E0 /r     | Pavgb Pq:rw Qq
@ sse2
66 0F E0 /r     | Pavgb Vdq:rw Wdq
@ mmx
np 0F E1 /r     | Psraw Pq:rw Qq
@ sse2
66 0F E1 /r     | Psraw Vdq:rw Wdq
@ mmx
np 0F E2 /r     | Psrad Pq:rw Qq
@ sse2
66 0F E2 /r     | Psrad Vdq:rw Wdq
@ sse
np 0F E3 /r     | Pavgw Pq:rw Qq
@ sse2
66 0F E3 /r     | Pavgw Vdq:rw Wdq
@ sse
np 0F E4 /r     | Pmulhuw Pq:rw Qq
@ sse2
66 0F E4 /r     | Pmulhuw Vdq:rw Wdq
@ mmx
np 0F E5 /r     | Pmulhw Pq:rw Qq
@ sse2
66 0F E5 /r     | Pmulhw Vdq:rw Wdq
66 0F E6 /r     | Cvttpd2dq Vdq:w Wdq
F3 0F E6 /r     | Cvtdq2pd Vdq:w Wq
F2 0F E6 /r     | Cvtpd2dq Vdq:w Wdq
@ sse
np 0F E7 /r mem | Movntq Mq:w Pq
@ sse2
66 0F E7 /r mem | Movntdq Mdq:w Vdq
@ mmx
np 0F E8 /r     | Psubsb Pq:rw Qq
@ sse2
66 0F E8 /r     | Psubsb Vdq:rw Wdq
@ mmx
np 0F E9 /r     | Psubsw Pq:rw Qq
@ sse2
66 0F E9 /r     | Psubsw Vdq:rw Wdq
@ sse
np 0F EA /r     | Pminsw Pq:rw Qq
@ sse2
66 0F EA /r     | Pminsw Vdq:rw Wdq
@ mmx
np 0F EB /r     | Por Pq:rw Qq
@ sse2
66 0F EB /r     | Por Vdq:rw Wdq
@ mmx
np 0F EC /r     | Paddsb Pq:rw Qq
@ sse2
66 0F EC /r     | Paddsb Vdq:rw Wdq
@ mmx
np 0F ED /r     | Paddsw Pq:rw Qq
@ sse2
66 0F ED /r     | Paddsw Vdq:rw Wdq
@ sse
np 0F EE /r     | Pmaxsw Pq:rw Qq
@ sse2
66 0F EE /r     | Pmaxsw Vdq:rw Wdq
@ mmx
np 0F EF /r     | Pxor Pq:rw Qq
@ sse2
66 0F EF /r     | Pxor Vdq:rw Wdq
@ sse3
F2 0F F0 /r mem | Lddqu Vdq:w Mdq
@ mmx
np 0F F1 /r     | Psllw Pq:rw Qq
@ sse2
66 0F F1 /r     | Psllw Vdq:rw Wdq
@ mmx
np 0F F2 /r     | Pslld Pq:rw Qq
@ sse2
66 0F F2 /r     | Pslld Vdq:rw Wdq
@ mmx
np 0F F3 /r     | Psllq Pq:rw Qq
@ sse2
66 0F F3 /r     | Psllq Vdq:rw Wdq
np 0F F4 /r     | Pmuludq Pq:rw Qq
66 0F F4 /r     | Pmuludq Vdq:rw Wdq
@ mmx
np 0F F5 /r     | Pmaddwd Pq:rw Qq
@ sse2
66 0F F5 /r     | Pmaddwd Vdq:rw Wdq
@ sse
np 0F F6 /r     | Psadbw Pq:rw Qq
@ sse2
66 0F F6 /r     | Psadbw Vdq:rw Wdq
@ sse
np 0F F7 /r reg | Maskmovq DIq:cw Pq Nq
@ sse2
66 0F F7 /r reg | Maskmovdqu DIdq:cw Vdq Udq
@ mmx
np 0F F8 /r     | Psubb Pq:rw Qq
@ sse2
66 0F F8 /r     | Psubb Vdq:rw Wdq
@ mmx
np 0F F9 /r     | Psubw Pq:rw Qq
@ sse2
66 0F F9 /r     | Psubw Vdq:rw Wdq
@ mmx
np 0F FA /r     | Psubd Pq:rw Qq
@ sse2
66 0F FA /r     | Psubd Vdq:rw Wdq
np 0F FB /r     | Psubq Pq:rw Qq
66 0F FB /r     | Psubq Vdq:rw Wdq
@ mmx
np 0F FC /r     | Paddb Pq:rw Qq
@ sse2
66 0F FC /r     | Paddb Vdq:rw Wdq
@ mmx
np 0F FD /r     | Paddw Pq:rw Qq
@ sse2
66 0F FD /r     | Paddw Vdq:rw Wdq
@ mmx
np 0F FE /r     | Paddd Pq:rw Qq
@ sse2
66 0F FE /r     | Paddd Vdq:rw Wdq
`;
