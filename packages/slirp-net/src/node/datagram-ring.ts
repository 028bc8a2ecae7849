/** Read and write position, and whether the reader has been called: 32-bit words before the data. */
const READ = 0;
const WRITE = 1;
const CALLED = 2;
const HEADER = 16;
/** Of a record: its length, the socket, port and length of the address, bytes of the datagram. */
const RECORD = 16;
/** Instead of a length: the next record is at the beginning. */
const WRAP = 0xffff_ffff;
/** Beyond it nothing more is put in: the largest datagram always fits, wherever the end of the memory is. */
const BOUND = 256 << 10;
const CAPACITY = 512 << 10;

/** A datagram as it lies in the ring: valid until `release`. */
export interface RingRecord {
  socket: number;
  port: number;
  /** In text, ASCII. */
  address: Uint8Array;
  bytes: Uint8Array;
}

/** Datagrams from one thread to another, through shared memory: one writes, one reads, neither waits. */
export class DatagramRing {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private next = 0;

  constructor(readonly memory = new SharedArrayBuffer(HEADER + CAPACITY)) {
    this.words = new Int32Array(memory, 0, HEADER >> 2);
    this.bytes = new Uint8Array(memory, HEADER);
    this.view = new DataView(memory, HEADER);
  }

  /** Bytes that wait to be read. */
  get used(): number {
    return (Atomics.load(this.words, WRITE) - Atomics.load(this.words, READ)) >>> 0;
  }

  get full(): boolean {
    return this.used > BOUND;
  }

  /** Not into a ring that is full. */
  put(socket: number, port: number, address: Uint8Array, datagram: Uint8Array): void {
    const { bytes, view, words } = this;
    const length = (RECORD + address.length + datagram.length + 3) & ~3;
    let write = words[WRITE] >>> 0;
    let at = write % CAPACITY;
    if (at + length > CAPACITY) {
      view.setUint32(at, WRAP, true);
      write += CAPACITY - at;
      at = 0;
    }
    view.setUint32(at, length, true);
    view.setUint32(at + 4, socket, true);
    view.setUint16(at + 8, port, true);
    view.setUint16(at + 10, address.length, true);
    view.setUint32(at + 12, datagram.length, true);
    bytes.set(address, at + RECORD);
    bytes.set(datagram, at + RECORD + address.length);
    Atomics.store(words, WRITE, (write + length) | 0);
  }

  /** The oldest record. @returns false when there is none */
  peek(record: RingRecord): boolean {
    const { bytes, view, words } = this;
    let read = words[READ] >>> 0;
    if (Atomics.load(words, WRITE) >>> 0 === read) return false;
    let at = read % CAPACITY;
    if (view.getUint32(at, true) === WRAP) {
      read += CAPACITY - at;
      at = 0;
    }
    const start = at + RECORD + view.getUint16(at + 10, true);
    record.socket = view.getUint32(at + 4, true);
    record.port = view.getUint16(at + 8, true);
    record.address = bytes.subarray(at + RECORD, start);
    record.bytes = bytes.subarray(start, start + view.getUint32(at + 12, true));
    this.next = read + view.getUint32(at, true);
    return true;
  }

  /** The record that `peek` found is done with. */
  release(): void {
    Atomics.store(this.words, READ, this.next | 0);
  }

  /** The writer is about to call the reader. @returns false: somebody has, and it will see what is there */
  call(): boolean {
    return Atomics.exchange(this.words, CALLED, 1) === 0;
  }

  /** The reader looks now. */
  answer(): void {
    Atomics.store(this.words, CALLED, 0);
  }
}

export function emptyRecord(): RingRecord {
  return { socket: 0, port: 0, address: new Uint8Array(0), bytes: new Uint8Array(0) };
}

/** Addresses are text in records. One that was looked at last costs a comparison. */
export class AddressText {
  private readonly last = Buffer.alloc(64);
  private length = 0;
  private text = '';

  /** @param address ASCII, at most 64 bytes */
  of(address: Uint8Array): string {
    const { last, length } = this;
    let i = 0;
    if (address.length === length) while (i < length && last[i] === address[i]) i++;
    if (i === length && address.length === length) return this.text;
    last.set(address);
    this.length = address.length;
    this.text = last.toString('latin1', 0, address.length);
    return this.text;
  }
}
