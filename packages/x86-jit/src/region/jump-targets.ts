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

  /** Targets by the jump's host address, as many as are still known. */
  read(): Map<number, JumpTarget[]> {
    const { u32, u64 } = this.host;
    const known = new Map<number, JumpTarget[]>();
    for (let at = this.table >>> 2, end = (this.table + JumpTargets.bytes) >>> 2; at < end; at += JumpTargets.entrySize / 4) {
      const from = u32[at] as number;
      if (from === 0) continue;
      const target = { linear: u64[(at + 2) >>> 1] as bigint, host: u32[at + 1] as number };
      const targets = known.get(from);
      if (targets) targets.push(target);
      else known.set(from, [target]);
    }
    return known;
  }

  clear(): void {
    this.host.u8.fill(0, this.table, this.table + JumpTargets.bytes);
  }
}
