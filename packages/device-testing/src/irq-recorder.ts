import type { IrqLine, MsiSink } from '@pckit/interfaces';

/** A line changed its level. */
export interface IrqEvent {
  readonly line: string;
  readonly level: boolean;
}

/** Makes interrupt lines and remembers their levels and every change, in order. Setting a level again is no change. */
export class IrqRecorder {
  readonly events: IrqEvent[] = [];
  readonly #levels = new Map<string, boolean>();

  line(name: string): IrqLine {
    if (!this.#levels.has(name)) this.#levels.set(name, false);
    return {
      set: (level) => {
        if (this.#levels.get(name) === level) return;
        this.#levels.set(name, level);
        this.events.push({ line: name, level });
      },
    };
  }

  level(name: string): boolean {
    const level = this.#levels.get(name);
    if (level === undefined)
      throw new Error(`no line ${name}; there are ${[...this.#levels.keys()].join(', ') || 'none'}`);
    return level;
  }

  get levels(): Record<string, boolean> {
    return Object.fromEntries(this.#levels);
  }

  /** How often the line rose. */
  rises(name: string): number {
    return this.events.filter((event) => event.line === name && event.level).length;
  }

  clear(): void {
    this.events.length = 0;
  }

  /** Takes over levels without an event: a board restoring its wires. */
  restore(levels: Readonly<Record<string, boolean>>): void {
    for (const [name, level] of Object.entries(levels)) this.#levels.set(name, level);
  }
}

export interface Msi {
  readonly address: number;
  readonly data: number;
}

/** An MSI sink that keeps what was sent. */
export class MsiRecorder implements MsiSink {
  readonly messages: Msi[] = [];

  send(address: number, data: number): void {
    this.messages.push({ address, data });
  }
}
