import type { HostMemory } from '../host-memory.js';
import { JumpTargets } from '../state-layout.js';

export interface JumpTarget {
  readonly linear: bigint;
  /** Host address. */
  readonly host: number;
}

/** Reads what the interpreter's loop noted of computed jumps and calls. */
export class JumpTargetTable {
  constructor(private readonly host: HostMemory, private readonly table: number) {}

  /** Targets of the jump at a host address, as many as are still known. */
  of(from: number): JumpTarget[] {
    const { u32, u64 } = this.host;
    const known: JumpTarget[] = [];
    for (let at = this.table >>> 2, end = (this.table + JumpTargets.bytes) >>> 2; at < end; at += JumpTargets.entrySize / 4) {
      if (u32[at] === from) known.push({ linear: u64[(at + 2) >>> 1] as bigint, host: u32[at + 1] as number });
    }
    return known;
  }

  clear(): void {
    this.host.u8.fill(0, this.table, this.table + JumpTargets.bytes);
  }
}
