import { findAnchors, slideOf } from '../kaslr.js';
import type { CodePoint } from '../processor-debug-port.js';
import type { ControlStop } from '../run-control.js';
import { CommandError, type Command, type MonitorContext } from './command.js';
import { hex } from './format.js';

export const instructions: Command = {
  name: 'instructions',
  usage: 'instructions',
  does: 'how many were executed since power-on, and the virtual time',
  run: ({ target: { machine } }) =>
    `${machine.instructions} instructions, ${(machine.clock.now() / 1e9).toFixed(9)} s${machine.vcpus.length > 1 ? `; ${machine.vcpus.map((vcpu, n) => `CPU#${n} ${vcpu.instructions}`).join(', ')}` : ''}`,
};

export const systemReset: Command = {
  name: 'system_reset',
  usage: 'system_reset',
  does: 'resets the machine as its button would',
  run({ target }) {
    target.machine.requestReset('host');
    return 'the machine resets when it goes on';
  },
};

export const stepIrqs: Command = {
  name: 'step-irqs',
  usage: 'step-irqs on|off',
  does: 'whether steps take interrupts; off, the default, keeps them for later',
  run({ target: { machine } }, [value]) {
    if (value !== undefined && value !== 'on' && value !== 'off') throw new CommandError(`usage: ${stepIrqs.usage}`);
    if (value !== undefined) machine.control.stepsTakeInterrupts = value === 'on';
    return `steps ${machine.control.stepsTakeInterrupts ? 'take interrupts' : 'take no interrupts'}`;
  },
};

export const architecture: Command = {
  name: 'architecture',
  usage: 'architecture amd64|i386',
  does: 'the description that debuggers get which connect from now on',
  run({ target }, [name]) {
    if (name !== 'amd64' && name !== 'i386') throw new CommandError(`usage: ${architecture.usage}`);
    target.useArchitecture(name);
    return `${name} from the next connection on`;
  },
};

export const kaslr: Command = {
  name: 'kaslr',
  usage: 'kaslr',
  does: 'how far the kernel lies from where it was linked to, and how that is known',
  run({ pc, target, vcpu, image }) {
    const debug = target.machine.processorDebug;
    const anchors = debug === undefined ? [] : findAnchors(vcpu, debug, target.memory, { image, planned: pc.plan?.slide });
    const slide = slideOf(anchors);
    if (slide === undefined) return 'not known yet: the kernel has not begun ("monitor stop-at start_kernel" gets there)';
    return `${hex(slide)}\nby ${anchors.map((anchor) => (anchor.slide === slide ? anchor.name : `${anchor.name} (${hex(anchor.slide)})`)).join(', ')}\nin gdb: symbol-file -o ${hex(slide)} VMLINUX`;
  },
};

/** Goes on until one of the breakpoints. */
function goOn({ target }: MonitorContext, points: readonly CodePoint[]): Promise<ControlStop> {
  const { control, processorDebug, vcpus } = target.machine;
  return new Promise((stopped) => {
    for (const point of points) processorDebug?.insert(point);
    control.resume(new Map(vcpus.map((_, vcpu) => [vcpu, { kind: 'continue' }])), (stop) => {
      for (const point of points) processorDebug?.remove(point);
      stopped(stop);
    });
  });
}

function where({ target }: MonitorContext, stop: ControlStop): string {
  if (stop.reason === 'power-off') return 'the machine is off';
  const rip = target.machine.processorDebug?.readRegister(stop.vcpu, 'rip') ?? 0n;
  return `${stop.reason === 'breakpoint' || stop.reason === 'step' ? '' : `${stop.reason}: `}CPU#${stop.vcpu} at ${hex(rip)}`;
}

const KASLR_ALIGN = 0x200000n;
const EFER_LMA = 1n << 10n;

export const stopAt: Command = {
  name: 'stop-at',
  usage: 'stop-at longmode|user|SYMBOL',
  does: 'goes on to 64-bit mode, to the first instruction of user code, or to a symbol wherever KASLR puts the kernel; then "flushregs"',
  async run(context, [what]) {
    const { target, image, vcpu } = context;
    const { control, processorDebug } = target.machine;
    if (what === undefined || processorDebug === undefined) throw new CommandError(`usage: ${stopAt.usage}`);
    if (what === 'user') return where(context, await goOn(context, [{ space: 'user', address: 0n, stops: () => true }]));
    if (what === 'longmode') {
      const done = (): boolean => ((processorDebug.readRegister(vcpu, 'efer') ?? 0n) & EFER_LMA) !== 0n;
      if (done()) return `CPU#${vcpu} is in long mode already`;
      return where(context, await new Promise<ControlStop>((stopped) => control.stepUntil(vcpu, done, stopped)));
    }
    const address = image?.address(what);
    if (address === undefined) throw new CommandError(image === undefined ? 'the kernel\'s symbols are not known' : `the kernel has no symbol ${what}`);
    // KASLR keeps the lower 21 bits. What stands before the symbol in the image says whether this is it.
    const before = image?.bytes(address, 4) ?? new Uint8Array();
    const banner = image?.address('linux_banner');
    const bannerText = banner === undefined ? undefined : image?.bytes(banner, 14);
    const stops = (cpu: number): boolean => {
      const rip = processorDebug.readRegister(cpu, 'rip') ?? 0n;
      if (banner === undefined || bannerText === undefined) return before.every((byte, i) => target.memory.read(cpu, rip, 4)[i] === byte);
      const there = target.memory.read(cpu, banner + (rip - address), bannerText.length);
      return there.length === bannerText.length && there.every((byte, i) => byte === bannerText[i]);
    };
    const stop = await goOn(context, [{ space: 'linear', address, mask: KASLR_ALIGN - 1n, stops }]);
    const rip = stop.reason === 'power-off' ? undefined : processorDebug.readRegister(stop.vcpu, 'rip');
    return `${where(context, stop)}${stop.reason === 'breakpoint' && rip !== undefined ? `, ${what}, slide ${hex(BigInt.asUintN(64, rip - address))}` : ''}`;
  },
};

/** Breakpoints that a debugger knows nothing of: by physical address. */
export function physicalBreakpoints(): Command {
  const points = new Map<bigint, CodePoint>();
  return {
    name: 'break-physical',
    usage: 'break-physical [ADDRESS [off]]',
    does: 'stops at an instruction by its physical address, however it is mapped; without arguments, lists them',
    run({ target }, [text, off]) {
      if (text === undefined) return points.size === 0 ? 'none' : [...points.keys()].map((address) => hex(address)).join('\n');
      if (!/^(0x[0-9a-f]{1,13}|\d{1,15})$/i.test(text) || (off !== undefined && off !== 'off')) throw new CommandError('usage: break-physical [ADDRESS [off]]');
      const address = BigInt(text);
      const { processorDebug } = target.machine;
      const old = points.get(address);
      if (old !== undefined) processorDebug?.remove(old);
      points.delete(address);
      if (off === 'off') return `${hex(address)}: off`;
      const point = target.unknownPoint({ space: 'physical', address, stops: () => true });
      points.set(address, point);
      processorDebug?.insert(point);
      return `${hex(address)}: on`;
    },
  };
}

const MOST_SNAPSHOTS = 4;

export const snapshot: Command = {
  name: 'snapshot',
  usage: 'snapshot save|load NAME',
  does: 'keeps the whole machine, or goes back to it; then "flushregs"',
  async run({ target: { machine }, snapshots }, [what, name]) {
    if (name === undefined || (what !== 'save' && what !== 'load')) throw new CommandError(`usage: ${snapshot.usage}`);
    if (what === 'save') {
      await snapshots.save(name, machine.snapshot());
      return `saved as ${name}, at ${machine.instructions} instructions`;
    }
    const saved = await snapshots.load(name);
    await machine.door.quiet();
    machine.restore(saved);
    return `${name}, at ${machine.instructions} instructions`;
  },
};

/** In memory, by name. */
export function snapshotsInMemory(): MonitorContext['snapshots'] {
  const kept = new Map<string, ReturnType<MonitorContext['target']['machine']['snapshot']>>();
  return {
    save: (name, saved) => {
      if (kept.size >= MOST_SNAPSHOTS && !kept.has(name)) throw new CommandError(`${MOST_SNAPSHOTS} snapshots are kept, and no more`);
      kept.set(name, saved);
    },
    load: (name) => {
      const saved = kept.get(name);
      if (saved === undefined) throw new CommandError(`there is no snapshot ${name}`);
      return saved;
    },
  };
}
