/** RFC 6298 2.1 */
const INITIAL_MS = 1000;
/** RFC 6298 2.4 says a second, "SHOULD"; operating systems take 200 ms, and a guest is near. */
const MIN_MS = 200;
/** RFC 6298 2.5: at least 60 seconds. */
const MAX_MS = 60_000;
const GRANULARITY_MS = 10;

/** The retransmission timeout (RFC 6298). */
export class Rto {
  srttMs = 0;
  private rttvarMs = 0;
  private baseMs = INITIAL_MS;
  private backoff = 0;

  get ms(): number {
    return Math.min(MAX_MS, this.baseMs * 2 ** this.backoff);
  }

  sample(rttMs: number): void {
    if (this.srttMs === 0) {
      this.srttMs = Math.max(rttMs, 0.001);
      this.rttvarMs = rttMs / 2;
    } else {
      this.rttvarMs = 0.75 * this.rttvarMs + 0.25 * Math.abs(this.srttMs - rttMs);
      this.srttMs = 0.875 * this.srttMs + 0.125 * rttMs;
    }
    this.baseMs = Math.max(MIN_MS, this.srttMs + Math.max(GRANULARITY_MS, 4 * this.rttvarMs));
  }

  /** RFC 6298 5.5 */
  double(): void {
    if (this.backoff < 16) this.backoff++;
  }

  /** Something new was acknowledged. */
  settle(): void {
    this.backoff = 0;
  }
}
