import { existsSync, readFileSync } from 'node:fs';

/** Code sections of executables, and of compressed Linux kernels. */

export interface CodeSection {
  readonly name: string;
  readonly address: number;
  readonly bytes: Uint8Array;
}

const SHF_EXECINSTR = 4;
const SHT_PROGBITS = 1;

/** Executable sections of an ELF64 file (System V ABI, "Section Header"). */
export function elfCode(file: Uint8Array): CodeSection[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const sections: CodeSection[] = [];
  const table = Number(view.getBigUint64(0x28, true));
  const entrySize = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  const names = Number(view.getBigUint64(table + view.getUint16(0x3e, true) * entrySize + 0x18, true));
  for (let i = 0; i < count; i++) {
    const header = table + i * entrySize;
    if (view.getUint32(header + 4, true) !== SHT_PROGBITS) continue;
    if ((Number(view.getBigUint64(header + 8, true)) & SHF_EXECINSTR) === 0) continue;
    const start = names + view.getUint32(header, true);
    const name = Buffer.from(file.subarray(start, file.indexOf(0, start))).toString();
    const offset = Number(view.getBigUint64(header + 0x18, true));
    const size = Number(view.getBigUint64(header + 0x20, true));
    sections.push({
      name,
      address: Number(view.getBigUint64(header + 0x10, true)),
      bytes: file.subarray(offset, offset + size),
    });
  }
  return sections;
}

/** LZ4 in the "legacy" frame format that the kernel's build uses (lz4/doc/lz4_Frame_format.md, "Legacy frame"). */
export function unpackLegacyLz4(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const chunks: Uint8Array[] = [];
  for (let at = 4; at + 4 <= input.length; ) {
    const size = view.getUint32(at, true);
    if (size === 0 || at + 4 + size > input.length) break; // the uncompressed size follows the last block
    chunks.push(unpackLz4Block(input.subarray(at + 4, at + 4 + size)));
    at += 4 + size;
  }
  return Buffer.concat(chunks);
}

function unpackLz4Block(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 << 20);
  let from = 0;
  let to = 0;
  const extended = (length: number): number => {
    if (length !== 15) return length;
    for (;;) {
      const more = block[from++]!;
      length += more;
      if (more !== 255) return length;
    }
  };
  while (from < block.length) {
    const token = block[from++]!;
    const literals = extended(token >> 4);
    out.set(block.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from >= block.length) break;
    const distance = block[from]! | (block[from + 1]! << 8);
    from += 2;
    const match = extended(token & 15) + 4;
    for (let i = 0; i < match; i++, to++) out[to] = out[to - distance]!;
  }
  return out.subarray(0, to);
}

/**
 * The ELF inside a bzImage (Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length), or the file
 * itself.
 */
export function openExecutable(path: string): Uint8Array {
  const file = new Uint8Array(readFileSync(path));
  if (file[0] === 0x7f) return file;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const payload = (file[0x1f1]! + 1) * 512 + view.getUint32(0x248, true);
  if (view.getUint32(payload, true) === 0x184c2102)
    return unpackLegacyLz4(file.subarray(payload, payload + view.getUint32(0x24c, true)));
  throw new Error(
    `${path}: neither ELF nor a kernel compressed with LZ4; extract it first (scripts/extract-vmlinux of Linux)`,
  );
}

/** Which of these files are there; with PCKIT_REQUIRE_TOOLS they have to be. */
export function present(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    if (existsSync(path)) return true;
    if (process.env['PCKIT_REQUIRE_TOOLS'] === '1') throw new Error(`${path} is missing, and PCKIT_REQUIRE_TOOLS=1`);
    return false;
  });
}
