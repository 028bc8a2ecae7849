import { ByteWriter } from './byte-writer.js';
import { Misc, Op, Simd, Type, type ValueType } from './opcodes.js';

/**
 * Code emission with named values instead of a stack: each operation pushes its operands, applies the opcode and keeps the result
 * in a fresh local. Optimising compilers see through the extra locals; in return a semantic function reads like the manual.
 */
export class Emitter {
  readonly code = new ByteWriter(1 << 12);
  #depth = 0;
  readonly #localTypes: ValueType[] = [];
  readonly #free = new Map<ValueType, number[]>();
  readonly #live: number[] = [];
  readonly #params: readonly ValueType[];
  /** The `local.set` that ends the code so far, if one does: pushing that local again makes it a `local.tee`. */
  #setAt = 0;
  #setEnd = -1;
  #setLocal = 0;

  constructor(params: readonly ValueType[]) {
    this.#params = params;
  }

  // --- locals -----------------------------------------------------------------------------------------------------------------

  paramI32(index: number): I32 {
    return new I32(this, index);
  }

  paramI64(index: number): I64 {
    return new I64(this, index);
  }

  allocate(type: ValueType): number {
    const free = this.#free.get(type);
    const local = free?.pop() ?? this.#params.length + this.#localTypes.push(type) - 1;
    this.#live.push(local);
    return local;
  }

  /** A local for good: `release` doesn't give it back. */
  reserve(type: ValueType): number {
    return this.#params.length + this.#localTypes.push(type) - 1;
  }

  /** Pops the operand stack into a local. */
  setLocal(local: number): void {
    this.#setAt = this.code.length;
    this.op1(Op.localSet, local);
    this.#setEnd = this.code.length;
    this.#setLocal = local;
  }
  getLocal(local: number): void {
    if (this.#setEnd === this.code.length && this.#setLocal === local) {
      this.code.bytes[this.#setAt] = Op.localTee;
      this.#setEnd = -1;
    } else this.op1(Op.localGet, local);
  }

  /** How many blocks are open. */
  get depth(): number {
    return this.#depth;
  }
  /** Takes back what was emitted since the code had this length and depth. */
  rewind(length: number, depth: number): void {
    this.code.length = length;
    this.#depth = depth;
    this.#setEnd = -1;
  }

  /** Locals allocated after a mark are given back by `release`; no value made since may be used afterwards. */
  mark(): number {
    return this.#live.length;
  }

  release(mark: number): void {
    while (this.#live.length > mark) {
      const local = this.#live.pop() as number;
      const type = this.#localTypes[local - this.#params.length] as ValueType;
      let free = this.#free.get(type);
      if (!free) this.#free.set(type, (free = []));
      free.push(local);
    }
  }

  /** Run-length declarations for the code section. */
  locals(): { count: number; type: ValueType }[] {
    const groups: { count: number; type: ValueType }[] = [];
    for (const type of this.#localTypes) {
      const last = groups.at(-1);
      if (last && last.type === type) last.count++;
      else groups.push({ count: 1, type });
    }
    return groups;
  }

  /** The present value of a local. */
  localI32(local: number): I32 {
    return new I32(this, local);
  }
  /** @param bits see `I64.bits` */
  localI64(local: number, bits = 0): I64 {
    return new I64(this, local, bits);
  }
  localV128(local: number): V128 {
    return new V128(this, local);
  }

  i32(value: number): I32 {
    return new I32(this, -1, value | 0);
  }

  /** A 64-bit constant by its halves. */
  i64Parts(low: number, high: number): I64 {
    return new I64(this, -1, low | 0, high | 0);
  }

  i64(value: number | bigint): I64 {
    if (typeof value === 'number' && value === (value | 0)) return new I64(this, -1, value, value >> 31);
    const wide = BigInt.asIntN(64, BigInt(value));
    return new I64(this, -1, Number(BigInt.asIntN(32, wide)), Number(wide >> 32n));
  }

  /** A mutable local. */
  variable<T extends Value>(initial: T): Variable<T> {
    const local = this.allocate(initial.type);
    initial.push();
    this.setLocal(local);
    return new Variable<T>(this, initial.type, local);
  }

  variableI64(): Variable<I64> {
    return new Variable<I64>(this, Type.i64, this.allocate(Type.i64));
  }

  variableI32(): Variable<I32> {
    return new Variable<I32>(this, Type.i32, this.allocate(Type.i32));
  }

  variableV128(): Variable<V128> {
    return new Variable<V128>(this, Type.v128, this.allocate(Type.v128));
  }

  /** Pops the operand stack into a fresh local. */
  popI32(): I32 {
    const local = this.allocate(Type.i32);
    this.setLocal(local);
    return new I32(this, local);
  }
  /** @param bits see `I64.bits`; 0: unknown */
  popI64(bits = 0): I64 {
    const local = this.allocate(Type.i64);
    this.setLocal(local);
    return new I64(this, local, bits);
  }
  popF32(): F32 {
    const local = this.allocate(Type.f32);
    this.setLocal(local);
    return new F32(this, local);
  }
  popF64(): F64 {
    const local = this.allocate(Type.f64);
    this.setLocal(local);
    return new F64(this, local);
  }
  popV128(): V128 {
    const local = this.allocate(Type.v128);
    this.setLocal(local);
    return new V128(this, local);
  }

  // --- raw --------------------------------------------------------------------------------------------------------------------

  op(opcode: number): void {
    this.code.u8(opcode);
  }
  op1(opcode: number, immediate: number): void {
    this.code.u8(opcode);
    this.code.u32(immediate);
  }
  simd(opcode: number): void {
    this.code.u8(Op.prefixSimd);
    this.code.u32(opcode);
  }

  // --- memory -----------------------------------------------------------------------------------------------------------------

  /** A load from host memory at `base + offset`; the alignment hint is 1. */
  #access(opcode: number, base: I32, offset: number): void {
    base.push();
    this.code.u8(opcode);
    this.code.u8(0);
    this.code.u32(offset);
  }
  loadI32(base: I32, offset = 0): I32 {
    this.#access(Op.i32Load, base, offset);
    return this.popI32();
  }
  loadI32U8(base: I32, offset = 0): I32 {
    this.#access(Op.i32Load8U, base, offset);
    return this.popI32();
  }
  loadI32U16(base: I32, offset = 0): I32 {
    this.#access(Op.i32Load16U, base, offset);
    return this.popI32();
  }
  loadI64(base: I32, offset = 0): I64 {
    this.#access(Op.i64Load, base, offset);
    return this.popI64();
  }
  /** @param bytes 1, 2, 4 or 8 */
  loadSigned(base: I32, offset: number, bytes: number): I64 {
    if (bytes === 8) return this.loadI64(base, offset);
    this.#access(bytes === 1 ? Op.i32Load8S : bytes === 2 ? Op.i32Load16S : Op.i32Load, base, offset);
    return new Extended(this, this.popI32(), true);
  }
  loadUnsigned(base: I32, offset: number, bytes: number): I64 {
    if (bytes === 8) return this.loadI64(base, offset);
    this.#access(bytes === 1 ? Op.i32Load8U : bytes === 2 ? Op.i32Load16U : Op.i32Load, base, offset);
    return new Extended(this, this.popI32(), false, 8 * bytes);
  }
  loadV128(base: I32, offset = 0): V128 {
    base.push();
    this.simd(Simd.v128Load);
    this.code.u8(0);
    this.code.u32(offset);
    return this.popV128();
  }
  loadF32(base: I32, offset = 0): F32 {
    this.#access(Op.f32Load, base, offset);
    return this.popF32();
  }
  loadF64(base: I32, offset = 0): F64 {
    this.#access(Op.f64Load, base, offset);
    return this.popF64();
  }

  #store(opcode: number, base: I32, offset: number, value: Value): void {
    base.push();
    value.push();
    this.code.u8(opcode);
    this.code.u8(0);
    this.code.u32(offset);
  }
  storeI32(base: I32, offset: number, value: I32): void {
    this.#store(Op.i32Store, base, offset, value);
  }
  storeI32x8(base: I32, offset: number, value: I32): void {
    this.#store(Op.i32Store8, base, offset, value);
  }
  storeI32x16(base: I32, offset: number, value: I32): void {
    this.#store(Op.i32Store16, base, offset, value);
  }
  /** Stores the low `bytes` bytes. */
  storeI64(base: I32, offset: number, value: I64, bytes = 8): void {
    const low = bytes === 8 ? undefined : value.low32();
    if (low) this.#store(bytes === 1 ? Op.i32Store8 : bytes === 2 ? Op.i32Store16 : Op.i32Store, base, offset, low);
    else this.#store(bytes === 1 ? Op.i64Store8 : bytes === 2 ? Op.i64Store16 : bytes === 4 ? Op.i64Store32 : Op.i64Store, base, offset, value);
  }
  storeV128(base: I32, offset: number, value: V128): void {
    base.push();
    value.push();
    this.simd(Simd.v128Store);
    this.code.u8(0);
    this.code.u32(offset);
  }
  storeF32(base: I32, offset: number, value: F32): void {
    this.#store(Op.f32Store, base, offset, value);
  }
  storeF64(base: I32, offset: number, value: F64): void {
    this.#store(Op.f64Store, base, offset, value);
  }
  memoryCopy(to: I32, from: I32, length: I32): void {
    to.push();
    from.push();
    length.push();
    this.op1(Op.prefixFC, Misc.memoryCopy);
    this.code.u8(0);
    this.code.u8(0);
  }
  memoryFill(to: I32, byte: I32, length: I32): void {
    to.push();
    byte.push();
    length.push();
    this.op1(Op.prefixFC, Misc.memoryFill);
    this.code.u8(0);
  }

  // --- control ----------------------------------------------------------------------------------------------------------------

  #open(opcode: number, type: number = Type.void): Label {
    this.code.u8(opcode);
    this.code.u8(type);
    return ++this.#depth;
  }
  #close(): void {
    this.code.u8(Op.end);
    this.#depth--;
  }
  /** @param type of the value that a branch to it carries */
  openBlock(type: number = Type.void): Label {
    return this.#open(Op.block, type);
  }
  openLoop(): Label {
    return this.#open(Op.loop);
  }
  closeBlock(): void {
    this.#close();
  }
  block(body: (label: Label) => void): void {
    const label = this.#open(Op.block);
    body(label);
    this.#close();
  }
  loop(body: (label: Label) => void): void {
    const label = this.#open(Op.loop);
    body(label);
    this.#close();
  }
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    if (condition.isConstant) {
      if (condition.low !== 0) then();
      else otherwise?.();
      return;
    }
    condition.push();
    this.#open(Op.if);
    then();
    if (otherwise) {
      this.code.u8(Op.else);
      otherwise();
    }
    this.#close();
  }
  /** An `if` with a value on both arms. */
  choose<T extends Value>(condition: I32, then: () => T, otherwise: () => T): T {
    const start = this.mark();
    void start;
    let variable: Variable<T> | undefined;
    this.if(
      condition,
      () => {
        const value = then();
        variable = new Variable<T>(this, value.type, this.allocate(value.type));
        variable.set(value);
      },
      () => (variable as Variable<T> | undefined)?.set(otherwise()),
    );
    return (variable as unknown as Variable<T>).get();
  }
  br(label: Label): void {
    this.op1(Op.br, this.#depth - label);
  }
  brIf(label: Label, condition: I32): void {
    if (condition.isConstant) {
      if (condition.low !== 0) this.br(label);
      return;
    }
    condition.push();
    this.op1(Op.brIf, this.#depth - label);
  }
  brTable(index: I32, labels: readonly Label[], fallback: Label): void {
    index.push();
    this.op1(Op.brTable, labels.length);
    for (const label of labels) this.code.u32(this.#depth - label);
    this.code.u32(this.#depth - fallback);
  }
  return(...values: Value[]): void {
    for (const value of values) value.push();
    this.op(Op.return);
  }
  unreachable(): void {
    this.op(Op.unreachable);
  }
  /** Calls a function; results are left on the stack for a `pop`. */
  call(functionIndex: number, ...args: Value[]): void {
    for (const arg of args) arg.push();
    this.op1(Op.call, functionIndex);
  }
  callI32(functionIndex: number, ...args: Value[]): I32 {
    this.call(functionIndex, ...args);
    return this.popI32();
  }
  callI64(functionIndex: number, ...args: Value[]): I64 {
    this.call(functionIndex, ...args);
    return this.popI64();
  }
  /** Calls through the module's table. @param type index of the signature */
  callIndirect(type: number, slot: I32, ...args: Value[]): I32 {
    for (const arg of args) arg.push();
    slot.push();
    this.op1(Op.callIndirect, type);
    this.code.u8(0);
    return this.popI32();
  }
  drop(): void {
    this.op(Op.drop);
  }

  // --- constants of vectors -------------------------------------------------------------------------------------------------------

  /** @param bytes 16 bytes, lane 0 first */
  v128(bytes: ArrayLike<number>): V128 {
    this.simd(Simd.v128Const);
    for (let i = 0; i < 16; i++) this.code.u8((bytes[i] as number) & 0xff);
    return this.popV128();
  }
  shuffle(a: V128, b: V128, lanes: ArrayLike<number>): V128 {
    a.push();
    b.push();
    this.simd(Simd.i8x16Shuffle);
    for (let i = 0; i < 16; i++) this.code.u8(lanes[i] as number);
    return this.popV128();
  }
}

/** The nesting depth at which a block was opened. */
export type Label = number;

/** An immutable value: a local that is written once, or a constant. */
export abstract class Value {
  abstract get type(): ValueType;

  // Declared and assigned: initialisers of class fields cost V8 more than all the rest of making a value.
  declare readonly e: Emitter;
  /** Negative for a constant. */
  declare readonly local: number;
  declare readonly low: number;
  declare readonly high: number;

  constructor(e: Emitter, local: number, low = 0, high = 0) {
    this.e = e;
    this.local = local;
    this.low = low;
    this.high = high;
  }

  get isConstant(): boolean {
    return this.local < 0;
  }

  /** Emits the value onto the operand stack. */
  push(): void {
    this.e.getLocal(this.local);
  }
}

export class Variable<T extends Value> {
  declare readonly e: Emitter;
  declare readonly type: ValueType;
  declare readonly local: number;

  constructor(e: Emitter, type: ValueType, local: number) {
    this.e = e;
    this.type = type;
    this.local = local;
  }

  /** The present value; it changes when the variable is set. */
  get(): T {
    return valueOf(this.e, this.type, this.local) as Value as T;
  }
  set(value: T): void {
    value.push();
    this.e.setLocal(this.local);
  }
}

function valueOf(e: Emitter, type: ValueType, local: number): I32 | I64 | F32 | F64 | V128 {
  switch (type) {
    case Type.i32: return new I32(e, local);
    case Type.i64: return new I64(e, local);
    case Type.f32: return new F32(e, local);
    case Type.f64: return new F64(e, local);
    default: return new V128(e, local);
  }
}

export class I32 extends Value {
  get type(): typeof Type.i32 {
    return Type.i32;
  }

  override push(): void {
    if (this.local >= 0) super.push();
    else {
      this.e.op(Op.i32Const);
      this.e.code.s32(this.low);
    }
  }
  #unary(opcode: number): I32 {
    if (this.isConstant && opcode === Op.i32Eqz) return this.e.i32(this.low === 0 ? 1 : 0);
    this.push();
    this.e.op(opcode);
    return this.e.popI32();
  }
  #binary(opcode: number, other: I32 | number): I32 {
    if (this.isConstant && (typeof other === 'number' || other.isConstant)) {
      const folded = fold32(opcode, this.low, typeof other === 'number' ? other | 0 : other.low);
      if (folded !== undefined) return this.e.i32(folded);
    }
    this.push();
    (typeof other === 'number' ? this.e.i32(other) : other).push();
    this.e.op(opcode);
    return this.e.popI32();
  }
  add(other: I32 | number): I32 { return this.#binary(Op.i32Add, other); }
  sub(other: I32 | number): I32 { return this.#binary(Op.i32Sub, other); }
  mul(other: I32 | number): I32 { return this.#binary(Op.i32Mul, other); }
  divU(other: I32 | number): I32 { return this.#binary(Op.i32DivU, other); }
  remU(other: I32 | number): I32 { return this.#binary(Op.i32RemU, other); }
  and(other: I32 | number): I32 { return this.#binary(Op.i32And, other); }
  or(other: I32 | number): I32 { return this.#binary(Op.i32Or, other); }
  xor(other: I32 | number): I32 { return this.#binary(Op.i32Xor, other); }
  shl(other: I32 | number): I32 { return this.#binary(Op.i32Shl, other); }
  shrS(other: I32 | number): I32 { return this.#binary(Op.i32ShrS, other); }
  shrU(other: I32 | number): I32 { return this.#binary(Op.i32ShrU, other); }
  rotl(other: I32 | number): I32 { return this.#binary(Op.i32Rotl, other); }
  rotr(other: I32 | number): I32 { return this.#binary(Op.i32Rotr, other); }
  eq(other: I32 | number): I32 { return this.#binary(Op.i32Eq, other); }
  ne(other: I32 | number): I32 { return this.#binary(Op.i32Ne, other); }
  ltS(other: I32 | number): I32 { return this.#binary(Op.i32LtS, other); }
  ltU(other: I32 | number): I32 { return this.#binary(Op.i32LtU, other); }
  gtS(other: I32 | number): I32 { return this.#binary(Op.i32GtS, other); }
  gtU(other: I32 | number): I32 { return this.#binary(Op.i32GtU, other); }
  leU(other: I32 | number): I32 { return this.#binary(Op.i32LeU, other); }
  geU(other: I32 | number): I32 { return this.#binary(Op.i32GeU, other); }
  leS(other: I32 | number): I32 { return this.#binary(Op.i32LeS, other); }
  geS(other: I32 | number): I32 { return this.#binary(Op.i32GeS, other); }
  eqz(): I32 { return this.#unary(Op.i32Eqz); }
  clz(): I32 { return this.#unary(Op.i32Clz); }
  ctz(): I32 { return this.#unary(Op.i32Ctz); }
  popcnt(): I32 { return this.#unary(Op.i32Popcnt); }
  extend8S(): I32 { return this.#unary(Op.i32Extend8S); }
  extend16S(): I32 { return this.#unary(Op.i32Extend16S); }
  toI64U(): I64 {
    if (this.isConstant) return this.e.i64Parts(this.low, 0);
    this.push();
    this.e.op(Op.i64ExtendI32U);
    return this.e.popI64(32);
  }
  toI64S(): I64 {
    if (this.isConstant) return this.e.i64Parts(this.low, this.low >> 31);
    this.push();
    this.e.op(Op.i64ExtendI32S);
    return this.e.popI64();
  }
  asF32(): F32 {
    this.push();
    this.e.op(Op.f32ReinterpretI32);
    return this.e.popF32();
  }
  toF32(): F32 {
    this.push();
    this.e.op(Op.f32ConvertI32S);
    return this.e.popF32();
  }
  toF64(): F64 {
    this.push();
    this.e.op(Op.f64ConvertI32S);
    return this.e.popF64();
  }
  /** `this ? a : b` */
  select<T extends Value>(a: T, b: T): T {
    if (this.isConstant) return this.low !== 0 ? a : b;
    if (a instanceof I64 && b instanceof I64) {
      const [x, y] = [a.signed32(), b.signed32()];
      if (x && y && !(a.isConstant && b.isConstant)) return new Extended(this.e, this.select(x, y), true) as Value as T;
    }
    a.push();
    b.push();
    this.push();
    if (a.type === Type.v128) {
      this.e.op1(0x1c, 1);
      this.e.op(Type.v128);
    } else this.e.op(Op.select);
    const local = this.e.allocate(a.type);
    this.e.setLocal(local);
    return new Variable<T>(this.e, a.type, local).get();
  }
  splat(opcode: number): V128 {
    this.push();
    this.e.simd(opcode);
    return this.e.popV128();
  }
}

/** What is known of a result from the operands' bits. */
function resultBits(opcode: number, a: I64, b: I64): number {
  switch (opcode) {
    case Op.i64And: return Math.min(a.bits, b.bits);
    case Op.i64Or: case Op.i64Xor: return Math.max(a.bits, b.bits);
    case Op.i64ShrU: return b.isConstant ? Math.max(a.bits - (b.low & 63), 1) : a.bits;
    default: return 0;
  }
}

export class I64 extends Value {
  get type(): typeof Type.i64 {
    return Type.i64;
  }

  override push(): void {
    if (this.local >= 0) super.push();
    else {
      this.e.op(Op.i64Const);
      this.e.code.s64(this.low, this.high);
    }
  }
  #unary(opcode: number): I64 {
    this.push();
    this.e.op(opcode);
    return this.e.popI64();
  }
  /** Of a constant. */
  get bigint(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
  }
  #operand(other: I64 | number | bigint): I64 {
    return other instanceof I64 ? other : this.e.i64(other);
  }
  #binary(opcode: number, value: I64 | number | bigint): I64 {
    const other = this.#operand(value);
    if (this.isConstant && other.isConstant) {
      const folded = fold64(opcode, this.bigint, other.bigint);
      if (folded !== undefined) return this.e.i64(folded);
    } else if ((this.isConstant || this instanceof Narrow) && (other.isConstant || other instanceof Narrow)) {
      const narrow = narrowed(opcode, this, other);
      if (narrow) return narrow;
    }
    this.push();
    other.push();
    this.e.op(opcode);
    return this.e.popI64(resultBits(opcode, this, other));
  }
  /** It is less than 2 to this power, as an unsigned number. Of a value that isn't constant `low` holds it, or 0. */
  get bits(): number {
    if (!this.isConstant) return this.low === 0 ? 64 : this.low;
    return this.high === 0 ? 32 - Math.clz32(this.low) : 64 - Math.clz32(this.high);
  }
  #compare(opcode: number, value: I64 | number | bigint): I32 {
    const other = this.#operand(value);
    if (this.isConstant && other.isConstant) {
      const folded = compare64(opcode, this.bigint, other.bigint);
      if (folded !== undefined) return this.e.i32(folded ? 1 : 0);
    } else if (this instanceof Narrow || other instanceof Narrow) {
      const narrow = comparedAsI32(opcode, this, other);
      if (narrow) return narrow;
    }
    this.push();
    other.push();
    this.e.op(opcode);
    return this.e.popI32();
  }
  add(other: I64 | number | bigint): I64 { return this.#binary(Op.i64Add, other); }
  sub(other: I64 | number | bigint): I64 { return this.#binary(Op.i64Sub, other); }
  mul(other: I64 | number | bigint): I64 { return this.#binary(Op.i64Mul, other); }
  divS(other: I64 | number | bigint): I64 { return this.#binary(Op.i64DivS, other); }
  divU(other: I64 | number | bigint): I64 { return this.#binary(Op.i64DivU, other); }
  remS(other: I64 | number | bigint): I64 { return this.#binary(Op.i64RemS, other); }
  remU(other: I64 | number | bigint): I64 { return this.#binary(Op.i64RemU, other); }
  and(other: I64 | number | bigint): I64 { return this.#binary(Op.i64And, other); }
  or(other: I64 | number | bigint): I64 { return this.#binary(Op.i64Or, other); }
  xor(other: I64 | number | bigint): I64 { return this.#binary(Op.i64Xor, other); }
  shl(other: I64 | number | bigint): I64 { return this.#binary(Op.i64Shl, other); }
  shrS(other: I64 | number | bigint): I64 { return this.#binary(Op.i64ShrS, other); }
  shrU(other: I64 | number | bigint): I64 { return this.#binary(Op.i64ShrU, other); }
  rotl(other: I64 | number | bigint): I64 { return this.#binary(Op.i64Rotl, other); }
  rotr(other: I64 | number | bigint): I64 { return this.#binary(Op.i64Rotr, other); }
  not(): I64 { return this.#binary(Op.i64Xor, -1); }
  neg(): I64 { return this.e.i64(0).sub(this); }
  eq(other: I64 | number | bigint): I32 { return this.#compare(Op.i64Eq, other); }
  ne(other: I64 | number | bigint): I32 { return this.#compare(Op.i64Ne, other); }
  ltS(other: I64 | number | bigint): I32 { return this.#compare(Op.i64LtS, other); }
  ltU(other: I64 | number | bigint): I32 { return this.#compare(Op.i64LtU, other); }
  gtS(other: I64 | number | bigint): I32 { return this.#compare(Op.i64GtS, other); }
  gtU(other: I64 | number | bigint): I32 { return this.#compare(Op.i64GtU, other); }
  leS(other: I64 | number | bigint): I32 { return this.#compare(Op.i64LeS, other); }
  leU(other: I64 | number | bigint): I32 { return this.#compare(Op.i64LeU, other); }
  geS(other: I64 | number | bigint): I32 { return this.#compare(Op.i64GeS, other); }
  geU(other: I64 | number | bigint): I32 { return this.#compare(Op.i64GeU, other); }
  eqz(): I32 {
    if (this.isConstant) return this.e.i32((this.low | this.high) === 0 ? 1 : 0);
    const half = this.signed32() ?? this.unsigned32();
    if (half) return half.eqz();
    this.push();
    this.e.op(Op.i64Eqz);
    return this.e.popI32();
  }
  /** Rotation of the low `bytes` bytes, 4 or 8, in these. */
  rotatedLeft(bytes: 4 | 8, count: I64): I64 {
    return bytes === 8 ? this.rotl(count) : new Extended(this.e, this.wrap().rotl(count.wrap()), true);
  }
  rotatedRight(bytes: 4 | 8, count: I64): I64 {
    return bytes === 8 ? this.rotr(count) : new Extended(this.e, this.wrap().rotr(count.wrap()), true);
  }
  clz(): I64 { return this.#unary(Op.i64Clz); }
  ctz(): I64 { return this.#unary(Op.i64Ctz); }
  popcnt(): I64 { return this.#unary(Op.i64Popcnt); }
  wrap(): I32 {
    const low = this.low32();
    if (low) return low;
    this.push();
    this.e.op(Op.i32WrapI64);
    return this.e.popI32();
  }
  /** The low half, where it takes no 64-bit operation to get it. */
  low32(): I32 | undefined {
    return this.isConstant ? this.e.i32(this.low) : undefined;
  }
  /** What this is the sign extension of, where that is known. */
  signed32(): I32 | undefined {
    return this.isConstant && this.high === this.low >> 31 ? this.e.i32(this.low) : undefined;
  }
  /** What this is the zero extension of, where that is known. */
  unsigned32(): I32 | undefined {
    return this.isConstant && this.high === 0 ? this.e.i32(this.low) : undefined;
  }
  /** This, of which the caller knows that it is the sign extension of its low half. */
  asSigned32(): I64 {
    return this.isConstant ? this : new Extended(this.e, this.wrap(), true);
  }
  /** The low `bytes` bytes sign-extended. */
  signed(bytes: number): I64 {
    if (this.isConstant) return this.e.i64(BigInt.asIntN(8 * bytes, this.bigint));
    if (bytes === 8) return this;
    if (this.bits < 8 * bytes) return this instanceof Narrow ? this : new Extended(this.e, this.wrap(), false, this.bits);
    const low = this.wrap();
    return new Extended(this.e, bytes === 4 ? low : bytes === 2 ? low.extend16S() : low.extend8S(), true);
  }
  /** The low `bytes` bytes zero-extended. */
  unsigned(bytes: number): I64 {
    if (this.bits <= 8 * bytes) return this;
    if (this.isConstant) return this.and(bytes === 1 ? 0xff : bytes === 2 ? 0xffff : 0xffffffff);
    const low = this.wrap();
    return new Extended(this.e, bytes === 4 ? low : low.and(bytes === 2 ? 0xffff : 0xff), false, 8 * bytes);
  }
  asF64(): F64 {
    this.push();
    this.e.op(Op.f64ReinterpretI64);
    return this.e.popF64();
  }
  toF64(): F64 {
    this.push();
    this.e.op(Op.f64ConvertI64S);
    return this.e.popF64();
  }
  toF64U(): F64 {
    this.push();
    this.e.op(Op.f64ConvertI64U);
    return this.e.popF64();
  }
  toF32(): F32 {
    this.push();
    this.e.op(Op.f32ConvertI64S);
    return this.e.popF32();
  }
  splat(): V128 {
    this.push();
    this.e.simd(Simd.i64x2Splat);
    return this.e.popV128();
  }
}

/** In place of a local: the value is made of others wherever it is pushed. */
const NO_LOCAL = 0x7fffffff;

/**
 * A 64-bit value whose low half is there as 32 bits. Operations whose result's low half depends on the operands' low halves alone are done with 32 bits where
 * no more is asked for, and processors and V8 do those better. It is made of values that don't change, so that it may be pushed anywhere.
 */
abstract class Narrow extends I64 {
  constructor(e: Emitter, bits: number) {
    super(e, NO_LOCAL, bits);
  }
  abstract override push(): void;
  abstract override low32(): I32;
}

class Extended extends Narrow {
  declare readonly half: I32;
  declare readonly isSigned: boolean;

  /** @param bits of a zero extension, see `I64.bits` */
  constructor(e: Emitter, half: I32, isSigned: boolean, bits = isSigned ? 0 : 32) {
    super(e, bits);
    this.half = half;
    this.isSigned = isSigned;
  }
  override push(): void {
    this.half.push();
    this.e.op(this.isSigned ? Op.i64ExtendI32S : Op.i64ExtendI32U);
  }
  override low32(): I32 {
    return this.half;
  }
  override signed32(): I32 | undefined {
    return this.isSigned || this.bits < 32 ? this.half : undefined;
  }
  override unsigned32(): I32 | undefined {
    return this.isSigned ? undefined : this.half;
  }
}

/** An operation of 64 bits, which isn't done before it is asked for. */
class Delayed extends Narrow {
  declare readonly opcode: number;
  declare readonly a: I64;
  declare readonly b: I64;

  constructor(e: Emitter, opcode: number, a: I64, b: I64) {
    super(e, 0);
    this.opcode = opcode;
    this.a = a;
    this.b = b;
  }
  override push(): void {
    this.a.push();
    this.b.push();
    this.e.op(this.opcode);
  }
  override low32(): I32 {
    const [a, b] = [this.a.low32() as I32, this.b.low32() as I32];
    switch (this.opcode) {
      case Op.i64Add: return a.add(b);
      case Op.i64Sub: return a.sub(b);
      case Op.i64Mul: return a.mul(b);
      default: return a.shl(b);
    }
  }
}

/** @param b neither is plain, nor are both constant */
function narrowed(opcode: number, a: I64, b: I64): I64 | undefined {
  const { e } = a;
  switch (opcode) {
    case Op.i64Add: case Op.i64Sub: case Op.i64Mul:
      return new Delayed(e, opcode, a, b);
    case Op.i64Shl:
      return b.bits <= 5 ? new Delayed(e, opcode, a, b) : undefined;
    case Op.i64ShrS: case Op.i64ShrU: {
      if (b.bits > 5) return undefined;
      const count = b.low32() as I32;
      const unsigned = a.unsigned32();
      if (unsigned) return new Extended(e, unsigned.shrU(count), false, resultBits(Op.i64ShrU, a, b));
      const signed = opcode === Op.i64ShrS ? a.signed32() : undefined;
      return signed && new Extended(e, signed.shrS(count), true);
    }
    case Op.i64And: case Op.i64Or: case Op.i64Xor: {
      const [u, v] = [a.unsigned32(), b.unsigned32()];
      // Zeros at the top of either are the result's.
      if (opcode === Op.i64And && (u ?? v)) return new Extended(e, (a.low32() as I32).and(b.low32() as I32), false, Math.min(a.bits, b.bits));
      if (u && v) return new Extended(e, logic32(opcode, u, v), false, Math.max(a.bits, b.bits));
      const [x, y] = [a.signed32(), b.signed32()];
      return x && y && new Extended(e, logic32(opcode, x, y), true);
    }
    default:
      return undefined;
  }
}
function logic32(opcode: number, a: I32, b: I32): I32 {
  return opcode === Op.i64And ? a.and(b) : opcode === Op.i64Or ? a.or(b) : a.xor(b);
}

/** Sign extension keeps both orders, zero extension makes both that of unsigned numbers. */
function comparedAsI32(opcode: number, a: I64, b: I64): I32 | undefined {
  let [x, y] = [a.signed32(), b.signed32()];
  const signed = x !== undefined && y !== undefined;
  if (!signed) [x, y] = [a.unsigned32(), b.unsigned32()];
  if (!x || !y) return undefined;
  switch (opcode) {
    case Op.i64Eq: return x.eq(y);
    case Op.i64Ne: return x.ne(y);
    case Op.i64LtU: return x.ltU(y);
    case Op.i64GtU: return x.gtU(y);
    case Op.i64LeU: return x.leU(y);
    case Op.i64GeU: return x.geU(y);
    case Op.i64LtS: return signed ? x.ltS(y) : x.ltU(y);
    case Op.i64GtS: return signed ? x.gtS(y) : x.gtU(y);
    case Op.i64LeS: return signed ? x.leS(y) : x.leU(y);
    case Op.i64GeS: return signed ? x.geS(y) : x.geU(y);
    default: return undefined;
  }
}

/** The value of an operation on constants; undefined: not one that is worth it. */
function fold32(opcode: number, a: number, b: number): number | undefined {
  switch (opcode) {
    case Op.i32Add: return a + b;
    case Op.i32Sub: return a - b;
    case Op.i32And: return a & b;
    case Op.i32Or: return a | b;
    case Op.i32Xor: return a ^ b;
    case Op.i32Shl: return a << b;
    case Op.i32ShrU: return a >>> b;
    case Op.i32Eq: return a === b ? 1 : 0;
    case Op.i32Ne: return a !== b ? 1 : 0;
    default: return undefined;
  }
}
function fold64(opcode: number, a: bigint, b: bigint): bigint | undefined {
  switch (opcode) {
    case Op.i64Add: return a + b;
    case Op.i64Sub: return a - b;
    case Op.i64Mul: return a * b;
    case Op.i64And: return a & b;
    case Op.i64Or: return a | b;
    case Op.i64Xor: return a ^ b;
    case Op.i64Shl: return a << (b & 63n);
    case Op.i64ShrU: return BigInt.asUintN(64, a) >> (b & 63n);
    case Op.i64ShrS: return BigInt.asIntN(64, a) >> (b & 63n);
    default: return undefined;
  }
}
function compare64(opcode: number, a: bigint, b: bigint): boolean | undefined {
  const [ua, ub] = [BigInt.asUintN(64, a), BigInt.asUintN(64, b)];
  switch (opcode) {
    case Op.i64Eq: return a === b;
    case Op.i64Ne: return a !== b;
    case Op.i64LtS: return a < b;
    case Op.i64GtS: return a > b;
    case Op.i64LtU: return ua < ub;
    case Op.i64GtU: return ua > ub;
    case Op.i64LeU: return ua <= ub;
    case Op.i64GeU: return ua >= ub;
    default: return undefined;
  }
}

export class F32 extends Value {
  get type(): typeof Type.f32 {
    return Type.f32;
  }
  unary(opcode: number): F32 {
    this.push();
    this.e.op(opcode);
    return this.e.popF32();
  }
  binary(opcode: number, other: F32): F32 {
    this.push();
    other.push();
    this.e.op(opcode);
    return this.e.popF32();
  }
  compare(opcode: number, other: F32): I32 {
    this.push();
    other.push();
    this.e.op(opcode);
    return this.e.popI32();
  }
  bits(): I32 {
    this.push();
    this.e.op(Op.i32ReinterpretF32);
    return this.e.popI32();
  }
  promote(): F64 {
    this.push();
    this.e.op(Op.f64PromoteF32);
    return this.e.popF64();
  }
}

export class F64 extends Value {
  get type(): typeof Type.f64 {
    return Type.f64;
  }
  override push(): void {
    super.push();
  }
  unary(opcode: number): F64 {
    this.push();
    this.e.op(opcode);
    return this.e.popF64();
  }
  binary(opcode: number, other: F64): F64 {
    this.push();
    other.push();
    this.e.op(opcode);
    return this.e.popF64();
  }
  compare(opcode: number, other: F64): I32 {
    this.push();
    other.push();
    this.e.op(opcode);
    return this.e.popI32();
  }
  bits(): I64 {
    this.push();
    this.e.op(Op.i64ReinterpretF64);
    return this.e.popI64();
  }
  demote(): F32 {
    this.push();
    this.e.op(Op.f32DemoteF64);
    return this.e.popF32();
  }
  truncSatI64(): I64 {
    this.push();
    this.e.op1(Op.prefixFC, Misc.i64TruncSatF64S);
    return this.e.popI64();
  }
}

export class V128 extends Value {
  get type(): typeof Type.v128 {
    return Type.v128;
  }
  /** @param opcode one of `Simd` */
  unary(opcode: number): V128 {
    this.push();
    this.e.simd(opcode);
    return this.e.popV128();
  }
  binary(opcode: number, other: V128): V128 {
    this.push();
    other.push();
    this.e.simd(opcode);
    return this.e.popV128();
  }
  /** Vector shifts and other operations with a scalar second operand. */
  shift(opcode: number, count: I32): V128 {
    this.push();
    count.push();
    this.e.simd(opcode);
    return this.e.popV128();
  }
  bitselect(ifClear: V128, mask: V128): V128 {
    this.push();
    ifClear.push();
    mask.push();
    this.e.simd(Simd.v128Bitselect);
    return this.e.popV128();
  }
  /** A test or extraction that gives an i32 (`AnyTrue`, `AllTrue`, `Bitmask`). */
  reduce(opcode: number): I32 {
    this.push();
    this.e.simd(opcode);
    return this.e.popI32();
  }
  lane32(lane: number): I32 {
    this.push();
    this.e.simd(Simd.i32x4ExtractLane);
    this.e.code.u8(lane);
    return this.e.popI32();
  }
  lane16U(lane: number): I32 {
    this.push();
    this.e.simd(Simd.i16x8ExtractLaneU);
    this.e.code.u8(lane);
    return this.e.popI32();
  }
  lane8U(lane: number): I32 {
    this.push();
    this.e.simd(Simd.i8x16ExtractLaneU);
    this.e.code.u8(lane);
    return this.e.popI32();
  }
  lane64(lane: number): I64 {
    this.push();
    this.e.simd(Simd.i64x2ExtractLane);
    this.e.code.u8(lane);
    return this.e.popI64();
  }
  laneF32(lane: number): F32 {
    this.push();
    this.e.simd(Simd.f32x4ExtractLane);
    this.e.code.u8(lane);
    return this.e.popF32();
  }
  laneF64(lane: number): F64 {
    this.push();
    this.e.simd(Simd.f64x2ExtractLane);
    this.e.code.u8(lane);
    return this.e.popF64();
  }
  /** @param opcode a `...ReplaceLane` of `Simd` */
  replace(opcode: number, lane: number, value: Value): V128 {
    this.push();
    value.push();
    this.e.simd(opcode);
    this.e.code.u8(lane);
    return this.e.popV128();
  }
}
