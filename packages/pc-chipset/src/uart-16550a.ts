import type { CharPort, Clock, Device, IoRegion, IrqLine, Timer } from '@pckit/interfaces';
import { expectVersion } from './state-version.js';
import { restoreTimer, saveTimer } from './timer-state.js';

/*
 * 16550A UART: National Semiconductor PC16550D datasheet (TL/C/8652), with the board's interrupt gate on OUT2 as in a PC.
 *
 * - A byte leaves as it is written unless `transmit: 'baud'` asks for line speed: a console should not cost guest time.
 * - Received bytes come from the host without parity or framing errors; beyond the FIFO they are refused, not overrun. Overruns and
 *   breaks happen in loopback.
 * - Bytes are whole whatever the word length, which only counts for the time they take: programs that print before they program LCR
 *   (5 bits after reset) are readable.
 * - DMA mode (FCR bit 3) has no pins here.
 */

const RBR_THR_DLL = 0;
const IER_DLM = 1;
const IIR_FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCR = 7;

const IER_ERBFI = 0x01; // received data available
const IER_ETBEI = 0x02; // transmitter holding register empty
const IER_ELSI = 0x04; // receiver line status
const IER_EDSSI = 0x08; // modem status
const IER_MASK = 0x0f;

const IIR_NONE = 0x01;
const IIR_MODEM_STATUS = 0x00;
const IIR_THR_EMPTY = 0x02;
const IIR_RECEIVED_DATA = 0x04;
const IIR_LINE_STATUS = 0x06;
const IIR_CHARACTER_TIMEOUT = 0x0c;
/** Both set while the FIFOs are enabled. A 16550 without A, whose FIFOs don't work, shows only one. */
const IIR_FIFOS_ENABLED = 0xc0;

const FCR_ENABLE = 0x01;
const FCR_RECEIVER_RESET = 0x02;
const FCR_TRANSMITTER_RESET = 0x04;
const FCR_TRIGGER_SHIFT = 6;
const TRIGGER_LEVELS = [1, 4, 8, 14] as const;

const LCR_WORD_LENGTH = 0x03;
const LCR_STOP_BITS = 0x04;
const LCR_PARITY_ENABLE = 0x08;
const LCR_BREAK = 0x40;
const LCR_DLAB = 0x80;

const MCR_DTR = 0x01;
const MCR_RTS = 0x02;
const MCR_OUT1 = 0x04;
const MCR_OUT2 = 0x08;
const MCR_LOOP = 0x10;
const MCR_MASK = 0x1f;

const LSR_DR = 0x01; // data ready
const LSR_OE = 0x02; // overrun
const LSR_BI = 0x10; // break interrupt
const LSR_ERRORS = 0x1e;
const LSR_THRE = 0x20;
const LSR_TEMT = 0x40;
const LSR_FIFO_ERROR = 0x80;

const MSR_TERI = 0x04;
const MSR_DELTAS = 0x0f;
const MSR_CTS = 0x10;
const MSR_DSR = 0x20;
const MSR_RI = 0x40;
const MSR_DCD = 0x80;

const FIFO_SIZE = 16;
/** "A FIFO timeout interrupt occurs ... four continuous character times ago." */
const TIMEOUT_CHARACTERS = 4;
/** The crystal of a PC, 1.8432 MHz, divided by 16. */
const MAXIMUM_BAUD = 115_200;

export type Uart16550State = {
  readonly version: 1;
  readonly ier: number;
  readonly fcr: number;
  readonly lcr: number;
  readonly mcr: number;
  readonly scr: number;
  readonly divisor: number;
  /** Received bytes, each with its error bits (as in LSR) above bit 8. */
  readonly received: readonly number[];
  readonly readBuffer: number;
  /** Line errors since the last read of LSR. */
  readonly lineErrors: number;
  readonly timeout: boolean;
  readonly threInterrupt: boolean;
  readonly transmitting: readonly number[];
  readonly shifting: number | null;
  readonly modemLines: number;
  readonly modemDeltas: number;
  readonly refused: boolean;
  readonly timeoutDeadline: number | null;
  readonly transmitDeadline: number | null;
};

export interface Uart16550Wires {
  readonly irq: IrqLine;
  readonly port: CharPort;
  readonly clock: Clock;
}

export interface Uart16550Options {
  /** `com1`, ... : names the device, its region and its timers. */
  readonly name: string;
  /** `instant` (default): a byte leaves as it is written. `baud`: it takes the time that the divisor says. */
  readonly transmit?: 'instant' | 'baud';
  /** `out2` (default): the interrupt reaches the line only while MCR's OUT2 is set, as on a PC. `none`: always. */
  readonly interruptGate?: 'out2' | 'none';
  /**
   * `rts`: the other end honours RTS and sends nothing until the guest's driver has opened the line, so that what is typed early isn't lost when the
   * driver clears the FIFO. `none` (default): it sends whenever there is room.
   */
  readonly flowControl?: 'none' | 'rts';
}

export type ModemLine = 'cts' | 'dsr' | 'ri' | 'dcd';

const MODEM_LINES: Readonly<Record<ModemLine, number>> = { cts: MSR_CTS, dsr: MSR_DSR, ri: MSR_RI, dcd: MSR_DCD };

export class Uart16550 implements Device<Uart16550State> {
  readonly name: string;
  /** 8 ports */
  readonly regions: { readonly registers: IoRegion };
  private readonly irq: IrqLine;
  private readonly port: CharPort;
  private readonly clock: Clock;
  private readonly instant: boolean;
  private readonly gated: boolean;
  private readonly honoursRts: boolean;
  private readonly timeoutTimer: Timer;
  private readonly transmitTimer: Timer;

  private ier = 0;
  private fcr = 0;
  private lcr = 0;
  private mcr = 0;
  private scr = 0;
  private divisor = 0;
  private received: number[] = [];
  private readBuffer = 0;
  private lineErrors = 0;
  private timeout = false;
  private threInterrupt = false;
  private transmitting: number[] = [];
  private shifting: number | null = null;
  /** CTS, DSR, RI and DCD from outside, as MSR bits. */
  private modemLines = MSR_CTS | MSR_DSR | MSR_DCD;
  private modemDeltas = 0;
  /** The host was refused bytes and waits for `onReady`. */
  private refused = false;

  constructor(wires: Uart16550Wires, options: Uart16550Options) {
    this.name = options.name;
    this.irq = wires.irq;
    this.port = wires.port;
    this.clock = wires.clock;
    this.instant = options.transmit !== 'baud';
    this.gated = options.interruptGate !== 'none';
    this.honoursRts = options.flowControl === 'rts';
    this.timeoutTimer = wires.clock.timer(`${this.name}.timeout`, () => this.characterTimeout());
    this.transmitTimer = wires.clock.timer(`${this.name}.transmit`, () => this.shiftedOut());
    this.regions = {
      registers: {
        name: this.name,
        length: 8,
        accepts: [1],
        handler: {
          read: (offset) => this.read(offset),
          write: (offset, value) => this.write(offset, value),
        },
      },
    };
    this.port.attach((bytes) => this.receive(bytes));
  }

  /** Modem inputs. CTS, DSR and DCD are active from the start, as with a null-modem cable and a listener; RI is not. */
  setModemLine(line: ModemLine, level: boolean): void {
    const before = this.modemStatus;
    const bit = MODEM_LINES[line];
    this.modemLines = level ? this.modemLines | bit : this.modemLines & ~bit;
    this.noteModemChange(before);
    this.update();
  }

  /** The line goes into the break condition for a character time. */
  receiveBreak(): void {
    if ((this.mcr & MCR_LOOP) === 0) this.arrive(LSR_BI << 8);
  }

  reset(kind: 'cold' | 'warm'): void {
    this.ier = 0;
    this.fcr = 0;
    this.lcr = 0;
    this.mcr = 0;
    if (kind === 'cold') {
      // Master reset leaves them ("UART Reset Configuration").
      this.scr = 0;
      this.divisor = 0;
      this.modemLines = MSR_CTS | MSR_DSR | MSR_DCD;
    }
    this.received.length = 0;
    this.readBuffer = 0;
    this.lineErrors = 0;
    this.timeout = false;
    this.threInterrupt = false;
    this.transmitting.length = 0;
    this.shifting = null;
    this.modemDeltas = 0;
    this.timeoutTimer.cancel();
    this.transmitTimer.cancel();
    this.update();
    this.announceRoom();
  }

  save(): Uart16550State {
    return {
      version: 1,
      ier: this.ier,
      fcr: this.fcr,
      lcr: this.lcr,
      mcr: this.mcr,
      scr: this.scr,
      divisor: this.divisor,
      received: [...this.received],
      readBuffer: this.readBuffer,
      lineErrors: this.lineErrors,
      timeout: this.timeout,
      threInterrupt: this.threInterrupt,
      transmitting: [...this.transmitting],
      shifting: this.shifting,
      modemLines: this.modemLines,
      modemDeltas: this.modemDeltas,
      refused: this.refused,
      timeoutDeadline: saveTimer(this.timeoutTimer),
      transmitDeadline: saveTimer(this.transmitTimer),
    };
  }

  restore(state: Uart16550State): void {
    expectVersion(this.name, state, 1);
    this.ier = state.ier;
    this.fcr = state.fcr;
    this.lcr = state.lcr;
    this.mcr = state.mcr;
    this.scr = state.scr;
    this.divisor = state.divisor;
    this.received = [...state.received];
    this.readBuffer = state.readBuffer;
    this.lineErrors = state.lineErrors;
    this.timeout = state.timeout;
    this.threInterrupt = state.threInterrupt;
    this.transmitting = [...state.transmitting];
    this.shifting = state.shifting;
    this.modemLines = state.modemLines;
    this.modemDeltas = state.modemDeltas;
    this.refused = state.refused;
    restoreTimer(this.timeoutTimer, state.timeoutDeadline);
    restoreTimer(this.transmitTimer, state.transmitDeadline);
  }

  private read(offset: number): number {
    switch (offset) {
      case RBR_THR_DLL:
        return this.dlab ? this.divisor & 0xff : this.readReceiver();
      case IER_DLM:
        return this.dlab ? this.divisor >> 8 : this.ier;
      case IIR_FCR: {
        const pending = this.interrupt;
        // "Reading the IIR" is what ends a THRE interrupt, if it is the one shown.
        if (pending === IIR_THR_EMPTY) {
          this.threInterrupt = false;
          this.update();
        }
        return pending | (this.fifosEnabled ? IIR_FIFOS_ENABLED : 0);
      }
      case LCR:
        return this.lcr;
      case MCR:
        return this.mcr;
      case LSR:
        return this.readLineStatus();
      case MSR: {
        const status = this.modemStatus | this.modemDeltas;
        this.modemDeltas = 0;
        this.update();
        return status;
      }
      default:
        return this.scr;
    }
  }

  private write(offset: number, value: number): void {
    switch (offset) {
      case RBR_THR_DLL:
        if (this.dlab) this.divisor = (this.divisor & 0xff00) | value;
        else this.writeTransmitter(value);
        break;
      case IER_DLM:
        if (this.dlab) this.divisor = (this.divisor & 0x00ff) | (value << 8);
        else this.writeInterruptEnable(value & IER_MASK);
        break;
      case IIR_FCR:
        this.writeFifoControl(value);
        break;
      case LCR: {
        const startsBreak = (value & ~this.lcr & LCR_BREAK) !== 0;
        this.lcr = value;
        if (startsBreak && (this.mcr & MCR_LOOP) !== 0) this.arrive(LSR_BI << 8);
        break;
      }
      case MCR: {
        const before = this.modemStatus;
        const wasClosed = !this.listening;
        this.mcr = value & MCR_MASK;
        this.noteModemChange(before);
        this.update();
        if (wasClosed) this.announceRoom();
        break;
      }
      case SCR:
        this.scr = value;
        break;
      case LSR: // factory test
      case MSR: // read-only
        break;
    }
  }

  private get dlab(): boolean {
    return (this.lcr & LCR_DLAB) !== 0;
  }

  private get fifosEnabled(): boolean {
    return (this.fcr & FCR_ENABLE) !== 0;
  }

  private get capacity(): number {
    return this.fifosEnabled ? FIFO_SIZE : 1;
  }

  private get triggerLevel(): number {
    return this.fifosEnabled ? TRIGGER_LEVELS[this.fcr >> FCR_TRIGGER_SHIFT] : 1;
  }

  /** Nanoseconds for start bit, data, parity and stop bits. */
  private get characterTime(): number {
    const dataBits = 5 + (this.lcr & LCR_WORD_LENGTH);
    // 1.5 stop bits go with 5 data bits.
    const stopBits = (this.lcr & LCR_STOP_BITS) === 0 ? 1 : dataBits === 5 ? 1.5 : 2;
    const bits = 1 + dataBits + ((this.lcr & LCR_PARITY_ENABLE) !== 0 ? 1 : 0) + stopBits;
    return Math.round((bits * Math.max(this.divisor, 1) * 1e9) / MAXIMUM_BAUD);
  }

  /** The interrupt that IIR shows: the one of highest priority. Table "Interrupt Control Functions". */
  private get interrupt(): number {
    if ((this.ier & IER_ELSI) !== 0 && this.lineErrors !== 0) return IIR_LINE_STATUS;
    if ((this.ier & IER_ERBFI) !== 0) {
      if (this.received.length >= this.triggerLevel) return IIR_RECEIVED_DATA;
      if (this.timeout) return IIR_CHARACTER_TIMEOUT;
    }
    if ((this.ier & IER_ETBEI) !== 0 && this.threInterrupt) return IIR_THR_EMPTY;
    if ((this.ier & IER_EDSSI) !== 0 && this.modemDeltas !== 0) return IIR_MODEM_STATUS;
    return IIR_NONE;
  }

  private update(): void {
    // In loopback the OUT2 pin is forced inactive, which closes the gate.
    const open = !this.gated || (this.mcr & (MCR_OUT2 | MCR_LOOP)) === MCR_OUT2;
    this.irq.set(open && this.interrupt !== IIR_NONE);
  }

  /** Whether the other end may send. In loopback SIN is disconnected. */
  private get listening(): boolean {
    return (this.mcr & MCR_LOOP) === 0 && (!this.honoursRts || (this.mcr & MCR_RTS) !== 0);
  }

  /** Bytes from the host. @returns how many fit */
  private receive(bytes: Uint8Array): number {
    if (!this.listening) {
      this.refused = bytes.length > 0;
      return 0;
    }
    const taken = Math.min(bytes.length, this.capacity - this.received.length);
    for (let i = 0; i < taken; i++) this.arrive(bytes[i]);
    this.refused = taken < bytes.length;
    return taken;
  }

  /** A character is complete in the receiver's shift register. */
  private arrive(character: number): void {
    if (this.received.length >= this.capacity) {
      // "Overrun Error": with FIFOs the character in the shift register is lost, without them the one in RBR.
      this.lineErrors |= LSR_OE;
      if (this.fifosEnabled) {
        this.update();
        return;
      }
      this.received.length = 0;
    }
    this.received.push(character);
    // Error bits show when their character reaches the top of the FIFO.
    if (this.received.length === 1) this.lineErrors |= (character >> 8) & LSR_ERRORS;
    this.timeout = false;
    this.restartTimeout();
    this.update();
  }

  private readReceiver(): number {
    if (this.received.length > 0) {
      this.readBuffer = this.received.shift()! & 0xff;
      if (this.received.length > 0) this.lineErrors |= (this.received[0] >> 8) & LSR_ERRORS;
      this.timeout = false;
      this.restartTimeout();
      this.update();
      if (this.received.length === 0) this.announceRoom();
    }
    return this.readBuffer;
  }

  /** Once for each refusal, when the FIFO has run empty, so that the host offers a FIFO's worth at a time. */
  private announceRoom(): void {
    if (!this.refused || !this.listening) return;
    this.refused = false;
    this.port.onReady?.();
  }

  /** FIFO mode: characters wait below the trigger level and nothing moves for four character times. */
  private restartTimeout(): void {
    if (this.fifosEnabled && this.received.length > 0) {
      this.timeoutTimer.arm(this.clock.now() + TIMEOUT_CHARACTERS * this.characterTime);
    } else {
      this.timeoutTimer.cancel();
    }
  }

  private characterTimeout(): void {
    this.timeout = true;
    this.update();
  }

  private readLineStatus(): number {
    let status = this.lineErrors;
    if (this.received.length > 0) status |= LSR_DR;
    if (this.transmitting.length === 0) {
      status |= LSR_THRE;
      if (this.shifting === null) status |= LSR_TEMT;
    }
    if (this.fifosEnabled && this.received.some((character) => character > 0xff)) status |= LSR_FIFO_ERROR;
    this.lineErrors = 0;
    if (this.received.length > 0) this.received[0] &= 0xff; // its errors have been read
    this.update();
    return status;
  }

  private writeInterruptEnable(value: number): void {
    // Enabling it while THR is empty raises it at once; drivers start transmission so.
    if ((value & ~this.ier & IER_ETBEI) !== 0 && this.transmitting.length === 0) this.threInterrupt = true;
    this.ier = value;
    this.update();
  }

  private writeFifoControl(value: number): void {
    const toggled = ((this.fcr ^ value) & FCR_ENABLE) !== 0;
    // "Changing the mode clears the FIFOs"; the other bits count only together with bit 0.
    this.fcr = (value & FCR_ENABLE) !== 0 ? value & 0xc9 : 0;
    if (toggled || (value & (FCR_ENABLE | FCR_RECEIVER_RESET)) === (FCR_ENABLE | FCR_RECEIVER_RESET)) {
      this.received.length = 0;
      this.timeout = false;
      this.timeoutTimer.cancel();
    }
    if (toggled || (value & (FCR_ENABLE | FCR_TRANSMITTER_RESET)) === (FCR_ENABLE | FCR_TRANSMITTER_RESET)) {
      // What is in the shift register still goes out.
      this.transmitting.length = 0;
      this.threInterrupt = true;
    }
    this.update();
    if (this.received.length === 0) this.announceRoom();
  }

  private writeTransmitter(value: number): void {
    this.threInterrupt = false;
    if (this.instant) {
      this.send(value);
      this.threInterrupt = true;
      this.update();
      return;
    }
    if (this.transmitting.length >= this.capacity) {
      if (this.fifosEnabled) return; // a full FIFO loses it
      this.transmitting.length = 0;
    }
    this.transmitting.push(value);
    if (this.shifting === null) this.shiftNext();
    this.update();
  }

  private shiftNext(): void {
    this.shifting = this.transmitting.shift() ?? null;
    if (this.shifting === null) return;
    this.transmitTimer.arm(this.clock.now() + this.characterTime);
    if (this.transmitting.length === 0) this.threInterrupt = true;
  }

  private shiftedOut(): void {
    const value = this.shifting;
    this.shiftNext();
    if (value !== null) this.send(value);
    this.update();
  }

  private send(value: number): void {
    if ((this.mcr & MCR_LOOP) !== 0) this.arrive(value);
    else if ((this.lcr & LCR_BREAK) === 0) this.port.write(value);
  }

  /** MSR's upper half: the pins, or in loopback MCR's outputs ("Modem Control Register", bit 4). */
  private get modemStatus(): number {
    if ((this.mcr & MCR_LOOP) === 0) return this.modemLines;
    return (
      ((this.mcr & MCR_RTS) !== 0 ? MSR_CTS : 0) |
      ((this.mcr & MCR_DTR) !== 0 ? MSR_DSR : 0) |
      ((this.mcr & MCR_OUT1) !== 0 ? MSR_RI : 0) |
      ((this.mcr & MCR_OUT2) !== 0 ? MSR_DCD : 0)
    );
  }

  private noteModemChange(before: number): void {
    const after = this.modemStatus;
    // DCTS, DDSR and DDCD mark changes, TERI the trailing edge of RI only.
    this.modemDeltas |= (((before ^ after) >> 4) & MSR_DELTAS & ~MSR_TERI) | ((before & ~after & MSR_RI) !== 0 ? MSR_TERI : 0);
  }
}
