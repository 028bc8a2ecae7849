import { describe, expect, it } from 'vitest';
import { buildSmbios } from './smbios.js';

const sum = (bytes: Uint8Array): number => bytes.reduce((a, b) => (a + b) & 0xff, 0);

/** The structures as a reader walks them: type, and the strings after the formatted area. */
function walk(bytes: Uint8Array, at: number, count: number): { type: number; handle: number; strings: string[] }[] {
  const found = [];
  for (let i = 0; i < count; i++) {
    const type = bytes[at];
    const handle = bytes[at + 2] | (bytes[at + 3] << 8);
    const strings: string[] = [];
    at += bytes[at + 1];
    while (bytes[at] !== 0) {
      const end = bytes.indexOf(0, at);
      strings.push(String.fromCharCode(...bytes.subarray(at, end)));
      at = end + 1;
    }
    at += strings.length === 0 ? 2 : 1;
    found.push({ type, handle, strings });
  }
  expect(at).toBe(bytes.length);
  return found;
}

describe('buildSmbios', () => {
  it('has an anchor with both checksums right that leads to the structures', () => {
    const { bytes, address } = buildSmbios({ uuid: Uint8Array.from({ length: 16 }, (_, i) => i) }, 0xf_0010);
    const view = new DataView(bytes.buffer);
    expect(String.fromCharCode(...bytes.subarray(0, 4))).toBe('_SM_');
    expect([sum(bytes.subarray(0, 31)), sum(bytes.subarray(16, 31))]).toEqual([0, 0]);
    const at = view.getUint32(24, true) - address;
    expect(at + view.getUint16(22, true)).toBe(bytes.length);
    expect(walk(bytes, at, view.getUint16(28, true))).toEqual([
      { type: 0, handle: 0, strings: ['pckit', '1', '01/01/2026'] },
      { type: 1, handle: 1, strings: ['pckit', 'pckit PC', '1'] },
      { type: 3, handle: 2, strings: ['pckit'] },
      { type: 127, handle: 3, strings: [] },
    ]);
  });

  it('takes the names that it is given', () => {
    const { bytes } = buildSmbios({ manufacturer: 'Acme', product: 'Toaster', version: '9.1' }, 0xf_0000);
    expect(walk(bytes, 32, 4)[1].strings).toEqual(['Acme', 'Toaster', '9.1']);
  });
});
