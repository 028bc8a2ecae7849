/** What a compiled region did so far. */
export interface RegionUse {
  /** How often it was entered. */
  readonly entries: number;
  /** Instructions that it executed. */
  readonly instructions: number;
  /** How often it left in the middle of a block, at an instruction that the interpreter had to execute: a TLB miss, a fault, a rare case. */
  readonly interrupted: number;
}

/** A region, as whoever watches the compiler sees it. */
export interface TracedRegion {
  /** Counts up over a run. */
  readonly number: number;
  /** Linear address of its first instruction, where it was found first. */
  readonly address: bigint;
  readonly blocks: number;
  readonly instructions: number;
  /** Bytes of its WebAssembly function. */
  readonly bytes: number;
  /** While it lives, and where it is dropped. */
  use(): RegionUse;
}

export type RegionEvent =
  | { readonly kind: 'compiled'; readonly region: TracedRegion; readonly why: 'lookups' | 'samples'; readonly milliseconds: number }
  /** A module was made of these; they execute from now on. */
  | { readonly kind: 'module'; readonly regions: readonly number[]; readonly bytes: number; readonly milliseconds: number }
  | { readonly kind: 'dropped'; readonly region: TracedRegion; readonly why: 'code changed' | 'evicted' | 'reset' | 'replaced' };

/** Receives what happens to regions. That someone does costs each region a few instructions, which count what it does. */
export interface RegionTrace {
  event(event: RegionEvent): void;
}
