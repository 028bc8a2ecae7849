import { DmaPieces } from '@pckit/interfaces';
import type { BlockBackend, Ingress, Settled } from '@pckit/interfaces';
import { VIRTIO_ID_BLOCK, VirtioError } from '@pckit/virtio';
import type { VirtioDevice, VirtioHost, Virtqueue } from '@pckit/virtio';
import {
  VIRTIO_BLK_F_BLK_SIZE,
  VIRTIO_BLK_F_CONFIG_WCE,
  VIRTIO_BLK_F_DISCARD,
  VIRTIO_BLK_F_FLUSH,
  VIRTIO_BLK_F_MQ,
  VIRTIO_BLK_F_RO,
  VIRTIO_BLK_F_SEG_MAX,
  VIRTIO_BLK_F_SIZE_MAX,
  VIRTIO_BLK_F_TOPOLOGY,
  VIRTIO_BLK_F_WRITE_ZEROES,
  WRITEBACK,
  blockConfig,
  setCapacity,
} from './config.js';
import {
  BlockRequest,
  HEADER_LENGTH,
  ID_LENGTH,
  RANGE_LENGTH,
  SECTOR,
  VIRTIO_BLK_S_IOERR,
  VIRTIO_BLK_S_OK,
  VIRTIO_BLK_S_UNSUPP,
  VIRTIO_BLK_T_DISCARD,
  VIRTIO_BLK_T_FLUSH,
  VIRTIO_BLK_T_GET_ID,
  VIRTIO_BLK_T_IN,
  VIRTIO_BLK_T_OUT,
  VIRTIO_BLK_T_WRITE_ZEROES,
  parseRanges,
  parseRequest,
} from './request.js';
import type { BlockRange } from './request.js';

// The block device: VIRTIO 1.2, 5.2.
//
// Every request ends through the door (`Ingress.completion`), whether the backend answered at once or with a promise. With a
// synchronous backend the transfer itself happens when the driver rings, straight between the disk and the guest's memory, and one
// completion gives back all that one ring brought. Otherwise the data goes through a buffer of ours, and the guest's memory is
// borrowed again when the completion enters.
//
// Saved with requests in flight: what is done but not yet given back is saved as done; what the backend still works on is saved whole
// (data to be written included) and started again by `restore`, which a disk does not notice: a request that was not given back may
// have happened or not, and happening twice is the same as once.

/**
 * Limits of one request: buffers, bytes a buffer, and so bytes in all. A MiB that lies in one piece, as a huge page's, is one buffer: with 64 KiB a
 * buffer a Linux driver executes a third more instructions for it.
 */
const SEG_MAX = 254;
const SIZE_MAX = 1024 * 1024;
const MAX_TRANSFER = SEG_MAX * SIZE_MAX;
/** 16 MiB in one range of a WRITE_ZEROES bounds the work of one request on a backend that has to write them. */
const MAX_RANGE_SECTORS = 32768;
const MAX_RANGES = 1;
/** Beyond this much data of unfinished requests no further one is taken from the queues. */
const MAX_BUFFERED = 32 * 1024 * 1024;

export interface VirtioBlkWires {
  readonly backend: BlockBackend;
  readonly ingress: Ingress;
}

export interface VirtioBlkOptions {
  /** Unique on the machine. Default `virtio-blk`. */
  readonly name?: string;
  /** What GET_ID says, up to 20 bytes of ASCII: `/dev/disk/by-id/virtio-...`. Default the name. */
  readonly serial?: string;
  /** Request queues, 1..64; one for each vCPU is best. Default 1. */
  readonly queues?: number;
  /** Entries in each queue, a power of two. Default 256. */
  readonly queueSize?: number;
  /** Logical block size: 512 or 4096. Default 512. */
  readonly blockSize?: number;
  /** Default 4096. */
  readonly physicalBlockSize?: number;
  /** Requests taken from the queues and not given back, over all queues. Default the queues' entries. */
  readonly maxInFlight?: number;
}

/** Requests that one completion gives back. After a reset there are none left in it, and it stays until its completion has entered. */
interface Flight {
  requests: BlockRequest[];
}

type RequestState = {
  readonly queue: number;
  readonly head: number;
  readonly statusAddress: number;
  readonly done: boolean;
  readonly status: number;
  readonly written: number;
  readonly type: number;
  readonly sector: number;
  readonly dataIn: number;
  /** Address and length of each writable buffer, of a read in progress. */
  readonly buffers: readonly number[];
  /** Data from the driver, of a request in progress. */
  readonly data: Uint8Array;
};

export type VirtioBlkState = {
  readonly version: 1;
  readonly features: bigint;
  readonly writeback: boolean;
  /** Queues that wait for room. */
  readonly stalled: readonly boolean[];
  /** Oldest first; each is given back by one completion, which an empty one (there was a reset) waits for too. */
  readonly flights: readonly (readonly RequestState[])[];
};

/** From so many bytes on another thread of the host may do a transfer: below, handing it over costs more than it takes. */
const BESIDE = 256 * 1024;

/**
 * What is done waits so long, in virtual nanoseconds, for what the driver may still bring: an interrupt, its way in and out and the wake-up after it cost
 * the guest as much as half a small request. It waits no longer than until the guest has nothing else to do.
 */
const WAITS_FOR_MORE = 1_000_000;
/** Nothing waits while nothing comes; then one flight of so many sees whether that has changed. */
const TRIES_AGAIN = 32;

const NO_DATA = new Uint8Array(0);

export class VirtioBlk implements VirtioDevice<VirtioBlkState> {
  readonly name: string;
  readonly deviceType = VIRTIO_ID_BLOCK;
  /** SCSI storage controller, as QEMU's; drivers go by the device ID. */
  readonly pciClass = 0x010000;
  readonly features: bigint;
  readonly queueSizes: readonly number[];
  readonly config: Uint8Array;
  readonly #backend: BlockBackend;
  readonly #ingress: Ingress;
  readonly #serial: Uint8Array;
  readonly #blockSectors: number;
  readonly #maxInFlight: number;
  readonly #header = new Uint8Array(HEADER_LENGTH);
  readonly #pieces = new DmaPieces();
  readonly #free: BlockRequest[] = [];
  readonly #stalled: boolean[];
  /** What the backend works on, dropped flights' included. */
  readonly #works = new Set<Promise<unknown>>();
  /** Those of them that use guest memory. */
  readonly #beside = new Set<Promise<unknown>>();
  readonly #flights = new Set<Flight>();
  /** The one that waits for more. */
  #waiting: Flight | undefined;
  /** To the last that waited, more came. */
  #moreComes = false;
  /** Flights since one has waited. */
  #sinceTry = 0;
  #host!: VirtioHost;
  #features = 0n;
  #capacity: number;
  #inFlight = 0;
  #buffered = 0;
  #scratch = new Uint8Array(128 * 1024);
  /** Work begun before a reset; what comes after it waits, lest an old write overtakes a new one. */
  #barrier: Promise<unknown> | undefined;

  constructor(wires: VirtioBlkWires, options: VirtioBlkOptions = {}) {
    const { backend } = wires;
    const { queues = 1, queueSize = 256, blockSize = 512, physicalBlockSize = 4096 } = options;
    this.name = options.name ?? 'virtio-blk';
    if (!(Number.isInteger(queues) && queues >= 1 && queues <= 64)) throw new VirtioError('bad-option', `${this.name}: ${queues} queues, must be 1 to 64`);
    if (blockSize !== 512 && blockSize !== 4096) throw new VirtioError('bad-option', `${this.name}: block size ${blockSize}, must be 512 or 4096`);
    if (!(physicalBlockSize >= blockSize && physicalBlockSize <= 65536 && Number.isInteger(Math.log2(physicalBlockSize))))
      throw new VirtioError('bad-option', `${this.name}: physical block size ${physicalBlockSize}, must be a power of two from ${blockSize} to 65536`);
    this.#backend = backend;
    this.#ingress = wires.ingress;
    this.#serial = serialBytes(this.name, options.serial ?? this.name.slice(0, ID_LENGTH));
    this.#blockSectors = blockSize / SECTOR;
    this.#capacity = this.#sectors();
    this.#maxInFlight = options.maxInFlight ?? queues * queueSize;
    if (this.#maxInFlight < 1) throw new VirtioError('bad-option', `${this.name}: maxInFlight ${this.#maxInFlight}, must be at least 1`);
    this.queueSizes = new Array<number>(queues).fill(queueSize);
    this.#stalled = new Array<boolean>(queues).fill(false);
    this.config = blockConfig({
      capacity: this.#capacity,
      sizeMax: SIZE_MAX,
      segMax: SEG_MAX,
      blockSize,
      physicalBlockSize,
      queues,
      maxRangeSectors: MAX_RANGE_SECTORS,
      maxRanges: MAX_RANGES,
    });
    this.features =
      VIRTIO_BLK_F_SIZE_MAX |
      VIRTIO_BLK_F_SEG_MAX |
      VIRTIO_BLK_F_BLK_SIZE |
      VIRTIO_BLK_F_FLUSH |
      VIRTIO_BLK_F_TOPOLOGY |
      VIRTIO_BLK_F_CONFIG_WCE |
      (queues > 1 ? VIRTIO_BLK_F_MQ : 0n) |
      (backend.readOnly ? VIRTIO_BLK_F_RO : 0n) |
      (!backend.readOnly && backend.discard !== undefined ? VIRTIO_BLK_F_DISCARD : 0n) |
      (!backend.readOnly && backend.writeZeroes !== undefined ? VIRTIO_BLK_F_WRITE_ZEROES : 0n);
  }

  attach(host: VirtioHost): void {
    this.#host = host;
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.#dropFlights();
    this.#features = 0n;
    this.config[WRITEBACK] = 1;
    this.#stalled.fill(false);
  }

  start(features: bigint): void {
    this.#features = features;
  }

  /** The backend's size has changed: tells the driver the new capacity (5.2.5.1). */
  resize(): void {
    this.#capacity = this.#sectors();
    setCapacity(this.config, this.#capacity);
    this.#host.configChanged();
  }

  /** Only `writeback` is the driver's (VIRTIO_BLK_F_CONFIG_WCE). */
  writeConfig(offset: number, value: number, size: number): void {
    if (offset === WRITEBACK && size === 1 && (this.#features & VIRTIO_BLK_F_CONFIG_WCE) !== 0n) this.config[WRITEBACK] = value & 1;
  }

  notify(index: number): void {
    const queue = this.#host.queues[index];
    if (queue === undefined) return;
    this.#stalled[index] = false;
    const waiting = this.#waitingFor(index);
    const done = waiting?.requests ?? [];
    while (this.#host.live) {
      if (this.#inFlight >= this.#maxInFlight || this.#buffered >= MAX_BUFFERED) {
        // Taken up again when a flight lands. Empty or not: with event index the driver was not told to ring for the next one.
        this.#stalled[index] = true;
        break;
      }
      const request = this.#free.pop() ?? new BlockRequest();
      if (!queue.pop(request.chain)) {
        this.#free.push(request);
        break;
      }
      if (!parseRequest(this.#host.memory, request, this.#header)) {
        this.#free.push(request);
        this.#host.fail(index, 'request', `chain ${request.chain.head}: ${request.chain.readableBytes} bytes to read and ${request.chain.writableBytes} to write hold no request`);
        break;
      }
      request.queue = index;
      this.#inFlight++;
      this.#execute(request);
      if (request.done) done.push(request);
    }
    if (waiting === undefined && done.length > 0) this.#departDone(done);
  }

  resetQueue(index: number): void {
    for (const flight of this.#flights) {
      if (flight.requests.some((request) => request.queue === index)) this.#drop(flight);
    }
    this.#raiseBarrier();
    this.#stalled[index] = false;
  }

  save(): VirtioBlkState {
    return {
      version: 1,
      features: this.#features,
      writeback: this.config[WRITEBACK] === 1,
      stalled: [...this.#stalled],
      flights: [...this.#flights].map((flight) => flight.requests.map((request) => saveRequest(request, (beside) => this.#dataOut(beside, new Uint8Array(beside.dataOut))))),
    };
  }

  restore(state: VirtioBlkState): void {
    if (state.version !== 1) throw new VirtioError('bad-state', `${this.name}: state version ${String(state.version)}, known: 1`);
    this.#dropFlights();
    this.#flights.clear();
    this.#features = state.features;
    this.config[WRITEBACK] = state.writeback ? 1 : 0;
    for (let i = 0; i < this.#stalled.length; i++) this.#stalled[i] = state.stalled[i] ?? false;
    for (const saved of state.flights) {
      const requests = saved.map(restoreRequest);
      this.#inFlight += requests.length;
      const request = requests[0];
      if (request === undefined || request.done) {
        this.#depart(requests, undefined);
      } else {
        if (request.type === VIRTIO_BLK_T_IN) request.buffer = new Uint8Array(request.dataIn);
        this.#buffered += request.buffer?.length ?? 0;
        this.#launch(request);
      }
    }
  }

  // Execution

  /** Does the request, or begins it: `request.done` tells. */
  #execute(request: BlockRequest): void {
    switch (request.type) {
      case VIRTIO_BLK_T_IN:
        if (!this.#inRange(request, request.dataIn)) return finish(request, VIRTIO_BLK_S_IOERR);
        if (this.#startBeside(request, request.dataIn)) return;
        if (this.#backend.synchronous === true) return this.#readNow(request);
        request.buffer = new Uint8Array(request.dataIn);
        break;
      case VIRTIO_BLK_T_OUT:
        if (this.#backend.readOnly || !this.#inRange(request, request.dataOut)) return finish(request, VIRTIO_BLK_S_IOERR);
        if (this.#startBeside(request, request.dataOut)) return;
        if (this.#backend.synchronous === true) return this.#writeNow(request);
        request.buffer = this.#dataOut(request, new Uint8Array(request.dataOut));
        break;
      case VIRTIO_BLK_T_FLUSH:
        if (this.#works.size === 0 || this.#backend.synchronous !== true) break;
        // What goes on beside the guest is part of what is flushed.
        return this.#launch(request, Promise.allSettled([...this.#works]));
      case VIRTIO_BLK_T_GET_ID:
        return finish(request, VIRTIO_BLK_S_OK, request.chain.write(this.#host.memory, 0, this.#serial.subarray(0, Math.min(ID_LENGTH, request.dataIn))));
      case VIRTIO_BLK_T_DISCARD:
      case VIRTIO_BLK_T_WRITE_ZEROES:
        if (this.#backend.readOnly) return finish(request, VIRTIO_BLK_S_IOERR);
        // The ranges are looked at again by #begin; a request with more of them than one may have is only ever refused.
        request.buffer = this.#dataOut(request, new Uint8Array(Math.min(request.dataOut, (MAX_RANGES + 1) * RANGE_LENGTH)));
        break;
      default:
        return finish(request, VIRTIO_BLK_S_UNSUPP);
    }
    if (this.#backend.synchronous === true) return this.#now(request);
    this.#buffered += request.buffer?.length ?? 0;
    this.#launch(request);
  }

  /** 5.2.6.2: whole blocks within the disk. */
  #inRange(request: BlockRequest, length: number): boolean {
    return (
      length <= MAX_TRANSFER &&
      length % (SECTOR * this.#blockSectors) === 0 &&
      request.sector % this.#blockSectors === 0 &&
      request.sector + length / SECTOR <= this.#capacity
    );
  }

  /** Has another thread of the host move the data of a large request, straight between disk and guest memory. @returns whether it does */
  #startBeside(request: BlockRequest, length: number): boolean {
    const backend = this.#backend;
    const ingress = this.#ingress;
    const reads = request.type === VIRTIO_BLK_T_IN;
    const move = reads ? backend.readvBeside : backend.writevBeside;
    if (length < BESIDE || ingress.beside === undefined || move === undefined) return false;
    if (!reads && !this.#writeback) return false;
    if (!this.#piecesOf(request)) return false;
    const views = [...this.#pieces.borrow(this.#host.memory, reads ? 'write' : 'read')];
    const begin = async (): Promise<void> => {
      await this.#barrier;
      await move.call(backend, request.sector * SECTOR, views);
    };
    request.beside = true;
    const work = begin();
    ingress.beside(work);
    this.#track(work, this.#beside);
    this.#track(work);
    this.#depart([request], work);
    return true;
  }

  /** Where a request's data lies in guest memory, into `#pieces`. @returns whether all of it is RAM */
  #piecesOf(request: BlockRequest): boolean {
    const { chain, dataIn, dataOut } = request;
    const { memory } = this.#host;
    this.#pieces.clear();
    return request.type === VIRTIO_BLK_T_IN ? chain.addWritable(memory, 0, dataIn, this.#pieces) === dataIn : chain.addReadable(memory, HEADER_LENGTH, dataOut, this.#pieces) === dataOut;
  }

  /** Straight into the guest's memory if that is in one piece or the backend takes many, else through scratch, which is cheaper than many system calls. */
  #readNow(request: BlockRequest): void {
    const { chain, dataIn } = request;
    const { memory } = this.#host;
    const at = request.sector * SECTOR;
    try {
      if (dataIn === 0) {
        // Nothing but the status.
      } else if (!this.#piecesOf(request) || !this.#pieces.readFrom(this.#backend, at, memory)) {
        for (let done = 0; done < dataIn; ) {
          const part = this.#scratch.subarray(0, Math.min(this.#scratch.length, dataIn - done));
          this.#backend.read(at + done, part);
          chain.write(memory, done, part);
          done += part.length;
        }
      }
      finish(request, VIRTIO_BLK_S_OK, dataIn);
    } catch {
      finish(request, VIRTIO_BLK_S_IOERR);
    }
  }

  #writeNow(request: BlockRequest): void {
    const { chain, dataOut } = request;
    const { memory } = this.#host;
    const at = request.sector * SECTOR;
    try {
      if (dataOut === 0) {
        // Nothing to do.
      } else if (!this.#piecesOf(request) || !this.#pieces.writeTo(this.#backend, at, memory)) {
        for (let done = 0; done < dataOut; ) {
          const part = this.#scratch.subarray(0, Math.min(this.#scratch.length, dataOut - done));
          chain.read(memory, HEADER_LENGTH + done, part);
          this.#backend.write(at + done, part);
          done += part.length;
        }
      }
      if (!this.#writeback) this.#backend.flush();
      finish(request, VIRTIO_BLK_S_OK);
    } catch {
      finish(request, VIRTIO_BLK_S_IOERR);
    }
  }

  /** The rest of what a synchronous backend does. */
  #now(request: BlockRequest): void {
    try {
      this.#begin(request);
      finish(request, VIRTIO_BLK_S_OK);
    } catch (error) {
      finish(request, statusOf(error));
    }
    request.buffer = undefined;
  }

  /** Begins a request on a backend that may take its time; one completion gives it back. */
  #launch(request: BlockRequest, after?: Promise<unknown>): void {
    const barrier = after ?? this.#barrier;
    let work: Promise<void> | void;
    try {
      work = barrier === undefined ? this.#begin(request) : barrier.then(() => this.#begin(request));
    } catch (error) {
      work = Promise.reject(error as Error);
    }
    if (work !== undefined) this.#track(work);
    this.#depart([request], work);
  }

  #track(work: Promise<void>, works = this.#works): void {
    const over = (): void => {
      works.delete(work);
    };
    works.add(work);
    work.then(over, over);
  }

  /** The backend's part of a request, from what `request` itself holds, so that it can be begun again after a restore. */
  #begin(request: BlockRequest): Promise<void> | void {
    const at = request.sector * SECTOR;
    const data = request.buffer ?? NO_DATA;
    switch (request.type) {
      case VIRTIO_BLK_T_IN:
        return data.length === 0 ? undefined : this.#backend.read(at, data);
      case VIRTIO_BLK_T_OUT:
        return data.length === 0 ? undefined : this.#through(this.#backend.write(at, data));
      case VIRTIO_BLK_T_FLUSH:
        return this.#backend.flush();
      default:
        return this.#ranges(request.type, data);
    }
  }

  #ranges(type: number, data: Uint8Array): Promise<void> | void {
    const discard = type === VIRTIO_BLK_T_DISCARD;
    const backend = this.#backend;
    if ((discard ? backend.discard : backend.writeZeroes) === undefined) throw new Refusal(VIRTIO_BLK_S_UNSUPP);
    const ranges = parseRanges(data, { capacity: this.#capacity, maxSectors: MAX_RANGE_SECTORS, maxRanges: MAX_RANGES, mayUnmap: !discard });
    if (typeof ranges === 'number') throw new Refusal(ranges);
    const { offset, length, unmap } = ranges[0] as BlockRange;
    if (length === 0) return undefined;
    if (discard) return backend.discard?.(offset, length);
    return this.#through(backend.writeZeroes?.(offset, length, unmap));
  }

  /** Without a write cache a write ends when it is durable. */
  #through(work: Promise<void> | void): Promise<void> | void {
    if (this.#writeback) return work;
    return work === undefined ? this.#backend.flush() : work.then(() => this.#backend.flush());
  }

  /** 5.2.6.2: the driver's choice with CONFIG_WCE, else a cache if the driver can flush it. */
  get #writeback(): boolean {
    if ((this.#features & VIRTIO_BLK_F_CONFIG_WCE) !== 0n) return this.config[WRITEBACK] === 1;
    return (this.#features & VIRTIO_BLK_F_FLUSH) !== 0n;
  }

  #dataOut(request: BlockRequest, into: Uint8Array): Uint8Array {
    request.chain.read(this.#host.memory, HEADER_LENGTH, into);
    return into;
  }

  #sectors(): number {
    return Math.floor(this.#backend.size / SECTOR);
  }

  // Flights

  #depart(requests: BlockRequest[], work: Promise<void> | void): void {
    const flight: Flight = { requests };
    this.#flights.add(flight);
    this.#ingress.completion<void>(this.name, work, (result) => this.#land(flight, result));
  }

  /** The flight of this queue that what is done now may join. */
  #waitingFor(index: number): Flight | undefined {
    const flight = this.#waiting;
    return flight?.requests[0]?.queue === index ? flight : undefined;
  }

  #departDone(requests: BlockRequest[]): void {
    const { completionWithin } = this.#ingress;
    if (completionWithin === undefined || !(this.#moreComes || ++this.#sinceTry === TRIES_AGAIN)) return this.#depart(requests, undefined);
    this.#sinceTry = 0;
    const flight: Flight = { requests };
    const brought = requests.length;
    this.#flights.add(flight);
    this.#waiting = flight;
    completionWithin.call(this.#ingress, this.name, WAITS_FOR_MORE, () => {
      if (this.#waiting === flight) this.#waiting = undefined;
      this.#moreComes = flight.requests.length > brought;
      this.#land(flight, { ok: true, value: undefined });
    });
  }

  /** At the door: gives the requests back to the driver, and takes up queues that waited for room. */
  #land(flight: Flight, result: Settled<void>): void {
    this.#flights.delete(flight);
    const { requests } = flight;
    if (requests.length === 0) return;
    this.#release(requests);
    const { memory, queues } = this.#host;
    if (this.#host.live) {
      for (const request of requests) {
        if (!request.done) this.#complete(request, result);
        memory.writeU8(request.statusAddress, request.status);
        (queues[request.queue] as Virtqueue).push(request.chain.head, request.written);
      }
      // All of a flight are of one queue.
      (queues[(requests[0] as BlockRequest).queue] as Virtqueue).signal();
    }
    for (const request of requests) {
      request.buffer = undefined;
      this.#free.push(request);
    }
    for (let i = 0; i < this.#stalled.length && this.#host.live; i++) {
      if (this.#stalled[i] !== true) continue;
      (queues[i] as Virtqueue).begin();
      this.notify(i);
    }
  }

  /** The backend has ended a request that took its time. */
  #complete(request: BlockRequest, result: Settled<void>): void {
    if (!result.ok) return finish(request, statusOf(result.error));
    if (request.beside && request.type === VIRTIO_BLK_T_IN) {
      // Once more, for what was made of the bytes while they came.
      if (this.#piecesOf(request)) this.#pieces.borrow(this.#host.memory, 'write');
      return finish(request, VIRTIO_BLK_S_OK, request.dataIn);
    }
    const written = request.type === VIRTIO_BLK_T_IN && request.buffer !== undefined ? request.chain.write(this.#host.memory, 0, request.buffer) : 0;
    finish(request, VIRTIO_BLK_S_OK, written);
  }

  /** Makes room for others. */
  #release(requests: readonly BlockRequest[]): void {
    this.#inFlight -= requests.length;
    for (const request of requests) this.#buffered -= request.buffer?.length ?? 0;
  }

  /** Nothing of it reaches the guest any more. */
  #drop(flight: Flight): void {
    this.#release(flight.requests);
    flight.requests = [];
    if (this.#waiting === flight) this.#waiting = undefined;
  }

  #dropFlights(): void {
    for (const flight of this.#flights) this.#drop(flight);
    this.#raiseBarrier();
  }

  #raiseBarrier(): void {
    if (this.#works.size === 0) return;
    const barrier = Promise.allSettled([...this.#works]);
    this.#barrier = barrier;
    // What moves data beside the guest must be over before the guest uses that memory again.
    if (this.#beside.size > 0) this.#ingress.hold?.(Promise.allSettled([...this.#beside]));
    void barrier.then(() => {
      if (this.#barrier === barrier) this.#barrier = undefined;
    });
  }
}

/** Why a request is refused before the backend sees it. */
class Refusal extends Error {
  constructor(readonly status: number) {
    super(`refused with status ${status}`);
  }
}

function statusOf(error: unknown): number {
  return error instanceof Refusal ? error.status : VIRTIO_BLK_S_IOERR;
}

/** @param dataBytes written before the status byte */
function finish(request: BlockRequest, status: number, dataBytes = 0): void {
  request.done = true;
  request.status = status;
  request.written = dataBytes + 1;
}

function serialBytes(name: string, serial: string): Uint8Array {
  const bytes = new Uint8Array(ID_LENGTH);
  if (serial.length > ID_LENGTH) throw new VirtioError('bad-option', `${name}: serial ${JSON.stringify(serial)} is longer than ${ID_LENGTH} characters`);
  for (let i = 0; i < serial.length; i++) {
    const code = serial.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) throw new VirtioError('bad-option', `${name}: serial ${JSON.stringify(serial)} is not printable ASCII`);
    bytes[i] = code;
  }
  return bytes;
}

function saveRequest(request: BlockRequest, dataOf: (request: BlockRequest) => Uint8Array): RequestState {
  const { chain, done } = request;
  const buffers: number[] = [];
  if (!done && request.type === VIRTIO_BLK_T_IN) {
    for (let i = chain.readableCount; i < chain.count; i++) buffers.push(chain.addresses[i] as number, chain.lengths[i] as number);
  }
  return {
    queue: request.queue,
    head: chain.head,
    statusAddress: request.statusAddress,
    done,
    status: request.status,
    written: request.written,
    type: request.type,
    sector: request.sector,
    dataIn: done ? 0 : request.dataIn,
    buffers,
    data: done || request.type === VIRTIO_BLK_T_IN ? NO_DATA : request.beside ? dataOf(request) : (request.buffer?.slice() ?? NO_DATA),
  };
}

function restoreRequest(state: RequestState): BlockRequest {
  const request = new BlockRequest();
  request.queue = state.queue;
  request.chain.clear(state.head);
  for (let i = 0; i < state.buffers.length; i += 2) request.chain.append(state.buffers[i] as number, state.buffers[i + 1] as number, true);
  request.statusAddress = state.statusAddress;
  request.done = state.done;
  request.status = state.status;
  request.written = state.written;
  request.type = state.type;
  request.sector = state.sector;
  request.dataIn = state.dataIn;
  request.buffer = state.data.length > 0 ? state.data.slice() : undefined;
  return request;
}
