/** Not a vector. */
export const NONE = -1;

/** A set of interrupt vectors as a local APIC keeps three: 256 bits in eight words. */
export class VectorSet {
  readonly words = new Int32Array(8);

  /** The highest vector in the set, or NONE. */
  get highest(): number {
    const { words } = this;
    for (let i = 7; i >= 0; i--) {
      if (words[i] !== 0) return (i << 5) | (31 - Math.clz32(words[i]));
    }
    return NONE;
  }

  has(vector: number): boolean {
    return (this.words[vector >> 5] & (1 << (vector & 31))) !== 0;
  }

  add(vector: number): void {
    this.words[vector >> 5] |= 1 << (vector & 31);
  }

  delete(vector: number): void {
    this.words[vector >> 5] &= ~(1 << (vector & 31));
  }

  clear(): void {
    this.words.fill(0);
  }
}
