import type { PciFunction } from '@pckit/interfaces';

/**
 * The host bridge's configuration space: Intel 440FX PCIset datasheet (82441FX PMC), chapter 3.
 *
 * Deviations: PAM and SMRAM registers store, but shadowing and SMRAM have no effect: the board's RAM is always RAM.
 */

/** PMCCFG (50H) to ERRSTS (91H): what software may change is all writable storage, the values at reset are the datasheet's. */
const REGISTERS_START = 0x50;
const REGISTERS_LENGTH = 0x44;
const PAM0 = 0x59;
const PAM_LENGTH = 7;
const SMRAM = 0x72;

/** Memory access and bus mastering are hardwired on (PCICMD, section 3.2.3). */
const FIXED_COMMAND = 0x0006;

export function i440fxHostBridge(): PciFunction {
  const initial = new Uint8Array(REGISTERS_LENGTH);
  const writable = new Uint8Array(REGISTERS_LENGTH);
  // SMRAM (section 3.2.18): C_BASE_SEG hardwired to 010b, A0000H.
  initial[SMRAM - REGISTERS_START] = 0x02;
  writable[SMRAM - REGISTERS_START] = 0x78;
  writable.fill(0x33, PAM0 - REGISTERS_START, PAM0 - REGISTERS_START + PAM_LENGTH);
  writable[PAM0 - REGISTERS_START] = 0x30;
  return {
    name: 'i440fx',
    vendorId: 0x8086,
    deviceId: 0x1237,
    revision: 0x02,
    classCode: 0x060000,
    bars: [],
    fixedCommand: FIXED_COMMAND,
    registers: [{ at: REGISTERS_START, initial, writable }],
  };
}
