import { FakeGuestMemory } from '@pckit/device-testing';
import { DmaPieces } from '@pckit/interfaces';
import type { GuestMemory } from '@pckit/interfaces';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DescriptorChain, MAX_CHAIN } from './descriptor-chain.js';
import { QUEUE_DESC, QUEUE_DEVICE, QUEUE_DRIVER, Virtqueue } from './virtqueue.js';
import type { QueueOwner } from './virtqueue.js';

const SIZE = 8;
const TABLE = 0x1000;
const AVAILABLE = 0x2000;
const USED = 0x3000;
const BUFFERS = 0x4000;
const LENGTH = 0x8000;

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

class Owner implements QueueOwner {
  live = true;
  eventIndex = false;
  indirect = true;
  interrupts = 0;
  readonly failures: string[] = [];

  constructor(readonly memory: GuestMemory) {}

  fail(_queue: number, code: string): void {
    this.failures.push(code);
    this.live = false;
  }

  interrupt(): void {
    this.interrupts++;
  }
}

interface Rig {
  readonly memory: FakeGuestMemory;
  readonly owner: Owner;
  readonly queue: Virtqueue;
  readonly chain: DescriptorChain;
  descriptor(table: number, index: number, address: number, length: number, flags: number, next?: number): void;
  offer(head: number): void;
}

function rig(length = LENGTH, size = SIZE): Rig {
  const memory = new FakeGuestMemory({ length });
  const owner = new Owner(memory);
  const queue = new Virtqueue(0, 256, owner);
  queue.setSize(size);
  queue.setAddressWord(QUEUE_DESC, 0, TABLE);
  queue.setAddressWord(QUEUE_DRIVER, 0, AVAILABLE);
  queue.setAddressWord(QUEUE_DEVICE, 0, USED);
  queue.enable();
  queue.begin();
  let available = 0;
  return {
    memory,
    owner,
    queue,
    chain: new DescriptorChain(),
    descriptor(table, index, address, bytes, flags, next = 0) {
      memory.writeAddress(table + 16 * index, address);
      memory.writeU32(table + 16 * index + 8, bytes);
      memory.writeU16(table + 16 * index + 12, flags);
      memory.writeU16(table + 16 * index + 14, next);
    },
    offer(head) {
      memory.writeU16(AVAILABLE + 4 + 2 * (available % size), head);
      available = (available + 1) & 0xffff;
      memory.writeU16(AVAILABLE + 2, available);
    },
  };
}

const buffers = (chain: DescriptorChain): number[][] => Array.from({ length: chain.count }, (_, i) => [chain.addresses[i] as number, chain.lengths[i] as number]);

describe('a virtqueue takes chains', () => {
  it('walks a chain in the order of its next fields, readable part first', () => {
    const { descriptor, offer, queue, chain } = rig();
    descriptor(TABLE, 3, BUFFERS, 16, NEXT, 1);
    descriptor(TABLE, 1, BUFFERS + 0x100, 512, NEXT, 7);
    descriptor(TABLE, 7, BUFFERS + 0x400, 1, WRITE);
    offer(3);
    expect(queue.pop(chain)).toBe(true);
    expect(chain.head).toBe(3);
    expect(buffers(chain)).toEqual([
      [BUFFERS, 16],
      [BUFFERS + 0x100, 512],
      [BUFFERS + 0x400, 1],
    ]);
    expect([chain.readableCount, chain.readableBytes, chain.writableBytes]).toEqual([2, 528, 1]);
    expect(queue.pop(chain)).toBe(false);
  });

  it('walks an indirect table after direct descriptors', () => {
    const { descriptor, offer, queue, chain } = rig();
    descriptor(TABLE, 0, BUFFERS, 16, NEXT, 1);
    descriptor(TABLE, 1, BUFFERS + 0x1000, 48, INDIRECT);
    descriptor(BUFFERS + 0x1000, 0, BUFFERS + 0x100, 4, NEXT, 2);
    descriptor(BUFFERS + 0x1000, 2, BUFFERS + 0x200, 8, WRITE | NEXT, 1);
    descriptor(BUFFERS + 0x1000, 1, BUFFERS + 0x300, 1, WRITE);
    offer(0);
    expect(queue.pop(chain)).toBe(true);
    expect(buffers(chain).map(([address]) => address)).toEqual([BUFFERS, BUFFERS + 0x100, BUFFERS + 0x200, BUFFERS + 0x300]);
    expect(chain.writableBytes).toBe(9);
  });

  it('takes an indirect chain that is longer than the queue', () => {
    const { descriptor, offer, queue, chain } = rig();
    const table = BUFFERS + 0x1000;
    for (let i = 0; i < 100; i++) descriptor(table, i, BUFFERS, 4, i < 99 ? NEXT : 0, i + 1);
    descriptor(TABLE, 0, table, 1600, INDIRECT);
    offer(0);
    expect(queue.pop(chain)).toBe(true);
    expect(chain.count).toBe(100);
  });

  it('goes round the ring and past 65535 entries', () => {
    const { memory, descriptor, offer, queue, chain } = rig();
    descriptor(TABLE, 2, BUFFERS, 4, WRITE);
    for (let i = 0; i < 65_540; i++) {
      offer(2);
      queue.begin();
      expect(queue.pop(chain)).toBe(true);
      queue.push(chain.head, i);
    }
    expect(memory.readU16(USED + 2)).toBe(4);
    expect(memory.readU32(USED + 4 + 8 * 3 + 4)).toBe(65_539);
  });

  it('reads and writes the bytes of a chain across its buffers', () => {
    const { memory, descriptor, offer, queue, chain } = rig();
    descriptor(TABLE, 0, BUFFERS, 3, NEXT, 1);
    descriptor(TABLE, 1, BUFFERS + 0x100, 2, NEXT, 2);
    descriptor(TABLE, 2, BUFFERS + 0x200, 1, NEXT | WRITE, 3);
    descriptor(TABLE, 3, BUFFERS + 0x300, 4, WRITE);
    memory.bytes.set([10, 11, 12], BUFFERS);
    memory.bytes.set([13, 14], BUFFERS + 0x100);
    offer(0);
    queue.pop(chain);
    const into = new Uint8Array(8);
    expect(chain.read(memory, 1, into)).toBe(4);
    expect([...into]).toEqual([11, 12, 13, 14, 0, 0, 0, 0]);
    expect(chain.write(memory, 0, Uint8Array.of(1, 2, 3))).toBe(3);
    expect(chain.write(memory, 3, Uint8Array.of(4, 5, 6))).toBe(2);
    expect([memory.bytes[BUFFERS + 0x200], ...memory.bytes.slice(BUFFERS + 0x300, BUFFERS + 0x305)]).toEqual([1, 2, 3, 4, 5, 0]);
    const pieces = new DmaPieces();
    expect(chain.addReadable(memory, 1, 9, pieces)).toBe(4);
    expect(pieces.borrow(memory, 'read').map((view) => [...view])).toEqual([[11, 12], [13, 14]]);
    pieces.clear();
    expect(chain.addWritable(memory, 1, 3, pieces)).toBe(3);
    expect(pieces.borrow(memory, 'write').map((view) => [...view])).toEqual([[2, 3, 4]]);
  });

  it('yields no more than its size in one turn, even if a buffer lies over the available ring', () => {
    const { memory, descriptor, offer, queue, chain } = rig();
    descriptor(TABLE, 0, AVAILABLE, 16, WRITE);
    offer(0);
    let taken = 0;
    for (; queue.pop(chain) && taken < 1000; taken++) memory.writeU16(AVAILABLE + 2, memory.readU16(AVAILABLE + 2) + 1);
    expect(taken).toBe(SIZE);
  });
});

describe('a virtqueue interrupts', () => {
  it('once for each signal with something new, unless the driver says no', () => {
    const { memory, owner, queue } = rig();
    queue.signal();
    expect(owner.interrupts).toBe(0);
    queue.push(0, 0);
    queue.push(1, 0);
    queue.signal();
    queue.signal();
    expect(owner.interrupts).toBe(1);
    memory.writeU16(AVAILABLE, 1);
    queue.push(2, 0);
    queue.signal();
    expect(owner.interrupts).toBe(1);
  });

  // VIRTIO 1.2, 2.7.7.2
  it('with event index when used_event is passed, across the wrap of the index', () => {
    const { memory, owner, queue } = rig();
    owner.eventIndex = true;
    const usedEvent = AVAILABLE + 4 + 2 * SIZE;
    for (let used = 0; used < 65_536 + 20; used++) {
      const wanted = used % 3 === 0;
      memory.writeU16(usedEvent, wanted ? used : used + 5);
      const before = owner.interrupts;
      queue.push(0, 0);
      queue.signal();
      expect(owner.interrupts - before).toBe(wanted ? 1 : 0);
    }
  });

  it('with event index asks for a ring when it has run dry, and not before', () => {
    const { memory, owner, descriptor, offer, queue, chain } = rig();
    owner.eventIndex = true;
    const availableEvent = USED + 4 + 8 * SIZE;
    descriptor(TABLE, 0, BUFFERS, 4, 0);
    offer(0);
    offer(0);
    queue.pop(chain);
    expect(memory.readU16(availableEvent)).toBe(0);
    queue.pop(chain);
    queue.pop(chain);
    expect(memory.readU16(availableEvent)).toBe(2);
  });
});

describe('a virtqueue refuses', () => {
  const refused = (name: string, code: string, arrange: (r: Rig) => void): void => {
    it(name, () => {
      const r = rig();
      arrange(r);
      r.memory.writes.length = 0;
      expect(r.queue.pop(r.chain)).toBe(false);
      expect(r.owner.failures).toEqual([code]);
      expect(r.memory.writes).toEqual([]);
      // Broken: nothing more happens until the reset.
      expect(r.queue.pop(r.chain)).toBe(false);
      r.queue.push(0, 0);
      r.queue.signal();
      expect(r.memory.writes).toEqual([]);
      expect(r.owner.interrupts).toBe(0);
    });
  };

  refused('an available index too far ahead', 'available-index', ({ memory }) => memory.writeU16(AVAILABLE + 2, SIZE + 1));
  refused('a head beyond the table', 'descriptor-index', ({ offer }) => offer(SIZE));
  refused('a next beyond the table', 'descriptor-index', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, BUFFERS, 4, NEXT, SIZE);
    offer(0);
  });
  refused('a chain that loops', 'chain-length', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, BUFFERS, 4, NEXT, 1);
    descriptor(TABLE, 1, BUFFERS, 4, NEXT, 0);
    offer(0);
  });
  refused('a descriptor that follows itself', 'chain-length', ({ descriptor, offer }) => {
    descriptor(TABLE, 5, BUFFERS, 4, NEXT, 5);
    offer(5);
  });
  refused('an indirect table that loops', 'chain-length', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, BUFFERS + 0x1000, 32, INDIRECT);
    descriptor(BUFFERS + 0x1000, 0, BUFFERS, 4, NEXT, 1);
    descriptor(BUFFERS + 0x1000, 1, BUFFERS, 4, NEXT, 0);
    offer(0);
  });
  refused('an indirect table within an indirect table', 'indirect', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, BUFFERS + 0x1000, 16, INDIRECT);
    descriptor(BUFFERS + 0x1000, 0, BUFFERS + 0x1000, 16, INDIRECT);
    offer(0);
  });
  refused('an indirect table followed by more', 'indirect', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, BUFFERS + 0x1000, 16, INDIRECT | NEXT, 1);
    offer(0);
  });
  refused('an indirect table of half a descriptor', 'indirect', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, BUFFERS + 0x1000, 24, INDIRECT);
    offer(0);
  });
  refused('an empty indirect table', 'indirect', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, BUFFERS + 0x1000, 0, INDIRECT);
    offer(0);
  });
  refused('an indirect table outside RAM', 'indirect', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, LENGTH - 8, 16, INDIRECT);
    offer(0);
  });
  refused('an indirect table that was not negotiated', 'indirect', ({ owner, descriptor, offer }) => {
    owner.indirect = false;
    descriptor(TABLE, 0, BUFFERS + 0x1000, 16, INDIRECT);
    descriptor(BUFFERS + 0x1000, 0, BUFFERS, 4, 0);
    offer(0);
  });
  refused('a buffer outside RAM', 'descriptor-address', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, LENGTH - 3, 4, WRITE);
    offer(0);
  });
  refused('a buffer at an address that no number holds', 'descriptor-address', ({ memory, descriptor, offer }) => {
    descriptor(TABLE, 0, 0, 4, WRITE);
    memory.writeU32(TABLE, 0xffff_fffe);
    memory.writeU32(TABLE + 4, 0xffff_ffff);
    offer(0);
  });
  refused('an empty buffer', 'descriptor-length', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, BUFFERS, 0, 0);
    offer(0);
  });
  refused('a readable buffer after a writable one', 'descriptor-order', ({ descriptor, offer }) => {
    descriptor(TABLE, 0, BUFFERS, 4, NEXT | WRITE, 1);
    descriptor(TABLE, 1, BUFFERS, 4, 0);
    offer(0);
  });

  it(`more than ${MAX_CHAIN} buffers in an indirect table`, () => {
    const r = rig(0x20000);
    const table = 0x8000;
    for (let i = 0; i < 2000; i++) r.descriptor(table, i, BUFFERS, 4, NEXT, i + 1);
    r.descriptor(TABLE, 0, table, 2000 * 16, INDIRECT);
    r.offer(0);
    expect(r.queue.pop(r.chain)).toBe(false);
    expect(r.owner.failures).toEqual(['chain-length']);
    expect(r.chain.count).toBe(MAX_CHAIN);
  });

  const place = (desc: number, available: number, used: number, size = SIZE): Owner => {
    const owner = new Owner(new FakeGuestMemory({ length: LENGTH }));
    const queue = new Virtqueue(0, 256, owner);
    queue.setSize(size);
    [desc, available, used].forEach((address, part) => {
      queue.setAddressWord(part as 0 | 1 | 2, 0, address % 2 ** 32);
      queue.setAddressWord(part as 0 | 1 | 2, 1, Math.floor(address / 2 ** 32));
    });
    queue.enable();
    expect(queue.enabled).toBe(owner.failures.length === 0);
    return owner;
  };

  it('rings that are misaligned or not wholly in RAM', () => {
    expect(place(TABLE, AVAILABLE, USED).failures).toEqual([]);
    expect(place(TABLE + 8, AVAILABLE, USED).failures).toEqual(['ring-address']);
    expect(place(TABLE, AVAILABLE + 1, USED).failures).toEqual(['ring-address']);
    expect(place(TABLE, AVAILABLE, USED + 2).failures).toEqual(['ring-address']);
    expect(place(LENGTH - 16 * SIZE, AVAILABLE, USED).failures).toEqual([]);
    expect(place(LENGTH - 16 * SIZE + 16, AVAILABLE, USED).failures).toEqual(['ring-address']);
    expect(place(TABLE, LENGTH - 2 * SIZE - 4, USED).failures).toEqual(['ring-address']);
    expect(place(TABLE, AVAILABLE, LENGTH - 8 * SIZE - 4).failures).toEqual(['ring-address']);
    expect(place(2 ** 63, AVAILABLE, USED).failures).toEqual(['ring-address']);
  });

  it('sizes that are no power of two, none, or too large', () => {
    for (const size of [0, 3, 12, 512, 65535]) expect(place(TABLE, AVAILABLE, USED, size).failures).toEqual(['ring-size']);
  });

  it('to move an enabled queue', () => {
    const { queue, memory, descriptor, offer, chain } = rig();
    queue.setAddressWord(QUEUE_DESC, 0, 0xffff_f000);
    queue.setSize(256);
    descriptor(TABLE, 0, BUFFERS, 4, 0);
    offer(0);
    expect(queue.pop(chain)).toBe(true);
    expect(memory.contains(chain.addresses[0] as number, 4)).toBe(true);
  });
});

describe('a virtqueue under hostile rings', () => {
  it('fails or ends whatever the size of RAM', () => {
    // Everything the walk reads is cut off at every length in turn.
    const end = BUFFERS + 0x240;
    for (let length = TABLE; length < end + 8; length += length < BUFFERS ? 61 : 1) {
      const r = rig(length);
      r.descriptor(TABLE, 0, BUFFERS, 16, NEXT, 1);
      r.descriptor(TABLE, 1, BUFFERS + 0x200, 32, INDIRECT);
      r.descriptor(BUFFERS + 0x200, 0, BUFFERS + 0x100, 8, NEXT, 1);
      r.descriptor(BUFFERS + 0x200, 1, BUFFERS + 0x220, 32, WRITE);
      r.offer(0);
      const taken = r.queue.pop(r.chain);
      expect(taken).toBe(length >= end && r.queue.enabled && r.owner.failures.length === 0);
      if (!taken) expect(r.owner.failures).toHaveLength(1);
    }
  });

  it('never throws, never leaves RAM, and does a bounded amount of work', () => {
    const word = fc.oneof(fc.constantFrom(0, 1, 2, 7, 8, 0xffff, TABLE, AVAILABLE, USED, BUFFERS, LENGTH - 1, 0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff }));
    const descriptor = fc.record({
      address: fc.oneof(fc.integer({ min: 0, max: LENGTH }), fc.constantFrom(TABLE, AVAILABLE, USED), word),
      high: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: word }),
      length: fc.oneof(fc.integer({ min: 0, max: 64 }), fc.constantFrom(16, 32, 128), word),
      flags: fc.oneof(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 0xffff })),
      next: fc.oneof(fc.integer({ min: 0, max: SIZE }), fc.integer({ min: 0, max: 0xffff })),
    });
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(descriptor, { minLength: SIZE, maxLength: SIZE }),
        fc.array(descriptor, { minLength: 8, maxLength: 8 }),
        fc.array(fc.integer({ min: 0, max: SIZE + 1 }), { minLength: SIZE, maxLength: SIZE }),
        fc.integer({ min: 0, max: SIZE + 2 }),
        fc.boolean(),
        (direct, indirect, heads, available, eventIndex) => {
          const r = rig();
          r.owner.eventIndex = eventIndex;
          const lay = (table: number) => (d: (typeof direct)[0], i: number) => {
            r.descriptor(table, i, d.address, d.length, d.flags, d.next);
            r.memory.writeU32(table + 16 * i + 4, d.high);
          };
          direct.forEach(lay(TABLE));
          indirect.forEach(lay(BUFFERS));
          heads.forEach((head, i) => r.memory.writeU16(AVAILABLE + 4 + 2 * i, head));
          r.memory.writeU16(AVAILABLE + 2, available);
          let turns = 0;
          while (r.queue.pop(r.chain)) {
            expect(++turns).toBeLessThanOrEqual(SIZE);
            expect(r.chain.count).toBeLessThanOrEqual(MAX_CHAIN);
            for (const [address, length] of buffers(r.chain)) expect(r.memory.contains(address as number, length as number)).toBe(true);
            // A device that writes where the guest says, over its rings if need be.
            r.queue.push(r.chain.head, r.chain.write(r.memory, 0, new Uint8Array(64).fill(turns)));
          }
          r.queue.signal();
          outcomes.add(r.owner.failures[0] ?? (turns > 0 ? 'served' : 'idle'));
        },
      ),
      { seed: 20260101, numRuns: 4000 },
    );
    // The generator reaches every rule, so the run above means something.
    expect([...outcomes].sort()).toEqual(
      ['available-index', 'chain-length', 'descriptor-address', 'descriptor-index', 'descriptor-length', 'descriptor-order', 'idle', 'indirect', 'served'].sort(),
    );
  });
});
