/** Virtual time. Everything that changes guest state reads this and nothing else. Times are integral nanoseconds since power-on. */
export interface Clock {
  now(): number;
  /** A disarmed timer. `name` identifies it in snapshots and must be unique on the clock. */
  timer(name: string, fire: (now: number) => void): Timer;
}

/**
 * A one-shot timer with an absolute deadline (so periodic users don't drift). `fire` runs with `now()` equal to the deadline; ties
 * fire in order of creation; `fire` may arm it again. A deadline in the past fires at the next opportunity.
 */
export interface Timer {
  /** `Infinity` while disarmed. */
  readonly deadline: number;
  arm(at: number): void;
  cancel(): void;
}
