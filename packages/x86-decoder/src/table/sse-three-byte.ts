/**
 * SSSE3 to SSE4.2, AES, PCLMULQDQ, SHA and GFNI in the 0F 38 and 0F 3A maps: SDM vol. 2, tables. The
 * notation is described in `rows.ts`.
 */
export const sseThreeByte: string = `
@ ssse3
np 0F 38 00 /r     | Pshufb Pq:rw Qq
66 0F 38 00 /r     | Pshufb Vdq:rw Wdq
np 0F 38 01 /r     | Phaddw Pq:rw Qq
66 0F 38 01 /r     | Phaddw Vdq:rw Wdq
np 0F 38 02 /r     | Phaddd Pq:rw Qq
66 0F 38 02 /r     | Phaddd Vdq:rw Wdq
np 0F 38 03 /r     | Phaddsw Pq:rw Qq
66 0F 38 03 /r     | Phaddsw Vdq:rw Wdq
np 0F 38 04 /r     | Pmaddubsw Pq:rw Qq
66 0F 38 04 /r     | Pmaddubsw Vdq:rw Wdq
np 0F 38 05 /r     | Phsubw Pq:rw Qq
66 0F 38 05 /r     | Phsubw Vdq:rw Wdq
np 0F 38 06 /r     | Phsubd Pq:rw Qq
66 0F 38 06 /r     | Phsubd Vdq:rw Wdq
np 0F 38 07 /r     | Phsubsw Pq:rw Qq
66 0F 38 07 /r     | Phsubsw Vdq:rw Wdq
np 0F 38 08 /r     | Psignb Pq:rw Qq
66 0F 38 08 /r     | Psignb Vdq:rw Wdq
np 0F 38 09 /r     | Psignw Pq:rw Qq
66 0F 38 09 /r     | Psignw Vdq:rw Wdq
np 0F 38 0A /r     | Psignd Pq:rw Qq
66 0F 38 0A /r     | Psignd Vdq:rw Wdq
np 0F 38 0B /r     | Pmulhrsw Pq:rw Qq
66 0F 38 0B /r     | Pmulhrsw Vdq:rw Wdq
@ sse4_1
66 0F 38 10 /r     | Pblendvb Vdq:rw Wdq
66 0F 38 14 /r     | Blendvps Vdq:rw Wdq
66 0F 38 15 /r     | Blendvpd Vdq:rw Wdq
66 0F 38 17 /r     | Ptest Vdq Wdq                  | w=zc 0=osap
@ ssse3
np 0F 38 1C /r     | Pabsb Pq:w Qq
66 0F 38 1C /r     | Pabsb Vdq:w Wdq
np 0F 38 1D /r     | Pabsw Pq:w Qq
66 0F 38 1D /r     | Pabsw Vdq:w Wdq
np 0F 38 1E /r     | Pabsd Pq:w Qq
66 0F 38 1E /r     | Pabsd Vdq:w Wdq
@ sse4_1
66 0F 38 20 /r     | Pmovsxbw Vdq:w Wq
66 0F 38 21 /r     | Pmovsxbd Vdq:w Wd
66 0F 38 22 /r     | Pmovsxbq Vdq:w Ww
66 0F 38 23 /r     | Pmovsxwd Vdq:w Wq
66 0F 38 24 /r     | Pmovsxwq Vdq:w Wd
66 0F 38 25 /r     | Pmovsxdq Vdq:w Wq
66 0F 38 30 /r     | Pmovzxbw Vdq:w Wq
66 0F 38 31 /r     | Pmovzxbd Vdq:w Wd
66 0F 38 32 /r     | Pmovzxbq Vdq:w Ww
66 0F 38 33 /r     | Pmovzxwd Vdq:w Wq
66 0F 38 34 /r     | Pmovzxwq Vdq:w Wd
66 0F 38 35 /r     | Pmovzxdq Vdq:w Wq
66 0F 38 28 /r     | Pmuldq Vdq:rw Wdq
66 0F 38 29 /r     | Pcmpeqq Vdq:rw Wdq
66 0F 38 2A /r mem | Movntdqa Vdq:w Mdq
66 0F 38 2B /r     | Packusdw Vdq:rw Wdq
@ sse4_2
66 0F 38 37 /r     | Pcmpgtq Vdq:rw Wdq
@ sse4_1
66 0F 38 38 /r     | Pminsb Vdq:rw Wdq
66 0F 38 39 /r     | Pminsd Vdq:rw Wdq
66 0F 38 3A /r     | Pminuw Vdq:rw Wdq
66 0F 38 3B /r     | Pminud Vdq:rw Wdq
66 0F 38 3C /r     | Pmaxsb Vdq:rw Wdq
66 0F 38 3D /r     | Pmaxsd Vdq:rw Wdq
66 0F 38 3E /r     | Pmaxuw Vdq:rw Wdq
66 0F 38 3F /r     | Pmaxud Vdq:rw Wdq
66 0F 38 40 /r     | Pmulld Vdq:rw Wdq
66 0F 38 41 /r     | Phminposuw Vdq:w Wdq
@ sha
np 0F 38 C8 /r     | Sha1nexte Vdq:rw Wdq
np 0F 38 C9 /r     | Sha1msg1 Vdq:rw Wdq
np 0F 38 CA /r     | Sha1msg2 Vdq:rw Wdq
np 0F 38 CB /r     | Sha256rnds2 Vdq:rw Wdq
np 0F 38 CC /r     | Sha256msg1 Vdq:rw Wdq
np 0F 38 CD /r     | Sha256msg2 Vdq:rw Wdq
@ gfni
66 0F 38 CF /r     | Gf2p8mulb Vdq:rw Wdq
@ aes
66 0F 38 DB /r     | Aesimc Vdq:w Wdq
66 0F 38 DC /r     | Aesenc Vdq:rw Wdq
66 0F 38 DD /r     | Aesenclast Vdq:rw Wdq
66 0F 38 DE /r     | Aesdec Vdq:rw Wdq
66 0F 38 DF /r     | Aesdeclast Vdq:rw Wdq
@ sse4_1
66 0F 3A 08 /r     | Roundps Vdq:w Wdq Ib
66 0F 3A 09 /r     | Roundpd Vdq:w Wdq Ib
66 0F 3A 0A /r     | Roundss Vd:rw Wd Ib
66 0F 3A 0B /r     | Roundsd Vq:rw Wq Ib
66 0F 3A 0C /r     | Blendps Vdq:rw Wdq Ib
66 0F 3A 0D /r     | Blendpd Vdq:rw Wdq Ib
66 0F 3A 0E /r     | Pblendw Vdq:rw Wdq Ib
@ ssse3
np 0F 3A 0F /r     | Palignr Pq:rw Qq Ib
66 0F 3A 0F /r     | Palignr Vdq:rw Wdq Ib
@ sse4_1
66 0F 3A 14 /r     | Pextrb Ey.b:w Vdq Ib
66 0F 3A 15 /r     | Pextrw Ey.w:w Vdq Ib
66 0F 3A 16 /r W0  | Pextrd Ed:w Vdq Ib
66 0F 3A 16 /r W1  | Pextrq Eq:w Vdq Ib
66 0F 3A 17 /r     | Extractps Ey.d:w Vdq Ib
66 0F 3A 20 /r     | Pinsrb Vdq:rw Ey.b Ib
66 0F 3A 21 /r     | Insertps Vdq:rw Wd Ib
66 0F 3A 22 /r W0  | Pinsrd Vdq:rw Ed Ib
66 0F 3A 22 /r W1  | Pinsrq Vdq:rw Eq Ib
66 0F 3A 40 /r     | Dpps Vdq:rw Wdq Ib
66 0F 3A 41 /r     | Dppd Vdq:rw Wdq Ib
66 0F 3A 42 /r     | Mpsadbw Vdq:rw Wdq Ib
@ pclmulqdq
66 0F 3A 44 /r     | Pclmulqdq Vdq:rw Wdq Ib
@ sse4_2
66 0F 3A 60 /r W0  | Pcmpestrm Vdq Wdq Ib           | w=oszc 0=ap
66 0F 3A 60 /r W1  | Pcmpestrm64 Vdq Wdq Ib         | w=oszc 0=ap
66 0F 3A 61 /r W0  | Pcmpestri Vdq Wdq Ib           | w=oszc 0=ap
66 0F 3A 61 /r W1  | Pcmpestri64 Vdq Wdq Ib         | w=oszc 0=ap
66 0F 3A 62 /r     | Pcmpistrm Vdq Wdq Ib           | w=oszc 0=ap
66 0F 3A 63 /r     | Pcmpistri Vdq Wdq Ib           | w=oszc 0=ap
@ sha
np 0F 3A CC /r     | Sha1rnds4 Vdq:rw Wdq Ib
@ gfni
66 0F 3A CE /r     | Gf2p8affineqb Vdq:rw Wdq Ib
66 0F 3A CF /r     | Gf2p8affineinvqb Vdq:rw Wdq Ib
@ aes
66 0F 3A DF /r     | Aeskeygenassist Vdq:w Wdq Ib
`;
