import { ata } from '@pckit/ata';
import type { GuestMemory, IoHandler } from '@pckit/interfaces';
import type { PiixIde } from '../piix-ide.js';

/** What a command is given; numbers that are absent are 0. */
export interface IdeCommand {
  readonly command: number;
  readonly features?: number;
  readonly count?: number;
  readonly lba?: number;
  /** Default: LBA. */
  readonly device?: number;
  /** Writes every register twice. */
  readonly ext?: boolean;
}

/** What a channel's registers say. */
export interface IdeAnswer {
  readonly status: number;
  readonly error: number;
  readonly count: number;
  readonly lba: number;
}

/** The driver's side of one channel, by its ports: for tests and examples. */
export class IdeDriver {
  readonly #command: IoHandler;
  readonly #control: IoHandler;
  readonly #bus: IoHandler;
  readonly #busAt: number;

  constructor(
    readonly ide: PiixIde,
    private readonly memory: GuestMemory,
    channel: 0 | 1 = 0,
  ) {
    const { primary, primaryControl, secondary, secondaryControl } = ide.regions;
    this.#command = (channel === 0 ? primary : secondary).handler;
    this.#control = (channel === 0 ? primaryControl : secondaryControl).handler;
    const bar = ide.pciFunction.bars[0];
    if (bar === undefined) throw new Error('no bus master bar');
    this.#bus = bar.region.handler;
    this.#busAt = 8 * channel;
  }

  /** What firmware and the driver's probe do first. */
  start(): this {
    this.ide.enable();
    this.ide.pciFunction.onBusMaster?.(true);
    return this;
  }

  read(register: number): number {
    return this.#command.read(register, 1);
  }

  write(register: number, value: number): void {
    this.#command.write(register, value, 1);
  }

  /** Device control. */
  control(value: number): void {
    this.#control.write(0, value, 1);
  }

  /** Leaves a pending interrupt alone. */
  get alternateStatus(): number {
    return this.#control.read(0, 1);
  }

  select(drive: 0 | 1): void {
    this.write(6, ata.DEVICE_LBA | (drive << 4));
  }

  issue({ command, features = 0, count = 0, lba = 0, device = ata.DEVICE_LBA, ext = false }: IdeCommand): void {
    const byte = (value: number, index: number): number => Math.floor(value / 2 ** (8 * index)) & 0xff;
    this.write(6, device);
    if (ext) {
      this.write(1, byte(features, 1));
      this.write(2, byte(count, 1));
      for (let i = 0; i < 3; i++) this.write(3 + i, byte(lba, 3 + i));
    }
    this.write(1, byte(features, 0));
    this.write(2, byte(count, 0));
    for (let i = 0; i < 3; i++) this.write(3 + i, byte(lba, i));
    if (!ext && lba >= 2 ** 24) this.write(6, device | byte(lba, 3));
    this.write(7, command);
  }

  /** Reading the status acknowledges the interrupt. */
  answer(): IdeAnswer {
    const status = this.read(7);
    const low = this.read(3) + this.read(4) * 2 ** 8 + this.read(5) * 2 ** 16;
    return { status, error: this.read(1), count: this.read(2), lba: low };
  }

  /** @param length even */
  readData(length: number): Uint8Array {
    const data = new Uint8Array(length);
    for (let i = 0; i < length; i += 2) {
      const word = this.#command.read(0, 2);
      data[i] = word & 0xff;
      data[i + 1] = word >>> 8;
    }
    return data;
  }

  writeData(data: Uint8Array): void {
    for (let i = 0; i < data.length; i += 2) this.#command.write(0, (data[i] ?? 0) | ((data[i + 1] ?? 0) << 8), 2);
  }

  /** PACKET, and the packet itself. */
  packet(packet: readonly number[], { dma = false, limit = 0xfffe, device = 0 }: { dma?: boolean; limit?: number; device?: number } = {}): void {
    this.issue({ command: ata.CMD_PACKET, features: dma ? 1 : 0, lba: limit * 0x100, device });
    this.writeData(Uint8Array.from({ length: 12 }, (_, i) => packet[i] ?? 0));
  }

  /** Writes a descriptor table and sets the engine up; `go` starts it. */
  prepareDma(table: number, regions: readonly (readonly [address: number, length: number])[], direction: 'in' | 'out'): void {
    regions.forEach(([address, length], i) => {
      this.memory.writeU32(table + 8 * i, address);
      this.memory.writeU32(table + 8 * i + 4, (length & 0xffff) + (i === regions.length - 1 ? 0x8000_0000 : 0));
    });
    this.#bus.write(this.#busAt + 4, table, 4);
    this.#bus.write(this.#busAt + 2, 0x06, 1);
    this.#bus.write(this.#busAt, direction === 'in' ? 8 : 0, 1);
  }

  go(): void {
    this.#bus.write(this.#busAt, this.#bus.read(this.#busAt, 1) | 1, 1);
  }

  stop(): void {
    this.#bus.write(this.#busAt, this.#bus.read(this.#busAt, 1) & ~1, 1);
  }

  /** BMISX: 1 active, 2 error, 4 interrupt. */
  get busStatus(): number {
    return this.#bus.read(this.#busAt + 2, 1);
  }
}
