import type { IrqLine, PciInterrupts } from '@pckit/interfaces';

/** What a slot would give: remembers the messages that were sent and the level of INTx. */
export class FakePciInterrupts implements PciInterrupts {
  msiEnabled = false;
  msixEnabled = false;
  /** Vectors of MSI-X messages, in order. */
  readonly messages: number[] = [];
  level = false;
  /** How often INTx rose. */
  rises = 0;
  readonly intx: IrqLine = {
    set: (level) => {
      if (level && !this.level) this.rises++;
      this.level = level;
    },
  };

  notify(vector: number): void {
    this.messages.push(vector);
  }
}
