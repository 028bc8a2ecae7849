import type { Pc } from '../../pc/create-pc.js';
import type { Snapshot } from '../../snapshot.js';
import type { KernelImage } from '../kernel-image.js';
import type { PcTarget } from '../pc-target.js';

/** What the commands work on. */
export interface MonitorContext {
  readonly pc: Pc;
  readonly target: PcTarget;
  /** The debugger's present processor. */
  readonly vcpu: number;
  readonly image: KernelImage | undefined;
  readonly snapshots: SnapshotStore;
  print(text: string): void;
}

/** Where `snapshot save` keeps them. */
export interface SnapshotStore {
  save(name: string, snapshot: Snapshot): Promise<void> | void;
  /** Throws for a name that isn't there. */
  load(name: string): Promise<Snapshot> | Snapshot;
}

/** A `monitor` command. */
export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly does: string;
  /** Throws a `CommandError` for what the debugger should read. */
  run(context: MonitorContext, args: readonly string[]): string | Promise<string>;
}

export class CommandError extends Error {}

export function parseAddress(text: string | undefined, usage: string): bigint {
  if (text === undefined || !/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) throw new CommandError(`usage: ${usage}`);
  return BigInt.asUintN(64, BigInt(text));
}
