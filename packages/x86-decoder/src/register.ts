/**
 * Registers as one byte: the class in the high nibble, the number that the manual's encodings use in the low one.
 * So class and number are a shift and a mask, and `RegisterClass.R64 << 4 | number` makes a register.
 */

/** The high nibble of a register. */
export const RegisterClass = {
  /** Only `Register.None`. */
  None: 0,
  /** AL .. DIL, R8L .. R15L; 4..7 are SPL, BPL, SIL, DIL. */
  R8: 1,
  /** AH, CH, DH, BH as 0..3: the number is that of the register whose bits 15:8 they are. */
  R8High: 2,
  R16: 3,
  R32: 4,
  R64: 5,
  /** ES, CS, SS, DS, FS, GS. */
  Segment: 6,
  Control: 7,
  Debug: 8,
  St: 9,
  Mm: 10,
  Xmm: 11,
  Ymm: 12,
  /** EIP, RIP: only as the base of a memory operand. */
  InstructionPointer: 13,
} as const;
export type RegisterClass = (typeof RegisterClass)[keyof typeof RegisterClass];

// prettier-ignore
export const Register = {
  None: 0,
  AL: 0x10, CL: 0x11, DL: 0x12, BL: 0x13, SPL: 0x14, BPL: 0x15, SIL: 0x16, DIL: 0x17,
  R8L: 0x18, R9L: 0x19, R10L: 0x1a, R11L: 0x1b, R12L: 0x1c, R13L: 0x1d, R14L: 0x1e, R15L: 0x1f,
  AH: 0x20, CH: 0x21, DH: 0x22, BH: 0x23,
  AX: 0x30, CX: 0x31, DX: 0x32, BX: 0x33, SP: 0x34, BP: 0x35, SI: 0x36, DI: 0x37,
  R8W: 0x38, R9W: 0x39, R10W: 0x3a, R11W: 0x3b, R12W: 0x3c, R13W: 0x3d, R14W: 0x3e, R15W: 0x3f,
  EAX: 0x40, ECX: 0x41, EDX: 0x42, EBX: 0x43, ESP: 0x44, EBP: 0x45, ESI: 0x46, EDI: 0x47,
  R8D: 0x48, R9D: 0x49, R10D: 0x4a, R11D: 0x4b, R12D: 0x4c, R13D: 0x4d, R14D: 0x4e, R15D: 0x4f,
  RAX: 0x50, RCX: 0x51, RDX: 0x52, RBX: 0x53, RSP: 0x54, RBP: 0x55, RSI: 0x56, RDI: 0x57,
  R8: 0x58, R9: 0x59, R10: 0x5a, R11: 0x5b, R12: 0x5c, R13: 0x5d, R14: 0x5e, R15: 0x5f,
  ES: 0x60, CS: 0x61, SS: 0x62, DS: 0x63, FS: 0x64, GS: 0x65,
  CR0: 0x70, CR1: 0x71, CR2: 0x72, CR3: 0x73, CR4: 0x74, CR5: 0x75, CR6: 0x76, CR7: 0x77,
  CR8: 0x78, CR9: 0x79, CR10: 0x7a, CR11: 0x7b, CR12: 0x7c, CR13: 0x7d, CR14: 0x7e, CR15: 0x7f,
  DR0: 0x80, DR1: 0x81, DR2: 0x82, DR3: 0x83, DR4: 0x84, DR5: 0x85, DR6: 0x86, DR7: 0x87,
  DR8: 0x88, DR9: 0x89, DR10: 0x8a, DR11: 0x8b, DR12: 0x8c, DR13: 0x8d, DR14: 0x8e, DR15: 0x8f,
  ST0: 0x90, ST1: 0x91, ST2: 0x92, ST3: 0x93, ST4: 0x94, ST5: 0x95, ST6: 0x96, ST7: 0x97,
  MM0: 0xa0, MM1: 0xa1, MM2: 0xa2, MM3: 0xa3, MM4: 0xa4, MM5: 0xa5, MM6: 0xa6, MM7: 0xa7,
  XMM0: 0xb0, XMM1: 0xb1, XMM2: 0xb2, XMM3: 0xb3, XMM4: 0xb4, XMM5: 0xb5, XMM6: 0xb6, XMM7: 0xb7,
  XMM8: 0xb8, XMM9: 0xb9, XMM10: 0xba, XMM11: 0xbb, XMM12: 0xbc, XMM13: 0xbd, XMM14: 0xbe, XMM15: 0xbf,
  YMM0: 0xc0, YMM1: 0xc1, YMM2: 0xc2, YMM3: 0xc3, YMM4: 0xc4, YMM5: 0xc5, YMM6: 0xc6, YMM7: 0xc7,
  YMM8: 0xc8, YMM9: 0xc9, YMM10: 0xca, YMM11: 0xcb, YMM12: 0xcc, YMM13: 0xcd, YMM14: 0xce, YMM15: 0xcf,
  EIP: 0xd0, RIP: 0xd1,
} as const;
export type Register = (typeof Register)[keyof typeof Register];

const names: readonly string[] = (() => {
  const list: string[] = new Array<string>(256).fill('');
  for (const [name, register] of Object.entries(Register)) list[register] = name.toLowerCase();
  // The assemblers' spelling: st(0) is the formatter's business, r8b is what both syntaxes write for R8L.
  for (let n = 8; n < 16; n++) list[Register.AL + n] = `r${n}b`;
  return list;
})();

// prettier-ignore
const classSizes = [0, 1, 1, 2, 4, 8, 2, 8, 8, 10, 8, 16, 32, 0, 0, 0];

export function registerClass(register: number): RegisterClass {
  return (register >> 4) as RegisterClass;
}

/** The number within its class: RSP is 4, AH is 0 (it lies in register 0), FS is 4. */
export function registerNumber(register: number): number {
  return register & 15;
}

/** Size in bytes. Control and debug registers count as 8, EIP is 4, RIP is 8, `None` is 0. */
export function registerSize(register: number): number {
  if (register === Register.EIP) return 4;
  if (register === Register.RIP) return 8;
  return classSizes[register >> 4]!;
}

/** Lower-case name as assemblers write it (`r8b`, `st0`, `cr3`); empty for numbers that name no register. */
export function registerName(register: number): string {
  return names[register] ?? '';
}
