import type { BootPlan } from '@pckit/linux-boot';
import type { GuestRam } from '@pckit/guest-memory';
import type { MachineVcpu } from '../processor-factory.js';

/** A piece of memory that firmware fills. */
export interface FirmwareSegment {
  readonly name: string;
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Puts a boot plan into memory and the bootstrap processor at its entry: what a boot loader does last. */
export function loadPlan(plan: BootPlan, ram: GuestRam, bootstrap: MachineVcpu): void {
  for (const { address, bytes, zeroFill } of plan.segments) {
    ram.load(address, bytes);
    // Fresh RAM is zero, but this may be a reboot.
    if (zeroFill !== undefined && zeroFill > 0) zero(ram, address + bytes.length, zeroFill);
  }
  bootstrap.setRegisters(plan.registers);
}

/** Zeroes page by page, leaving alone what is zero already: a kernel's bss may be large, and untouched RAM costs the host nothing. */
function zero(ram: GuestRam, address: number, length: number): void {
  const end = address + length;
  while (address < end) {
    const piece = Math.min(end, (Math.floor(address / 4096) + 1) * 4096) - address;
    if (ram.borrow(address, piece, 'read')?.some((byte) => byte !== 0) === true)
      ram.borrow(address, piece, 'write')?.fill(0);
    address += piece;
  }
}
