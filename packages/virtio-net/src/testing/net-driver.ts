import type { GuestMemory, PciFunction } from '@pckit/interfaces';
import { PciPort, VirtioDriver } from '@pckit/virtio/testing';
import type { DriverPort, DriverQueue, VirtioDriverOptions } from '@pckit/virtio/testing';

/** Fields of struct virtio_net_hdr. */
export interface HeaderFields {
  readonly flags?: number;
  readonly gsoType?: number;
  readonly hdrLen?: number;
  readonly gsoSize?: number;
  readonly csumStart?: number;
  readonly csumOffset?: number;
}

export interface ReceivedFrame {
  readonly header: Required<HeaderFields> & { readonly numBuffers: number };
  readonly frame: Uint8Array;
}

/** A network driver as far as tests need one. */
export class NetDriver {
  readonly driver: VirtioDriver;
  readonly headerLength: number;

  constructor(memory: GuestMemory, port: DriverPort | PciFunction, options: VirtioDriverOptions & { readonly headerLength?: number } = {}) {
    this.driver = new VirtioDriver(memory, 'bars' in port ? new PciPort(port) : port, options).start();
    this.headerLength = options.headerLength ?? 12;
  }

  get receiveQueue(): DriverQueue {
    return this.driver.queues[0]!;
  }

  get transmitQueue(): DriverQueue {
    return this.driver.queues[1]!;
  }

  send(frame: Uint8Array, header: HeaderFields = {}, kick = true): void {
    this.transmitQueue.add([this.#header(header), frame], []);
    if (kick) this.transmitQueue.kick();
  }

  /** Adds buffers of these lengths to the receive queue. */
  offer(...lengths: number[]): void {
    for (const length of lengths) this.receiveQueue.add([], [length]);
    this.receiveQueue.kick();
  }

  /** Frames that came, put together from the chains that they were spread over. */
  received(): ReceivedFrame[] {
    const chains = this.receiveQueue.collect();
    const frames: ReceivedFrame[] = [];
    while (chains.length > 0) {
      const first = chains.shift()!;
      const view = new DataView(first.data.buffer, first.data.byteOffset);
      const numBuffers = this.headerLength === 12 ? view.getUint16(10, true) : 1;
      const parts = [first.data.subarray(this.headerLength, first.written), ...chains.splice(0, numBuffers - 1).map((chain) => chain.data.subarray(0, chain.written))];
      frames.push({
        header: {
          flags: view.getUint8(0),
          gsoType: view.getUint8(1),
          hdrLen: view.getUint16(2, true),
          gsoSize: view.getUint16(4, true),
          csumStart: view.getUint16(6, true),
          csumOffset: view.getUint16(8, true),
          numBuffers,
        },
        frame: Uint8Array.from(parts.flatMap((part) => [...part])),
      });
    }
    return frames;
  }

  /** @returns the device's answer: 0 is OK */
  command(kind: number, command: number, ...data: number[]): number | undefined {
    const queue = this.driver.queues[2]!;
    queue.add([Uint8Array.of(kind, command), Uint8Array.from(data)].filter(({ length }) => length > 0), [1]);
    queue.kick();
    return queue.collect()[0]?.data[0];
  }

  #header(fields: HeaderFields): Uint8Array {
    const bytes = new Uint8Array(this.headerLength);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, fields.flags ?? 0);
    view.setUint8(1, fields.gsoType ?? 0);
    view.setUint16(2, fields.hdrLen ?? 0, true);
    view.setUint16(4, fields.gsoSize ?? 0, true);
    view.setUint16(6, fields.csumStart ?? 0, true);
    view.setUint16(8, fields.csumOffset ?? 0, true);
    return bytes;
  }
}
