import { MTA_COUNT, RAH_AV, RA_COUNT, RCTL_BAM, RCTL_MO_SHIFT, RCTL_MPE, RCTL_UPE, RCTL_VFE, VFTA_COUNT } from './registers.js';

// Which frames are received: manual, 3.2.1 "Packet Address Filtering" and 9.3 "802.1q VLAN Packet Filtering".

export const DROP = 0;
export const PASS = 1;
/** Passed by the multicast hash alone: the descriptor says so (PIF). */
export const PASS_INEXACT = 2;

export type FilterState = { readonly ra: readonly number[]; readonly mta: readonly number[]; readonly vfta: readonly number[] };

export class ReceiveFilter {
  /** RAL and RAH in turn. */
  readonly ra = new Uint32Array(2 * RA_COUNT);
  readonly mta = new Uint32Array(MTA_COUNT);
  readonly vfta = new Uint32Array(VFTA_COUNT);

  /** 13.5.2: entry 0 is the EEPROM's address; the others are not valid. */
  reset(mac: Uint16Array): void {
    this.ra.fill(0);
    this.mta.fill(0);
    this.vfta.fill(0);
    this.ra[0] = mac[0]! | (mac[1]! << 16);
    this.ra[1] = mac[2]! | RAH_AV;
  }

  /** @param vlan of the frame's tag, or -1 @returns DROP, PASS or PASS_INEXACT */
  judge(frame: Uint8Array, rctl: number, vlan: number): number {
    if (vlan >= 0 && (rctl & RCTL_VFE) !== 0 && (this.vfta[vlan >>> 5]! & (1 << (vlan & 31))) === 0) return DROP;
    const group = (frame[0]! & 1) !== 0;
    if ((rctl & (group ? RCTL_MPE : RCTL_UPE)) !== 0) return PASS;
    if ((rctl & RCTL_BAM) !== 0 && isBroadcast(frame)) return PASS;
    if (this.#exact(frame)) return PASS;
    if (!group) return DROP;
    // 13.4.22 MO: which 12 of the upper 16 bits of the address make the hash.
    const shift = MO_SHIFTS[(rctl >>> RCTL_MO_SHIFT) & 3]!;
    const hash = ((frame[4]! | (frame[5]! << 8)) >>> shift) & 0xfff;
    return (this.mta[hash >>> 5]! & (1 << (hash & 31))) !== 0 ? PASS_INEXACT : DROP;
  }

  save(): FilterState {
    return { ra: [...this.ra], mta: [...this.mta], vfta: [...this.vfta] };
  }

  restore(state: FilterState): void {
    this.ra.set(state.ra);
    this.mta.set(state.mta);
    this.vfta.set(state.vfta);
  }

  #exact(frame: Uint8Array): boolean {
    const low = (frame[0]! | (frame[1]! << 8) | (frame[2]! << 16) | (frame[3]! << 24)) >>> 0;
    const high = frame[4]! | (frame[5]! << 8);
    for (let i = 0; i < this.ra.length; i += 2) {
      const rah = this.ra[i + 1]!;
      // AS (17:16) 00b: a destination address.
      if ((rah & RAH_AV) !== 0 && this.ra[i] === low && (rah & 0x3_ffff) === high) return true;
    }
    return false;
  }
}

/** Bits 47:36, 46:35, 45:34 and 43:32. */
const MO_SHIFTS: readonly number[] = [4, 3, 2, 0];

function isBroadcast(frame: Uint8Array): boolean {
  for (let i = 0; i < 6; i++) if (frame[i] !== 0xff) return false;
  return true;
}
