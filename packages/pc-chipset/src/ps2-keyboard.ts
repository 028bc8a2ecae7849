import type { Clock, Timer } from '@pckit/interfaces';
import {
  BREAK,
  CONTROL_BREAK,
  EXTENDED,
  PAUSE,
  PRINT_SCREEN_BREAK,
  PRINT_SCREEN_MAKE,
  SET_2_MAKE,
  SYSTEM_REQUEST,
  translate,
} from './ps2-scancodes.js';
import { restoreTimer, saveTimer } from './timer-state.js';

/*
 * An enhanced (101/102-key) PS/2 keyboard: IBM PS/2 Hardware Interface Technical Reference, "Keyboards". Scan code sets 2 and 1;
 * set 3 is refused, as by many keyboards. Bytes arrive at once, not at the speed of the cable. The navigation keys don't wrap
 * themselves in shift codes for num lock, which only programs from the days of the 83-key keyboard want.
 */

const SET_LEDS = 0xed;
const ECHO = 0xee;
const SCAN_CODE_SET = 0xf0;
const READ_ID = 0xf2;
const SET_TYPEMATIC = 0xf3;
const ENABLE = 0xf4;
const DEFAULT_DISABLE = 0xf5;
const SET_DEFAULT = 0xf6;
const SET_ALL_FIRST = 0xf7; // F7h-FAh: key types of set 3 for all keys
const SET_ALL_LAST = 0xfa;
const RESEND = 0xfe;
const RESET = 0xff;

const ACKNOWLEDGE = 0xfa;
const REFUSE = 0xfe;
const TEST_PASSED = 0xaa;
const ID = [0xab, 0x83] as const;

/** Scan codes that wait for the controller, and as many replies. */
const BUFFER_SIZE = 16;
/** 10.9 characters a second after 500 ms. */
const TYPEMATIC_DEFAULT = 0x2b;

export type Ps2KeyboardState = {
  readonly scanning: boolean;
  readonly scanCodeSet: number;
  readonly leds: number;
  readonly typematic: number;
  /** The command whose parameter comes next, 0 for none. */
  readonly command: number;
  readonly replies: readonly number[];
  readonly codes: readonly number[];
  readonly lastSent: number;
  readonly pressed: readonly string[];
  readonly repeating: string | null;
  readonly deadline: number | null;
};

export interface Ps2KeyboardWires {
  readonly clock: Clock;
  /** There is a byte for the controller. */
  readonly onData: () => void;
}

export class Ps2Keyboard {
  /** Shows the LEDs: bit 0 scroll lock, 1 num lock, 2 caps lock. */
  onLeds: ((leds: number) => void) | undefined;
  private readonly clock: Clock;
  private readonly onData: () => void;
  private readonly timer: Timer;
  private scanning = true;
  private scanCodeSet = 2;
  private leds = 0;
  private typematic = TYPEMATIC_DEFAULT;
  private command = 0;
  private replies: number[] = [];
  private codes: number[] = [];
  private lastSent = 0;
  private readonly pressed = new Set<string>();
  private repeating: string | null = null;

  constructor(wires: Ps2KeyboardWires, name: string) {
    this.clock = wires.clock;
    this.onData = wires.onData;
    this.timer = wires.clock.timer(`${name}.typematic`, () => this.repeat());
  }

  /**
   * A key goes down or up. A second `down` without an `up` is the host's own repetition and is ignored: the keyboard repeats itself.
   *
   * @param code a `KeyboardEvent.code` (`KeyA`, `ArrowUp` ...)
   * @returns false when there is no such key, or the guest doesn't take its codes
   */
  key(code: string, down: boolean): boolean {
    const codes = this.codesOf(code, down);
    if (codes === undefined) return false;
    if (down && this.pressed.has(code)) return true;
    if (down) this.pressed.add(code);
    else this.pressed.delete(code);
    if (!this.scanning) return false;
    if (down && code !== 'Pause') this.startTypematic(code);
    else if (!down && this.repeating === code) this.stopTypematic();
    return this.sendCodes(codes);
  }

  get hasData(): boolean {
    return this.replies.length > 0 || this.codes.length > 0;
  }

  /** The controller takes the next byte. */
  take(): number {
    this.lastSent = this.replies.shift() ?? this.codes.shift() ?? 0;
    return this.lastSent;
  }

  /** A byte from the controller. */
  receive(byte: number): void {
    // A command in place of a parameter is a command.
    if (this.command !== 0 && byte < SET_LEDS) this.parameter(this.command, byte);
    else this.execute(byte);
    if (this.hasData) this.onData();
  }

  reset(): void {
    this.leds = 0;
    this.command = 0;
    this.replies = [];
    this.lastSent = 0;
    this.pressed.clear();
    this.setDefaults();
  }

  save(): Ps2KeyboardState {
    return {
      scanning: this.scanning,
      scanCodeSet: this.scanCodeSet,
      leds: this.leds,
      typematic: this.typematic,
      command: this.command,
      replies: [...this.replies],
      codes: [...this.codes],
      lastSent: this.lastSent,
      pressed: [...this.pressed],
      repeating: this.repeating,
      deadline: saveTimer(this.timer),
    };
  }

  restore(state: Ps2KeyboardState): void {
    this.scanning = state.scanning;
    this.scanCodeSet = state.scanCodeSet;
    this.leds = state.leds;
    this.typematic = state.typematic;
    this.command = state.command;
    this.replies = [...state.replies];
    this.codes = [...state.codes];
    this.lastSent = state.lastSent;
    this.pressed.clear();
    for (const key of state.pressed) this.pressed.add(key);
    this.repeating = state.repeating;
    restoreTimer(this.timer, state.deadline);
  }

  private execute(command: number): void {
    this.command = 0;
    switch (command) {
      case SET_LEDS:
      case SCAN_CODE_SET:
      case SET_TYPEMATIC:
        this.command = command;
        this.reply(ACKNOWLEDGE);
        break;
      case ECHO:
        this.reply(ECHO);
        break;
      case READ_ID:
        this.reply(ACKNOWLEDGE, ...ID);
        break;
      case ENABLE:
        this.codes = [];
        this.scanning = true;
        this.reply(ACKNOWLEDGE);
        break;
      case DEFAULT_DISABLE:
        this.setDefaults();
        this.scanning = false;
        this.reply(ACKNOWLEDGE);
        break;
      case SET_DEFAULT:
        this.setDefaults();
        this.reply(ACKNOWLEDGE);
        break;
      case RESEND:
        this.reply(this.lastSent);
        break;
      case RESET:
        this.replies = [];
        this.leds = 0;
        this.setDefaults();
        this.reply(ACKNOWLEDGE, TEST_PASSED);
        break;
      default:
        this.reply(command >= SET_ALL_FIRST && command <= SET_ALL_LAST ? ACKNOWLEDGE : REFUSE);
    }
  }

  private parameter(command: number, byte: number): void {
    this.command = 0;
    switch (command) {
      case SET_LEDS:
        this.leds = byte & 7;
        this.onLeds?.(this.leds);
        this.reply(ACKNOWLEDGE);
        break;
      case SET_TYPEMATIC:
        this.typematic = byte & 0x7f;
        this.reply(ACKNOWLEDGE);
        break;
      case SCAN_CODE_SET:
        if (byte === 0) {
          this.reply(ACKNOWLEDGE, this.scanCodeSet);
        } else if (byte <= 2) {
          this.scanCodeSet = byte;
          this.codes = [];
          this.reply(ACKNOWLEDGE);
        } else {
          this.reply(REFUSE);
        }
        break;
    }
  }

  /** What the controller doesn't take is lost beyond the buffer: a guest can't make it grow. */
  private reply(...bytes: readonly number[]): void {
    if (this.replies.length + bytes.length <= BUFFER_SIZE) this.replies.push(...bytes);
  }

  private setDefaults(): void {
    this.codes = [];
    this.scanning = true;
    this.scanCodeSet = 2;
    this.typematic = TYPEMATIC_DEFAULT;
    this.stopTypematic();
  }

  /** In set 2. */
  private codesOf(code: string, down: boolean): readonly number[] | undefined {
    if (code === 'PrintScreen') {
      if (this.pressed.has('AltLeft') || this.pressed.has('AltRight')) return down ? [SYSTEM_REQUEST] : [BREAK, SYSTEM_REQUEST];
      return down ? PRINT_SCREEN_MAKE : PRINT_SCREEN_BREAK;
    }
    if (code === 'Pause') {
      if (!down) return [];
      return this.pressed.has('ControlLeft') || this.pressed.has('ControlRight') ? CONTROL_BREAK : PAUSE;
    }
    const make = SET_2_MAKE.get(code);
    if (make === undefined) return undefined;
    const codes = make > 0xff ? [EXTENDED] : [];
    if (!down) codes.push(BREAK);
    codes.push(make & 0xff);
    return codes;
  }

  private sendCodes(codes: readonly number[]): boolean {
    if (this.codes.length + codes.length > BUFFER_SIZE) return false;
    if (this.scanCodeSet === 2) {
      this.codes.push(...codes);
    } else {
      // Set 1 marks a break in bit 7 instead of a prefix.
      let broken = 0;
      for (const code of codes) {
        if (code === BREAK) {
          broken = 0x80;
        } else {
          this.codes.push(translate(code) | broken);
          broken = 0;
        }
      }
    }
    if (codes.length > 0) this.onData();
    return true;
  }

  private startTypematic(code: string): void {
    this.repeating = code;
    this.timer.arm(this.clock.now() + ((this.typematic >> 5) + 1) * 250_000_000);
  }

  private stopTypematic(): void {
    this.repeating = null;
    this.timer.cancel();
  }

  private repeat(): void {
    if (this.repeating === null) return;
    // "Typematic": period = (8 + A) * 2^B * 4.17 ms, A bits 2-0, B bits 4-3 of the rate.
    const period = (8 + (this.typematic & 7)) * (1 << ((this.typematic >> 3) & 3)) * 4_170_000;
    this.timer.arm(this.clock.now() + period);
    if (this.codes.length === 0) this.sendCodes(this.codesOf(this.repeating, true)!);
  }
}
