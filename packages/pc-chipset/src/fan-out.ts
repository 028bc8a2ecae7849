import type { IrqLine } from '@pckit/interfaces';

/** One output wired to several inputs: an ISA interrupt goes to the 8259 and to the I/O APIC. */
export function fanOut(...inputs: readonly IrqLine[]): IrqLine {
  return {
    set(level) {
      for (const input of inputs) input.set(level);
    },
  };
}
