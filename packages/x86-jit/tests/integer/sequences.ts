import { Flag, formFlags, OperandKind, type Form, type Instruction } from '@pckit/x86-decoder';
import { Encoder } from './encode.js';
import { recordedForms } from './forms.js';
import { CODE } from './layout.js';
import { lowerName } from './names.js';
import { Random } from './random.js';
import { startRegisters, type Case } from './vector.js';

// Sequences of instructions on registers that hand flags to each other: flags are kept as the operands and results of whoever set them,
// so that what one instruction leaves must suit whichever comes next.

const ARITHMETIC = Flag.CF | Flag.PF | Flag.AF | Flag.ZF | Flag.SF | Flag.OF;
const SHIFTS = /^(shl|shr|sal|sar|rol|ror|rcl|rcr|shld|shrd)$/;

/** Flags that are undefined after an instruction, given those before it. */
export function undefinedAfter(instruction: Instruction, before: number): number {
  const { undefined: left, written, cleared, set } = formFlags(instruction.form);
  const name = lowerName(instruction.mnemonic);
  if (!SHIFTS.test(name)) return (before | left) & ~(written | cleared | set);
  const last = instruction.operandCount - 1;
  if (instruction.operandKind[last] === OperandKind.Register) return before | left | Flag.CF | Flag.OF;
  const size = instruction.operandSizes[0]!;
  const count = instruction.immediateLow & (size === 8 ? 63 : 31);
  if (count === 0) return before;
  const beyond = count >= 8 * size && /^(sh|sal)/.test(name) ? Flag.CF : 0;
  return ((before | left) & ~written) | beyond;
}

/** What such a sequence is made of: nothing that may fault or whose result is undefined. */
function usable(form: Form): boolean {
  const name = lowerName(form.mnemonic);
  const { read, written, undefined: left, cleared, set } = form.flags;
  if (!form.modes.includes(64) || form.flow !== 0) return false;
  if (((read | written | left | cleared | set) & ARITHMETIC) === 0 && !/^(mov|lea|not|xchg|movzx|movsx|bswap)$/.test(name)) return false;
  return (
    !/^(div|idiv|popf|pushf|iret|bsf|bsr|shld|shrd|bswap|lar|lsl|verr|verw|arpl|rdrand|rdseed|scas|cmps|cmpxchg(8|16)b|lea|sti|cli|syscall|mov.* [CD]m)/.test(name) &&
    !form.operands.some((operand) => /^(M|O|X|Y|S|C[md]|D[md]|Rm)/.test(operand))
  );
}

export function* generateSequences(count: number, seed: number): Generator<Case> {
  const random = new Random(seed, 0x5e9);
  const encoders = recordedForms().filter(({ form }) => usable(form)).map(({ form }) => new Encoder(form, 64));
  const first = random.u32();
  for (let made = 0; made < count; made++) {
    const code: number[] = [];
    let [steps, left] = [0, 0];
    for (const wanted = 2 + random.below(8); steps < wanted; ) {
      const encoded = random.pick(encoders).make(random);
      if (!encoded || code.length + encoded.bytes.length > 64) break;
      const { instruction } = encoded;
      const isMemory = [0, 1, 2].some((k) => k < instruction.operandCount && instruction.operandKind[k] === OperandKind.Memory);
      if (isMemory || formFlags(instruction.form).read & left) continue;
      code.push(...encoded.bytes);
      left = undefinedAfter(instruction, left);
      steps++;
    }
    if (steps < 2) continue;
    const input = { mode: 64 as const, seed: (first + made) >>> 0, registers: new Map<number, bigint>() };
    // Some registers alike, so that comparisons come out equal.
    const start = startRegisters(input);
    if (random.oneIn(2)) for (let k = 0; k < 4; k++) input.registers.set(random.below(16), start[random.below(16)]!);
    yield {
      ...input, segments: 0, code: Uint8Array.from(code), at: CODE + 0x400n + BigInt(random.below(0x300)), flags: random.u32() & 0x8d5, memory: [], repeats: false, steps, follow: 0,
    };
  }
}
