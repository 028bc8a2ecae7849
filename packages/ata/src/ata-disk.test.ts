import { FakeBlockBackend } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AtaDisk } from './ata-disk.js';
import type { AtaPlan } from './plan.js';
import * as tf from './taskfile.js';
import type { Taskfile } from './taskfile.js';

const taskfile = (fields: Partial<Taskfile>): Taskfile => ({ command: 0, features: 0, count: 0, lba: 0, device: tf.DEVICE_LBA, ...fields });
const disk = (bytes = 1 << 20, options = {}): AtaDisk => new AtaDisk(new FakeBlockBackend(bytes), options);
const words = (plan: AtaPlan): DataView => {
  if (plan.step !== 'bytes') throw new Error(`it is ${plan.step}`);
  return new DataView(plan.data.buffer, plan.data.byteOffset, plan.data.length);
};
const word = (view: DataView, index: number): number => view.getUint16(2 * index, true);
const text = (view: DataView, first: number, count: number): string =>
  Array.from({ length: count }, (_, i) => String.fromCharCode(view.getUint8(2 * (first + i) + 1), view.getUint8(2 * (first + i)))).join('').trimEnd();

describe('IDENTIFY DEVICE', () => {
  it('says who it is, how large, and sums up to zero (ATA8-ACS table 22)', () => {
    const view = words(disk(1 << 20, { model: 'A MODEL', serial: 'S1', firmware: '2.5' }).plan(taskfile({ command: tf.CMD_IDENTIFY_DEVICE })));
    expect([text(view, 27, 20), text(view, 10, 10), text(view, 23, 4)]).toEqual(['A MODEL', 'S1', '2.5']);
    expect(view.getUint32(120, true)).toBe(2048);
    expect(view.getBigUint64(200, true)).toBe(2048n);
    expect(word(view, 0) & 0x8000).toBe(0);
    // 48-bit addresses, FLUSH CACHE and FLUSH CACHE EXT; no SMART, no HPA, no security.
    expect(word(view, 83) & 0x3400).toBe(0x3400);
    expect(word(view, 82) & 0x0403).toBe(0);
    let sum = 0;
    for (let i = 0; i < 512; i++) sum += view.getUint8(i);
    expect(sum & 0xff).toBe(0);
  });

  it('reports 28-bit capacity no higher than 28 bits hold', () => {
    const backend = { size: 2 ** 40, readOnly: false, read: () => undefined, write: () => undefined, flush: () => undefined };
    const view = words(new AtaDisk(backend).plan(taskfile({ command: tf.CMD_IDENTIFY_DEVICE })));
    expect(view.getUint32(120, true)).toBe(0x0fff_ffff);
    expect(view.getBigUint64(200, true)).toBe(2n ** 31n);
  });

  it('reports the mode that was selected, and only that', () => {
    const each = disk();
    const mode = (count: number): AtaPlan => each.plan(taskfile({ command: tf.CMD_SET_FEATURES, features: 3, count }));
    const reported = (): number[] => {
      const view = words(each.plan(taskfile({ command: tf.CMD_IDENTIFY_DEVICE })));
      return [word(view, 63), word(view, 88)];
    };
    expect(mode(0x22)).toEqual({ step: 'end', error: 0 });
    expect(reported()).toEqual([0x0407, 0x003f]);
    expect(mode(0x45)).toEqual({ step: 'end', error: 0 });
    expect(reported()).toEqual([0x0007, 0x203f]);
    expect(mode(0x47)).toEqual({ step: 'end', error: tf.ERROR_ABRT });
    expect(mode(0x0c)).toEqual({ step: 'end', error: 0 });
  });

  it('offers queued commands on Serial ATA only, and TRIM where the backend discards', () => {
    const identify = taskfile({ command: tf.CMD_IDENTIFY_DEVICE });
    const pata = words(disk().plan(identify));
    const sata = words(disk(1 << 20, { sata: true }).plan(identify));
    expect([word(pata, 76), word(sata, 76) & 0x0100]).toEqual([0, 0x0100]);
    expect(word(pata, 169)).toBe(1);
    const none = { size: 1 << 20, readOnly: false, read: () => undefined, write: () => undefined, flush: () => undefined };
    expect(word(words(new AtaDisk(none).plan(identify)), 169)).toBe(0);
  });
});

describe('reads and writes', () => {
  it('take a count of 0 for 256 or 65536 sectors', () => {
    const each = disk(65536 * 512);
    expect(each.plan(taskfile({ command: tf.CMD_READ_DMA }))).toMatchObject({ offset: 0, length: 256 * 512 });
    expect(each.plan(taskfile({ command: tf.CMD_READ_DMA_EXT }))).toMatchObject({ offset: 0, length: 65536 * 512 });
  });

  it('take bits 27:24 of a 28-bit address from the device register', () => {
    const backend = { size: 2 ** 38, readOnly: false, read: () => undefined, write: () => undefined, flush: () => undefined };
    expect(new AtaDisk(backend).plan(taskfile({ command: tf.CMD_READ_SECTORS, count: 1, lba: 5, device: tf.DEVICE_LBA | 3 }))).toMatchObject({ offset: (3 * 2 ** 24 + 5) * 512 });
  });

  it('translate cylinder, head and sector', () => {
    const each = disk(10 << 20);
    // Cylinder 1, head 2, sector 3 of 16 heads and 63 sectors.
    const plan = each.plan(taskfile({ command: tf.CMD_READ_SECTORS, count: 1, lba: 0x00_01_03, device: 2 }));
    expect(plan).toMatchObject({ offset: ((1 * 16 + 2) * 63 + 2) * 512 });
    expect(each.plan(taskfile({ command: tf.CMD_READ_SECTORS, count: 1, lba: 0, device: 0 }))).toMatchObject({ error: tf.ERROR_IDNF });
  });

  it('end at the end of the disk', () => {
    const each = disk(1 << 20);
    expect(each.plan(taskfile({ command: tf.CMD_READ_DMA, count: 2, lba: 2047 }))).toEqual({ step: 'end', error: tf.ERROR_IDNF, lba: 2047 });
    expect(each.plan(taskfile({ command: tf.CMD_WRITE_DMA_EXT, count: 1, lba: 2 ** 47 }))).toMatchObject({ error: tf.ERROR_IDNF });
  });

  it('are refused on a write-protected disk, when they write', () => {
    const each = new AtaDisk(new FakeBlockBackend(4096, { readOnly: true }));
    expect(each.plan(taskfile({ command: tf.CMD_WRITE_DMA, count: 1 }))).toMatchObject({ step: 'end', error: tf.ERROR_ABRT });
    expect(each.plan(taskfile({ command: tf.CMD_READ_DMA, count: 1 }))).toMatchObject({ step: 'media' });
  });

  it('are durable with FUA, and without a write cache', () => {
    const each = disk();
    const durable = (command: number): unknown => (each.plan(taskfile({ command, count: 1 })) as { durable?: boolean }).durable;
    expect([durable(tf.CMD_WRITE_DMA), durable(tf.CMD_WRITE_DMA_FUA_EXT)]).toEqual([false, true]);
    expect(each.plan(taskfile({ command: tf.CMD_SET_FEATURES, features: 0x82 }))).toEqual({ step: 'work', work: 'flush' });
    expect([durable(tf.CMD_WRITE_DMA), durable(tf.CMD_READ_DMA)]).toEqual([true, false]);
  });

  it('move as many sectors between interrupts as SET MULTIPLE MODE said', () => {
    const each = disk();
    expect(each.plan(taskfile({ command: tf.CMD_SET_MULTIPLE_MODE, count: 8 }))).toMatchObject({ error: 0 });
    expect(each.plan(taskfile({ command: tf.CMD_READ_MULTIPLE, count: 16 }))).toMatchObject({ block: 4096 });
    expect(each.plan(taskfile({ command: tf.CMD_SET_MULTIPLE_MODE, count: 3 }))).toMatchObject({ error: tf.ERROR_ABRT });
    each.plan(taskfile({ command: tf.CMD_SET_MULTIPLE_MODE, count: 0 }));
    expect(each.plan(taskfile({ command: tf.CMD_READ_MULTIPLE, count: 16 }))).toMatchObject({ error: tf.ERROR_ABRT });
  });
});

describe('the rest', () => {
  it.each([
    ['SMART', 0xb0],
    ['SECURITY SET PASSWORD', 0xf1],
    ['READ NATIVE MAX ADDRESS', 0xf8],
    ['SET MAX ADDRESS', 0xf9],
    ['DEVICE CONFIGURATION', 0xb1],
    ['PACKET', 0xa0],
    ['NOP', 0x00],
  ])('%s is aborted', (_, command) => expect(disk().plan(taskfile({ command }))).toEqual({ step: 'end', error: tf.ERROR_ABRT }));

  it('TRIM passes ranges within the disk, and no other', () => {
    const each = disk();
    expect(each.plan(taskfile({ command: tf.CMD_DATA_SET_MANAGEMENT, features: 1, count: 1 }))).toEqual({ step: 'receive', protocol: 'dma', block: 512, length: 512 });
    const list = new Uint8Array(512);
    const view = new DataView(list.buffer);
    view.setUint32(0, 16, true);
    view.setUint16(6, 8, true);
    expect(each.accept(list)).toEqual({ step: 'work', work: 'trim', ranges: [16 * 512, 8 * 512] });
    view.setUint16(6, 4000, true);
    expect(each.accept(list)).toMatchObject({ error: tf.ERROR_IDNF | tf.ERROR_ABRT });
    expect(each.accept(new Uint8Array(512))).toMatchObject({ step: 'end', error: 0 });
  });

  it('keeps the failed queued command in log 10H', () => {
    const each = disk(1 << 20, { sata: true });
    each.queuedFailed(7, taskfile({ count: 7 << 3, lba: 0x1234 }), { step: 'end', error: tf.ERROR_UNC, lba: 0x1234 });
    const log = words(each.plan(taskfile({ command: tf.CMD_READ_LOG_EXT, lba: 0x10, count: 1 })));
    expect([log.getUint8(0), log.getUint8(2), log.getUint8(3), log.getUint8(4), log.getUint8(5)]).toEqual([7, 0x41, tf.ERROR_UNC, 0x34, 0x12]);
    expect(each.plan(taskfile({ command: tf.CMD_READ_LOG_EXT, lba: 0x10, count: 2 }))).toMatchObject({ error: tf.ERROR_ABRT });
  });

  it('comes back as it was saved', () => {
    const each = disk();
    each.plan(taskfile({ command: tf.CMD_SET_MULTIPLE_MODE, count: 4 }));
    each.plan(taskfile({ command: tf.CMD_SET_FEATURES, features: 3, count: 0x21 }));
    each.plan(taskfile({ command: tf.CMD_SET_FEATURES, features: 0x82 }));
    const copy = disk();
    copy.restore(each.save());
    expect(copy.save()).toEqual(each.save());
    expect(words(copy.plan(taskfile({ command: tf.CMD_IDENTIFY_DEVICE })))).toEqual(words(each.plan(taskfile({ command: tf.CMD_IDENTIFY_DEVICE }))));
  });

  it('answers any registers with a plan within the disk', () => {
    const each = disk(1 << 20, { sata: true });
    const byte = fc.nat(255);
    const registers = fc.record({ command: byte, features: fc.nat(0xffff), count: fc.nat(0xffff), lba: fc.oneof(fc.nat(5000), fc.maxSafeNat().map((n) => n % 2 ** 48)), device: byte });
    fc.assert(
      fc.property(registers, (fields) => {
        const plan = each.plan(fields);
        if (plan.step === 'media') expect(plan.offset >= 0 && plan.offset + plan.length <= 1 << 20 && plan.length > 0).toBe(true);
      }),
      { seed: 6, numRuns: 3000 },
    );
  });

  it('refuses strings that do not fit', () => {
    expect(() => disk(4096, { serial: 'x'.repeat(21) })).toThrow(/20 characters/);
    expect(() => disk(4096, { model: 'ä' })).toThrow(/ASCII/);
    expect(() => disk(0)).toThrow(/0 bytes/);
  });
});
