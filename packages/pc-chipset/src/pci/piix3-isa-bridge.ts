import type { Device, IrqLine, PciFunction } from '@pckit/interfaces';
import { expectVersion } from '../state-version.js';

/**
 * The PCI to ISA bridge, function 0 of the 82371SB: Intel 82371FB (PIIX) and 82371SB (PIIX3) datasheet, section 2.2. It routes PIRQA# to
 * PIRQD# to ISA interrupts (PIRQRC, 60H-63H).
 *
 * Each PIRQ also goes, unrouted, to an I/O APIC input of its own, as on boards with an 82093AA; ACPI's _PRT names those in APIC mode and
 * the routed ISA interrupts in PIC mode. The 8259s' edge/level control belongs to the 8259s; the bridge only drives lines.
 *
 * Deviations: the ISA timing, chip select and DMA registers store without effect.
 */

const PIRQRC_A = 0x60;
const PIRQ_COUNT = 4;
/** PIRQRC bit 7: routing disabled. */
const PIRQRC_DISABLED = 0x80;
const PIRQRC_WRITABLE = 0x8f;
/** IRQ0, 1, 2, 8 and 13 can't be routed to (PIRQRC, section 2.2.9). */
const ROUTABLE = 0b1101_1110_1111_1000;

/** Everything that only stores. */
const STORED_START = 0x4c;
const STORED_LENGTH = 0x14;
const STORED2_START = 0x69;
const STORED2_LENGTH = 0x47;
/** IORT, XBCS (sections 2.2.5 and 2.2.6). */
const IORT_DEFAULT = 0x4d;
const XBCS_DEFAULT = 0x03;

/** I/O and memory access and bus mastering are hardwired on (PCICMD, section 2.2.3). */
const FIXED_COMMAND = 0x0007;

export interface Piix3IsaBridgeWires {
  /** Inputs of the ISA interrupt lines by IRQ number; those that can be routed to: 3-7, 9-12, 14, 15. Missing ones are not connected. */
  readonly isaIrqs: readonly (IrqLine | undefined)[];
  /** Where PIRQA# to PIRQD# go unrouted: I/O APIC inputs 16 to 19. */
  readonly ioApicInputs?: readonly IrqLine[];
}

export interface Piix3IsaBridgeOptions {
  readonly name?: string;
}

export interface Piix3IsaBridgeState {
  readonly [field: string]: number | readonly boolean[] | readonly number[];
  readonly version: 1;
  /** PIRQRC A to D. */
  readonly routes: readonly number[];
  readonly pirqLevels: readonly boolean[];
}

export class Piix3IsaBridge implements Device<Piix3IsaBridgeState> {
  readonly name: string;
  /** PIRQA# to PIRQD#. */
  readonly pirqs: readonly [IrqLine, IrqLine, IrqLine, IrqLine];
  readonly pciFunction: PciFunction;

  readonly #routes = new Uint8Array(PIRQ_COUNT).fill(PIRQRC_DISABLED);
  readonly #levels = [false, false, false, false];
  /** ISA lines that are high because of a PIRQ, one bit each. */
  #driven = 0;

  constructor(
    private readonly wires: Piix3IsaBridgeWires,
    options: Piix3IsaBridgeOptions = {},
  ) {
    this.name = options.name ?? 'piix3';
    const pirq = (index: number): IrqLine => ({ set: (level) => this.#setPirq(index, level) });
    this.pirqs = [pirq(0), pirq(1), pirq(2), pirq(3)];

    const stored = new Uint8Array(STORED_LENGTH);
    stored[0x4c - STORED_START] = IORT_DEFAULT;
    stored[0x4e - STORED_START] = XBCS_DEFAULT;
    this.pciFunction = {
      name: this.name,
      vendorId: 0x8086,
      deviceId: 0x7000,
      classCode: 0x060100,
      bars: [],
      fixedCommand: FIXED_COMMAND,
      multifunction: true,
      registers: [
        { at: STORED_START, initial: stored, writable: new Uint8Array(STORED_LENGTH).fill(0xff) },
        { at: STORED2_START, initial: new Uint8Array(STORED2_LENGTH), writable: new Uint8Array(STORED2_LENGTH).fill(0xff) },
      ],
      readConfig: (register, size) => this.#readConfig(register, size),
      writeConfig: (register, value, size) => this.#writeConfig(register, value, size),
    };
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.#routes.fill(PIRQRC_DISABLED);
    // RESET# reaches the functions on the bus as well: nobody holds a PIRQ.
    for (let i = 0; i < PIRQ_COUNT; i++) this.#setPirq(i, false);
  }

  save(): Piix3IsaBridgeState {
    return { version: 1, routes: [...this.#routes], pirqLevels: [...this.#levels] };
  }

  restore(state: Piix3IsaBridgeState): void {
    expectVersion(this.name, state, 1);
    for (let i = 0; i < PIRQ_COUNT; i++) {
      this.#routes[i] = state.routes[i];
      this.#levels[i] = state.pirqLevels[i];
    }
    this.#driven = this.#routedLevels();
  }

  #readConfig(register: number, size: number): number | undefined {
    if (register < PIRQRC_A || register + size > PIRQRC_A + PIRQ_COUNT) return undefined;
    let value = 0;
    for (let i = 0; i < size; i++) value += this.#routes[register - PIRQRC_A + i] * 2 ** (8 * i);
    return value;
  }

  #writeConfig(register: number, value: number, size: number): void {
    for (let i = 0; i < size; i++) {
      const index = register - PIRQRC_A + i;
      if (index >= 0 && index < PIRQ_COUNT) this.#routes[index] = Math.floor(value / 2 ** (8 * i)) & PIRQRC_WRITABLE;
    }
    this.#drive();
  }

  #setPirq(index: number, level: boolean): void {
    this.#levels[index] = level;
    this.wires.ioApicInputs?.[index]?.set(level);
    this.#drive();
  }

  /** The ISA lines that the routes make high. */
  #routedLevels(): number {
    let levels = 0;
    for (let i = 0; i < PIRQ_COUNT; i++) {
      if (this.#levels[i] && (this.#routes[i] & PIRQRC_DISABLED) === 0) levels |= 1 << (this.#routes[i] & 0xf);
    }
    return levels & ROUTABLE;
  }

  #drive(): void {
    const levels = this.#routedLevels();
    const changed = levels ^ this.#driven;
    this.#driven = levels;
    for (let irq = 3; changed >>> irq !== 0; irq++) {
      if ((changed & (1 << irq)) !== 0) this.wires.isaIrqs[irq]?.set((levels & (1 << irq)) !== 0);
    }
  }
}
