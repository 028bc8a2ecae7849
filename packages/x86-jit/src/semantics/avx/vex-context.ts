import type { Emitter, I32, I64, V128 } from '../../emit/emitter.js';
import type { Runtime } from '../../mmu/memory-access.js';
import type { Context, Half, Operand, Size, VectorHalves, VexSources } from '../context.js';
import type { Flags } from '../flags.js';

// How the definition of an SSE instruction serves its VEX form: it sees 128 bits, once or twice, of which the first source is what it
// takes for its destination. What it writes is handed to `commit`. SDM vol. 2, 2.3 and vol. 1, 14.1.2.

export interface VexForm {
  /** Has the VEX form a first source of its own? Then operands are numbered one higher than the SSE form's. */
  readonly threeOperands: boolean;
  /** Which 128 bits are computed. */
  readonly half: Half;
  /** The last source, where it was read before either half is computed. */
  readonly source?: V128;
  /** The mask operand of VBLENDV*, which is XMM0 for the SSE forms. */
  readonly mask?: number;
}

export class VexContext implements Context {
  readonly e: Emitter;
  readonly state: I32;
  readonly runtime: Runtime;
  readonly size: Size;
  readonly shape: string;
  readonly long: boolean;
  readonly flags: Flags;
  readonly vex: VexSources;
  readonly #shift: number;

  constructor(
    private readonly x: Context,
    private readonly form: VexForm,
    private readonly commit: (value: V128) => void,
  ) {
    this.e = x.e;
    this.state = x.state;
    this.runtime = x.runtime;
    this.size = x.size;
    this.long = x.long;
    this.flags = x.flags;
    this.#shift = form.threeOperands ? 1 : 0;
    const shape = x.shape.replaceAll('y', 'x');
    this.shape = form.threeOperands ? shape[0] + shape.slice(2) : shape;
    const { source } = form;
    this.vex = source
      ? {
          vector: () => source,
          low: (_, size) => source.lane64(0).unsigned(size),
          lowVector: () => source,
        }
      : {
          vector: (index) => x.vexVector(this.#read(index)),
          low: (index, size) => x.vexLow(this.#read(index), size),
          lowVector: (index, size) => x.vexLow(this.#read(index), size).splat(),
        };
  }

  /** The VEX form's number of an operand that is read. */
  #read(index: number): number {
    return index + this.#shift;
  }

  // --- vector registers -----------------------------------------------------------------------------------------------------------

  requireSse(): void {
    // `requireAvx` has been asked.
  }
  xmmOperand(index: number): V128 {
    return this.x.ymmOperand(this.#read(index), this.form.half);
  }
  setXmmOperand(index: number, value: V128): void {
    if (index !== 0) throw new Error(`SSE definition ${this.shape} writes operand ${index}`);
    this.commit(value);
  }
  xmmLow(index: number, size: Size): I64 {
    return this.form.half === 0 ? this.x.xmmLow(this.#read(index), size) : this.xmmOperand(index).lane64(0).unsigned(size);
  }
  xmm(number: number): V128 {
    return this.form.mask === undefined ? this.x.ymm(number, this.form.half) : this.x.ymmOperand(this.form.mask, this.form.half);
  }
  setXmm(number: number, value: V128): void {
    this.x.setYmm(number, 0, value);
    this.x.setYmm(number, 1, this.e.v128(new Uint8Array(16)));
  }
  requireAvx(): void {
    this.x.requireAvx();
  }
  wide(): I32 {
    return this.x.wide();
  }
  ymm(number: number, half: Half): V128 {
    return this.x.ymm(number, half);
  }
  setYmm(number: number, half: Half, value: V128): void {
    this.x.setYmm(number, half, value);
  }
  ymmOperand(index: number, half: Half): V128 {
    return this.x.ymmOperand(this.#read(index), half);
  }
  setYmmOperand(index: number, half: Half, value: V128): void {
    this.x.setYmmOperand(index, half, value);
  }
  vexLow(index: number, size: Size): I64 {
    return this.x.vexLow(this.#read(index), size);
  }
  vexVector(index: number): V128 {
    return this.x.vexVector(this.#read(index));
  }
  vexVectors(index: number): VectorHalves {
    return this.x.vexVectors(this.#read(index));
  }

  // --- the rest is the instruction's own --------------------------------------------------------------------------------------------

  operand(index: number): Operand {
    return this.x.operand(index === 0 ? 0 : this.#read(index));
  }
  setOperandSized(index: number, value: I64, size: Size): void {
    this.x.setOperandSized(index, value, size);
  }
  segmentSelector(index: number): I64 {
    return this.x.segmentSelector(index);
  }
  immediate(): I64 {
    return this.x.immediate();
  }
  gpr(number: number, size?: Size): I64 {
    return this.x.gpr(number, size);
  }
  gprUnsigned(number: number, size?: Size): I64 {
    return this.x.gprUnsigned(number, size);
  }
  setGpr(number: number, value: I64, size?: Size): void {
    this.x.setGpr(number, value, size);
  }
  offset(): I64 {
    return this.x.offset();
  }
  linear(size: Size, write: boolean): I64 {
    return this.x.linear(size, write);
  }
  linearOf(offset: I64, size: Size, write: boolean): I64 {
    return this.x.linearOf(offset, size, write);
  }
  linearIn(segment: I32, offset: I64, size: Size, write: boolean): I64 {
    return this.x.linearIn(segment, offset, size, write);
  }
  load(linear: I64, size: Size): I64 {
    return this.x.load(linear, size);
  }
  loadSigned(linear: I64, size: Size): I64 {
    return this.x.loadSigned(linear, size);
  }
  store(linear: I64, size: Size, value: I64): void {
    this.x.store(linear, size, value);
  }
  loadV128(linear: I64): V128 {
    return this.x.loadV128(linear);
  }
  storeV128(linear: I64, value: V128): void {
    this.x.storeV128(linear, value);
  }
  linearAfter(linear: I64, bytes: number): I64 {
    return this.x.linearAfter(linear, bytes);
  }
  prepareWrite(linear: I64, size: Size): void {
    this.x.prepareWrite(linear, size);
  }
  controlField(index: number): I32 {
    return this.x.controlField(index);
  }
  changesTranslations(): void {
    this.x.changesTranslations();
  }
  setAlignmentCheck(system: I32, cpl?: I32): void {
    this.x.setAlignmentCheck(system, cpl);
  }
  field(offset: number): I64 {
    return this.x.field(offset);
  }
  setField(offset: number, value: I64): void {
    this.x.setField(offset, value);
  }
  field32(offset: number): I32 {
    return this.x.field32(offset);
  }
  setField32(offset: number, value: I32): void {
    this.x.setField32(offset, value);
  }
  nextIp(): I64 {
    return this.x.nextIp();
  }
  jump(ip: I64): void {
    this.x.jump(ip);
  }
  jumpRelative(): void {
    this.x.jumpRelative();
  }
  checkRelative(): void {
    this.x.checkRelative();
  }
  exception(vector: number, code?: I32): void {
    this.x.exception(vector, code);
  }
  checkFault(): void {
    this.x.checkFault();
  }
  mayExit(condition: I32): void {
    this.x.mayExit(condition);
  }
  exit(code: number): void {
    this.x.exit(code);
  }
  setRip(ip: I64): void {
    this.x.setRip(ip);
  }
  exitAtRip(code: number): void {
    this.x.exitAtRip(code);
  }
  repeatIf(condition: I32): void {
    this.x.repeatIf(condition);
  }
  done(): void {
    this.x.done();
  }
  takeBudget(iterations: I64): void {
    this.x.takeBudget(iterations);
  }
  escapeOpcode(): I32 {
    return this.x.escapeOpcode();
  }
  instructionLength(): I64 {
    return this.x.instructionLength();
  }
  budget(): I32 {
    return this.x.budget();
  }
  recordFlags(): I32 {
    return this.x.recordFlags();
  }
  addressSize(): I32 {
    return this.x.addressSize();
  }
  segmentIndex(): I32 {
    return this.x.segmentIndex();
  }
  executeElsewhere(): void {
    this.x.executeElsewhere();
  }
}
