/**
 * Bytes on their way into a UART: it takes as many as it has room for and says when it has room again, so nothing is lost and nothing
 * is typed faster than the guest reads.
 */
export class SerialInput {
  readonly #drained: (() => void) | undefined;
  #receive: ((bytes: Uint8Array) => number) | undefined;
  #chunks: Uint8Array[] = [];
  #length = 0;
  #pumping = false;

  /** @param drained called each time the queue has become empty */
  constructor(drained?: () => void) {
    this.#drained = drained;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  attach(receive: (bytes: Uint8Array) => number): void {
    this.#receive = receive;
    this.pump();
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    this.pump();
  }

  /** Offers again what was refused. */
  pump(): void {
    // Taking a byte can make the device say that it has room, in the middle of our own call.
    if (this.#pumping || this.#receive === undefined) return;
    this.#pumping = true;
    try {
      while (this.#chunks.length > 0) {
        const first = this.#chunks[0] as Uint8Array;
        const taken = this.#receive(first);
        this.#length -= taken;
        if (taken < first.length) {
          if (taken > 0) this.#chunks[0] = first.subarray(taken);
          return;
        }
        this.#chunks.shift();
      }
    } finally {
      this.#pumping = false;
    }
    this.#drained?.();
  }

  clear(): void {
    this.#chunks = [];
    this.#length = 0;
  }
}
