import { describe, expect, it } from 'vitest';
import { BootError } from './boot-error.js';
import { parseSetupHeader } from './setup-header.js';
import { syntheticBzImage } from './testing/index.js';

describe('parseSetupHeader', () => {
  it('reads the fields of a 2.15 header', () => {
    const header = parseSetupHeader(
      syntheticBzImage({ kernelVersion: '6.1.0-test (x@y)', setupSectors: 4, payload: { offset: 0x300, length: 0x100 } }),
    );
    expect(header).toMatchObject({
      version: 0x020f,
      codeOffset: 5 * 512,
      codeLength: 0x1000,
      relocatable: true,
      kernelAlignment: 0x20_0000,
      minAlignment: 0x20_0000,
      prefAddress: 0x100_0000,
      initSize: 0x80_0000,
      initrdAddressMax: 0x7fff_ffff,
      commandLineSize: 2047,
      payloadOffset: 0x300,
      payloadLength: 0x100,
      kernelVersion: '6.1.0-test (x@y)',
    });
    expect(header.bytes.length).toBe(0x268 - 0x1f1);
  });

  it('takes setup_sects 0 for 4', () => {
    const file = syntheticBzImage({ setupSectors: 4 });
    file[0x1f1] = 0;
    expect(parseSetupHeader(file).codeOffset).toBe(5 * 512);
  });

  it('ignores fields that came later than the header\'s version', () => {
    const old = parseSetupHeader(syntheticBzImage({ version: 0x0206, payload: { offset: 1, length: 2 } }));
    expect(old).toMatchObject({ payloadOffset: 0, payloadLength: 0, prefAddress: 0, initSize: 0, xloadflags: 0, minAlignment: 0 });
  });

  it.each([
    ['a protocol before 2.06', { version: 0x0205 }, 'unsupported'],
    ['a zImage', { loadflags: 0 }, 'unsupported'],
    ['an alignment that is no power of two', { alignment: 0x30_0000 }, 'malformed'],
    ['init_size 0', { initSize: 0 }, 'malformed'],
  ] as const)('refuses %s', (_, options, code) => {
    let thrown: unknown;
    try {
      parseSetupHeader(syntheticBzImage(options));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(BootError);
    expect((thrown as BootError).code).toBe(code);
  });

  it('refuses a header whose end is before its last field', () => {
    const file = syntheticBzImage();
    file[0x201] = 0x10;
    expect(() => parseSetupHeader(file)).toThrow(/header ends at/);
  });

  it('takes every truncation for what it is', () => {
    const file = syntheticBzImage({ code: new Uint8Array(256) });
    // syssize counts paragraphs: up to 15 bytes may be missing.
    for (let length = 0; length + 15 < file.length; length++) {
      let thrown: unknown;
      try {
        parseSetupHeader(file.subarray(0, length));
      } catch (error) {
        thrown = error;
      }
      expect(thrown, `${length} bytes`).toBeInstanceOf(BootError);
      expect(['truncated', 'not-a-kernel'], `${length} bytes`).toContain((thrown as BootError).code);
    }
  });
});
