/**
 * node v86.mjs KERNEL INITRD APPEND MEMORY_MIB: a guest on v86 with its first serial line on standard input and output, until it says that it powers off.
 * SeaBIOS as Debian's package seabios has it.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { V86 } from 'v86';

const [kernel, initrd, append, memoryMiB] = process.argv.slice(2);
const bios = process.env.PCKIT_BENCH_SEABIOS ?? '/usr/share/seabios';
const file = (path) => ({ buffer: new Uint8Array(readFileSync(path)).buffer });
const END = 'reboot: Power down';

const emulator = new V86({
  wasm_path: fileURLToPath(new URL('v86.wasm', import.meta.resolve('v86'))),
  memory_size: Number(memoryMiB) * 2 ** 20,
  vga_memory_size: 2 ** 21,
  bios: file(`${bios}/bios.bin`),
  vga_bios: file(`${bios}/vgabios-stdvga.bin`),
  bzimage: file(kernel),
  initrd: file(initrd),
  cmdline: append,
  acpi: true,
  disable_speaker: true,
  autostart: true,
});

let line = '';
emulator.add_listener('serial0-output-byte', (byte) => {
  process.stdout.write(Uint8Array.of(byte));
  if (byte !== 10) {
    line += String.fromCharCode(byte);
    return;
  }
  if (line.includes(END)) process.exit(0);
  line = '';
});
process.stdin.on('data', (bytes) => emulator.serial_send_bytes(0, new Uint8Array(bytes)));
