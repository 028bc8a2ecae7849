import type { RamRange } from '@pckit/interfaces';
import type { CpuState } from '../cpu/cpu-state.js';
import type { PageBreaks, Predecoder } from '../interpreter/predecoder.js';
import { Withheld } from '../mmu/page-walk.js';
import { DebugHook, State } from '../state-layout.js';

/** A breakpoint on the instruction at an address. It lies outside guest memory: whatever the guest does with the code, it stays. */
export interface CodeBreakpoint {
  /** 'user': the first instruction that user code executes in a page that no TLB has, wherever that is. */
  readonly space: 'linear' | 'physical' | 'user';
  readonly address: bigint;
  /** Bits of a linear address that must be the same; default all. At least those within a page. */
  readonly mask?: bigint;
  /** Asked when the vCPU is about to execute the instruction: `false` goes on. */
  readonly stops: (vcpu: number) => boolean;
}

export type WatchKind = 'read' | 'write' | 'access';

/** A watchpoint on linear addresses, in whatever address space. */
export interface DataWatchpoint {
  readonly address: bigint;
  readonly length: number;
  readonly kind: WatchKind;
  /** Asked after the instruction that made the access. */
  readonly stops: (vcpu: number) => boolean;
}

/** What an instruction touched. */
export interface WatchHit {
  readonly watchpoint: DataWatchpoint;
  /** The first watched byte of the access. */
  readonly address: bigint;
}

const pageOf = (address: bigint): bigint => address & ~0xfffn;

/**
 * All breakpoints and watchpoints of a processor's debugger, on every vCPU. Without any they cost nothing.
 *
 * Breakpoints: a TLB entry that is made for a page with some tells which host page that is, and the predecoder puts a record before the instruction
 * there. Watchpoints: entries of watched pages get no tag, so their accesses take the slow path, which asks.
 *
 * A debugger takes all its breakpoints out at a stop and puts them in again when it goes on: a change counts when something runs.
 */
export class DebugPoints implements PageBreaks {
  readonly #breakpoints = new Set<CodeBreakpoint>();
  readonly #watchpoints = new Set<DataWatchpoint>();
  #changed = false;
  /** What is in effect, for comparing. */
  #inEffect = '';
  #linearPages = new Map<bigint, CodeBreakpoint[]>();
  #physicalPages = new Map<bigint, CodeBreakpoint[]>();
  #masked: readonly (CodeBreakpoint & { readonly mask: bigint })[] = [];
  #user: readonly CodeBreakpoint[] = [];
  #watchedPages = new Map<bigint, number>();
  /** Host pages that hold breakpoints: offsets of them. */
  readonly #marked = new Map<number, Set<number>>();

  constructor(
    private readonly cpus: readonly CpuState[],
    private readonly predecoder: Predecoder,
    private readonly ranges: readonly RamRange[],
  ) {}

  insert(point: CodeBreakpoint | DataWatchpoint): void {
    if ('space' in point) this.#breakpoints.add(point);
    else this.#watchpoints.add(point);
    this.#changed = true;
  }
  remove(point: CodeBreakpoint | DataWatchpoint): void {
    if ('space' in point) this.#breakpoints.delete(point);
    else this.#watchpoints.delete(point);
    this.#changed = true;
  }

  breaksIn(hostPage: number): boolean {
    return this.#marked.has(hostPage);
  }
  breaksAt(host: number): boolean {
    return this.#marked.get(host - (host % 4096))?.has(host % 4096) === true;
  }

  /** Called before every run. */
  prepare(): void {
    if (this.#changed) this.#apply();
  }

  #apply(): void {
    this.#changed = false;
    const wanted = [
      ...[...this.#breakpoints].map(({ space, address, mask }) => `${space} ${address} ${mask}`),
      ...[...this.#watchpoints].map(({ kind, address, length }) => `${kind} ${address} ${length}`),
    ].sort().join('\n');
    this.#linearPages = this.#byPage('linear');
    this.#physicalPages = this.#byPage('physical');
    this.#masked = [...this.#breakpoints].filter((point): point is CodeBreakpoint & { readonly mask: bigint } => point.mask !== undefined);
    this.#user = [...this.#breakpoints].filter(({ space }) => space === 'user');
    if (wanted === this.#inEffect) return;
    this.#inEffect = wanted;

    this.#watchedPages = new Map();
    for (const { address, length, kind } of this.#watchpoints) {
      const withheld = kind === 'write' ? Withheld.write : Withheld.read | Withheld.write;
      for (let page = pageOf(address); page < address + BigInt(length); page += 4096n) this.#watchedPages.set(page, (this.#watchedPages.get(page) ?? 0) | withheld);
    }
    for (const hostPage of this.#marked.keys()) this.predecoder.invalidate(hostPage, 4096);
    this.#marked.clear();
    const hooks = (this.#breakpoints.size + this.#watchpoints.size > 0 ? DebugHook.fills : 0) | (this.#watchpoints.size > 0 ? DebugHook.accesses : 0);
    for (const cpu of this.cpus) {
      cpu.setU32(State.debugHooks, (cpu.u32(State.debugHooks) & DebugHook.steps) | hooks);
      cpu.flushTlb();
    }
  }

  #byPage(wanted: CodeBreakpoint['space']): Map<bigint, CodeBreakpoint[]> {
    const pages = new Map<bigint, CodeBreakpoint[]>();
    for (const breakpoint of this.#breakpoints) {
      if (breakpoint.space !== wanted || breakpoint.mask !== undefined) continue;
      const page = pageOf(breakpoint.address);
      const list = pages.get(page);
      if (list === undefined) pages.set(page, [breakpoint]);
      else list.push(breakpoint);
    }
    return pages;
  }

  /** A vCPU's TLB gets an entry for an access at `linear`. @returns `Withheld` bits */
  filled(cpu: CpuState, linear: bigint, hostPage: number): number {
    const page = pageOf(BigInt.asUintN(64, linear));
    if (this.#user.length > 0 && cpu.cpl === 3) {
      // A processor that comes to user code fetches first, and from here on the breakpoint is one like others.
      const address = BigInt.asUintN(64, linear);
      this.#linearPages.set(page, [...(this.#linearPages.get(page) ?? []), ...this.#user.map(({ stops }): CodeBreakpoint => ({ space: 'linear', address, stops }))]);
    }
    for (const point of this.#masked) if (((page ^ point.address) & point.mask & ~0xfffn) === 0n) this.#mark(hostPage, [point]);
    this.#mark(hostPage, this.#linearPages.get(page));
    if (this.#physicalPages.size > 0) this.#mark(hostPage, this.#physicalPages.get(this.#physical(hostPage)));
    return this.#watchedPages.get(page) ?? 0;
  }

  #mark(hostPage: number, breakpoints: readonly CodeBreakpoint[] | undefined): void {
    if (breakpoints === undefined) return;
    let offsets = this.#marked.get(hostPage);
    if (offsets === undefined) this.#marked.set(hostPage, (offsets = new Set()));
    const before = offsets.size;
    for (const { address } of breakpoints) offsets.add(Number(address & 0xfffn));
    if (offsets.size > before) this.predecoder.invalidate(hostPage, 4096);
  }

  #physical(host: number): bigint {
    const range = this.ranges.find(({ offset, length }) => host >= offset && host < offset + length);
    return range === undefined ? -1n : BigInt(host - range.offset + range.start);
  }

  /** Whether a vCPU stops before the instruction at an address. */
  stopsAt(vcpu: number, linear: bigint, hostPage: number): boolean {
    const hit = (pages: ReadonlyMap<bigint, readonly CodeBreakpoint[]>, address: bigint): boolean => {
      let stop = false;
      for (const breakpoint of pages.get(pageOf(address)) ?? []) if (breakpoint.address === address && breakpoint.stops(vcpu)) stop = true;
      return stop;
    };
    let byLinear = hit(this.#linearPages, linear);
    for (const { address, mask, stops } of this.#masked) if (((linear ^ address) & mask) === 0n && stops(vcpu)) byLinear = true;
    return (this.#physicalPages.size > 0 && hit(this.#physicalPages, this.#physical(hostPage) + (linear & 0xfffn))) || byLinear;
  }

  /** Called for every access on the slow path while there are watchpoints. */
  accessed(linear: bigint, size: number, write: boolean): WatchHit | undefined {
    const first = BigInt.asUintN(64, linear);
    const last = first + BigInt(size) - 1n;
    for (const watchpoint of this.#watchpoints) {
      const { address, length, kind } = watchpoint;
      if (kind !== 'access' && write !== (kind === 'write')) continue;
      if (first < address + BigInt(length) && last >= address) return { watchpoint, address: first > address ? first : address };
    }
    return undefined;
  }
}
