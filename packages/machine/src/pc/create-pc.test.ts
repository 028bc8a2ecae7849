import { FakeBlockBackend, FakeCharPort, FakeEthernetPort } from '@pckit/device-testing';
import type { AccessSize } from '@pckit/interfaces';
import { describe, expect, it } from 'vitest';
import type { MachineEvent } from '../events.js';
import { MachineError } from '../machine-error.js';
import {
  script,
  scriptedProcessor,
  type ScriptedInstruction,
  type ScriptedProgram,
} from '../testing/scripted-processor.js';
import { createPc, type Pc, type PcConfig } from './create-pc.js';

const { nop, out, store, halt, jump, enableInterrupts, returnFromInterrupt, breakpoint } = script;

function build(
  program: ScriptedProgram,
  config: Partial<PcConfig> = {},
): {
  pc: Pc;
  events: MachineEvent[];
  in: (port: number, size?: AccessSize) => number;
  out: (port: number, value: number, size?: AccessSize) => void;
} {
  const events: MachineEvent[] = [];
  const pc = createPc({
    memoryBytes: 4 << 20,
    processor: scriptedProcessor(program),
    time: { kind: 'deterministic' },
    observe: (event) => events.push(event),
    ...config,
  });
  pc.machine.powerOn();
  const { ports } = pc.machine;
  return {
    pc,
    events,
    in: (port, size = 1) => ports.read(port, size),
    out: (port, value, size = 1) => ports.write(port, value, size),
  };
}

const IDLE: ScriptedProgram = { code: [halt(), jump(0)] };

/** Initializes the 8259s as Linux does: vectors 30H and 38H, everything masked but `unmasked`. */
function initPics(unmasked: number): ScriptedInstruction[] {
  return [
    ...[0x11, 0x30, 0x04, 0x01].map((icw, i) => out(i === 0 ? 0x20 : 0x21, icw)),
    ...[0x11, 0x38, 0x02, 0x01].map((icw, i) => out(i === 0 ? 0xa0 : 0xa1, icw)),
    out(0x21, ~unmasked & 0xff),
    out(0xa1, (~unmasked >> 8) & 0xff),
  ];
}

describe('a PC', () => {
  it('has the ports of one', () => {
    const { in: read, out: write } = build(IDLE);
    // CMOS: 640 KiB, and 3 MiB above the first.
    const cmos = (register: number): number => {
      write(0x70, register);
      return read(0x71);
    };
    expect(cmos(0x15) + 256 * cmos(0x16)).toBe(640);
    expect(cmos(0x17) + 256 * cmos(0x18)).toBe(3 * 1024);
    expect([cmos(0x32), cmos(0x09), cmos(0x08), cmos(0x07)]).toEqual([0x20, 0x25, 0x01, 0x01]);
    // Two UARTs with a scratch register each; no third.
    for (const [base, there] of [
      [0x3f8, true],
      [0x2f8, true],
      [0x3e8, false],
    ] as const) {
      write(base + 7, 0x5a);
      expect(read(base + 7)).toBe(there ? 0x5a : 0xff);
    }
    expect(read(0xe9)).toBe(0xe9);
    expect(read(0x92)).toBe(0x02);
    // PCI: 440FX, PIIX3, its power management, an entropy device.
    const config = (device: number, fn: number, register: number): number => {
      write(0xcf8, 0x8000_0000 + device * 0x800 + fn * 0x100 + register, 4);
      return read(0xcfc, 4);
    };
    expect([config(0, 0, 0), config(1, 0, 0), config(1, 3, 0), config(3, 0, 0)].map((id) => id.toString(16))).toEqual([
      '12378086',
      '70008086',
      '71138086',
      '10051af4',
    ]);
    expect(config(4, 0, 0)).toBe(0xffff_ffff);
    // Firmware has placed the PM block and given the entropy device addresses.
    expect(config(1, 3, 0x40) & 0xffc0).toBe(0x600);
    expect(config(3, 0, 0x20) & 0xffff_fff0).not.toBe(0);
    const before = read(0x608, 4);
    expect(before).toBe(read(0x608, 4));
    expect([read(0x4d0), read(0x4d1)]).toEqual([0x00, 0x0e]);
  });

  it('has tables in memory: ACPI, MP and SMBIOS', () => {
    const { pc } = build(IDLE, { cpus: 2 });
    const text = (address: number, length: number): string =>
      String.fromCharCode(...pc.machine.ram.copy(address, length));
    expect(text(0xe0000, 8)).toBe('RSD PTR ');
    expect(text(0xf0000, 4)).toBe('_MP_');
    expect(text(0xf4000, 4)).toBe('_SM_');
    const xsdt = pc.machine.ram.readAddress(0xe0018);
    expect(text(xsdt, 4)).toBe('XSDT');
    expect(xsdt).toBeGreaterThan(4 * 2 ** 20 - 65536);
  });

  it('interrupts through the 8259s: the timer', async () => {
    const ticks: number[] = [];
    const setUp = initPics(0x0001);
    const { pc } = build({
      code: [
        ...setUp,
        out(0x43, 0x34),
        out(0x40, 0x00),
        out(0x40, 0x10), // 4096 / 1.193182 MHz = 3.43 ms
        enableInterrupts(),
        halt(),
        jump(setUp.length + 4),
        (cpu) => void ticks.push(Number(cpu.instructions)),
        out(0x20, 0x20),
        returnFromInterrupt(),
      ],
      vectors: { 0x30: setUp.length + 6 },
    });
    await pc.machine.run({ untilInstructions: 100 });
    expect(ticks.length).toBeGreaterThan(5);
    // Halted in between: time passed without instructions. The first is OUT going high with the control word.
    const period = (4096 / 1.193182) * 1000;
    expect(pc.machine.clock.now()).toBeGreaterThan((ticks.length - 1) * period);
    expect(pc.machine.clock.now()).toBeLessThan(ticks.length * period);
  });

  it('interrupts through the I/O APIC and local APICs, whose page each processor sees for itself', async () => {
    const seen: string[] = [];
    const APIC = 0xfee0_0000;
    const { pc } = build(
      {
        code: [
          store(APIC + 0xf0, 0x1ff), // software enable
          (cpu) => {
            seen.push(
              `id${cpu.bus.readMemory(APIC + 0x20, 4) >>> 24} on cpu${cpu.index}, byte ${cpu.bus.readMemory(
                APIC + 0x23,
                1,
              )}`,
            );
            if (cpu.index === 1) cpu.jump(10);
          },
          // I/O APIC pin 4 to APIC 1, vector 41H, edge.
          store(0xfec0_0000, 0x19),
          store(0xfec0_0010, 0x0100_0000),
          store(0xfec0_0000, 0x18),
          store(0xfec0_0010, 0x41),
          // INIT, then start-up at 8000H, to APIC 1.
          store(APIC + 0x310, 0x0100_0000),
          store(APIC + 0x300, 0x4500),
          store(APIC + 0x300, 0x4608),
          jump(10),
          enableInterrupts(),
          halt(),
          jump(11),
          (cpu) => void seen.push(`interrupt on cpu${cpu.index}`),
          breakpoint(),
        ],
        vectors: { 0x41: 13 },
        startUp: { 8: 0 },
      },
      { cpus: 2, serial: [new FakeCharPort()] },
    );
    const ready = setInterval(() => {
      // An edge that comes before both processors have set up their part would be lost.
      if (seen.length < 2) return;
      clearInterval(ready);
      // OUT2 and the receive interrupt on, and a byte that nobody sent: loopback would do, but the line is what counts.
      pc.machine.ports.write(0x3f8 + 4, 0x08, 1);
      pc.machine.ports.write(0x3f8 + 1, 0x02, 1); // THR empty
      pc.machine.door.post('power-button', null); // wakes the loop
    }, 1);
    expect(await pc.machine.run()).toMatchObject({ reason: 'breakpoint', vcpu: 1 });
    expect(seen).toEqual(['id0 on cpu0, byte 0', 'id1 on cpu1, byte 1', 'interrupt on cpu1']);
  });

  it('moves the local APIC page where IA32_APIC_BASE says, and hides it in x2APIC mode', () => {
    const { pc } = build(IDLE);
    const bus = pc.machine.vcpus[0] as unknown as {
      bus: {
        readMemory(address: number, size: AccessSize): number;
        readMemory64(address: number): bigint;
        writeMemory(address: number, value: number, size: AccessSize): void;
      };
    };
    const [apic] = pc.chips.localApics;
    const version = bus.bus.readMemory(0xfee0_0030, 4);
    expect(version & 0xff).toBe(0x14);
    expect(bus.bus.readMemory64(0xfee0_0030)).toBe(
      BigInt(version) | (BigInt(bus.bus.readMemory(0xfee0_0034, 4)) << 32n),
    );
    apic.writeMsr(0x1b, 0xd000_0900n);
    expect(bus.bus.readMemory(0xfee0_0030, 4)).toBe(0xffff_ffff);
    expect(bus.bus.readMemory(0xd000_0030, 4)).toBe(version);
    apic.writeMsr(0x1b, 0xfee0_0d00n);
    expect(bus.bus.readMemory(0xfee0_0030, 4)).toBe(0xffff_ffff);
  });

  it('types into a UART through the door, as fast as it takes bytes', async () => {
    const host = new FakeCharPort();
    const received: number[] = [];
    const setUp = initPics(0x0010);
    const { pc } = build(
      {
        code: [
          ...setUp,
          out(0x3fa, 0x01), // FIFO on
          out(0x3fc, 0x0a), // RTS: the host may type; OUT2
          out(0x3f9, 0x01), // received data available
          enableInterrupts(),
          halt(),
          jump(setUp.length + 4),
          // Reads what there is.
          (cpu) => {
            while ((cpu.bus.readPort(0x3fd, 1) & 1) !== 0) {
              const byte = cpu.bus.readPort(0x3f8, 1);
              received.push(byte);
              cpu.bus.writePort(0x3f8, byte, 1);
            }
          },
          out(0x20, 0x20),
          (cpu) => {
            if (received.at(-1) === 10) cpu.breakpoint();
          },
          returnFromInterrupt(),
        ],
        vectors: { 0x34: setUp.length + 6 },
      },
      { serial: [host] },
    );
    const text = `${'echo all work and no play; '.repeat(300)}\n`;
    setTimeout(() => host.type(text), 2);
    expect(await pc.machine.run()).toMatchObject({ reason: 'breakpoint' });
    expect(String.fromCharCode(...received)).toBe(text);
    expect(host.text).toBe(text);
    expect(host.waiting).toBe(0);
  });

  it('resets by port CF9H, the keyboard controller and port 92H, and powers off by ACPI', async () => {
    for (const [code, cause] of [
      [[out(0xcf9, 0x02), out(0xcf9, 0x06)], 'port-cf9'],
      [[out(0x64, 0xfe)], 'keyboard-controller'],
      [[out(0x92, 0x01)], 'port-92'],
    ] as const) {
      const { pc } = build({ code: [...code, nop(), nop()] }, { onReset: 'stop' });
      pc.machine.ram.writeU8(0x5000, 1);
      expect(await pc.machine.run()).toEqual({ reason: 'reset', cause, instructions: code.length });
      // A warm reset leaves RAM.
      expect(pc.machine.ram.readU8(0x5000)).toBe(1);
    }
    const { pc } = build({ code: [out(0xcf9, 0x0a), out(0xcf9, 0x0e)] }, { onReset: 'stop' });
    pc.machine.ram.writeU8(0x5000, 1);
    expect(await pc.machine.run()).toMatchObject({ reason: 'reset' });
    expect(pc.machine.ram.readU8(0x5000)).toBe(0);
    // SLP_EN with the type of S5.
    const off = build({ code: [out(0x604, 0x2000, 2), nop()] });
    expect(await off.pc.machine.run()).toEqual({ reason: 'power-off', instructions: 1 });
  });

  it('ends the run by debug exit, tells of POST codes, and writes the debug console', async () => {
    const written: number[] = [];
    const { pc, events } = build(
      { code: [out(0x80, 0x42), out(0xe9, 0x41), out(0xf4, 3)] },
      { debugConsole: { write: (byte) => written.push(byte) } },
    );
    expect(await pc.machine.run()).toEqual({ reason: 'debug-exit', value: 3, instructions: 3 });
    expect(written).toEqual([0x41]);
    expect(events.map(({ kind }) => kind)).toEqual(['reset', 'post-code', 'debug-exit']);
  });

  it('takes keys, mouse, power button and break through the door', async () => {
    const { pc, in: read } = build({ code: [enableInterrupts(), halt(), jump(1)] });
    pc.key('KeyA', true);
    pc.pressPowerButton();
    pc.sendBreak(0);
    await pc.machine.run({ untilInstructions: 2 });
    // Set 1 make code of A, translated.
    expect(read(0x60)).toBe(0x1e);
    expect(read(0x600, 2) & 0x100).toBe(0x100);
    expect(read(0x3fd) & 0x10).toBe(0x10);
    expect(() => pc.sendBreak(7)).toThrow('there is no COM8');
  });

  it('plugs disks and cards into slots, and refuses what does not fit', () => {
    const disks = Array.from({ length: 3 }, () => ({ backend: new FakeBlockBackend(1 << 20) }));
    const { pc, in: read, out: write } = build(IDLE, { disks });
    expect(pc.disks.map(({ name }) => name)).toEqual(['disk0', 'disk1', 'disk2']);
    for (let slot = 4; slot <= 6; slot++) {
      write(0xcf8, 0x8000_0000 + slot * 0x800, 4);
      expect(read(0xcfc, 4)).toBe(0x1001_1af4);
    }
    expect(() => createPc({ memoryBytes: 1 << 20 })).toThrow(MachineError);
    expect(() => build(IDLE, { serial: [null, null, null, null, null] })).toThrow('5 serial ports; a PC has at most 4');
  });

  it('has its network cards first, from slot 3, or in the slots that they ask for', () => {
    const port = new FakeEthernetPort();
    const e1000 = { port, model: 'e1000' } as const;
    const cards = (config: Partial<PcConfig>): Record<number, string> => {
      const { pc } = build(IDLE, { disks: [{ backend: new FakeBlockBackend(1 << 20) }], ...config });
      const occupied = pc.chips.pci.occupied().filter(({ device }) => device > 1);
      return Object.fromEntries(occupied.map(({ device }) => [device, pc.chips.pci.readConfig(device, 0, 0, 4).toString(16)]));
    };
    const [intel, net, rng, disk] = ['100e8086', '10001af4', '10051af4', '10011af4'];
    expect(cards({})).toEqual({ 3: rng, 4: disk });
    expect(cards({ nics: [e1000] })).toEqual({ 3: intel, 4: rng, 5: disk });
    expect(cards({ nics: [{ port }, e1000], rng: false })).toEqual({ 3: net, 4: intel, 5: disk });
    expect(cards({ nics: [{ port }, { ...e1000, slot: 3 }, { port, slot: 2 }, { ...e1000, slot: 31 }] })).toEqual({ 2: net, 3: intel, 4: net, 5: rng, 6: disk, 31: intel });
    for (const slot of [1, 32, 2.5]) expect(() => cards({ nics: [{ port, slot }] })).toThrow(`PCI slot ${slot} takes no card; 2 to 31 do`);
    expect(() => cards({ nics: [{ port, slot: 3 }, { port, slot: 3 }] })).toThrow(/PCI slot 3 is taken by nic0/);
    expect(() => cards({ nics: Array.from({ length: 30 }, () => ({ port })) })).toThrow('no PCI slot is left');
  });

  it('has an IDE function when disks are attached to it, at the ports and interrupts of a PC/AT', async () => {
    const backend = (): FakeBlockBackend => new FakeBlockBackend(1 << 20);
    const disks = [
      { backend: backend(), interface: 'ide', unit: 2, cdrom: true },
      { backend: backend(), interface: 'ide' },
      { backend: backend() },
    ] as const;
    const { pc, in: read, out: write } = build({ code: [...initPics(0xc004), halt(), jump(8)] }, { disks });
    await pc.machine.run({ untilInstructions: 100 });
    expect(pc.disks.map(({ name }) => name)).toEqual(['disk2']);
    write(0xcf8, 0x8000_0900, 4);
    expect(read(0xcfc, 4)).toBe(0x7010_8086);
    // IDLE IMMEDIATE: IRQ 14, which a read of the status ends.
    expect([read(0x1f7), read(0x177)]).toEqual([0x50, 0]);
    write(0x1f7, 0xe1);
    write(0xa0, 0x0a);
    expect(read(0xa0) & 0x40).toBe(0x40);
    read(0x1f7);
    write(0x376, 4);
    write(0x376, 0);
    expect([read(0x174), read(0x175)]).toEqual([0x14, 0xeb]);
    const at = (unit: number): (() => unknown) => () => build(IDLE, { disks: [disks[1], { ...disks[0], unit }] });
    expect(at(4)).toThrow('disk1: there is no ide unit 4; there are 0 to 3');
    expect(() => build(IDLE, { disks: [disks[0], { ...disks[1], unit: 2 }] })).toThrow('disk1: ide unit 2 is taken by disk0');
    expect(() => build(IDLE, { disks: [{ backend: backend(), cdrom: true }] })).toThrow('a CD-ROM is attached to ide or ahci');
    expect(() => build(IDLE, { disks: Array.from({ length: 5 }, () => ({ backend: backend(), interface: 'ide' as const })) })).toThrow('disk4: there is no ide unit 4');
  });

  it('has an AHCI controller when disks are attached to it', () => {
    const { in: read, out: write, pc } = build(IDLE, { disks: [{ backend: new FakeBlockBackend(1 << 20), interface: 'ahci', unit: 2 }] });
    write(0xcf8, 0x8000_2000, 4);
    expect(read(0xcfc, 4)).toBe(0x2922_8086);
    write(0xcf8, 0x8000_2024, 4);
    const abar = read(0xcfc, 4);
    expect([pc.machine.memory.read(abar + 0x0c, 4), pc.machine.memory.read(abar + 0x224, 4)]).toEqual([4, 0x101]);
  });

  it('restores into a PC built the same way, wires and all', async () => {
    const host = new FakeCharPort();
    const setUp = initPics(0x0011);
    const program: ScriptedProgram = {
      code: [
        ...setUp,
        out(0x43, 0x34),
        out(0x40, 0x77),
        out(0x40, 0x01),
        out(0x3fc, 0x08),
        out(0x3f9, 0x03),
        enableInterrupts(),
        nop(),
        jump(setUp.length + 6),
        out(0x3f8, 0x55),
        out(0x20, 0x20),
        returnFromInterrupt(),
      ],
      vectors: { 0x30: setUp.length + 8, 0x34: setUp.length + 9 },
    };
    const config = { serial: [host], disks: [{ backend: new FakeBlockBackend(1 << 20) }] };
    const whole = build(program, config).pc;
    await whole.machine.run({ untilInstructions: 2_000_000 });
    for (const at of [0, 10, 777_777]) {
      const first = build(program, config).pc;
      await first.machine.run({ untilInstructions: at });
      const second = createPc({
        memoryBytes: 4 << 20,
        processor: scriptedProcessor(program),
        time: { kind: 'deterministic' },
        ...config,
      });
      second.machine.restore(structuredClone(first.machine.snapshot()));
      expect(second.machine.stateHash()).toBe(first.machine.stateHash());
      await second.machine.run({ untilInstructions: 2_000_000 });
      expect(second.machine.snapshotWithoutRam()).toEqual(whole.machine.snapshotWithoutRam());
      expect(second.machine.stateHash()).toBe(whole.machine.stateHash());
    }
  });
});
