import type { BlockBackend, CharPort, EthernetPort } from '@pckit/interfaces';

/** The far end of a serial cable: collects what the device sends and types into it as fast as it takes bytes. */
export class FakeCharPort implements CharPort {
  readonly output: number[] = [];
  readonly #input: number[] = [];
  #receive: ((bytes: Uint8Array) => number) | undefined;

  write(byte: number): void {
    this.output.push(byte);
  }

  attach(receive: (bytes: Uint8Array) => number): void {
    this.#receive = receive;
  }

  onReady(): void {
    this.#offer();
  }

  /** What the device sent, as Latin-1 text. */
  get text(): string {
    return String.fromCharCode(...this.output);
  }

  /** Bytes that the device has not taken yet. */
  get waiting(): number {
    return this.#input.length;
  }

  /** Offers bytes, or Latin-1 text, to the device; what it refuses waits for `onReady`. */
  type(input: string | readonly number[] | Uint8Array): void {
    if (typeof input === 'string') for (let i = 0; i < input.length; i++) this.#input.push(input.charCodeAt(i) & 0xff);
    else this.#input.push(...input);
    this.#offer();
  }

  #offer(): void {
    if (this.#receive === undefined || this.#input.length === 0) return;
    const taken = this.#receive(Uint8Array.from(this.#input));
    if (taken < 0 || taken > this.#input.length)
      throw new RangeError(`the device took ${taken} of ${this.#input.length} bytes`);
    this.#input.splice(0, taken);
  }
}

/** The far end of an Ethernet cable. */
export class FakeEthernetPort implements EthernetPort {
  readonly sent: Uint8Array[] = [];
  #receive: ((frame: Uint8Array) => boolean) | undefined;

  send(frame: Uint8Array): void {
    this.sent.push(frame.slice());
  }

  attach(receive: (frame: Uint8Array) => boolean): void {
    this.#receive = receive;
  }

  /** @returns whether the device took the frame */
  deliver(frame: Uint8Array): boolean {
    return this.#receive?.(frame) ?? false;
  }
}

export interface FakeBlockBackendOptions {
  readonly readOnly?: boolean;
  /** Answers with promises instead of at once. */
  readonly asynchronous?: boolean;
  /** Takes many buffers in one request. */
  readonly vectored?: boolean;
}

/** A disk in memory that logs its requests and fails when told to. */
export class FakeBlockBackend implements BlockBackend {
  readonly bytes: Uint8Array;
  readonly readOnly: boolean;
  readonly requests: string[] = [];
  /** The next request fails with this. */
  failNext: Error | undefined;
  readonly readv?: (offset: number, into: readonly Uint8Array[]) => void;
  readonly writev?: (offset: number, from: readonly Uint8Array[]) => void;
  readonly #asynchronous: boolean;

  constructor(contents: Uint8Array | number, options: FakeBlockBackendOptions = {}) {
    this.bytes = typeof contents === 'number' ? new Uint8Array(contents) : contents;
    this.readOnly = options.readOnly ?? false;
    this.#asynchronous = options.asynchronous ?? false;
    if (options.vectored !== true) return;
    this.readv = (offset, into) => this.#readv(offset, into);
    this.writev = (offset, from) => this.#writev(offset, from);
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, into: Uint8Array): Promise<void> | void {
    return this.#do(`read ${offset}+${into.length}`, () => {
      this.#check(offset, into.length);
      into.set(this.bytes.subarray(offset, offset + into.length));
    });
  }

  write(offset: number, from: Uint8Array): Promise<void> | void {
    return this.#do(`write ${offset}+${from.length}`, () => {
      if (this.readOnly) throw new Error('the disk is read-only');
      this.#check(offset, from.length);
      this.bytes.set(from, offset);
    });
  }

  flush(): Promise<void> | void {
    return this.#do('flush', () => undefined);
  }

  discard(offset: number, length: number): Promise<void> | void {
    return this.#do(`discard ${offset}+${length}`, () => {
      this.#check(offset, length);
      this.bytes.fill(0, offset, offset + length);
    });
  }

  writeZeroes(offset: number, length: number, mayUnmap: boolean): Promise<void> | void {
    return this.#do(`writeZeroes ${offset}+${length}${mayUnmap ? ' unmap' : ''}`, () => {
      this.#check(offset, length);
      this.bytes.fill(0, offset, offset + length);
    });
  }

  #readv(offset: number, into: readonly Uint8Array[]): void {
    void this.#do(`readv ${offset}+${into.map(({ length }) => length).join('+')}`, () =>
      this.#each(offset, into, (at, buffer) => buffer.set(this.bytes.subarray(at, at + buffer.length))),
    );
  }

  #writev(offset: number, from: readonly Uint8Array[]): void {
    void this.#do(`writev ${offset}+${from.map(({ length }) => length).join('+')}`, () => {
      if (this.readOnly) throw new Error('the disk is read-only');
      this.#each(offset, from, (at, buffer) => this.bytes.set(buffer, at));
    });
  }

  #each(offset: number, buffers: readonly Uint8Array[], move: (at: number, buffer: Uint8Array) => void): void {
    let at = offset;
    for (const buffer of buffers) {
      this.#check(at, buffer.length);
      move(at, buffer);
      at += buffer.length;
    }
  }

  #do(request: string, work: () => void): Promise<void> | void {
    this.requests.push(request);
    const failure = this.failNext;
    this.failNext = undefined;
    const act = (): void => {
      if (failure !== undefined) throw failure;
      work();
    };
    if (this.#asynchronous) return Promise.resolve().then(act);
    act();
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || offset + length > this.bytes.length) {
      throw new RangeError(`${offset}+${length} is outside the disk of ${this.bytes.length} bytes`);
    }
  }
}
