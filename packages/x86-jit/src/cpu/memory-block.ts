import { Access } from '../mmu/page-walk.js';
import { DebugHook, State } from '../state-layout.js';
import type { CpuState } from './cpu-state.js';

// Memory operands wider than 8 bytes: x87 environments and extended reals, the FXSAVE and XSAVE areas. They may reach into a second page,
// which has a translation of its own.

/** A linear address some bytes on: outside 64-bit code it wraps at 4 GiB. */
export function advance(cpu: CpuState, linear: bigint, bytes: number): bigint {
  return BigInt.asUintN(cpu.code64 ? 64 : 32, linear + BigInt(bytes));
}

/** Bytes from an offset in a page to the page's end, at most `length`. */
function pieceLength(offset: number, length: number): number {
  return Math.min(length, 4096 - offset);
}

/** Reads bytes at the present privilege. */
export function loadBytes(cpu: CpuState, linear: bigint, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const at = done === 0 ? linear : advance(cpu, linear, done);
    const offset = Number(at & 0xfffn);
    const length = pieceLength(offset, into.length - done);
    const page = cpu.translate(at, Access.read);
    cpu.checkFault();
    if (page !== 0 && !watching(cpu)) {
      const host = page + offset;
      into.set(cpu.host.u8.subarray(host, host + length), done);
    } else {
      for (let k = 0; k < length; k++) into[done + k] = Number(cpu.load(at + BigInt(k), 1));
    }
    done += length;
  }
}

/** Checks that `storeBytes` of this range won't fault. @param length at most 4096 */
export function prepareBytes(cpu: CpuState, linear: bigint, length: number): void {
  cpu.code.prepareWrite(cpu.base, BigInt.asIntN(64, linear), length);
  cpu.checkFault();
}

/** Writes bytes at the present privilege. Call `prepareBytes` first: a fault in a second page would leave the first one written. */
export function storeBytes(cpu: CpuState, linear: bigint, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const at = done === 0 ? linear : advance(cpu, linear, done);
    const offset = Number(at & 0xfffn);
    const length = pieceLength(offset, bytes.length - done);
    const page = cpu.translate(at, Access.write);
    cpu.checkFault();
    if (page !== 0 && !holdsCode(cpu, page) && !watching(cpu)) {
      cpu.host.u8.set(bytes.subarray(done, done + length), page + offset);
    } else {
      for (let k = 0; k < length; k++) cpu.store(at + BigInt(k), 1, BigInt(bytes[done + k] as number));
    }
    done += length;
  }
}

/** Whether some of the page has been decoded: then a store must tell the predecoder. */
function holdsCode(cpu: CpuState, hostPage: number): boolean {
  const bits = (cpu.u32(State.codeBits) + (hostPage >>> 12) * 8) >>> 2;
  return cpu.host.u32[bits] !== 0 || cpu.host.u32[bits + 1] !== 0;
}

/** A debugger watches accesses, which it is told of one by one. */
function watching(cpu: CpuState): boolean {
  return (cpu.u32(State.debugHooks) & DebugHook.accesses) !== 0;
}
