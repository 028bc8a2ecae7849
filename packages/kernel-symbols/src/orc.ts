import type { ElfImage } from './elf-image.js';

// Linux, Documentation/x86/orc-unwinder.rst and arch/x86/include/asm/orc_types.h: for each stretch of code, where the caller's stack pointer, instruction
// pointer and RBP are.

/** Registers that the previous stack pointer or RBP is found by. */
export const OrcRegister = { undefined: 0, previousSp: 1, dx: 2, di: 3, bp: 4, sp: 5, r10: 6, r13: 7, bpIndirect: 8, spIndirect: 9 } as const;

export interface OrcEntry {
  /** Link address from which on it holds. */
  readonly address: bigint;
  readonly spRegister: number;
  readonly spOffset: number;
  readonly bpRegister: number;
  readonly bpOffset: number;
  /** What lies there: a return address, all registers of an interrupted context, or only what IRET takes; or nothing: the end. */
  readonly kind: 'call' | 'registers' | 'iret' | 'end';
}

const ENTRY_BYTES = 6;
const OLD_KINDS = ['call', 'registers', 'iret', 'end'] as const;
/** From 6.4 on, whose images have `.orc_header`. */
const NEW_KINDS = ['end', 'end', 'call', 'registers', 'iret', 'end', 'end', 'end'] as const;

/** @returns none for a kernel with another unwinder */
export function readOrc(image: ElfImage): OrcEntry[] {
  const addresses = image.section('.orc_unwind_ip');
  const entries = image.section('.orc_unwind');
  if (addresses === undefined || entries === undefined) return [];
  const isNew = image.section('.orc_header') !== undefined;
  const ips = image.contents(addresses);
  const data = image.contents(entries);
  const ipView = new DataView(ips.buffer, ips.byteOffset, ips.byteLength);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = Math.min(Math.floor(ips.length / 4), Math.floor(data.length / ENTRY_BYTES));
  const list = Array.from({ length: count }, (_, n): OrcEntry => {
    const bits = view.getUint16(n * ENTRY_BYTES + 4, true);
    const spRegister = bits & 15;
    const kind = isNew ? NEW_KINDS[(bits >> 8) & 7] : OLD_KINDS[(bits >> 8) & 3];
    return {
      // Relative to where the number itself is.
      address: BigInt.asUintN(64, addresses.address + BigInt(4 * n) + BigInt(ipView.getInt32(4 * n, true))),
      spRegister,
      spOffset: view.getInt16(n * ENTRY_BYTES, true),
      bpRegister: (bits >> 4) & 15,
      bpOffset: view.getInt16(n * ENTRY_BYTES + 2, true),
      kind: spRegister === OrcRegister.undefined ? 'end' : kind,
    };
  });
  // Before 5.6 the kernel sorted them as it booted.
  return list.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}
