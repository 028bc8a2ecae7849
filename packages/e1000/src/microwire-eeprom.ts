import { EECD_CS, EECD_DI, EECD_DO, EECD_SK } from './registers.js';

// The card's EEPROM: a Microwire device of 64 words (93C46), driven bit by bit through EECD or read through EERD, and what the manual's chapter 5
// says is in it. Clocked by rising edges of SK while CS is high.

const WORDS = 64;
const ADDRESS_BITS = 6;
/** 5.6.35: all words together, modulo 2^16. */
const CHECKSUM = 0xbaba;
const CHECKSUM_WORD = 0x3f;

// Opcodes, after the start bit. Of 0 the upper two address bits say which.
const OP_EXTENDED = 0;
const OP_WRITE = 1;
const OP_READ = 2;
const OP_ERASE = 3;
const EXTENDED_DISABLE = 0;
const EXTENDED_WRITE_ALL = 1;
const EXTENDED_ERASE_ALL = 2;
const EXTENDED_ENABLE = 3;

/** Waiting for the start bit; taking opcode and address; taking data; giving data; done until CS falls. */
type Phase = 'idle' | 'command' | 'data' | 'read' | 'done';

export type EepromState = {
  readonly words: readonly number[];
  readonly pins: number;
  readonly phase: Phase;
  readonly shift: number;
  readonly bits: number;
  readonly command: number;
  readonly output: boolean;
  readonly writable: boolean;
};

export class MicrowireEeprom {
  readonly words: Uint16Array;
  /** SK, CS and DI as software drives them. */
  #pins = 0;
  #phase: Phase = 'idle';
  #shift = 0;
  #bits = 0;
  /** Opcode and address. */
  #command = 0;
  #output = false;
  #writable = false;

  constructor(mac: Uint8Array, deviceId: number, subsystem: { readonly vendor: number; readonly device: number }) {
    this.words = contents(mac, deviceId, subsystem);
  }

  /** The level of DO, as EECD shows it. */
  get output(): number {
    return this.#output ? EECD_DO : 0;
  }

  /** Software drives the pins. @param pins EECD's SK, CS and DI */
  drive(pins: number): void {
    const before = this.#pins;
    this.#pins = pins & (EECD_SK | EECD_CS | EECD_DI);
    if ((pins & EECD_CS) === 0) {
      this.#phase = 'idle';
      this.#output = false;
      return;
    }
    // A new selection shows that the last write is done: it took no time.
    if ((before & EECD_CS) === 0) this.#output = true;
    if ((pins & EECD_SK) !== 0 && (before & EECD_SK) === 0) this.#clock((pins & EECD_DI) !== 0);
  }

  save(): EepromState {
    return {
      words: [...this.words],
      pins: this.#pins,
      phase: this.#phase,
      shift: this.#shift,
      bits: this.#bits,
      command: this.#command,
      output: this.#output,
      writable: this.#writable,
    };
  }

  restore(state: EepromState): void {
    this.words.set(state.words);
    this.#pins = state.pins;
    this.#phase = state.phase;
    this.#shift = state.shift;
    this.#bits = state.bits;
    this.#command = state.command;
    this.#output = state.output;
    this.#writable = state.writable;
  }

  /** The bus is reset; what is stored stays. */
  reset(): void {
    this.#pins = 0;
    this.#phase = 'idle';
    this.#shift = this.#bits = this.#command = 0;
    this.#output = this.#writable = false;
  }

  #clock(bit: boolean): void {
    switch (this.#phase) {
      case 'idle':
        if (!bit) return;
        this.#phase = 'command';
        this.#shift = this.#bits = 0;
        return;
      case 'command':
        this.#take(bit);
        if (this.#bits === 2 + ADDRESS_BITS) this.#begin(this.#shift);
        return;
      case 'data':
        this.#take(bit);
        if (this.#bits < 16) return;
        if (this.#writable) this.#store(this.#shift);
        this.#phase = 'done';
        return;
      case 'read':
        if (this.#bits === 16) {
          // Reading goes on with the next word.
          this.#command = (this.#command + 1) & (WORDS - 1);
          this.#shift = this.words[this.#command]!;
          this.#bits = 0;
        }
        this.#output = ((this.#shift >>> (15 - this.#bits)) & 1) !== 0;
        this.#bits++;
        return;
      case 'done':
        return;
    }
  }

  #take(bit: boolean): void {
    this.#shift = (this.#shift << 1) | (bit ? 1 : 0);
    this.#bits++;
  }

  #begin(command: number): void {
    this.#command = command;
    const address = command & (WORDS - 1);
    const extended = address >>> (ADDRESS_BITS - 2);
    const operation = command >>> ADDRESS_BITS;
    this.#shift = this.#bits = 0;
    this.#phase = 'done';
    if (operation === OP_READ) {
      this.#command = address;
      this.#shift = this.words[address]!;
      // A zero comes before the data.
      this.#output = false;
      this.#phase = 'read';
    } else if (operation === OP_WRITE || (operation === OP_EXTENDED && extended === EXTENDED_WRITE_ALL)) {
      this.#phase = 'data';
    } else if (operation === OP_ERASE) {
      if (this.#writable) this.words[address] = 0xffff;
    } else if (extended === EXTENDED_ENABLE || extended === EXTENDED_DISABLE) {
      this.#writable = extended === EXTENDED_ENABLE;
    } else if (extended === EXTENDED_ERASE_ALL && this.#writable) {
      this.words.fill(0xffff);
    }
  }

  #store(value: number): void {
    if (this.#command >>> ADDRESS_BITS === OP_WRITE) this.words[this.#command & (WORDS - 1)] = value;
    else this.words.fill(value);
  }
}

/** Table 5-2, as far as a driver reads it; the rest is unused. */
function contents(mac: Uint8Array, deviceId: number, subsystem: { readonly vendor: number; readonly device: number }): Uint16Array {
  const words = new Uint16Array(WORDS);
  for (let i = 0; i < 3; i++) words[i] = mac[2 * i]! | (mac[2 * i + 1]! << 8);
  words[0x04] = 0xffff;
  // Initialization Control Word 1: signature 01b, 32-bit BARs, full duplex; loads the IDs.
  words[0x0a] = 0x6403;
  words[0x0b] = subsystem.device;
  words[0x0c] = subsystem.vendor;
  words[0x0d] = deviceId;
  words[0x0e] = 0x8086;
  // Initialization Control Word 2: pause in both directions (13:12).
  words[0x0f] = 0x3040;
  let sum = 0;
  for (let i = 0; i < CHECKSUM_WORD; i++) sum += words[i]!;
  words[CHECKSUM_WORD] = CHECKSUM - sum;
  return words;
}
