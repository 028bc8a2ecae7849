/**
 * Multiboot kernels of a few bytes, assembled by hand, for what the command does around a guest. Multiboot enters in 32-bit protected mode
 * with flat segments (Multiboot specification 0.6.96, 3.2).
 */
const LOAD = 0x10_0000;
const HEADERS = 0x1000;

/** An ELF32 file with a multiboot header and `code`, loaded and entered at 1 MiB. */
function multiboot(code: readonly number[]): Uint8Array {
  const file = Buffer.alloc(HEADERS + 12 + code.length);
  // ELF header: ELFCLASS32, ELFDATA2LSB, ET_EXEC, EM_386.
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(3, 18);
  file.writeUInt32LE(1, 20);
  file.writeUInt32LE(LOAD + 12, 24); // e_entry
  file.writeUInt32LE(52, 28); // e_phoff
  file.writeUInt16LE(52, 40);
  file.writeUInt16LE(32, 42);
  file.writeUInt16LE(1, 44);
  // One PT_LOAD, readable, writable, executable.
  const size = 12 + code.length;
  [1, HEADERS, LOAD, LOAD, size, size, 7, 0x1000].forEach((word, index) => file.writeUInt32LE(word, 52 + 4 * index));
  // Multiboot header: magic, flags, checksum.
  file.writeUInt32LE(0x1bad_b002, HEADERS);
  file.writeUInt32LE(0, HEADERS + 4);
  file.writeUInt32LE(-0x1bad_b002 >>> 0, HEADERS + 8);
  file.set(code, HEADERS + 12);
  return file;
}

const CODE = LOAD + 12;
const u32 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >>> 24) & 0xff];

/** Writes `text` to COM1, then goes on with `then`. */
function print(text: string, then: readonly number[]): number[] {
  const printing = 17;
  return [
    ...[0xbe, ...u32(CODE + printing + then.length)], // mov esi, text
    0xac, // next: lodsb
    ...[0x84, 0xc0], // test al, al
    ...[0x74, 0x07], // jz done
    ...[0x66, 0xba, 0xf8, 0x03], // mov dx, 3f8h
    0xee, // out dx, al
    ...[0xeb, 0xf4], // jmp next
    ...then, // done:
    ...Buffer.from(`${text}\0`, 'latin1'),
  ];
}

const HALT = [0xf4, 0xeb, 0xfd]; // hlt; jmp to it
const SPIN = [0xeb, 0xfe]; // jmp $

/** Says `text`, then writes `value` to the debug exit port. */
export const exits = (text: string, value: number): Uint8Array => multiboot(print(text, [0xb0, value, 0xe6, 0xf4, ...HALT]));

/** Says `text`, then runs for ever. */
export const spins = (text: string): Uint8Array => multiboot(print(text, SPIN));

/** Says `text`, then faults with an empty IDT. */
export const tripleFaults = (text: string): Uint8Array =>
  // lidt [esi]: after the text esi points behind it, where zeros are; int3
  multiboot([...print(text, [0x0f, 0x01, 0x1e, 0xcc]), ...new Array<number>(16).fill(0)]);

/** Says `text`, then pulls the reset line by the keyboard controller. */
export const resets = (text: string): Uint8Array => multiboot(print(text, [0xb0, 0xfe, 0xe6, 0x64, ...HALT]));

/** Raises RTS, says `ready`, echoes what is typed, and ends by debug exit 3 at a `q`. */
export const echoes = (): Uint8Array =>
  multiboot([
    ...[0x66, 0xba, 0xfc, 0x03, 0xb0, 0x0b, 0xee], // mov dx, 3fch; mov al, 0bh; out dx, al: DTR, RTS, OUT2
    ...[0x66, 0xba, 0xf8, 0x03, 0xb0, 0x3e, 0xee], // mov dx, 3f8h; mov al, '>'; out dx, al
    ...[0x66, 0xba, 0xfd, 0x03], // poll: mov dx, 3fdh
    0xec, // in al, dx
    ...[0xa8, 0x01], // test al, 1
    ...[0x74, 0xf7], // jz poll
    ...[0x66, 0xba, 0xf8, 0x03], // mov dx, 3f8h
    0xec, // in al, dx
    0xee, // out dx, al
    ...[0x3c, 0x71], // cmp al, 'q'
    ...[0x75, 0xed], // jne poll
    ...[0xb0, 0x03, 0xe6, 0xf4], // mov al, 3; out f4h, al
    ...HALT,
  ]);

/** Writes `ok` to the debug console, then 1 to the debug exit port. */
export const debugs = (): Uint8Array => multiboot([0xb0, 0x6f, 0xe6, 0xe9, 0xb0, 0x6b, 0xe6, 0xe9, 0xb0, 0x01, 0xe6, 0xf4, ...HALT]);
