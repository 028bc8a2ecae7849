import { Layout } from '../machine/test-machine.js';

// Random programs of general-purpose instructions in a loop: what sets flags and what reads them in every order, registers of every size, memory that
// crosses pages, branches forward, calls. Encodings are put together from their parts: SDM vol. 2, appendix A.

export type Random = () => number;

/** Numbers from 0 to 2^32 - 1 (xorshift32). */
export function randomNumbers(seed: number): Random {
  let x = seed | 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

const RBX = 3;
/** RSP, RBX (the data's address) and RSI (the loop's count) keep their values. */
const FREE = [0, 1, 2, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15];

class Program {
  readonly bytes: number[] = [];

  constructor(private readonly random: Random) {}

  below(n: number): number {
    return this.random() % n;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** An instruction with a register and a register or memory operand: prefixes, opcode, ModRM, displacement. @param opcode of the forms that aren't bytes */
  modrm(opcode: readonly number[], size: number, reg: number, memory: boolean, byteForm = true): void {
    const register = memory ? RBX : this.pick(FREE);
    if (size === 2) this.bytes.push(0x66);
    this.bytes.push(0x40 | (size === 8 ? 8 : 0) | ((reg >> 3) << 2) | (register >> 3));
    const code = [...opcode];
    if (size === 1 && byteForm) code[code.length - 1] = (code.at(-1) as number) & ~1;
    this.bytes.push(...code);
    if (memory) this.bytes.push(0x80 | ((reg & 7) << 3) | RBX, ...u32(this.below(4200)));
    else this.bytes.push(0xc0 | ((reg & 7) << 3) | (register & 7));
  }

  instruction(): void {
    const size = this.pick([1, 2, 4, 4, 8, 8]);
    const wide = size === 1 ? 4 : size;
    const memory = this.below(3) === 0;
    const reg = this.pick(FREE);
    switch (this.below(20)) {
      case 0: case 1: case 2: case 3: // ADD OR ADC SBB AND SUB XOR CMP, both directions
        return this.modrm([(this.below(8) << 3) | this.pick([1, 3])], size, reg, memory);
      case 4:
        return this.modrm([0x85], size, reg, memory); // TEST
      case 5: case 6: { // ROL ROR RCL RCR SHL SHR SAR by an immediate
        this.modrm([0xc1], size, this.pick([0, 1, 2, 3, 4, 5, 7]), memory);
        this.bytes.push(this.pick([0, 1, 2, 7, 8, 13, 31, 33, 63]));
        return;
      }
      case 7:
        return this.modrm([0xd3], size, this.pick([0, 1, 4, 5, 7]), memory); // by CL
      case 8:
        return this.modrm([0xff], size, this.below(2), memory); // INC DEC
      case 9:
        return this.modrm([0xf7], size, this.pick([2, 3, 4, 5]), memory); // NOT NEG MUL IMUL
      case 10:
        return this.modrm([0x0f, 0xaf], wide, reg, memory, false); // IMUL
      case 11: { // BT BTS BTR BTC by an immediate
        this.modrm([0x0f, 0xba], wide, this.pick([4, 5, 6, 7]), memory, false);
        this.bytes.push(this.below(64));
        return;
      }
      case 12:
        return this.modrm([0x0f, 0x90 | this.below(16)], 1, 0, memory, false); // SETcc
      case 13:
        return this.modrm([0x0f, 0x40 | this.below(16)], wide, reg, memory, false); // CMOVcc
      case 14:
        return this.modrm([0x0f, this.pick([0xb6, 0xb7, 0xbe, 0xbf, 0xbc, 0xbd])], this.pick([4, 8]), reg, memory, false); // MOVZX MOVSX BSF BSR
      case 15:
        return this.modrm([this.pick([0x89, 0x8b])], size, reg, memory); // MOV
      case 16: { // Jcc over an instruction
        const at = this.bytes.length;
        this.bytes.push(0x70 | this.below(16), 0);
        this.instruction();
        this.bytes[at + 1] = this.bytes.length - at - 2;
        return;
      }
      case 17: { // SHLD SHRD
        this.modrm([0x0f, this.pick([0xa4, 0xac])], wide === 2 ? 4 : wide, reg, memory, false);
        this.bytes.push(this.below(64));
        return;
      }
      case 18:
        return this.modrm([0x0f, this.pick([0xc1, 0xb1])], size, reg, memory); // XADD CMPXCHG
      default:
        // CMC STC CLC, CBW and the like, PUSHFQ and POP, LAHF
        this.bytes.push(...this.pick([[0xf5], [0xf9], [0xf8], [0x98], [0x48, 0x99], [0x9c, 0x41, 0x58], [0x9f], [0x41, 0x50, 0x41, 0x59]]));
    }
  }
}

function u32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
}

/** RBX and RSI set, a loop of random instructions and a call, at `Layout.code`; it ends in a jump to itself. */
export function randomProgram(random: Random, instructions: number, repeats: number): Uint8Array {
  const program = new Program(random);
  const { bytes } = program;
  bytes.push(0xbb, ...u32(Layout.data), 0xbe, ...u32(repeats));
  const loop = bytes.length;
  for (let k = 0; k < instructions; k++) program.instruction();
  const call = bytes.length;
  bytes.push(0xe8, 0, 0, 0, 0);
  bytes.push(0xff, 0xce); // dec esi
  bytes.push(0x0f, 0x85, ...u32(loop - bytes.length - 6)); // jnz
  bytes.push(0xeb, 0xfe);
  bytes.splice(call + 1, 4, ...u32(bytes.length - call - 5));
  for (let k = 0; k < 6; k++) program.instruction();
  bytes.push(0xc3);
  return Uint8Array.from(bytes);
}
