import { PAGE_BYTES } from '@pckit/guest-memory';
import type { Plain } from '@pckit/interfaces';
import type { Machine } from '../machine.js';

/** Where two states differ: `processors.0.general.3`, `devices.pit.counters.0.value`, `ram.0x1000`. */
export interface Difference {
  readonly path: string;
  readonly left: string;
  readonly right: string;
}

/** What differs between two machines of the same shape, RAM by 8-byte words. At most `limit` of each kind. */
export function stateDifferences(left: Machine, right: Machine, limit = 64): readonly Difference[] {
  const found: Difference[] = [];
  compare('', left.snapshotWithoutRam(), right.snapshotWithoutRam(), found, limit);
  const ram: Difference[] = [];
  for (const { start, length } of left.ram.ranges) {
    for (let page = start; page < start + length && ram.length < limit; page += PAGE_BYTES) comparePage(left, right, page, ram, limit);
  }
  return [...found, ...ram];
}

function compare(path: string, left: Plain | undefined, right: Plain | undefined, into: Difference[], limit: number): void {
  if (into.length >= limit || left === right) return;
  if (typeof left === 'object' && typeof right === 'object' && left !== null && right !== null) {
    const [a, b] = [left as Record<string, Plain>, right as Record<string, Plain>];
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) compare(path === '' ? key : `${path}.${key}`, a[key], b[key], into, limit);
    return;
  }
  if (Number.isNaN(left) && Number.isNaN(right)) return;
  into.push({ path, left: show(left), right: show(right) });
}

function comparePage(left: Machine, right: Machine, page: number, into: Difference[], limit: number): void {
  const [a, b] = [left.ram.borrow(page, PAGE_BYTES, 'read'), right.ram.borrow(page, PAGE_BYTES, 'read')];
  if (a === undefined || b === undefined) return;
  const [x, y] = [words(a), words(b)];
  for (let index = 0; index < x.length && into.length < limit; index++) {
    if (x[index] !== y[index]) into.push({ path: `ram.0x${(page + index * 8).toString(16)}`, left: show(x[index]), right: show(y[index]) });
  }
}

/** Pages lie at multiples of their size in the WebAssembly memory. */
function words(page: Uint8Array): BigUint64Array {
  return new BigUint64Array(page.buffer, page.byteOffset, PAGE_BYTES / 8);
}

function show(value: Plain | undefined): string {
  if (typeof value === 'bigint') return `0x${BigInt.asUintN(64, value).toString(16)}`;
  if (typeof value === 'number') return Number.isInteger(value) && value >= 10 ? `0x${value.toString(16)}` : String(value);
  return value === undefined ? 'absent' : String(value);
}
