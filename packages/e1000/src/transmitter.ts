import { Segmenter, findIpHeaders, internetChecksum, setU16, type IpHeaders, type Offload } from '@pckit/ethernet-offload';
import type { EthernetPort, GuestMemory } from '@pckit/interfaces';
import type { Statistics } from './statistics.js';

// Transmit descriptors to frames: manual, 3.3 to 3.6.

/** 16 bytes: an address, then two words. */
export const DESCRIPTOR = 16;

// The command byte of legacy and data descriptors; 3.3.3, 3.3.7.
const CMD_EOP = 0x01;
const CMD_IFCS = 0x02;
/** Legacy: insert a checksum. Data: the frame is to be segmented. */
const CMD_IC = 0x04;
const CMD_TSE = 0x04;
const CMD_RS = 0x08;
const CMD_DEXT = 0x20;
const CMD_VLE = 0x40;
const CMD_IDE = 0x80;
const STA_DD = 0x01;
const DTYP_CONTEXT = 0;
const DTYP_DATA = 1;
const POPTS_IXSM = 0x01;
const POPTS_TXSM = 0x02;
const TUCMD_TCP = 0x01;

/** The longest IP packet behind Ethernet and VLAN headers. */
const MAX_FRAME = 65535 + 22;
const ETHERNET_HEADER = 14;
const VLAN_TAG = 4;
const LEAST_FRAME = 60;
const FCS = 4;

/** What a context descriptor says (3.3.6). */
export type TransmitContext = {
  ipcss: number;
  ipcso: number;
  ipcse: number;
  tucss: number;
  tucso: number;
  tucse: number;
  mss: number;
  tcp: boolean;
};

export type TransmitterState = {
  /** Descriptors read of a frame whose last has not come. */
  readonly frame: Uint8Array;
  readonly overlong: boolean;
  readonly options: number;
  readonly segmented: boolean;
  readonly checksumContext: Readonly<TransmitContext>;
  readonly segmentationContext: Readonly<TransmitContext>;
};

/** What the card's registers say about sending. */
export interface TransmitSettings {
  /** TCTL.PSP */
  readonly pad: boolean;
  /** CTRL.VME */
  readonly vlan: boolean;
  readonly vlanType: number;
}

/** What is to be done once a descriptor is done with. */
export const DONE = 0;
/** Report status: write it back, with TXDW. */
export const REPORT = 1;
/** ... after the delay. */
export const REPORT_DELAYED = 2;

export class Transmitter {
  readonly #frame = new Uint8Array(MAX_FRAME + VLAN_TAG);
  #length = 0;
  /** Longer than any frame: dropped at its end. */
  #overlong = false;
  /** POPTS of the frame's first data descriptor. */
  #options = 0;
  #segmented = false;
  readonly #checksumContext: TransmitContext = emptyContext();
  readonly #segmentationContext: TransmitContext = emptyContext();
  readonly #segmenter = new Segmenter();
  readonly #headers: IpHeaders = { ip: 0, version: 4, protocol: 0, transport: 0, nextHeaderAt: 0 };
  readonly #offload: { -readonly [Field in keyof Offload]: Offload[Field] } = { checksumStart: 0, checksumOffset: 0, segmentation: 'none', segmentBytes: 0 };

  constructor(
    private readonly memory: GuestMemory,
    private readonly port: EthernetPort,
    private readonly statistics: Statistics,
  ) {}

  reset(): void {
    this.#startFrame();
    Object.assign(this.#checksumContext, emptyContext());
    Object.assign(this.#segmentationContext, emptyContext());
  }

  /** Takes one descriptor. @returns DONE, REPORT or REPORT_DELAYED */
  take(at: number, settings: TransmitSettings): number {
    const { memory } = this;
    const lower = memory.readU32(at + 8);
    const upper = memory.readU32(at + 12);
    const command = lower >>> 24;
    if ((command & CMD_DEXT) === 0) this.#legacy(memory.readAddress(at), lower, upper, settings);
    else if (((lower >>> 20) & 0xf) === DTYP_CONTEXT) this.#context(at, lower, upper);
    else if (((lower >>> 20) & 0xf) === DTYP_DATA) this.#data(memory.readAddress(at), lower, upper, settings);
    if ((command & CMD_RS) === 0) return DONE;
    // Of the status byte the lower half is the card's.
    memory.writeU8(at + 12, (upper & 0xf0) | STA_DD);
    return (command & CMD_IDE) !== 0 ? REPORT_DELAYED : REPORT;
  }

  save(): TransmitterState {
    return {
      frame: this.#frame.slice(0, this.#length),
      overlong: this.#overlong,
      options: this.#options,
      segmented: this.#segmented,
      checksumContext: { ...this.#checksumContext },
      segmentationContext: { ...this.#segmentationContext },
    };
  }

  restore(state: TransmitterState): void {
    this.#frame.set(state.frame);
    this.#length = state.frame.length;
    this.#overlong = state.overlong;
    this.#options = state.options;
    this.#segmented = state.segmented;
    Object.assign(this.#checksumContext, state.checksumContext);
    Object.assign(this.#segmentationContext, state.segmentationContext);
  }

  #legacy(address: number, lower: number, upper: number, settings: TransmitSettings): void {
    const command = lower >>> 24;
    this.#gather(address, lower & 0xffff);
    if ((command & CMD_EOP) === 0) return;
    const start = (upper >>> 8) & 0xff;
    const field = (lower >>> 16) & 0xff;
    if ((command & CMD_IC) !== 0) this.#insertChecksum(start, field, 0);
    this.#finish(command, upper >>> 16, settings, false);
  }

  #context(at: number, lower: number, upper: number): void {
    const { memory } = this;
    const first = memory.readU32(at);
    const second = memory.readU32(at + 4);
    // 3.3.6: one context is kept for segmentation and one for everything else.
    const context = ((lower >>> 24) & CMD_TSE) !== 0 ? this.#segmentationContext : this.#checksumContext;
    context.ipcss = first & 0xff;
    context.ipcso = (first >>> 8) & 0xff;
    context.ipcse = first >>> 16;
    context.tucss = second & 0xff;
    context.tucso = (second >>> 8) & 0xff;
    context.tucse = second >>> 16;
    context.mss = upper >>> 16;
    context.tcp = ((lower >>> 24) & TUCMD_TCP) !== 0;
  }

  #data(address: number, lower: number, upper: number, settings: TransmitSettings): void {
    const command = lower >>> 24;
    if (this.#length === 0 && !this.#overlong) {
      // 3.3.7.3: POPTS and TSE are looked at in the first descriptor of a frame.
      this.#options = (upper >>> 8) & 0xff;
      this.#segmented = (command & CMD_TSE) !== 0;
    }
    this.#gather(address, lower & 0xf_ffff);
    if ((command & CMD_EOP) === 0) return;
    let open = false;
    if (!this.#segmented) {
      const { ipcss, ipcso, ipcse, tucss, tucso, tucse } = this.#checksumContext;
      if ((this.#options & POPTS_IXSM) !== 0) this.#insertChecksum(ipcss, ipcso, ipcse);
      if ((this.#options & POPTS_TXSM) !== 0) {
        open = tucse === 0 && this.port.takesOffloads === true && tucso >= tucss && tucso + 2 <= this.#length;
        if (open) this.#leaveOpen(tucss, tucso);
        else this.#insertChecksum(tucss, tucso, tucse);
      }
    }
    this.#finish(command, upper >>> 16, settings, open);
  }

  #gather(address: number, length: number): void {
    if (this.#overlong || this.#length + length > MAX_FRAME) {
      this.#overlong = true;
      return;
    }
    const bytes = this.memory.borrow(address, length, 'read');
    // No RAM there: a master abort, and all ones.
    if (bytes === undefined) this.#frame.fill(0xff, this.#length, this.#length + length);
    else this.#frame.set(bytes, this.#length);
    this.#length += length;
  }

  /** @param end the last byte that is covered, 0 for the frame's */
  #insertChecksum(start: number, field: number, end: number): void {
    const past = end === 0 ? this.#length : Math.min(end + 1, this.#length);
    if (field + 2 > this.#length || start > past) return;
    setU16(this.#frame, field, internetChecksum(this.#frame, start, past));
  }

  #leaveOpen(start: number, field: number): void {
    this.#offload.checksumStart = start;
    this.#offload.checksumOffset = field - start;
    this.#offload.segmentation = 'none';
    this.#offload.segmentBytes = 0;
  }

  #finish(command: number, tag: number, settings: TransmitSettings, open: boolean): void {
    // Without IFCS software has put an FCS there itself, which frames here don't have.
    if ((command & CMD_IFCS) === 0 && !this.#segmented) this.#length = Math.max(0, this.#length - FCS);
    if (!this.#overlong && this.#length >= ETHERNET_HEADER) {
      if ((command & CMD_VLE) !== 0 && settings.vlan) this.#insertTag(settings.vlanType, tag);
      if (this.#segmented) this.#segment((command & CMD_VLE) !== 0 && settings.vlan);
      else this.#send(settings, open);
    }
    this.#startFrame();
  }

  #startFrame(): void {
    this.#length = 0;
    this.#overlong = false;
    this.#options = 0;
    this.#segmented = false;
  }

  #insertTag(type: number, tag: number): void {
    const frame = this.#frame;
    frame.copyWithin(12 + VLAN_TAG, 12, this.#length);
    setU16(frame, 12, type);
    setU16(frame, 14, tag);
    this.#length += VLAN_TAG;
    this.#offload.checksumStart += VLAN_TAG;
  }

  #send(settings: TransmitSettings, open: boolean): void {
    if (settings.pad && this.#length < LEAST_FRAME) {
      this.#frame.fill(0, this.#length, LEAST_FRAME);
      this.#length = LEAST_FRAME;
    }
    const frame = this.#frame.subarray(0, this.#length);
    this.statistics.transmitted(frame);
    if (open) this.port.send(frame, this.#offload);
    else this.port.send(frame);
  }

  /** 3.5 "TCP Segmentation". */
  #segment(tagged: boolean): void {
    const { mss, tucss, tucso, tcp } = this.#segmentationContext;
    const moved = tagged ? VLAN_TAG : 0;
    const frame = this.#frame.subarray(0, this.#length);
    const offload = this.#offload;
    offload.checksumStart = tucss + moved;
    offload.checksumOffset = Math.max(0, tucso - tucss);
    offload.segmentation = tcp ? 'tcp' : 'udp';
    offload.segmentBytes = mss;
    const count = this.#segmenter.begin(frame, offload);
    if (count > 0) this.statistics.segmented();
    if (count > 1 && tcp && this.port.takesOffloads === true && this.#completeIpHeader(frame)) {
      for (let i = 0; i < count; i++) this.statistics.transmitted(this.#segmenter.packet(i));
      this.port.send(frame, offload);
      return;
    }
    for (let i = 0; i < count; i++) {
      const packet = this.#segmenter.packet(i);
      this.statistics.transmitted(packet);
      this.port.send(packet);
    }
  }

  /** Drivers leave length and checksum of the IP header to the card. @returns whether the whole is one IP packet */
  #completeIpHeader(frame: Uint8Array): boolean {
    const headers = this.#headers;
    if (!findIpHeaders(frame, headers)) return false;
    const { ip, version, transport } = headers;
    const length = frame.length - ip;
    if (length > 65535) return false;
    if (version === 6) {
      setU16(frame, ip + 4, length - 40);
      return true;
    }
    setU16(frame, ip + 2, length);
    setU16(frame, ip + 10, 0);
    setU16(frame, ip + 10, internetChecksum(frame, ip, transport));
    return true;
  }
}

function emptyContext(): TransmitContext {
  return { ipcss: 0, ipcso: 0, ipcse: 0, tucss: 0, tucso: 0, tucse: 0, mss: 0, tcp: false };
}
