import { disconnected } from '@pckit/interfaces';
import type { Clock, Device, IoRegion, IrqLine } from '@pckit/interfaces';
import { Ps2Keyboard } from './ps2-keyboard.js';
import type { Ps2KeyboardState } from './ps2-keyboard.js';
import { Ps2Mouse } from './ps2-mouse.js';
import type { Ps2MouseState } from './ps2-mouse.js';
import { BREAK, translate } from './ps2-scancodes.js';
import { expectVersion } from './state-version.js';

/*
 * The 8042 keyboard controller of a PS/2: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller".
 *
 * - It comes up as firmware leaves it: self test passed, interrupts and translation on, A20 enabled.
 * - Commands complete as they are written, so the input buffer is never full.
 * - Without a mouse the auxiliary port is there and whoever is spoken to on it times out.
 */

const STATUS_OBF = 0x01; // output buffer full
const STATUS_SYS = 0x04; // system flag
const STATUS_A2 = 0x08; // the last write went to 64h
const STATUS_NOT_INHIBITED = 0x10;
const STATUS_AUX_OBF = 0x20;
const STATUS_TIMEOUT = 0x40;

/** Byte 0 of the RAM, the command byte. */
const KEYBOARD_INTERRUPT = 0x01;
const AUX_INTERRUPT = 0x02;
const SYSTEM_FLAG = 0x04;
const KEYBOARD_DISABLE = 0x10;
const AUX_DISABLE = 0x20;
const TRANSLATE = 0x40;
const COMMAND_BYTE_AT_RESET = KEYBOARD_INTERRUPT | AUX_INTERRUPT | SYSTEM_FLAG | TRANSLATE;

const READ_RAM = 0x20; // 20h-3Fh
const WRITE_RAM = 0x60; // 60h-7Fh
const TEST_PASSWORD = 0xa4;
const DISABLE_AUX = 0xa7;
const ENABLE_AUX = 0xa8;
const TEST_AUX = 0xa9;
const SELF_TEST = 0xaa;
const TEST_KEYBOARD = 0xab;
const DISABLE_KEYBOARD = 0xad;
const ENABLE_KEYBOARD = 0xae;
const READ_INPUT_PORT = 0xc0;
const READ_OUTPUT_PORT = 0xd0;
const WRITE_OUTPUT_PORT = 0xd1;
const WRITE_KEYBOARD_OUTPUT = 0xd2;
const WRITE_AUX_OUTPUT = 0xd3;
const WRITE_AUX = 0xd4;
const DISABLE_A20 = 0xdd;
const ENABLE_A20 = 0xdf;
const READ_TEST_INPUTS = 0xe0;
const PULSE_OUTPUT = 0xf0; // F0h-FFh: pulses the bits of the output port that are 0

const OUTPUT_RESET = 0x01; // low: reset
const OUTPUT_A20 = 0x02;
const OUTPUT_KEYBOARD_IRQ = 0x10;
const OUTPUT_AUX_IRQ = 0x20;

const SELF_TEST_PASSED = 0x55;
const INTERFACE_TEST_PASSED = 0x00;
const NO_PASSWORD = 0xf1;
/** What comes back instead of an answer, together with STATUS_TIMEOUT. */
const TIMED_OUT = 0xfe;

/** The real controller keeps none; a guest that never reads can't make the queue grow. */
const REPLIES_KEPT = 16;
/** Flags of a queued reply of the controller's own. */
const FROM_AUX = 0x100;
const WITH_TIMEOUT = 0x200;

export type I8042State = {
  readonly version: 1;
  readonly ram: Uint8Array;
  readonly outputPort: number;
  /** The command whose parameter comes next through 60h, 0 for none. */
  readonly command: number;
  readonly lastToCommandPort: boolean;
  readonly output: number;
  readonly outputFull: boolean;
  readonly outputFromAux: boolean;
  readonly outputTimeout: boolean;
  readonly replies: readonly number[];
  readonly breakPending: boolean;
  readonly keyboard: Ps2KeyboardState;
  readonly mouse: Ps2MouseState | null;
};

export interface I8042Wires {
  readonly clock: Clock;
  /** IRQ 1 */
  readonly keyboardIrq: IrqLine;
  /** IRQ 12 */
  readonly mouseIrq: IrqLine;
  /** Output bit 0 went low (command FEh, customarily). */
  readonly reset: () => void;
  /** Output bit 1, true: A20 enabled. */
  readonly a20?: IrqLine;
}

export interface I8042Options {
  /** Default `i8042`. */
  readonly name?: string;
  /** Default true. */
  readonly mouse?: boolean;
}

export class I8042 implements Device<I8042State> {
  readonly name: string;
  /** 60h and 64h */
  readonly regions: { readonly data: IoRegion; readonly command: IoRegion };
  readonly keyboard: Ps2Keyboard;
  readonly mouse: Ps2Mouse | undefined;
  private readonly wires: I8042Wires;
  private readonly a20: IrqLine;
  private readonly ram = new Uint8Array(32);
  private outputPort = OUTPUT_RESET | OUTPUT_A20;
  private command = 0;
  private lastToCommandPort = false;
  private output = 0;
  private outputFull = false;
  private outputFromAux = false;
  private outputTimeout = false;
  /** The controller's own bytes that wait for the output buffer. */
  private replies: number[] = [];
  /** Translation has swallowed a break prefix. */
  private breakPending = false;

  constructor(wires: I8042Wires, options: I8042Options = {}) {
    this.name = options.name ?? 'i8042';
    this.wires = wires;
    this.a20 = wires.a20 ?? disconnected;
    this.keyboard = new Ps2Keyboard({ clock: wires.clock, onData: () => this.fill() }, `${this.name}.keyboard`);
    this.mouse = options.mouse === false ? undefined : new Ps2Mouse(() => this.fill());
    this.regions = {
      data: {
        name: `${this.name}.data`,
        length: 1,
        accepts: [1],
        handler: { read: () => this.readData(), write: (_offset, value) => this.writeData(value) },
      },
      command: {
        name: `${this.name}.command`,
        length: 1,
        accepts: [1],
        handler: { read: () => this.status, write: (_offset, value) => this.writeCommand(value) },
      },
    };
    this.reset('cold');
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.ram.fill(0);
    this.ram[0] = COMMAND_BYTE_AT_RESET;
    this.command = 0;
    this.lastToCommandPort = false;
    this.output = 0;
    this.outputFull = false;
    this.outputFromAux = false;
    this.outputTimeout = false;
    this.replies = [];
    this.breakPending = false;
    this.keyboard.reset();
    this.mouse?.reset();
    this.outputPort = OUTPUT_RESET | OUTPUT_A20;
    this.a20.set(true);
    this.update();
  }

  save(): I8042State {
    return {
      version: 1,
      ram: this.ram.slice(),
      outputPort: this.outputPort,
      command: this.command,
      lastToCommandPort: this.lastToCommandPort,
      output: this.output,
      outputFull: this.outputFull,
      outputFromAux: this.outputFromAux,
      outputTimeout: this.outputTimeout,
      replies: [...this.replies],
      breakPending: this.breakPending,
      keyboard: this.keyboard.save(),
      mouse: this.mouse?.save() ?? null,
    };
  }

  restore(state: I8042State): void {
    expectVersion(this.name, state, 1);
    this.ram.set(state.ram);
    this.outputPort = state.outputPort;
    this.command = state.command;
    this.lastToCommandPort = state.lastToCommandPort;
    this.output = state.output;
    this.outputFull = state.outputFull;
    this.outputFromAux = state.outputFromAux;
    this.outputTimeout = state.outputTimeout;
    this.replies = [...state.replies];
    this.breakPending = state.breakPending;
    this.keyboard.restore(state.keyboard);
    if (state.mouse !== null) this.mouse?.restore(state.mouse);
  }

  private get status(): number {
    return (
      STATUS_NOT_INHIBITED |
      (this.outputFull ? STATUS_OBF : 0) |
      (this.outputFull && this.outputFromAux ? STATUS_AUX_OBF : 0) |
      (this.outputFull && this.outputTimeout ? STATUS_TIMEOUT : 0) |
      (this.has(SYSTEM_FLAG) ? STATUS_SYS : 0) |
      (this.lastToCommandPort ? STATUS_A2 : 0)
    );
  }

  /** A bit of the command byte. */
  private has(bit: number): boolean {
    return (this.ram[0] & bit) !== 0;
  }

  private readData(): number {
    const value = this.output;
    if (this.outputFull) {
      this.outputFull = false;
      this.update(); // the line goes low between two bytes, as an edge-triggered receiver needs
      this.fill();
    }
    return value;
  }

  private writeData(value: number): void {
    this.lastToCommandPort = false;
    const { command } = this;
    this.command = 0;
    if (command === 0) {
      // Speaking to the keyboard enables it.
      this.ram[0] &= ~KEYBOARD_DISABLE;
      this.keyboard.receive(value);
    } else if (command >= WRITE_RAM && command < WRITE_RAM + 32) {
      this.ram[command - WRITE_RAM] = value;
      this.update();
    } else if (command === WRITE_OUTPUT_PORT) {
      this.writeOutputPort(value);
    } else if (command === WRITE_KEYBOARD_OUTPUT) {
      this.reply(value);
    } else if (command === WRITE_AUX_OUTPUT) {
      this.reply(value | FROM_AUX);
    } else if (command === WRITE_AUX) {
      this.ram[0] &= ~AUX_DISABLE;
      if (this.mouse !== undefined) this.mouse.receive(value);
      else this.reply(TIMED_OUT | FROM_AUX | WITH_TIMEOUT);
    }
    this.fill();
  }

  private writeCommand(value: number): void {
    this.lastToCommandPort = true;
    this.command = 0;
    if (value >= READ_RAM && value < READ_RAM + 32) {
      this.reply(this.ram[value - READ_RAM]);
    } else if (value >= PULSE_OUTPUT) {
      if ((value & OUTPUT_RESET) === 0) this.wires.reset();
    } else if (value >= WRITE_RAM && value < WRITE_RAM + 32) {
      this.command = value;
    } else {
      this.execute(value);
    }
    this.fill();
  }

  private execute(command: number): void {
    switch (command) {
      case TEST_PASSWORD:
        this.reply(NO_PASSWORD);
        break;
      case DISABLE_AUX:
        this.ram[0] |= AUX_DISABLE;
        break;
      case ENABLE_AUX:
        this.ram[0] &= ~AUX_DISABLE;
        break;
      case TEST_AUX:
      case TEST_KEYBOARD:
        this.reply(INTERFACE_TEST_PASSED);
        break;
      case SELF_TEST:
        this.ram[0] |= SYSTEM_FLAG;
        this.reply(SELF_TEST_PASSED);
        break;
      case DISABLE_KEYBOARD:
        this.ram[0] |= KEYBOARD_DISABLE;
        break;
      case ENABLE_KEYBOARD:
        this.ram[0] &= ~KEYBOARD_DISABLE;
        break;
      case READ_INPUT_PORT:
        this.reply(0x80); // the keyboard is not locked
        break;
      case READ_OUTPUT_PORT:
        this.reply(this.outputPort | this.interruptBits);
        break;
      case WRITE_OUTPUT_PORT:
      case WRITE_KEYBOARD_OUTPUT:
      case WRITE_AUX_OUTPUT:
      case WRITE_AUX:
        this.command = command;
        break;
      case DISABLE_A20:
        this.writeOutputPort(this.outputPort & ~OUTPUT_A20);
        break;
      case ENABLE_A20:
        this.writeOutputPort(this.outputPort | OUTPUT_A20);
        break;
      case READ_TEST_INPUTS:
        this.reply(0x00);
        break;
    }
  }

  private writeOutputPort(value: number): void {
    this.outputPort = value & ~(OUTPUT_KEYBOARD_IRQ | OUTPUT_AUX_IRQ);
    this.a20.set((value & OUTPUT_A20) !== 0);
    if ((value & OUTPUT_RESET) === 0) this.wires.reset();
  }

  private reply(byte: number): void {
    if (this.replies.length < REPLIES_KEPT) this.replies.push(byte);
  }

  /** Moves the next byte into the output buffer if it is empty: the controller's own first, then the keyboard's, then the mouse's. */
  private fill(): void {
    while (!this.outputFull) {
      const reply = this.replies.shift();
      if (reply !== undefined) {
        this.put(reply & 0xff, (reply & FROM_AUX) !== 0, (reply & WITH_TIMEOUT) !== 0);
      } else if (!this.has(KEYBOARD_DISABLE) && this.keyboard.hasData) {
        this.putFromKeyboard(this.keyboard.take());
      } else if (!this.has(AUX_DISABLE) && this.mouse?.hasData === true) {
        this.put(this.mouse.take(), true, false);
      } else {
        break;
      }
    }
    this.update();
  }

  private putFromKeyboard(byte: number): void {
    if (!this.has(TRANSLATE)) {
      this.put(byte, false, false);
    } else if (byte === BREAK) {
      this.breakPending = true;
    } else {
      this.put(translate(byte) | (this.breakPending ? 0x80 : 0), false, false);
      this.breakPending = false;
    }
  }

  private put(byte: number, fromAux: boolean, timeout: boolean): void {
    this.output = byte;
    this.outputFull = true;
    this.outputFromAux = fromAux;
    this.outputTimeout = timeout;
  }

  private get interruptBits(): number {
    if (!this.outputFull) return 0;
    if (this.outputFromAux) return this.has(AUX_INTERRUPT) ? OUTPUT_AUX_IRQ : 0;
    return this.has(KEYBOARD_INTERRUPT) ? OUTPUT_KEYBOARD_IRQ : 0;
  }

  private update(): void {
    const bits = this.interruptBits;
    this.wires.keyboardIrq.set((bits & OUTPUT_KEYBOARD_IRQ) !== 0);
    this.wires.mouseIrq.set((bits & OUTPUT_AUX_IRQ) !== 0);
  }
}
