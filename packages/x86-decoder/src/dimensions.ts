/** What an opcode may depend on besides its map and byte, in the order in which the decoder asks. */
export const Dimension = {
  /** 0: memory, 1: register. */
  Mod: 0,
  Reg: 1,
  Rm: 2,
  /** Mandatory prefix: none, 66, F3, F2. */
  Prefix: 3,
  /** 2, 4, 8 bytes. */
  OperandSize: 4,
  AddressSize: 5,
  W: 6,
  L: 7,
  /** REX.B. */
  B: 8,
} as const;
export const dimensionSizes: readonly number[] = [2, 8, 8, 4, 3, 3, 2, 2, 2];

/** How the operand size comes about. */
export const Sizing = { Normal: 0, Default64: 1, Force64: 2, Mandatory66: 3, Vex: 4 } as const;
export type Sizing = (typeof Sizing)[keyof typeof Sizing];
