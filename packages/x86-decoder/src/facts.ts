/** What an instruction does to one operand. */
export const Access = {
  /** Not at all: an address that is only computed (LEA), a hint's target, a NOP's operand. */
  None: 0,
  Read: 1,
  Write: 2,
  ReadWrite: 3,
  /**
   * Read only when a condition holds (CMOVcc from memory is documented as always read, but its value is used
   * conditionally).
   */
  ConditionalRead: 4,
  ConditionalWrite: 5,
  /** Always read, conditionally written (CMPXCHG). */
  ReadConditionalWrite: 6,
} as const;
export type Access = (typeof Access)[keyof typeof Access];

/** EFLAGS bits at their architectural positions, UIF (user interrupts), and the x87 condition codes above them. */
export const Flag = {
  CF: 1 << 0,
  PF: 1 << 2,
  AF: 1 << 4,
  ZF: 1 << 6,
  SF: 1 << 7,
  IF: 1 << 9,
  DF: 1 << 10,
  OF: 1 << 11,
  AC: 1 << 18,
  UIF: 1 << 22,
  C0: 1 << 24,
  C1: 1 << 25,
  C2: 1 << 26,
  C3: 1 << 27,
} as const;

export const FlowControl = {
  Next: 0,
  Jump: 1,
  IndirectJump: 2,
  ConditionalBranch: 3,
  /** Near and far calls, and instructions that enter another context (SYSCALL, VMCALL). */
  Call: 4,
  IndirectCall: 5,
  Return: 6,
  Interrupt: 7,
  /** UD0, UD1, UD2. */
  Exception: 8,
  /** XBEGIN. */
  Transaction: 9,
} as const;
export type FlowControl = (typeof FlowControl)[keyof typeof FlowControl];
