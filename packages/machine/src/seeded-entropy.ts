import type { Device, Entropy } from '@pckit/interfaces';
import { MachineError } from './machine-error.js';

export type SeededEntropyState = { readonly version: 1; readonly state: readonly number[] };

/**
 * Reproducible randomness: xoshiro128** (Blackman and Vigna), seeded through splitmix32. A device, because a machine that is restored must go
 * on with the same numbers. Not for keys.
 */
export class SeededEntropy implements Device<SeededEntropyState>, Entropy {
  readonly #state = new Uint32Array(4);

  constructor(private readonly seed: number, readonly name = 'entropy') {
    this.reset('cold');
  }

  fill(into: Uint8Array): void {
    for (let i = 0; i < into.length; i += 4) {
      const word = this.#next();
      for (let j = 0; j < 4 && i + j < into.length; j++) into[i + j] = word >>> (8 * j);
    }
  }

  /** A warm reset leaves it: a reboot must not see the numbers of the last boot again. */
  reset(kind: 'cold' | 'warm'): void {
    if (kind === 'warm') return;
    let state = this.seed >>> 0;
    for (let i = 0; i < 4; i++) {
      state = (state + 0x9e37_79b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85eb_ca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35);
      this.#state[i] = z ^ (z >>> 16);
    }
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  save(): SeededEntropyState {
    return { version: 1, state: [...this.#state] };
  }

  restore(state: SeededEntropyState): void {
    if (state.version !== 1)
      throw new MachineError('snapshot', `${this.name}: unknown version ${String(state.version)}`);
    this.#state.set(state.state);
  }

  #next(): number {
    const s = this.#state;
    const five = Math.imul(s[1], 5);
    const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }
}

/** The host's random numbers, for machines that need not repeat themselves. */
export const hostEntropy: Entropy = {
  fill: (into) => {
    const { crypto } = globalThis as unknown as { crypto: { getRandomValues(into: Uint8Array): void } };
    // getRandomValues takes at most 65536 bytes.
    for (let at = 0; at < into.length; at += 65536) crypto.getRandomValues(into.subarray(at, at + 65536));
  },
};
