import { PAGE_BYTES, type GuestRam } from '@pckit/guest-memory';
import type { PageLookup, ProcessorDebugPort } from './processor-debug-port.js';

/** Memory as a debugger sees it: virtual, through a processor's page tables, whatever the privilege; RAM only, as reading a device may change it. */
export class DebugMemory {
  constructor(
    private readonly ram: GuestRam,
    private readonly debug: ProcessorDebugPort,
  ) {}

  translate(vcpu: number, address: bigint): PageLookup {
    return this.debug.translate(vcpu, BigInt.asUintN(64, address));
  }

  /** As many bytes as can be read from `address` on. */
  read(vcpu: number, address: bigint, length: number): Uint8Array {
    const into = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const piece = this.#piece(vcpu, address + BigInt(done), length - done);
      const bytes = piece === undefined ? undefined : this.ram.borrow(piece.physical, piece.length, 'read');
      if (bytes === undefined) break;
      into.set(bytes, done);
      done += bytes.length;
    }
    return done === length ? into : into.subarray(0, done);
  }

  /** All or nothing. What page tables say of writing means nothing to a debugger. */
  write(vcpu: number, address: bigint, bytes: Uint8Array): boolean {
    const pieces: { readonly physical: number; readonly length: number }[] = [];
    for (let done = 0; done < bytes.length; ) {
      const piece = this.#piece(vcpu, address + BigInt(done), bytes.length - done);
      if (piece === undefined || !this.ram.contains(piece.physical, piece.length)) return false;
      pieces.push(piece);
      done += piece.length;
    }
    let from = 0;
    for (const { physical, length } of pieces) {
      this.ram.borrow(physical, length, 'write')?.set(bytes.subarray(from, from + length));
      from += length;
    }
    return true;
  }

  readPhysical(physical: number, length: number): Uint8Array | undefined {
    return this.ram.borrow(physical, length, 'read')?.slice();
  }

  /** Until the end of the 4 KiB, of which RAM has all or none, at most `length` bytes. */
  #piece(vcpu: number, address: bigint, length: number): { readonly physical: number; readonly length: number } | undefined {
    const page = this.translate(vcpu, address);
    if (!('physical' in page)) return undefined;
    const physical = Number(page.physical);
    return { physical, length: Math.min(length, PAGE_BYTES - (physical % PAGE_BYTES)) };
  }
}
