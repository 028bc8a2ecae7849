/** Archives and modules small enough to read, for our own tests. */

const encoder = new TextEncoder();

export function makeAr(members: readonly { readonly name: string; readonly data: Uint8Array }[]): Uint8Array {
  const parts: Uint8Array[] = [encoder.encode('!<arch>\n')];
  for (const { name, data } of members) {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(data.length).padEnd(10)}\`\n`;
    parts.push(encoder.encode(header), data);
    if (data.length % 2 === 1) parts.push(encoder.encode('\n'));
  }
  return concatenate(parts);
}

export interface TarInput {
  readonly path: string;
  /** The header's type character. Default "0". */
  readonly type?: string;
  readonly data?: Uint8Array | string;
  readonly target?: string;
}

export function makeTar(entries: readonly TarInput[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    const data = typeof entry.data === 'string' ? encoder.encode(entry.data) : (entry.data ?? new Uint8Array(0));
    const header = new Uint8Array(512);
    const put = (at: number, text: string): void => header.set(encoder.encode(text), at);
    put(0, entry.path);
    put(100, '0000755\0');
    put(108, '0000000\0');
    put(116, '0000000\0');
    put(124, `${data.length.toString(8).padStart(11, '0')}\0`);
    put(136, '00000000000\0');
    put(148, ' '.repeat(8));
    put(156, entry.type ?? '0');
    put(157, entry.target ?? '');
    put(257, 'ustar\x0000');
    const sum = header.reduce((total, byte) => total + byte, 0);
    put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
    parts.push(header, data, new Uint8Array((512 - (data.length % 512)) % 512));
  }
  parts.push(new Uint8Array(1024));
  return concatenate(parts);
}

export function makeDeb(control: string, files: readonly TarInput[], compress: (tar: Uint8Array) => Uint8Array = (tar) => tar): Uint8Array {
  return makeAr([
    { name: 'debian-binary', data: encoder.encode('2.0\n') },
    { name: 'control.tar', data: compress(makeTar([{ path: './control', data: control }])) },
    { name: 'data.tar', data: compress(makeTar(files)) },
  ]);
}

/** An ELF object with nothing but a .modinfo section. */
export function makeModule(info: Readonly<Record<string, string | readonly string[]>>, bits: 32 | 64 = 64): Uint8Array {
  const strings = Object.entries(info).flatMap(([key, value]) => [value].flat().map((one) => `${key}=${one}\0`));
  const modinfo = encoder.encode(strings.join(''));
  const names = encoder.encode('\0.modinfo\0.shstrtab\0');
  const is64 = bits === 64;
  const headerLength = is64 ? 0x40 : 0x34;
  const sectionLength = is64 ? 0x40 : 0x28;
  const modinfoAt = headerLength;
  const namesAt = modinfoAt + modinfo.length;
  const sectionsAt = (namesAt + names.length + 7) & ~7;
  const file = new Uint8Array(sectionsAt + 3 * sectionLength);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, 1]);
  file.set(modinfo, modinfoAt);
  file.set(names, namesAt);
  if (is64) view.setBigUint64(0x28, BigInt(sectionsAt), true);
  else view.setUint32(0x20, sectionsAt, true);
  view.setUint16(is64 ? 0x3a : 0x2e, sectionLength, true);
  view.setUint16(is64 ? 0x3c : 0x30, 3, true);
  view.setUint16(is64 ? 0x3e : 0x32, 2, true);
  const section = (index: number, name: number, at: number, length: number): void => {
    const header = sectionsAt + index * sectionLength;
    view.setUint32(header, name, true);
    if (is64) {
      view.setBigUint64(header + 0x18, BigInt(at), true);
      view.setBigUint64(header + 0x20, BigInt(length), true);
    } else {
      view.setUint32(header + 0x10, at, true);
      view.setUint32(header + 0x14, length, true);
    }
  };
  section(1, 1, modinfoAt, modinfo.length);
  section(2, 10, namesAt, names.length);
  return file;
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
