import { createPc } from '@pckit/machine';

// mov dx,3f8h; mov si,text; next: lodsb; or al,al; jz end; out dx,al; jmp next; end: out f4h,al; text:
const code = [0xba, 0xf8, 0x03, 0xbe, 0x10, 0x7c, 0xac, 0x08, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, 0xe6, 0xf4];
const kernel = Uint8Array.from([...code, ...new TextEncoder().encode('Hello from COM1\n\0')]);

const pc = createPc({
  memoryBytes: 16 << 20,
  time: { kind: 'deterministic', seed: 42 },
  serial: [{ write: (byte) => process.stdout.write(String.fromCharCode(byte)), attach: () => undefined }],
  // For Linux: { kernel, initrd, commandLine: 'console=ttyS0' }
  boot: { kernel, flat: { address: 0x7c00, mode: 'real16' } },
});
pc.machine.powerOn();
const end = await pc.machine.run();
process.stdout.write(`${end.reason} after ${end.instructions} instructions, state ${pc.machine.stateHash()}\n`);
