import { Segmenter, findIpHeaders, type IpHeaders, type SegmenterState } from '@pckit/ethernet-offload';
import type { Clock, EthernetPort, FrameOffload, Timer } from '@pckit/interfaces';
import { DescriptorChain, VIRTIO_F_VERSION_1, VIRTIO_ID_NET, VirtioError } from '@pckit/virtio';
import type { VirtioDevice, VirtioHost, Virtqueue } from '@pckit/virtio';
import {
  CONFIG_MAC,
  CONFIG_STATUS,
  GUEST_OFFLOADS,
  VIRTIO_NET_F_CSUM,
  VIRTIO_NET_F_CTRL_GUEST_OFFLOADS,
  VIRTIO_NET_F_CTRL_MAC_ADDR,
  VIRTIO_NET_F_CTRL_RX,
  VIRTIO_NET_F_CTRL_RX_EXTRA,
  VIRTIO_NET_F_CTRL_VLAN,
  VIRTIO_NET_F_CTRL_VQ,
  VIRTIO_NET_F_GUEST_ANNOUNCE,
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_ECN,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_HOST_ECN,
  VIRTIO_NET_F_HOST_TSO4,
  VIRTIO_NET_F_HOST_TSO6,
  VIRTIO_NET_F_HOST_UFO,
  VIRTIO_NET_F_HOST_USO,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_SPEED_DUPLEX,
  VIRTIO_NET_F_STATUS,
  VIRTIO_NET_S_ANNOUNCE,
  VIRTIO_NET_S_LINK_UP,
  netConfig,
} from './config.js';
import { MAX_COMMAND, VIRTIO_NET_ERR, execute } from './control.js';
import {
  HEADER_LENGTH,
  LEGACY_HEADER_LENGTH,
  NetHeader,
  VIRTIO_NET_HDR_GSO_ECN,
  VIRTIO_NET_HDR_GSO_NONE,
  VIRTIO_NET_HDR_GSO_TCPV4,
  VIRTIO_NET_HDR_GSO_TCPV6,
  type MutableOffload,
} from './net-header.js';
import { ReceiveCheck } from './receive-check.js';
import { ReceiveFilter, type ReceiveFilterState } from './receive-filter.js';

// The network device: VIRTIO 1.2, 5.1.
//
// What the driver sends goes to the port when it rings; frames from the port come in at the machine's safe points (the board sees to that) and
// go into the buffers that are there. A frame for which there are none is refused, and the port told when the driver has added some.
// Whatever one side leaves unfinished (checksums, segmentation) and the other does not take is done here.

const ETHERNET_HEADER = 14;
/** IP's longest packet behind an Ethernet header and two VLAN tags. */
const MAX_FRAME = 65535 + 22;
const RECEIVE = 0;
const TRANSMIT = 1;
const CONTROL = 2;
const CONTROL_SIZE = 64;
/**
 * How long the interrupt for sent frames may wait for more of them. A frame is gone before its driver's ring returns, so each would interrupt. Linux
 * also gathers small writes behind a frame that is under way (tcp_autocorking), which is never seen under way without this.
 */
const TRANSMIT_INTERRUPT_DELAY = 500_000;
const TCP_CWR = 0x80;

export interface VirtioNetWires {
  readonly port: EthernetPort;
  /** Lets one interrupt serve for several sent frames. Absent: each interrupts at once. */
  readonly clock?: Clock;
}

export interface VirtioNetOptions {
  /** Unique on the machine. Default `virtio-net`. */
  readonly name?: string;
  /** Six bytes, unicast. */
  readonly mac: Uint8Array;
  /** Told to the driver, 68 to 65,535. Default: nothing is told, and drivers take 1500. */
  readonly mtu?: number;
  /** What the driver is told, in Mbit/s. Default 10,000. */
  readonly speedMbits?: number;
  /** Entries of the receive and the transmit queue, a power of two. Default 256. */
  readonly queueSize?: number;
}

/** Frames and bytes since the device was made, for people; no part of its state. */
export interface VirtioNetStatistics {
  transmitted: number;
  transmittedBytes: number;
  /** Frames that the driver described wrongly. */
  transmitDropped: number;
  received: number;
  receivedBytes: number;
  /** The driver's filter, or no driver, or buffers that are too small. */
  receiveDropped: number;
  /** Times that a frame had to wait for buffers. */
  receiveStalls: number;
}

export type VirtioNetState = {
  readonly version: 2;
  readonly features: bigint;
  readonly guestOffloads: bigint;
  readonly mac: Uint8Array;
  readonly status: number;
  readonly filter: ReceiveFilterState;
  readonly segmenter: SegmenterState;
  /** Sent frames without their interrupt, and when it is due. */
  readonly sent: number;
  readonly sentDeadline: number | null;
};

export class VirtioNet implements VirtioDevice<VirtioNetState> {
  readonly name: string;
  readonly deviceType = VIRTIO_ID_NET;
  /** Ethernet controller. */
  readonly pciClass = 0x020000;
  readonly features: bigint;
  readonly queueSizes: readonly number[];
  readonly config: Uint8Array;
  readonly filter = new ReceiveFilter();
  readonly statistics: VirtioNetStatistics = {
    transmitted: 0,
    transmittedBytes: 0,
    transmitDropped: 0,
    received: 0,
    receivedBytes: 0,
    receiveDropped: 0,
    receiveStalls: 0,
  };
  readonly #port: EthernetPort;
  readonly #permanentMac: Uint8Array;
  readonly #mac: Uint8Array;
  readonly #header = new NetHeader();
  readonly #headerViews: readonly [Uint8Array, Uint8Array];
  readonly #frame = new Uint8Array(MAX_FRAME);
  readonly #offload: MutableOffload = { checksumStart: 0, checksumOffset: 0, segmentation: 'none', segmentBytes: 0 };
  readonly #segmenter = new Segmenter();
  readonly #check = new ReceiveCheck();
  readonly #ip: IpHeaders = { ip: 0, version: 4, protocol: 0, transport: 0, nextHeaderAt: 0 };
  readonly #chain = new DescriptorChain();
  /** Those that one received frame takes. */
  readonly #chains: DescriptorChain[] = [];
  readonly #clock: Clock | undefined;
  readonly #sentTimer: Timer | undefined;
  /** Frames that were sent since the last interrupt for them. */
  #sent = 0;
  #host!: VirtioHost;
  #features = 0n;
  #guestOffloads = 0n;
  // Derived from the two, for the hot paths.
  #headerLength = LEGACY_HEADER_LENGTH;
  #mergeable = false;
  #guestChecksum = false;
  #guestTso4 = false;
  #guestTso6 = false;
  #guestEcn = false;

  constructor(wires: VirtioNetWires, options: VirtioNetOptions) {
    const { mac, mtu, speedMbits = 10_000, queueSize = 256 } = options;
    this.name = options.name ?? 'virtio-net';
    if (mac.length !== 6 || (mac[0]! & 1) !== 0) throw new VirtioError('bad-option', `${this.name}: ${formatMac(mac)} is not a unicast MAC address`);
    if (mtu !== undefined && !(Number.isInteger(mtu) && mtu >= 68 && mtu <= 65535)) throw new VirtioError('bad-option', `${this.name}: MTU ${mtu}, must be 68 to 65535`);
    this.#port = wires.port;
    this.#clock = wires.clock;
    this.#sentTimer = wires.clock?.timer(`${this.name}.sent`, () => this.#signalSent());
    this.#permanentMac = mac.slice();
    this.queueSizes = [queueSize, queueSize, CONTROL_SIZE];
    this.config = netConfig(mac, mtu ?? 1500, speedMbits);
    this.#mac = this.config.subarray(CONFIG_MAC, CONFIG_MAC + 6);
    this.#headerViews = [this.#header.bytes.subarray(0, LEGACY_HEADER_LENGTH), this.#header.bytes];
    this.features =
      VIRTIO_NET_F_CSUM |
      VIRTIO_NET_F_GUEST_CSUM |
      VIRTIO_NET_F_CTRL_GUEST_OFFLOADS |
      (mtu === undefined ? 0n : VIRTIO_NET_F_MTU) |
      VIRTIO_NET_F_MAC |
      VIRTIO_NET_F_GUEST_TSO4 |
      VIRTIO_NET_F_GUEST_TSO6 |
      VIRTIO_NET_F_GUEST_ECN |
      VIRTIO_NET_F_HOST_TSO4 |
      VIRTIO_NET_F_HOST_TSO6 |
      VIRTIO_NET_F_HOST_ECN |
      VIRTIO_NET_F_HOST_UFO |
      VIRTIO_NET_F_HOST_USO |
      VIRTIO_NET_F_MRG_RXBUF |
      VIRTIO_NET_F_STATUS |
      VIRTIO_NET_F_CTRL_VQ |
      VIRTIO_NET_F_CTRL_RX |
      VIRTIO_NET_F_CTRL_VLAN |
      VIRTIO_NET_F_CTRL_RX_EXTRA |
      VIRTIO_NET_F_GUEST_ANNOUNCE |
      VIRTIO_NET_F_CTRL_MAC_ADDR |
      VIRTIO_NET_F_SPEED_DUPLEX;
    wires.port.attach((frame, offload) => this.#receive(frame, offload));
  }

  attach(host: VirtioHost): void {
    this.#host = host;
  }

  /** The link is the host's and stays as it is. */
  reset(_kind: 'cold' | 'warm'): void {
    this.#features = 0n;
    this.#guestOffloads = 0n;
    this.#mac.set(this.#permanentMac);
    this.config[CONFIG_STATUS]! &= ~VIRTIO_NET_S_ANNOUNCE;
    this.filter.reset();
    this.#segmenter.forget();
    this.#forgetSent();
    this.#settle();
  }

  start(features: bigint): void {
    this.#features = features;
    this.#guestOffloads = features & GUEST_OFFLOADS;
    this.filter.filterVlans = (features & VIRTIO_NET_F_CTRL_VLAN) !== 0n;
    this.#settle();
  }

  /** Legacy drivers without MAC_ADDR_SET write their address here (5.1.4.1 "Legacy Interface"). */
  writeConfig(offset: number, value: number, size: number): void {
    if ((this.#features & VIRTIO_F_VERSION_1) !== 0n || offset + size > CONFIG_MAC + 6) return;
    for (let i = 0; i < size; i++) this.#mac[offset + i] = value >>> (8 * i);
  }

  /** Plugs the cable in or out. Changes guest state: call it at a safe point. */
  setLink(up: boolean): void {
    const status = up ? this.config[CONFIG_STATUS]! | VIRTIO_NET_S_LINK_UP : this.config[CONFIG_STATUS]! & ~VIRTIO_NET_S_LINK_UP;
    if (status === this.config[CONFIG_STATUS]) return;
    this.config[CONFIG_STATUS] = status;
    this.#host.configChanged();
    if (up) this.#port.onReady?.();
  }

  /** Asks the driver to tell the network where it is (5.1.6.5.4), as after a move. Changes guest state: call it at a safe point. */
  announce(): void {
    if ((this.#features & VIRTIO_NET_F_GUEST_ANNOUNCE) === 0n) return;
    this.config[CONFIG_STATUS]! |= VIRTIO_NET_S_ANNOUNCE;
    this.#host.configChanged();
  }

  get linkUp(): boolean {
    return (this.config[CONFIG_STATUS]! & VIRTIO_NET_S_LINK_UP) !== 0;
  }

  notify(index: number): void {
    const queue = this.#host.queues[index]!;
    if (index === TRANSMIT) this.#transmit(queue);
    else if (index === CONTROL) this.#control(queue);
    else this.#port.onReady?.();
  }

  resetQueue(index: number): void {
    if (index === RECEIVE) this.#segmenter.forget();
    else if (index === TRANSMIT) this.#forgetSent();
  }

  save(): VirtioNetState {
    return {
      version: 2,
      features: this.#features,
      guestOffloads: this.#guestOffloads,
      mac: this.#mac.slice(),
      status: this.config[CONFIG_STATUS]!,
      filter: this.filter.save(),
      segmenter: this.#segmenter.save(),
      sent: this.#sent,
      sentDeadline: this.#sentTimer === undefined || this.#sentTimer.deadline === Infinity ? null : this.#sentTimer.deadline,
    };
  }

  restore(state: VirtioNetState): void {
    if (state.version !== 2) throw new VirtioError('bad-state', `${this.name}: state version ${String(state.version)}, known: 2`);
    this.#features = state.features;
    this.#guestOffloads = state.guestOffloads;
    this.#mac.set(state.mac);
    this.config[CONFIG_STATUS] = state.status;
    this.filter.restore(state.filter);
    this.filter.filterVlans = (state.features & VIRTIO_NET_F_CTRL_VLAN) !== 0n;
    this.#segmenter.restore(state.segmenter);
    this.#sent = state.sent;
    if (state.sentDeadline === null) this.#sentTimer?.cancel();
    else this.#sentTimer?.arm(state.sentDeadline);
    this.#settle();
  }

  // Sending

  #transmit(queue: Virtqueue): void {
    const chain = this.#chain;
    const { memory } = this.#host;
    const header = this.#headerViews[this.#headerLength === HEADER_LENGTH ? 1 : 0];
    while (queue.pop(chain)) {
      if (chain.readableBytes < this.#headerLength) {
        this.#host.fail(TRANSMIT, 'request', `chain ${chain.head}: ${chain.readableBytes} bytes are no header of ${this.#headerLength}`);
        return;
      }
      const length = chain.readableBytes - this.#headerLength;
      if (length < ETHERNET_HEADER || length > MAX_FRAME || !this.linkUp) {
        this.statistics.transmitDropped++;
      } else {
        chain.read(memory, 0, header);
        const frame = this.#frame.subarray(0, length);
        chain.read(memory, this.#headerLength, frame);
        this.#send(frame);
      }
      queue.push(chain.head, 0);
      this.#sent++;
    }
    if (this.#sent === 0) return;
    const timer = this.#sentTimer;
    if (timer === undefined || this.#sent >= queue.size >>> 2) this.#signalSent();
    else if (timer.deadline === Infinity) timer.arm(this.#clock!.now() + TRANSMIT_INTERRUPT_DELAY);
  }

  #signalSent(): void {
    this.#forgetSent();
    this.#host.queues[TRANSMIT]!.signal();
  }

  #forgetSent(): void {
    this.#sent = 0;
    this.#sentTimer?.cancel();
  }

  /** Sends one frame, as `#header` says. */
  #send(frame: Uint8Array): void {
    const { statistics } = this;
    const offload = this.#offload;
    if (!this.#header.parse(offload)) {
      this.#port.send(frame);
    } else if (this.#port.takesOffloads === true && (offload.segmentation === 'none' || offload.segmentation === 'tcp') && offload.checksumStart + offload.checksumOffset + 2 <= frame.length) {
      this.#port.send(frame, offload);
    } else {
      const count = this.#segmenter.begin(frame, offload);
      if (count === 0) {
        statistics.transmitDropped++;
        return;
      }
      for (let i = 0; i < count; i++) this.#port.send(this.#segmenter.packet(i));
    }
    statistics.transmitted++;
    statistics.transmittedBytes += frame.length;
  }

  // Receiving

  /** @returns false when the driver has no buffers for it now */
  #receive(frame: Uint8Array, offload: FrameOffload | undefined): boolean {
    const { statistics } = this;
    if (!this.#host.live || !this.linkUp || frame.length < ETHERNET_HEADER || frame.length > MAX_FRAME || !this.filter.accepts(frame, this.#mac)) {
      statistics.receiveDropped++;
      return true;
    }
    const queue = this.#host.queues[RECEIVE]!;
    if (!queue.enabled) {
      statistics.receiveDropped++;
      return true;
    }
    queue.begin();
    let taken: boolean;
    if (offload === undefined) {
      this.#header.setWhole(this.#guestChecksum && this.#check.holds(frame));
      taken = this.#deliver(queue, frame);
    } else if (this.#passes(frame, offload)) {
      taken = this.#deliver(queue, frame);
    } else {
      // What the driver does not take is finished here. Buffers may run out in the middle.
      taken = this.#segmenter.deliver(frame, offload, this.#deliverWhole);
    }
    queue.signal();
    if (!taken) {
      statistics.receiveStalls++;
      return false;
    }
    statistics.received++;
    statistics.receivedBytes += frame.length;
    return true;
  }

  /** Whether the driver takes the frame unfinished; fills `#header` then. */
  #passes(frame: Uint8Array, offload: FrameOffload): boolean {
    if (!this.#guestChecksum) return false;
    if (offload.segmentation === 'none') {
      this.#header.setOffload(offload, VIRTIO_NET_HDR_GSO_NONE, 0);
      return true;
    }
    const ip = this.#ip;
    if (offload.segmentation !== 'tcp' || !findIpHeaders(frame, ip) || frame.length < ip.transport + 20) return false;
    if (!(ip.version === 4 ? this.#guestTso4 : this.#guestTso6)) return false;
    const ecn = (frame[ip.transport + 13]! & TCP_CWR) !== 0;
    if (ecn && !this.#guestEcn) return false;
    const type = ip.version === 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    this.#header.setOffload(offload, ecn ? type | VIRTIO_NET_HDR_GSO_ECN : type, ip.transport + (frame[ip.transport + 12]! >>> 4) * 4);
    return true;
  }

  /** For the segmenter: a packet that is finished here. */
  readonly #deliverWhole = (packet: Uint8Array): boolean => {
    this.#header.setWhole(this.#guestChecksum);
    return this.#deliver(this.#host.queues[RECEIVE]!, packet);
  };

  /** Puts one frame, with `#header` before it, into as many chains as it takes (5.1.6.4). @returns false when there are not enough */
  #deliver(queue: Virtqueue, frame: Uint8Array): boolean {
    const { memory } = this.#host;
    const headerLength = this.#headerLength;
    const needed = headerLength + frame.length;
    let room = 0;
    let count = 0;
    while (room < needed) {
      const chain = (this.#chains[count] ??= new DescriptorChain());
      if (!queue.pop(chain)) {
        queue.unpop(count);
        // Every buffer there can be, and not enough: it never will be.
        if (count >= queue.size) this.statistics.receiveDropped++;
        return count >= queue.size;
      }
      count++;
      room += chain.writableBytes;
      if (chain.writableBytes < (count === 1 ? headerLength : 1) || (!this.#mergeable && room < needed)) {
        // 5.1.6.3.1: the driver makes them large enough. This one would do for nothing, so it goes back.
        queue.unpop(count - 1);
        if (count === 1) queue.push(chain.head, 0);
        else this.#host.fail(RECEIVE, 'request', `chain ${chain.head} has no room`);
        this.statistics.receiveDropped++;
        return true;
      }
    }
    if (headerLength === HEADER_LENGTH) this.#header.setBuffers(count);
    let done = 0;
    for (let i = 0; i < count; i++) {
      const chain = this.#chains[i]!;
      const skip = i === 0 ? headerLength : 0;
      if (i === 0) chain.write(memory, 0, this.#headerViews[headerLength === HEADER_LENGTH ? 1 : 0]);
      const bytes = Math.min(chain.writableBytes - skip, frame.length - done);
      chain.write(memory, skip, done === 0 && bytes === frame.length ? frame : frame.subarray(done, done + bytes));
      queue.push(chain.head, skip + bytes);
      done += bytes;
    }
    return true;
  }

  // Control

  #control(queue: Virtqueue): void {
    const chain = this.#chain;
    const { memory } = this.#host;
    while (queue.pop(chain)) {
      if (chain.readableBytes < 2 || chain.writableBytes < 1) {
        this.#host.fail(CONTROL, 'request', `chain ${chain.head}: ${chain.readableBytes} bytes to read and ${chain.writableBytes} to write hold no command`);
        return;
      }
      let ack = VIRTIO_NET_ERR;
      if (chain.readableBytes <= MAX_COMMAND) {
        const command = new Uint8Array(chain.readableBytes);
        chain.read(memory, 0, command);
        ack = execute(command, this.#controlTarget);
      }
      queue.push(chain.head, chain.write(memory, 0, Uint8Array.of(ack)));
    }
    queue.signal();
  }

  readonly #controlTarget = {
    filter: this.filter,
    setMac: (mac: Uint8Array): void => this.#mac.set(mac),
    announced: (): void => {
      this.config[CONFIG_STATUS]! &= ~VIRTIO_NET_S_ANNOUNCE;
    },
    setGuestOffloads: (offloads: bigint): boolean => {
      if ((this.#features & VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) === 0n || (offloads & ~(this.#features & GUEST_OFFLOADS)) !== 0n) return false;
      this.#guestOffloads = offloads;
      this.#settle();
      return true;
    },
  };

  #settle(): void {
    const features = this.#features;
    this.#mergeable = (features & VIRTIO_NET_F_MRG_RXBUF) !== 0n;
    this.#headerLength = this.#mergeable || (features & VIRTIO_F_VERSION_1) !== 0n ? HEADER_LENGTH : LEGACY_HEADER_LENGTH;
    this.#guestChecksum = (this.#guestOffloads & VIRTIO_NET_F_GUEST_CSUM) !== 0n;
    this.#guestTso4 = (this.#guestOffloads & VIRTIO_NET_F_GUEST_TSO4) !== 0n;
    this.#guestTso6 = (this.#guestOffloads & VIRTIO_NET_F_GUEST_TSO6) !== 0n;
    this.#guestEcn = (this.#guestOffloads & VIRTIO_NET_F_GUEST_ECN) !== 0n;
  }
}

function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
