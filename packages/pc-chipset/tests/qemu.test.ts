import { Bench, SeededRandom } from '@pckit/device-testing';
import type { IoRegion } from '@pckit/interfaces';
import { describe, expect, it } from 'vitest';
import { ApicBus, Hpet, I8042, I8254Pit, I8259PicPair, IoApic, Mc146818Rtc, Uart16550, fanOut } from '../src/index.js';
import { onQemu } from './qemu-ports.js';
import type { Access } from './qemu-ports.js';
import { lacks } from './tools.js';

/*
 * The same register accesses on our chips and on QEMU's, as far as QEMU follows the datasheets; where it doesn't, the accesses are
 * not generated and the reason stands there. Time stands still, so this is about registers; what chips do in time is in their own
 * tests.
 */

/** The chips as QEMU's `pc` wires them, on our side of the comparison. */
class Board {
  private readonly ports: { base: number; region: IoRegion }[] = [];
  private readonly memory: { base: number; region: IoRegion }[] = [];

  constructor() {
    const { clock, chars, irqs } = new Bench();
    const pic = new I8259PicPair({ intr: irqs.line('intr') });
    const ioapic = new IoApic({ bus: new ApicBus() });
    const isa = (irq: number) => fanOut(pic.irq(irq), ioapic.pin(irq === 0 ? 2 : irq));
    const hpet = new Hpet({ clock, irq0: isa(0), irq8: isa(8), pins: { 2: ioapic.pin(2) } });
    const pit = new I8254Pit({ clock, out0: hpet.pit });
    const rtc = new Mc146818Rtc({ clock, irq: hpet.rtc }, { epoch: Date.UTC(2024, 1, 28, 10, 0, 0) });
    // QEMU's 16550A has no gate on OUT2.
    const com1 = new Uart16550({ clock, irq: isa(4), port: chars }, { name: 'com1', interruptGate: 'none' });
    const com2 = new Uart16550({ clock, irq: isa(3), port: chars }, { name: 'com2', interruptGate: 'none' });
    const i8042 = new I8042({ clock, keyboardIrq: isa(1), mouseIrq: isa(12), reset: () => undefined });
    this.ports.push(
      { base: 0x20, region: pic.regions.master },
      { base: 0xa0, region: pic.regions.slave },
      { base: 0x4d0, region: pic.regions.elcr },
      { base: 0x40, region: pit.regions.ports },
      { base: 0x60, region: i8042.regions.data },
      { base: 0x64, region: i8042.regions.command },
      { base: 0x70, region: rtc.regions.ports },
      { base: 0x3f8, region: com1.regions.registers },
      { base: 0x2f8, region: com2.regions.registers },
    );
    this.memory.push({ base: 0xfec0_0000, region: ioapic.regions.registers }, { base: 0xfed0_0000, region: hpet.regions.registers });
  }

  perform(accesses: readonly Access[]): number[] {
    const seen: number[] = [];
    for (const access of accesses) {
      const memory = access.op === 'readl' || access.op === 'writel';
      const at = memory ? access.address : access.port;
      const { base, region } = (memory ? this.memory : this.ports).find((m) => at >= m.base && at < m.base + m.region.length)!;
      if (access.op === 'outb') region.handler.write(at - base, access.value, 1);
      else if (access.op === 'writel') region.handler.write(at - base, access.value, 4);
      else seen.push(region.handler.read(at - base, memory ? 4 : 1));
    }
    return seen;
  }
}

const outb = (port: number, value: number): Access => ({ op: 'outb', port, value });
const inb = (port: number): Access => ({ op: 'inb', port });
const writel = (address: number, value: number): Access => ({ op: 'writel', address, value });
const readl = (address: number): Access => ({ op: 'readl', address });

/**
 * Names the first read that differs, with what led to it.
 *
 * @param cares which bits of read number `i` count; all by default
 */
async function compare(accesses: readonly Access[], cares: (i: number, reads: readonly number[]) => number = () => -1): Promise<void> {
  const ours = new Board().perform(accesses);
  const theirs = await onQemu(accesses);
  const different = ours.findIndex((value, i) => ((value ^ theirs[i]) & cares(i, ours)) !== 0);
  if (different < 0) return;
  let reads = -1;
  const at = accesses.findIndex((access) => (access.op === 'inb' || access.op === 'readl') && ++reads === different);
  const story = accesses.slice(Math.max(0, at - 40), at + 1).map((access) =>
    Object.values(access)
      .map((part) => (typeof part === 'number' ? part.toString(16) : part))
      .join(' '),
  );
  expect.fail(`ours ${ours[different].toString(16)}, QEMU ${theirs[different].toString(16)} after\n${story.join('\n')}`);
}

function random(seed: number) {
  const source = new SeededRandom(seed);
  const bytes = new Uint8Array(4);
  const below = (n: number): number => {
    source.fill(bytes);
    return ((bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0) % n;
  };
  return { below, pick: <T>(from: readonly T[]): T => from[below(from.length)], byte: () => below(256) };
}

const ROUNDS = 3000;

describe.skipIf(lacks('qemu-system-x86_64'))('compared with QEMU’s chips (skipped without qemu-system-x86_64)', () => {
  /** Edges without time passing: a byte through the 8042, THRE of the UARTs. */
  const edges: Record<number, readonly Access[]> = {
    1: [outb(0x64, 0xd2), outb(0x60, 0x55), inb(0x60)],
    3: [outb(0x2f9, 0x00), outb(0x2f9, 0x02)],
    4: [outb(0x3f9, 0x00), outb(0x3f9, 0x02)],
    12: [outb(0x64, 0xd3), outb(0x60, 0x55), inb(0x60)],
  };
  const initialize = (base: number, vector: number, cascade: number, icw4: number): Access[] => [
    outb(base, 0x11),
    outb(base + 1, vector),
    outb(base + 1, cascade),
    outb(base + 1, icw4),
    outb(base + 1, 0),
  ];

  for (const icw4 of [0x01, 0x03]) {
    it(`8259: priorities, rotation, EOI, masks and polling${icw4 === 0x03 ? ' with automatic EOI' : ''}`, async () => {
      const { below, pick, byte } = random(8259 + icw4);
      const script = [outb(0x60, 0xf5), inb(0x60), outb(0x64, 0x60), outb(0x60, 0x03), ...initialize(0x20, 0x20, 0x04, icw4)];
      for (let i = 0; i < ROUNDS; i++) {
        switch (below(8)) {
          case 0:
          case 1:
            script.push(...edges[pick([1, 3, 4])]);
            break;
          case 2:
            script.push(outb(0x21, byte()));
            break;
          case 3: // any OCW2
            script.push(outb(0x20, (byte() & 0xe0) | below(8)));
            break;
          case 4: // OCW3 without special mask: QEMU's non-specific EOI then ends masked levels too, the datasheet's doesn't
            script.push(outb(0x20, 0x08 | below(4)));
            break;
          case 5:
          case 6: // a poll acknowledges
            script.push(outb(0x20, 0x0c), inb(0x20));
            break;
        }
        script.push(inb(0x20), inb(0x21));
      }
      await compare(script);
    });
  }

  it('8259: the slave behind the master', async () => {
    const { below } = random(82592);
    const script = [outb(0x64, 0x60), outb(0x60, 0x03), ...initialize(0x20, 0x20, 4, 1), ...initialize(0xa0, 0x28, 2, 1)];
    for (let i = 0; i < ROUNDS / 4; i++) {
      script.push(...edges[12]);
      for (let k = 0; k < 2; k++) {
        script.push(outb(0x20, 0x0c), inb(0x20), outb(0xa0, 0x0c), inb(0xa0));
        script.push(outb(0x20, 0x0b), inb(0x20), outb(0xa0, 0x0b), inb(0xa0));
        if (below(4) > 0) script.push(outb(0xa0, 0x20));
        script.push(outb(0x20, 0x20));
      }
      script.push(outb(0xa0, 0x20), outb(0x20, 0x20), outb(0x20, 0x20));
    }
    await compare(script);
  });

  it('8259: ELCR', async () => {
    const script = [];
    for (const value of [0xff, 0x00, 0x55, 0xaa]) {
      script.push(outb(0x4d0, value), outb(0x4d1, value ^ 0xff), inb(0x4d0), inb(0x4d1));
    }
    await compare(script);
  });

  it('16550A: registers, interrupts and FIFOs in loopback', async () => {
    const { below, pick, byte } = random(16550);
    const COM1 = 0x3f8;
    // Loopback throughout. Deltas of the modem status don't follow MCR in QEMU: EDSSI stays off and MSR is not read whole.
    const script = [outb(COM1 + 3, 0x03), outb(COM1 + 4, 0x10)];
    const reads = (): number => script.filter((access) => access.op === 'inb').length;
    const fromReceiver = new Set<number>();
    for (let i = 0; i < ROUNDS; i++) {
      switch (below(9)) {
        case 0:
        case 1:
        case 2:
          script.push(outb(COM1, byte()));
          break;
        case 3:
          script.push(inb(COM1 + 5));
          fromReceiver.add(reads());
          script.push(inb(COM1));
          break;
        case 4:
          script.push(outb(COM1 + 1, below(8)));
          break;
        case 5:
          if (below(4) === 0) script.push(outb(COM1 + 2, pick([0x00, 0x01, 0x03, 0x05, 0x07, 0x41, 0x81, 0xc1])));
          break;
        case 6:
          script.push(outb(COM1 + 3, 0x83), outb(COM1, byte()), inb(COM1), outb(COM1 + 1, byte()), inb(COM1 + 1), outb(COM1 + 3, 0x03));
          break;
        case 7:
          script.push(outb(COM1 + 7, byte()), inb(COM1 + 7));
          break;
        case 8:
          script.push(outb(COM1 + 4, 0x10 | below(16)), inb(COM1 + 4));
          break;
      }
      script.push(inb(COM1 + 2), inb(COM1 + 5), inb(COM1 + 1), inb(COM1 + 3));
    }
    // What an empty receiver reads is open: ours repeats the last byte.
    await compare(script, (i, seen) => (fromReceiver.has(i) && (seen[i - 1] & 1) === 0 ? 0 : 0xff));
  });

  it('8042: what Linux’s i8042, atkbd and psmouse ask', async () => {
    // The self test first: QEMU shows the system flag in the status only from there.
    const script: Access[] = [outb(0x64, 0xaa), inb(0x60), outb(0x64, 0x60), outb(0x60, 0x47)];
    const drain = (n: number): void => {
      for (let i = 0; i < n; i++) script.push(inb(0x64), inb(0x60));
      script.push(inb(0x64));
    };
    const command = (value: number, answers: number): void => {
      script.push(outb(0x64, value));
      drain(answers);
    };
    const keyboard = (value: number, answers: number): void => {
      script.push(outb(0x60, value));
      drain(answers);
    };
    const mouse = (value: number, answers: number): void => {
      script.push(outb(0x64, 0xd4), outb(0x60, value));
      drain(answers);
    };
    command(0x20, 1);
    command(0xaa, 1);
    command(0xab, 1);
    command(0xa9, 1);
    for (const value of [0xad, 0xa7, 0xae, 0xa8]) {
      command(value, 0);
      command(0x20, 1);
    }
    script.push(outb(0x64, 0xd3), outb(0x60, 0xa5));
    drain(1);
    script.push(outb(0x64, 0xd2), outb(0x60, 0x5a));
    drain(1);
    for (const translated of [0x07, 0x47]) {
      script.push(outb(0x64, 0x60), outb(0x60, translated));
      keyboard(0xff, 2);
      keyboard(0xf2, 3);
      keyboard(0xed, 1);
      keyboard(0x05, 1);
      keyboard(0xf3, 1);
      keyboard(0x20, 1);
      keyboard(0xee, 1);
      keyboard(0xf5, 1);
      keyboard(0xf6, 1);
      keyboard(0xf4, 1);
      keyboard(0xf0, 1);
      keyboard(0x02, 1);
      keyboard(0xf0, 1);
      keyboard(0x00, 2);
    }
    mouse(0xff, 3);
    mouse(0xf2, 2);
    mouse(0xe8, 1);
    mouse(0x03, 1);
    mouse(0xe7, 1);
    mouse(0xe9, 4);
    mouse(0xe6, 1);
    for (const rate of [200, 100, 80]) {
      mouse(0xf3, 1);
      mouse(rate, 1);
    }
    mouse(0xf2, 2);
    mouse(0xf4, 1);
    mouse(0xe9, 4);
    mouse(0xf5, 1);
    mouse(0xf0, 1);
    mouse(0xe9, 4);
    mouse(0xea, 1);
    mouse(0xf6, 1);
    mouse(0xe9, 4);
    // Status bit 3, whether the last write was a command, never changes in QEMU; ours follows IBM.
    const read = script.filter((access) => access.op === 'inb');
    await compare(script, (i) => (read[i].port === 0x64 ? 0xf7 : 0xff));
  });

  it('RTC: setting the time in any format and reading it in any other', async () => {
    const { below, pick } = random(146818);
    const script: Access[] = [];
    const write = (register: number, value: number): number => script.push(outb(0x70, register), outb(0x71, value));
    const readTime = (): void => {
      for (const register of [0, 2, 4, 6, 7, 8, 9, 0x32]) script.push(outb(0x70, register), inb(0x71));
    };
    readTime();
    for (let i = 0; i < 300; i++) {
      const format = pick([0x00, 0x02, 0x04, 0x06]);
      const encode = (value: number): number => ((format & 4) !== 0 ? value : (Math.floor(value / 10) << 4) | value % 10);
      const date = new Date(Date.UTC(1980 + below(100), below(12), 1 + below(28), below(24), below(60), below(60)));
      const hour = date.getUTCHours();
      write(0x0b, 0x80 | format);
      write(0, encode(date.getUTCSeconds()));
      write(2, encode(date.getUTCMinutes()));
      write(4, (format & 2) !== 0 ? encode(hour) : encode(hour % 12 || 12) | (hour >= 12 ? 0x80 : 0));
      write(6, encode(date.getUTCDay() + 1));
      write(7, encode(date.getUTCDate()));
      write(8, encode(date.getUTCMonth() + 1));
      write(9, encode(date.getUTCFullYear() % 100));
      // QEMU keeps the century in the format of register B, PCs keep it in BCD whatever that says.
      const century = Math.floor(date.getUTCFullYear() / 100);
      write(0x32, (format & 4) !== 0 ? century : encode(century));
      write(0x0b, format);
      if ((format & 4) === 0) readTime();
    }
    await compare(script);
  });

  it('HPET: registers while halted', async () => {
    const { below, pick } = random(0x4e7);
    const HPET = 0xfed0_0000;
    const script: Access[] = [readl(HPET), readl(HPET + 4)];
    for (let i = 0; i < ROUNDS; i++) {
      const timer = HPET + 0x100 + 0x20 * below(3);
      switch (below(4)) {
        case 0: // edge triggered, no FSB, routed nowhere: what QEMU keeps of other bits is its own
          script.push(writel(timer, pick([0x00, 0x04, 0x08, 0x48, 0x4c, 0x100, 0x148])));
          break;
        case 1:
          script.push(writel(timer + 8, below(0x8000_0000) + 1));
          break;
        case 2:
          script.push(writel(HPET + 0xf0, below(2 ** 32 - 1)), writel(HPET + 0xf4, below(2 ** 32 - 1)));
          break;
      }
      script.push(readl(timer), readl(timer + 8), readl(HPET + 0xf0), readl(HPET + 0xf4), readl(HPET + 0x10));
    }
    await compare(script);
  });

  it('I/O APIC: registers', async () => {
    const { below } = random(82093);
    const IOAPIC = 0xfec0_0000;
    const script: Access[] = [];
    const read = (index: number): number => script.push(writel(IOAPIC, index), readl(IOAPIC + 0x10));
    for (let index = 0; index < 0x40; index++) if (index !== 2) read(index);
    for (let i = 0; i < ROUNDS; i++) {
      const pin = 5 + below(15); // nothing drives these
      script.push(writel(IOAPIC, 0x10 + 2 * pin), writel(IOAPIC + 0x10, below(0x2_0000)));
      read(0x10 + 2 * pin);
      script.push(writel(IOAPIC, 0x11 + 2 * pin), writel(IOAPIC + 0x10, below(256) * 0x100_0000));
      read(0x11 + 2 * pin);
      script.push(writel(IOAPIC, 0), writel(IOAPIC + 0x10, below(2 ** 32 - 1)));
      read(0);
    }
    await compare(script);
  });
});
