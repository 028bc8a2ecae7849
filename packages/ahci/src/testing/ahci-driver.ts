import { ata } from '@pckit/ata';
import type { GuestMemory } from '@pckit/interfaces';
import type { Ahci } from '../ahci.js';
import * as reg from '../registers.js';

/** What a command is given; numbers that are absent are 0. */
export interface AhciCommand {
  readonly command: number;
  readonly features?: number;
  readonly count?: number;
  readonly lba?: number;
  /** Default: LBA. */
  readonly device?: number;
  readonly write?: boolean;
  /** Guest memory for the data. */
  readonly regions?: readonly (readonly [address: number, length: number])[];
  /** Makes it a PACKET command. */
  readonly packet?: readonly number[];
}

/** The driver's side of one port, by its registers and structures in memory: for tests and examples. */
export class AhciDriver {
  readonly list: number;
  readonly fis: number;
  readonly #tables: number;

  /** @param base 32 KiB of guest memory for the port's structures, at a multiple of 1 KiB */
  constructor(
    readonly ahci: Ahci,
    private readonly memory: GuestMemory,
    readonly port = 0,
    base = 0x8000,
  ) {
    this.list = base;
    this.fis = base + 0x400;
    this.#tables = base + 0x800;
  }

  /** What a driver's probe does: bus master, interrupts, the port running. */
  start(): this {
    this.ahci.pciFunction.onBusMaster?.(true);
    this.hba(reg.GHC, reg.GHC_IE);
    this.write(reg.PX_CLB, this.list);
    this.write(reg.PX_FB, this.fis);
    this.write(reg.PX_IE, 0x7840_004f);
    this.run();
    return this;
  }

  run(): void {
    this.write(reg.PX_CMD, reg.CMD_FRE);
    this.write(reg.PX_CMD, reg.CMD_FRE | reg.CMD_ST);
  }

  /** A global register: reads, or writes `value`. */
  hba(register: number, value?: number): number {
    const handler = this.ahci.pciFunction.bars[0].region.handler;
    if (value !== undefined) handler.write(register, value, 4);
    return handler.read(register, 4);
  }

  read(register: number): number {
    return this.hba(reg.PORTS + this.port * reg.PORT_BYTES + register);
  }

  write(register: number, value: number): void {
    this.ahci.pciFunction.bars[0].region.handler.write(reg.PORTS + this.port * reg.PORT_BYTES + register, value, 4);
  }

  /** Fills a slot and its table; `ring` issues it. */
  prepare(slot: number, { command, features = 0, count = 0, lba = 0, device = ata.DEVICE_LBA, write = false, regions = [], packet }: AhciCommand): void {
    const table = this.#tables + slot * 0x200;
    const header = this.list + slot * reg.HEADER_BYTES;
    this.memory.writeU32(header, 5 | (write ? 0x40 : 0) | (packet === undefined ? 0 : reg.HEADER_ATAPI) | (regions.length << 16));
    this.memory.writeU32(header + 4, 0);
    this.memory.writeAddress(header + 8, table);
    const byte = (value: number, index: number): number => Math.floor(value / 2 ** (8 * index)) & 0xff;
    const fis = [reg.FIS_H2D, reg.FIS_COMMAND, command, byte(features, 0), byte(lba, 0), byte(lba, 1), byte(lba, 2), device];
    fis.push(byte(lba, 3), byte(lba, 4), byte(lba, 5), byte(features, 1), byte(count, 0), byte(count, 1), 0, 0);
    fis.forEach((value, i) => this.memory.writeU8(table + i, value));
    for (let i = 0; i < 12 && packet !== undefined; i++) this.memory.writeU8(table + reg.TABLE_ACMD + i, packet[i] ?? 0);
    regions.forEach(([address, length], i) => {
      this.memory.writeAddress(table + reg.TABLE_PRDT + reg.PRD_BYTES * i, address);
      this.memory.writeU32(table + reg.TABLE_PRDT + reg.PRD_BYTES * i + 12, length - 1);
    });
  }

  /** A FIS that writes device control. */
  prepareControl(slot: number, control: number): void {
    this.prepare(slot, { command: 0 });
    const table = this.#tables + slot * 0x200;
    this.memory.writeU8(table + 1, 0);
    this.memory.writeU8(table + 15, control);
  }

  ring(slots: number, queued = false): void {
    if (queued) this.write(reg.PX_SACT, slots);
    this.write(reg.PX_CI, slots);
  }

  /** READ or WRITE FPDMA QUEUED in `slot`, with the slot for a tag. */
  prepareQueued(slot: number, { lba, sectors, address, write = false }: { readonly lba: number; readonly sectors: number; readonly address: number; readonly write?: boolean }): void {
    const command = write ? ata.CMD_WRITE_FPDMA_QUEUED : ata.CMD_READ_FPDMA_QUEUED;
    this.prepare(slot, { command, features: sectors, count: slot << 3, lba, write, regions: [[address, sectors * 512]] });
  }

  /** Takes the interrupts that the port has: reads and clears PxIS and IS. */
  acknowledge(): number {
    const status = this.read(reg.PX_IS);
    this.write(reg.PX_IS, status);
    this.hba(reg.IS, 1 << this.port);
    return status;
  }

  /** Bytes that the header says were moved. */
  moved(slot: number): number {
    return this.memory.readU32(this.list + slot * reg.HEADER_BYTES + 4);
  }
}
