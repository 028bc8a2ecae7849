/** A Debian binary package (deb(5)): an ar archive of debian-binary, control.tar.*, data.tar.*. */
import { readAr } from './ar.js';
import { decompressChunks } from './decompress.js';
import { ImageError } from './image-error.js';
import { readTar } from './tar.js';
import type { TarEntry } from './tar.js';

export interface Deb {
  /** Fields of the control file: "Package", "Version", "Depends" ... */
  readonly control: ReadonlyMap<string, string>;
  /** The files, in archive order, decompressed as they are asked for. */
  files(): AsyncGenerator<TarEntry, void, undefined>;
}

export async function readDeb(bytes: Uint8Array): Promise<Deb> {
  const members = readAr(bytes);
  if (members[0]?.name !== 'debian-binary') throw new ImageError('malformed', 'deb: the first member is not debian-binary');
  const version = new TextDecoder().decode(members[0].data).trim();
  if (!version.startsWith('2.')) throw new ImageError('unsupported', `deb: format version ${JSON.stringify(version)}; 2.x is known`);
  const member = (prefix: string): Uint8Array => {
    const found = members.find((candidate) => candidate.name.startsWith(prefix));
    if (found === undefined) throw new ImageError('malformed', `deb: no member ${prefix}*`);
    return found.data;
  };
  const data = member('data.tar');
  let control: ReadonlyMap<string, string> | undefined;
  for await (const entry of readTar(decompressChunks(member('control.tar')))) {
    if (entry.path === 'control') control = parseStanzas(new TextDecoder().decode(await entry.data()))[0];
  }
  if (control === undefined) throw new ImageError('malformed', 'deb: control.tar has no control file');
  return { control, files: () => readTar(decompressChunks(data)) };
}

/** RFC 822-like paragraphs (deb822(5)): "Field: value", continuation lines begin with a blank. */
export function parseStanzas(text: string): ReadonlyMap<string, string>[] {
  const stanzas: ReadonlyMap<string, string>[] = [];
  for (const paragraph of text.split(/\n[ \t]*\n+/)) {
    const fields = new Map<string, string>();
    let last: string | undefined;
    for (const line of paragraph.split('\n')) {
      if (line.startsWith('#') || line.trim() === '') continue;
      if (/^[ \t]/.test(line) && last !== undefined) {
        fields.set(last, `${fields.get(last) ?? ''}\n${line.slice(1)}`);
        continue;
      }
      const colon = line.indexOf(':');
      if (colon < 1) continue;
      last = line.slice(0, colon);
      fields.set(last, line.slice(colon + 1).trim());
    }
    if (fields.size > 0) stanzas.push(fields);
  }
  return stanzas;
}
