import { GdbSession } from '@pckit/gdbstub';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPc, createPcTarget, type KernelImage, type Pc, type PcTarget, x86Processor } from '../index.js';

// again: inc ax; inc word [7e00h]; out 80h,al; jmp again, in real mode; twenty bytes on: sti; hlt; jmp $-2
const LOOP = [0x40, 0xff, 0x06, 0x00, 0x7e, 0xe6, 0x80, 0xeb, 0xf7];
const AT = 0x7c00;

function machine(cpus = 1): Pc {
  const pc = createPc({
    memoryBytes: 4 << 20,
    cpus,
    time: { kind: 'deterministic' },
    boot: { kernel: Uint8Array.from(LOOP), flat: { address: AT, mode: 'real16' } },
  });
  pc.machine.powerOn();
  return pc;
}

/** Processor 0 starts processor 1; then both go round, in two instructions. */
function twoRunning(): Pc {
  // mov dword [0fee00300h],0c4500h: INIT to all others; mov dword [0fee00300h],0c4608h: start-up at 8000h; inc eax; jmp $-1; at 8000h: inc ax; jmp $-1
  const start = [0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x00, 0x45, 0x0c, 0x00, 0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x08, 0x46, 0x0c, 0x00, 0x40, 0xeb, 0xfd];
  const kernel = new Uint8Array(0x8000 - AT + 3);
  kernel.set(start);
  kernel.set([0x40, 0xeb, 0xfd], 0x8000 - AT);
  const pc = createPc({ memoryBytes: 4 << 20, cpus: 2, time: { kind: 'real' }, boot: { kernel, flat: { address: AT, mode: 'protected32' } } });
  pc.machine.powerOn();
  return pc;
}

/** A debugger on a machine that runs by itself. */
class Debugger {
  readonly target: PcTarget;
  readonly session: GdbSession;
  #replies: string[] = [];
  #waiting: ((reply: string) => void) | undefined;

  constructor(readonly pc: Pc, image?: KernelImage) {
    this.target = createPcTarget(pc, { image });
    this.session = new GdbSession(this.target, {
      send: (bytes) => {
        const text = String.fromCharCode(...bytes);
        for (const [, payload] of text.matchAll(/[$%]([^#]*)#../g)) {
          if (this.#waiting === undefined) this.#replies.push(payload);
          else this.#waiting(payload);
          this.#waiting = undefined;
        }
      },
    });
  }

  next(): Promise<string> {
    const first = this.#replies.shift();
    return first === undefined ? new Promise((done) => (this.#waiting = done)) : Promise.resolve(first);
  }

  ask(payload: string): Promise<string> {
    const sum = [...payload].reduce((total, character) => total + character.charCodeAt(0), 0) & 0xff;
    this.session.receive(new TextEncoder().encode(`$${payload}#${sum.toString(16).padStart(2, '0')}`));
    return this.next();
  }

  async monitor(command: string): Promise<string> {
    const hex = [...new TextEncoder().encode(command)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const reply = (await this.ask(`qRcmd,${hex}`)).match(/../g) ?? [];
    return String.fromCharCode(...reply.map((digits) => parseInt(digits, 16)));
  }

  get rip(): number {
    return Number(this.pc.machine.processorDebug?.readRegister(0, 'rip'));
  }
}

describe('a debugger on a PC', () => {
  let pc: Pc;
  let gdb: Debugger;
  let run: Promise<unknown>;
  beforeAll(() => {
    pc = machine();
    // Held before its first instruction.
    pc.machine.control.hold(() => undefined);
    run = pc.machine.run();
    gdb = new Debugger(pc);
  });

  it('finds it at its first instruction, and steps', async () => {
    expect(await gdb.ask('?')).toMatch(/^T05/);
    expect([gdb.rip, pc.machine.instructions]).toEqual([AT, 0]);
    expect(await gdb.ask('vCont;s:1')).toMatch(/^T05/);
    expect([gdb.rip, pc.machine.instructions]).toEqual([AT + 1, 1]);
    // To the end of the loop.
    expect(await gdb.ask(`vCont;r${(AT + 1).toString(16)},${(AT + 7).toString(16)}:1`)).toMatch(/^T05/);
    expect([gdb.rip, pc.machine.instructions]).toEqual([AT + 7, 3]);
  });

  it('stops at breakpoints, and by condition', async () => {
    await gdb.ask(`Z0,${AT.toString(16)},1`);
    expect(await gdb.ask('vCont;c')).toMatch(/^T05/);
    expect([gdb.rip, pc.machine.instructions]).toEqual([AT, 4]);
    await gdb.ask(`z0,${AT.toString(16)},1`);
    // rax == 1000, asked 999 times; the loop has four instructions.
    await gdb.ask(`Z1,${(AT + 1).toString(16)},1;X8,2600002303e81327`);
    expect(await gdb.ask('vCont;c')).toMatch(/^T05/);
    expect(pc.machine.instructions).toBe(4 * 999 + 1);
    await gdb.ask(`z1,${(AT + 1).toString(16)},1`);
  });

  it('stops after a write to what is watched, and says where', async () => {
    await gdb.ask('Z2,7e01,1');
    expect(await gdb.ask('vCont;c')).toContain('watch:7e01;');
    expect(gdb.rip).toBe(AT + 5);
    await gdb.ask('z2,7e01,1');
  });

  it('reads and writes memory and registers', async () => {
    expect(await gdb.ask(`m${AT.toString(16)},4`)).toBe('40ff0600');
    expect(await gdb.ask('M7e00,2:3412')).toBe('OK');
    expect(await gdb.ask('m7e00,2')).toBe('3412');
    // The stub at FFFFFFF0H is not there, nor anything behind the end of RAM.
    expect(await gdb.ask('m400000,1')).toBe('E0e');
    expect(await gdb.ask('P0=7800000000000000')).toBe('OK');
    expect(await gdb.ask('p0')).toBe('7800000000000000');
    expect(await gdb.ask('P12=00100000')).toBe('OK');
    expect(await gdb.ask('p12')).toBe('00100000');
    expect(pc.machine.processorDebug?.readRegister(0, 'cs_base')).toBe(0x10000n);
    await gdb.ask('P12=00000000');
  });

  it('has no time pass while it stands', async () => {
    const before = [pc.machine.clock.now(), pc.machine.instructions];
    await new Promise((done) => setTimeout(done, 20));
    expect([pc.machine.clock.now(), pc.machine.instructions]).toEqual(before);
  });

  it('stops for Ctrl-C', async () => {
    const reply = gdb.ask('vCont;c');
    await new Promise((done) => setTimeout(done, 5));
    gdb.session.receive(Uint8Array.of(3));
    expect(await reply).toMatch(/^T02/);
  });

  it('answers monitor commands', async () => {
    expect(await gdb.monitor('info registers')).toMatch(/CPU#0, 16-bit code, running\n0000:7c0/);
    expect(await gdb.monitor('xp 0x7c00 2')).toMatch(/^000000007c00 {2}40 ff /);
    expect(await gdb.monitor('gva2gpa 0x7c00')).toMatch(/^0x7c00, /);
    expect(await gdb.monitor('gva2gpa 0x100000000')).toMatch(/^not mapped/);
    expect(await gdb.monitor('info mem')).toContain('0000000000000000-0000000100000000');
    expect(await gdb.monitor('info pci')).toContain('00:00.0 class 0600 8086:1237');
    for (const what of ['tlb', 'irq', 'lapic', 'ioapic', 'devices', 'rtc']) expect(await gdb.monitor(`info ${what}`), what).not.toMatch(/^there is no|usage/);
    expect(await gdb.monitor('kaslr')).toMatch(/not known yet/);
    expect(await gdb.monitor('help')).toContain('stop-at');
    expect(await gdb.monitor('nonsense')).toContain('no command');
    expect(await gdb.monitor('step-irqs on')).toContain('take interrupts');
    expect(await gdb.monitor('step-irqs off')).toContain('no interrupts');
  });

  it('breaks at a physical address', async () => {
    expect(await gdb.monitor(`break-physical ${AT + 5}`)).toContain('on');
    await gdb.ask('qSupported:swbreak+;hwbreak+');
    // The debugger has no breakpoint there, so it is told of none, and it doesn't step off: going on passes it.
    for (const turn of [0, 1, 2]) {
      const before = pc.machine.instructions;
      const stop = await gdb.ask('vCont;c');
      expect(stop).toMatch(/^T05/);
      expect(stop).not.toContain('break');
      expect(gdb.rip).toBe(AT + 5);
      if (turn > 0) expect(pc.machine.instructions - before).toBe(4);
    }
    expect(await gdb.monitor(`break-physical ${AT + 5} off`)).toContain('off');
  });

  it('goes back to a snapshot, and on from there the same way', async () => {
    await gdb.monitor('snapshot save here');
    const at = pc.machine.instructions;
    for (let k = 0; k < 3; k++) await gdb.ask('vCont;s:1');
    const [rip, rax] = [gdb.rip, await gdb.ask('p0')];
    expect(await gdb.monitor('snapshot load here')).toContain(`at ${at} instructions`);
    expect(pc.machine.instructions).toBe(at);
    for (let k = 0; k < 3; k++) await gdb.ask('vCont;s:1');
    expect([gdb.rip, await gdb.ask('p0')]).toEqual([rip, rax]);
    expect(await gdb.monitor('snapshot load there')).toContain('there is no snapshot there');
  });

  it('lets it go, and comes back to it', async () => {
    await gdb.ask(`Z0,${AT.toString(16)},1`);
    const before = pc.machine.instructions;
    expect(await gdb.ask('D')).toBe('OK');
    await new Promise((done) => setTimeout(done, 20));
    gdb = new Debugger(pc);
    expect(await gdb.ask('?')).toMatch(/^T05/);
    expect(pc.machine.instructions).toBeGreaterThan(before + 1000);
    // The breakpoint went with the first.
    await gdb.ask('vCont;s:1');
    gdb.session.disconnect();
    pc.machine.stop();
    expect(await run).toMatchObject({ reason: 'stopped' });
  });
});

it('a breakpoint in a kernel that executes where it was loaded, and not yet where it was linked to, stops there', async () => {
  const pc = machine();
  pc.machine.control.hold(() => undefined);
  const run = pc.machine.run();
  const textBase = 0xffffffff80000000n + BigInt(AT);
  const image = { textBase, textEnd: textBase + 9n, address: () => undefined, nearest: () => undefined, bytes: () => undefined };
  const gdb = new Debugger(pc, image);
  expect(await gdb.ask(`Z0,${(textBase + 7n).toString(16)},1`)).toBe('OK');
  for (const instructions of [3, 7]) {
    expect(await gdb.ask('vCont;c')).toMatch(/^T05/);
    expect([gdb.rip, pc.machine.instructions]).toEqual([AT + 7, instructions]);
  }
  expect(await gdb.ask(`z0,${(textBase + 7n).toString(16)},1`)).toBe('OK');
  const reply = gdb.ask('vCont;c');
  gdb.session.receive(Uint8Array.of(3));
  expect(await reply).toMatch(/^T02/);
  pc.machine.stop();
  await run;
});

it('goes on to long mode', async () => {
  // Page tables of one gigabyte at 10000h; CR4.PAE; EFER.LME; CR0.PG; jmp $
  const code = 'c7050000010003100100c7050010010083000000b8000001000f22d80f20e083c8200f22e0b9800000c00f320d000100000f300f20c00d000000800f22c0ebfe';
  const kernel = Uint8Array.from(code.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  const pc = createPc({ memoryBytes: 4 << 20, time: { kind: 'deterministic' }, boot: { kernel, flat: { address: AT, mode: 'protected32' } } });
  pc.machine.powerOn();
  pc.machine.control.hold(() => undefined);
  const run = pc.machine.run();
  const gdb = new Debugger(pc);
  const end = AT + kernel.length - 2;
  expect(await gdb.monitor('stop-at longmode')).toBe(`CPU#0 at 0x${end.toString(16)}\n`);
  expect(pc.machine.instructions).toBe(14);
  expect(await gdb.monitor('stop-at longmode')).toBe('CPU#0 is in long mode already\n');
  pc.machine.stop();
  await run;
});

describe('several processors', () => {
  it('are threads', async () => {
    const pc = machine(2);
    pc.machine.control.hold(() => undefined);
    const gdb = new Debugger(pc);
    expect(await gdb.ask('qXfer:threads:read::0,400')).toMatch(/<thread id="2" core="1" name="CPU[^"]*1">not started<.thread>/);
  });

  it('one steps while the other runs, in non-stop mode', async () => {
    const pc = twoRunning();
    pc.machine.control.hold(() => undefined);
    const run = pc.machine.run();
    const gdb = new Debugger(pc);
    expect(await gdb.ask('QNonStop:1')).toBe('OK');
    expect(await gdb.ask('?')).toMatch(/^T00.*thread:1;/);
    expect(await gdb.ask('vStopped')).toBe('OK');
    // The one that had not been started.
    expect(await gdb.next()).toMatch(/^Stop:T00.*thread:2;/);
    expect(await gdb.ask('vStopped')).toBe('OK');

    expect(await gdb.ask('vCont;c')).toBe('OK');
    await new Promise((done) => setTimeout(done, 50));
    expect(await gdb.ask('vCont;t:2')).toMatch(/^Stop:T00.*thread:2;/);
    expect(await gdb.next()).toBe('OK');
    expect(await gdb.ask('vStopped')).toBe('OK');
    const rips = new Set<string>();
    for (let k = 0; k < 20; k++) {
      const [first, second] = pc.machine.vcpus.map(({ instructions }) => instructions);
      expect(await gdb.ask('vCont;s:2')).toBe('OK');
      expect(await gdb.next()).toMatch(/^Stop:T05.*thread:2;/);
      expect(await gdb.ask('vStopped')).toBe('OK');
      expect(pc.machine.vcpus[1].instructions - second).toBe(1n);
      await new Promise((done) => setTimeout(done, 2));
      expect(pc.machine.vcpus[0].instructions).toBeGreaterThan(first);
      rips.add((await gdb.ask('Hg2'), await gdb.ask('p10')));
    }
    expect(rips.size).toBe(2);
    gdb.session.disconnect();
    pc.machine.stop();
    await run;
  });

  it.each(['deterministic', 'real'] as const)('one steps while the other waits to be started, in %s time', async (kind) => {
    const pc = createPc({ memoryBytes: 4 << 20, cpus: 2, time: { kind }, boot: { kernel: Uint8Array.from(LOOP), flat: { address: AT, mode: 'real16' } } });
    pc.machine.powerOn();
    pc.machine.control.hold(() => undefined);
    const run = pc.machine.run();
    const gdb = new Debugger(pc);
    await gdb.ask('QNonStop:1');
    expect(await gdb.ask('vCont;c:2')).toBe('OK');
    await new Promise((done) => setTimeout(done, 20));
    for (let k = 1; k <= 5; k++) {
      expect(await gdb.ask('vCont;s:1')).toBe('OK');
      expect(await gdb.next()).toMatch(/^Stop:T05.*thread:1;/);
      expect(await gdb.ask('vStopped')).toBe('OK');
      expect(pc.machine.instructions).toBe(k);
      await new Promise((done) => setTimeout(done, 5));
    }
    gdb.session.disconnect();
    pc.machine.stop();
    await run;
  });

  it('stand and run apart', async () => {
    const { machine: board } = machine(2);
    board.control.hold(() => undefined);
    const run = board.run();
    const stops: unknown[] = [];
    const stopped = new Promise<void>((done) => {
      board.control.resumeApart(new Map([[0, { kind: 'step' }]]), (stop) => {
        stops.push(stop);
        done();
      });
    });
    await stopped;
    expect([stops, board.instructions, board.control.holding]).toEqual([[{ reason: 'step', vcpu: 0 }], 1, true]);
    board.stop();
    expect(await run).toMatchObject({ reason: 'stopped' });
  });
});

describe('determinism', () => {
  it('breakpoints that don’t stop change nothing', async () => {
    const end = async (debugged: boolean): Promise<string> => {
      const pc = machine();
      if (debugged) {
        for (let at = AT; at < AT + 9; at++) pc.machine.processorDebug?.insert({ space: 'linear', address: BigInt(at), stops: () => false });
        pc.machine.processorDebug?.insert({ address: 0x7e00n, length: 2, kind: 'access', stops: () => false });
      }
      await pc.machine.run({ untilInstructions: 20_000 });
      return pc.machine.stateHash();
    };
    expect(await end(true)).toBe(await end(false));
  });
});

it('the description has AVX registers when the model has them', async () => {
  for (const model of ['x86-64-v2', 'x86-64-v3']) {
    const pc = createPc({ memoryBytes: 4 << 20, processor: x86Processor({ model }), boot: { kernel: Uint8Array.from(LOOP), flat: { address: AT, mode: 'real16' } } });
    pc.machine.powerOn();
    const gdb = new Debugger(pc);
    const number = gdb.target.architecture.registers.findIndex(({ name }) => name === 'ymm3h');
    expect(number >= 0).toBe(model === 'x86-64-v3');
    expect((await gdb.ask('qXfer:features:read:target.xml:0,ffff')).includes('org.gnu.gdb.i386.avx')).toBe(model === 'x86-64-v3');
    if (number < 0) continue;
    const value = '00112233445566778899aabbccddeeff';
    expect(await gdb.ask(`P${number.toString(16)}=${value}`)).toBe('OK');
    expect(await gdb.ask(`p${number.toString(16)}`)).toBe(value);
    expect(await gdb.ask('g')).toContain(value);
  }
});

it('a triple fault is shown before it resets the machine', async () => {
  // lidt [7e00h]: no vectors; int3
  const pc = createPc({ memoryBytes: 4 << 20, time: { kind: 'deterministic' }, onReset: 'stop', boot: { kernel: Uint8Array.of(0x0f, 0x01, 0x1e, 0x00, 0x7e, 0xcc), flat: { address: AT, mode: 'real16' } } });
  pc.machine.powerOn();
  pc.machine.control.hold(() => undefined);
  const run = pc.machine.run();
  const gdb = new Debugger(pc);
  expect(await gdb.ask('?')).toMatch(/^T05/);
  expect(await gdb.ask('vCont;c')).toMatch(/^T0b/);
  expect(gdb.rip).toBe(AT + 5);
  void gdb.ask('vCont;c');
  expect(await run).toMatchObject({ reason: 'reset', cause: 'triple-fault' });
});
