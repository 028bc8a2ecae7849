import { ata, AtaError, MediaQueue, MediaRequest } from '@pckit/ata';
import type { AtaDevice, AtaEnd, AtaPlan, MediaRequestState, Taskfile } from '@pckit/ata';
import type { DeviceState, GuestMemory, Ingress, IoHandler, IrqLine, Settled } from '@pckit/interfaces';
import { BusMaster } from './bus-master.js';
import type { BusMasterState } from './bus-master.js';
import { DriveRegisters } from './drive-registers.js';
import type { DriveRegistersState, Register } from './drive-registers.js';
import { readPrdTable } from './prd-table.js';

/**
 * One channel: command block, control block and bus master registers, and up to two drives. ATA/ATAPI-7 volume 2 (T13/1532D), sections 9.2
 * to 9.10 for the protocols; numbers in comments are of that volume.
 *
 * Deviations: a reset and a diagnostic take no time. A descriptor table that holds less than the command moves, or a direction that isn't
 * the command's, moves nothing: the engine stops and the drive waits, as it would for the rest. 32-bit accesses to the data port are two of 16.
 */

// Command block registers, by offset.
const DATA = 0;
const ERROR_FEATURES = 1;
const COUNT = 2;
const LBA_LOW = 3;
const LBA_MID = 4;
const LBA_HIGH = 5;
const DEVICE = 6;
const STATUS_COMMAND = 7;

// Device control.
const NIEN = 0x02;
const SRST = 0x04;
const HOB = 0x80;

/** Bits 7 and 5 of the device register are obsolete and read as ones. */
const DEVICE_OBSOLETE = 0xa0;
const READY = ata.DRDY | ata.DSC;
const PACKET_BYTES = 12;
/** What PIO commands read or write at a time; whole blocks of every command. */
const CHUNK = 64 * 1024;
const NOBODY = 0xff;

type Phase = 'idle' | 'work' | 'pio-in' | 'pio-out' | 'packet-out' | 'dma';

type Active = {
  readonly drive: 0 | 1;
  readonly taskfile: Taskfile;
  readonly plan: AtaPlan;
  /** Within a PACKET command. */
  readonly packet: boolean;
};

export type IdeChannelState = {
  readonly drives: readonly DriveRegistersState[];
  readonly devices: readonly (DeviceState | null)[];
  readonly control: number;
  readonly previous: boolean;
  readonly selected: number;
  readonly line: boolean;
  readonly phase: string;
  readonly active: Active | null;
  readonly buffer: Uint8Array;
  /** Where in the transfer the buffer begins, what of it has moved, and where the block ends. */
  readonly bufferAt: number;
  readonly position: number;
  readonly blockEnd: number;
  readonly exact: boolean;
  readonly request: MediaRequestState | null;
  readonly busMaster: BusMasterState;
};

export interface IdeChannelWires {
  readonly memory: GuestMemory;
  readonly ingress: Ingress;
  /** INTRQ. */
  readonly irq: IrqLine;
  readonly devices: readonly [AtaDevice | undefined, AtaDevice | undefined];
}

const NO_BYTES = new Uint8Array(0);
const NO_DRIVE = { drive: 0, taskfile: { command: 0, features: 0, count: 0, lba: 0, device: 0 }, plan: { step: 'end', error: 0 }, packet: false } as const;

export class IdeChannel {
  readonly bus: BusMaster;
  /** Eight ports. */
  readonly command: IoHandler;
  /** One port: device control and alternate status. */
  readonly control: IoHandler;

  readonly #devices: readonly (AtaDevice | undefined)[];
  readonly #queues: readonly (MediaQueue | undefined)[];
  readonly #drives = [new DriveRegisters(), new DriveRegisters()] as const;
  #selected: 0 | 1 = 0;
  #control = 0;
  /** HOB. */
  #previous = false;
  #line = false;
  #phase: Phase = 'idle';
  #active: Active = NO_DRIVE;
  #buffer: Uint8Array = NO_BYTES;
  #bufferAt = 0;
  #position = 0;
  #blockEnd = 0;
  /** The regions of the DMA command under way hold exactly its data. */
  #exact = false;
  /** The host's work under way. */
  #request: MediaRequest | undefined;
  #mayMaster = false;

  constructor(
    readonly name: string,
    private readonly wires: IdeChannelWires,
  ) {
    this.#devices = wires.devices;
    this.#queues = wires.devices.map((device) => (device === undefined ? undefined : new MediaQueue(device.backend)));
    this.bus = new BusMaster((started) => {
      if (started) this.#tryDma();
      else if (this.#phase === 'dma') this.#drop();
    });
    this.command = { read: (offset, size) => this.#read(offset, size), write: (offset, value, size) => this.#write(offset, value, size) };
    this.control = { read: () => this.#status(), write: (_offset, value) => this.#writeControl(value & 0xff) };
    this.#postAll();
  }

  /** PCI's bus master enable. */
  set mayMaster(enabled: boolean) {
    this.#mayMaster = enabled;
    if (enabled) this.#tryDma();
  }

  get empty(): boolean {
    return this.#devices.every((device) => device === undefined);
  }

  reset(kind: 'power' | 'hard'): void {
    this.#abandon();
    this.#devices.forEach((device) => device?.reset(kind));
    this.bus.reset();
    this.#selected = 0;
    this.#control = 0;
    this.#previous = false;
    this.#postAll();
    this.#driveLine();
  }

  save(): IdeChannelState {
    const idle = this.#phase === 'idle';
    return {
      drives: this.#drives.map((drive) => drive.save()),
      devices: this.#devices.map((device) => device?.save() ?? null),
      control: this.#control,
      previous: this.#previous,
      selected: this.#selected,
      line: this.#line,
      phase: this.#phase,
      active: idle ? null : this.#active,
      buffer: idle ? NO_BYTES : this.#buffer.slice(),
      bufferAt: this.#bufferAt,
      position: this.#position,
      blockEnd: this.#blockEnd,
      exact: this.#exact,
      request: this.#request?.save() ?? null,
      busMaster: this.bus.save(),
    };
  }

  restore(state: IdeChannelState, mayMaster: boolean): void {
    this.#drop();
    this.#drives.forEach((drive, i) => drive.restore(state.drives[i]));
    this.#devices.forEach((device, i) => {
      const saved = state.devices[i];
      if ((device === undefined) !== (saved === null)) throw new AtaError('bad-state', `${this.name}: the state is of other drives`);
      if (saved !== null) device?.restore(saved);
    });
    this.#control = state.control;
    this.#previous = state.previous;
    this.#selected = state.selected === 1 ? 1 : 0;
    this.#line = state.line;
    this.#phase = state.phase as Phase;
    this.#active = state.active ?? NO_DRIVE;
    this.#buffer = state.buffer.slice();
    this.#bufferAt = state.bufferAt;
    this.#position = state.position;
    this.#blockEnd = state.blockEnd;
    this.#exact = state.exact;
    this.#mayMaster = mayMaster;
    this.bus.restore(state.busMaster);
    if (state.request !== null) this.#launch(MediaRequest.restore(state.request));
  }

  // Registers

  get #drive(): DriveRegisters {
    return this.#drives[this.#selected];
  }

  /** The drive that the command under way is for. */
  get #worker(): DriveRegisters {
    return this.#drives[this.#active.drive];
  }

  #read(offset: number, size: number): number {
    if (offset === DATA && size > 1) return this.#readData(size);
    let value = 0;
    for (let i = 0; i < size; i++) value += this.#readByte(offset + i) * 2 ** (8 * i);
    return value;
  }

  #readByte(offset: number): number {
    if (this.empty) return NOBODY;
    // Device 0 answers for a device 1 that isn't there (9.16.1), with a status of zero.
    const drive = this.#devices[this.#selected] === undefined ? this.#drives[this.#selected ^ 1] : this.#drive;
    switch (offset) {
      case DATA:
        return this.#readData(1);
      case ERROR_FEATURES:
        return drive.error;
      case COUNT:
        return drive.read('count', this.#previous);
      case LBA_LOW:
        return drive.read('lbaLow', this.#previous);
      case LBA_MID:
        return drive.read('lbaMid', this.#previous);
      case LBA_HIGH:
        return drive.read('lbaHigh', this.#previous);
      case DEVICE:
        return this.#drive.device | DEVICE_OBSOLETE;
      default: {
        // 7.15.4: reading the status ends a pending interrupt.
        const status = this.#status();
        this.#drive.interrupt = false;
        this.#driveLine();
        return status;
      }
    }
  }

  #status(): number {
    if (this.empty) return NOBODY;
    return this.#devices[this.#selected] === undefined ? 0 : this.#drive.status;
  }

  #write(offset: number, value: number, size: number): void {
    if (offset === DATA && size > 1) return this.#writeData(value, size);
    for (let i = 0; i < size; i++) this.#writeByte(offset + i, Math.floor(value / 2 ** (8 * i)) & 0xff);
  }

  #writeByte(offset: number, value: number): void {
    if (offset === DATA) return this.#writeData(value, 1);
    if (offset === STATUS_COMMAND) return this.#writeCommand(value);
    // 7.3 to 7.9: written only while neither BSY nor DRQ is set.
    if ((this.#drive.status & (ata.BSY | ata.DRQ)) !== 0 && offset !== DEVICE) return;
    this.#previous = false;
    switch (offset) {
      case ERROR_FEATURES:
        return this.#both('features', value);
      case COUNT:
        return this.#both('count', value);
      case LBA_LOW:
        return this.#both('lbaLow', value);
      case LBA_MID:
        return this.#both('lbaMid', value);
      case LBA_HIGH:
        return this.#both('lbaHigh', value);
      default:
        for (const drive of this.#drives) drive.device = value;
        this.#selected = (value & ata.DEVICE_DEV) !== 0 ? 1 : 0;
        this.#driveLine();
    }
  }

  #both(register: Register, value: number): void {
    for (const drive of this.#drives) drive.write(register, value);
  }

  #writeControl(value: number): void {
    const before = this.#control;
    this.#control = value & (NIEN | SRST);
    this.#previous = (value & HOB) !== 0;
    if ((value & SRST) !== 0 && (before & SRST) === 0) {
      // 9.2: both devices, whatever is selected.
      this.#abandon();
      this.#devices.forEach((device) => device?.reset('soft'));
      for (const drive of this.#drives) drive.status = ata.BSY;
    } else if ((value & SRST) === 0 && (before & SRST) !== 0) {
      this.#selected = 0;
      this.#postAll();
    }
    this.#driveLine();
  }

  #postAll(): void {
    this.#drives.forEach((drive, i) => {
      const device = this.#devices[i];
      drive.interrupt = false;
      if (device !== undefined) drive.post(device);
      else drive.clear();
    });
  }

  // Commands

  #writeCommand(command: number): void {
    if (command === ata.CMD_EXECUTE_DEVICE_DIAGNOSTIC && !this.empty && (this.#control & SRST) === 0) return this.#diagnose();
    const device = this.#devices[this.#selected];
    if (device === undefined) return;
    const drive = this.#drive;
    drive.interrupt = false;
    this.#driveLine();
    if (command === ata.CMD_DEVICE_RESET && device.kind === 'cdrom' && (this.#control & SRST) === 0) {
      // 9.2.1: at any time, and only the selected device.
      if (this.#phase !== 'idle' && this.#active.drive === this.#selected) this.#abandon();
      device.reset('soft');
      return drive.post(device);
    }
    // One command at a time on a cable: the other drive's blocks its own too.
    if (this.#phase !== 'idle' || (drive.status & (ata.BSY | ata.DRQ)) !== 0) return;
    const taskfile = drive.taskfile(command);
    drive.error = 0;
    this.#execute({ drive: this.#selected, taskfile, plan: device.plan(taskfile), packet: false });
  }

  /** 9.10: both devices, and device 0 reports. */
  #diagnose(): void {
    this.#abandon();
    this.#selected = 0;
    this.#postAll();
    this.#active = NO_DRIVE;
    this.#raise();
  }

  #execute(active: Active): void {
    this.#active = active;
    const { plan } = active;
    this.#buffer = NO_BYTES;
    this.#bufferAt = 0;
    this.#position = 0;
    this.#exact = false;
    if (plan.step === 'end') return this.#end(plan);
    if (plan.step === 'work') {
      this.#phase = 'work';
      return this.#launch(new MediaRequest(plan.work === 'trim' ? { work: 'trim', ranges: plan.ranges } : { work: 'flush' }));
    }
    if (plan.step === 'packet') return this.#expectPacket();
    // Queued commands are Serial ATA's.
    if (plan.protocol === 'queued') return this.#end({ step: 'end', error: ata.ERROR_ABRT });
    if (plan.protocol === 'dma') {
      this.#phase = 'dma';
      this.#worker.status = READY | ata.DRQ;
      return this.#tryDma();
    }
    if (plan.step === 'bytes') {
      this.#buffer = plan.data;
      return this.#offerBlock();
    }
    if (plan.step === 'media' && plan.direction === 'in') return this.#readChunk(0);
    this.#openChunk(0);
    this.#expectBlock();
  }

  #end(end: AtaEnd): void {
    const worker = this.#worker;
    worker.end(end);
    // 9.8: command complete.
    if (this.#active.packet) worker.count = ata.REASON_CD | ata.REASON_IO;
    this.#phase = 'idle';
    this.#buffer = NO_BYTES;
    this.#raise();
  }

  // Host work

  #launch(request: MediaRequest): void {
    const queue = this.#queues[this.#active.drive] as MediaQueue;
    this.#worker.status = READY | ata.BSY;
    this.#request = request;
    this.wires.ingress.completion<void>(this.name, queue.start(request, this.wires.memory), (result) => this.#land(request, result));
  }

  #land(request: MediaRequest, result: Settled<void>): void {
    if (this.#request !== request) return;
    this.#request = undefined;
    request.land(result, this.wires.memory);
    const { plan } = this.#active;
    if (!request.dmaOk) {
      this.bus.ended(true);
      return this.#end({ step: 'end', error: ata.ERROR_ICRC | ata.ERROR_ABRT });
    }
    if (!request.ok) return this.#end(this.#device.hostFailed(plan));
    if (this.#phase === 'dma') {
      if (this.#exact) this.bus.ended(false);
      return this.#end({ step: 'end', error: 0 });
    }
    if (plan.step !== 'media') return this.#end({ step: 'end', error: 0 });
    if (plan.direction === 'in') {
      this.#buffer = request.data ?? NO_BYTES;
      this.#position = 0;
      return this.#offerBlock();
    }
    const next = this.#bufferAt + this.#buffer.length;
    if (next >= plan.length) return this.#end({ step: 'end', error: 0 });
    this.#openChunk(next);
    this.#expectBlock();
    this.#raise();
  }

  get #device(): AtaDevice {
    return this.#devices[this.#active.drive] as AtaDevice;
  }

  /** Forgets the host's work under way: it reaches the guest no more. */
  #drop(): void {
    if (this.#request === undefined) return;
    this.#request = undefined;
    this.#queues[this.#active.drive]?.raiseBarrier();
  }

  /** The command under way ends without a word. */
  #abandon(): void {
    this.#drop();
    this.#phase = 'idle';
    this.#buffer = NO_BYTES;
    this.#bufferAt = 0;
    this.#position = 0;
    this.#blockEnd = 0;
    this.#exact = false;
  }

  // PIO

  #expectPacket(): void {
    this.#phase = 'packet-out';
    this.#buffer = new Uint8Array(PACKET_BYTES);
    this.#position = 0;
    this.#blockEnd = PACKET_BYTES;
    // 9.8: C/D set, I/O clear; no interrupt, as IDENTIFY PACKET DEVICE says that DRQ comes at once.
    this.#worker.count = ata.REASON_CD;
    this.#worker.status = READY | ata.DRQ;
  }

  #readChunk(at: number): void {
    const { plan } = this.#active;
    if (plan.step !== 'media') return;
    this.#phase = 'work';
    this.#bufferAt = at;
    this.#launch(new MediaRequest({ work: 'read', offset: plan.offset + at, length: Math.min(CHUNK, plan.length - at) }));
  }

  #openChunk(at: number): void {
    const { plan } = this.#active;
    const length = plan.step === 'media' || plan.step === 'receive' ? plan.length : 0;
    this.#bufferAt = at;
    this.#buffer = new Uint8Array(Math.min(CHUNK, length - at));
    this.#position = 0;
  }

  /** How many bytes move until the next interrupt. */
  get #blockLength(): number {
    const { plan, packet, taskfile } = this.#active;
    // 9.8: not more than the byte count limit, which is even; 0 is taken for the most.
    const limit = Math.floor(taskfile.lba / 2 ** 8) % 0x1_0000 & 0xfffe || 0xfffe;
    const most = packet ? limit : 'block' in plan ? plan.block : 0;
    return Math.min(most, this.#buffer.length - this.#position);
  }

  /** Data-in: the next block is there. */
  #offerBlock(): void {
    this.#phase = 'pio-in';
    const length = this.#blockLength;
    this.#blockEnd = this.#position + length;
    const worker = this.#worker;
    worker.status = READY | ata.DRQ;
    if (this.#active.packet) {
      worker.count = ata.REASON_IO;
      worker.lbaMid = length & 0xff;
      worker.lbaHigh = length >>> 8;
    }
    this.#raise();
  }

  /** Data-out: the next block may come. */
  #expectBlock(): void {
    this.#phase = 'pio-out';
    this.#blockEnd = this.#position + this.#blockLength;
    this.#worker.status = READY | ata.DRQ;
  }

  /** Words of a block; what goes past its end is zero. */
  #readData(size: number): number {
    if (this.#phase !== 'pio-in' || this.#active.drive !== this.#selected) return 0;
    let value = 0;
    for (let i = 0; i < size; i++) {
      if (this.#position < this.#blockEnd) value += this.#buffer[this.#position++] * 2 ** (8 * i);
    }
    if (this.#position >= this.#blockEnd) this.#blockRead();
    return value;
  }

  #blockRead(): void {
    if (this.#position < this.#buffer.length) return this.#offerBlock();
    const { plan, packet } = this.#active;
    const next = this.#bufferAt + this.#buffer.length;
    if (plan.step === 'media' && next < plan.length) return this.#readChunk(next);
    if (packet) return this.#end({ step: 'end', error: 0 });
    // 9.5: after the last block of data-in there is no interrupt.
    this.#worker.status = READY;
    this.#phase = 'idle';
    this.#buffer = NO_BYTES;
  }

  #writeData(value: number, size: number): void {
    if ((this.#phase !== 'pio-out' && this.#phase !== 'packet-out') || this.#active.drive !== this.#selected) return;
    for (let i = 0; i < size && this.#position < this.#blockEnd; i++) this.#buffer[this.#position++] = Math.floor(value / 2 ** (8 * i)) & 0xff;
    if (this.#position < this.#blockEnd) return;
    if (this.#phase === 'packet-out') return this.#takePacket();
    this.#blockWritten();
  }

  #takePacket(): void {
    const { drive, taskfile, plan } = this.#active;
    const protocol = plan.step === 'packet' && plan.protocol === 'dma' ? 'dma' : 'pio';
    this.#execute({ drive, taskfile, plan: this.#device.packet(this.#buffer, protocol), packet: true });
  }

  #blockWritten(): void {
    if (this.#position < this.#buffer.length) {
      this.#expectBlock();
      return this.#raise();
    }
    const { plan } = this.#active;
    if (plan.step === 'receive') return this.#execute({ ...this.#active, plan: this.#device.accept(this.#buffer) });
    if (plan.step !== 'media') return;
    this.#phase = 'work';
    this.#launch(new MediaRequest({ work: 'write', offset: plan.offset + this.#bufferAt, length: this.#buffer.length, durable: plan.durable, data: this.#buffer }));
  }

  // DMA

  /** Begins once the drive and the engine both want to. */
  #tryDma(): void {
    if (this.#phase !== 'dma' || this.#request !== undefined || !this.bus.started || !this.#mayMaster) return;
    const { memory } = this.wires;
    const { plan } = this.#active;
    if (plan.step !== 'media' && plan.step !== 'bytes' && plan.step !== 'receive') return;
    const direction = plan.step === 'media' ? plan.direction : plan.step === 'bytes' ? 'in' : 'out';
    const length = plan.step === 'bytes' ? plan.data.length : plan.length;
    const { segments, exact, fault } = readPrdTable(memory, this.bus.table, length);
    if (fault || direction !== this.bus.direction) return this.bus.ended(true);
    // A packet device may have less than the regions hold; regions that hold less than the command moves leave it hanging.
    if (segments.total < length) return this.bus.ended(false);
    this.#exact = exact;
    if (plan.step === 'media') {
      const work = direction === 'in' ? 'read' : 'write';
      return this.#launch(new MediaRequest({ work, offset: plan.offset, length, durable: plan.durable, segments }));
    }
    if (plan.step === 'receive') {
      const data = new Uint8Array(length);
      if (!segments.gather(memory, 0, data)) return this.bus.ended(true);
      if (exact) this.bus.ended(false);
      return this.#execute({ ...this.#active, plan: this.#device.accept(data) });
    }
    const request = new MediaRequest({ work: 'read', length, segments });
    request.done = true;
    request.dmaOk = segments.scatter(memory, 0, plan.data);
    this.#launch(request);
  }

  // The interrupt

  #raise(): void {
    this.#worker.interrupt = true;
    this.#driveLine();
  }

  #driveLine(): void {
    const level = this.#drive.interrupt && (this.#control & NIEN) === 0;
    if (level === this.#line) return;
    this.#line = level;
    if (level) this.bus.interrupt();
    this.wires.irq.set(level);
  }
}
