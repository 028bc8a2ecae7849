import { isNonCanonicalNumber } from '../mmu/page-walk.js';
import { Efer, SegmentIndex, Segment, State, Vector } from '../state-layout.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import type { ProcessorSystem } from './processor-system.js';

// Model-specific registers. SDM vol. 4.

const Msr = {
  TSC: 0x10, PLATFORM_ID: 0x17, APIC_BASE: 0x1b, FEATURE_CONTROL: 0x3a, BIOS_SIGN_ID: 0x8b, MTRRCAP: 0xfe, ARCH_CAPABILITIES: 0x10a,
  SYSENTER_CS: 0x174, SYSENTER_ESP: 0x175, SYSENTER_EIP: 0x176, MCG_CAP: 0x179, MCG_STATUS: 0x17a, MISC_ENABLE: 0x1a0,
  MTRR_PHYSBASE0: 0x200, MTRR_PHYSMASK7: 0x20f, MTRR_FIX64K: 0x250, MTRR_FIX16K_8: 0x258, MTRR_FIX16K_A: 0x259, MTRR_FIX4K_C0: 0x268, MTRR_FIX4K_F8: 0x26f,
  PAT: 0x277, MTRR_DEF_TYPE: 0x2ff, TSC_DEADLINE: 0x6e0, X2APIC_FIRST: 0x800, X2APIC_LAST: 0x8ff,
  EFER: 0xc0000080, STAR: 0xc0000081, LSTAR: 0xc0000082, CSTAR: 0xc0000083, FMASK: 0xc0000084, FS_BASE: 0xc0000100, GS_BASE: 0xc0000101, KERNEL_GS_BASE: 0xc0000102, TSC_AUX: 0xc0000103,
} as const;

/** RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO. */
const ARCH_CAPABILITIES = 0x1n | 0x2n | 0x8n | 0x10n | 0x20n | 0x40n | 0x100n | 0x2000n | 0x4000n | 0x8000n | 0x100000n | 0x1000000n | 0x4000000n | 0x8000000n;

/** Eight variable ranges, fixed ranges, write combining. */
const MTRRCAP = 0x508n;

const FIXED_MTRRS = new Set<number>([Msr.MTRR_FIX64K, Msr.MTRR_FIX16K_8, Msr.MTRR_FIX16K_A, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f]);

const gp = (): GuestFault => new GuestFault(Vector.GP, 0);

const fsBase = State.segments + SegmentIndex.FS * Segment.size + Segment.base;
const gsBase = State.segments + SegmentIndex.GS * Segment.size + Segment.base;

export function readMsr(cpu: CpuState, system: ProcessorSystem, index: number): bigint {
  switch (index) {
    case Msr.TSC: return system.tsc();
    case Msr.PLATFORM_ID: return 0n;
    case Msr.FEATURE_CONTROL: return 1n; // locked, VMX off
    case Msr.BIOS_SIGN_ID: return 1n << 32n;
    case Msr.MTRRCAP: return MTRRCAP;
    case Msr.ARCH_CAPABILITIES: return ARCH_CAPABILITIES;
    case Msr.SYSENTER_CS: return cpu.u64(State.sysenterCs);
    case Msr.SYSENTER_ESP: return cpu.u64(State.sysenterEsp);
    case Msr.SYSENTER_EIP: return cpu.u64(State.sysenterEip);
    case Msr.MCG_CAP: case Msr.MCG_STATUS: return 0n;
    case Msr.MISC_ENABLE: return cpu.u64(State.miscEnable);
    case Msr.PAT: return cpu.u64(State.pat);
    case Msr.MTRR_DEF_TYPE: return cpu.u64(State.mtrrDefType);
    case Msr.EFER: return cpu.u64(State.efer);
    case Msr.STAR: return cpu.u64(State.star);
    case Msr.LSTAR: return cpu.u64(State.lstar);
    case Msr.CSTAR: return cpu.u64(State.cstar);
    case Msr.FMASK: return cpu.u64(State.fmask);
    case Msr.FS_BASE: return cpu.u64(fsBase);
    case Msr.GS_BASE: return cpu.u64(gsBase);
    case Msr.KERNEL_GS_BASE: return cpu.u64(State.kernelGsBase);
    case Msr.TSC_AUX: return cpu.u64(State.tscAux);
  }
  if (index === Msr.APIC_BASE || index === Msr.TSC_DEADLINE || (index >= Msr.X2APIC_FIRST && index <= Msr.X2APIC_LAST)) {
    const value = system.apic?.readMsr(index);
    if (value === undefined) throw gp();
    return value;
  }
  if (isMtrr(index)) return system.mtrr.get(index) ?? 0n;
  throw gp();
}

function isMtrr(index: number): boolean {
  return (index >= Msr.MTRR_PHYSBASE0 && index <= Msr.MTRR_PHYSMASK7) || FIXED_MTRRS.has(index);
}

const validMemoryType = (type: bigint, pat: boolean): boolean => type === 0n || type === 1n || (type >= 4n && type <= 6n) || (pat && type === 7n);

export function writeMsr(cpu: CpuState, system: ProcessorSystem, index: number, value: bigint): void {
  const base = (field: number): void => {
    if (isNonCanonicalNumber(value)) throw gp();
    cpu.setU64(field, value);
  };
  switch (index) {
    case Msr.TSC: system.setTsc(value); return;
    case Msr.BIOS_SIGN_ID: case Msr.MCG_STATUS: case Msr.PLATFORM_ID: return;
    case Msr.SYSENTER_CS: cpu.setU64(State.sysenterCs, value & 0xffffffffn); return;
    case Msr.SYSENTER_ESP: base(State.sysenterEsp); return;
    case Msr.SYSENTER_EIP: base(State.sysenterEip); return;
    case Msr.MISC_ENABLE: cpu.setU64(State.miscEnable, value); return;
    case Msr.PAT:
      for (let k = 0n; k < 8n; k++) if (!validMemoryType((value >> (8n * k)) & 0xffn, true)) throw gp();
      cpu.setU64(State.pat, value);
      return;
    case Msr.MTRR_DEF_TYPE:
      if (!validMemoryType(value & 0xffn, false) || value & ~0xcffn) throw gp();
      cpu.setU64(State.mtrrDefType, value);
      return;
    case Msr.EFER: {
      const allowed = BigInt(Efer.SCE | Efer.LME | Efer.NXE | Efer.LMA);
      if (value & ~allowed) throw gp();
      const old = cpu.u64(State.efer);
      // LME may not change while paging is on; LMA is read-only.
      if ((old ^ value) & BigInt(Efer.LME) && cpu.cr0 & 0x80000000) throw gp();
      cpu.setU64(State.efer, (value & ~BigInt(Efer.LMA)) | (old & BigInt(Efer.LMA)));
      cpu.flushTlb();
      cpu.updateMode();
      return;
    }
    case Msr.STAR: cpu.setU64(State.star, value); return;
    case Msr.LSTAR: base(State.lstar); return;
    case Msr.CSTAR: base(State.cstar); return;
    case Msr.FMASK: cpu.setU64(State.fmask, value & 0xffffffffn); return;
    case Msr.FS_BASE: base(fsBase); return;
    case Msr.GS_BASE: base(gsBase); return;
    case Msr.KERNEL_GS_BASE: base(State.kernelGsBase); return;
    case Msr.TSC_AUX:
      if (value >> 32n) throw gp();
      cpu.setU64(State.tscAux, value);
      return;
  }
  if (index === Msr.APIC_BASE || index === Msr.TSC_DEADLINE || (index >= Msr.X2APIC_FIRST && index <= Msr.X2APIC_LAST)) {
    if (!system.apic?.writeMsr(index, value)) throw gp();
    return;
  }
  if (isMtrr(index)) {
    system.mtrr.set(index, value);
    return;
  }
  throw gp();
}
