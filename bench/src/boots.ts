/** Boots that are measured from the start of the process on. */
import { existsSync } from 'node:fs';
import { tool, type BenchImage } from './guest-image.js';
import { start, timeToEnd, type Cost, type Machine, type Subject } from './subject.js';

/** What packages/debian-image/scripts/make-rootfs.sh makes. */
export const DEBIAN_IMAGE = process.env['PCKIT_ROOTFS'] ?? '/var/tmp/pckit/bookworm-rootfs.img';

export interface Boot {
  readonly name: string;
  /** What --only calls it. */
  readonly group: string;
  run(subject: Subject, tools: { readonly cpuTime: string; readonly log: string }): Promise<Cost>;
}

const PATIENCE = 1800;

/** To a shell that does nothing, and off again. */
export function bootToEnd(name: string, image: BenchImage, more: Partial<Machine> = {}): Boot {
  return {
    name,
    group: 'boot',
    run: async (subject, { log }) => {
      const machine = { kernel: image.kernel, initrd: image.plainInitrd, append: 'console=ttyS0 mitigations=off pckit.exec=true', memoryMiB: 512, ...more };
      const { console, ...cost } = await timeToEnd(subject, machine, log, PATIENCE);
      if (!console.includes('pckit: exit status 0')) throw new Error(`${subject.name} did not boot to the end:\n${console.slice(-1000)}`);
      return cost;
    },
  };
}

export function boots({ image, debian }: { readonly image: BenchImage; readonly debian: string }): readonly Boot[] {
  return [
    bootToEnd('cloud kernel and busybox to power-off', image),
    bootToEnd('the same, unpacked by the guest in both', image, { unpack: 'guest' }),
    {
      name: 'Debian to login:',
      group: 'debian',
      run: async (subject, { cpuTime, log }) => {
        if (!existsSync(debian)) throw new Error(`no ${debian}: make it with packages/debian-image/scripts/make-rootfs.sh, or name another with --debian`);
        const append = 'console=ttyS0 mitigations=off root=/dev/vda rw';
        const began = performance.now();
        const run = start(subject, { kernel: image.kernel, initrd: image.plainInitrd, append, memoryMiB: 1024, disk: debian }, log, PATIENCE);
        try {
          await run.shows('login: ', PATIENCE);
          return { wallSeconds: (performance.now() - began) / 1000, cpuSeconds: Number(tool(cpuTime, [String(run.pid)])) / 1e9 };
        } finally {
          run.kill();
          await run.finished;
        }
      },
    },
  ];
}
