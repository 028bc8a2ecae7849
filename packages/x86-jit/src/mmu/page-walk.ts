import { Emitter, type I32, type I64 } from '../emit/emitter.js';
import { Type } from '../emit/opcodes.js';
import type { ModuleWriter } from '../emit/module-writer.js';
import { DebugHook, Eflags, Fault, NON_CANONICAL, PageFault, Paging, State, Tlb, TLB_FILL_LIMIT, TlbFlag, Vector } from '../state-layout.js';
import type { Runtime } from './memory-access.js';

/** How an access asks for a translation: the low bits of `translate`'s last argument. */
export const Access = { read: 0, write: 1, execute: 2, kindMask: 3, /** Descriptor tables and the TSS, at any CPL. */ system: 4, /** Change nothing: no TLB fill, A/D bits or fault record. */ probe: 8 } as const;

/** What `filled` keeps out of a TLB entry: the tag that would let such an access pass unseen. */
export const Withheld = { read: 1, write: 2 } as const;

/** Physical addresses are 40 bits wide: CPUID 80000008H says so, and higher bits in a page-table entry are reserved. */
export const PHYSICAL_BITS = 40;
const ADDRESS_MASK = 0x000000fffffff000n;
const RESERVED_HIGH = 0x000fff0000000000n;
const RESERVED_PAE = 0x7ff0000000000000n;
const NX = 1n << 63n;
const Pte = { present: 1, write: 2, user: 4, accessed: 0x20, dirty: 0x40, large: 0x80, global: 0x100 } as const;

/** Whether bits 48 to 63 aren't all as bit 47 is. SDM vol. 1, 3.3.7.1. */
export function isNonCanonical(linear: I64): I32 {
  return linear.shl(16).shrS(16).ne(linear);
}

/** The same of a number, signed or not, outside emitted code. */
export function isNonCanonicalNumber(linear: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(48, linear)) !== BigInt.asUintN(64, linear);
}

/** Which bit of `State.largePages` stands for the 2 MiB around an address. */
export function largePageBit(linear: I64): I32 {
  return linear.shrU(21).xor(linear.shrU(31)).xor(linear.shrU(41)).wrap().and(1023);
}

/** Emits `hostOf(state, physical: i64) -> i32`: the host address of a physical address, 0 when it is not RAM. */
export function emitHostOf(module: ModuleWriter, index: number): void {
  const e = new Emitter([Type.i32, Type.i64]);
  const state = e.paramI32(0);
  const physical = e.paramI64(1);
  e.if(physical.ltU(e.loadI64(state, State.ramLowEnd)), () => e.return(physical.wrap().add(e.loadI32(state, State.ramLowOffset))));
  e.if(physical.geU(0x1_0000_0000), () => {
    e.if(physical.ltU(e.loadI64(state, State.ramHighEnd)), () => e.return(physical.sub(0x1_0000_0000).wrap().add(e.loadI32(state, State.ramHighOffset))));
  });
  e.i32(0).push();
  module.defineFunction(index, e.locals(), e.code.finish());
}

/**
 * Emits `translate(state, linear: i64, access: i32) -> i32`: the host address of the 4 KiB page, after filling the TLB; 0 for a page
 * that is not RAM (its physical address in `State.physical`) or for a fault (recorded in `State.fault*`). SDM vol. 3, chapter 4.
 */
export function emitTranslate(module: ModuleWriter, { translate: index, hostOf, filled }: Pick<Runtime, 'translate' | 'hostOf' | 'filled'>): void {
  const e = new Emitter([Type.i32, Type.i64, Type.i32]);
  const state = e.paramI32(0);
  const linear = e.paramI64(1);
  const access = e.paramI32(2);
  const kind = access.and(Access.kindMask);
  const paging = e.loadI32(state, State.paging);
  const user = e.loadI32(state, State.cpl).eq(3).and(access.and(Access.system).eqz());
  const userBit = user.mul(PageFault.user);
  const has = (bit: number): I32 => paging.and(bit).ne(0);

  const fault = (code: I32): void => {
    e.if(access.and(Access.probe).eqz(), () => {
      const fetch = kind.eq(Access.execute).and(paging.and(Paging.nxe | Paging.smep).ne(0)).mul(PageFault.fetch);
      e.storeI32(state, State.fault, e.i32(Fault.exception));
      e.storeI32(state, State.faultVector, e.i32(Vector.PF));
      e.storeI32(state, State.faultCode, code.or(userBit).or(kind.eq(Access.write).mul(PageFault.write)).or(fetch));
      e.storeI64(state, State.faultAddress, linear);
    }, () => e.storeI32(state, State.fault, e.i32(Fault.exception)));
    e.return(e.i32(0));
  };

  const pageSlot = linear.shrU(12).wrap().and(Tlb.indexMask);
  const slot = e.loadI32(state, State.tlb).add(pageSlot.shl(Tlb.entryShift));
  const codeOf = (host: I32): I64 => e.loadI64(e.loadI32(state, State.codeBits).add(host.shrU(12).shl(3)));
  // The TLB has pages that a store by a write tag alone may not go to: data beside code. An access across pages comes here with its first one in it, too.
  e.if(access.eq(Access.read).or(access.eq(Access.write)).and(linear.xor(e.loadI64(slot, Tlb.readTag)).ltU(4096)), () => {
    const host = e.loadI32(slot, Tlb.host);
    e.if(access.eq(Access.read), () => e.return(host));
    e.if(linear.xor(e.loadI64(slot, Tlb.writeTag)).ltU(4096), () => e.return(host));
    // A page that holds no code any more gets its write tag back below.
    e.if(e.loadI32(slot, Tlb.flags).and(TlbFlag.code).ne(0).and(codeOf(host).ne(0)), () => e.return(host));
  });

  // The result of the walk.
  const physical = e.variable(e.i64(0));
  const writable = e.variable(e.i32(1)); // may this privilege write
  const executable = e.variable(e.i32(1));
  const dirty = e.variable(e.i32(1)); // a write tag needs no more page-table update
  const flags = e.variable(e.i32(0));

  const finishWalk = (leafHost: I32, entry: I64, entryBytes: number, pageShift: I64, rw: I32, us: I32, nx: I32): void => {
    const offsetMask = e.i64(1).shl(pageShift).sub(1);
    const frame = entryBytes === 8 ? entry.and(ADDRESS_MASK) : entry.and(0xfffff000);
    physical.set(frame.and(offsetMask.not()).or(linear.and(offsetMask).and(~0xfffn)));
    const supervisor = user.eqz();
    writable.set(supervisor.select(rw.or(has(Paging.wp).eqz()), rw.and(us)));
    // SMEP: no supervisor fetch from a user page.
    executable.set(nx.eqz().and(supervisor.select(us.and(has(Paging.smep)).eqz(), us)));
    // SMAP: no supervisor data access to a user page unless EFLAGS.AC is set and the access is explicit.
    const smapBlocks = supervisor.and(us).and(has(Paging.smap)).and(
      e.loadI32(state, State.eflags).and(Eflags.AC).eqz().or(access.and(Access.system).ne(0)).or(e.loadI32(state, State.cpl).eq(3)),
    );
    const dataBlocked = kind.ne(Access.execute).and(smapBlocks);
    const allowed = kind.eq(Access.write).select(writable.get(), kind.eq(Access.execute).select(executable.get(), us.or(supervisor))).and(dataBlocked.eqz());
    e.if(allowed.eqz(), () => fault(e.i32(PageFault.present)));
    writable.set(writable.get().and(smapBlocks.eqz()));
    // A reading tag is always given, so a page that only fetches may use must not get into the TLB under SMAP.
    flags.set(entry.wrap().and(Pte.global).ne(0).and(has(Paging.pge)).or(smapBlocks.shl(1)).or(pageShift.ne(12).mul(TlbFlag.large)));
    // INVLPG of any address of a large page forgets all of it: note that there is one. 2 MiB pages by a hash of their number, larger ones by the GiB.
    e.if(pageShift.ne(12), () => {
      e.if(pageShift.eq(21), () => {
        const bit = largePageBit(linear);
        const word = state.add(bit.shrU(5).shl(2));
        e.storeI32(word, State.largePages, e.loadI32(word, State.largePages).or(e.i32(1).shl(bit.and(31))));
      }, () => e.storeI64(state, State.hugePages, e.loadI64(state, State.hugePages).or(e.i64(1).shl(linear.shrU(30).and(63)))));
    });
    const wanted = e.i32(Pte.accessed).or(kind.eq(Access.write).mul(Pte.dirty));
    dirty.set(entry.wrap().and(Pte.dirty).ne(0).or(kind.eq(Access.write)));
    e.if(entry.wrap().and(wanted).ne(wanted).and(access.and(Access.probe).eqz()), () => {
      e.storeI32(leafHost, 0, entry.wrap().or(wanted));
    });
  };

  e.block((done) => {
    e.if(has(Paging.enabled).eqz(), () => {
      physical.set(linear.and(0xfffff000));
      flags.set(e.i32(0));
      e.br(done);
    });
    e.if(has(Paging.pae), () => {
      // 4-level, or PAE's 3-level, of 8-byte entries.
      const rw = e.variable(e.i32(1));
      const us = e.variable(e.i32(1));
      const nx = e.variable(e.i32(0));
      const shift = e.variable(e.i64(39));
      const table = e.variable(e.i64(0));
      const cr3 = e.loadI64(state, State.cr3);
      e.if(has(Paging.long), () => {
        e.if(isNonCanonical(linear), () => {
          e.storeI32(state, State.fault, e.i32(Fault.exception));
          e.storeI32(state, State.faultVector, e.i32(NON_CANONICAL));
          e.storeI32(state, State.faultCode, e.i32(0));
          e.storeI64(state, State.faultAddress, linear);
          e.return(e.i32(0));
        });
        table.set(cr3.and(ADDRESS_MASK));
      }, () => {
        const entry = e.loadI64(state.add(linear.shrU(30).wrap().and(3).shl(3)), State.pdpte0);
        e.if(entry.and(1).eqz(), () => fault(e.i32(0)));
        shift.set(e.i64(21));
        table.set(entry.and(ADDRESS_MASK));
      });
      // In PAE's entries bits 52 to 62 are reserved as well.
      const high = has(Paging.long).select(e.i64(RESERVED_HIGH), e.i64(RESERVED_HIGH | RESERVED_PAE));
      const reserved = has(Paging.nxe).select(high, high.or(NX));
      e.loop((next) => {
        const index = linear.shrU(shift.get()).and(511);
        const host = e.callI32(hostOf, state, table.get().add(index.shl(3)));
        e.if(host.eqz(), () => fault(e.i32(PageFault.present | PageFault.reserved)));
        const entry = e.loadI64(host);
        e.if(entry.and(1).eqz(), () => fault(e.i32(0)));
        const large = entry.and(Pte.large).ne(0).and(shift.get().ne(12));
        // Reserved: address bits above the width, NX without EFER.NXE, PS in a PML4E, low address bits of a large page.
        const lowMask = large.select(e.i64(1).shl(shift.get()).sub(0x2000).and(~0x1fffn), e.i64(0));
        const bad = entry.and(reserved.or(lowMask)).ne(0).or(large.and(shift.get().eq(39)));
        e.if(bad, () => fault(e.i32(PageFault.present | PageFault.reserved)));
        rw.set(rw.get().and(entry.shrU(1).wrap()));
        us.set(us.get().and(entry.shrU(2).wrap()));
        nx.set(nx.get().or(entry.ltS(0)));
        e.if(large.or(shift.get().eq(12)), () => {
          finishWalk(host, entry, 8, shift.get(), rw.get().and(1), us.get().and(1), nx.get());
          e.br(done);
        });
        e.if(entry.and(Pte.accessed).eqz().and(access.and(Access.probe).eqz()), () => e.storeI32(host, 0, entry.wrap().or(Pte.accessed)));
        table.set(entry.and(ADDRESS_MASK));
        shift.set(shift.get().sub(9));
        e.br(next);
      });
    });
    // 32-bit paging: two levels of 4-byte entries, 4 MiB pages with CR4.PSE.
    const directoryHost = e.callI32(hostOf, state, e.loadI64(state, State.cr3).and(0xfffff000).add(linear.shrU(22).and(1023).shl(2)));
    e.if(directoryHost.eqz(), () => fault(e.i32(PageFault.present | PageFault.reserved)));
    const directory = e.loadUnsigned(directoryHost, 0, 4);
    e.if(directory.and(1).eqz(), () => fault(e.i32(0)));
    const rw = directory.shrU(1).wrap().and(1);
    const us = directory.shrU(2).wrap().and(1);
    e.if(directory.and(Pte.large).ne(0).and(has(Paging.pse)), () => {
      e.if(directory.and(0x003fe000).ne(0), () => fault(e.i32(PageFault.present | PageFault.reserved)));
      finishWalk(directoryHost, directory, 4, e.i64(22), rw, us, e.i32(0));
      e.br(done);
    });
    e.if(directory.and(Pte.accessed).eqz().and(access.and(Access.probe).eqz()), () => e.storeI32(directoryHost, 0, directory.wrap().or(Pte.accessed)));
    const tableHost = e.callI32(hostOf, state, directory.and(0xfffff000).add(linear.shrU(12).and(1023).shl(2)));
    e.if(tableHost.eqz(), () => fault(e.i32(PageFault.present | PageFault.reserved)));
    const entry = e.loadUnsigned(tableHost, 0, 4);
    e.if(entry.and(1).eqz(), () => fault(e.i32(0)));
    finishWalk(tableHost, entry, 4, e.i64(12), rw.and(entry.shrU(1).wrap()).and(1), us.and(entry.shrU(2).wrap()).and(1), e.i32(0));
  });

  const host = e.callI32(hostOf, state, physical.get());
  e.storeI64(state, State.physical, physical.get());
  e.if(host.eqz().or(access.and(Access.probe | Access.system).ne(0)), () => e.return(host));

  // Fill the entry of the present privilege's TLB.
  const page = linear.and(~0xfffn);
  const never = pageSlot.xor(1).shl(12).toI64U();
  // A debugger's watchpoints take tags away, and it learns where pages with breakpoints are. Before anything of the page is looked at: it may drop code.
  const withheld = e.variable(e.i32(0));
  e.if(e.loadI32(state, State.debugHooks).and(DebugHook.fills), () => withheld.set(e.callI32(filled, state, linear, host)));
  const hasCode = codeOf(host).ne(0);
  const mayWrite = writable.get().and(dirty.get()).and(withheld.get().and(Withheld.write).eqz());
  const noRead = flags.get().and(2).ne(0).or(withheld.get().and(Withheld.read).ne(0));
  e.storeI64(slot, Tlb.readTag, noRead.select(never, page));
  e.storeI64(slot, Tlb.writeTag, mayWrite.and(hasCode.eqz()).select(page, never));
  e.storeI64(slot, Tlb.executeTag, executable.get().select(page, never));
  e.storeI32(slot, Tlb.host, host);
  e.storeI32(slot, Tlb.flags, flags.get().and(TlbFlag.global | TlbFlag.large).or(mayWrite.and(hasCode).mul(TlbFlag.code)));
  e.if(flags.get().and(TlbFlag.global).eqz(), () => {
    const count = e.loadI32(state, State.tlbFillCount);
    e.if(count.ltU(TLB_FILL_LIMIT), () => {
      e.storeI32(state.add(count.shl(2)), State.tlbFills, slot);
      e.storeI32(state, State.tlbFillCount, count.add(1));
    }, () => e.storeI32(state, State.tlbFillCount, e.i32(TLB_FILL_LIMIT + 1)));
  });
  host.push();
  module.defineFunction(index, e.locals(), e.code.finish());
}
