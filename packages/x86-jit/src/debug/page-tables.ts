import type { CpuState } from '../cpu/cpu-state.js';
import { isNonCanonicalNumber } from '../mmu/page-walk.js';
import { Paging, State } from '../state-layout.js';

/** A translation as a debugger wants it: whatever the privilege, and without a trace in the page tables. */
export interface Translation {
  readonly physical: bigint;
  /** Bytes of the page. */
  readonly pageBytes: bigint;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

/** No translation: nothing within so many bytes, aligned, is mapped. */
export interface Unmapped {
  readonly unmappedBytes: bigint;
}

const ADDRESS = 0x000ffffffffff000n;
const present = (entry: bigint): boolean => (entry & 1n) !== 0n;
const large = (entry: bigint): boolean => (entry & 0x80n) !== 0n;

/** Walks a vCPU's page tables. SDM vol. 3, chapter 4. */
export function walkPageTables(cpu: CpuState, linear: bigint): Translation | Unmapped {
  const paging = cpu.u32(State.paging);
  if ((paging & Paging.enabled) === 0) {
    return linear >> 32n === 0n ? { physical: linear, pageBytes: 1n << 21n, writable: true, user: true, executable: true } : beyond(linear);
  }
  const cr3 = cpu.u64(State.cr3);
  if ((paging & Paging.pae) === 0) return walk32(cpu, linear, cr3, (paging & Paging.pse) !== 0);
  if ((paging & Paging.long) !== 0) {
    if (isNonCanonicalNumber(linear)) return { unmappedBytes: 1n << 47n };
    return walkPae(cpu, linear, cr3 & ADDRESS, 39n);
  }
  if (linear >> 32n !== 0n) return beyond(linear);
  const pdpte = cpu.u64(State.pdpte0 + Number((linear >> 30n) & 3n) * 8);
  return present(pdpte) ? walkPae(cpu, linear, pdpte & ADDRESS, 21n) : { unmappedBytes: 1n << 30n };
}

/** An address of more than 32 bits where there are none: the largest aligned block around it that doesn't reach below. */
function beyond(linear: bigint): Unmapped {
  return { unmappedBytes: 1n << BigInt(linear.toString(2).length - 1) };
}

function read(cpu: CpuState, physical: bigint, bytes: 4 | 8): bigint {
  const host = cpu.code.hostOf(cpu.base, physical) >>> 0;
  if (host === 0) return 0n;
  return bytes === 8 ? (cpu.host.u64[host >>> 3] as bigint) : BigInt(cpu.host.u32[host >>> 2] as number);
}

function walkPae(cpu: CpuState, linear: bigint, root: bigint, top: bigint): Translation | Unmapped {
  let table = root;
  let writable = true;
  let user = true;
  let executable = true;
  for (let shift = top; ; shift -= 9n) {
    const entry = read(cpu, table + ((linear >> shift) & 511n) * 8n, 8);
    if (!present(entry)) return { unmappedBytes: 1n << shift };
    writable &&= (entry & 2n) !== 0n;
    user &&= (entry & 4n) !== 0n;
    executable &&= entry >> 63n === 0n;
    if (shift === 12n || (large(entry) && shift < 39n)) {
      const pageBytes = 1n << shift;
      return { physical: (entry & ADDRESS & ~(pageBytes - 1n)) | (linear & (pageBytes - 1n)), pageBytes, writable, user, executable };
    }
    table = entry & ADDRESS;
  }
}

function walk32(cpu: CpuState, linear: bigint, cr3: bigint, pse: boolean): Translation | Unmapped {
  if (linear >> 32n !== 0n) return beyond(linear);
  const directory = read(cpu, (cr3 & 0xfffff000n) + (linear >> 22n) * 4n, 4);
  if (!present(directory)) return { unmappedBytes: 1n << 22n };
  if (pse && large(directory)) {
    return { physical: (directory & 0xffc00000n) | (linear & 0x3fffffn), pageBytes: 1n << 22n, writable: (directory & 2n) !== 0n, user: (directory & 4n) !== 0n, executable: true };
  }
  const entry = read(cpu, (directory & 0xfffff000n) + ((linear >> 12n) & 1023n) * 4n, 4);
  if (!present(entry)) return { unmappedBytes: 4096n };
  const both = directory & entry;
  return { physical: (entry & 0xfffff000n) | (linear & 0xfffn), pageBytes: 4096n, writable: (both & 2n) !== 0n, user: (both & 4n) !== 0n, executable: true };
}
