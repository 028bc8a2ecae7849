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
interface FunctionOfRegion {
  parent: number;
  readonly returnSites: Set<number>;
  /** On some ways it isn't of this region any more. */
  leaves: boolean;
}

/** Furthest from the first page, in bytes. */
export const FURTHEST = 2 ** 30;
const NOWHERE = FURTHEST;

/**
 * Finds the code of a region: what is reachable from `root` by jumps, and by calls whose target is decoded too, as far as it was executed before and no
 * other region is entered there. A RET goes back to the calls, within the region, of its own function; where a call leaves the region, it is entered behind it.
 */
export function discover(source: CodeSource, host: HostMemory, handlers: readonly Handler[], factsOf: (record: number, handler: Handler) => Facts, root: number, limits: DiscoveryLimits): Discovered {
  const instructions = new Map<number, RegionInstruction>();
  const leaders = new Set<number>();
  // Functions by their first instruction, joined where they share code.
  const functions = new Map<number, FunctionOfRegion>();
  const functionOf = (at: number): number => {
    let entry = functions.get(at);
    if (!entry) functions.set(at, (entry = { parent: at, returnSites: new Set(), leaves: false }));
    if (entry.parent === at) return at;
    entry.parent = functionOf(entry.parent);
    return entry.parent;
  };
  const join = (a: number, b: number): void => {
    const [first, second] = [functionOf(a), functionOf(b)];
    if (first === second) return;
    const into = functions.get(first) as FunctionOfRegion;
    const from = functions.get(second) as FunctionOfRegion;
    for (const site of from.returnSites) into.returnSites.add(site);
    into.leaves ||= from.leaves;
    from.parent = first;
  };
  const owner = new Map<number, number>();
  /** Behind instructions that are the interpreter's. */
  const resumptions: { at: number; fn: number }[] = [];
  /** Targets of computed jumps. */
  const computed = new Map<number, readonly number[]>();
  const pages = new Set<number>();
  let cut = false;
  const within = (at: number): boolean => pages.has(at >> 12) || (pages.size < limits.pages && Math.abs(at) < FURTHEST);

  const foreign = (at: number): boolean => at !== root && source.isEntry(at);
  const available = (at: number): boolean => within(at) && (instructions.has(at) || (!foreign(at) && source.blockAt(at) !== undefined));

  /** Reads decoded instructions from `start` on. @returns where control may go within the function */
  const walk = (start: number, fn: number, near: number[], calls: [number, number][]): void => {
    let at = start;
    let record = 0;
    /** Of the block that the record belongs to. */
    let end = 0;
    for (;;) {
      const known = instructions.get(at);
      if (known) {
        join(fn, owner.get(at) as number);
        return;
      }
      if (instructions.size >= limits.instructions || !within(at) || foreign(at)) {
        cut = true;
        (functions.get(functionOf(fn)) as FunctionOfRegion).leaves = true;
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
        if (host.u32[(record + Record.displacement) >> 2] !== source.hostPageOf((page >> 12) + 1) || !within(page + 4096)) return;
        record += Record.size;
      }
      const handler = handlers[source.handlerOf(record) - Special.first];
      const facts = handler && factsOf(record, handler);
      if (!handler || !facts?.supported) {
        (functions.get(functionOf(fn)) as FunctionOfRegion).leaves = true;
        const next = page + (host.u16[(record + Record.next) >> 1] as number);
        if (next > at) resumptions.push({ at: next, fn });
        return;
      }
      const next = page + (host.u16[(record + Record.next) >> 1] as number);
      const branch = handler.shape === 'b';
      const target = branch ? next + (host.i32[(record + Record.immediate) >> 2] as number) : undefined;
      pages.add(at >> 12);
      instructions.set(at, { record, at, next, handler, facts, target, crosses });
      // Whether that page is where it was is looked at between blocks.
      if (next >> 12 !== at >> 12) leaders.add(next);
      owner.set(at, fn);
      if (facts.loops) {
        leaders.add(at);
        leaders.add(next);
      }
      const isCall = handler.mnemonic === 'Call';
      let targets: readonly number[] = target === undefined ? [] : [target];
      if (target === undefined && (isCall || handler.mnemonic === 'Jmp')) {
        targets = source.targetsOf(at).slice(0, MANY_TARGETS);
        computed.set(at, targets);
      }
      targets = targets.filter((to) => (to >> 12 === at >> 12 && target !== undefined) || !source.isCold(to));
      if (isCall) {
        // Without any target known, none that is available.
        for (const called of targets.length > 0 ? targets : [NOWHERE]) calls.push([called, next]);
        return;
      }
      near.push(...targets);
      if (handler.definition.ends) return;
      if (branch) leaders.add(next);
      at = next;
      record += Record.size;
    }
  };

  leaders.add(root);
  const queue: { at: number; fn: number }[] = [{ at: root, fn: root }];
  const entries = new Set([root]);
  /** Goes on at a place that control comes to from outside. */
  const enterAt = (at: number, fn: number): void => {
    if (entries.size >= MANY_ENTRIES || instructions.size >= limits.instructions || !available(at) || source.isCold(at)) return;
    entries.add(at);
    queue.push({ at, fn });
    follow();
  };
  const laterCalls: { target: number; site: number; fn: number }[] = [];
  const follow = (): void => {
    for (let item = queue.shift(); item; item = queue.shift()) {
      const near: number[] = [];
      const calls: [number, number][] = [];
      if (!available(item.at)) continue;
      leaders.add(item.at);
      walk(item.at, item.fn, near, calls);
      for (const target of near) queue.push({ at: target, fn: item.fn });
      for (const [target, site] of calls) laterCalls.push({ target, site, fn: item.fn });
    }
  };
  follow();
  // What is called comes after all that is jumped to, while there is room.
  const followCall = (call: { target: number; site: number; fn: number }): void => {
    if (instructions.size >= limits.instructions) {
      cut = true;
      return;
    }
    if (!available(call.target)) {
      if (foreign(call.target)) cut = true;
      enterAt(call.site, call.fn);
      return;
    }
    functionOf(call.target);
    queue.push({ at: call.target, fn: call.target });
    follow();
    const fn = functionOf(owner.get(call.target) ?? call.target);
    const { returnSites } = functions.get(fn) as FunctionOfRegion;
    if (returnSites.size < MANY_RETURNS && available(call.site)) {
      returnSites.add(call.site);
      queue.push({ at: call.site, fn: call.fn });
      follow();
    }
  };
  for (;;) {
    const call = laterCalls.shift();
    if (call) {
      followCall(call);
      continue;
    }
    const resumption = resumptions.shift();
    if (!resumption) break;
    enterAt(resumption.at, resumption.fn);
  }
  // Whom they leave the region for returns to them.
  for (const [at, { parent, leaves, returnSites }] of functions) {
    if (at === parent && leaves) for (const site of returnSites) if (entries.size < MANY_ENTRIES) entries.add(site);
  }

  // Blocks.
  const blocks: RegionBlock[] = [];
  for (const start of [...leaders].sort((a, b) => a - b)) {
    if (!instructions.has(start)) continue;
    let first = start;
    for (;;) {
      const list: RegionInstruction[] = [];
      let at = first;
      let ended = false;
      for (;;) {
        const instruction = instructions.get(at);
        if (!instruction || (at !== first && leaders.has(at)) || list.length >= LONGEST_BLOCK) break;
        list.push(instruction);
        at = instruction.next;
        if (instruction.handler.definition.ends || instruction.handler.mnemonic === 'Call') {
          ended = true;
          break;
        }
        if (instruction.target !== undefined) break;
      }
      const last = list.at(-1) as RegionInstruction;
      const sites = last.handler.mnemonic === 'Ret' ? (functions.get(functionOf(owner.get(last.at) as number)) as FunctionOfRegion).returnSites : (computed.get(last.at) ?? []);
      const targets = [...sites].filter((site) => instructions.has(site) && leaders.has(site));
      const successors: number[] = [];
      if (last.target !== undefined && instructions.has(last.target)) successors.push(last.target);
      successors.push(...targets);
      if (!ended && instructions.has(at)) successors.push(at);
      blocks.push({ start: first, instructions: list, end: at, successors, targets, fallsThrough: !ended });
      if (ended || list.length < LONGEST_BLOCK || leaders.has(at) || !instructions.has(at)) break;
      // A long straight piece goes on as a block of its own.
      first = at;
    }
  }
  return { blocks, entries: [...entries].filter((at) => instructions.has(at)), cut };
}

/** Of a record: what beside its handler the facts depend on. */
export function factVariant(host: HostMemory, record: number, handler: Handler): number {
  const repeats = (host.u8[record + Record.flags] as number) & (RecordFlag.rep | RecordFlag.repne);
  const mask = handler.size === 8 ? 63 : 31;
  const zeroCount = handler.shape.includes('i') && ((host.i32[(record + Record.immediate) >> 2] as number) & mask) === 0;
  return repeats | (zeroCount ? 1 : 0);
}
