/** Reads what `golden/x87/x87-vectors.c` writes and says where the x87 unit differs from the processor. */
import type { Float80 } from '../../src/softfloat/float-format.js';
import { fullTagWord, loadEnvironment, loadRegisters } from '../../src/x87/x87-environment.js';
import type { X87Context } from '../../src/x87/x87-instruction.js';
import { X87_PENDING, X87_STORE, X87_STORE_AX, X87_STORE_FLAGS, X87_UNDEFINED } from '../../src/x87/x87-instruction.js';
import { executeX87, x87Operation, x87OperandSize } from '../../src/x87/x87-operation.js';
import { SW_C0, SW_C1, SW_C2, SW_C3, SW_ES, X87_STATE_SIZE, X87State } from '../../src/x87/x87-state.js';
import type { Generator } from './recorder.js';
import type { VectorFile } from './sse-vectors.js';
import { splitHeader } from './sse-vectors.js';

const IMAGE = 108;
const MEMORY = 112;
const RECORD = 20 + 2 * (IMAGE + MEMORY);
export const X87_GENERATOR: Generator = { source: 'x87-vectors.c', record: RECORD };

export interface X87Vector {
  readonly opcode: number;
  readonly modrm: number;
  readonly operandSize16: boolean;
  /** What the instruction raised at once, not what it left pending. */
  readonly trap: 'none' | '#MF' | '#UD';
  readonly eflags: number;
  readonly eflagsAfter: number;
  readonly ax: number;
  readonly axAfter: number;
  readonly image: DataView;
  readonly memory: Uint8Array;
  readonly imageAfter: DataView;
  readonly memoryAfter: Uint8Array;
}

export function readX87Vectors(bytes: Uint8Array): VectorFile<X87Vector> {
  const { lines, records } = splitHeader(bytes);
  const [magic, processor = ''] = lines;
  if (magic !== 'pckit-x87-vectors 1') throw new Error(`not x87 vectors: ${magic}`);
  const vectors: X87Vector[] = [];
  for (let at = 0; at + RECORD <= records.byteLength; at += RECORD) {
    const view = (offset: number, length: number): DataView =>
      new DataView(records.buffer, records.byteOffset + at + offset, length);
    const array = (offset: number): Uint8Array =>
      new Uint8Array(records.buffer, records.byteOffset + at + offset, MEMORY);
    vectors.push({
      opcode: records.getUint8(at),
      modrm: records.getUint8(at + 1),
      trap: (['none', '#MF', '#UD'] as const)[records.getUint8(at + 2)]!,
      operandSize16: records.getUint8(at + 3) !== 0,
      eflags: records.getUint32(at + 4, true),
      eflagsAfter: records.getUint32(at + 8, true),
      ax: records.getUint32(at + 12, true),
      axAfter: records.getUint32(at + 16, true),
      image: view(20, IMAGE),
      memory: array(20 + IMAGE),
      imageAfter: view(20 + IMAGE + MEMORY, IMAGE),
      memoryAfter: array(20 + 2 * IMAGE + MEMORY),
    });
  }
  return { processor, vectors };
}

const PROTECTED_32: X87Context = {
  eflags: 0,
  instructionPointer: 0x20000004n,
  codeSelector: 0x33,
  dataPointer: 0n,
  dataSelector: 0,
  operandSize16: false,
  realAddressMode: false,
};

export function stateOf(image: DataView): X87State {
  const state = new X87State(new DataView(new ArrayBuffer(X87_STATE_SIZE)));
  loadEnvironment(state, image, PROTECTED_32);
  loadRegisters(state, image, PROTECTED_32);
  return state;
}

const EFLAGS_COMPARED = 0x8d5;

function text({ signExponent, significand }: Float80): string {
  return `${signExponent.toString(16).padStart(4, '0')}:${significand.toString(16).padStart(16, '0')}`;
}

function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const TRANSCENDENTALS = new Set(['f2xm1', 'fyl2x', 'fyl2xp1', 'fptan', 'fpatan', 'fsin', 'fcos', 'fsincos']);

/** Steps between two values of one sign in the last place; infinite if not comparable. */
function lastPlaceDistance(a: Float80, b: Float80): number {
  const order = ({ signExponent, significand }: Float80): bigint => {
    const magnitude = (BigInt(signExponent & 0x7fff) << 63n) + (significand & 0x7fffffffffffffffn);
    return signExponent & 0x8000 ? -magnitude : magnitude;
  };
  const distance = Number(order(a) - order(b));
  return Math.abs(distance);
}

const CONDITIONS = SW_C0 | SW_C1 | SW_C2 | SW_C3;

/** UM of the control word: the exception is masked. */
const UNDERFLOW = 0x10;
/** The significand of the smallest number that isn't a denormal. */
const SMALLEST_NORMAL = 1n << 63n;

/**
 * Our model follows AMD's processors where the manuals leave a choice. On others these are not compared: the data
 * pointer, C1 where it is undefined or kept, condition codes that come with an unmasked exception, PE of exact FYL2X
 * and of undefined F2XM1, partial FPREM.
 */
interface Tolerance {
  readonly status: number;
  readonly pointers: boolean;
  readonly skip: boolean;
}

function toleranceOf(vector: X87Vector, name: string | undefined, processor: string): Tolerance {
  const approximate = name !== undefined && TRANSCENDENTALS.has(name);
  if (processor.startsWith('AMD')) return { status: approximate ? SW_C1 : 0, pointers: true, skip: false };
  const undefinedAlias = vector.opcode === 0xd9 && vector.modrm >= 0xd8 && vector.modrm < 0xe0;
  const { modrm, imageAfter } = vector;
  const statusAfter = imageAfter.getUint16(4, true);
  const trapPending = (statusAfter & SW_ES) !== 0;
  const partial = name?.startsWith('fprem') === true && (statusAfter & SW_C2) !== 0;
  // Intel's return a denormal that is scaled by zero as it is; AMD's trap on its underflow.
  const before = stateOf(vector.image);
  const scalesByZero = name === 'fscale' && (before.read(0).signExponent & 0x7fff) === 0 && (before.read(1).signExponent & 0x7fff) < 0x3fff;
  // So they do with the remainder by an infinity, and with the sine of what is about that small: that of the smallest normal number isn't smaller to them.
  const { signExponent, significand } = before.read(0);
  const tiny = (signExponent & 0x7fff) <= 1 && ((vector.image.getUint16(0, true) & UNDERFLOW) === 0 || significand === SMALLEST_NORMAL);
  const keepsTiny = tiny && (approximate || name?.startsWith('fprem') === true);
  const storesPointers = vector.memoryAfter.length > 0 && /^fn(stenv|save)$/.test(name ?? '');
  return {
    status:
      approximate || trapPending || name?.startsWith('fprem') === true || modrm >= 0xc0 ? CONDITIONS | 0x20 : SW_C1,
    pointers: false,
    skip: undefinedAlias || partial || scalesByZero || keepsTiny || storesPointers || (approximate && !isDefinedArgument(vector, name)),
  };
}

function isDefinedArgument({ image }: X87Vector, name: string): boolean {
  const exponent = (image.getUint16(36, true) & 0x7fff) - 16383;
  if (name === 'f2xm1') return exponent < 0;
  return name !== 'fyl2xp1' || exponent < -2;
}

/** What a vector's instruction did. */
export interface X87Result {
  readonly trap: X87Vector['trap'];
  readonly state: X87State;
  readonly memory: Uint8Array;
  readonly eflags: number;
  readonly ax: number;
}

/** Runs a vector on the x87 unit alone. */
function runDirectly(vector: X87Vector): X87Result {
  const { opcode, modrm, operandSize16 } = vector;
  const instruction = x87Operation(opcode, modrm);
  const state = stateOf(vector.image);
  const memory = vector.memory.slice();
  new Uint8Array(state.operand.buffer, state.operand.byteOffset, MEMORY).set(memory);
  const dataPointer = BigInt(vector.imageAfter.getUint32(20, true));
  const context: X87Context = { ...PROTECTED_32, eflags: vector.eflags, dataPointer, operandSize16 };
  const outcome = executeX87(state, opcode, modrm, context);

  let { eflags, ax } = vector;
  if (outcome === X87_STORE && instruction !== undefined) {
    const size = x87OperandSize(instruction, operandSize16);
    memory.set(new Uint8Array(state.operand.buffer, state.operand.byteOffset, size));
  } else if (outcome === X87_STORE_AX) {
    ax = (ax & ~0xffff) | state.operand.getUint16(0, true);
  } else if (outcome === X87_STORE_FLAGS) {
    eflags = (eflags & ~EFLAGS_COMPARED) | state.operand.getUint8(0);
  }
  const trap = outcome === X87_PENDING ? '#MF' : outcome === X87_UNDEFINED ? '#UD' : 'none';
  return { trap, state, memory, eflags, ax };
}

/**
 * @param processor its brand, from the vectors' header
 * @param run executes the vector; by default on the x87 unit alone
 * @returns undefined where they agree
 */
export function x87Mismatch(
  vector: X87Vector,
  processor: string,
  run: (vector: X87Vector) => X87Result = runDirectly,
): string | undefined {
  const { opcode, modrm } = vector;
  const instruction = x87Operation(opcode, modrm);
  const before = stateOf(vector.image);
  const expected = stateOf(vector.imageAfter);
  const { trap, state, memory, eflags, ax } = run(vector);

  const problems: string[] = [];
  const check = (what: string, ours: string | number, processors: string | number): void => {
    if (ours !== processors) {
      const show = (value: string | number): string => (typeof value === 'number' ? value.toString(16) : value);
      problems.push(`${what} ${show(ours)}, processor ${show(processors)}`);
    }
  };
  check('trap', trap, vector.trap);
  const tolerance = toleranceOf(vector, instruction?.name, processor);
  if (tolerance.skip) return undefined;
  const approximate = instruction !== undefined && TRANSCENDENTALS.has(instruction.name);
  const statusMask = ~tolerance.status;
  check('status', state.status & statusMask, vector.imageAfter.getUint16(4, true) & statusMask);
  check('control', state.control, vector.imageAfter.getUint16(0, true));
  check('tag', fullTagWord(state), vector.imageAfter.getUint16(8, true));
  if (vector.trap === 'none' && tolerance.pointers) {
    check('fop', state.fop, expected.fop);
    check('fip', state.fip.toString(16), expected.fip.toString(16));
    check('fcs', state.fcs, expected.fcs);
    check('fdp', state.fdp.toString(16), expected.fdp.toString(16));
    check('fds', state.fds, expected.fds);
  }
  for (let register = 0; register < 8; register++) {
    const ours = state.readPhysical(register);
    const processors = expected.readPhysical(register);
    if (approximate && lastPlaceDistance(ours, processors) <= 1) continue;
    check(`R${register}`, text(ours), text(processors));
  }
  check('memory', hexBytes(memory), hexBytes(vector.memoryAfter));
  check('ax', ax, vector.axAfter);
  check('eflags', eflags & EFLAGS_COMPARED, vector.eflagsAfter & EFLAGS_COMPARED);
  if (problems.length === 0) return undefined;
  const bytes = `${opcode.toString(16)} ${modrm.toString(16).padStart(2, '0')}`;
  const operands = `st0 ${text(before.read(0))} st1 ${text(before.read(1))} st(i) ${text(before.read(modrm & 7))}`;
  return (
    `${instruction?.name ?? '(none)'} [${bytes}] ${operands} memory ${hexBytes(vector.memory.subarray(0, 10))} ` +
    `control ${before.control.toString(16)} status ${before.status.toString(16)} tag ${before.tag.toString(
      2,
    )}: ${problems.join('; ')}`
  );
}
