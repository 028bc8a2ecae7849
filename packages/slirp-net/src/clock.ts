/**
 * The time that a network runs by, given by the embedder. A network's time is the host's: what a guest sees of it are frames, and those enter
 * the machine through its own door.
 */
export interface NetworkClock {
  /** Milliseconds since any fixed moment; never goes back. Fractions are welcome. */
  nowMs(): number;
  /**
   * Calls `fire` once when `nowMs()` has reached `atMs` (or soon after). A later call replaces the one before; `undefined` cancels.
   * There is one alarm per network.
   */
  setAlarm(atMs: number | undefined, fire: () => void): void;
  /** Calls `run` when the code that runs now has returned, before long. What many frames in one go have in common is done once, there. */
  defer(run: () => void): void;
}
