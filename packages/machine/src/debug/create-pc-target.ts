import type { Pc } from '../pc/create-pc.js';
import { findAnchors, slideOf } from './kaslr.js';
import type { KernelImage } from './kernel-image.js';
import type { SnapshotStore } from './monitor/command.js';
import { PcMonitor } from './monitor/monitor.js';
import { PcTarget, type PcTargetOptions } from './pc-target.js';

export interface CreatePcTargetOptions extends Omit<PcTargetOptions, 'relocation' | 'early'> {
  /** The kernel that is booted: for `monitor stop-at SYMBOL`, and to know how far KASLR has moved it. */
  readonly image?: KernelImage | undefined;
  /** Of `monitor snapshot`. Default: in memory. */
  readonly snapshots?: SnapshotStore | undefined;
}

/** Linux, arch/x86/include/asm/page_64_types.h. */
const START_KERNEL_MAP = 0xffffffff80000000n;

/** A PC as a target for `GdbSession` of @pckit/gdbstub, with `monitor` commands. */
export function createPcTarget(pc: Pc, options: CreatePcTargetOptions = {}): PcTarget {
  const { image, snapshots, ...rest } = options;
  const slide = (): bigint | undefined => {
    const debug = pc.machine.processorDebug;
    return debug === undefined ? undefined : slideOf(findAnchors(0, debug, target.memory, { image, planned: pc.plan?.slide }));
  };
  const ofImage = (kernel: KernelImage): Partial<PcTargetOptions> => ({
    relocation: () => {
      const moved = slide();
      return moved === undefined ? undefined : { base: kernel.textBase + moved, slide: BigInt.asUintN(64, moved) };
    },
    early: (address) => {
      const linked = address - (slide() ?? 0n);
      const loaded = loadAddress(pc, kernel);
      return loaded !== undefined && linked >= kernel.textBase && linked < kernel.textEnd ? linked - kernel.textBase + loaded : undefined;
    },
  });
  const target: PcTarget = new PcTarget(pc.machine, { ...rest, ...(image === undefined ? {} : ofImage(image)) });
  target.monitor = new PcMonitor(pc, target, { image, snapshots });
  return target;
}

/** Physical, of `_text`. A kernel that unpacks itself goes where it was linked to run, unless KASLR chooses otherwise. */
function loadAddress(pc: Pc, { textBase }: KernelImage): bigint | undefined {
  const unpacked = pc.plan?.segments.find(({ name }) => name === 'kernel segment 0');
  if (unpacked !== undefined) return BigInt(unpacked.address);
  return textBase > START_KERNEL_MAP ? textBase - START_KERNEL_MAP : undefined;
}
