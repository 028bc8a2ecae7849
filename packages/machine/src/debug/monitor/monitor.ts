import type { Monitor } from '@pckit/gdbstub';
import type { Pc } from '../../pc/create-pc.js';
import type { KernelImage } from '../kernel-image.js';
import type { PcTarget } from '../pc-target.js';
import { CommandError, type Command, type SnapshotStore } from './command.js';
import { info } from './info.js';
import { gva2gpa, xp } from './memory.js';
import { architecture, instructions, kaslr, physicalBreakpoints, snapshot, snapshotsInMemory, stepIrqs, stopAt, systemReset } from './run.js';

export interface PcMonitorOptions {
  readonly image?: KernelImage | undefined;
  /** Default: in memory. */
  readonly snapshots?: SnapshotStore | undefined;
}

/** The `monitor` commands of a PC. A word's beginning is enough where it is unique. */
export class PcMonitor implements Monitor {
  readonly #pc: Pc;
  readonly #target: PcTarget;
  readonly #image: KernelImage | undefined;
  readonly #snapshots: SnapshotStore;
  readonly #commands: readonly Command[] = [info, gva2gpa, xp, systemReset, snapshot, stopAt, instructions, kaslr, stepIrqs, physicalBreakpoints(), architecture];

  constructor(pc: Pc, target: PcTarget, options: PcMonitorOptions = {}) {
    this.#pc = pc;
    this.#target = target;
    this.#image = options.image;
    this.#snapshots = options.snapshots ?? snapshotsInMemory();
  }

  run(command: string, thread: number, print: (text: string) => void): string | Promise<string> {
    const [name = 'help', ...args] = command.trim().split(/\s+/).filter((word) => word !== '');
    if ('help'.startsWith(name)) return this.#commands.map(({ usage, does }) => `${usage.padEnd(40)} ${does}`).join('\n');
    const found = this.#commands.filter((each) => each.name === name || each.name.startsWith(name));
    const exact = found.find((each) => each.name === name) ?? (found.length === 1 ? found[0] : undefined);
    if (exact === undefined) throw new CommandError(`"${name}" is no command; "monitor help" lists them`);
    return exact.run({ pc: this.#pc, target: this.#target, vcpu: thread - 1, image: this.#image, snapshots: this.#snapshots, print }, args);
  }
}
