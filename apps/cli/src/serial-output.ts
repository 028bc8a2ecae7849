const CAPACITY = 64 * 1024;

/**
 * Gathers what a UART sends byte by byte and hands it on in pieces: at the next turn of the event loop, or when the buffer is full.
 */
export class SerialOutput {
  readonly #sink: (bytes: Uint8Array) => void;
  #buffer = new Uint8Array(CAPACITY);
  #length = 0;
  #scheduled = false;

  /** @param sink owns the bytes that it gets */
  constructor(sink: (bytes: Uint8Array) => void) {
    this.#sink = sink;
  }

  write(byte: number): void {
    this.#buffer[this.#length++] = byte;
    if (this.#length === CAPACITY) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#turn);
    }
  }

  flush(): void {
    if (this.#length === 0) return;
    const bytes = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    this.#sink(bytes);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    this.flush();
  };
}
