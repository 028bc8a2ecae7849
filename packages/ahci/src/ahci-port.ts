import { ata, AtaError, MediaQueue, MediaRequest } from '@pckit/ata';
import type { AtaDevice, AtaEnd, AtaPlan, MediaRequestState, Taskfile } from '@pckit/ata';
import type { DeviceState, GuestMemory, Ingress, Settled } from '@pckit/interfaces';
import { readCommandSlot, readPacket, readRegions } from './command-slot.js';
import type { CommandSlot } from './command-slot.js';
import * as reg from './registers.js';

/**
 * One port and the device at the end of its cable: AHCI 1.3.1 (section numbers in comments), and Serial ATA 3.0 for the device's side.
 *
 * Deviations: a link comes up and a device resets in no time. Commands are taken in order of their slots. DMA setup FISes are not posted.
 * A PRD table that holds less than a command moves is an overflow that ends the command, with nothing moved.
 */

const READY = ata.DRDY | ata.DSC;
const NO_DEVICE = 0x7f;
/** For backends that take their time: what commands under way hold of the host's memory; one is always allowed. */
const MAX_BUFFERED = 32 << 20;

/** A command that the device has and has not ended. */
type Flight = {
  readonly slot: number;
  readonly queued: boolean;
  readonly taskfile: Taskfile;
  readonly plan: AtaPlan;
  /** Where the header's byte count is. */
  readonly header: number;
  readonly request: MediaRequest;
};

export type FlightState = {
  readonly slot: number;
  readonly queued: boolean;
  readonly taskfile: Taskfile;
  readonly plan: AtaPlan;
  readonly header: number;
  readonly request: MediaRequestState;
};

export type AhciPortState = {
  readonly list: readonly number[];
  readonly fis: readonly number[];
  readonly interrupts: number;
  readonly enabled: number;
  readonly command: number;
  readonly taskfile: number;
  readonly signature: number;
  readonly linkControl: number;
  readonly linkError: number;
  readonly active: number;
  readonly issued: number;
  readonly halted: boolean;
  readonly resetting: boolean;
  readonly device: DeviceState;
  readonly flights: readonly FlightState[];
};

export interface AhciPortWires {
  readonly memory: GuestMemory;
  readonly ingress: Ingress;
  readonly device: AtaDevice;
  /** Interrupts came or went: look at `pending`. */
  readonly changed: () => void;
}

export class AhciPort {
  readonly #wires: AhciPortWires;
  readonly #device: AtaDevice;
  readonly #queue: MediaQueue;
  #list = [0, 0];
  #fis = [0, 0];
  #interrupts = 0;
  #enabled = 0;
  #command = 0;
  #status = 0;
  #error = 0;
  #signature = 0;
  #linkControl = 0;
  #linkError = 0;
  /** PxSACT and PxCI. */
  #active = 0;
  #issued = 0;
  /** An error stopped the port until software stops and starts it. */
  #halted = false;
  /** SRST is set. */
  #resetting = false;
  readonly #flights = new Set<Flight>();
  #buffered = 0;
  #mayMaster = false;

  constructor(
    readonly name: string,
    wires: AhciPortWires,
  ) {
    this.#wires = wires;
    this.#device = wires.device;
    this.#queue = new MediaQueue(wires.device.backend);
    this.#powerOn();
  }

  /** An enabled interrupt waits. */
  get pending(): boolean {
    return (this.#shownInterrupts & this.#enabled) !== 0;
  }

  set mayMaster(enabled: boolean) {
    this.#mayMaster = enabled;
    if (enabled) this.#pump();
  }

  reset(kind: 'power' | 'hard'): void {
    this.#dropFlights();
    this.#device.reset(kind);
    this.#powerOn();
  }

  read(register: number): number {
    switch (register) {
      case reg.PX_CLB:
        return this.#list[0];
      case reg.PX_CLBU:
        return this.#list[1];
      case reg.PX_FB:
        return this.#fis[0];
      case reg.PX_FBU:
        return this.#fis[1];
      case reg.PX_IS:
        return this.#shownInterrupts >>> 0;
      case reg.PX_IE:
        return this.#enabled >>> 0;
      case reg.PX_CMD: {
        const running = (this.#command & reg.CMD_ST) !== 0;
        const slot = running && this.#issued !== 0 ? lowestBit(this.#issued) : 0;
        return (this.#command | (running ? reg.CMD_CR : 0) | ((this.#command & reg.CMD_FRE) !== 0 ? reg.CMD_FR : 0) | (slot << reg.CMD_CCS_SHIFT)) >>> 0;
      }
      case reg.PX_TFD:
        return this.#linkUp ? this.#status | (this.#error << 8) : NO_DEVICE;
      case reg.PX_SIG:
        return this.#signature;
      case reg.PX_SSTS:
        return this.#linkUp ? reg.SSTS_PRESENT_GEN2_ACTIVE : 0;
      case reg.PX_SCTL:
        return this.#linkControl;
      case reg.PX_SERR:
        return this.#linkError >>> 0;
      case reg.PX_SACT:
        return this.#active >>> 0;
      case reg.PX_CI:
        return this.#issued >>> 0;
      default:
        return 0;
    }
  }

  write(register: number, value: number): void {
    switch (register) {
      case reg.PX_CLB:
        this.#list[0] = (value & ~0x3ff) >>> 0;
        break;
      case reg.PX_CLBU:
        this.#list[1] = value;
        break;
      case reg.PX_FB:
        this.#fis[0] = (value & ~0xff) >>> 0;
        break;
      case reg.PX_FBU:
        this.#fis[1] = value;
        break;
      case reg.PX_IS:
        this.#interrupts &= ~value;
        return this.#wires.changed();
      case reg.PX_IE:
        this.#enabled = value & reg.IE_WRITABLE;
        return this.#wires.changed();
      case reg.PX_CMD:
        return this.#writeCommand(value);
      case reg.PX_SCTL:
        return this.#writeLinkControl(value & reg.SCTL_WRITABLE);
      case reg.PX_SERR:
        this.#linkError &= ~value;
        return this.#wires.changed();
      case reg.PX_SACT:
        // 3.3.13 and 3.3.14: only while ST is set.
        if ((this.#command & reg.CMD_ST) !== 0) this.#active |= value;
        break;
      case reg.PX_CI:
        if ((this.#command & reg.CMD_ST) !== 0) this.#issued |= value;
        return this.#pump();
      default:
        break;
    }
  }

  save(): AhciPortState {
    return {
      list: [...this.#list],
      fis: [...this.#fis],
      interrupts: this.#interrupts,
      enabled: this.#enabled,
      command: this.#command,
      taskfile: this.#status | (this.#error << 8),
      signature: this.#signature,
      linkControl: this.#linkControl,
      linkError: this.#linkError,
      active: this.#active,
      issued: this.#issued,
      halted: this.#halted,
      resetting: this.#resetting,
      device: this.#device.save(),
      flights: [...this.#flights].map((flight) => ({ ...flight, request: flight.request.save() })),
    };
  }

  restore(state: AhciPortState, mayMaster: boolean): void {
    this.#dropFlights();
    this.#list = [...state.list];
    this.#fis = [...state.fis];
    this.#interrupts = state.interrupts;
    this.#enabled = state.enabled;
    this.#command = state.command;
    this.#status = state.taskfile & 0xff;
    this.#error = state.taskfile >>> 8;
    this.#signature = state.signature;
    this.#linkControl = state.linkControl;
    this.#linkError = state.linkError;
    this.#active = state.active;
    this.#issued = state.issued;
    this.#halted = state.halted;
    this.#resetting = state.resetting;
    this.#mayMaster = mayMaster;
    this.#device.restore(state.device);
    for (const saved of state.flights) this.#depart({ ...saved, request: MediaRequest.restore(saved.request) });
  }

  // The link

  get #linkUp(): boolean {
    return (this.#linkControl & 0xf) === 0;
  }

  /** PCS and PRCS show bits of PxSERR (3.3.5). */
  get #shownInterrupts(): number {
    const change = (this.#linkError & reg.SERR_DIAG_X) !== 0 ? reg.IS_PCS : 0;
    const ready = (this.#linkError & reg.SERR_DIAG_N) !== 0 ? reg.IS_PRCS : 0;
    return this.#interrupts | change | ready;
  }

  #powerOn(): void {
    this.#list = [0, 0];
    this.#fis = [0, 0];
    this.#interrupts = 0;
    this.#enabled = 0;
    // Without staggered spin-up the device is on.
    this.#command = reg.CMD_SUD | reg.CMD_POD;
    this.#linkControl = 0;
    this.#linkError = 0;
    this.#active = 0;
    this.#issued = 0;
    this.#halted = false;
    this.#resetting = false;
    this.#showSignature();
  }

  #writeCommand(value: number): void {
    const before = this.#command;
    this.#command = reg.CMD_SUD | reg.CMD_POD | (value & (reg.CMD_ST | reg.CMD_FRE | reg.CMD_STORED));
    // 3.3.7: CLO is for a port that stands still.
    if ((value & reg.CMD_CLO) !== 0) this.#status &= ~(ata.BSY | ata.DRQ);
    if ((before & reg.CMD_ST) !== 0 && (value & reg.CMD_ST) === 0) {
      this.#dropFlights();
      this.#active = 0;
      this.#issued = 0;
      this.#halted = false;
    }
    this.#pump();
  }

  /** COMRESET while DET is 1 (10.4.2). */
  #writeLinkControl(value: number): void {
    const before = this.#linkControl & 0xf;
    this.#linkControl = value;
    const now = value & 0xf;
    if (now === reg.SCTL_DET_INITIALIZE && before !== now) {
      this.#dropFlights();
      this.#device.reset('hard');
    } else if (now === 0 && before !== 0) {
      this.#linkError |= reg.SERR_DIAG_X | reg.SERR_DIAG_N;
      this.#resetting = false;
      this.#showSignature();
      this.#postD2h(false);
    }
    this.#wires.changed();
  }

  #showSignature(): void {
    const { kind, signature } = this.#device;
    this.#status = kind === 'disk' ? READY : 0;
    this.#error = ata.DIAGNOSTIC_PASSED;
    this.#signature = (signature.count + signature.lba * 0x100) >>> 0;
  }

  // Commands

  /** Takes commands while the device can. */
  #pump(): void {
    const { memory } = this.#wires;
    while ((this.#command & reg.CMD_ST) !== 0 && !this.#halted && this.#linkUp && this.#mayMaster && this.#issued !== 0) {
      if ((this.#status & (ata.BSY | ata.DRQ)) !== 0) return;
      if (this.#buffered > MAX_BUFFERED) return;
      const slot = lowestBit(this.#issued);
      const list = this.#list[0] + this.#list[1] * 2 ** 32;
      const command = readCommandSlot(memory, list, slot);
      if (command === undefined) return this.#fatal(reg.IS_HBFS);
      // A queued command is gone from PxCI once the device has it; one that isn't waits until those are over (Serial ATA 13.6).
      if (command.isCommand && !isQueued(command) && this.#flights.size > 0) return;
      if (!command.valid) return this.#fatal(reg.IS_IFS);
      if (!command.isCommand) this.#deviceControl(slot, command);
      else this.#execute(slot, command);
    }
  }

  /** A FIS that writes the device control register: SRST, which is set by one and cleared by another. */
  #deviceControl(slot: number, { control, flags }: CommandSlot): void {
    const SRST = 0x04;
    this.#issued &= ~(1 << slot);
    if ((control & SRST) !== 0) {
      this.#resetting = true;
      this.#device.reset('soft');
      // 4.2.2, C: busy is cleared when the FIS has arrived.
      if ((flags & reg.HEADER_CLEAR_BUSY) === 0) this.#status |= ata.BSY;
    } else if (this.#resetting) {
      this.#resetting = false;
      this.#showSignature();
      this.#postD2h(false);
    }
  }

  #execute(slot: number, command: CommandSlot): void {
    const { taskfile } = command;
    this.#status = READY | ata.BSY;
    this.#error = 0;
    if (taskfile.command === ata.CMD_EXECUTE_DEVICE_DIAGNOSTIC) {
      this.#showSignature();
      this.#issued &= ~(1 << slot);
      return this.#postD2h(true);
    }
    if (taskfile.command === ata.CMD_DEVICE_RESET && this.#device.kind === 'cdrom') {
      this.#device.reset('soft');
      this.#showSignature();
      this.#issued &= ~(1 << slot);
      return this.#postD2h(true);
    }
    let plan = this.#device.plan(taskfile);
    if (plan.step === 'packet') {
      const packet = readPacket(this.#wires.memory, command);
      if (packet === undefined || (command.flags & reg.HEADER_ATAPI) === 0) return this.#fatal(reg.IS_HBFS);
      plan = this.#device.packet(packet, plan.protocol === 'dma' ? 'dma' : 'pio');
    }
    this.#carryOut(slot, command, plan);
  }

  #carryOut(slot: number, command: CommandSlot, plan: AtaPlan): void {
    const { memory } = this.#wires;
    const { taskfile, at: header } = command;
    const queued = isQueued(command);
    const depart = (request: MediaRequest): void => {
      if (queued) {
        // Serial ATA 13.6.4: a Register FIS without interrupt says that the command was accepted.
        this.#issued &= ~(1 << slot);
        this.#status = READY;
        this.#writeD2h(false);
      }
      this.#depart({ slot, queued, taskfile, plan, header, request });
    };
    if (plan.step === 'end') {
      if (queued && plan.error !== 0) this.#device.queuedFailed(taskfile.count >>> 3, taskfile, plan);
      return this.#finish({ slot, queued: false, taskfile, plan }, plan);
    }
    if (plan.step === 'work') return depart(new MediaRequest(plan.work === 'trim' ? { work: 'trim', ranges: plan.ranges } : { work: 'flush' }));
    if (plan.step === 'packet') return this.#finish({ slot, queued: false, taskfile, plan }, { step: 'end', error: ata.ERROR_ABRT });
    const length = plan.step === 'bytes' ? plan.data.length : plan.length;
    const segments = readRegions(memory, command, length);
    if (segments === undefined) return this.#fatal(reg.IS_HBFS);
    // 6.1.1: more came than the regions hold. What a packet device says of itself is cut to the allocation length by software's own count.
    if (segments.total < length && plan.step !== 'bytes') {
      this.#interrupts |= reg.IS_OFS;
      return this.#finish({ slot, queued: false, taskfile, plan }, { step: 'end', error: ata.ERROR_ABRT });
    }
    if (plan.step === 'receive') {
      const data = new Uint8Array(length);
      if (!segments.gather(memory, 0, data)) return this.#fatal(reg.IS_HBFS);
      memory.writeU32(header + 4, length);
      return this.#carryOut(slot, command, this.#device.accept(data));
    }
    if (plan.step === 'bytes') {
      const request = new MediaRequest({ work: 'read', length: segments.total, segments });
      request.done = true;
      request.dmaOk = segments.scatter(memory, 0, plan.data.subarray(0, segments.total));
      return depart(request);
    }
    depart(new MediaRequest({ work: plan.direction === 'in' ? 'read' : 'write', offset: plan.offset, length, durable: plan.durable, segments }));
  }

  #depart(flight: Flight): void {
    const { request } = flight;
    this.#flights.add(flight);
    const work = this.#queue.start(request, this.#wires.memory);
    this.#buffered += request.data?.length ?? 0;
    this.#wires.ingress.completion<void>(this.name, work, (result) => this.#land(flight, result));
  }

  #land(flight: Flight, result: Settled<void>): void {
    const { memory } = this.#wires;
    if (!this.#flights.delete(flight)) return;
    const { request, plan } = flight;
    this.#buffered -= request.data?.length ?? 0;
    request.land(result, memory);
    if (!request.dmaOk) return this.#fatal(reg.IS_HBFS);
    if (request.ok && (plan.step === 'media' || plan.step === 'bytes')) memory.writeU32(flight.header + 4, request.length);
    const end: AtaEnd = request.ok ? { step: 'end', error: 0 } : this.#device.hostFailed(plan);
    this.#finish(flight, end);
    this.#pump();
  }

  /** The device reports the end of a command. */
  #finish(flight: Pick<Flight, 'slot' | 'queued' | 'taskfile' | 'plan'>, end: AtaEnd): void {
    const bit = 1 << flight.slot;
    this.#status = READY | (end.error === 0 ? 0 : ata.ERR);
    this.#error = end.error;
    if (end.error !== 0) {
      // 6.2.2.1: the command stays in PxCI or PxSACT, and nothing more is done until software restarts the port.
      if (flight.queued) {
        this.#device.queuedFailed(flight.taskfile.count >>> 3, flight.taskfile, end);
        this.#writeSdb(0);
      } else {
        this.#writeD2h(true, flight, end);
      }
      return this.#fatal(reg.IS_TFES | (flight.queued ? reg.IS_SDBS : reg.IS_DHRS));
    }
    if (flight.queued) {
      this.#active &= ~bit;
      this.#writeSdb(bit);
      this.#interrupts |= reg.IS_SDBS;
    } else {
      this.#issued &= ~bit;
      // The tag of NCQ, had the command been refused before it was one.
      const pioIn = flight.plan.step === 'bytes' || (flight.plan.step === 'media' && flight.plan.direction === 'in');
      if (pioIn && flight.taskfile.command !== ata.CMD_PACKET && 'protocol' in flight.plan && flight.plan.protocol === 'pio') {
        // Serial ATA 11.8: data-in by PIO ends with the status that its last setup FIS brought.
        this.#writePioSetup(flight);
        this.#interrupts |= reg.IS_PSS;
      } else {
        this.#writeD2h(true, flight, end);
        this.#interrupts |= reg.IS_DHRS;
      }
    }
    this.#wires.changed();
  }

  #fatal(cause: number): void {
    this.#interrupts |= cause;
    this.#halted = true;
    this.#dropFlights();
    this.#wires.changed();
  }

  #dropFlights(): void {
    this.#flights.clear();
    this.#buffered = 0;
    this.#queue.raiseBarrier();
  }

  // Received FISes

  #postD2h(interrupt: boolean): void {
    this.#writeD2h(interrupt);
    if (interrupt) this.#interrupts |= reg.IS_DHRS;
    this.#wires.changed();
  }

  #writeD2h(interrupt: boolean, flight?: Pick<Flight, 'taskfile'>, end?: AtaEnd): void {
    const { signature } = this.#device;
    const packet = flight?.taskfile.command === ata.CMD_PACKET;
    const count = packet ? ata.REASON_CD | ata.REASON_IO : (end?.count ?? flight?.taskfile.count ?? signature.count);
    this.#writeFis(reg.RFIS_D2H, this.#registerFis(reg.FIS_D2H, interrupt ? reg.FIS_INTERRUPT : 0, { count, lba: end?.lba ?? flight?.taskfile.lba ?? signature.lba }));
  }

  #writePioSetup({ taskfile, plan }: Pick<Flight, 'taskfile' | 'plan'>): void {
    const fis = this.#registerFis(reg.FIS_PIO_SETUP, reg.FIS_INTERRUPT | reg.FIS_DIRECTION_IN, taskfile);
    const block = 'block' in plan ? plan.block : 0;
    // The status before the data, and the one after (E_Status).
    fis[2] |= ata.DRQ;
    fis[15] = this.#status;
    fis[16] = block & 0xff;
    fis[17] = block >>> 8;
    this.#writeFis(reg.RFIS_PIO_SETUP, fis);
  }

  #registerFis(type: number, flags: number, { count, lba }: { readonly count: number; readonly lba: number }): Uint8Array {
    const fis = new Uint8Array(20);
    fis[0] = type;
    fis[1] = flags;
    fis[2] = this.#status;
    fis[3] = this.#error;
    for (let i = 0; i < 3; i++) {
      fis[4 + i] = Math.floor(lba / 2 ** (8 * i)) & 0xff;
      fis[8 + i] = Math.floor(lba / 2 ** (24 + 8 * i)) & 0xff;
    }
    fis[12] = count & 0xff;
    fis[13] = (count >>> 8) & 0xff;
    return fis;
  }

  /** @param ended tags of the commands that have ended, one bit each */
  #writeSdb(ended: number): void {
    const fis = new Uint8Array(8);
    fis[0] = reg.FIS_SET_DEVICE_BITS;
    fis[1] = reg.FIS_INTERRUPT;
    fis[2] = this.#status & 0x77;
    fis[3] = this.#error;
    new DataView(fis.buffer).setUint32(4, ended >>> 0, true);
    this.#writeFis(reg.RFIS_SDB, fis);
  }

  #writeFis(offset: number, fis: Uint8Array): void {
    if ((this.#command & reg.CMD_FRE) === 0) return;
    this.#wires.memory.borrow(this.#fis[0] + this.#fis[1] * 2 ** 32 + offset, fis.length, 'write')?.set(fis);
  }
}

function isQueued({ taskfile }: CommandSlot): boolean {
  return taskfile.command === ata.CMD_READ_FPDMA_QUEUED || taskfile.command === ata.CMD_WRITE_FPDMA_QUEUED;
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/** For `restore`: the state must be of as many ports. */
export function expectPorts(name: string, found: number, expected: number): void {
  if (found !== expected) throw new AtaError('bad-state', `${name}: the state is of ${found} ports, this controller has ${expected}`);
}
