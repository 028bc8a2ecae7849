import type { Pc } from '../pc/create-pc.js';
import { findAnchors, slideOf } from './kaslr.js';
import type { KernelImage } from './kernel-image.js';
import type { SnapshotStore } from './monitor/command.js';
import { PcMonitor } from './monitor/monitor.js';
import { PcTarget, type PcTargetOptions } from './pc-target.js';

export interface CreatePcTargetOptions extends Omit<PcTargetOptions, 'relocation'> {
  /** The kernel that is booted: for `monitor stop-at SYMBOL`, and to know how far KASLR has moved it. */
  readonly image?: KernelImage | undefined;
  /** Of `monitor snapshot`. Default: in memory. */
  readonly snapshots?: SnapshotStore | undefined;
}

/** A PC as a target for `GdbSession` of @pckit/gdbstub, with `monitor` commands. */
export function createPcTarget(pc: Pc, options: CreatePcTargetOptions = {}): PcTarget {
  const { image, snapshots, ...rest } = options;
  const target: PcTarget = new PcTarget(pc.machine, {
    ...rest,
    ...(image === undefined
      ? {}
      : {
          relocation: () => {
            const debug = pc.machine.processorDebug;
            const slide = debug === undefined ? undefined : slideOf(findAnchors(0, debug, target.memory, { image, planned: pc.plan?.slide }));
            return slide === undefined ? undefined : { base: image.textBase + slide, slide: BigInt.asUintN(64, slide) };
          },
        }),
  });
  target.monitor = new PcMonitor(pc, target, { image, snapshots });
  return target;
}
