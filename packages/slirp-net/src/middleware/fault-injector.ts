import type { Middleware } from '../iface/port.js';

export interface Faults {
  /** Share of frames that are lost, 0 to 1. */
  readonly loss?: number;
  /** Share of frames that come twice. */
  readonly duplicate?: number;
  /** Share of frames that are held back by `reorderMs` more. */
  readonly reorder?: number;
  /** One byte of so many frames is changed. */
  readonly corrupt?: number;
  /** Every frame's delay, and up to how much more (evenly spread). */
  readonly delayMs?: number;
  readonly jitterMs?: number;
  readonly reorderMs?: number;
}

export interface FaultInjectorOptions extends Faults {
  /** Runs something later: `network.after`, or a timer of the embedder's. */
  readonly after: (delayMs: number, run: () => void) => void;
  readonly seed: number;
  /** Only one direction; both otherwise. */
  readonly only?: 'from-guest' | 'to-guest';
  /** Frames that are under way; beyond, they are lost: 4096. */
  readonly queue?: number;
}

/** A bad link: the same seed and the same frames give the same faults. */
export function faultInjector(options: FaultInjectorOptions): Middleware {
  const { after, seed, only, loss = 0, duplicate = 0, reorder = 0, corrupt = 0, delayMs = 0, jitterMs = 0, reorderMs = 5, queue = 4096 } = options;
  const random = mulberry32(seed);
  let underWay = 0;
  const pass = (frame: Uint8Array, next: (frame: Uint8Array) => unknown): void => {
    if (random() < loss) return;
    const copies = random() < duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delay = delayMs + jitterMs * random() + (random() < reorder ? reorderMs : 0);
      const damaged = random() < corrupt;
      if (delay === 0 && !damaged) {
        next(frame);
        continue;
      }
      if (underWay >= queue) return;
      const kept = frame.slice();
      if (damaged) kept[Math.floor(random() * kept.length)] ^= 1 << Math.floor(random() * 8);
      underWay++;
      after(delay, () => {
        underWay--;
        next(kept);
      });
    }
  };
  return {
    ...(only === 'to-guest' ? {} : { fromGuest: pass }),
    ...(only === 'from-guest'
      ? {}
      : {
          toGuest: (frame, next) => {
            pass(frame, next);
            return true;
          },
        }),
  };
}

/** A small generator with a state of 32 bits; good enough for faults, and the same everywhere. */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
