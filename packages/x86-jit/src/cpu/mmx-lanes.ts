/** 64 bits as lanes of every width. SDM vol. 1, figure 9-3 "Data Types Introduced with the MMX Technology". */
export class MmxLanes {
  readonly u8 = new Uint8Array(8);
  readonly i8 = new Int8Array(this.u8.buffer);
  readonly u16 = new Uint16Array(this.u8.buffer);
  readonly i16 = new Int16Array(this.u8.buffer);
  readonly u32 = new Uint32Array(this.u8.buffer);
  readonly i32 = new Int32Array(this.u8.buffer);
  readonly u64 = new BigUint64Array(this.u8.buffer);

  get value(): bigint {
    return this.u64[0] as bigint;
  }
  set value(value: bigint) {
    this.u64[0] = value;
  }
}

/** Lanes of one interpretation. What is written is cut to the lane. */
export type LaneType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32';
