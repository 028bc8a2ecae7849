import { OperandKind, type Form } from '@pckit/x86-decoder';
import { redecode, type Encoded, type Encoder } from './encode.js';
import { CODE, HIGH_CODE, LAST_CODE, type Mode, PAGE, REGIONS, SEGMENT_SETS, segmentFacts, Selector } from './layout.js';
import type { Random } from './random.js';
import { locate, startRegisters, type Case, type MemoryWrite } from './vector.js';

const ARITHMETIC_AND_DF = 0xcd5;

/** A case in the making: what the seed gives, and what was laid down on top of it. */
export class CaseBuilder {
  readonly mode: Mode;
  readonly segments: number;
  readonly at: bigint;
  flags: number;
  readonly #registers = new Map<number, bigint>();
  readonly #start: BigUint64Array;
  readonly #memory: MemoryWrite[] = [];

  constructor(
    readonly form: Form,
    encoder: Encoder,
    readonly encoded: Encoded,
    readonly random: Random,
    readonly seed: number,
  ) {
    this.mode = encoder.mode;
    this.segments = random.below(SEGMENT_SETS[this.mode].length);
    this.flags = random.u32() & ARITHMETIC_AND_DF;
    // DF matters to strings only; elsewhere it should survive, which a few cases show.
    if (this.flags & 0x400 && random.oneIn(2)) this.flags &= ~0x400;
    this.at = this.#chooseAddress();
    this.#start = startRegisters({ mode: this.mode, seed: this.seed, registers: this.#registers });
  }

  #chooseAddress(): bigint {
    const { random } = this;
    // AMD's processors take UD0 and UD1 for two bytes.
    if (/^0F (B9|FF) /.test(this.form.encoding)) return CODE + 0x500n;
    const { length } = this.encoded.bytes;
    // Few begin beyond the limit of a short code segment.
    const short = SEGMENT_SETS[this.mode][this.segments]!.cs === Selector.shortCode;
    const choice = short && !random.oneIn(16) ? 9 : random.below(40);
    if (short && random.oneIn(16)) return CODE + 0x800n - BigInt(random.below(length + 2));
    const high = this.mode === 64 && choice > 30;
    const region = high ? HIGH_CODE : CODE;
    if (choice === 0) return region + BigInt(PAGE - 1 - random.below(length)); // from one page into the next
    if (choice === 1 && (this.mode !== 16 || random.oneIn(2))) return region + BigInt(2 * PAGE - 1 - random.below(length)); // into a page that isn't there
    if (choice === 2 && this.mode === 64) return LAST_CODE + BigInt(PAGE - length - random.below(100));
    return region + 0x400n + BigInt(random.below(0x300));
  }

  get name(): string {
    return this.form.encoding;
  }

  // --- registers and displacement -------------------------------------------------------------------------------------------------

  register(number: number): bigint {
    return this.#start[number]!;
  }
  set(number: number, value: bigint): void {
    const whole = BigInt.asUintN(this.mode === 64 || number >= 8 ? 64 : 32, value);
    this.#registers.set(number, whole);
    this.#start[number] = whole;
  }
  /** Sets the low bytes and leaves the rest random, to see that it doesn't matter. */
  setPart(number: number, value: bigint, bytes: number): void {
    const mask = (1n << BigInt(8 * bytes)) - 1n;
    this.set(number, (this.register(number) & ~mask) | (value & mask));
  }

  /** @returns whether the displacement field can hold it */
  setDisplacement(value: bigint): boolean {
    const { encoded } = this;
    const { displacementSize, addressSize } = encoded.instruction;
    const bits = 8 * displacementSize;
    const signed = BigInt.asIntN(8 * addressSize, value);
    if (displacementSize < addressSize && signed !== BigInt.asIntN(bits, signed)) return false;
    for (let k = 0; k < displacementSize; k++) encoded.bytes[encoded.displacementAt + k] = Number((signed >> BigInt(8 * k)) & 0xffn);
    redecode(encoded, this.mode);
    return encoded.instruction.form === this.form.form;
  }
  /** Changes the last bytes of the instruction. */
  setImmediate(value: bigint, bytes: number): void {
    const { encoded } = this;
    for (let k = 0; k < bytes; k++) encoded.bytes[encoded.bytes.length - bytes + k] = Number((value >> BigInt(8 * k)) & 0xffn);
    redecode(encoded, this.mode);
  }

  // --- memory ---------------------------------------------------------------------------------------------------------------------

  /** Whether a case may set the byte. */
  canWrite(at: bigint): boolean {
    const place = locate(at);
    return place !== undefined && REGIONS[place.region]!.writable && !REGIONS[place.region]!.executable;
  }
  /** Lays a value down if all of it lies in writable data. @returns whether it does */
  write(at: bigint, value: bigint, size: number): boolean {
    if (!this.canWrite(at) || !this.canWrite(at + BigInt(size - 1))) return false;
    for (let done = 0; done < size; done += 8) {
      const bytes = Math.min(8, size - done);
      this.#memory.push({ at: at + BigInt(done), value: BigInt.asUintN(8 * bytes, value >> BigInt(8 * done)), size: bytes });
    }
    return true;
  }

  // --- the instruction ------------------------------------------------------------------------------------------------------------

  get memoryOperand(): number {
    const { instruction } = this.encoded;
    for (let k = 0; k < instruction.operandCount; k++) if (instruction.operandKind[k] === OperandKind.Memory) return k;
    return -1;
  }
  /** Width of the stack pointer in bytes. */
  get stackSize(): number {
    return this.mode === 64 ? 8 : segmentFacts(SEGMENT_SETS[this.mode][this.segments]!.ss).wide ? 4 : 2;
  }

  finish(repeats: boolean, follow: number): Case {
    const { encoded, at } = this;
    let code = follow ? Uint8Array.of(...encoded.bytes, 0x90) : encoded.bytes;
    // What would lie in a page that isn't there can't be written.
    const place = locate(at)!;
    const room = REGIONS[place.region]!.pages * PAGE - place.offset;
    if (code.length > room) code = code.slice(0, room);
    return {
      mode: this.mode, segments: this.segments, code, at, seed: this.seed, registers: this.#registers, flags: this.flags,
      memory: this.#memory, repeats, steps: 1, follow,
    };
  }
}
