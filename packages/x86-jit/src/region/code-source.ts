import type { CpuState } from '../cpu/cpu-state.js';
import type { Block, Predecoder } from '../interpreter/predecoder.js';
import { Access } from '../mmu/page-walk.js';
import { Fault, ModeKey, State } from '../state-layout.js';
import { FURTHEST, type CodeSource } from './discover.js';
import type { JumpTargetTable } from './jump-targets.js';

/** What the cache of regions knows of decoded code. */
export interface CodeView {
  handlerOf(record: number): number;
  /** Another region is entered at this block, and better left for than repeated. */
  isEntry(block: Block): boolean;
  isCold(block: Block): boolean;
}

/** The decoded code around the place where a vCPU is, by the addresses that it has there. */
export class DecodedCode implements CodeSource {
  /** Blocks that were asked for. */
  readonly used = new Set<Block>();
  readonly #hostPages = new Map<number, number>();
  /** By address; null: none. */
  readonly #blocks = new Map<number, Block | null>();

  /** @param linearPage of the region's first instruction, the vCPU being `page` pages behind it, in the page at `hostPage` */
  constructor(
    private readonly cpu: CpuState,
    private readonly predecoder: Predecoder,
    private readonly jumpTargets: JumpTargetTable,
    private readonly view: CodeView,
    readonly linearPage: bigint,
    page: number,
    hostPage: number,
  ) {
    this.#hostPages.set(page, hostPage);
  }

  hostPageOf(page: number): number {
    let found = this.#hostPages.get(page);
    if (found === undefined) {
      found = this.cpu.translate(BigInt.asUintN(64, this.linearPage + BigInt(page * 4096)), Access.execute | Access.probe);
      this.cpu.setI32(State.fault, Fault.none);
      this.#hostPages.set(page, found);
    }
    return found;
  }
  /** The block that is decoded from a place on. */
  decodedAt(at: number): Block | undefined {
    let found = this.#blocks.get(at);
    if (found === undefined) {
      const page = this.hostPageOf(at >> 12);
      found = (page === 0 ? undefined : this.predecoder.blockAt(page + (at & 0xfff), ModeKey.code64)) ?? null;
      this.#blocks.set(at, found);
    }
    return found ?? undefined;
  }

  blockAt(at: number): Block | undefined {
    const block = this.decodedAt(at);
    if (block) this.used.add(block);
    return block;
  }
  handlerOf(record: number): number {
    return this.view.handlerOf(record);
  }
  isEntry(at: number): boolean {
    const block = this.decodedAt(at);
    return block !== undefined && this.view.isEntry(block);
  }
  isCold(at: number): boolean {
    const block = this.decodedAt(at);
    return block !== undefined && this.view.isCold(block);
  }
  targetsOf(at: number): number[] {
    return this.jumpTargets.of(this.hostPageOf(at >> 12) + (at & 0xfff)).flatMap((target) => {
      const to = Number(BigInt.asIntN(64, target.linear - this.linearPage));
      return Math.abs(to) < FURTHEST && this.hostPageOf(to >> 12) + (to & 0xfff) === target.host ? [to] : [];
    });
  }
}
