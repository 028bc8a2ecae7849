/** Reads what `golden/state-save/state-vectors.c` writes. */

/** In the generator's order, with [rsi]. */
export const OPERATIONS = [
  ['fxsave', '0fae06'], ['fxsave64', '480fae06'], ['fxrstor', '0fae0e'], ['fxrstor64', '480fae0e'], ['xsave', '0fae26'], ['xsave64', '480fae26'],
  ['xsaveopt', '0fae36'], ['xsaveopt64', '480fae36'], ['xsavec', '0fc726'], ['xsavec64', '480fc726'], ['xrstor', '0fae2e'], ['xrstor64', '480fae2e'],
] as const;

export interface StateVector {
  readonly name: (typeof OPERATIONS)[number][0];
  readonly code: string;
  readonly mask: number;
  readonly trapped: boolean;
  readonly mxcsr: number;
  /** FRSTOR image, 32-bit protected-mode format. */
  readonly x87: DataView;
  /** 16 times 32 bytes. */
  readonly ymm: Uint8Array;
  readonly areaBefore: Uint8Array;
  readonly areaAfter: Uint8Array;
  /** FXSAVE64 image afterwards. */
  readonly stateAfter: Uint8Array;
  /** Upper halves of YMM0 to YMM15 afterwards. */
  readonly uppersAfter: Uint8Array;
}

const RECORD = 3060;

export function readStateVectors(bytes: Uint8Array): { processor: string; vectors: StateVector[] } {
  const end = bytes.findIndex((byte, at) => byte === 10 && bytes[at + 1] === 10);
  const [magic, processor = ''] = new TextDecoder('latin1').decode(bytes.subarray(0, end)).split('\n');
  if (magic !== 'pckit-state-vectors 1') throw new Error(`not state vectors: ${magic}`);
  const vectors: StateVector[] = [];
  for (let start = end + 2; start + RECORD <= bytes.length; start += RECORD) {
    let at = start + 8;
    const take = (length: number): Uint8Array => bytes.slice(at, (at += length));
    const [name, code] = OPERATIONS[bytes[start]!]!;
    const header = new DataView(bytes.buffer, bytes.byteOffset + start, 8);
    const x87 = new DataView(take(108).buffer);
    vectors.push({
      name, code, mask: header.getUint8(1), trapped: header.getUint8(2) !== 0, mxcsr: header.getUint32(4, true), x87,
      ymm: take(512), areaBefore: take(832), areaAfter: take(832), stateAfter: take(512), uppersAfter: take(256),
    });
  }
  return { processor, vectors };
}
