/** The ar archive that a .deb is (deb(5), ar(5)): "!<arch>\n", then 60-byte headers of ASCII fields, members padded to 2 bytes. */
import { ImageError } from './image-error.js';

const MAGIC = '!<arch>\n';
const HEADER_LENGTH = 60;

export interface ArMember {
  readonly name: string;
  /** A view into the archive. */
  readonly data: Uint8Array;
}

export function readAr(archive: Uint8Array): ArMember[] {
  const text = (at: number, length: number): string => String.fromCharCode(...archive.subarray(at, at + length));
  if (archive.length < MAGIC.length) throw new ImageError('truncated', 'ar: the file ends within the magic');
  if (text(0, MAGIC.length) !== MAGIC) throw new ImageError('malformed', 'ar: no "!<arch>" at the start');
  const members: ArMember[] = [];
  let at = MAGIC.length;
  while (at < archive.length) {
    if (at + HEADER_LENGTH > archive.length) throw new ImageError('truncated', `ar: the file ends within the header at ${at}`);
    const sizeField = text(at + 48, 10).trim();
    if (text(at + 58, 2) !== '`\n' || !/^\d+$/.test(sizeField)) throw new ImageError('malformed', `ar: no member header at ${at}`);
    const length = Number(sizeField);
    const name = text(at, 16).trim().replace(/\/$/, '');
    const dataAt = at + HEADER_LENGTH;
    if (dataAt + length > archive.length) {
      throw new ImageError('truncated', `ar: ${name} has ${length} bytes at ${dataAt}, the file ends at ${archive.length}`);
    }
    members.push({ name, data: archive.subarray(dataAt, dataAt + length) });
    at = dataAt + length + (length & 1);
  }
  return members;
}
