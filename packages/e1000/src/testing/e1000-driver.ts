import type { AccessSize, GuestMemory, IoRegion, PciFunction } from '@pckit/interfaces';
import * as reg from '../registers.js';

/** A descriptor that was given back. */
export interface UsedDescriptor {
  readonly status: number;
  /** The packet checksum; the sum's upper byte is the lower one here. */
  readonly checksum: number;
  readonly errors: number;
  readonly special: number;
  readonly bytes: Uint8Array;
}

const RING = 0x1_0000;
const TRANSMIT_RING = 0x2_0000;
const BUFFERS = 0x4_0000;
const TRANSMIT_BUFFERS = 0x6_0000;

export interface E1000DriverOptions {
  readonly descriptors?: number;
  /** RCTL besides EN and BAM. */
  readonly rctl?: number;
}

/** An e1000 driver as far as tests need one: sets the card up as Linux does, and keeps both rings. Wants 1 MiB of memory, and at most 64 descriptors. */
export class E1000Driver {
  readonly registers: IoRegion;
  readonly io: IoRegion;
  readonly count: number;
  #tail = 0;
  #next = 0;
  #transmitTail = 0;
  #transmitBuffer = TRANSMIT_BUFFERS;

  constructor(
    readonly memory: GuestMemory,
    card: PciFunction,
    options: E1000DriverOptions = {},
  ) {
    this.registers = card.bars.find(({ index }) => index === 0)!.region;
    this.io = card.bars.find(({ kind }) => kind === 'io')!.region;
    this.count = options.descriptors ?? 16;
    card.onBusMaster?.(true);
    this.write(reg.CTRL, reg.CTRL_RST);
    this.write(reg.CTRL, reg.CTRL_FD | reg.CTRL_SLU);
    this.write(reg.TDBAL, TRANSMIT_RING);
    this.write(reg.TDLEN, 16 * this.count);
    this.write(reg.TCTL, reg.TCTL_EN | reg.TCTL_PSP);
    this.write(reg.RDBAL, RING);
    this.write(reg.RDLEN, 16 * this.count);
    this.write(reg.RCTL, reg.RCTL_EN | reg.RCTL_BAM | (options.rctl ?? 0));
  }

  read(register: number): number {
    return this.registers.handler.read(register, 4 as AccessSize);
  }

  write(register: number, value: number): void {
    this.registers.handler.write(register, value >>> 0, 4 as AccessSize);
  }

  /** Gives the card `count` more receive buffers of 2048 bytes. */
  offer(count: number): void {
    for (let i = 0; i < count; i++) {
      const at = RING + 16 * this.#tail;
      this.memory.writeAddress(at, BUFFERS + 2048 * this.#tail);
      this.memory.writeAddress(at + 8, 0);
      this.#tail = (this.#tail + 1) % this.count;
    }
    this.write(reg.RDT, this.#tail);
  }

  /** Descriptors that the card has filled. */
  received(): UsedDescriptor[] {
    const used: UsedDescriptor[] = [];
    for (;;) {
      const at = RING + 16 * this.#next;
      const status = this.memory.readU8(at + 12);
      if ((status & 1) === 0) return used;
      const length = this.memory.readU16(at + 8);
      used.push({ status, checksum: this.memory.readU16(at + 10), errors: this.memory.readU8(at + 13), special: this.memory.readU16(at + 14), bytes: this.memory.borrow(this.memory.readAddress(at), length, 'read')!.slice() });
      this.memory.writeU8(at + 12, 0);
      this.#next = (this.#next + 1) % this.count;
    }
  }

  /** Puts bytes somewhere. @returns where */
  place(bytes: Uint8Array): number {
    if (this.#transmitBuffer + bytes.length > 0x10_0000) this.#transmitBuffer = TRANSMIT_BUFFERS;
    const at = this.#transmitBuffer;
    this.#transmitBuffer += bytes.length;
    this.memory.borrow(at, bytes.length, 'write')!.set(bytes);
    return at;
  }

  /** Queues a descriptor as its three words. */
  queue(address: number, lower: number, upper: number): number {
    const at = TRANSMIT_RING + 16 * this.#transmitTail;
    this.memory.writeAddress(at, address);
    this.memory.writeU32(at + 8, lower >>> 0);
    this.memory.writeU32(at + 12, upper >>> 0);
    this.#transmitTail = (this.#transmitTail + 1) % this.count;
    return at;
  }

  kick(): void {
    this.write(reg.TDT, this.#transmitTail);
  }

  /** Sends a frame by one legacy descriptor (EOP, IFCS, RS and `command`). @returns the descriptor's place */
  send(bytes: Uint8Array, command = 0, checksum = { start: 0, field: 0 }, special = 0): number {
    const at = this.queue(this.place(bytes), ((0x0b | command) << 24) | (checksum.field << 16) | bytes.length, (special << 16) | (checksum.start << 8));
    this.kick();
    return at;
  }

  /** A context descriptor for TCP over IPv4 behind a plain Ethernet header. */
  context(options: { readonly tse?: boolean; readonly mss?: number; readonly payload?: number; readonly headers?: number } = {}): void {
    const { tse = false, mss = 0, payload = 0, headers = 0 } = options;
    const at = this.queue(0, ((0x23 | (tse ? 4 : 0)) << 24) | payload, (mss << 16) | (headers << 8));
    this.memory.writeU32(at, (33 << 16) | (24 << 8) | 14);
    this.memory.writeU32(at + 4, (0 << 16) | (50 << 8) | 34);
  }

  /** A data descriptor. @param command besides DEXT; 0x0b is EOP, IFCS and RS */
  data(bytes: Uint8Array, command = 0x0b, options = 0, special = 0): number {
    return this.queue(this.place(bytes), ((0x20 | command) << 24) | (1 << 20) | bytes.length, (special << 16) | (options << 8));
  }
}
