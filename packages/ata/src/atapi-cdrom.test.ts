import { FakeBlockBackend } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AtapiCdrom } from './atapi-cdrom.js';
import type { AtaPlan } from './plan.js';
import * as tf from './taskfile.js';

const SECTORS = 100;
const fresh = (): AtapiCdrom => new AtapiCdrom(new FakeBlockBackend(SECTORS * 2048, { readOnly: true }));
/** Past the unit attention condition that every drive wakes up with. */
const ready = (): AtapiCdrom => {
  const drive = fresh();
  send(drive, [0x00]);
  return drive;
};
const send = (drive: AtapiCdrom, bytes: readonly number[]): AtaPlan => drive.packet(Uint8Array.from({ length: 12 }, (_, i) => bytes[i] ?? 0), 'pio');
const data = (plan: AtaPlan): Uint8Array => {
  if (plan.step !== 'bytes') throw new Error(`it is ${JSON.stringify(plan)}`);
  return plan.data;
};
const senseOf = (drive: AtapiCdrom): number[] => {
  const bytes = data(send(drive, [0x03, 0, 0, 0, 18]));
  return [bytes[2], bytes[12], bytes[13]];
};

describe('an ATAPI CD-ROM drive', () => {
  it('reports its reset once, but not to INQUIRY (MMC-5 section 4.1.6.1)', () => {
    const drive = fresh();
    expect(data(send(drive, [0x12, 0, 0, 0, 36]))[0]).toBe(5);
    expect(send(drive, [0x00])).toEqual({ step: 'end', error: 0x60 });
    expect(senseOf(drive)).toEqual([6, 0x29, 0]);
    expect(send(drive, [0x00])).toMatchObject({ error: 0 });
  });

  it('answers IDENTIFY DEVICE with its signature', () => {
    expect(fresh().plan({ command: tf.CMD_IDENTIFY_DEVICE, features: 0, count: 0, lba: 0, device: 0 })).toEqual({ step: 'end', error: tf.ERROR_ABRT, ...tf.SIGNATURE_ATAPI });
  });

  it('says its capacity', () => expect([...data(send(ready(), [0x25]))]).toEqual([0, 0, 0, 99, 0, 0, 8, 0]));

  it('reads sectors with READ(10), READ(12) and READ CD', () => {
    const expected = { step: 'media', protocol: 'pio', direction: 'in', block: 2048, offset: 5 * 2048, length: 2 * 2048, durable: false };
    expect(send(ready(), [0x28, 0, 0, 0, 0, 5, 0, 0, 2])).toEqual(expected);
    expect(send(ready(), [0xa8, 0, 0, 0, 0, 5, 0, 0, 0, 2])).toEqual(expected);
    expect(send(ready(), [0xbe, 0, 0, 0, 0, 5, 0, 0, 2, 0x10])).toEqual(expected);
  });

  it('refuses what is not on the disc', () => {
    const drive = ready();
    expect(send(drive, [0x28, 0, 0, 0, 0, 99, 0, 0, 2])).toMatchObject({ error: 0x54 });
    expect(senseOf(drive)).toEqual([5, 0x21, 0]);
    expect(send(drive, [0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])).toMatchObject({ error: 0x54 });
  });

  it('has one data track and a lead-out', () => {
    const toc = data(send(ready(), [0x43, 0, 0, 0, 0, 0, 0, 0, 0xff]));
    expect([...toc]).toEqual([0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 0, 100]);
    // In minutes, seconds and frames, 150 frames on.
    const msf = data(send(ready(), [0x43, 2, 0, 0, 0, 0, 0, 0, 0xff]));
    expect([...msf.subarray(8, 12), ...msf.subarray(16, 20)]).toEqual([0, 0, 2, 0, 0, 0, 3, 25]);
    expect(send(ready(), [0x43, 0, 0, 0, 0, 0, 7, 0, 0xff])).toMatchObject({ step: 'end', error: 0x54 });
  });

  it('gives no more than the allocation length', () => expect(data(send(ready(), [0x43, 0, 0, 0, 0, 0, 0, 0, 4])).length).toBe(4));

  it('is a CD-ROM to GET CONFIGURATION, with the features asked for', () => {
    const all = data(send(ready(), [0x46, 0, 0, 0, 0, 0, 0, 1, 0]));
    expect([all[6], all[7]]).toEqual([0, 8]);
    expect(new DataView(all.buffer, all.byteOffset).getUint32(0)).toBe(all.length - 4);
    const one = data(send(ready(), [0x46, 2, 0, 0x1e, 0, 0, 0, 1, 0]));
    expect([one.length, one[8], one[9]]).toEqual([16, 0, 0x1e]);
  });

  it('ejects unless it is locked, and tells of it', () => {
    const drive = ready();
    send(drive, [0x1e, 0, 0, 0, 1]);
    expect(send(drive, [0x1b, 0, 0, 0, 2])).toMatchObject({ error: 0x54 });
    expect(senseOf(drive)).toEqual([5, 0x53, 2]);
    send(drive, [0x1e, 0, 0, 0, 0]);
    expect(send(drive, [0x1b, 0, 0, 0, 2])).toMatchObject({ error: 0 });
    expect(send(drive, [0x28, 0, 0, 0, 0, 0, 0, 0, 1])).toMatchObject({ error: 0x20 });
    expect(senseOf(drive)).toEqual([2, 0x3a, 0]);
    expect([...data(send(drive, [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8]))].slice(4, 6)).toEqual([3, 0]);
    send(drive, [0x1b, 0, 0, 0, 3]);
    expect(send(drive, [0x00])).toMatchObject({ error: 0x60 });
    expect(senseOf(drive)).toEqual([6, 0x28, 0]);
    expect(send(drive, [0x00])).toMatchObject({ error: 0 });
  });

  it('says what went wrong on the host as a read error', () => {
    const drive = ready();
    expect(drive.hostFailed()).toMatchObject({ error: 0x30 });
    expect(senseOf(drive)).toEqual([3, 0x11, 0]);
  });

  it('answers any packet with a plan within the disc', () => {
    const drive = ready();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), fc.constantFrom(0x28, 0xa8, 0xbe, 0x43, 0x46, 0x4a, 0x5a, 0x51, -1), (packet, code) => {
        if (code >= 0) packet[0] = code;
        const plan = drive.packet(packet, 'dma');
        if (plan.step === 'media') expect(plan.offset + plan.length <= SECTORS * 2048 && plan.length > 0).toBe(true);
        if (plan.step === 'bytes') expect(plan.data.length <= 65536 && plan.data.length > 0).toBe(true);
      }),
      { seed: 6, numRuns: 3000 },
    );
  });

  it('comes back as it was saved', () => {
    const drive = ready();
    send(drive, [0x1e, 0, 0, 0, 1]);
    send(drive, [0x28, 0, 0, 0, 0, 99, 0, 0, 2]);
    const copy = fresh();
    copy.restore(drive.save());
    expect(copy.save()).toEqual(drive.save());
    expect(senseOf(copy)).toEqual([5, 0x21, 0]);
  });
});
