import { littleEndian } from './hex.js';

/** What an agent expression may look at. */
export interface AgentContext {
  /** @returns undefined for a register that isn't there */
  register(number: number): bigint | undefined;
  /** @returns fewer bytes than asked for where memory is not readable */
  memory(address: bigint, length: number): Uint8Array;
  /** Output of `printf`. */
  print(text: string): void;
}

export class AgentError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AgentError';
  }
}

/** GDB manual, appendix F.2 "Bytecode Descriptions". */
const Op = {
  add: 0x02, sub: 0x03, mul: 0x04, divSigned: 0x05, divUnsigned: 0x06, remSigned: 0x07, remUnsigned: 0x08, lsh: 0x09, rshSigned: 0x0a, rshUnsigned: 0x0b,
  trace: 0x0c, traceQuick: 0x0d, logNot: 0x0e, bitAnd: 0x0f, bitOr: 0x10, bitXor: 0x11, bitNot: 0x12, equal: 0x13, lessSigned: 0x14, lessUnsigned: 0x15,
  ext: 0x16, ref8: 0x17, ref16: 0x18, ref32: 0x19, ref64: 0x1a, ifGoto: 0x20, goto: 0x21, const8: 0x22, const16: 0x23, const32: 0x24, const64: 0x25,
  reg: 0x26, end: 0x27, dup: 0x28, pop: 0x29, zeroExt: 0x2a, swap: 0x2b, pick: 0x32, rot: 0x33, printf: 0x34,
} as const;

const STACK_LIMIT = 100;
/** A condition is asked at every hit: one that loops must end. */
const STEP_LIMIT = 10_000;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);

/**
 * Evaluates an agent expression: the stack machine in which GDB hands over breakpoint conditions and commands. Floating point, tracing and trace state
 * variables are for tracepoints, which are not implemented.
 *
 * @returns what is on top of the stack at the end, unsigned; 0 for an empty one
 */
export function evaluateAgentExpression(code: Uint8Array, context: AgentContext): bigint {
  const stack: bigint[] = [];
  let pc = 0;
  const byte = (): number => {
    if (pc >= code.length) throw new AgentError('the expression has no end');
    return code[pc++];
  };
  const operand = (bytes: number): bigint => {
    let value = 0n;
    for (let i = 0; i < bytes; i++) value = (value << 8n) | BigInt(byte());
    return value;
  };
  const pop = (): bigint => {
    const value = stack.pop();
    if (value === undefined) throw new AgentError('the stack is empty');
    return value;
  };
  const push = (value: bigint): void => {
    if (stack.length >= STACK_LIMIT) throw new AgentError('the stack is full');
    stack.push(u64(value));
  };
  const binary = (body: (a: bigint, b: bigint) => bigint): void => {
    const b = pop();
    push(body(pop(), b));
  };
  const divisor = (b: bigint): bigint => {
    if (b === 0n) throw new AgentError('division by zero');
    return b;
  };
  const load = (bytes: number): void => {
    const address = pop();
    const value = context.memory(address, bytes);
    if (value.length < bytes) throw new AgentError(`memory at 0x${address.toString(16)} can't be read`);
    push(littleEndian(value));
  };

  for (let steps = 0; ; steps++) {
    if (steps >= STEP_LIMIT) throw new AgentError(`more than ${STEP_LIMIT} steps`);
    const op = byte();
    switch (op) {
      case Op.add: binary((a, b) => a + b); break;
      case Op.sub: binary((a, b) => a - b); break;
      case Op.mul: binary((a, b) => a * b); break;
      case Op.divSigned: binary((a, b) => s64(a) / s64(divisor(b))); break;
      case Op.divUnsigned: binary((a, b) => a / divisor(b)); break;
      case Op.remSigned: binary((a, b) => s64(a) % s64(divisor(b))); break;
      case Op.remUnsigned: binary((a, b) => a % divisor(b)); break;
      case Op.lsh: binary((a, b) => (b > 63n ? 0n : a << b)); break;
      case Op.rshSigned: binary((a, b) => s64(a) >> (b > 63n ? 63n : b)); break;
      case Op.rshUnsigned: binary((a, b) => (b > 63n ? 0n : a >> b)); break;
      case Op.logNot: push(pop() === 0n ? 1n : 0n); break;
      case Op.bitAnd: binary((a, b) => a & b); break;
      case Op.bitOr: binary((a, b) => a | b); break;
      case Op.bitXor: binary((a, b) => a ^ b); break;
      case Op.bitNot: push(~pop()); break;
      case Op.equal: binary((a, b) => (a === b ? 1n : 0n)); break;
      case Op.lessSigned: binary((a, b) => (s64(a) < s64(b) ? 1n : 0n)); break;
      case Op.lessUnsigned: binary((a, b) => (a < b ? 1n : 0n)); break;
      case Op.ext: {
        const bits = byte();
        push(BigInt.asIntN(Math.min(bits, 64), pop()));
        break;
      }
      case Op.zeroExt: {
        const bits = byte();
        push(BigInt.asUintN(Math.min(bits, 64), pop()));
        break;
      }
      case Op.ref8: load(1); break;
      case Op.ref16: load(2); break;
      case Op.ref32: load(4); break;
      case Op.ref64: load(8); break;
      case Op.ifGoto: {
        const target = Number(operand(2));
        if (pop() !== 0n) pc = target;
        break;
      }
      case Op.goto: pc = Number(operand(2)); break;
      case Op.const8: push(operand(1)); break;
      case Op.const16: push(operand(2)); break;
      case Op.const32: push(operand(4)); break;
      case Op.const64: push(operand(8)); break;
      case Op.reg: {
        const number = Number(operand(2));
        const value = context.register(number);
        if (value === undefined) throw new AgentError(`register ${number} can't be read`);
        push(value);
        break;
      }
      case Op.end: return stack.at(-1) ?? 0n;
      case Op.dup: {
        const value = pop();
        push(value);
        push(value);
        break;
      }
      case Op.pop: pop(); break;
      case Op.swap: {
        const b = pop();
        const a = pop();
        push(b);
        push(a);
        break;
      }
      case Op.pick: {
        const value = stack.at(-1 - byte());
        if (value === undefined) throw new AgentError('the stack is too short');
        push(value);
        break;
      }
      case Op.rot: {
        const c = pop();
        const b = pop();
        const a = pop();
        push(c);
        push(a);
        push(b);
        break;
      }
      case Op.printf: {
        const count = byte();
        const length = Number(operand(2));
        if (length === 0 || pc + length > code.length) throw new AgentError('the format has no end');
        const format = new TextDecoder().decode(code.subarray(pc, pc + length - 1));
        pc += length;
        // Function and channel, which are a target's own business.
        pop();
        pop();
        const values: bigint[] = [];
        for (let i = 0; i < count; i++) values.push(pop());
        context.print(formatText(format, values, context));
        break;
      }
      default:
        throw new AgentError(`bytecode 0x${op.toString(16)} is not implemented`);
    }
  }
}

const LONGEST_STRING = 4096;

/** printf's conversions of integers, characters, pointers and strings in the target's memory. */
function formatText(format: string, values: readonly bigint[], context: AgentContext): string {
  let next = 0;
  return format.replace(/%(-?)(0?)(\d{0,3})(hh|h|ll|l|z|j|t)?([diuxXocps%])/g, (_, left: string, zero: string, width: string, size: string | undefined, kind: string) => {
    if (kind === '%') return '%';
    const value = values[next++] ?? 0n;
    const bits = size === undefined ? 32 : size === 'hh' ? 8 : size === 'h' ? 16 : 64;
    const text = conversion(kind, value, bits, context);
    return left === '-' ? text.padEnd(Number(width)) : text.padStart(Number(width), zero === '0' ? '0' : ' ');
  });
}

function conversion(kind: string, value: bigint, bits: number, context: AgentContext): string {
  switch (kind) {
    case 'd': case 'i': return BigInt.asIntN(bits, value).toString();
    case 'u': return BigInt.asUintN(bits, value).toString();
    case 'x': return BigInt.asUintN(bits, value).toString(16);
    case 'X': return BigInt.asUintN(bits, value).toString(16).toUpperCase();
    case 'o': return BigInt.asUintN(bits, value).toString(8);
    case 'p': return `0x${u64(value).toString(16)}`;
    case 'c': return String.fromCharCode(Number(value & 0xffn));
    default: {
      const bytes = context.memory(value, LONGEST_STRING);
      const end = bytes.indexOf(0);
      return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    }
  }
}
