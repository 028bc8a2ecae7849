/** A kernel module's own description: the NUL-separated "key=value" strings in its .modinfo section (ELF32 and ELF64, little-endian). */
import { ImageError } from './image-error.js';

export interface ModuleInfo {
  /** Underscores, never dashes. Empty where the module doesn't say (before Linux 4.13). */
  readonly name: string;
  /** Names of the modules that must be loaded first. */
  readonly depends: readonly string[];
  /** "softdep=pre: a b post: c": wanted before and after, if they exist. */
  readonly softPre: readonly string[];
  readonly softPost: readonly string[];
  /** Device patterns ("pci:v00001AF4d*...") and plain aliases ("fs-ext4"). */
  readonly aliases: readonly string[];
  readonly vermagic: string;
}

export function normalizeModuleName(name: string): string {
  return name.replaceAll('-', '_');
}

export function readModuleInfo(module: Uint8Array, what = 'module'): ModuleInfo {
  const section = findSection(module, '.modinfo', what);
  if (section === undefined) throw new ImageError('malformed', `${what}: no .modinfo section`);
  const values = new Map<string, string[]>();
  for (const item of new TextDecoder().decode(section).split('\0')) {
    const equals = item.indexOf('=');
    if (equals < 1) continue;
    const key = item.slice(0, equals);
    const list = values.get(key);
    if (list === undefined) values.set(key, [item.slice(equals + 1)]);
    else list.push(item.slice(equals + 1));
  }
  const softPre: string[] = [];
  const softPost: string[] = [];
  for (const softdep of values.get('softdep') ?? []) {
    let into: string[] | undefined;
    for (const word of softdep.split(/\s+/)) {
      if (word === 'pre:') into = softPre;
      else if (word === 'post:') into = softPost;
      else if (word !== '') into?.push(normalizeModuleName(word));
    }
  }
  return {
    name: normalizeModuleName(values.get('name')?.[0] ?? ''),
    depends: (values.get('depends') ?? []).flatMap((list) => list.split(',')).filter((name) => name !== '').map(normalizeModuleName),
    softPre,
    softPost,
    aliases: values.get('alias') ?? [],
    vermagic: values.get('vermagic')?.[0] ?? '',
  };
}

function findSection(file: Uint8Array, wanted: string, what: string): Uint8Array | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const need = (at: number, length: number, field: string): void => {
    if (!(at >= 0 && at + length <= file.length)) {
      throw new ImageError('truncated', `${what}: ${field} at ${at} is past the end of ${file.length} bytes`);
    }
  };
  need(0, 0x40, 'ELF header');
  if (view.getUint32(0, false) !== 0x7f45_4c46 || file[5] !== 1 || (file[4] !== 1 && file[4] !== 2)) {
    throw new ImageError('malformed', `${what}: not a little-endian ELF file`);
  }
  const is64 = file[4] === 2;
  const word = (at: number): number => (is64 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  const headersAt = word(is64 ? 0x28 : 0x20);
  const headerLength = view.getUint16(is64 ? 0x3a : 0x2e, true);
  const count = view.getUint16(is64 ? 0x3c : 0x30, true);
  const namesIndex = view.getUint16(is64 ? 0x3e : 0x32, true);
  if (headerLength < (is64 ? 0x40 : 0x28)) throw new ImageError('malformed', `${what}: section headers of ${headerLength} bytes`);
  need(headersAt, headerLength * count, 'section headers');
  if (namesIndex >= count) throw new ImageError('malformed', `${what}: no section ${namesIndex} of names among ${count}`);
  const contents = (index: number): Uint8Array => {
    const header = headersAt + index * headerLength;
    const at = word(header + (is64 ? 0x18 : 0x10));
    const length = word(header + (is64 ? 0x20 : 0x14));
    need(at, length, `section ${index}`);
    return file.subarray(at, at + length);
  };
  const names = contents(namesIndex);
  for (let index = 0; index < count; index++) {
    const nameAt = view.getUint32(headersAt + index * headerLength, true);
    const end = names.indexOf(0, nameAt);
    if (end < 0 || end - nameAt !== wanted.length) continue;
    if (String.fromCharCode(...names.subarray(nameAt, end)) === wanted) return contents(index);
  }
  return undefined;
}
