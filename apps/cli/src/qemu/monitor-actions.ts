import { OverlayDisk, type OverlayDiskState } from '@pckit/disk-image';
import type { BlockBackend, Plain } from '@pckit/interfaces';
import { deviceNames } from '../command-line.js';
import type { Machine } from '../machine.js';
import type { Network } from '../network/network.js';
import { restoreNetworks } from '../network/under-way.js';
import type { DiskOption } from '../parse/disk-option.js';
import type { NetOption, NicOption } from '../parse/net-option.js';
import { formatSize } from '../parse/size.js';
import type { Session } from '../session.js';
import { readSnapshotFile } from '../snapshot-file.js';
import { readNotes } from '../snapshot-notes.js';
import type { MonitorActions } from './monitor.js';
import { snapshotFile } from './parse-qemu.js';

export interface MonitorContext {
  readonly machine: Machine;
  readonly session: Session;
  readonly disks: readonly BlockBackend[];
  readonly networks: readonly Network[];
  readonly choice: { readonly disks: readonly DiskOption[]; readonly nets: readonly NetOption[]; readonly nics: readonly NicOption[] };
  /** Writes a snapshot of the machine, which stands still. */
  readonly snapshot: (file: string) => Promise<void>;
  readonly quit: () => void;
}

const HOLDER = 'monitor';
const SNAPSHOT = 'snapshot';

/** The monitor's commands on a running session. */
export function monitorActions({ machine, session, disks, networks, choice, snapshot, quit }: MonitorContext): MonitorActions {
  let target: ReturnType<Machine['debugTarget']> | undefined;
  const standing = async <T>(work: () => Promise<T> | T): Promise<T> => {
    await session.standStill(SNAPSHOT);
    try {
      return await work();
    } finally {
      session.release(SNAPSHOT);
    }
  };
  return {
    quit,
    stop: () => session.hold(HOLDER),
    go: () => session.release(HOLDER),
    powerButton: () => machine.pressPowerButton(),
    save: (name) =>
      standing(async () => {
        // What the guest has flushed is on the disks; the rest is in the snapshot, or on them already.
        for (const disk of disks) await disk.flush();
        await snapshot(snapshotFile(name));
        return `saved ${snapshotFile(name)}; writable disks go on from what they hold then`;
      }),
    load: (name) =>
      standing(async () => {
        const saved = await readSnapshotFile(snapshotFile(name));
        const { overlays = {} as Record<string, Plain>, underWay } = readNotes(saved.notes) ?? {};
        const kept = disks.findIndex((disk) => !disk.readOnly && !(disk instanceof OverlayDisk));
        if (kept >= 0) throw new Error(`loadvm: ${choice.disks[kept]?.path ?? 'a disk'} has gone on since; start with -snapshot, or begin again with -loadvm`);
        disks.forEach((disk, index) => {
          const overlay = overlays[index];
          if (disk instanceof OverlayDisk && overlay !== undefined) disk.restore(overlay as OverlayDiskState);
        });
        await machine.quiet();
        machine.restore(saved);
        restoreNetworks(networks, underWay);
        return '';
      }),
    info: (what) => {
      switch (what) {
        case 'status':
          return `VM status: ${session.held(HOLDER) ? 'paused' : 'running'}`;
        case 'version':
          return 'pckit';
        case 'block': {
          const names = deviceNames(disks.map((backend, index) => ({ ...choice.disks[index], backend })));
          return disks.map((disk, index) => `${names[index] ?? ''}: ${choice.disks[index]?.path ?? ''} (${formatSize(disk.size)}${disk.readOnly ? ', read-only' : ''}${disk instanceof OverlayDisk ? ', snapshot' : ''})`).join('\n') || 'no disks';
        }
        case 'network':
          return choice.nets.map(({ kind }, index) => `${choice.nics[index]?.model ?? 'virtio'}: ${kind}`).join('\n') || 'no networks';
        default:
          return undefined;
      }
    },
    debug: (line) =>
      standing(() => {
        target ??= machine.debugTarget({ kill: quit });
        const text: string[] = [];
        const { monitor } = target;
        if (monitor === undefined) throw new Error(`unknown command: '${line}'`);
        return Promise.resolve(monitor.run(line, 1, (part) => text.push(part))).then((answer) => text.join('') + answer);
      }),
  };
}
