import { Space, type Program } from './program.js';

export interface Fault {
  readonly vector: number;
  readonly flags: number;
  readonly ip: bigint;
  /** Of a page fault. */
  readonly address: bigint;
}

/** What became of a program. */
export interface Outcome {
  readonly registers: BigUint64Array;
  readonly ymm: Uint8Array;
  readonly flags: number;
  readonly mxcsr: number;
  readonly faults: readonly Fault[];
  readonly code: Uint8Array;
  readonly data: Uint8Array;
  readonly stack: Uint8Array;
}

const NAMES = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const FLAGS = 0xcd5;

/** Where two outcomes of a program differ, nothing if they don't. Undefined flags, and where in its page a fault was, don't count. */
export function differences(program: Program, ours: Outcome | string, theirs: Outcome | string): string[] {
  if (typeof ours === 'string' || typeof theirs === 'string') return ours === theirs ? [] : [`${typeof ours === 'string' ? ours : 'ended'} / ${typeof theirs === 'string' ? theirs : 'ended'}`];
  const found: string[] = [];
  const compare = (name: string, a: bigint | number, b: bigint | number): void => {
    if (a !== b) found.push(`${name} ${a.toString(16)} / ${b.toString(16)}`);
  };
  compare('faults', ours.faults.length, theirs.faults.length);
  const mask = FLAGS & ~program.undefinedFlags;
  ours.faults.forEach((fault, k) => {
    const other = theirs.faults[k];
    if (!other) return;
    compare(`fault ${k} vector`, fault.vector, other.vector);
    compare(`fault ${k} ip`, fault.ip, other.ip);
    compare(`fault ${k} page`, fault.address >> 12n, other.address >> 12n);
    compare(`fault ${k} flags`, fault.flags & mask, other.flags & mask);
  });
  NAMES.forEach((name, k) => compare(name, ours.registers[k]!, theirs.registers[k]!));
  compare('flags', ours.flags & mask, theirs.flags & mask);
  compare('mxcsr', ours.mxcsr, theirs.mxcsr);
  const bytes = (name: string, a: Uint8Array, b: Uint8Array, origin: number): void => {
    if (Buffer.compare(a, b) === 0) return;
    const at = a.findIndex((byte, k) => byte !== b[k]);
    found.push(`${name} from ${(origin + at).toString(16)}: ${Buffer.from(a.subarray(at, at + 16)).toString('hex')} / ${Buffer.from(b.subarray(at, at + 16)).toString('hex')}`);
  };
  for (let k = 0; k < 16; k++) bytes(`ymm${k}`, ours.ymm.subarray(32 * k, 32 * k + 32), theirs.ymm.subarray(32 * k, 32 * k + 32), 0);
  bytes('data', ours.data, theirs.data, Space.data);
  bytes('stack', ours.stack, theirs.stack, Space.stack);
  bytes('code', ours.code, theirs.code, Space.code);
  return found;
}
