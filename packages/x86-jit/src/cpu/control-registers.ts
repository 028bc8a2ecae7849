import { Attribute, Cr0, Cr4, Efer, SegmentIndex, State, Vector } from '../state-layout.js';
import { GuestFault, type CpuState } from './cpu-state.js';
import { realModeCode } from './segmentation.js';

// Writes of CR0, CR3 and CR4. SDM vol. 3, 2.5; vol. 2, MOV to control registers.

const gp = (): GuestFault => new GuestFault(Vector.GP, 0);

const CR0_KNOWN = Cr0.PE | Cr0.MP | Cr0.EM | Cr0.TS | Cr0.ET | Cr0.NE | Cr0.WP | Cr0.AM | Cr0.NW | Cr0.CD | Cr0.PG;
const CR4_KNOWN = Cr4.TSD | Cr4.DE | Cr4.PSE | Cr4.PAE | Cr4.MCE | Cr4.PGE | Cr4.PCE | Cr4.OSFXSR | Cr4.OSXMMEXCPT | Cr4.FSGSBASE | Cr4.OSXSAVE | Cr4.SMEP | Cr4.SMAP;

/** Bits 1, 2, 5 to 8 and those above MAXPHYADDR of a PDPTE that is present. SDM vol. 3, table 4-8. */
const PDPTE_RESERVED = 0xffffff00000001e6n;

/** Loads the PDPTE registers where PAE paging is or comes to be in use. @throws GuestFault #GP(0) for reserved bits; nothing is loaded then */
function loadPdptes(cpu: CpuState, cr0: number, cr3: bigint, cr4: number): void {
  if (!(cr0 & Cr0.PG) || !(cr4 & Cr4.PAE) || cpu.efer & Efer.LME) return;
  const entries = [0n, 8n, 16n, 24n].map((at) => {
    const host = cpu.code.hostOf(cpu.base, (cr3 & 0xffffffe0n) + at) >>> 0;
    return host === 0 ? 0n : (cpu.host.u64[host >>> 3] as bigint);
  });
  if (entries.some((entry) => entry & 1n && entry & PDPTE_RESERVED)) throw gp();
  entries.forEach((entry, n) => cpu.setU64(State.pdpte0 + n * 8, entry));
}

export function writeCr0(cpu: CpuState, raw: bigint): void {
  if (raw >> 32n) throw gp();
  // Reserved bits below 32 are ignored; ET is fixed.
  const value = ((Number(raw) & CR0_KNOWN) | Cr0.ET) >>> 0;
  const old = cpu.cr0;
  if (value & Cr0.PG && !(value & Cr0.PE)) throw gp();
  if (value & Cr0.NW && !(value & Cr0.CD)) throw gp();
  if ((value ^ old) & Cr0.PG) {
    if (value & Cr0.PG) {
      if (cpu.efer & Efer.LME) {
        if (!(cpu.cr4 & Cr4.PAE)) throw gp();
        if (cpu.segment(SegmentIndex.CS).attributes & Attribute.long) throw gp();
        cpu.setU32(State.efer, cpu.efer | Efer.LMA);
      }
    } else {
      if (cpu.code64) throw gp();
      cpu.setU32(State.efer, cpu.efer & ~Efer.LMA);
    }
  }
  // SDM vol. 3, 4.4.1: also a change of CD or NW loads them.
  if ((value ^ old) & (Cr0.PG | Cr0.CD | Cr0.NW)) loadPdptes(cpu, value, cpu.u64(State.cr3), cpu.cr4);
  cpu.setU64(State.cr0, BigInt(value));
  if ((value ^ old) & (Cr0.PG | Cr0.WP | Cr0.PE)) cpu.flushTlb();
  if (old & ~value & Cr0.PE) {
    const cs = cpu.segment(SegmentIndex.CS);
    cpu.setSegment(SegmentIndex.CS, { ...cs, attributes: realModeCode(cs.attributes) });
  }
  cpu.updateMode();
}

export function writeCr3(cpu: CpuState, value: bigint): void {
  if (cpu.longMode && value >> 40n) throw gp();
  loadPdptes(cpu, cpu.cr0, value, cpu.cr4);
  cpu.setU64(State.cr3, cpu.longMode ? value : value & 0xffffffffn);
  cpu.flushNonGlobal();
}

export function writeCr4(cpu: CpuState, raw: bigint): void {
  if (raw & ~BigInt(CR4_KNOWN)) throw gp();
  const value = Number(raw);
  const old = cpu.cr4;
  if (cpu.longMode && !(value & Cr4.PAE)) throw gp();
  if ((value ^ old) & (Cr4.PSE | Cr4.PAE | Cr4.PGE | Cr4.SMEP)) loadPdptes(cpu, cpu.cr0, cpu.u64(State.cr3), value);
  cpu.setU64(State.cr4, raw);
  if ((value ^ old) & (Cr4.PSE | Cr4.PAE | Cr4.PGE | Cr4.SMEP | Cr4.SMAP)) cpu.flushTlb();
  cpu.updateMode();
}
