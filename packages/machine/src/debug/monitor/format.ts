import type { Plain } from '@pckit/interfaces';

export function hex(value: bigint | number, digits = 0): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** 16 bytes a line, as `xxd` and `hexdump` show them. */
export function dump(address: number, bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const line = [...bytes.subarray(at, at + 16)];
    const text = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${(address + at).toString(16).padStart(12, '0')}  ${line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ').padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}

/** A device's saved state, a field a line. */
export function fields(state: Plain, indent = ''): string {
  if (typeof state === 'number' || typeof state === 'bigint') return hex(state);
  if (state === null || typeof state !== 'object') return String(state);
  if (ArrayBuffer.isView(state)) return `${state.byteLength} bytes`;
  if (Array.isArray(state)) {
    const plain = (state as readonly Plain[]).every((item) => item === null || typeof item !== 'object');
    return plain ? (state as readonly Plain[]).map((item) => fields(item)).join(' ') : (state as readonly Plain[]).map((item, i) => `\n${indent}[${i}] ${fields(item, `${indent}  `)}`).join('');
  }
  return Object.entries(state as Record<string, Plain>)
    .map(([name, value]) => `\n${indent}${name}: ${fields(value, `${indent}  `)}`)
    .join('');
}
