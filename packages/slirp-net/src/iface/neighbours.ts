import { formatAddress } from '../wire/address.js';
import type { NetworkTimer, NetworkTimers } from '../timers.js';
import type { Port } from './port.js';

/** A guest's address on the link, and the card behind it. */
export interface Neighbour {
  readonly address: Uint8Array;
  readonly key: string;
  mac: Uint8Array | undefined;
  port: Port | undefined;
  /** Frames that wait for `mac`, without destination. */
  readonly waiting: Uint8Array[];
  attempts: number;
  timer: NetworkTimer | undefined;
}

const MAX_NEIGHBOURS = 1024;
/** RFC 1122 2.3.2.2: at least the latest packet is kept while an address is resolved. */
const MAX_WAITING = 16;
/** RFC 4861 10: RETRANS_TIMER 1 s, MAX_MULTICAST_SOLICIT 3; RFC 1122 2.3.2.1: not more than one ARP request a second. */
const RETRANS_TIMER_MS = 1000;
const MAX_SOLICIT = 3;

/** ARP's and NDP's cache. */
export class Neighbours {
  private readonly byAddress = new Map<string, Neighbour>();

  constructor(
    private readonly timers: NetworkTimers,
    private readonly solicit: (address: Uint8Array) => void,
    private readonly unreachable: (neighbour: Neighbour) => void,
  ) {}

  /** The entry of an address, made if there is none. */
  of(bytes: Uint8Array, at: number, length: number): Neighbour {
    const key = formatAddress(bytes, at, length);
    let neighbour = this.byAddress.get(key);
    if (neighbour === undefined) {
      if (this.byAddress.size >= MAX_NEIGHBOURS) this.evict();
      neighbour = { address: bytes.slice(at, at + length), key, mac: undefined, port: undefined, waiting: [], attempts: 0, timer: undefined };
      this.byAddress.set(key, neighbour);
    }
    return neighbour;
  }

  learn(neighbour: Neighbour, mac: Uint8Array, port: Port): void {
    neighbour.mac = mac;
    neighbour.port = port;
    neighbour.attempts = 0;
    neighbour.timer?.cancel();
    for (const frame of neighbour.waiting.splice(0)) {
      frame.set(mac, 0);
      port.transmit(frame);
    }
  }

  /** Keeps a frame until the neighbour answers, and asks for it. */
  queue(neighbour: Neighbour, frame: Uint8Array): void {
    if (neighbour.waiting.length >= MAX_WAITING) neighbour.waiting.shift();
    neighbour.waiting.push(frame.slice());
    if (neighbour.timer?.armed === true) return;
    neighbour.timer ??= this.timers.create(() => this.ask(neighbour));
    this.ask(neighbour);
  }

  /** A card went away with its addresses. */
  forget(port: Port): void {
    for (const neighbour of this.byAddress.values()) {
      if (neighbour.port !== port) continue;
      neighbour.port = undefined;
      neighbour.mac = undefined;
    }
  }

  private ask(neighbour: Neighbour): void {
    if (neighbour.attempts >= MAX_SOLICIT) {
      neighbour.attempts = 0;
      neighbour.waiting.length = 0;
      this.unreachable(neighbour);
      return;
    }
    neighbour.attempts++;
    neighbour.timer?.arm(this.timers.nowMs() + RETRANS_TIMER_MS);
    this.solicit(neighbour.address);
  }

  /** The oldest that nobody waits for. A flow that still holds it goes on with what it knows. */
  private evict(): void {
    for (const [key, neighbour] of this.byAddress) {
      if (neighbour.waiting.length > 0) continue;
      neighbour.timer?.dispose();
      this.byAddress.delete(key);
      return;
    }
    const [first] = this.byAddress.values();
    first.timer?.dispose();
    this.byAddress.delete(first.key);
  }
}
