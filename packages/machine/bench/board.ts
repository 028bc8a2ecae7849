// node --conditions=@pckit/source --import tsx packages/machine/bench/board.ts
import { AddressSpaceMap, createPc, VirtualClock, type Pc } from '@pckit/machine';

/** Nanoseconds of one call, the median of several runs. */
function time(name: string, calls: number, run: (calls: number) => void): void {
  const runs = Array.from({ length: 9 }, () => {
    const from = performance.now();
    run(calls);
    return ((performance.now() - from) * 1e6) / calls;
  }).sort((a, b) => a - b);
  console.log(`${name.padEnd(50)} ${runs[4].toFixed(1).padStart(10)} ns`);
}

const ports = new AddressSpaceMap('port', 65536);
for (let base = 0; base < 0x4000; base += 0x100) {
  ports.map(base, {
    name: `r${base}`,
    length: 8,
    accepts: [1],
    handler: { read: (offset) => offset, write: () => undefined },
  });
}
let sink = 0;
time('port read, same region as before', 2e6, (calls) => {
  for (let i = 0; i < calls; i++) sink += ports.read(0x1004, 1);
});
time('port read, another region of 64', 2e6, (calls) => {
  for (let i = 0; i < calls; i++) sink += ports.read(((i * 37) & 63) << 8, 1);
});
time('port read, nobody there', 2e6, (calls) => {
  for (let i = 0; i < calls; i++) sink += ports.read(0x80f0, 1);
});

const clock = new VirtualClock();
const timers = Array.from({ length: 12 }, (_, i) => clock.timer(`t${i}`, () => undefined));
timers.forEach((timer, i) => timer.arm(1e15 + i));
time('timer armed again, 12 armed', 1e6, (calls) => {
  for (let i = 0; i < calls; i++) timers[3].arm(1e15 + ((i * 7) & 15));
});

// inc dword [500h]; jmp: busy code, cut into runs of the given length.
const code = Uint8Array.of(0x66, 0xff, 0x06, 0x00, 0x05, 0xeb, 0xf9);
const pc: Pc = createPc({
  memoryBytes: 2 ** 31,
  time: { kind: 'deterministic' },
  boot: { kernel: code, flat: { address: 0x7c00, mode: 'real16' } },
});
pc.machine.powerOn();
const periodic = pc.machine.clock.timer('bench', (now) => periodic.arm(now + period));
let period = 1e6;
for (const each of [1_000_000, 100]) {
  period = each;
  periodic.arm(pc.machine.clock.now() + each);
  const from = performance.now();
  const before = pc.machine.instructions;
  await pc.machine.run({ untilInstructions: before + 10_000_000 });
  const nanoseconds = ((performance.now() - from) * 1e6) / ((pc.machine.instructions - before) / each);
  console.log(`${`run of ${each} instructions and a timer`.padEnd(50)} ${nanoseconds.toFixed(0).padStart(10)} ns`);
}
for (let address = 1 << 20; address < 1 << 28; address += 4096) pc.machine.ram.writeU32(address, address);
time('state hash, 2 GiB RAM, 256 MiB of it used', 1, () => void pc.machine.stateHash());
time('snapshot, the same', 1, () => void pc.machine.snapshot());
if (sink === -1) console.log(sink);
