import type { Ingress, Settled } from '@pckit/interfaces';

interface PendingCompletion {
  readonly name: string;
  readonly settle: () => void;
}

/**
 * A door that opens when the test says so. Nothing is delivered from within `post` or `completion`, as on a machine: `deliver` is the
 * safe point of the run loop.
 */
export class FakeIngress implements Ingress {
  /** Names in the order of delivery. */
  readonly delivered: string[] = [];
  readonly #inputs = new Map<string, (event: unknown) => void>();
  readonly #ready: PendingCompletion[] = [];
  #outstanding = 0;
  #wake: () => void = () => undefined;

  input<T>(name: string, deliver: (event: T) => void): { post(event: T): void } {
    if (this.#inputs.has(name)) throw new Error(`input ${name} exists already`);
    this.#inputs.set(name, deliver as (event: unknown) => void);
    return {
      post: (event) => {
        this.#ready.push({ name, settle: () => deliver(event) });
        this.#wake();
      },
    };
  }

  completion<T>(name: string, work: Promise<T> | T, settle: (result: Settled<T>) => void): void {
    this.#outstanding++;
    const ready = (result: Settled<T>): void => {
      this.#outstanding--;
      this.#ready.push({ name, settle: () => settle(result) });
      this.#wake();
    };
    if (work instanceof Promise) {
      work.then(
        (value: T) => ready({ ok: true, value }),
        (error: unknown) => ready({ ok: false, error }),
      );
    } else {
      ready({ ok: true, value: work });
    }
  }

  /** Host work that has not ended yet. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Entries that wait for `deliver`. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Delivers what is ready now, including what a delivery makes ready. @returns how many entries */
  deliver(): number {
    let count = 0;
    for (let entry = this.#ready.shift(); entry !== undefined; entry = this.#ready.shift()) {
      this.delivered.push(entry.name);
      entry.settle();
      count++;
    }
    return count;
  }

  /** Waits for all host work, and for what its completions start in turn, and delivers it. */
  async drain(): Promise<void> {
    this.deliver();
    while (this.#outstanding > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.deliver();
    }
  }

  /** Posts to an input by name, as the host would. */
  post(name: string, event: unknown): void {
    const deliver = this.#inputs.get(name);
    if (deliver === undefined)
      throw new Error(`no input ${name}; there are ${[...this.#inputs.keys()].join(', ') || 'none'}`);
    this.#ready.push({ name, settle: () => deliver(event) });
  }
}
