import type { LaneType, MmxLanes } from './mmx-lanes.js';

// The packed integer instructions on MMX registers: MMX, and what SSE, SSE2 and SSSE3 add to it. SDM vol. 2.

/** Changes `d` (the destination, also the first source) by `s` and an immediate byte. */
export type MmxOperation = (d: MmxLanes, s: MmxLanes, immediate: number) => void;

/** One result of each pair of lanes. */
function lanewise(type: LaneType, f: (a: number, b: number) => number): MmxOperation {
  return (d, s) => {
    const [a, b] = [d[type], s[type]];
    for (let k = 0; k < a.length; k++) a[k] = f(a[k] as number, b[k] as number);
  };
}

const clamp = (low: number, high: number) => (value: number): number => Math.min(Math.max(value, low), high);
const RANGE = {
  i8: clamp(-0x80, 0x7f), u8: clamp(0, 0xff), i16: clamp(-0x8000, 0x7fff), u16: clamp(0, 0xffff),
} as const;
type Saturated = keyof typeof RANGE;

const add = (a: number, b: number): number => a + b;
const subtract = (a: number, b: number): number => a - b;
const saturating = (type: Saturated, f: (a: number, b: number) => number): MmxOperation => lanewise(type, (a, b) => RANGE[type](f(a, b)));
const average = (a: number, b: number): number => (a + b + 1) >> 1;
const allOnes = (holds: boolean): number => (holds ? -1 : 0);

/** Shifts by the whole 64 bits of the source, or by the immediate. Counts beyond the lane shift everything out. */
function shift(bits: 16 | 32 | 64, f: (value: bigint, count: bigint) => bigint, signed = false): MmxOperation {
  const width = BigInt(bits);
  return (d, s) => {
    let count = s.value;
    if (count >= width) count = signed ? width - 1n : width;
    let result = 0n;
    for (let at = 0n; at < 64n; at += width) {
      const raw = BigInt.asUintN(bits, d.value >> at);
      const lane = signed ? BigInt.asIntN(bits, raw) : raw;
      result |= BigInt.asUintN(bits, f(lane, count)) << at;
    }
    d.value = result;
  };
}
const left = (value: bigint, count: bigint): bigint => value << count;
const right = (value: bigint, count: bigint): bigint => value >> count;

/** The first half of the result from the destination's lanes, the second from the source's. */
function pack(from: 'i16' | 'i32', to: Saturated): MmxOperation {
  return (d, s) => {
    const lanes = [...d[from], ...s[from]];
    lanes.forEach((lane, k) => (d[to][k] = RANGE[to](lane)));
  };
}

/** Interleaves the lower or upper lanes. */
function unpack(type: 'u8' | 'u16' | 'u32', high: boolean): MmxOperation {
  return (d, s) => {
    const a = d[type].slice();
    const b = s[type].slice();
    const first = high ? a.length / 2 : 0;
    for (let k = 0; k < a.length; k++) d[type][k] = (k & 1 ? b : a)[first + (k >> 1)] as number;
  };
}

/** Neighbours of the destination, then of the source. */
function horizontal(type: 'i16' | 'i32', f: (a: number, b: number) => number): MmxOperation {
  return (d, s) => {
    const lanes = [...d[type], ...s[type]];
    for (let k = 0; k < d[type].length; k++) d[type][k] = f(lanes[2 * k] as number, lanes[2 * k + 1] as number);
  };
}

const sign = (type: 'i8' | 'i16' | 'i32'): MmxOperation => lanewise(type, (a, b) => (b < 0 ? -a : b === 0 ? 0 : a));
const absolute = (type: 'i8' | 'i16' | 'i32'): MmxOperation => lanewise(type, (_, b) => Math.abs(b));

/** Instructions of the form `mm, mm/m64`, some with an immediate byte. The names are the decoder's. */
export const MMX_OPERATIONS = {
  Paddb: lanewise('u8', add),
  Paddw: lanewise('u16', add),
  Paddd: lanewise('u32', add),
  Paddq: (d, s) => (d.value = BigInt.asUintN(64, d.value + s.value)),
  Paddsb: saturating('i8', add),
  Paddsw: saturating('i16', add),
  Paddusb: saturating('u8', add),
  Paddusw: saturating('u16', add),
  Psubb: lanewise('u8', subtract),
  Psubw: lanewise('u16', subtract),
  Psubd: lanewise('u32', subtract),
  Psubq: (d, s) => (d.value = BigInt.asUintN(64, d.value - s.value)),
  Psubsb: saturating('i8', subtract),
  Psubsw: saturating('i16', subtract),
  Psubusb: saturating('u8', subtract),
  Psubusw: saturating('u16', subtract),

  Pmullw: lanewise('i16', (a, b) => a * b),
  Pmulhw: lanewise('i16', (a, b) => (a * b) >> 16),
  Pmulhuw: lanewise('u16', (a, b) => (a * b) >>> 16),
  Pmulhrsw: lanewise('i16', (a, b) => (((a * b) >> 14) + 1) >> 1),
  Pmuludq: (d, s) => (d.value = BigInt(d.u32[0] as number) * BigInt(s.u32[0] as number)),
  Pmaddwd: (d, s) => {
    const products = Array.from(d.i16, (a, k) => a * (s.i16[k] as number)) as [number, number, number, number];
    d.i32[0] = products[0] + products[1];
    d.i32[1] = products[2] + products[3];
  },
  /** The destination's bytes are unsigned, the source's signed. */
  Pmaddubsw: (d, s) => {
    const products = Array.from(d.u8, (a, k) => a * (s.i8[k] as number));
    for (let k = 0; k < 4; k++) d.i16[k] = RANGE.i16((products[2 * k] as number) + (products[2 * k + 1] as number));
  },
  Psadbw: (d, s) => {
    const sum = d.u8.reduce((total, a, k) => total + Math.abs(a - (s.u8[k] as number)), 0);
    d.value = BigInt(sum);
  },

  Pand: (d, s) => (d.value &= s.value),
  Pandn: (d, s) => (d.value = ~d.value & s.value),
  Por: (d, s) => (d.value |= s.value),
  Pxor: (d, s) => (d.value ^= s.value),

  Pcmpeqb: lanewise('u8', (a, b) => allOnes(a === b)),
  Pcmpeqw: lanewise('u16', (a, b) => allOnes(a === b)),
  Pcmpeqd: lanewise('u32', (a, b) => allOnes(a === b)),
  Pcmpgtb: lanewise('i8', (a, b) => allOnes(a > b)),
  Pcmpgtw: lanewise('i16', (a, b) => allOnes(a > b)),
  Pcmpgtd: lanewise('i32', (a, b) => allOnes(a > b)),
  Pmaxsw: lanewise('i16', Math.max),
  Pmaxub: lanewise('u8', Math.max),
  Pminsw: lanewise('i16', Math.min),
  Pminub: lanewise('u8', Math.min),
  Pavgb: lanewise('u8', average),
  Pavgw: lanewise('u16', average),

  Psllw: shift(16, left),
  Pslld: shift(32, left),
  Psllq: shift(64, left),
  Psrlw: shift(16, right),
  Psrld: shift(32, right),
  Psrlq: shift(64, right),
  Psraw: shift(16, right, true),
  Psrad: shift(32, right, true),

  Packsswb: pack('i16', 'i8'),
  Packssdw: pack('i32', 'i16'),
  Packuswb: pack('i16', 'u8'),
  Punpcklbw: unpack('u8', false),
  Punpcklwd: unpack('u16', false),
  Punpckldq: unpack('u32', false),
  Punpckhbw: unpack('u8', true),
  Punpckhwd: unpack('u16', true),
  Punpckhdq: unpack('u32', true),

  Pshufw: (d, s, immediate) => {
    const source = s.u16.slice();
    for (let k = 0; k < 4; k++) d.u16[k] = source[(immediate >> (2 * k)) & 3] as number;
  },
  Pshufb: (d, s) => {
    const source = d.u8.slice();
    const control = s.u8.slice();
    for (let k = 0; k < 8; k++) d.u8[k] = (control[k] as number) & 0x80 ? 0 : (source[(control[k] as number) & 7] as number);
  },
  /** Destination and source side by side, shifted right by bytes. */
  Palignr: (d, s, immediate) => (d.value = BigInt.asUintN(64, ((d.value << 64n) | s.value) >> BigInt(8 * immediate))),
  Phaddw: horizontal('i16', add),
  Phaddd: horizontal('i32', add),
  Phaddsw: horizontal('i16', (a, b) => RANGE.i16(a + b)),
  Phsubw: horizontal('i16', subtract),
  Phsubd: horizontal('i32', subtract),
  Phsubsw: horizontal('i16', (a, b) => RANGE.i16(a - b)),
  Psignb: sign('i8'),
  Psignw: sign('i16'),
  Psignd: sign('i32'),
  Pabsb: absolute('i8'),
  Pabsw: absolute('i16'),
  Pabsd: absolute('i32'),
} satisfies Record<string, MmxOperation>;
