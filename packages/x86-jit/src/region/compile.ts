import { ByteWriter } from '../emit/byte-writer.js';
import type { I32, I64, Label } from '../emit/emitter.js';
import { Op, Simd, Type, type ValueType } from '../emit/opcodes.js';
import { KeptPage, RegionExit, State, Tlb } from '../state-layout.js';
import { groupAccesses } from './access-groups.js';
import type { RegionBlock } from './discover.js';
import type { Facts } from './facts.js';
import { ALL_WORDS } from './flag-sets.js';
import { RegionFlags, type FlagState, type FlagUse } from './region-flags.js';
import type { RegionContext, RegionInstruction, Transfers } from './region-context.js';
import { entryOf, structure, type DispatchElement, type Element } from './structure.js';

export interface CompiledFunction {
  readonly locals: readonly { readonly count: number; readonly type: ValueType }[];
  /** Instructions, without the final `end`. */
  readonly body: Uint8Array;
}

export interface RegionShape {
  readonly blocks: readonly RegionBlock[];
  /** Where it is entered, by the number that it finds at `entryNumbers` + slot; beginnings of blocks. */
  readonly entries: readonly number[];
  /** Host address of the numbers (u8) of entries, by slot. */
  readonly entryNumbers: number;
  /** Host address of a page of the region, by its distance from the first. */
  hostPageOf(page: number): number;
  /** Host address of three i64 that it adds to, see `Regions.counterBytes`. */
  readonly counters?: number | undefined;
}

/**
 * One region as a function `(state, slot) -> RegionExit`. It loads the registers that it uses into locals, runs its blocks, and on any way out writes
 * them back, with an exact instruction count and instruction pointer.
 */
export function compileRegion(x: RegionContext, shape: RegionShape): CompiledFunction {
  return new Compilation(x, shape).compile();
}

/** Up to so many targets of a jump are compared one after the other. */
const FEW_TARGETS = 3;

/** Of a page that hasn't been accessed: 4 KiB of addresses that aren't canonical. With a distance of zero, they lead to the empty page at the bottom of the host's memory. */
const NO_PAGE = { low: 0, high: 0x5a96_c3e1 };

class Compilation {
  readonly #blocks: readonly RegionBlock[];
  /** Blocks that the region is entered at. */
  readonly #entries: readonly number[];
  readonly #numberOf = new Map<number, number>();
  readonly #uses: FlagUse[][];
  readonly #labels = new Map<number, Label>();
  readonly #dispatchOf: ReadonlyMap<number, DispatchElement>;
  readonly #elements: readonly Element[];
  /** By block: those of the region that control enters it from. */
  readonly #predecessors: readonly (readonly number[])[];
  /** By block, its place in the order of code. */
  readonly #positions: readonly number[];
  /** By block: instructions that may be executed from its beginning on until the budget is looked at. */
  readonly #allowances: readonly number[];
  /** Blocks at whose beginning it is looked at. */
  readonly #checked: ReadonlySet<number>;
  /** What is known of the flags where the only way into a block comes from. */
  readonly #flagsInto = new Map<number, FlagState>();
  readonly #ripLocal: number;
  readonly #dispatchLocal: number;
  /** `RegionExit`; zero, `next`, unless a way out in the middle says otherwise. */
  readonly #exitLocal: number;
  #leaveLabel: Label = 0;
  #usesSse = false;
  /** The node that follows where the present block ends. */
  #following: number | undefined;
  /** The present block. */
  #node = 0;

  constructor(private readonly x: RegionContext, private readonly shape: RegionShape) {
    this.#blocks = shape.blocks;
    this.#blocks.forEach((block, k) => this.#numberOf.set(block.start, k));
    this.#entries = shape.entries.map((at) => this.#numberOf.get(at) as number);
    const successors = this.#blocks.map((block) => block.successors.map((at) => this.#numberOf.get(at)).filter((n) => n !== undefined));
    const { elements, dispatchOf } = structure(successors, this.#entries);
    this.#elements = elements;
    this.#dispatchOf = dispatchOf;
    const predecessors = this.#blocks.map(() => [] as number[]);
    successors.forEach((list, from) => list.forEach((to) => (predecessors[to] as number[]).push(from)));
    this.#predecessors = predecessors;
    const order = blocksOf(elements);
    const positions = this.#blocks.map(() => 0);
    order.forEach((node, position) => (positions[node] = position));
    this.#positions = positions;
    this.#checked = this.#checkPoints(successors);
    this.#allowances = this.#longestWays(order, successors);
    x.groups = groupAccesses(x.host, this.#blocks, order, (block) => (this.#enteredOnce(block) ? predecessors[block]?.[0] : undefined));
    this.#uses = this.#flagUses();
    x.keepsPages = !this.#has((facts) => facts.switchesTlb);
    for (const block of this.#blocks) for (const instruction of block.instructions) x.notePointers(instruction);
    this.#ripLocal = x.e.reserve(Type.i64);
    this.#dispatchLocal = x.e.reserve(Type.i32);
    this.#exitLocal = x.e.reserve(Type.i32);
  }

  compile(): CompiledFunction {
    const { x } = this;
    const { e } = x;
    this.#leaveLabel = e.openBlock();
    x.sideLabel = e.openBlock(Type.i32);
    for (const entry of this.#entries) this.#flagsInto.set(entry, RegionFlags.AT_ENTRY);
    x.regionFlags.start(this.#has((facts) => facts.covers));
    this.#emitElements(this.#elements, undefined, true);
    e.unreachable();
    e.closeBlock();
    this.#decodeWayOut();
    e.closeBlock();
    this.#writeBack();
    const code = new ByteWriter(e.code.length + 1024);
    this.#prologue(code);
    code.raw(e.code.bytes, e.code.length);
    return { locals: e.locals(), body: code.finish() };
  }

  /** Control comes from one place only; whoever enters the region is one. */
  #enteredOnce(node: number): boolean {
    return (this.#predecessors[node] as readonly number[]).length === (this.#entries.includes(node) ? 0 : 1);
  }

  #has(what: (facts: Facts) => boolean): boolean {
    return this.#blocks.some(({ instructions }) => instructions.some(({ facts }) => what(facts)));
  }

  // --- before code is made ------------------------------------------------------------------------------------------------------

  /**
   * The budget is looked at where the region is entered, where a loop goes back to its header, and after what counts by itself; there, enough for the longest
   * way to the next such place must be left. At a header, flags from before the loop and from its end would meet, to be kept for that way out alone.
   *
   * @returns the blocks that it is looked at in front of, wherever control comes from
   */
  #checkPoints(successors: readonly (readonly number[])[]): Set<number> {
    const checked = new Set(this.#dispatchOf.keys());
    this.#blocks.forEach((block, node) => {
      if (repeats(block)) for (const next of successors[node] as readonly number[]) checked.add(next);
    });
    return checked;
  }
  /** Control goes back, to a loop's header. */
  #goesBack(from: number, to: number): boolean {
    return (this.#positions[to] as number) <= (this.#positions[from] as number);
  }
  #longestWays(order: readonly number[], successors: readonly (readonly number[])[]): number[] {
    const longest = new Array<number>(this.#blocks.length).fill(0);
    for (const node of [...order].reverse()) {
      const block = this.#blocks[node] as RegionBlock;
      if (repeats(block)) continue;
      const after = (successors[node] as readonly number[]).map((next) => (this.#checked.has(next) || this.#goesBack(node, next) ? 0 : (longest[next] as number)));
      longest[node] = block.instructions.length + Math.max(0, ...after);
    }
    return longest;
  }
  #requireBudgetFor(node: number): void {
    const allowance = this.#allowances[node] as number;
    if (allowance > 0) this.x.requireBudget(allowance, (this.#blocks[node] as RegionBlock).start);
  }

  #flagUses(): FlagUse[][] {
    const before = new Array<number>(this.#blocks.length).fill(0);
    const uses = new Array<FlagUse[]>(this.#blocks.length);
    for (let changed = true; changed; ) {
      changed = false;
      for (let node = this.#blocks.length - 1; node >= 0; node--) {
        const block = this.#blocks[node] as RegionBlock;
        const found = flagUses(block, this.#neededAfter(node, before), (instruction) => this.x.mayLeave(instruction));
        uses[node] = found.uses;
        const needed = this.#checked.has(node) || repeats(block) ? ALL_WORDS : found.before;
        if (needed !== before[node]) changed = true;
        before[node] = needed;
      }
    }
    return uses;
  }
  /** All words, where the region may be left at the block's end. */
  #neededAfter(from: number, before: readonly number[]): number {
    const { instructions, start, end, fallsThrough } = this.#blocks[from] as RegionBlock;
    const { target } = instructions.at(-1) as RegionInstruction;
    if (!fallsThrough && target === undefined) return ALL_WORDS;
    let needed = 0;
    for (const next of [...(target === undefined ? [] : [target]), ...(fallsThrough ? [end] : [])]) {
      const node = this.#numberOf.get(next);
      needed |= node === undefined || next >> 12 !== start >> 12 || this.#goesBack(from, node) ? ALL_WORDS : (before[node] as number);
    }
    return needed;
  }

  // --- control flow -------------------------------------------------------------------------------------------------------------

  /** @param outermost control comes from outside of the region, to any of its entries */
  #emitElements(elements: readonly Element[], after: number | undefined, outermost = false): void {
    const { e } = this.x;
    // The first is reached from in front alone, but where that are the entries.
    const first = outermost ? 0 : 1;
    for (let k = elements.length - 1; k >= first; k--) this.#labels.set(entryOf(elements[k] as Element), e.openBlock());
    if (outermost) this.#emitEntries(entryOf(elements[0] as Element));
    elements.forEach((element, k) => {
      if (k >= first) {
        e.closeBlock();
        this.#labels.delete(entryOf(element));
      }
      const next = elements[k + 1];
      const following = next ? entryOf(next) : after;
      if (element.kind === 'block') this.#emitBlock(element.node, following);
      else if (element.kind === 'dispatch') this.#emitDispatch(element);
      else {
        const outer = this.x.inLoop;
        this.x.inLoop = true;
        this.#labels.set(element.header, e.openLoop());
        this.#emitElements(element.body, following);
        e.closeBlock();
        this.x.inLoop = outer;
        this.#labels.delete(element.header);
      }
    });
  }

  #emitEntries(following: number): void {
    const { e } = this.x;
    this.#following = following;
    const [root, ...others] = this.#entries as [number, ...number[]];
    const labels = this.#entries.map(() => e.openBlock());
    if (others.length > 0) e.brTable(e.loadI32U8(e.paramI32(1), this.shape.entryNumbers), labels, labels[0] as Label);
    for (const entry of [...others.reverse(), root]) {
      e.closeBlock();
      this.#enter(entry);
      this.#goToNode(entry, entry === root);
    }
  }
  #enter(node: number): void {
    const { x } = this;
    const { e } = x;
    const page = (this.#blocks[node] as RegionBlock).start & ~0xfff;
    if (page !== 0) {
      // Whoever enters knows the page that this is.
      e.localI64(x.pageBase).sub(page).push();
      e.setLocal(x.pageBase);
    }
    if (!this.#checked.has(node)) this.#requireBudgetFor(node);
  }

  #emitDispatch({ targets }: DispatchElement): void {
    const { e } = this.x;
    const labels = targets.map((target) => this.#labels.get(target) as Label);
    e.brTable(e.localI32(this.#dispatchLocal), labels, labels[0] as Label);
  }

  #emitBlock(node: number, following: number | undefined): void {
    const { x } = this;
    const block = this.#blocks[node] as RegionBlock;
    const { instructions } = block;
    const uses = this.#uses[node] as FlagUse[];
    this.#following = following;
    x.forgetBits();
    x.regionFlags.enter(this.#enteredOnce(node) ? this.#flagsInto.get(node) : undefined);
    this.#node = node;
    if (this.#checked.has(node)) this.#requireBudgetFor(node);
    if (!repeats(block)) x.countDown(instructions.length);
    let ended = false;
    const transfers: Transfers = {
      direct: (target) => {
        ended = !block.fallsThrough;
        this.#goTo(target, ended);
      },
      indirect: (linear) => {
        ended = true;
        this.#jump(block, linear);
      },
    };
    instructions.forEach((instruction, k) => {
      if (instruction.facts.usesSse) this.#usesSse = true;
      const undone = instructions.length - k;
      if (instruction.crosses) x.e.if(this.#moved((instruction.at & ~0xfff) + 4096), () => x.leaveAt(instruction.at, instruction.facts.loops ? 0 : undone));
      x.emit(instruction, uses[k] as FlagUse, instruction.facts.loops ? 1 : undone, transfers);
    });
    if (!ended) this.#goTo(block.end, true);
  }

  /** @param last nothing of the block's code comes after it */
  #goTo(target: number, last: boolean): void {
    const { x } = this;
    const node = this.#numberOf.get(target);
    if (node === undefined) {
      this.#leaveFor(target);
      return;
    }
    const page = target & ~0xfff;
    if (page !== ((this.#blocks[this.#node] as RegionBlock).start & ~0xfff)) this.#requirePage(page, target);
    if (this.#goesBack(this.#node, node) && !this.#checked.has(node)) this.#requireBudgetFor(node);
    this.#flagsInto.set(node, x.regionFlags.flagState);
    this.#goToNode(node, last);
  }
  #goToNode(node: number, last: boolean): void {
    const { e } = this.x;
    const dispatch = this.#dispatchOf.get(node);
    if (dispatch) {
      e.i32(dispatch.targets.indexOf(node)).push();
      e.setLocal(this.#dispatchLocal);
    }
    const to = dispatch ? dispatch.node : node;
    if (last && to === this.#following) return;
    const label = this.#labels.get(to);
    if (label === undefined) throw new Error(`no way from the code to block ${node} at ${(this.#blocks[node] as RegionBlock).start}`);
    e.br(label);
  }

  /** Leaves for another page unless it still is where it was when the region was made. */
  #requirePage(page: number, target: number): void {
    this.x.e.if(this.#moved(page), () => this.#leaveFor(target));
  }
  #moved(page: number): I32 {
    const { e } = this.x;
    const linear = e.localI64(this.x.pageBase).add(page);
    const slot = this.x.tlbSlot(linear);
    return e.loadI64(slot, Tlb.executeTag).ne(linear).or(e.loadI32(slot, Tlb.host).ne(this.shape.hostPageOf(page >> 12)));
  }

  #leaveFor(target: number): void {
    const { e } = this.x;
    if (this.x.pages.includes(target >> 12)) this.x.wayOut(target, 0, RegionExit.next);
    else this.#leave(e.localI64(this.x.pageBase).add(target));
  }

  #leave(linear: I64): void {
    const { e } = this.x;
    linear.push();
    e.setLocal(this.#ripLocal);
    e.br(this.#leaveLabel);
  }

  /** A return, or another jump to a computed address. */
  #jump({ targets, instructions }: RegionBlock, linear: I64): void {
    const { x } = this;
    const { e } = x;
    const last = instructions.at(-1) as RegionInstruction;
    if (targets.length > 0) {
      const at = linear.sub(e.localI64(this.x.pageBase));
      if (targets.length <= FEW_TARGETS) for (const target of targets) e.if(at.eq(target), () => this.#goTo(target, false));
      else this.#jumpByTable(targets, at);
    }
    if (last.handler.mnemonic !== 'Ret') {
      e.storeI32(x.state, State.jumpedFrom, e.i32(this.shape.hostPageOf(last.at >> 12) + (last.at & 0xfff)));
      e.i32(RegionExit.computed).push();
      e.setLocal(this.#exitLocal);
    }
    this.#leave(linear);
  }

  /** Tells many targets apart by a hash without collisions, then looks whether it is the one. */
  #jumpByTable(targets: readonly number[], at: I64): void {
    const { e } = this.x;
    const { multiplier, bits } = perfectHash(targets);
    const byHash: (number | undefined)[] = new Array<undefined>(1 << bits).fill(undefined);
    for (const target of targets) byHash[Math.imul(target, multiplier) >>> (32 - bits)] = target;
    const hash = at.wrap().mul(multiplier).shrU(32 - bits);
    const none = e.openBlock();
    const labels = targets.map(() => e.openBlock());
    e.brTable(hash, byHash.map((target) => (target === undefined ? none : (labels[targets.indexOf(target)] as Label))), none);
    for (const target of [...targets].reverse()) {
      e.closeBlock();
      e.if(at.eq(target), () => this.#goTo(target, false));
      e.br(none);
    }
    e.closeBlock();
  }

  // --- entry and exit -----------------------------------------------------------------------------------------------------------

  /** A way out in the middle: address in the page, index of the page, instructions not executed, `RegionExit`, in 12, 5, 8 and 2 bits. */
  #decodeWayOut(): void {
    const { x } = this;
    const { e } = x;
    const out = e.popI32();
    const page = out.shrU(12).and(31);
    let distance = e.i32(0);
    x.pages.forEach((number, index) => {
      if (index > 0) distance = page.eq(index).select(e.i32(number << 12), distance);
    });
    e.localI64(x.pageBase).add(distance.or(out.and(0xfff)).toI64S()).push();
    e.setLocal(this.#ripLocal);
    e.localI32(x.budgetLocal).add(out.shrU(17).and(0xff)).push();
    e.setLocal(x.budgetLocal);
    out.shrU(25).push();
    e.setLocal(this.#exitLocal);
  }

  #writeBack(): void {
    const { x } = this;
    const { e, state } = x;
    x.gprLocals.forEach((local, n) => {
      if (local !== undefined && x.gprsWritten & (1 << n)) e.storeI64(state, State.gpr + 8 * n, e.localI64(local));
    });
    x.xmmLocals.forEach((local, n) => {
      if (local !== undefined && x.xmmsWritten & (1 << n)) e.storeV128(state, State.ymm + 32 * n, e.localV128(local));
    });
    x.regionFlags.writeBack();
    const executed = e.loadI32(state, State.budget).sub(e.localI32(x.budgetLocal));
    e.storeI32(state, State.compiled, e.loadI32(state, State.compiled).add(executed));
    this.#count(executed);
    e.storeI32(state, State.budget, e.localI32(x.budgetLocal));
    e.storeI64(state, State.rip, e.localI64(this.#ripLocal));
    e.localI32(this.#exitLocal).push();
  }

  #count(executed: I32): void {
    const { counters } = this.shape;
    if (counters === undefined) return;
    const { e } = this.x;
    const at = e.i32(counters);
    e.storeI64(at, 0, e.loadI64(at, 0).add(1));
    e.storeI64(at, 8, e.loadI64(at, 8).add(executed.toI64U()));
    e.storeI64(at, 16, e.loadI64(at, 16).add(e.localI32(this.#exitLocal).eq(RegionExit.interpret).toI64U()));
  }

  #prologue(code: ByteWriter): void {
    const { x } = this;
    const get = (local: number): void => {
      code.u8(Op.localGet);
      code.u32(local);
    };
    const load = (opcode: number, offset: number, local: number): void => {
      get(0);
      code.u8(opcode);
      code.u8(0);
      code.u32(offset);
      code.u8(Op.localSet);
      code.u32(local);
    };
    const store = (opcode: number, offset: number, push: () => void): void => {
      get(0);
      push();
      code.u8(opcode);
      code.u8(0);
      code.u32(offset);
    };
    const refuse = (): void => {
      code.u8(Op.if);
      code.u8(Type.void);
      code.u8(Op.i32Const);
      code.s32(RegionExit.interpret);
      code.u8(Op.return);
      code.u8(Op.end);
    };
    if (this.#usesSse) {
      get(0);
      code.u8(Op.i32Load);
      code.u8(0);
      code.u32(State.sseBlocked);
      refuse();
    }
    load(Op.i64Load, State.pageBase, x.pageBase);
    // Where a branch could leave the canonical addresses, and so fault, the interpreter executes it: within 2 GiB of their ends.
    get(x.pageBase);
    get(x.pageBase);
    code.u8(Op.i64Const);
    code.s64(63, 0);
    code.u8(Op.i64ShrS);
    code.u8(Op.i64Xor);
    code.u8(Op.i64Const);
    code.s64(0x80000000 | 0, 0);
    code.u8(Op.i64Add);
    code.u8(Op.i64Const);
    code.s64(47, 0);
    code.u8(Op.i64ShrU);
    code.u8(Op.i64Eqz);
    code.u8(Op.i32Eqz);
    refuse();
    load(Op.i32Load, State.budget, x.budgetLocal);
    load(Op.i32Load, State.tlb, x.tlbLocal);
    x.gprLocals.forEach((local, n) => {
      if (local !== undefined) load(Op.i64Load, State.gpr + 8 * n, local);
    });
    for (const kept of x.keptPages) {
      store(Op.i64Store, kept + KeptPage.page, () => {
        code.u8(Op.i64Const);
        code.s64(NO_PAGE.low, NO_PAGE.high);
      });
      store(Op.i32Store, kept + KeptPage.distance, () => {
        code.u8(Op.i32Const);
        code.s32(0);
      });
    }
    x.xmmLocals.forEach((local, n) => {
      if (local === undefined) return;
      get(0);
      code.u8(Op.prefixSimd);
      code.u32(Simd.v128Load);
      code.u8(0);
      code.u32(State.ymm + 32 * n);
      code.u8(Op.localSet);
      code.u32(local);
    });
  }
}

/** A multiplier whose products with the numbers differ in their highest bits. */
function perfectHash(numbers: readonly number[]): { readonly multiplier: number; readonly bits: number } {
  for (let bits = Math.ceil(Math.log2(numbers.length)) + 1; ; bits++) {
    let multiplier = 0x9e3779b1 | 0;
    for (let attempt = 0; attempt < 200; attempt++) {
      if (new Set(numbers.map((n) => Math.imul(n, multiplier) >>> (32 - bits))).size === numbers.length) return { multiplier, bits };
      multiplier = Math.imul(multiplier, 0x85ebca6b) | 1;
    }
  }
}

/** In the order in which their code is made. */
function blocksOf(elements: readonly Element[]): number[] {
  return elements.flatMap((element) => (element.kind === 'block' ? [element.node] : element.kind === 'loop' ? blocksOf(element.body) : []));
}
/** It is one instruction, which counts its own iterations. */
function repeats({ instructions }: RegionBlock): boolean {
  return (instructions[0] as RegionInstruction).facts.loops;
}

/**
 * Which flag words are looked at after each instruction of a block. Whoever leaves the region may look at all of them, and an instruction that may leave does
 * so before it has changed any.
 *
 * @param after those that are looked at after the block
 * @returns and those that are looked at before it
 */
function flagUses({ instructions }: RegionBlock, after: number, mayLeave: (instruction: RegionInstruction) => boolean): { readonly uses: FlagUse[]; readonly before: number } {
  const uses = new Array<FlagUse>(instructions.length);
  let needed = after;
  for (let k = instructions.length - 1; k >= 0; k--) {
    const instruction = instructions[k] as RegionInstruction;
    const { reads, kills, conditional } = instruction.facts;
    uses[k] = { needed, kills, reads, conditional };
    needed = mayLeave(instruction) || conditional ? ALL_WORDS : (needed & ~kills) | reads;
  }
  return { uses, before: needed };
}
