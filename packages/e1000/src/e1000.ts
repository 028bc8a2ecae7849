import { Segmenter, type SegmenterState } from '@pckit/ethernet-offload';
import type { Clock, Device, EthernetPort, FrameOffload, GuestMemory, IoRegion, IrqLine, PciFunction } from '@pckit/interfaces';
import { E1000Error } from './e1000-error.js';
import { DELAY_FLUSH, Interrupts, type InterruptState } from './interrupts.js';
import { MicrowireEeprom, type EepromState } from './microwire-eeprom.js';
import { PHY_ADDRESS, Phy, type PhyState } from './phy.js';
import { DROP, PASS_INEXACT, ReceiveFilter, type FilterState } from './receive-filter.js';
import { MAX_FRAME, MAX_LONG_FRAME, Receiver, type ReceiveRing, type ReceiveSettings } from './receiver.js';
import * as reg from './registers.js';
import { Statistics } from './statistics.js';
import { DESCRIPTOR, DONE, REPORT_DELAYED, Transmitter, type TransmitterState } from './transmitter.js';

// Intel's 82540EM ("PRO/1000 MT Desktop"): PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual (317453).
//
// Deviations: the packet buffer is the port's. A frame for which there are no descriptors is refused, as it would stand in the FIFO, and offered again
// when software moves RDT or turns the receiver on. Autonegotiation, PHY and EEPROM take no time. What software leaves undefined in the manual
// (descriptors of unknown types, rings of no length) does nothing.

const VENDOR_ID = 0x8086;
const DEVICE_ID = 0x100e;
const SUBSYSTEM = { vendor: 0x8086, device: 0x001e };
const REVISION = 2;
const REGISTERS_LENGTH = 0x2_0000;
/** IOADDR and IODATA: 13.2.2. */
const IO_LENGTH = 8;
const IO_ADDRESS = 0;
const IO_DATA = 4;
const ETHERNET_HEADER = 14;

/** CTRL after a reset, with what the EEPROM says of it. */
const CTRL_RESET = reg.CTRL_FD | reg.CTRL_SPEED_1000;
const CTRL_WRITABLE = 0x7fff_ffff & ~reg.CTRL_RST;
const RCTL_WRITABLE = 0x06df_b3fe;

export interface E1000Wires {
  readonly memory: GuestMemory;
  readonly clock: Clock;
  /** INTA. */
  readonly irq: IrqLine;
  readonly port: EthernetPort;
}

export interface E1000Options {
  /** Unique on the machine. Default `e1000`. */
  readonly name?: string;
  /** Six bytes, unicast: what the EEPROM holds. */
  readonly mac: Uint8Array;
}

export type E1000State = {
  readonly version: 1;
  readonly ctrl: number;
  readonly ctrlExt: number;
  readonly eecd: number;
  readonly eerd: number;
  readonly mdic: number;
  readonly rctl: number;
  readonly rdtr: number;
  readonly rdh: number;
  readonly rdt: number;
  readonly tdh: number;
  readonly tdt: number;
  readonly ioAddress: number;
  readonly linkUp: boolean;
  readonly busMaster: boolean;
  /** In the order of `STORED`. */
  readonly stored: readonly number[];
  readonly statistics: readonly number[];
  readonly interrupts: InterruptState;
  readonly eeprom: EepromState;
  readonly phy: PhyState;
  readonly filter: FilterState;
  readonly transmitter: TransmitterState;
  readonly segmenter: SegmenterState;
};

/** What the registers say of receiving. */
interface ReceiveSetup extends ReceiveSettings {
  readonly base: number;
  readonly count: number;
  readonly longest: number;
  /** Descriptors that are left when software is warned. */
  readonly few: number;
  /** Of a frame that is small (RSRPD), at most. */
  readonly small: number;
  /** RADV */
  readonly latest: number;
}

export class E1000 implements Device<E1000State> {
  readonly name: string;
  readonly function: PciFunction;
  readonly #port: EthernetPort;
  readonly #eeprom: MicrowireEeprom;
  readonly #phy = new Phy();
  readonly #interrupts: Interrupts;
  readonly #statistics = new Statistics();
  readonly #filter = new ReceiveFilter();
  readonly #transmitter: Transmitter;
  readonly #receiver: Receiver;
  readonly #segmenter = new Segmenter();
  readonly #stored = new Map<number, number>();
  readonly #ring: { -readonly [Field in keyof ReceiveRing]: ReceiveRing[Field] } = { base: 0, count: 0, head: 0, tail: 0 };
  #ctrl = 0;
  #ctrlExt = 0;
  #eecd = 0;
  #eerd = 0;
  #mdic = 0;
  #rctl = 0;
  #rdtr = 0;
  #rdh = 0;
  #rdt = 0;
  #tdh = 0;
  #tdt = 0;
  #ioAddress = 0;
  /** STATUS.LU */
  #linkUp = false;
  #busMaster = false;
  #transmitting = false;
  /** Of the registers as they are; undefined after any of them was written. */
  #receiveSetup: ReceiveSetup | undefined;

  constructor(wires: E1000Wires, options: E1000Options) {
    const { mac } = options;
    this.name = options.name ?? 'e1000';
    if (mac.length !== 6 || (mac[0]! & 1) !== 0) throw new E1000Error('bad-option', `${this.name}: [${mac.join(', ')}] is not a unicast MAC address`);
    this.#port = wires.port;
    this.#eeprom = new MicrowireEeprom(mac, DEVICE_ID, SUBSYSTEM);
    this.#interrupts = new Interrupts(wires.clock, wires.irq, this.name);
    this.#transmitter = new Transmitter(wires.memory, wires.port, this.#statistics);
    this.#receiver = new Receiver(wires.memory);
    this.function = this.#describe();
    this.#reset();
    this.#statistics.clear();
    wires.port.attach((frame, offload) => this.#receive(frame, offload));
  }

  /** The cable and the EEPROM stay as they are. */
  reset(_kind: 'cold' | 'warm'): void {
    this.#busMaster = false;
    this.#ioAddress = 0;
    this.#eeprom.reset();
    this.#phy.reset();
    this.#statistics.clear();
    this.#reset();
  }

  /** Plugs the cable in or out. Changes guest state: call it at a safe point. */
  setLink(up: boolean): void {
    this.#phy.setCable(up);
    this.#checkLink(false);
  }

  get linkUp(): boolean {
    return this.#linkUp;
  }

  save(): E1000State {
    return {
      version: 1,
      ctrl: this.#ctrl,
      ctrlExt: this.#ctrlExt,
      eecd: this.#eecd,
      eerd: this.#eerd,
      mdic: this.#mdic,
      rctl: this.#rctl,
      rdtr: this.#rdtr,
      rdh: this.#rdh,
      rdt: this.#rdt,
      tdh: this.#tdh,
      tdt: this.#tdt,
      ioAddress: this.#ioAddress,
      linkUp: this.#linkUp,
      busMaster: this.#busMaster,
      stored: [...reg.STORED.keys()].map((register) => this.#stored.get(register)!),
      statistics: this.#statistics.save(),
      interrupts: this.#interrupts.save(),
      eeprom: this.#eeprom.save(),
      phy: this.#phy.save(),
      filter: this.#filter.save(),
      transmitter: this.#transmitter.save(),
      segmenter: this.#segmenter.save(),
    };
  }

  restore(state: E1000State): void {
    if (state.version !== 1) throw new E1000Error('bad-state', `${this.name}: state version ${String(state.version)}, known: 1`);
    this.#ctrl = state.ctrl;
    this.#ctrlExt = state.ctrlExt;
    this.#eecd = state.eecd;
    this.#eerd = state.eerd;
    this.#mdic = state.mdic;
    this.#rctl = state.rctl;
    this.#rdtr = state.rdtr;
    this.#rdh = state.rdh;
    this.#rdt = state.rdt;
    this.#tdh = state.tdh;
    this.#tdt = state.tdt;
    this.#ioAddress = state.ioAddress;
    this.#linkUp = state.linkUp;
    this.#busMaster = state.busMaster;
    [...reg.STORED.keys()].forEach((register, i) => this.#stored.set(register, state.stored[i]!));
    this.#receiveSetup = undefined;
    this.#statistics.restore(state.statistics);
    this.#interrupts.restore(state.interrupts);
    this.#eeprom.restore(state.eeprom);
    this.#phy.restore(state.phy);
    this.#filter.restore(state.filter);
    this.#transmitter.restore(state.transmitter);
    this.#segmenter.restore(state.segmenter);
  }

  #describe(): PciFunction {
    const registers: IoRegion = {
      name: `${this.name} registers`,
      length: REGISTERS_LENGTH,
      accepts: [4],
      handler: { read: (offset) => this.#read(offset), write: (offset, value) => this.#write(offset, value) },
    };
    const io: IoRegion = {
      name: `${this.name} I/O`,
      length: IO_LENGTH,
      accepts: [4],
      handler: {
        read: (offset) => (offset === IO_ADDRESS ? this.#ioAddress : this.#readIo()),
        write: (offset, value) => {
          if (offset === IO_ADDRESS) this.#ioAddress = value;
          else if (offset === IO_DATA && this.#ioAddress < REGISTERS_LENGTH) this.#write(this.#ioAddress & ~3, value);
        },
      },
    };
    return {
      name: this.name,
      vendorId: VENDOR_ID,
      deviceId: DEVICE_ID,
      revision: REVISION,
      classCode: 0x020000,
      subsystemVendorId: SUBSYSTEM.vendor,
      subsystemId: SUBSYSTEM.device,
      // 4.1.1: BAR 1 would be a flash, which there is none of.
      bars: [
        { index: 0, kind: 'memory32', region: registers },
        { index: 2, kind: 'io', region: io },
      ],
      interruptPin: 1,
      onBusMaster: (enabled) => {
        this.#busMaster = enabled;
        if (!enabled) return;
        this.#transmit();
        this.#port.onReady?.();
      },
    };
  }

  #readIo(): number {
    return this.#ioAddress < REGISTERS_LENGTH ? this.#read(this.#ioAddress & ~3) : 0;
  }

  // Registers

  #read(offset: number): number {
    if (offset >= reg.STATISTICS && offset < reg.STATISTICS_END) return this.#statistics.read(offset);
    const table = this.#table(offset);
    if (table !== undefined) return table.words[table.index]!;
    switch (offset) {
      case reg.CTRL:
      case reg.CTRL_ALIAS:
        return this.#ctrl >>> 0;
      case reg.STATUS:
        return this.#status();
      case reg.EECD:
        return this.#eecd | reg.EECD_PRES | ((this.#eecd & reg.EECD_REQ) !== 0 ? reg.EECD_GNT : 0) | this.#eeprom.output;
      case reg.EERD:
        return this.#eerd >>> 0;
      case reg.CTRL_EXT:
        return this.#ctrlExt;
      case reg.MDIC:
        return this.#mdic >>> 0;
      case reg.ICR:
        return this.#interrupts.take();
      case reg.ITR:
        return this.#interrupts.interval;
      case reg.IMS:
        return this.#interrupts.mask;
      case reg.RCTL:
        return this.#rctl >>> 0;
      case reg.RDTR:
        return this.#rdtr;
      case reg.RDH:
        return this.#rdh;
      case reg.RDT:
        return this.#rdt;
      case reg.TDH:
        return this.#tdh;
      case reg.TDT:
        return this.#tdt;
      default:
        return this.#stored.get(offset) ?? 0;
    }
  }

  #write(offset: number, value: number): void {
    const table = this.#table(offset);
    if (table !== undefined) {
      table.words[table.index] = value & table.writable;
      return;
    }
    switch (offset) {
      case reg.CTRL:
      case reg.CTRL_ALIAS:
        this.#writeCtrl(value);
        break;
      case reg.EECD:
        this.#eecd = value & (reg.EECD_SK | reg.EECD_CS | reg.EECD_DI | reg.EECD_FWE | reg.EECD_REQ);
        // Without a grant the pins are not software's.
        if ((value & reg.EECD_REQ) !== 0) this.#eeprom.drive(value);
        break;
      case reg.EERD:
        // 13.4.4: the data is there at once.
        if ((value & reg.EERD_START) !== 0) this.#eerd = ((this.#eeprom.words[(value >>> 8) & 0x3f]! << 16) | (value & 0xff00) | reg.EERD_DONE) >>> 0;
        break;
      case reg.CTRL_EXT:
        // EE_RST reads the EEPROM again and clears itself.
        this.#ctrlExt = value & ~reg.CTRL_EXT_EE_RST & 0x07ff_fff0;
        if ((value & reg.CTRL_EXT_EE_RST) !== 0) this.#filter.reset(this.#eeprom.words);
        break;
      case reg.MDIC:
        this.#writeMdic(value);
        break;
      case reg.ICR:
        this.#interrupts.clear(value);
        break;
      case reg.ITR:
        this.#interrupts.setInterval(value);
        break;
      case reg.ICS:
        this.#interrupts.set(value);
        break;
      case reg.IMS:
        this.#interrupts.enable(value);
        break;
      case reg.IMC:
        this.#interrupts.disable(value);
        break;
      case reg.RCTL:
        this.#rctl = value & RCTL_WRITABLE;
        this.#receiveSetup = undefined;
        this.#offered();
        break;
      case reg.RDTR:
        this.#rdtr = value & 0xffff;
        if ((value & DELAY_FLUSH) !== 0) this.#interrupts.receive.now();
        break;
      case reg.RDH:
        this.#rdh = value & 0xffff;
        break;
      case reg.RDT:
        this.#rdt = value & 0xffff;
        this.#offered();
        break;
      case reg.TDH:
        this.#tdh = value & 0xffff;
        break;
      case reg.TDT:
        this.#tdt = value & 0xffff;
        this.#transmit();
        break;
      case reg.TIDV:
        this.#store(offset, value);
        if ((value & DELAY_FLUSH) !== 0) this.#interrupts.transmit.now();
        break;
      case reg.TCTL:
        this.#store(offset, value);
        this.#transmit();
        break;
      default:
        this.#store(offset, value);
    }
  }

  #store(offset: number, value: number): void {
    const stored = reg.STORED.get(offset);
    this.#receiveSetup = undefined;
    if (stored !== undefined) this.#stored.set(offset, ((this.#stored.get(offset)! & ~stored[1]) | (value & stored[1])) >>> 0);
  }

  #table(offset: number): { readonly words: Uint32Array; readonly index: number; readonly writable: number } | undefined {
    if (offset < reg.MTA || offset >= reg.VFTA + 4 * reg.VFTA_COUNT) return undefined;
    if (offset < reg.MTA + 4 * reg.MTA_COUNT) return { words: this.#filter.mta, index: (offset - reg.MTA) >>> 2, writable: 0xffff_ffff };
    if (offset >= reg.VFTA) return { words: this.#filter.vfta, index: (offset - reg.VFTA) >>> 2, writable: 0xffff_ffff };
    if (offset < reg.RA || offset >= reg.RA + 8 * reg.RA_COUNT) return undefined;
    return { words: this.#filter.ra, index: (offset - reg.RA) >>> 2, writable: (offset & 4) === 0 ? 0xffff_ffff : 0x8003_ffff };
  }

  #status(): number {
    // FD and the speed are what the PHY negotiated, or what CTRL forces.
    const duplex = (this.#ctrl & reg.CTRL_FD) !== 0 ? reg.STATUS_FD : 0;
    return duplex | (this.#linkUp ? reg.STATUS_LU : 0) | reg.STATUS_SPEED_1000 | reg.STATUS_ASDV_1000;
  }

  #writeCtrl(value: number): void {
    if ((value & reg.CTRL_RST) !== 0) {
      // 13.4.1: all but what belongs to PCI and the EEPROM.
      this.#reset();
      return;
    }
    const before = this.#ctrl;
    this.#ctrl = value & CTRL_WRITABLE;
    this.#receiveSetup = undefined;
    const phyReset = (value & reg.CTRL_PHY_RST) !== 0;
    if (phyReset) this.#phy.reset();
    if (phyReset || ((before ^ value) & reg.CTRL_SLU) !== 0) this.#checkLink(phyReset);
  }

  #writeMdic(value: number): void {
    const register = (value >>> 16) & 0x1f;
    const operation = (value >>> 26) & 3;
    let result = value & 0x2fff_ffff & ~reg.MDIC_E;
    if (((value >>> 21) & 0x1f) !== PHY_ADDRESS || (operation !== reg.MDIC_OP_READ && operation !== reg.MDIC_OP_WRITE)) {
      result |= reg.MDIC_E;
    } else if (operation === reg.MDIC_OP_READ) {
      result = (result & ~0xffff) | this.#phy.read(register);
    } else if (this.#phy.write(register, value & 0xffff)) {
      this.#checkLink(true);
    }
    this.#mdic = result | reg.MDIC_R;
    if ((value & reg.MDIC_I) !== 0) this.#interrupts.set(reg.ICR_MDAC);
  }

  /** @param renegotiated the link may be the same as before, and yet went down in between */
  #checkLink(renegotiated: boolean): void {
    const up = this.#phy.linkUp && (this.#ctrl & reg.CTRL_SLU) !== 0;
    const changed = up !== this.#linkUp;
    this.#linkUp = up;
    if (changed || (renegotiated && up)) this.#interrupts.set(reg.ICR_LSC);
    if (!changed || !up) return;
    this.#transmit();
    this.#port.onReady?.();
  }

  /** What CTRL.RST does, and power-on besides. */
  #reset(): void {
    for (const [register, [value]] of reg.STORED) this.#stored.set(register, value);
    this.#receiveSetup = undefined;
    this.#ctrl = CTRL_RESET;
    this.#ctrlExt = this.#eecd = this.#eerd = this.#mdic = 0;
    this.#rctl = this.#rdtr = this.#rdh = this.#rdt = this.#tdh = this.#tdt = 0;
    this.#linkUp = false;
    this.#interrupts.reset();
    this.#filter.reset(this.#eeprom.words);
    this.#transmitter.reset();
    this.#segmenter.forget();
  }

  // Sending

  /** Works the ring off; a tail that the ring does not reach ends it after one round. */
  #transmit(): void {
    const stored = this.#stored;
    // Without a link the transmitter stands still (and Linux resets the card to be rid of what is queued).
    if (!this.#busMaster || this.#transmitting || !this.#linkUp || (stored.get(reg.TCTL)! & reg.TCTL_EN) === 0) return;
    const count = stored.get(reg.TDLEN)! / DESCRIPTOR;
    if (count === 0 || this.#tdh === this.#tdt) return;
    const base = stored.get(reg.TDBAH)! * 0x1_0000_0000 + stored.get(reg.TDBAL)!;
    const settings = {
      pad: (stored.get(reg.TCTL)! & reg.TCTL_PSP) !== 0,
      vlan: (this.#ctrl & reg.CTRL_VME) !== 0,
      vlanType: stored.get(reg.VET)!,
    };
    const interrupts = this.#interrupts;
    let causes = 0;
    // A port may answer at once, and the answer ring us: not from in here.
    this.#transmitting = true;
    for (let left = count; left > 0 && this.#tdh !== this.#tdt; left--) {
      if (this.#tdh >= count) this.#tdh = 0;
      const done = this.#transmitter.take(base + DESCRIPTOR * this.#tdh, settings);
      this.#tdh = this.#tdh + 1 === count ? 0 : this.#tdh + 1;
      if (done === DONE) continue;
      if (done === REPORT_DELAYED) interrupts.transmit.event(stored.get(reg.TIDV)!, stored.get(reg.TADV)!);
      else causes |= reg.ICR_TXDW;
    }
    this.#transmitting = false;
    if (this.#tdh === this.#tdt) causes |= reg.ICR_TXQE;
    // TXDCTL.LWTHRESH, in units of 8: so few are left to send.
    const threshold = (stored.get(reg.TXDCTL)! >>> 25) * 8;
    if (threshold > 0) causes |= reg.ICR_TXD_LOW;
    interrupts.set(causes);
  }

  // Receiving

  /** Descriptors have come, or the receiver is on. */
  #offered(): void {
    if ((this.#rctl & reg.RCTL_EN) !== 0) this.#port.onReady?.();
  }

  /** @returns false when there are no descriptors for it now */
  #receive(frame: Uint8Array, offload: FrameOffload | undefined): boolean {
    if ((this.#rctl & reg.RCTL_EN) === 0 || !this.#linkUp || !this.#busMaster || frame.length < ETHERNET_HEADER) return true;
    const setup = (this.#receiveSetup ??= this.#setUpReceiving());
    const vlan = frame.length >= 18 && ((frame[12]! << 8) | frame[13]!) === setup.vlanType ? ((frame[14]! & 0x0f) << 8) | frame[15]! : -1;
    const verdict = this.#filter.judge(frame, this.#rctl, vlan);
    if (verdict === DROP) return true;
    this.#inexact = verdict === PASS_INEXACT;
    this.#finished = offload?.segmentation === 'tcp';
    return offload === undefined ? this.#storeFrame(frame) : this.#segmenter.deliver(frame, offload, this.#storeFrame);
  }

  #inexact = false;
  /** The segmenter makes the checksums, so they are right. */
  #finished = false;

  #setUpReceiving(): ReceiveSetup {
    const stored = this.#stored;
    const count = stored.get(reg.RDLEN)! / DESCRIPTOR;
    return {
      base: stored.get(reg.RDBAH)! * 0x1_0000_0000 + stored.get(reg.RDBAL)!,
      count,
      longest: (this.#rctl & reg.RCTL_LPE) !== 0 ? MAX_LONG_FRAME : MAX_FRAME,
      // RDMTS: a half, a quarter or an eighth of the ring.
      few: count >>> (1 + ((this.#rctl >>> reg.RCTL_RDMTS_SHIFT) & 3)),
      small: stored.get(reg.RSRPD)!,
      latest: stored.get(reg.RADV)!,
      rctl: this.#rctl,
      rxcsum: stored.get(reg.RXCSUM)!,
      stripTags: (this.#ctrl & reg.CTRL_VME) !== 0,
      vlanType: stored.get(reg.VET)!,
    };
  }

  readonly #storeFrame = (frame: Uint8Array): boolean => {
    const setup = (this.#receiveSetup ??= this.#setUpReceiving());
    if (frame.length > setup.longest) {
      this.#statistics.oversized();
      return true;
    }
    const ring = this.#ring;
    ring.base = setup.base;
    ring.count = setup.count;
    ring.head = this.#rdh;
    ring.tail = this.#rdt;
    if (ring.head >= ring.count || ring.tail >= ring.count) {
      // No ring that the manual knows: nothing can be stored, now or later.
      this.#statistics.missed();
      return true;
    }
    const before = (ring.tail - ring.head + ring.count) % ring.count;
    const used = this.#receiver.store(frame, this.#inexact, this.#finished, ring, setup);
    if (used === 0) {
      this.#statistics.noBuffers();
      return false;
    }
    if (used < 0) {
      this.#statistics.missed();
      return true;
    }
    this.#rdh = ring.head;
    this.#statistics.received(frame, Math.max(60, frame.length));
    if (before > setup.few && before - used <= setup.few) this.#interrupts.set(reg.ICR_RXDMT0);
    if (frame.length <= setup.small) this.#interrupts.set(reg.ICR_SRPD);
    this.#interrupts.receive.event(this.#rdtr, setup.latest);
    return true;
  };
}
