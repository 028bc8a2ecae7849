import { ChipsetError } from '../chipset-error.js';
import { buffer } from './aml.js';
import type { AmlValue } from './aml.js';

/** Resource descriptors of `_CRS`, `_PRS` and `_SRS`: ACPI 6.5, section 6.4. */

export interface AmlResource {
  readonly bytes: readonly number[];
}

/** Small items: type and length in one byte (section 6.4.2). */
const IRQ_NO_FLAGS = 0x22;
const IO_PORT = 0x47;
const END_TAG = 0x79;

/** Large items (section 6.4.3). */
const MEMORY_32_FIXED = 0x86;
const DWORD_ADDRESS_SPACE = 0x87;
const WORD_ADDRESS_SPACE = 0x88;
const EXTENDED_INTERRUPT = 0x89;
const QWORD_ADDRESS_SPACE = 0x8a;

const TYPE_MEMORY = 0;
const TYPE_IO = 1;
const TYPE_BUS = 2;
/** Producer, positive decode, both ends fixed. */
const WINDOW_FLAGS = 0x0c;
const MEMORY_READ_WRITE = 0x01;
const MEMORY_CACHEABLE = 0x02;
const IO_ENTIRE_RANGE = 0x03;

const INTERRUPT_CONSUMER = 1 << 0;
const INTERRUPT_EDGE = 1 << 1;
const INTERRUPT_ACTIVE_LOW = 1 << 2;
const INTERRUPT_SHARED = 1 << 3;

/** `ResourceTemplate () { ... }` */
export function resourceTemplate(...resources: readonly AmlResource[]): AmlValue {
  // A checksum of zero means "not checked" (section 6.4.2.9).
  return buffer([...resources.flatMap(({ bytes }) => bytes), END_TAG, 0]);
}

/** `IO (Decode16, base, base, 1, length)` */
export function ioPorts(base: number, length: number): AmlResource {
  check('I/O ports', base, base + length - 1, 0xffff);
  return { bytes: [IO_PORT, 1, ...little(base, 2), ...little(base, 2), 1, length] };
}

/** `IRQNoFlags () { irq }`: edge triggered, active high, exclusive. */
export function irqNoFlags(irq: number): AmlResource {
  check('IRQ', irq, irq, 15);
  return { bytes: [IRQ_NO_FLAGS, ...little(1 << irq, 2)] };
}

export interface InterruptOptions {
  readonly trigger: 'level' | 'edge';
  readonly polarity: 'high' | 'low';
  readonly shared: boolean;
}

/** `Interrupt (ResourceConsumer, ...) { gsis }` */
export function interrupt(gsis: readonly number[], { trigger, polarity, shared }: InterruptOptions): AmlResource {
  const flags =
    INTERRUPT_CONSUMER | (trigger === 'edge' ? INTERRUPT_EDGE : 0) | (polarity === 'low' ? INTERRUPT_ACTIVE_LOW : 0) | (shared ? INTERRUPT_SHARED : 0);
  return large(EXTENDED_INTERRUPT, [flags, gsis.length, ...gsis.flatMap((gsi) => little(gsi, 4))]);
}

/** `Memory32Fixed (access, base, length)` */
export function memory32Fixed(base: number, length: number, access: 'read-write' | 'read-only'): AmlResource {
  check('memory', base, base + length - 1, 0xffff_ffff);
  return large(MEMORY_32_FIXED, [access === 'read-write' ? 1 : 0, ...little(base, 4), ...little(length, 4)]);
}

/** `WordBusNumber (ResourceProducer, ...)`, first to last bus. */
export function busNumbers(first: number, last: number): AmlResource {
  return window(WORD_ADDRESS_SPACE, TYPE_BUS, 0, first, last, 2);
}

/** `WordIO (ResourceProducer, ...)` */
export function ioWindow(first: number, last: number): AmlResource {
  return window(WORD_ADDRESS_SPACE, TYPE_IO, IO_ENTIRE_RANGE, first, last, 2);
}

/** `DWordMemory` below 4 GiB, else `QWordMemory`, read-write. */
export function memoryWindow(first: number, last: number, options: { readonly cacheable?: boolean } = {}): AmlResource {
  const flags = MEMORY_READ_WRITE | (options.cacheable === true ? MEMORY_CACHEABLE : 0);
  if (last <= 0xffff_ffff) return window(DWORD_ADDRESS_SPACE, TYPE_MEMORY, flags, first, last, 4);
  return window(QWORD_ADDRESS_SPACE, TYPE_MEMORY, flags, first, last, 8);
}

function window(tag: number, type: number, typeFlags: number, first: number, last: number, width: 2 | 4 | 8): AmlResource {
  check('a window', first, last, width === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * width) - 1);
  // Its length would need a bit more than the field has.
  if (last - first + 1 >= 2 ** (8 * width)) throw new ChipsetError('aml', `a window of all ${2 ** (8 * width)} addresses can't be expressed`);
  const granularity = 0;
  const translation = 0;
  const values = [granularity, first, last, translation, last - first + 1];
  return large(tag, [type, WINDOW_FLAGS, typeFlags, ...values.flatMap((v) => little(v, width))]);
}

function large(tag: number, body: readonly number[]): AmlResource {
  return { bytes: [tag, ...little(body.length, 2), ...body] };
}

function little(value: number, width: number): number[] {
  const bytes: number[] = [];
  for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) bytes.push(rest % 256);
  return bytes;
}

function check(what: string, first: number, last: number, limit: number): void {
  if (!Number.isInteger(first) || first < 0 || last < first || last > limit) {
    throw new ChipsetError('aml', `${what} 0x${first.toString(16)}..0x${last.toString(16)} is outside 0..0x${limit.toString(16)}`);
  }
}
