/**
 * The x87 FPU's state as a view over a block of memory, so that compiled code and this unit share it. SDM vol. 1, 8.1
 * "x87 FPU Execution Environment".
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 8 x 16 | registers R0..R7, physical order: significand u64 (the MMX register), sign and exponent u16, 6 unused |
 * | 128 | u16 | control word |
 * | 130 | u16 | status word without TOP (bits 13:11 are zero here) |
 * | 132 | u8 | TOP |
 * | 133 | u8 | tags as FXSAVE abridges them: bit i set when physical register Ri is not empty |
 * | 134 | u16 | FOP: low 3 bits of the opcode's first byte, then ModRM |
 * | 136 | u64 | FIP |
 * | 144 | u64 | FDP |
 * | 152 | u16 | FCS |
 * | 154 | u16 | FDS |
 * | 156 | 4 | unused |
 * | 160 | 112 | memory operand of the instruction at hand; scratch, no part of the architectural state |
 */
import type { Float80 } from '../softfloat/float-format.js';

export const X87_REGISTERS = 0;
export const X87_REGISTER_STRIDE = 16;
export const X87_CONTROL = 128;
export const X87_STATUS = 130;
export const X87_TOP = 132;
export const X87_TAG = 133;
export const X87_FOP = 134;
export const X87_FIP = 136;
export const X87_FDP = 144;
export const X87_FCS = 152;
export const X87_FDS = 154;
export const X87_OPERAND = 160;
export const X87_OPERAND_SIZE = 112;
/** Bytes in the whole block. */
export const X87_STATE_SIZE = X87_OPERAND + X87_OPERAND_SIZE;

// Status word. SDM vol. 1, figure 8-4.
export const SW_SF = 0x0040; // stack fault
export const SW_ES = 0x0080; // error summary: an unmasked exception is pending
export const SW_C0 = 0x0100;
export const SW_C1 = 0x0200;
export const SW_C2 = 0x0400;
export const SW_C3 = 0x4000;
export const SW_B = 0x8000; // busy: a copy of ES
export const SW_EXCEPTIONS = 0x3f;
const SW_TOP_SHIFT = 11;
const SW_TOP = 7 << SW_TOP_SHIFT;

// Control word. SDM vol. 1, figure 8-6. Bit 6 reads as one; the others that are left out here read as zero.
export const CW_DEFAULT = 0x037f;
const CW_WRITABLE = 0x1f3f;
const CW_ALWAYS = 0x0040;

export class X87State {
  readonly #view: DataView;
  readonly #base: number;
  /** What a load hands in and a store hands out. */
  readonly operand: DataView;

  /** @param base of the block in the view's buffer; 8-byte aligned if compiled code is to use it */
  constructor(view: DataView, base = 0) {
    this.#view = view;
    this.#base = base;
    this.operand = new DataView(view.buffer, view.byteOffset + base + X87_OPERAND, X87_OPERAND_SIZE);
  }

  get control(): number {
    return this.#view.getUint16(this.#base + X87_CONTROL, true);
  }

  /** Also decides anew whether an exception is pending. */
  set control(value: number) {
    this.#view.setUint16(this.#base + X87_CONTROL, (value & CW_WRITABLE) | CW_ALWAYS, true);
    this.#summarize(this.statusFlags);
  }

  /** The status word without TOP. ES and B follow from the exception flags and their masks. */
  get statusFlags(): number {
    return this.#view.getUint16(this.#base + X87_STATUS, true);
  }

  set statusFlags(value: number) {
    this.#summarize(value);
  }

  #summarize(value: number): void {
    const pending = (value & ~this.control & SW_EXCEPTIONS) !== 0;
    const bits = (value & ~(SW_TOP | SW_ES | SW_B)) | (pending ? SW_ES | SW_B : 0);
    this.#view.setUint16(this.#base + X87_STATUS, bits, true);
  }

  /** The status word as FNSTSW stores it. */
  get status(): number {
    return this.statusFlags | (this.top << SW_TOP_SHIFT);
  }

  set status(value: number) {
    this.top = (value >> SW_TOP_SHIFT) & 7;
    this.statusFlags = value;
  }

  get pending(): boolean {
    return (this.statusFlags & SW_ES) !== 0;
  }

  get top(): number {
    return this.#view.getUint8(this.#base + X87_TOP);
  }

  set top(value: number) {
    this.#view.setUint8(this.#base + X87_TOP, value & 7);
  }

  /** Bit i: physical register Ri is not empty. */
  get tag(): number {
    return this.#view.getUint8(this.#base + X87_TAG);
  }

  set tag(value: number) {
    this.#view.setUint8(this.#base + X87_TAG, value);
  }

  get fop(): number {
    return this.#view.getUint16(this.#base + X87_FOP, true);
  }

  set fop(value: number) {
    this.#view.setUint16(this.#base + X87_FOP, value & 0x7ff, true);
  }

  get fip(): bigint {
    return this.#view.getBigUint64(this.#base + X87_FIP, true);
  }

  set fip(value: bigint) {
    this.#view.setBigUint64(this.#base + X87_FIP, value, true);
  }

  get fdp(): bigint {
    return this.#view.getBigUint64(this.#base + X87_FDP, true);
  }

  set fdp(value: bigint) {
    this.#view.setBigUint64(this.#base + X87_FDP, value, true);
  }

  get fcs(): number {
    return this.#view.getUint16(this.#base + X87_FCS, true);
  }

  set fcs(value: number) {
    this.#view.setUint16(this.#base + X87_FCS, value, true);
  }

  get fds(): number {
    return this.#view.getUint16(this.#base + X87_FDS, true);
  }

  set fds(value: number) {
    this.#view.setUint16(this.#base + X87_FDS, value, true);
  }

  readPhysical(register: number): Float80 {
    const at = this.#base + X87_REGISTERS + X87_REGISTER_STRIDE * (register & 7);
    return {
      significand: this.#view.getBigUint64(at, true),
      signExponent: this.#view.getUint16(at + 8, true),
    };
  }

  writePhysical(register: number, { signExponent, significand }: Float80): void {
    const at = this.#base + X87_REGISTERS + X87_REGISTER_STRIDE * (register & 7);
    this.#view.setBigUint64(at, significand, true);
    this.#view.setUint16(at + 8, signExponent, true);
  }

  /** Copies ST(i) to 16 bytes in memory, the upper 6 of which become zero; without BigInt, for task switches. */
  copyTo(i: number, into: DataView, at: number): void {
    const from = this.#base + X87_REGISTERS + X87_REGISTER_STRIDE * ((this.top + i) & 7);
    into.setUint32(at, this.#view.getUint32(from, true), true);
    into.setUint32(at + 4, this.#view.getUint32(from + 4, true), true);
    into.setUint32(at + 8, this.#view.getUint16(from + 8, true), true);
    into.setUint32(at + 12, 0, true);
  }

  /** Copies 10 bytes in memory to ST(i), whose tag stays. */
  copyFrom(i: number, from: DataView, at: number): void {
    const to = this.#base + X87_REGISTERS + X87_REGISTER_STRIDE * ((this.top + i) & 7);
    this.#view.setUint32(to, from.getUint32(at, true), true);
    this.#view.setUint32(to + 4, from.getUint32(at + 4, true), true);
    this.#view.setUint16(to + 8, from.getUint16(at + 8, true), true);
  }

  /** Whether all bits of a physical register are zero. */
  isZero(register: number): boolean {
    const at = this.#base + X87_REGISTERS + X87_REGISTER_STRIDE * register;
    const view = this.#view;
    return view.getUint32(at, true) === 0 && view.getUint32(at + 4, true) === 0 && view.getUint16(at + 8, true) === 0;
  }

  /** ST(i). */
  read(i: number): Float80 {
    return this.readPhysical(this.top + i);
  }

  /** Into ST(i), which is not empty afterwards. */
  write(i: number, value: Float80): void {
    const register = (this.top + i) & 7;
    this.writePhysical(register, value);
    this.tag |= 1 << register;
  }

  isEmpty(i: number): boolean {
    return ((this.tag >> ((this.top + i) & 7)) & 1) === 0;
  }

  free(i: number): void {
    this.tag &= ~(1 << ((this.top + i) & 7));
  }

  pop(): void {
    this.free(0);
    this.top = this.top + 1;
  }

  /** FNINIT. SDM vol. 2: the data registers keep their bits. */
  initialize(): void {
    this.top = 0;
    this.tag = 0;
    this.control = CW_DEFAULT;
    this.statusFlags = 0;
    this.clearPointers();
  }

  clearPointers(): void {
    this.fop = 0;
    this.fip = 0n;
    this.fdp = 0n;
    this.fcs = 0;
    this.fds = 0;
  }

  /** Power-up: SDM vol. 3, table 9-1: control 0040H, status 0, tags "zero" (not empty), registers +0. */
  powerUp(): void {
    for (let register = 0; register < 8; register++) this.writePhysical(register, { signExponent: 0, significand: 0n });
    this.top = 0;
    this.tag = 0xff;
    this.control = 0x0040;
    this.statusFlags = 0;
    this.clearPointers();
  }
}
