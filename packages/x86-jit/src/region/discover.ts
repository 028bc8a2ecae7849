import type { HostMemory } from '../host-memory.js';
import { Special, type Handler } from '../interpreter/handlers.js';
import type { Block } from '../interpreter/predecoder.js';
import { Record, RecordFlag } from '../state-layout.js';
import type { Facts } from './facts.js';
import type { RegionInstruction } from './region-context.js';

/** Where decoded code is found. Addresses are relative to the linear page of the region's first instruction. */
export interface CodeSource {
  /** Block decoded from this place on. */
  blockAt(at: number): Pick<Block, 'first' | 'count'> | undefined;
  /** The handler of a record, also where a region stands in for it. */
  handlerOf(record: number): number;
  /** Where the computed jump or call at this place went. */
  targetsOf(at: number): readonly number[];
  /** Another region is entered here: control leaves for it. */
  isEntry(at: number): boolean;
  /** Control came here so rarely, where each time counts: from another page, back from a call, or behind an instruction of the interpreter's. */
  isCold(at: number): boolean;
  /** Host address of a page by its distance from the first, 0 where there is none. */
  hostPageOf(page: number): number;
}

export interface RegionBlock {
  readonly start: number;
  readonly instructions: readonly RegionInstruction[];
  /** Address after the last instruction. */
  readonly end: number;
  /** Places that control may go to from its end, in the region; the one that follows is last. */
  readonly successors: readonly number[];
  /** Of a RET or a computed jump: where it may go to within the region. */
  readonly targets: readonly number[];
  /** Control goes on at `end`. */
  readonly fallsThrough: boolean;
}

export interface Discovered {
  readonly blocks: readonly RegionBlock[];
  /** Beginnings of blocks at which control enters: the root, and where it comes back to from calls that leave. */
  readonly entries: readonly number[];
  /** How many all blocks have. */
  readonly instructions: number;
  /** There was more code than the limits allow, or other regions have it. */
  readonly cut: boolean;
}

export interface DiscoveryLimits {
  readonly instructions: number;
  /** Different pages of code. */
  readonly pages: number;
}

/** Longest straight piece: the count of a way out has 8 bits. */
const LONGEST_BLOCK = 100;
const MANY_RETURNS = 12;
const MANY_ENTRIES = 16;
const MANY_TARGETS = 64;
/** Furthest from the first page, in bytes. */
export const FURTHEST = 2 ** 30;

/** Code that is left by the same RETs; of what turned out to share code, one stands for all. */
interface CodeFunction {
  joined: CodeFunction | undefined;
  /** Where its RETs go back to. */
  readonly returnSites: Set<number>;
  /** On some ways it isn't of this region any more. */
  leaves: boolean;
}

/** The one that stands for all of them. */
function whole(fn: CodeFunction): CodeFunction {
  let found = fn;
  while (found.joined) found = found.joined;
  return found;
}

interface Place {
  readonly at: number;
  readonly fn: CodeFunction;
}
interface Call {
  readonly target: number | undefined;
  /** Behind it. */
  readonly site: number;
  readonly fn: CodeFunction;
}

/**
 * Finds the code of a region: what is reachable from `root` by jumps, and by calls whose target is decoded too, as far as it was executed before and no
 * other region is entered there. A RET goes back to the calls, within the region, of its own function; where a call leaves the region, it is entered behind it.
 */
export function discover(source: CodeSource, host: HostMemory, handlers: readonly Handler[], factsOf: (record: number, handler: Handler) => Facts, root: number, limits: DiscoveryLimits): Discovered {
  return new Discovery(source, host, handlers, factsOf, root, limits).find();
}

class Discovery {
  readonly #instructions = new Map<number, RegionInstruction>();
  /** Beginnings of blocks. */
  readonly #leaders = new Set<number>();
  readonly #entries = new Set<number>();
  /** By their first instruction. */
  readonly #functions = new Map<number, CodeFunction>();
  /** Of each instruction. */
  readonly #owners = new Map<number, CodeFunction>();
  /** Of computed jumps and calls. */
  readonly #computed = new Map<number, readonly number[]>();
  readonly #pages = new Set<number>();
  #cut = false;
  /** Places to go on from, within the functions at hand. */
  readonly #near: Place[] = [];
  readonly #calls: Call[] = [];
  /** Behind instructions that are the interpreter's. */
  readonly #resumptions: Place[] = [];

  constructor(
    private readonly source: CodeSource,
    private readonly host: HostMemory,
    private readonly handlers: readonly Handler[],
    private readonly factsOf: (record: number, handler: Handler) => Facts,
    private readonly root: number,
    private readonly limits: DiscoveryLimits,
  ) {}

  find(): Discovered {
    this.#enter(this.root, this.#functionAt(this.root));
    // What is called comes after all that is jumped to, while there is room; then what control comes back to from the interpreter.
    for (;;) {
      const call = this.#calls.shift();
      if (call) {
        this.#followCall(call);
        continue;
      }
      const resumption = this.#resumptions.shift();
      if (!resumption) break;
      this.#resume(resumption.at, resumption.fn);
    }
    // Whom they leave the region for returns to them.
    for (const { joined, leaves, returnSites } of this.#functions.values()) {
      if (!joined && leaves) for (const site of returnSites) if (this.#entries.size < MANY_ENTRIES) this.#entries.add(site);
    }
    const entries = [...this.#entries].filter((at) => this.#instructions.has(at));
    return { blocks: this.#blocks(), entries, instructions: this.#instructions.size, cut: this.#cut };
  }

  // --- functions ----------------------------------------------------------------------------------------------------------------

  #functionAt(at: number): CodeFunction {
    let fn = this.#functions.get(at);
    if (!fn) this.#functions.set(at, (fn = { joined: undefined, returnSites: new Set(), leaves: false }));
    return whole(fn);
  }
  #join(a: CodeFunction, b: CodeFunction): void {
    const [into, from] = [whole(a), whole(b)];
    if (into === from) return;
    for (const site of from.returnSites) into.returnSites.add(site);
    into.leaves ||= from.leaves;
    from.joined = into;
  }

  // --- where there is code ------------------------------------------------------------------------------------------------------

  #within(at: number): boolean {
    return this.#pages.has(at >> 12) || (this.#pages.size < this.limits.pages && Math.abs(at) < FURTHEST);
  }
  #isFull(): boolean {
    return this.#instructions.size >= this.limits.instructions;
  }
  /** Another region's. */
  #isForeign(at: number): boolean {
    return at !== this.root && this.source.isEntry(at);
  }
  #isAvailable(at: number): boolean {
    return this.#within(at) && (this.#instructions.has(at) || (!this.#isForeign(at) && this.source.blockAt(at) !== undefined));
  }

  // --- following it -------------------------------------------------------------------------------------------------------------

  /** Control comes here from outside. */
  #enter(at: number, fn: CodeFunction): void {
    this.#entries.add(at);
    this.#follow(at, fn);
  }
  /** Goes on where control comes back to, if that is worth an entry. */
  #resume(at: number, fn: CodeFunction): void {
    if (this.#entries.size < MANY_ENTRIES && !this.#isFull() && this.#isAvailable(at) && !this.source.isCold(at)) this.#enter(at, fn);
  }

  #follow(at: number, fn: CodeFunction): void {
    for (let place: Place | undefined = { at, fn }; place; place = this.#near.shift()) {
      if (!this.#isAvailable(place.at)) continue;
      this.#leaders.add(place.at);
      this.#walk(place.at, place.fn);
    }
  }

  #followCall({ target, site, fn }: Call): void {
    if (this.#isFull()) {
      this.#cut = true;
      return;
    }
    if (target === undefined || !this.#isAvailable(target)) {
      if (target !== undefined && this.#isForeign(target)) this.#cut = true;
      this.#resume(site, fn);
      return;
    }
    this.#follow(target, this.#functionAt(target));
    const { returnSites } = whole(this.#owners.get(target) ?? this.#functionAt(target));
    if (returnSites.size < MANY_RETURNS && this.#isAvailable(site)) {
      returnSites.add(site);
      this.#follow(site, fn);
    }
  }

  /** Reads decoded instructions, to a jump or to what is known. */
  #walk(start: number, fn: CodeFunction): void {
    const { source, host } = this;
    let at = start;
    let record = 0;
    /** Of the block that the record belongs to. */
    let end = 0;
    for (;;) {
      const known = this.#owners.get(at);
      if (known) {
        this.#join(fn, known);
        return;
      }
      if (this.#isFull() || !this.#within(at) || this.#isForeign(at)) {
        this.#cut = true;
        whole(fn).leaves = true;
        return;
      }
      if (record === end || source.handlerOf(record) === Special.invalid || source.handlerOf(record) === Special.goOn) {
        const block = source.blockAt(at);
        if (!block) return;
        record = block.first;
        end = record + block.count * Record.size;
      }
      const page = at & ~0xfff;
      const crosses = source.handlerOf(record) === Special.checkNextPage;
      if (crosses) {
        if (host.u32[(record + Record.displacement) >> 2] !== source.hostPageOf((page >> 12) + 1) || !this.#within(page + 4096)) return;
        record += Record.size;
      }
      const next = page + (host.u16[(record + Record.next) >> 1] as number);
      const handler = this.handlers[source.handlerOf(record) - Special.first];
      const facts = handler && this.factsOf(record, handler);
      if (!facts?.supported) {
        whole(fn).leaves = true;
        if (next > at) this.#resumptions.push({ at: next, fn });
        return;
      }
      const target = handler.shape === 'b' ? next + (host.i32[(record + Record.immediate) >> 2] as number) : undefined;
      this.#pages.add(at >> 12);
      this.#instructions.set(at, { record, at, next, handler, facts, target, crosses });
      this.#owners.set(at, fn);
      // Whether that page is where it was is looked at between blocks.
      if (next >> 12 !== at >> 12) this.#leaders.add(next);
      if (facts.loops) {
        this.#leaders.add(at);
        this.#leaders.add(next);
      }
      const targets = this.#targetsOf(at, handler, target);
      if (handler.mnemonic === 'Call') {
        for (const called of targets) this.#calls.push({ target: called, site: next, fn });
        if (targets.length === 0) this.#calls.push({ target: undefined, site: next, fn });
        return;
      }
      for (const to of targets) this.#near.push({ at: to, fn });
      if (handler.definition.ends) return;
      if (target !== undefined) this.#leaders.add(next);
      at = next;
      record += Record.size;
    }
  }
  /** Where a jump or call goes that is worth following. */
  #targetsOf(at: number, { mnemonic }: Handler, target: number | undefined): readonly number[] {
    if (target !== undefined) return target >> 12 === at >> 12 || !this.source.isCold(target) ? [target] : [];
    if (mnemonic !== 'Call' && mnemonic !== 'Jmp') return [];
    const targets = this.source.targetsOf(at).slice(0, MANY_TARGETS);
    this.#computed.set(at, targets);
    return targets.filter((to) => !this.source.isCold(to));
  }

  // --- blocks -------------------------------------------------------------------------------------------------------------------

  #blocks(): RegionBlock[] {
    const blocks: RegionBlock[] = [];
    for (const start of [...this.#leaders].sort((a, b) => a - b)) {
      // A long straight piece goes on as a block of its own.
      for (let at: number | undefined = start; at !== undefined && this.#instructions.has(at); ) {
        const block = this.#blockFrom(at);
        blocks.push(block);
        at = block.instructions.length === LONGEST_BLOCK && block.fallsThrough && !this.#leaders.has(block.end) ? block.end : undefined;
      }
    }
    return blocks;
  }
  #blockFrom(start: number): RegionBlock {
    const instructions: RegionInstruction[] = [];
    let fallsThrough = true;
    let at = start;
    for (let next = this.#instructions.get(at); next && (at === start || !this.#leaders.has(at)) && instructions.length < LONGEST_BLOCK; next = this.#instructions.get(at)) {
      instructions.push(next);
      at = next.next;
      fallsThrough = !next.handler.definition.ends && next.handler.mnemonic !== 'Call';
      if (!fallsThrough || next.target !== undefined) break;
    }
    const last = instructions.at(-1) as RegionInstruction;
    const sites = last.handler.mnemonic === 'Ret' ? whole(this.#owners.get(last.at) as CodeFunction).returnSites : (this.#computed.get(last.at) ?? []);
    const targets = [...sites].filter((site) => this.#instructions.has(site) && this.#leaders.has(site));
    const successors = [...(last.target !== undefined && this.#instructions.has(last.target) ? [last.target] : []), ...targets, ...(fallsThrough && this.#instructions.has(at) ? [at] : [])];
    return { start, instructions, end: at, successors, targets, fallsThrough };
  }
}

/** Of a record: what beside its handler the facts depend on. */
export function factVariant(host: HostMemory, record: number, handler: Handler): number {
  const repeats = (host.u8[record + Record.flags] as number) & (RecordFlag.rep | RecordFlag.repne);
  const mask = handler.size === 8 ? 63 : 31;
  const zeroCount = handler.shape.includes('i') && ((host.i32[(record + Record.immediate) >> 2] as number) & mask) === 0;
  return repeats | (zeroCount ? 1 : 0);
}
