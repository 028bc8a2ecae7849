import { WiredOr, type Device, type IrqLine } from '@pckit/interfaces';
import { MachineError } from '../machine-error.js';

export type IsaInterruptsState = { readonly version: 1; readonly levels: readonly (readonly boolean[])[] };

const LINES = 16;

/** The ISA bus's interrupt lines, each shared by all that are wired to it. A device, because the levels of shared lines are state of the board. */
export class IsaInterrupts implements Device<IsaInterruptsState> {
  readonly name = 'isa-interrupts';
  readonly #lines: readonly WiredOr[];

  /** @param outputs where the lines end, by IRQ number */
  constructor(outputs: (irq: number) => IrqLine) {
    this.#lines = Array.from({ length: LINES }, (_, irq) => new WiredOr(outputs(irq)));
  }

  /** One more source for the line. */
  irq(n: number): IrqLine {
    return this.#lines[n].input();
  }

  /** Lines go down because those who drive them are reset. */
  reset(): void {}

  save(): IsaInterruptsState {
    return { version: 1, levels: this.#lines.map(({ levels }) => [...levels]) };
  }

  restore(state: IsaInterruptsState): void {
    if (state.version !== 1)
      throw new MachineError('snapshot', `${this.name}: unknown version ${String(state.version)}`);
    this.#lines.forEach((line, irq) => line.restore(state.levels[irq] ?? []));
  }
}
