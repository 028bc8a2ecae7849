import { GuestRam } from '@pckit/guest-memory';

// 64 MiB of guest RAM, with 1 MiB of the same WebAssembly memory left for a processor.
const ram = new GuestRam({
  ramBytes: 64 << 20,
  reserveBytes: 1 << 20,
  onWrite: (address, length) => console.log(`about to write ${length} bytes at 0x${address.toString(16)}`),
});

ram.writeU32(0x7c00, 0xdeadbeef);
ram.borrow(0x8000, 512, 'write')?.fill(0x90);
console.log(ram.readU32(0x7c00).toString(16), ram.readU32(0xffff_0000).toString(16));
