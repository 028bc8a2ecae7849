import type { GuestMemory, PciFunction } from '@pckit/interfaces';
import { PciPort, VirtioDriver } from '@pckit/virtio/testing';
import type { DriverPort, VirtioDriverOptions } from '@pckit/virtio/testing';
import { VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT } from '../request.js';

export interface BlockAnswer {
  readonly status: number;
  readonly data: Uint8Array;
  readonly written: number;
}

/** A block driver as far as tests need one: makes requests, and reads what came back by head. */
export class BlockDriver {
  readonly driver: VirtioDriver;
  readonly #answers = new Map<number, BlockAnswer>();

  constructor(memory: GuestMemory, port: DriverPort | PciFunction, options: VirtioDriverOptions = {}) {
    this.driver = new VirtioDriver(memory, 'bars' in port ? new PciPort(port) : port, options).start();
  }

  /** @returns the request's head */
  submit(type: number, sector: number, out: readonly Uint8Array[], into: readonly number[], queue = 0, kick = true): number {
    const q = this.driver.queues[queue]!;
    const head = q.add([header(type, sector), ...out], [...into, 1]);
    if (kick) q.kick();
    return head;
  }

  read(sector: number, length: number, queue = 0): number {
    return this.submit(VIRTIO_BLK_T_IN, sector, [], length === 0 ? [] : [length], queue);
  }

  write(sector: number, data: Uint8Array, queue = 0): number {
    return this.submit(VIRTIO_BLK_T_OUT, sector, data.length === 0 ? [] : [data], [], queue);
  }

  flush(): number {
    return this.submit(VIRTIO_BLK_T_FLUSH, 0, [], []);
  }

  id(length = 20): number {
    return this.submit(VIRTIO_BLK_T_GET_ID, 0, [], [length]);
  }

  ranges(type: number, ...ranges: readonly (readonly [sector: number, sectors: number, flags: number])[]): number {
    return this.submit(type, 0, ranges.length === 0 ? [] : [rangeBytes(ranges)], []);
  }

  /** The answer to a request, if it has come. */
  answer(head: number): BlockAnswer | undefined {
    for (const queue of this.driver.queues) {
      for (const { head: at, written, data } of queue.collect()) {
        this.#answers.set(at + queue.index * 65536, { status: data[data.length - 1]!, data: data.subarray(0, -1), written });
      }
    }
    for (let queue = 0; queue < this.driver.queues.length; queue++) {
      const answer = this.#answers.get(head + queue * 65536);
      if (answer === undefined) continue;
      this.#answers.delete(head + queue * 65536);
      return answer;
    }
    return undefined;
  }

  /** The status that a request ended with, if it has. */
  status(head: number): number | undefined {
    return this.answer(head)?.status;
  }
}

export function header(type: number, sector: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return bytes;
}

export function rangeBytes(ranges: readonly (readonly [sector: number, sectors: number, flags: number])[]): Uint8Array {
  const bytes = new Uint8Array(16 * ranges.length);
  const view = new DataView(bytes.buffer);
  ranges.forEach(([sector, sectors, flags], i) => {
    view.setBigUint64(16 * i, BigInt(sector), true);
    view.setUint32(16 * i + 8, sectors, true);
    view.setUint32(16 * i + 12, flags, true);
  });
  return bytes;
}
