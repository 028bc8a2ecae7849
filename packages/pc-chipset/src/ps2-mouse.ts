/*
 * A PS/2 mouse with a wheel: IBM PS/2 Hardware Interface Technical Reference, "Mouse"; the wheel as the IntelliMouse reports it after
 * sample rates 200, 100, 80. Movement is reported as soon as the last report was taken, not at the sample rate.
 */

const SET_SCALING_1_1 = 0xe6;
const SET_SCALING_2_1 = 0xe7;
const SET_RESOLUTION = 0xe8;
const STATUS_REQUEST = 0xe9;
const SET_STREAM = 0xea;
const READ_DATA = 0xeb;
const RESET_WRAP = 0xec;
const SET_WRAP = 0xee;
const SET_REMOTE = 0xf0;
const READ_ID = 0xf2;
const SET_SAMPLE_RATE = 0xf3;
const ENABLE = 0xf4;
const DISABLE = 0xf5;
const SET_DEFAULT = 0xf6;
const RESEND = 0xfe;
const RESET = 0xff;

const ACKNOWLEDGE = 0xfa;
const ERROR = 0xfc;
const TEST_PASSED = 0xaa;
const ID_STANDARD = 0;
const ID_WHEEL = 3;
/** Replies that wait for the controller. */
const BUFFER_SIZE = 16;
const WHEEL_KNOCK = [200, 100, 80] as const;

const REPORT_ALWAYS = 0x08;
const REPORT_X_SIGN = 0x10;
const REPORT_Y_SIGN = 0x20;

export type Ps2MouseState = {
  readonly id: number;
  readonly mode: 'stream' | 'remote';
  readonly wrap: boolean;
  readonly reporting: boolean;
  readonly scaling2: boolean;
  readonly resolution: number;
  readonly sampleRate: number;
  readonly knock: number;
  readonly command: number;
  readonly replies: readonly number[];
  readonly report: readonly number[];
  readonly lastSent: number;
  readonly dx: number;
  readonly dy: number;
  readonly dz: number;
  readonly buttons: number;
  readonly reportedButtons: number;
};

export class Ps2Mouse {
  private id = ID_STANDARD;
  private mode: 'stream' | 'remote' = 'stream';
  private wrap = false;
  private reporting = false;
  private scaling2 = false;
  private resolution = 2;
  private sampleRate = 100;
  /** How much of the wheel's knock has come. */
  private knock = 0;
  private command = 0;
  private replies: number[] = [];
  private report: number[] = [];
  private lastSent = 0;
  private dx = 0;
  private dy = 0;
  private dz = 0;
  private buttons = 0;
  private reportedButtons = 0;

  /** @param onData there is a byte for the controller */
  constructor(private readonly onData: () => void) {}

  /**
   * Movement since the last call in counts (y grows upwards), wheel notches (towards the user is positive), and which buttons are
   * down: bit 0 left, 1 right, 2 middle.
   */
  move(dx: number, dy: number, dz: number, buttons: number): void {
    this.buttons = buttons & 7;
    if (this.mode === 'stream' && !this.reporting) return;
    // Bounded: a mouse that nobody reads forgets how far it went.
    this.dx = clamp(this.dx + dx, -0x8000, 0x7fff);
    this.dy = clamp(this.dy + dy, -0x8000, 0x7fff);
    this.dz = clamp(this.dz + dz, -0x80, 0x7f);
    if (this.streamReport()) this.onData();
  }

  get hasData(): boolean {
    return this.replies.length > 0 || this.report.length > 0;
  }

  /** The controller takes the next byte. */
  take(): number {
    const reply = this.replies.shift();
    this.lastSent = reply ?? this.report.shift() ?? 0;
    if (this.report.length === 0) this.streamReport();
    return this.lastSent;
  }

  /** A byte from the controller. */
  receive(byte: number): void {
    if (this.command !== 0) this.parameter(this.command, byte);
    else if (this.wrap && byte !== RESET && byte !== RESET_WRAP) this.reply(byte);
    else this.execute(byte);
    if (this.hasData) this.onData();
  }

  reset(): void {
    this.setDefaults();
    this.id = ID_STANDARD;
    this.knock = 0;
    this.command = 0;
    this.replies = [];
    this.lastSent = 0;
    this.buttons = 0;
    this.reportedButtons = 0;
  }

  save(): Ps2MouseState {
    return {
      id: this.id,
      mode: this.mode,
      wrap: this.wrap,
      reporting: this.reporting,
      scaling2: this.scaling2,
      resolution: this.resolution,
      sampleRate: this.sampleRate,
      knock: this.knock,
      command: this.command,
      replies: [...this.replies],
      report: [...this.report],
      lastSent: this.lastSent,
      dx: this.dx,
      dy: this.dy,
      dz: this.dz,
      buttons: this.buttons,
      reportedButtons: this.reportedButtons,
    };
  }

  restore(state: Ps2MouseState): void {
    this.id = state.id;
    this.mode = state.mode;
    this.wrap = state.wrap;
    this.reporting = state.reporting;
    this.scaling2 = state.scaling2;
    this.resolution = state.resolution;
    this.sampleRate = state.sampleRate;
    this.knock = state.knock;
    this.command = state.command;
    this.replies = [...state.replies];
    this.report = [...state.report];
    this.lastSent = state.lastSent;
    this.dx = state.dx;
    this.dy = state.dy;
    this.dz = state.dz;
    this.buttons = state.buttons;
    this.reportedButtons = state.reportedButtons;
  }

  private execute(command: number): void {
    // A command ends a report that is on its way.
    this.report = [];
    switch (command) {
      case SET_SCALING_1_1:
      case SET_SCALING_2_1:
        this.scaling2 = command === SET_SCALING_2_1;
        break;
      case SET_RESOLUTION:
      case SET_SAMPLE_RATE:
        this.command = command;
        break;
      case STATUS_REQUEST:
        this.reply(ACKNOWLEDGE, this.status, this.resolution, this.sampleRate);
        return;
      case SET_STREAM:
        this.mode = 'stream';
        this.forgetMovement();
        break;
      case READ_DATA:
        this.reply(ACKNOWLEDGE, ...this.takeReport());
        return;
      case RESET_WRAP:
        this.wrap = false;
        break;
      case SET_WRAP:
        this.wrap = true;
        break;
      case SET_REMOTE:
        this.mode = 'remote';
        this.forgetMovement();
        break;
      case READ_ID:
        this.reply(ACKNOWLEDGE, this.id);
        return;
      case ENABLE:
        this.reporting = true;
        this.forgetMovement();
        break;
      case DISABLE:
        this.reporting = false;
        break;
      case SET_DEFAULT:
        this.setDefaults();
        break;
      case RESEND:
        this.reply(this.lastSent);
        return;
      case RESET:
        this.reset();
        this.reply(ACKNOWLEDGE, TEST_PASSED, this.id);
        return;
      default:
        this.reply(ERROR);
        return;
    }
    this.reply(ACKNOWLEDGE);
  }

  private parameter(command: number, byte: number): void {
    this.command = 0;
    if (command === SET_RESOLUTION) {
      this.resolution = byte & 3;
    } else {
      this.sampleRate = byte;
      this.knock = byte === WHEEL_KNOCK[this.knock] ? this.knock + 1 : byte === WHEEL_KNOCK[0] ? 1 : 0;
      if (this.knock === WHEEL_KNOCK.length) {
        this.id = ID_WHEEL;
        this.knock = 0;
      }
    }
    this.reply(ACKNOWLEDGE);
  }

  /** What the controller doesn't take is lost beyond the buffer: a guest can't make it grow. */
  private reply(...bytes: readonly number[]): void {
    if (this.replies.length + bytes.length <= BUFFER_SIZE) this.replies.push(...bytes);
  }

  private setDefaults(): void {
    this.mode = 'stream';
    this.wrap = false;
    this.reporting = false;
    this.scaling2 = false;
    this.resolution = 2;
    this.sampleRate = 100;
    this.report = [];
    this.forgetMovement();
  }

  private forgetMovement(): void {
    this.dx = 0;
    this.dy = 0;
    this.dz = 0;
  }

  /** First byte of the answer to the status request. */
  private get status(): number {
    const { buttons } = this;
    return (
      (this.mode === 'remote' ? 0x40 : 0) |
      (this.reporting ? 0x20 : 0) |
      (this.scaling2 ? 0x10 : 0) |
      ((buttons & 1) << 2) |
      ((buttons & 4) >> 1) |
      ((buttons & 2) >> 1)
    );
  }

  /** Stream mode: makes the next report when something changed and the last one is gone. */
  private streamReport(): boolean {
    if (this.mode !== 'stream' || !this.reporting || this.report.length > 0) return false;
    const moved = this.dx !== 0 || this.dy !== 0 || (this.id === ID_WHEEL && this.dz !== 0);
    if (!moved && this.buttons === this.reportedButtons) return false;
    this.report = this.takeReport();
    return true;
  }

  private takeReport(): number[] {
    const dx = clamp(this.dx, -255, 255);
    const dy = clamp(this.dy, -255, 255);
    this.dx -= dx;
    this.dy -= dy;
    this.reportedButtons = this.buttons;
    const flags = REPORT_ALWAYS | this.buttons | (dx < 0 ? REPORT_X_SIGN : 0) | (dy < 0 ? REPORT_Y_SIGN : 0);
    const report = [flags, dx & 0xff, dy & 0xff];
    if (this.id === ID_WHEEL) {
      const dz = clamp(this.dz, -8, 7);
      this.dz -= dz;
      report.push(dz & 0xff);
    }
    return report;
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.trunc(value)));
}
