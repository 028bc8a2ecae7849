import type { GuestMemory } from '@pckit/interfaces';

/** Hands out pieces of guest memory, zeroed. What is given back is handed out again. */
export class GuestArena {
  readonly #free = new Map<number, number[]>();
  #next: number;

  constructor(
    readonly memory: GuestMemory,
    base: number,
  ) {
    this.#next = base;
  }

  allocate(length: number, align = 16): number {
    const rounded = roundUp(length);
    const again = align <= 16 ? this.#free.get(rounded)?.pop() : undefined;
    const address = again ?? Math.ceil(this.#next / align) * align;
    if (again === undefined) this.#next = address + rounded;
    const bytes = this.memory.borrow(address, length, 'write');
    if (bytes === undefined) throw new Error(`guest memory is used up: ${length} bytes at 0x${address.toString(16)}`);
    bytes.fill(0);
    return address;
  }

  release(address: number, length: number): void {
    const rounded = roundUp(length);
    const list = this.#free.get(rounded);
    if (list === undefined) this.#free.set(rounded, [address]);
    else list.push(address);
  }

  read(address: number, length: number): Uint8Array {
    const bytes = this.memory.borrow(address, length, 'read');
    if (bytes === undefined) throw new Error(`${length} bytes at 0x${address.toString(16)} are not RAM`);
    return bytes.slice();
  }

  write(address: number, from: Uint8Array): void {
    const bytes = this.memory.borrow(address, from.length, 'write');
    if (bytes === undefined) throw new Error(`${from.length} bytes at 0x${address.toString(16)} are not RAM`);
    bytes.set(from);
  }
}

function roundUp(length: number): number {
  let rounded = 16;
  while (rounded < length) rounded *= 2;
  return rounded;
}
