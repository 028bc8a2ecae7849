/** AVX and AVX2 in the 0F map: SDM vol. 2, table A-3. The notation is described in `rows.ts`. */
export const avx: string = `
@ avx
VEX.L.NP.0F.WIG 10 /r        | Vmovups Vx:w Wx
VEX.L.NP.0F.WIG 11 /r        | Vmovups Wx:w Vx
VEX.L.66.0F.WIG 10 /r        | Vmovupd Vx:w Wx
VEX.L.66.0F.WIG 11 /r        | Vmovupd Wx:w Vx
VEX.LIG.F3.0F.WIG 10 /r mem  | Vmovss Vdq:w Md
VEX.LIG.F3.0F.WIG 10 /r reg  | Vmovss Vdq:w Hdq Ud
VEX.LIG.F3.0F.WIG 11 /r mem  | Vmovss Md:w Vd
VEX.LIG.F3.0F.WIG 11 /r reg  | Vmovss Udq:w Hdq Vd
VEX.LIG.F2.0F.WIG 10 /r mem  | Vmovsd Vdq:w Mq
VEX.LIG.F2.0F.WIG 10 /r reg  | Vmovsd Vdq:w Hdq Uq
VEX.LIG.F2.0F.WIG 11 /r mem  | Vmovsd Mq:w Vq
VEX.LIG.F2.0F.WIG 11 /r reg  | Vmovsd Udq:w Hdq Vq
VEX.128.NP.0F.WIG 12 /r mem  | Vmovlps Vdq:w Hdq Mq
VEX.128.NP.0F.WIG 13 /r mem  | Vmovlps Mq:w Vq
VEX.128.NP.0F.WIG 16 /r mem  | Vmovhps Vdq:w Hdq Mq
VEX.128.NP.0F.WIG 17 /r mem  | Vmovhps Mq:w Vq
VEX.128.66.0F.WIG 12 /r mem  | Vmovlpd Vdq:w Hdq Mq
VEX.128.66.0F.WIG 13 /r mem  | Vmovlpd Mq:w Vq
VEX.128.66.0F.WIG 16 /r mem  | Vmovhpd Vdq:w Hdq Mq
VEX.128.66.0F.WIG 17 /r mem  | Vmovhpd Mq:w Vq
VEX.128.NP.0F.WIG 12 /r reg  | Vmovhlps Vdq:w Hdq Udq
VEX.128.NP.0F.WIG 16 /r reg  | Vmovlhps Vdq:w Hdq Udq
VEX.L.F3.0F.WIG 12 /r        | Vmovsldup Vx:w Wx
VEX.L.F3.0F.WIG 16 /r        | Vmovshdup Vx:w Wx
VEX.128.F2.0F.WIG 12 /r      | Vmovddup Vdq:w Wq
VEX.256.F2.0F.WIG 12 /r      | Vmovddup Vqq:w Wqq
VEX.L.NP.0F.WIG 14 /r        | Vunpcklps Vx:w Hx Wx
VEX.L.66.0F.WIG 14 /r        | Vunpcklpd Vx:w Hx Wx
VEX.L.NP.0F.WIG 15 /r        | Vunpckhps Vx:w Hx Wx
VEX.L.66.0F.WIG 15 /r        | Vunpckhpd Vx:w Hx Wx
VEX.L.NP.0F.WIG 28 /r        | Vmovaps Vx:w Wx
VEX.L.NP.0F.WIG 29 /r        | Vmovaps Wx:w Vx
VEX.L.66.0F.WIG 28 /r        | Vmovapd Vx:w Wx
VEX.L.66.0F.WIG 29 /r        | Vmovapd Wx:w Vx
VEX.LIG.F3.0F.W 2A /r        | Vcvtsi2ss Vdq:w Hdq Ey
VEX.LIG.F2.0F.W 2A /r        | Vcvtsi2sd Vdq:w Hdq Ey
VEX.L.NP.0F.WIG 2B /r mem    | Vmovntps Mx:w Vx
VEX.L.66.0F.WIG 2B /r mem    | Vmovntpd Mx:w Vx
VEX.LIG.F3.0F.W 2C /r        | Vcvttss2si Gy:w Wd
VEX.LIG.F2.0F.W 2C /r        | Vcvttsd2si Gy:w Wq
VEX.LIG.F3.0F.W 2D /r        | Vcvtss2si Gy:w Wd
VEX.LIG.F2.0F.W 2D /r        | Vcvtsd2si Gy:w Wq
VEX.LIG.NP.0F.WIG 2E /r      | Vucomiss Vd Wd              | compare
VEX.LIG.66.0F.WIG 2E /r      | Vucomisd Vq Wq              | compare
VEX.LIG.NP.0F.WIG 2F /r      | Vcomiss Vd Wd               | compare
VEX.LIG.66.0F.WIG 2F /r      | Vcomisd Vq Wq               | compare
VEX.L.NP.0F.W 50 /r reg      | Vmovmskps Gy:w Ux
VEX.L.66.0F.W 50 /r reg      | Vmovmskpd Gy:w Ux
VEX.L.NP.0F.WIG 51 /r        | Vsqrtps Vx:w Wx
VEX.L.66.0F.WIG 51 /r        | Vsqrtpd Vx:w Wx
VEX.LIG.F3.0F.WIG 51 /r      | Vsqrtss Vdq:w Hdq Wd
VEX.LIG.F2.0F.WIG 51 /r      | Vsqrtsd Vdq:w Hdq Wq
VEX.L.NP.0F.WIG 52 /r        | Vrsqrtps Vx:w Wx
VEX.LIG.F3.0F.WIG 52 /r      | Vrsqrtss Vdq:w Hdq Wd
VEX.L.NP.0F.WIG 53 /r        | Vrcpps Vx:w Wx
VEX.LIG.F3.0F.WIG 53 /r      | Vrcpss Vdq:w Hdq Wd
VEX.L.NP.0F.WIG 54 /r        | Vandps Vx:w Hx Wx
VEX.L.66.0F.WIG 54 /r        | Vandpd Vx:w Hx Wx
VEX.L.NP.0F.WIG 55 /r        | Vandnps Vx:w Hx Wx
VEX.L.66.0F.WIG 55 /r        | Vandnpd Vx:w Hx Wx
VEX.L.NP.0F.WIG 56 /r        | Vorps Vx:w Hx Wx
VEX.L.66.0F.WIG 56 /r        | Vorpd Vx:w Hx Wx
VEX.L.NP.0F.WIG 57 /r        | Vxorps Vx:w Hx Wx
VEX.L.66.0F.WIG 57 /r        | Vxorpd Vx:w Hx Wx
VEX.L.NP.0F.WIG 58 /r        | Vaddps Vx:w Hx Wx
VEX.L.66.0F.WIG 58 /r        | Vaddpd Vx:w Hx Wx
VEX.LIG.F3.0F.WIG 58 /r      | Vaddss Vdq:w Hdq Wd
VEX.LIG.F2.0F.WIG 58 /r      | Vaddsd Vdq:w Hdq Wq
VEX.L.NP.0F.WIG 59 /r        | Vmulps Vx:w Hx Wx
VEX.L.66.0F.WIG 59 /r        | Vmulpd Vx:w Hx Wx
VEX.LIG.F3.0F.WIG 59 /r      | Vmulss Vdq:w Hdq Wd
VEX.LIG.F2.0F.WIG 59 /r      | Vmulsd Vdq:w Hdq Wq
VEX.L.NP.0F.WIG 5A /r        | Vcvtps2pd Vx:w Wx2
VEX.L.66.0F.WIG 5A /r        | Vcvtpd2ps Vdq:w Wx
VEX.LIG.F3.0F.WIG 5A /r      | Vcvtss2sd Vdq:w Hdq Wd
VEX.LIG.F2.0F.WIG 5A /r      | Vcvtsd2ss Vdq:w Hdq Wq
VEX.L.NP.0F.WIG 5B /r        | Vcvtdq2ps Vx:w Wx
VEX.L.66.0F.WIG 5B /r        | Vcvtps2dq Vx:w Wx
VEX.L.F3.0F.WIG 5B /r        | Vcvttps2dq Vx:w Wx
VEX.L.NP.0F.WIG 5C /r        | Vsubps Vx:w Hx Wx
VEX.L.66.0F.WIG 5C /r        | Vsubpd Vx:w Hx Wx
VEX.LIG.F3.0F.WIG 5C /r      | Vsubss Vdq:w Hdq Wd
VEX.LIG.F2.0F.WIG 5C /r      | Vsubsd Vdq:w Hdq Wq
VEX.L.NP.0F.WIG 5D /r        | Vminps Vx:w Hx Wx
VEX.L.66.0F.WIG 5D /r        | Vminpd Vx:w Hx Wx
VEX.LIG.F3.0F.WIG 5D /r      | Vminss Vdq:w Hdq Wd
VEX.LIG.F2.0F.WIG 5D /r      | Vminsd Vdq:w Hdq Wq
VEX.L.NP.0F.WIG 5E /r        | Vdivps Vx:w Hx Wx
VEX.L.66.0F.WIG 5E /r        | Vdivpd Vx:w Hx Wx
VEX.LIG.F3.0F.WIG 5E /r      | Vdivss Vdq:w Hdq Wd
VEX.LIG.F2.0F.WIG 5E /r      | Vdivsd Vdq:w Hdq Wq
VEX.L.NP.0F.WIG 5F /r        | Vmaxps Vx:w Hx Wx
VEX.L.66.0F.WIG 5F /r        | Vmaxpd Vx:w Hx Wx
VEX.LIG.F3.0F.WIG 5F /r      | Vmaxss Vdq:w Hdq Wd
VEX.LIG.F2.0F.WIG 5F /r      | Vmaxsd Vdq:w Hdq Wq
VEX.128.66.0F.WIG 60 /r      | Vpunpcklbw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 60 /r      | Vpunpcklbw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 61 /r      | Vpunpcklwd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 61 /r      | Vpunpcklwd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 62 /r      | Vpunpckldq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 62 /r      | Vpunpckldq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 63 /r      | Vpacksswb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 63 /r      | Vpacksswb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 64 /r      | Vpcmpgtb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 64 /r      | Vpcmpgtb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 65 /r      | Vpcmpgtw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 65 /r      | Vpcmpgtw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 66 /r      | Vpcmpgtd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 66 /r      | Vpcmpgtd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 67 /r      | Vpackuswb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 67 /r      | Vpackuswb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 68 /r      | Vpunpckhbw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 68 /r      | Vpunpckhbw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 69 /r      | Vpunpckhwd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 69 /r      | Vpunpckhwd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 6A /r      | Vpunpckhdq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 6A /r      | Vpunpckhdq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 6B /r      | Vpackssdw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 6B /r      | Vpackssdw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 6C /r      | Vpunpcklqdq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 6C /r      | Vpunpcklqdq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 6D /r      | Vpunpckhqdq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 6D /r      | Vpunpckhqdq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.W0 6E /r wig32 | Vmovd Vdq:w Ed
VEX.128.66.0F.W1 6E /r       | Vmovq Vdq:w Eq              |         | only64
VEX.L.66.0F.WIG 6F /r        | Vmovdqa Vx:w Wx
VEX.L.66.0F.WIG 7F /r        | Vmovdqa Wx:w Vx
VEX.L.F3.0F.WIG 6F /r        | Vmovdqu Vx:w Wx
VEX.L.F3.0F.WIG 7F /r        | Vmovdqu Wx:w Vx
VEX.128.66.0F.WIG 70 /r      | Vpshufd Vdq:w Wdq Ib
@ avx2
VEX.256.66.0F.WIG 70 /r      | Vpshufd Vqq:w Wqq Ib
@ avx
VEX.128.F3.0F.WIG 70 /r      | Vpshufhw Vdq:w Wdq Ib
@ avx2
VEX.256.F3.0F.WIG 70 /r      | Vpshufhw Vqq:w Wqq Ib
@ avx
VEX.128.F2.0F.WIG 70 /r      | Vpshuflw Vdq:w Wdq Ib
@ avx2
VEX.256.F2.0F.WIG 70 /r      | Vpshuflw Vqq:w Wqq Ib
@ avx
VEX.128.66.0F.WIG 71 /2 reg  | Vpsrlw Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 71 /2 reg  | Vpsrlw Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 71 /4 reg  | Vpsraw Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 71 /4 reg  | Vpsraw Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 71 /6 reg  | Vpsllw Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 71 /6 reg  | Vpsllw Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 72 /2 reg  | Vpsrld Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 72 /2 reg  | Vpsrld Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 72 /4 reg  | Vpsrad Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 72 /4 reg  | Vpsrad Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 72 /6 reg  | Vpslld Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 72 /6 reg  | Vpslld Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 73 /2 reg  | Vpsrlq Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 73 /2 reg  | Vpsrlq Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 73 /3 reg  | Vpsrldq Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 73 /3 reg  | Vpsrldq Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 73 /6 reg  | Vpsllq Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 73 /6 reg  | Vpsllq Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 73 /7 reg  | Vpslldq Hdq:w Udq Ib
@ avx2
VEX.256.66.0F.WIG 73 /7 reg  | Vpslldq Hqq:w Uqq Ib
@ avx
VEX.128.66.0F.WIG 74 /r      | Vpcmpeqb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 74 /r      | Vpcmpeqb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 75 /r      | Vpcmpeqw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 75 /r      | Vpcmpeqw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG 76 /r      | Vpcmpeqd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG 76 /r      | Vpcmpeqd Vqq:w Hqq Wqq
@ avx
VEX.128.NP.0F.WIG 77         | Vzeroupper
VEX.256.NP.0F.WIG 77         | Vzeroall
VEX.L.66.0F.WIG 7C /r        | Vhaddpd Vx:w Hx Wx
VEX.L.F2.0F.WIG 7C /r        | Vhaddps Vx:w Hx Wx
VEX.L.66.0F.WIG 7D /r        | Vhsubpd Vx:w Hx Wx
VEX.L.F2.0F.WIG 7D /r        | Vhsubps Vx:w Hx Wx
VEX.L.66.0F.WIG D0 /r        | Vaddsubpd Vx:w Hx Wx
VEX.L.F2.0F.WIG D0 /r        | Vaddsubps Vx:w Hx Wx
VEX.128.66.0F.W0 7E /r wig32 | Vmovd Ed:w Vdq
VEX.128.66.0F.W1 7E /r       | Vmovq Eq:w Vdq              |         | only64
VEX.128.F3.0F.WIG 7E /r      | Vmovq Vdq:w Wq
VEX.128.66.0F.WIG D6 /r      | Vmovq Wq:w Vq
VEX.L.NP.0F.WIG C2 /r        | Vcmpps Vx:w Hx Wx Ib
VEX.L.66.0F.WIG C2 /r        | Vcmppd Vx:w Hx Wx Ib
VEX.LIG.F3.0F.WIG C2 /r      | Vcmpss Vdq:w Hdq Wd Ib
VEX.LIG.F2.0F.WIG C2 /r      | Vcmpsd Vdq:w Hdq Wq Ib
VEX.128.66.0F.W C4 /r        | Vpinsrw Vdq:w Hdq Ey.w Ib
VEX.128.66.0F.W C5 /r reg    | Vpextrw Gy:w Udq Ib
VEX.L.NP.0F.WIG C6 /r        | Vshufps Vx:w Hx Wx Ib
VEX.L.66.0F.WIG C6 /r        | Vshufpd Vx:w Hx Wx Ib
VEX.128.66.0F.WIG D1 /r      | Vpsrlw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG D1 /r      | Vpsrlw Vqq:w Hqq Wdq
@ avx
VEX.128.66.0F.WIG D2 /r      | Vpsrld Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG D2 /r      | Vpsrld Vqq:w Hqq Wdq
@ avx
VEX.128.66.0F.WIG D3 /r      | Vpsrlq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG D3 /r      | Vpsrlq Vqq:w Hqq Wdq
@ avx
VEX.128.66.0F.WIG D4 /r      | Vpaddq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG D4 /r      | Vpaddq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG D5 /r      | Vpmullw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG D5 /r      | Vpmullw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.W D7 /r reg    | Vpmovmskb Gy:w Udq
@ avx2
VEX.256.66.0F.W D7 /r reg    | Vpmovmskb Gy:w Uqq
@ avx
VEX.128.66.0F.WIG D8 /r      | Vpsubusb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG D8 /r      | Vpsubusb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG D9 /r      | Vpsubusw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG D9 /r      | Vpsubusw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG DA /r      | Vpminub Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG DA /r      | Vpminub Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG DB /r      | Vpand Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG DB /r      | Vpand Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG DC /r      | Vpaddusb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG DC /r      | Vpaddusb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG DD /r      | Vpaddusw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG DD /r      | Vpaddusw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG DE /r      | Vpmaxub Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG DE /r      | Vpmaxub Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG DF /r      | Vpandn Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG DF /r      | Vpandn Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG E0 /r      | Vpavgb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG E0 /r      | Vpavgb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG E1 /r      | Vpsraw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG E1 /r      | Vpsraw Vqq:w Hqq Wdq
@ avx
VEX.128.66.0F.WIG E2 /r      | Vpsrad Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG E2 /r      | Vpsrad Vqq:w Hqq Wdq
@ avx
VEX.128.66.0F.WIG E3 /r      | Vpavgw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG E3 /r      | Vpavgw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG E4 /r      | Vpmulhuw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG E4 /r      | Vpmulhuw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG E5 /r      | Vpmulhw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG E5 /r      | Vpmulhw Vqq:w Hqq Wqq
@ avx
VEX.L.66.0F.WIG E6 /r        | Vcvttpd2dq Vdq:w Wx
VEX.L.F3.0F.WIG E6 /r        | Vcvtdq2pd Vx:w Wx2
VEX.L.F2.0F.WIG E6 /r        | Vcvtpd2dq Vdq:w Wx
VEX.L.66.0F.WIG E7 /r mem    | Vmovntdq Mx:w Vx
VEX.128.66.0F.WIG E8 /r      | Vpsubsb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG E8 /r      | Vpsubsb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG E9 /r      | Vpsubsw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG E9 /r      | Vpsubsw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG EA /r      | Vpminsw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG EA /r      | Vpminsw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG EB /r      | Vpor Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG EB /r      | Vpor Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG EC /r      | Vpaddsb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG EC /r      | Vpaddsb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG ED /r      | Vpaddsw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG ED /r      | Vpaddsw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG EE /r      | Vpmaxsw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG EE /r      | Vpmaxsw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG EF /r      | Vpxor Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG EF /r      | Vpxor Vqq:w Hqq Wqq
@ avx
VEX.L.F2.0F.WIG F0 /r mem    | Vlddqu Vx:w Mx
VEX.128.66.0F.WIG F1 /r      | Vpsllw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG F1 /r      | Vpsllw Vqq:w Hqq Wdq
@ avx
VEX.128.66.0F.WIG F2 /r      | Vpslld Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG F2 /r      | Vpslld Vqq:w Hqq Wdq
@ avx
VEX.128.66.0F.WIG F3 /r      | Vpsllq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG F3 /r      | Vpsllq Vqq:w Hqq Wdq
@ avx
VEX.128.66.0F.WIG F4 /r      | Vpmuludq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG F4 /r      | Vpmuludq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG F5 /r      | Vpmaddwd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG F5 /r      | Vpmaddwd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG F6 /r      | Vpsadbw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG F6 /r      | Vpsadbw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG F7 /r reg  | Vmaskmovdqu DIdq:cw Vdq Udq
VEX.128.66.0F.WIG F8 /r      | Vpsubb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG F8 /r      | Vpsubb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG F9 /r      | Vpsubw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG F9 /r      | Vpsubw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG FA /r      | Vpsubd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG FA /r      | Vpsubd Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG FB /r      | Vpsubq Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG FB /r      | Vpsubq Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG FC /r      | Vpaddb Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG FC /r      | Vpaddb Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG FD /r      | Vpaddw Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG FD /r      | Vpaddw Vqq:w Hqq Wqq
@ avx
VEX.128.66.0F.WIG FE /r      | Vpaddd Vdq:w Hdq Wdq
@ avx2
VEX.256.66.0F.WIG FE /r      | Vpaddd Vqq:w Hqq Wqq
@ avx
VEX.128.NP.0F.WIG AE /2 mem  | Vldmxcsr Md
VEX.128.NP.0F.WIG AE /3 mem  | Vstmxcsr Md:w
`;
