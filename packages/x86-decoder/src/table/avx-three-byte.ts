/**
 * AVX, AVX2, FMA, F16C, BMI1, BMI2 and VEX forms of AES, PCLMULQDQ and GFNI in the 0F38 and 0F3A maps: SDM vol. 2,
 * tables. The notation is described in `rows.ts`.
 */
export const avxThreeByte: string = `
@ avx
VEX.128.66.0F38.WIG 00 /r      | Vpshufb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 00 /r      | Vpshufb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 01 /r      | Vphaddw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 01 /r      | Vphaddw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 02 /r      | Vphaddd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 02 /r      | Vphaddd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 03 /r      | Vphaddsw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 03 /r      | Vphaddsw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 04 /r      | Vpmaddubsw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 04 /r      | Vpmaddubsw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 05 /r      | Vphsubw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 05 /r      | Vphsubw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 06 /r      | Vphsubd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 06 /r      | Vphsubd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 07 /r      | Vphsubsw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 07 /r      | Vphsubsw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 08 /r      | Vpsignb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 08 /r      | Vpsignb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 09 /r      | Vpsignw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 09 /r      | Vpsignw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 0A /r      | Vpsignd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 0A /r      | Vpsignd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 0B /r      | Vpmulhrsw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 0B /r      | Vpmulhrsw Vqq:w Hqq Wqq
@ avx
VEX.L.66.0F38.W0 0C /r         | Vpermilps Vx:w Hx Wx
VEX.L.66.0F38.W0 0D /r         | Vpermilpd Vx:w Hx Wx
VEX.L.66.0F38.W0 0E /r         | Vtestps Vx Wx                      | w=zc 0=osap
VEX.L.66.0F38.W0 0F /r         | Vtestpd Vx Wx                      | w=zc 0=osap
@ f16c
VEX.L.66.0F38.W0 13 /r         | Vcvtph2ps Vx:w Wx2
@ avx2
VEX.256.66.0F38.W0 16 /r       | Vpermps Vqq:w Hqq Wqq
@ avx
VEX.L.66.0F38.WIG 17 /r        | Vptest Vx Wx                       | w=zc 0=osap
VEX.L.66.0F38.W0 18 /r mem     | Vbroadcastss Vx:w Md
@ avx2
VEX.L.66.0F38.W0 18 /r reg     | Vbroadcastss Vx:w Ud
@ avx
VEX.256.66.0F38.W0 19 /r mem   | Vbroadcastsd Vqq:w Mq
@ avx2
VEX.256.66.0F38.W0 19 /r reg   | Vbroadcastsd Vqq:w Uq
@ avx
VEX.256.66.0F38.W0 1A /r mem   | Vbroadcastf128 Vqq:w Mdq
VEX.128.66.0F38.WIG 1C /r      | Vpabsb Vdq:w Wdq
@ avx2
VEX.256.66.0F38.WIG 1C /r      | Vpabsb Vqq:w Wqq
@ avx
VEX.128.66.0F38.WIG 1D /r      | Vpabsw Vdq:w Wdq
@ avx2
VEX.256.66.0F38.WIG 1D /r      | Vpabsw Vqq:w Wqq
@ avx
VEX.128.66.0F38.WIG 1E /r      | Vpabsd Vdq:w Wdq
@ avx2
VEX.256.66.0F38.WIG 1E /r      | Vpabsd Vqq:w Wqq
@ avx
VEX.128.66.0F38.WIG 20 /r      | Vpmovsxbw Vdq:w Wq
@ avx2
VEX.256.66.0F38.WIG 20 /r      | Vpmovsxbw Vqq:w Wdq
@ avx
VEX.128.66.0F38.WIG 21 /r      | Vpmovsxbd Vdq:w Wd
@ avx2
VEX.256.66.0F38.WIG 21 /r      | Vpmovsxbd Vqq:w Wq
@ avx
VEX.128.66.0F38.WIG 22 /r      | Vpmovsxbq Vdq:w Ww
@ avx2
VEX.256.66.0F38.WIG 22 /r      | Vpmovsxbq Vqq:w Wd
@ avx
VEX.128.66.0F38.WIG 23 /r      | Vpmovsxwd Vdq:w Wq
@ avx2
VEX.256.66.0F38.WIG 23 /r      | Vpmovsxwd Vqq:w Wdq
@ avx
VEX.128.66.0F38.WIG 24 /r      | Vpmovsxwq Vdq:w Wd
@ avx2
VEX.256.66.0F38.WIG 24 /r      | Vpmovsxwq Vqq:w Wq
@ avx
VEX.128.66.0F38.WIG 25 /r      | Vpmovsxdq Vdq:w Wq
@ avx2
VEX.256.66.0F38.WIG 25 /r      | Vpmovsxdq Vqq:w Wdq
@ avx
VEX.128.66.0F38.WIG 30 /r      | Vpmovzxbw Vdq:w Wq
@ avx2
VEX.256.66.0F38.WIG 30 /r      | Vpmovzxbw Vqq:w Wdq
@ avx
VEX.128.66.0F38.WIG 31 /r      | Vpmovzxbd Vdq:w Wd
@ avx2
VEX.256.66.0F38.WIG 31 /r      | Vpmovzxbd Vqq:w Wq
@ avx
VEX.128.66.0F38.WIG 32 /r      | Vpmovzxbq Vdq:w Ww
@ avx2
VEX.256.66.0F38.WIG 32 /r      | Vpmovzxbq Vqq:w Wd
@ avx
VEX.128.66.0F38.WIG 33 /r      | Vpmovzxwd Vdq:w Wq
@ avx2
VEX.256.66.0F38.WIG 33 /r      | Vpmovzxwd Vqq:w Wdq
@ avx
VEX.128.66.0F38.WIG 34 /r      | Vpmovzxwq Vdq:w Wd
@ avx2
VEX.256.66.0F38.WIG 34 /r      | Vpmovzxwq Vqq:w Wq
@ avx
VEX.128.66.0F38.WIG 35 /r      | Vpmovzxdq Vdq:w Wq
@ avx2
VEX.256.66.0F38.WIG 35 /r      | Vpmovzxdq Vqq:w Wdq
@ avx
VEX.128.66.0F38.WIG 28 /r      | Vpmuldq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 28 /r      | Vpmuldq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 29 /r      | Vpcmpeqq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 29 /r      | Vpcmpeqq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 2A /r mem  | Vmovntdqa Vdq:w Mdq
@ avx2
VEX.256.66.0F38.WIG 2A /r mem  | Vmovntdqa Vqq:w Mqq
@ avx
VEX.128.66.0F38.WIG 2B /r      | Vpackusdw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 2B /r      | Vpackusdw Vqq:w Hqq Wqq
@ avx
VEX.L.66.0F38.W0 2C /r mem     | Vmaskmovps Vx:w Hx Mx:cr
VEX.L.66.0F38.W0 2D /r mem     | Vmaskmovpd Vx:w Hx Mx:cr
VEX.L.66.0F38.W0 2E /r mem     | Vmaskmovps Mx:cw Hx Vx
VEX.L.66.0F38.W0 2F /r mem     | Vmaskmovpd Mx:cw Hx Vx
@ avx2
VEX.256.66.0F38.W0 36 /r       | Vpermd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 37 /r      | Vpcmpgtq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 37 /r      | Vpcmpgtq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 38 /r      | Vpminsb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 38 /r      | Vpminsb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 39 /r      | Vpminsd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 39 /r      | Vpminsd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 3A /r      | Vpminuw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 3A /r      | Vpminuw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 3B /r      | Vpminud Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 3B /r      | Vpminud Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 3C /r      | Vpmaxsb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 3C /r      | Vpmaxsb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 3D /r      | Vpmaxsd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 3D /r      | Vpmaxsd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 3E /r      | Vpmaxuw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 3E /r      | Vpmaxuw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 3F /r      | Vpmaxud Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 3F /r      | Vpmaxud Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 40 /r      | Vpmulld Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F38.WIG 40 /r      | Vpmulld Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F38.WIG 41 /r      | Vphminposuw Vdq:w Wdq
@ avx2
VEX.L.66.0F38.W0 45 /r         | Vpsrlvd Vx:w Hx Wx
VEX.L.66.0F38.W1 45 /r         | Vpsrlvq Vx:w Hx Wx
VEX.L.66.0F38.W0 46 /r         | Vpsravd Vx:w Hx Wx
VEX.L.66.0F38.W0 47 /r         | Vpsllvd Vx:w Hx Wx
VEX.L.66.0F38.W1 47 /r         | Vpsllvq Vx:w Hx Wx
VEX.L.66.0F38.W0 58 /r         | Vpbroadcastd Vx:w Wd
VEX.L.66.0F38.W0 59 /r         | Vpbroadcastq Vx:w Wq
VEX.256.66.0F38.W0 5A /r mem   | Vbroadcasti128 Vqq:w Mdq
VEX.L.66.0F38.W0 78 /r         | Vpbroadcastb Vx:w Wb
VEX.L.66.0F38.W0 79 /r         | Vpbroadcastw Vx:w Ww
VEX.L.66.0F38.W0 8C /r mem     | Vpmaskmovd Vx:w Hx Mx:cr
VEX.L.66.0F38.W0 8E /r mem     | Vpmaskmovd Mx:cw Hx Vx
VEX.L.66.0F38.W1 8C /r mem     | Vpmaskmovq Vx:w Hx Mx:cr
VEX.L.66.0F38.W1 8E /r mem     | Vpmaskmovq Mx:cw Hx Vx
VEX.128.66.0F38.W0 90 /r mem   | Vpgatherdd Vdq:rw Txd Hdq:rw   |                | uniq
VEX.256.66.0F38.W0 90 /r mem   | Vpgatherdd Vqq:rw Tyd Hqq:rw   |                | uniq
VEX.128.66.0F38.W1 90 /r mem   | Vpgatherdq Vdq:rw Txq Hdq:rw   |                | uniq
VEX.256.66.0F38.W1 90 /r mem   | Vpgatherdq Vqq:rw Txq Hqq:rw   |                | uniq
VEX.128.66.0F38.W0 91 /r mem   | Vpgatherqd Vq:rw Txd Hq:rw     |                | uniq
VEX.256.66.0F38.W0 91 /r mem   | Vpgatherqd Vdq:rw Tyd Hdq:rw   |                | uniq
VEX.128.66.0F38.W1 91 /r mem   | Vpgatherqq Vdq:rw Txq Hdq:rw   |                | uniq
VEX.256.66.0F38.W1 91 /r mem   | Vpgatherqq Vqq:rw Tyq Hqq:rw   |                | uniq
VEX.128.66.0F38.W0 92 /r mem   | Vgatherdps Vdq:rw Txd Hdq:rw   |                | uniq
VEX.256.66.0F38.W0 92 /r mem   | Vgatherdps Vqq:rw Tyd Hqq:rw   |                | uniq
VEX.128.66.0F38.W1 92 /r mem   | Vgatherdpd Vdq:rw Txq Hdq:rw   |                | uniq
VEX.256.66.0F38.W1 92 /r mem   | Vgatherdpd Vqq:rw Txq Hqq:rw   |                | uniq
VEX.128.66.0F38.W0 93 /r mem   | Vgatherqps Vq:rw Txd Hq:rw     |                | uniq
VEX.256.66.0F38.W0 93 /r mem   | Vgatherqps Vdq:rw Tyd Hdq:rw   |                | uniq
VEX.128.66.0F38.W1 93 /r mem   | Vgatherqpd Vdq:rw Txq Hdq:rw   |                | uniq
VEX.256.66.0F38.W1 93 /r mem   | Vgatherqpd Vqq:rw Tyq Hqq:rw   |                | uniq
@ fma
VEX.L.66.0F38.W0 96 /r         | Vfmaddsub132ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 96 /r         | Vfmaddsub132pd Vx:rw Hx Wx
VEX.L.66.0F38.W0 97 /r         | Vfmsubadd132ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 97 /r         | Vfmsubadd132pd Vx:rw Hx Wx
VEX.L.66.0F38.W0 98 /r         | Vfmadd132ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 98 /r         | Vfmadd132pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 99 /r       | Vfmadd132ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 99 /r       | Vfmadd132sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 9A /r         | Vfmsub132ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 9A /r         | Vfmsub132pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 9B /r       | Vfmsub132ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 9B /r       | Vfmsub132sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 9C /r         | Vfnmadd132ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 9C /r         | Vfnmadd132pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 9D /r       | Vfnmadd132ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 9D /r       | Vfnmadd132sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 9E /r         | Vfnmsub132ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 9E /r         | Vfnmsub132pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 9F /r       | Vfnmsub132ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 9F /r       | Vfnmsub132sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 A6 /r         | Vfmaddsub213ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 A6 /r         | Vfmaddsub213pd Vx:rw Hx Wx
VEX.L.66.0F38.W0 A7 /r         | Vfmsubadd213ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 A7 /r         | Vfmsubadd213pd Vx:rw Hx Wx
VEX.L.66.0F38.W0 A8 /r         | Vfmadd213ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 A8 /r         | Vfmadd213pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 A9 /r       | Vfmadd213ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 A9 /r       | Vfmadd213sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 AA /r         | Vfmsub213ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 AA /r         | Vfmsub213pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 AB /r       | Vfmsub213ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 AB /r       | Vfmsub213sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 AC /r         | Vfnmadd213ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 AC /r         | Vfnmadd213pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 AD /r       | Vfnmadd213ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 AD /r       | Vfnmadd213sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 AE /r         | Vfnmsub213ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 AE /r         | Vfnmsub213pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 AF /r       | Vfnmsub213ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 AF /r       | Vfnmsub213sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 B6 /r         | Vfmaddsub231ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 B6 /r         | Vfmaddsub231pd Vx:rw Hx Wx
VEX.L.66.0F38.W0 B7 /r         | Vfmsubadd231ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 B7 /r         | Vfmsubadd231pd Vx:rw Hx Wx
VEX.L.66.0F38.W0 B8 /r         | Vfmadd231ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 B8 /r         | Vfmadd231pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 B9 /r       | Vfmadd231ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 B9 /r       | Vfmadd231sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 BA /r         | Vfmsub231ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 BA /r         | Vfmsub231pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 BB /r       | Vfmsub231ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 BB /r       | Vfmsub231sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 BC /r         | Vfnmadd231ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 BC /r         | Vfnmadd231pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 BD /r       | Vfnmadd231ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 BD /r       | Vfnmadd231sd Vq:rw Hq Wq
VEX.L.66.0F38.W0 BE /r         | Vfnmsub231ps Vx:rw Hx Wx
VEX.L.66.0F38.W1 BE /r         | Vfnmsub231pd Vx:rw Hx Wx
VEX.LIG.66.0F38.W0 BF /r       | Vfnmsub231ss Vd:rw Hd Wd
VEX.LIG.66.0F38.W1 BF /r       | Vfnmsub231sd Vq:rw Hq Wq
@ gfni
VEX.L.66.0F38.W0 CF /r         | Vgf2p8mulb Vx:w Hx Wx
@ aes
VEX.128.66.0F38.WIG DB /r      | Vaesimc Vdq:w Wdq
VEX.128.66.0F38.WIG DC /r      | Vaesenc Vdq:w Hdq Wdq
@ vaes
VEX.256.66.0F38.WIG DC /r      | Vaesenc Vqq:w Hqq Wqq
@ aes
VEX.128.66.0F38.WIG DD /r      | Vaesenclast Vdq:w Hdq Wdq
@ vaes
VEX.256.66.0F38.WIG DD /r      | Vaesenclast Vqq:w Hqq Wqq
@ aes
VEX.128.66.0F38.WIG DE /r      | Vaesdec Vdq:w Hdq Wdq
@ vaes
VEX.256.66.0F38.WIG DE /r      | Vaesdec Vqq:w Hqq Wqq
@ aes
VEX.128.66.0F38.WIG DF /r      | Vaesdeclast Vdq:w Hdq Wdq
@ vaes
VEX.256.66.0F38.WIG DF /r      | Vaesdeclast Vqq:w Hqq Wqq
@ bmi1
VEX.128.NP.0F38.W F2 /r        | Andn Gy:w By Ey                    | w=sz u=ap 0=oc
VEX.128.NP.0F38.W F3 /1        | Blsr By:w Ey                       | w=szc u=ap 0=o
VEX.128.NP.0F38.W F3 /2        | Blsmsk By:w Ey                     | w=sc u=ap 0=oz
VEX.128.NP.0F38.W F3 /3        | Blsi By:w Ey                       | w=szc u=ap 0=o
VEX.128.NP.0F38.W F7 /r        | Bextr Gy:w Ey By                   | w=z u=sap 0=oc
@ bmi2
VEX.128.NP.0F38.W F5 /r        | Bzhi Gy:w Ey By                    | w=szc u=ap 0=o
VEX.128.F3.0F38.W F5 /r        | Pext Gy:w By:cr Ey
VEX.128.F2.0F38.W F5 /r        | Pdep Gy:w By:cr Ey
VEX.128.F2.0F38.W F6 /r        | Mulx Gy:w By:w Ey
VEX.128.66.0F38.W F7 /r        | Shlx Gy:w Ey By
VEX.128.F3.0F38.W F7 /r        | Sarx Gy:w Ey By
VEX.128.F2.0F38.W F7 /r        | Shrx Gy:w Ey By
@ avx2
VEX.256.66.0F3A.W1 00 /r       | Vpermq Vqq:w Wqq Ib
VEX.256.66.0F3A.W1 01 /r       | Vpermpd Vqq:w Wqq Ib
VEX.L.66.0F3A.W0 02 /r         | Vpblendd Vx:w Hx Wx Ib
@ avx
VEX.L.66.0F3A.W0 04 /r         | Vpermilps Vx:w Wx Ib
VEX.L.66.0F3A.W0 05 /r         | Vpermilpd Vx:w Wx Ib
VEX.256.66.0F3A.W0 06 /r       | Vperm2f128 Vqq:w Hqq Wqq Ib
VEX.L.66.0F3A.WIG 08 /r        | Vroundps Vx:w Wx Ib
VEX.L.66.0F3A.WIG 09 /r        | Vroundpd Vx:w Wx Ib
VEX.LIG.66.0F3A.WIG 0A /r      | Vroundss Vdq:w Hdq Wd Ib
VEX.LIG.66.0F3A.WIG 0B /r      | Vroundsd Vdq:w Hdq Wq Ib
VEX.128.66.0F3A.WIG 0C /r      | Vblendps Vdq:w Hdq Wdq Ib
VEX.256.66.0F3A.WIG 0C /r      | Vblendps Vqq:w Hqq Wqq Ib
VEX.128.66.0F3A.WIG 0D /r      | Vblendpd Vdq:w Hdq Wdq Ib
VEX.256.66.0F3A.WIG 0D /r      | Vblendpd Vqq:w Hqq Wqq Ib
VEX.128.66.0F3A.WIG 0E /r      | Vpblendw Vdq:w Hdq Wdq Ib
@ avx2
VEX.256.66.0F3A.WIG 0E /r      | Vpblendw Vqq:w Hqq Wqq Ib
@ avx
VEX.128.66.0F3A.WIG 0F /r      | Vpalignr Vdq:w Hdq Wdq Ib
@ avx2
VEX.256.66.0F3A.WIG 0F /r      | Vpalignr Vqq:w Hqq Wqq Ib
@ avx
VEX.128.66.0F3A.W 14 /r        | Vpextrb Ey.b:w Vdq Ib
VEX.128.66.0F3A.W 15 /r        | Vpextrw Ey.w:w Vdq Ib
VEX.128.66.0F3A.W0 16 /r wig32 | Vpextrd Ed:w Vdq Ib
VEX.128.66.0F3A.W1 16 /r       | Vpextrq Eq:w Vdq Ib                |                | only64
VEX.128.66.0F3A.W 17 /r        | Vextractps Ey.d:w Vdq Ib
VEX.256.66.0F3A.W0 18 /r       | Vinsertf128 Vqq:w Hqq Wdq Ib
VEX.256.66.0F3A.W0 19 /r       | Vextractf128 Wdq:w Vqq Ib
@ f16c
VEX.L.66.0F3A.W0 1D /r         | Vcvtps2ph Wx2:w Vx Ib
@ avx
VEX.128.66.0F3A.W 20 /r        | Vpinsrb Vdq:w Hdq Ey.b Ib
VEX.128.66.0F3A.WIG 21 /r      | Vinsertps Vdq:w Hdq Wd Ib
VEX.128.66.0F3A.W0 22 /r wig32 | Vpinsrd Vdq:w Hdq Ed Ib
VEX.128.66.0F3A.W1 22 /r       | Vpinsrq Vdq:w Hdq Eq Ib            |                | only64
@ avx2
VEX.256.66.0F3A.W0 38 /r       | Vinserti128 Vqq:w Hqq Wdq Ib
VEX.256.66.0F3A.W0 39 /r       | Vextracti128 Wdq:w Vqq Ib
@ avx
VEX.128.66.0F3A.WIG 40 /r      | Vdpps Vdq:w Hdq Wdq Ib
VEX.256.66.0F3A.WIG 40 /r      | Vdpps Vqq:w Hqq Wqq Ib
VEX.128.66.0F3A.WIG 41 /r      | Vdppd Vdq:w Hdq Wdq Ib
VEX.128.66.0F3A.WIG 42 /r      | Vmpsadbw Vdq:w Hdq Wdq Ib
@ avx2
VEX.256.66.0F3A.WIG 42 /r      | Vmpsadbw Vqq:w Hqq Wqq Ib
@ pclmulqdq
VEX.128.66.0F3A.WIG 44 /r      | Vpclmulqdq Vdq:w Hdq Wdq Ib
@ vpclmulqdq
VEX.256.66.0F3A.WIG 44 /r      | Vpclmulqdq Vqq:w Hqq Wqq Ib
@ avx2
VEX.256.66.0F3A.W0 46 /r       | Vperm2i128 Vqq:w Hqq Wqq Ib
@ avx
VEX.L.66.0F3A.W0 4A /r         | Vblendvps Vx:w Hx Wx Lx
VEX.L.66.0F3A.W0 4B /r         | Vblendvpd Vx:w Hx Wx Lx
VEX.128.66.0F3A.W0 4C /r       | Vpblendvb Vdq:w Hdq Wdq Ldq
@ avx2
VEX.256.66.0F3A.W0 4C /r       | Vpblendvb Vqq:w Hqq Wqq Lqq
@ avx
VEX.128.66.0F3A.W0 60 /r wig32 | Vpcmpestrm Vdq Wdq Ib              | w=oszc 0=ap
VEX.128.66.0F3A.W1 60 /r       | Vpcmpestrm64 Vdq Wdq Ib            | w=oszc 0=ap    | only64
VEX.128.66.0F3A.W0 61 /r wig32 | Vpcmpestri Vdq Wdq Ib              | w=oszc 0=ap
VEX.128.66.0F3A.W1 61 /r       | Vpcmpestri64 Vdq Wdq Ib            | w=oszc 0=ap    | only64
VEX.128.66.0F3A.WIG 62 /r      | Vpcmpistrm Vdq Wdq Ib              | w=oszc 0=ap
VEX.128.66.0F3A.WIG 63 /r      | Vpcmpistri Vdq Wdq Ib              | w=oszc 0=ap
@ gfni
VEX.128.66.0F3A.W1 CE /r       | Vgf2p8affineqb Vdq:w Hdq Wdq Ib
VEX.256.66.0F3A.W1 CE /r       | Vgf2p8affineqb Vqq:w Hqq Wqq Ib
VEX.128.66.0F3A.W1 CF /r       | Vgf2p8affineinvqb Vdq:w Hdq Wdq Ib
VEX.256.66.0F3A.W1 CF /r       | Vgf2p8affineinvqb Vqq:w Hqq Wqq Ib
@ aes
VEX.128.66.0F3A.WIG DF /r      | Vaeskeygenassist Vdq:w Wdq Ib
@ bmi2
VEX.128.F2.0F3A.W F0 /r        | Rorx Gy:w Ey Ib
`;
