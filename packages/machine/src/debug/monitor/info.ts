import type { Plain } from '@pckit/interfaces';
import { CommandError, type Command, type MonitorContext } from './command.js';
import { fields, hex } from './format.js';

const GENERAL = ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const CONTROL = ['cr0', 'cr2', 'cr3', 'cr4', 'cr8', 'efer', 'lstar', 'k_gs_base'];
const SEGMENTS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'];
const FLAGS: readonly (readonly [string, bigint])[] = [
  ['CF', 0n], ['PF', 2n], ['AF', 4n], ['ZF', 6n], ['SF', 7n], ['TF', 8n], ['IF', 9n], ['DF', 10n], ['OF', 11n], ['NT', 14n], ['RF', 16n], ['VM', 17n], ['AC', 18n], ['ID', 21n],
];

function registers({ target, vcpu }: MonitorContext): string {
  const debug = target.machine.processorDebug;
  const read = (name: string): bigint => debug?.readRegister(vcpu, name) ?? 0n;
  const word = (name: string): string => `${name.padEnd(9)} ${read(name).toString(16).padStart(16, '0')}`;
  const rows = (names: readonly string[], columns: number): string[] => {
    const lines: string[] = [];
    for (let i = 0; i < names.length; i += columns) lines.push(names.slice(i, i + columns).map(word).join('  '));
    return lines;
  };
  const bits = debug?.codeBits(vcpu) ?? 64;
  const flags = read('eflags');
  const base = read('cs_base');
  const where = bits === 64 ? word('rip') : `${read('cs').toString(16).padStart(4, '0')}:${(read('rip') - base).toString(16).padStart(bits / 4, '0')}  (linear ${hex(read('rip'))})`;
  return [
    `CPU#${vcpu}, ${bits}-bit code, ${debug?.activity(vcpu) ?? ''}`,
    where,
    `eflags    ${flags.toString(16).padStart(16, '0')}  ${FLAGS.filter(([, bit]) => (flags >> bit) & 1n).map(([name]) => name).join(' ')}  IOPL=${(flags >> 12n) & 3n}`,
    ...rows(GENERAL, 3),
    ...SEGMENTS.map((name) => `${name}  ${read(name).toString(16).padStart(4, '0')}  base ${read(`${name}_base`).toString(16).padStart(16, '0')}`),
    `gdt ${hex(read('gdt_base'))} limit ${hex(read('gdt_limit'))}, idt ${hex(read('idt_base'))} limit ${hex(read('idt_limit'))}, tr ${hex(read('tr'))} base ${hex(read('tr_base'))}, ldtr ${hex(read('ldtr'))}`,
    ...rows(CONTROL, 3),
  ].join('\n');
}

interface Mapped {
  readonly start: bigint;
  end: bigint;
  readonly rights: string;
  readonly physical: bigint;
  readonly pageBytes: bigint;
}

const MOST_LINES = 500;

/** Mapped ranges: `info mem` joins pages of the same rights, `info tlb` those that lie one after the other in physical memory as well. */
function mappings({ target, vcpu }: MonitorContext, physical: boolean): string {
  const lines: Mapped[] = [];
  for (let at = 0n; at < 1n << 64n && lines.length <= MOST_LINES; ) {
    const page = target.memory.translate(vcpu, at);
    if (!('physical' in page)) {
      at = (at & ~(page.unmappedBytes - 1n)) + page.unmappedBytes;
      continue;
    }
    const rights = `${page.user ? 'u' : '-'}r${page.writable ? 'w' : '-'}${page.executable ? 'x' : '-'}`;
    const last = lines.at(-1);
    const next = at + page.pageBytes;
    const follows = last !== undefined && last.end === at && last.rights === rights;
    if (follows && (!physical || (last.pageBytes === page.pageBytes && last.physical + (at - last.start) === page.physical))) last.end = next;
    else lines.push({ start: at, end: next, rights, physical: page.physical, pageBytes: page.pageBytes });
    at = next;
  }
  const text = lines.slice(0, MOST_LINES).map(({ start, end, rights, physical: at, pageBytes }) => {
    const range = `${start.toString(16).padStart(16, '0')}-${end.toString(16).padStart(16, '0')} ${rights}`;
    return physical ? `${range} -> ${at.toString(16).padStart(12, '0')} in pages of ${size(pageBytes)}` : `${range} ${size(end - start)}`;
  });
  if (lines.length > MOST_LINES) text.push('... and more');
  return text.length === 0 ? 'nothing is mapped' : text.join('\n');
}

function size(bytes: bigint): string {
  if (bytes % (1n << 30n) === 0n) return `${bytes >> 30n} GiB`;
  return bytes % (1n << 20n) === 0n ? `${bytes >> 20n} MiB` : `${bytes >> 10n} KiB`;
}

function pci({ pc }: MonitorContext): string {
  const lines: string[] = [];
  const read = (device: number, fn: number, offset: number, bytes: 1 | 2 | 4): number => pc.chips.pci.readConfig(device, fn, offset, bytes);
  for (let device = 0; device < 32; device++) {
    for (let fn = 0; fn < 8; fn++) {
      const vendor = read(device, fn, 0, 2);
      if (vendor === 0xffff) continue;
      const number = (value: number): string => value.toString(16).padStart(4, '0');
      const bars = [0, 1, 2, 3, 4, 5].map((n) => read(device, fn, 0x10 + 4 * n, 4)).map((bar, n) => (bar === 0 ? '' : ` BAR${n} ${hex(bar)}`)).join('');
      const pin = read(device, fn, 0x3d, 1);
      lines.push(`00:${device.toString(16).padStart(2, '0')}.${fn} class ${number(read(device, fn, 0x0a, 2))} ${number(vendor)}:${number(read(device, fn, 2, 2))}${pin === 0 ? '' : ` INT${String.fromCharCode(64 + pin)} IRQ ${read(device, fn, 0x3c, 1)}`}${bars}`);
    }
  }
  return lines.join('\n');
}

function saved({ pc }: MonitorContext, names: readonly string[]): string {
  return names
    .map((name) => {
      const device = pc.machine.devices.get(name);
      return device === undefined ? `there is no ${name}` : `${name}:${fields(device.save() as Plain, '  ')}`;
    })
    .join('\n');
}

const USAGE = 'info registers|tlb|mem|pci|irq|lapic|ioapic|devices|<device>';

export const info: Command = {
  name: 'info',
  usage: USAGE,
  does: 'registers, mappings, PCI functions, interrupt controllers, or the state of any device',
  run(context, [what]) {
    const { pc, vcpu } = context;
    switch (what) {
      case undefined:
        throw new CommandError(`usage: ${USAGE}`);
      case 'registers':
        return registers(context);
      case 'tlb':
        return mappings(context, true);
      case 'mem':
        return mappings(context, false);
      case 'pci':
        return pci(context);
      case 'irq':
        return saved(context, [pc.chips.pic.name, pc.chips.isa.name]);
      case 'lapic':
        return saved(context, [pc.chips.localApics[vcpu].name]);
      case 'ioapic':
        return saved(context, [pc.chips.ioApic.name]);
      case 'devices':
        return [...pc.machine.devices.keys()].join('\n');
      default:
        if (!pc.machine.devices.has(what)) throw new CommandError(`there is no device ${what}; "info devices" lists them`);
        return saved(context, [what]);
    }
  },
};
