import { disconnected } from '@pckit/interfaces';
import type { AccessSize, Device, InterruptAcknowledge, IoRegion, IrqLine } from '@pckit/interfaces';
import { ChipsetError } from './chipset-error.js';
import { expectVersion } from './state-version.js';

/*
 * The two 8259A of a PC as the PIIX3 holds them: Intel 8259A datasheet (231468), and Intel 82371SB (PIIX3) for the edge/level
 * control registers.
 *
 * Deviations:
 * - An edge stays latched when its line falls before the acknowledge (the chip would answer IR7), because lines here may be pulsed
 *   in no time. A level-triggered request that goes away is answered with the spurious IR7, as on the chip.
 * - ICW1's LTIM is ignored: ELCR replaces it (PIIX3). MCS-80 mode is ignored: there is no such processor.
 * - A chip asks for nothing until its initialization sequence is complete; the real one's state at power-on is undefined.
 */

const ICW1_IC4 = 0x01; // ICW4 follows
const ICW1_SNGL = 0x02; // no cascade, no ICW3
const ICW1_INIT = 0x10;
const ICW4_AUTO_EOI = 0x02;
const ICW4_SFNM = 0x10; // special fully nested mode
const OCW2_EOI = 0x20;
const OCW2_SL = 0x40; // specific: the level is in bits 0-2
const OCW2_R = 0x80; // rotate
const OCW3 = 0x08;
const OCW3_RIS = 0x01;
const OCW3_RR = 0x02;
const OCW3_P = 0x04;
const OCW3_SMM = 0x20;
const OCW3_ESMM = 0x40;

/** IRQ 0, 1, 2, 8 and 13 are always edge triggered (PIIX3, ELCR1/ELCR2). */
const ELCR_MASTER_WRITABLE = 0xf8;
const ELCR_SLAVE_WRITABLE = 0xde;
/** The master's input that the slave's INT is wired to. */
const CASCADE = 2;
/** Nobody drives the vector onto the bus. */
const FLOATING_BUS = 0xff;

/** What the next write to the odd port is. */
type Expect = 'operation' | 'icw2' | 'icw3' | 'icw4';

/** One 8259A. */
export type I8259PicState = {
  readonly expect: Expect;
  readonly initialized: boolean;
  readonly icw1: number;
  readonly vectorBase: number;
  readonly icw3: number;
  readonly icw4: number;
  readonly latch: number;
  readonly imr: number;
  readonly isr: number;
  readonly elcr: number;
  readonly lowestPriority: number;
  readonly rotateInAutoEoi: boolean;
  readonly specialMask: boolean;
  readonly readIsr: boolean;
  readonly poll: boolean;
};

export type I8259PicPairState = {
  readonly version: 1;
  /** Levels of the sixteen inputs (bit 2: the slave's INT). Not the chips' own: a reset leaves them. */
  readonly lines: number;
  readonly master: I8259PicState;
  readonly slave: I8259PicState;
};

/** One chip. It has no output line: the pair asks `pending` after whatever may have changed it. */
class I8259Pic {
  private expect: Expect = 'operation';
  private initialized = false;
  private icw1 = 0;
  private vectorBase = 0;
  private icw3 = 0;
  private icw4 = 0;
  /** Edges seen and not acknowledged. */
  private latch = 0;
  private imr = 0;
  private isr = 0;
  private lowestPriority = 7;
  private rotateInAutoEoi = false;
  private specialMask = false;
  private readIsr = false;
  private poll = false;
  elcr = 0;
  /** Levels of IR0-IR7. */
  lines = 0;

  /** @param liveInputs inputs that follow their line whatever ELCR says: the cascade. */
  constructor(private readonly liveInputs: number) {}

  reset(): void {
    this.expect = 'operation';
    this.initialized = false;
    this.icw1 = 0;
    this.vectorBase = 0;
    this.icw3 = 0;
    this.icw4 = 0;
    this.latch = 0;
    this.imr = 0;
    this.isr = 0;
    this.elcr = 0;
    this.lowestPriority = 7;
    this.rotateInAutoEoi = false;
    this.specialMask = false;
    this.readIsr = false;
    this.poll = false;
  }

  set(input: number, level: boolean): void {
    const bit = 1 << input;
    if (level) {
      if ((this.lines & bit) === 0) this.latch |= bit;
      this.lines |= bit;
    } else {
      this.lines &= ~bit;
    }
  }

  /** The request to be acknowledged next, or -1. */
  get pending(): number {
    if (!this.initialized) return -1;
    const requests = this.irr & ~this.imr;
    if (requests === 0) return -1;
    const candidate = this.highest(requests);
    // Special mask mode: a level in service whose mask bit is set inhibits nothing ("Special Mask Mode").
    const inService = this.specialMask ? this.isr & ~this.imr : this.isr;
    if (inService === 0) return candidate;
    const serviced = this.priority(this.highest(inService));
    const wanted = this.priority(candidate);
    if (wanted < serviced) return candidate;
    // Special fully nested mode: a slave in service is not locked out, so that its higher inputs come through.
    if (wanted === serviced && (this.icw4 & ICW4_SFNM) !== 0 && this.hasSlave(candidate)) return candidate;
    return -1;
  }

  /** The first INTA: freezes the decision. @returns the input, 7 when nothing asks any more. */
  beginAcknowledge(): number {
    const input = this.pending;
    if (input < 0) return 7;
    const bit = 1 << input;
    this.latch &= ~bit;
    if ((this.icw4 & ICW4_AUTO_EOI) === 0) this.isr |= bit;
    else if (this.rotateInAutoEoi) this.lowestPriority = input;
    return input;
  }

  vector(input: number): number {
    return this.vectorBase | input;
  }

  hasSlave(input: number): boolean {
    return (this.icw1 & ICW1_SNGL) === 0 && (this.icw3 & (1 << input)) !== 0;
  }

  /** As a slave: the identity that the cascade lines must carry. */
  get slaveId(): number {
    return this.icw3 & 7;
  }

  read(offset: number): number {
    if (this.poll) {
      // "Poll Command": the next read is the acknowledge.
      this.poll = false;
      return this.pending < 0 ? 0 : 0x80 | this.beginAcknowledge();
    }
    if (offset === 1) return this.imr;
    return this.readIsr ? this.isr : this.irr;
  }

  write(offset: number, value: number): void {
    if (offset === 0) {
      if ((value & ICW1_INIT) !== 0) this.initialize(value);
      else if ((value & OCW3) !== 0) this.operationCommand3(value);
      else this.operationCommand2(value);
      return;
    }
    switch (this.expect) {
      case 'icw2':
        this.vectorBase = value & 0xf8;
        this.expect = (this.icw1 & ICW1_SNGL) === 0 ? 'icw3' : (this.icw1 & ICW1_IC4) !== 0 ? 'icw4' : 'operation';
        break;
      case 'icw3':
        this.icw3 = value;
        this.expect = (this.icw1 & ICW1_IC4) !== 0 ? 'icw4' : 'operation';
        break;
      case 'icw4':
        this.icw4 = value;
        this.expect = 'operation';
        break;
      case 'operation':
        this.imr = value;
        return;
    }
    this.initialized = this.expect === 'operation';
  }

  save(): I8259PicState {
    return {
      expect: this.expect,
      initialized: this.initialized,
      icw1: this.icw1,
      vectorBase: this.vectorBase,
      icw3: this.icw3,
      icw4: this.icw4,
      latch: this.latch,
      imr: this.imr,
      isr: this.isr,
      elcr: this.elcr,
      lowestPriority: this.lowestPriority,
      rotateInAutoEoi: this.rotateInAutoEoi,
      specialMask: this.specialMask,
      readIsr: this.readIsr,
      poll: this.poll,
    };
  }

  restore(state: I8259PicState): void {
    this.expect = state.expect;
    this.initialized = state.initialized;
    this.icw1 = state.icw1;
    this.vectorBase = state.vectorBase;
    this.icw3 = state.icw3;
    this.icw4 = state.icw4;
    this.latch = state.latch;
    this.imr = state.imr;
    this.isr = state.isr;
    this.elcr = state.elcr;
    this.lowestPriority = state.lowestPriority;
    this.rotateInAutoEoi = state.rotateInAutoEoi;
    this.specialMask = state.specialMask;
    this.readIsr = state.readIsr;
    this.poll = state.poll;
  }

  private get irr(): number {
    const live = this.elcr | this.liveInputs;
    return (this.latch & ~live) | (this.lines & live);
  }

  /** 0 is the highest. */
  private priority(input: number): number {
    return (input - this.lowestPriority - 1) & 7;
  }

  private highest(inputs: number): number {
    let input = (this.lowestPriority + 1) & 7;
    while ((inputs & (1 << input)) === 0) input = (input + 1) & 7;
    return input;
  }

  /** ICW1. Datasheet, "Initialization Command Words", a-f: edges must come anew, the mask is cleared, priorities are at rest. */
  private initialize(value: number): void {
    this.icw1 = value;
    this.icw3 = 0;
    this.icw4 = 0;
    this.latch = 0;
    this.imr = 0;
    this.isr = 0;
    this.lowestPriority = 7;
    this.rotateInAutoEoi = false;
    this.specialMask = false;
    this.readIsr = false;
    this.poll = false;
    this.initialized = false;
    this.expect = 'icw2';
  }

  private operationCommand2(value: number): void {
    const level = value & 7;
    switch (value & (OCW2_R | OCW2_SL | OCW2_EOI)) {
      case OCW2_EOI:
        this.endOfInterrupt();
        break;
      case OCW2_SL | OCW2_EOI:
        this.isr &= ~(1 << level);
        break;
      case OCW2_R | OCW2_EOI: {
        const ended = this.endOfInterrupt();
        if (ended >= 0) this.lowestPriority = ended;
        break;
      }
      case OCW2_R | OCW2_SL | OCW2_EOI:
        this.isr &= ~(1 << level);
        this.lowestPriority = level;
        break;
      case OCW2_R:
        this.rotateInAutoEoi = true;
        break;
      case 0:
        this.rotateInAutoEoi = false;
        break;
      case OCW2_R | OCW2_SL:
        this.lowestPriority = level;
        break;
    }
  }

  /** Non-specific EOI. In special mask mode it leaves levels alone that are masked ("End of Interrupt"). */
  private endOfInterrupt(): number {
    const inService = this.specialMask ? this.isr & ~this.imr : this.isr;
    if (inService === 0) return -1;
    const input = this.highest(inService);
    this.isr &= ~(1 << input);
    return input;
  }

  private operationCommand3(value: number): void {
    if ((value & OCW3_ESMM) !== 0) this.specialMask = (value & OCW3_SMM) !== 0;
    if ((value & OCW3_P) !== 0) this.poll = true;
    else if ((value & OCW3_RR) !== 0) this.readIsr = (value & OCW3_RIS) !== 0;
  }
}

export interface I8259PicPairWires {
  /** INT of the master: to LINT0 of the local APICs, or straight to a processor's INTR. */
  readonly intr: IrqLine;
}

export interface I8259PicPairOptions {
  /** Default `pic`. */
  readonly name?: string;
}

export interface I8259PicPairRegions {
  /** 20h-21h */
  readonly master: IoRegion;
  /** A0h-A1h */
  readonly slave: IoRegion;
  /** Edge/level control, 4D0h-4D1h */
  readonly elcr: IoRegion;
}

/** Master and slave, the slave's INT on the master's IR2. */
export class I8259PicPair implements Device<I8259PicPairState>, InterruptAcknowledge {
  readonly name: string;
  readonly regions: I8259PicPairRegions;
  private readonly intr: IrqLine;
  private readonly master = new I8259Pic(1 << CASCADE);
  private readonly slave = new I8259Pic(0);
  private readonly inputs: readonly IrqLine[];

  constructor(wires: I8259PicPairWires, options: I8259PicPairOptions = {}) {
    this.name = options.name ?? 'pic';
    this.intr = wires.intr;
    this.regions = {
      master: this.ports(`${this.name}.master`, this.master),
      slave: this.ports(`${this.name}.slave`, this.slave),
      elcr: {
        name: `${this.name}.elcr`,
        length: 2,
        accepts: [1],
        handler: {
          read: (offset) => (offset === 0 ? this.master.elcr : this.slave.elcr),
          write: (offset, value) => {
            if (offset === 0) this.master.elcr = value & ELCR_MASTER_WRITABLE;
            else this.slave.elcr = value & ELCR_SLAVE_WRITABLE;
            this.update();
          },
        },
      },
    };
    this.inputs = Array.from({ length: 16 }, (_, irq) => (irq === CASCADE ? disconnected : this.input(irq)));
  }

  /** IR0..IR7 of the master, IR0..IR7 of the slave as 8..15. 2 is the cascade: a line that ends nowhere. */
  irq(n: number): IrqLine {
    const line = this.inputs[n];
    if (line === undefined) throw new ChipsetError('chip-options', `${this.name}: no IRQ ${n}, there are 0 to 15`);
    return line;
  }

  acknowledge(): number {
    const input = this.master.beginAcknowledge();
    let vector: number;
    if (!this.master.hasSlave(input)) vector = this.master.vector(input);
    else if (input === CASCADE && this.slave.slaveId === CASCADE) vector = this.slave.vector(this.slave.beginAcknowledge());
    else vector = FLOATING_BUS;
    this.update();
    return vector;
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.master.reset();
    this.slave.reset();
    this.update();
  }

  save(): I8259PicPairState {
    return {
      version: 1,
      lines: this.master.lines | (this.slave.lines << 8),
      master: this.master.save(),
      slave: this.slave.save(),
    };
  }

  restore(state: I8259PicPairState): void {
    expectVersion(this.name, state, 1);
    this.master.lines = state.lines & 0xff;
    this.slave.lines = state.lines >> 8;
    this.master.restore(state.master);
    this.slave.restore(state.slave);
  }

  private ports(name: string, chip: I8259Pic): IoRegion {
    return {
      name,
      length: 2,
      accepts: [1],
      handler: {
        read: (offset: number, _size: AccessSize): number => {
          const value = chip.read(offset);
          this.update(); // a poll acknowledges
          return value;
        },
        write: (offset: number, value: number, _size: AccessSize): void => {
          chip.write(offset, value);
          this.update();
        },
      },
    };
  }

  private input(irq: number): IrqLine {
    const chip = irq < 8 ? this.master : this.slave;
    return {
      set: (level) => {
        chip.set(irq & 7, level);
        this.update();
      },
    };
  }

  private update(): void {
    this.master.set(CASCADE, this.slave.pending >= 0);
    this.intr.set(this.master.pending >= 0);
  }
}
