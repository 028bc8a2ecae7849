import { decode, Instruction, type Form } from '@pckit/x86-decoder';
import { lowerName } from './names.js';
import type { Mode } from './layout.js';
import type { Random } from './random.js';

/** What `Form.encoding` says, as the table's notation has it. */
interface Shape {
  /** The second byte's map and the third's pp, of VEX. */
  readonly vex: { readonly map: number; readonly pp: number } | undefined;
  readonly prefix: 'none' | 'notRepeat' | 'free' | 0x66 | 0xf3 | 0xf2;
  readonly opcode: readonly number[];
  readonly plusRegister: boolean;
  /** undefined: no ModRM byte. */
  readonly modrm: { readonly reg?: number; readonly rm?: number; readonly memory: boolean; readonly register: boolean } | undefined;
  readonly wide: boolean;
  /** Bits for 2, 4 and 8 bytes; 7 when free. */
  readonly operandSizes: number;
  readonly addressSizes: number;
}

const sizesOf = (word: string): number => word.split(',').reduce((mask, size) => mask | ({ 16: 1, 32: 2, 64: 4 }[size.slice(1)] ?? 0), 0);

function parse({ encoding }: Form): Shape {
  let prefix: Shape['prefix'] = 'free';
  let vex: Shape['vex'];
  let [memory, register, wide, plusRegister, hasModrm] = [true, true, false, false, false];
  let [operandSizes, addressSizes] = [7, 7];
  let reg: number | undefined;
  let rm: number | undefined;
  const opcode: number[] = [];
  encoding.split(' ').forEach((word, k) => {
    if (word.startsWith('VEX.')) {
      const [, , pp, map] = word.split('.');
      vex = { map: ['', '0F', '0F38', '0F3A'].indexOf(map!), pp: ['NP', '66', 'F3', 'F2'].indexOf(pp!) };
      prefix = 'none';
    } else if (word === 'np') prefix = 'none';
    else if (word === 'nf') prefix = 'notRepeat';
    else if (k === 0 && /^(66|F3|F2)$/.test(word) && encoding.includes(' 0F')) prefix = parseInt(word, 16) as 0x66 | 0xf3 | 0xf2;
    else if (k === 0 && encoding === 'F3 90') prefix = 0xf3;
    else if (word === 'mem') register = false;
    else if (word === 'reg') memory = false;
    else if (word === 'W1') wide = true;
    else if (word.startsWith('o')) operandSizes = sizesOf(word);
    else if (word.startsWith('a')) addressSizes = sizesOf(word);
    else if (word.startsWith('/')) {
      hasModrm = true;
      if (word !== '/r') reg = Number(word[1]);
    } else if (/^[0-9A-F]{2}(\+r)?$/.test(word)) {
      const byte = parseInt(word, 16);
      plusRegister ||= word.endsWith('+r');
      // A third byte in the 0F map is an exact ModRM byte; `C6 F8` the same in the one-byte map.
      const escape = opcode[1] === 0x38 || opcode[1] === 0x3a;
      if (opcode[0] === 0x0f ? opcode.length === (escape ? 3 : 2) && !(opcode.length === 2 && opcode[1] === 0x38) : opcode.length === 1) {
        hasModrm = true;
        [memory, register] = [false, true];
        reg = (byte >> 3) & 7;
        rm = byte & 7;
      } else opcode.push(byte);
    }
  });
  const modrm = hasModrm ? { memory, register, ...(reg === undefined ? {} : { reg }), ...(rm === undefined ? {} : { rm }) } : undefined;
  return { vex, prefix, opcode, plusRegister, modrm, wide, operandSizes, addressSizes };
}

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly instruction: Instruction;
  /** Offset of the displacement; meaningful with a memory operand. */
  readonly displacementAt: number;
}

const STRINGS = /^(movs|cmps|scas|lods|stos|ins|outs)[bwdq]$/;
const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const TAILS = [0x00, 0xff, 0x80, 0x7f, 0x01];

/** Makes encodings of one form in one mode. */
export class Encoder {
  readonly #shape: Shape;
  readonly #isString: boolean;
  readonly #isNearBranch: boolean;

  constructor(
    readonly form: Form,
    readonly mode: Mode,
  ) {
    this.#shape = parse(form);
    this.#isString = STRINGS.test(lowerName(form.mnemonic));
    this.#isNearBranch = /^(j|loop|call|ret$)/.test(lowerName(form.mnemonic)) && !form.operands.some((operand) => /^[AM]p$/.test(operand));
  }

  /** A random encoding that the decoder takes for this form; undefined if there is none after many tries. */
  make(random: Random): Encoded | undefined {
    for (let k = 0; k < 200; k++) {
      const encoded = this.#try(random);
      if (encoded) return encoded;
    }
    return undefined;
  }

  #try(random: Random): Encoded | undefined {
    const { mode } = this;
    const { vex, prefix, opcode, plusRegister, modrm, wide, operandSizes, addressSizes } = this.#shape;
    const bytes: number[] = [];
    const native = mode === 16 ? 1 : 2;
    // Processors disagree on 66 before near branches in 64-bit mode.
    const may66 = prefix !== 'none' && !(mode === 64 && this.#isNearBranch) && prefix !== 0x66;
    const needs66 = (operandSizes & (mode === 64 ? 6 : native)) === 0;
    if (may66 && (needs66 || (operandSizes !== native && random.oneIn(3)))) bytes.push(0x66);
    const needs67 = mode === 64 ? (addressSizes & 4) === 0 : (addressSizes & native) === 0;
    if (needs67 || random.oneIn(7)) bytes.push(0x67);
    if (random.oneIn(7)) bytes.push(random.pick(SEGMENT_PREFIXES));
    if (this.form.lockable && random.oneIn(6)) bytes.push(0xf0);
    if (this.#isString && random.oneIn(2)) bytes.push(random.pick([0xf2, 0xf3]));
    if (typeof prefix === 'number') bytes.push(prefix);
    for (let k = bytes.length - 1; k > 0; k--) {
      const other = random.below(k + 1);
      [bytes[k], bytes[other]] = [bytes[other]!, bytes[k]!];
    }
    // Anything may come in R X B, W and vvvv; the decoder takes what suits the mode. Outside 64-bit mode it isn't LES.
    if (vex) bytes.push(0xc4, (mode === 64 ? random.below(8) << 5 : 0xc0 | (random.below(2) << 5)) | vex.map, (random.below(32) << 3) | vex.pp);
    else if (mode === 64 && (wide || operandSizes === 4 || random.below(10) < 6)) bytes.push(0x40 | random.below(16) | (wide || operandSizes === 4 ? 8 : 0));
    bytes.push(...opcode);
    if (plusRegister) bytes.push((bytes.pop() as number) + random.below(8));
    if (modrm) {
      const mod = modrm.memory && (!modrm.register || random.below(10) < 6) ? random.below(3) : 3;
      bytes.push((mod << 6) | ((modrm.reg ?? random.below(8)) << 3) | (modrm.rm ?? random.below(8)));
    }
    const modrmEnd = bytes.length;
    const tail = random.below(4);
    for (let k = 0; k < 16; k++) bytes.push(tail === 0 ? random.pick(TAILS) : tail === 1 && k > 4 ? 0 : random.below(256));
    const code = Uint8Array.from(bytes);
    const instruction = new Instruction();
    if (decode(code, 0, code.length, this.mode, instruction) === 0 || instruction.form !== this.form.form) return undefined;
    const hasSib = modrm !== undefined && instruction.addressSize !== 2 && (code[modrmEnd - 1]! & 7) === 4 && code[modrmEnd - 1]! < 0xc0;
    return { bytes: code.slice(0, instruction.length), instruction, displacementAt: modrmEnd + (hasSib ? 1 : 0) };
  }
}

/** Decodes changed bytes again. */
export function redecode(encoded: Encoded, mode: Mode): void {
  decode(encoded.bytes, 0, encoded.bytes.length, mode, encoded.instruction);
}
