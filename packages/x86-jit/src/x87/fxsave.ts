/**
 * The x87 part of the FXSAVE image, which is also the legacy region of XSAVE: bytes 0 to 23 and 32 to 159. SDM vol. 1,
 * 10.5.1 "FXSAVE Area", table 10-2; vol. 2, FXSAVE; 13.5.1 "x87 State". MXCSR (24 to 31) and the XMM registers (from
 * 160) belong to the caller.
 */
import type { X87State } from './x87-state.js';
import { CW_DEFAULT } from './x87-state.js';

/** FXSAVE64: pointers have 64 bits and no selectors. */
export interface FxsaveOptions {
  readonly wide: boolean;
}

const FCW = 0;
const FSW = 2;
const FTW = 4;
const FOP = 6;
const FIP = 8;
const FCS = 12;
const FDP = 16;
const FDS = 20;
const REGISTERS = 32;
const REGISTER_STRIDE = 16;

export function storeFxsaveX87(state: X87State, image: DataView, { wide }: FxsaveOptions): void {
  image.setUint16(FCW, state.control, true);
  image.setUint16(FSW, state.status, true);
  image.setUint16(FTW, state.tag, true);
  image.setUint16(FOP, state.fop, true);
  image.setBigUint64(FIP, state.fip, true);
  image.setBigUint64(FDP, state.fdp, true);
  if (!wide) {
    image.setUint32(FCS, state.fcs, true);
    image.setUint32(FDS, state.fds, true);
  }
  for (let i = 0; i < 8; i++) state.copyTo(i, image, REGISTERS + REGISTER_STRIDE * i);
}

export function loadFxsaveX87(state: X87State, image: DataView, { wide }: FxsaveOptions): void {
  state.tag = image.getUint8(FTW);
  state.control = image.getUint16(FCW, true);
  state.status = image.getUint16(FSW, true);
  state.fop = image.getUint16(FOP, true);
  state.fip = wide ? image.getBigUint64(FIP, true) : BigInt(image.getUint32(FIP, true));
  state.fdp = wide ? image.getBigUint64(FDP, true) : BigInt(image.getUint32(FDP, true));
  state.fcs = wide ? 0 : image.getUint16(FCS, true);
  state.fds = wide ? 0 : image.getUint16(FDS, true);
  for (let i = 0; i < 8; i++) state.copyFrom(i, image, REGISTERS + REGISTER_STRIDE * i);
}

/**
 * What XRSTOR makes of the x87 when XSTATE_BV[0] is clear. SDM vol. 1, 13.6 "Processor Tracking of XSAVE-Managed
 * State".
 */
export function resetX87ToInitial(state: X87State): void {
  state.initialize();
  for (let register = 0; register < 8; register++) state.writePhysical(register, { signExponent: 0, significand: 0n });
}

/** XINUSE[0] is clear. */
export function isX87Initial(state: X87State): boolean {
  if (state.control !== CW_DEFAULT || state.status !== 0 || state.tag !== 0 || state.fop !== 0) return false;
  if (state.fip !== 0n || state.fdp !== 0n || state.fcs !== 0 || state.fds !== 0) return false;
  for (let register = 0; register < 8; register++) if (!state.isZero(register)) return false;
  return true;
}
