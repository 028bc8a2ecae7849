/** A wire with two levels. Level is the only primitive: the receiver derives edges; setting the same level twice does nothing. */
export interface IrqLine {
  set(level: boolean): void;
}

/** Where a message-signalled interrupt is written: the memory write of `data` (32 bits) to `address`. */
export interface MsiSink {
  send(address: number, data: number): void;
}

/** The INTA cycle. */
export interface InterruptAcknowledge {
  /** @returns the vector, 0..255. */
  acknowledge(): number;
}

/** A line that ends nowhere. */
export const disconnected: IrqLine = { set: () => undefined };

/** Raises and lowers a line: one edge for an edge-triggered receiver. */
export function pulse(line: IrqLine): void {
  line.set(true);
  line.set(false);
}

/**
 * Several sources on one line, active while any of them is (shared INTx). A snapshot need not hold it: `levels` is restored by the
 * board that owns it, without moving the output.
 */
export class WiredOr {
  readonly #levels: boolean[] = [];
  #active = 0;

  constructor(private readonly output: IrqLine) {}

  get levels(): readonly boolean[] {
    return this.#levels;
  }

  /** Sets the inputs' levels without driving the output (restore). */
  restore(levels: readonly boolean[]): void {
    for (let i = 0; i < this.#levels.length; i++) this.#levels[i] = levels[i] ?? false;
    this.#active = this.#levels.filter(Boolean).length;
  }

  /** A new input, low. */
  input(): IrqLine {
    const index = this.#levels.push(false) - 1;
    return {
      set: (level) => {
        if (this.#levels[index] === level) return;
        this.#levels[index] = level;
        this.#active += level ? 1 : -1;
        this.output.set(this.#active > 0);
      },
    };
  }
}
