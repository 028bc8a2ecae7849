import type { CpuState } from '../cpu/cpu-state.js';
import type { HostMemory } from '../host-memory.js';
import { buildHandlerTable, type Handler } from '../interpreter/handlers.js';
import type { Block, Predecoder } from '../interpreter/predecoder.js';
import { ModeKey, Record, Regions, State } from '../state-layout.js';
import { DecodedCode, type CodeView } from './code-source.js';
import { compileRegion, type CompiledFunction } from './compile.js';
import { discover, factVariant, type Discovered } from './discover.js';
import type { Facts } from './facts.js';
import { JumpTargetTable } from './jump-targets.js';
import { RegionContext } from './region-context.js';
import { regionModule } from './region-module.js';
import type { RegionTrace, RegionUse, TracedRegion } from './region-trace.js';

export interface RegionOptions {
  /** How often a block is looked up before it is compiled. */
  readonly lookups: number;
  /** Instructions between two samples of where the interpreter is. */
  readonly samplePeriod: number;
  /** What the period grows to while compiled code executes. */
  readonly longestPeriod: number;
  /** How often a block is met so before it is compiled. */
  readonly samples: number;
  /** Most instructions of a region; entered `entries` times, it is made anew with the next number. */
  readonly instructions: readonly number[];
  /** How often a region is entered before it may grow. */
  readonly entries: number;
  /** Regions of at most so many instructions are repeated in those that lead to them; others are left for, until they grow. */
  readonly repeated: number;
  /** Regions in a module, unless they would have to wait long. */
  readonly batch: number;
  /** Most pages that a region may have code of; at most 16. */
  readonly pages: number;
  /** Instructions after which some region is given up, any of them; 0: none is but for want of room. For tests, which nothing of this may make a difference to. */
  readonly evict: number;
  /** Is told of what happens to regions. */
  readonly trace?: RegionTrace;
}

export const DEFAULT_REGION_OPTIONS: RegionOptions = { lookups: 8000, samplePeriod: 10_000, longestPeriod: 320_000, samples: 6, instructions: [150, 400, 1600], entries: 200_000, pages: 12, repeated: 24, batch: 16, evict: 0 };

/** Blocks of a region are met by the interpreter when it was left in its middle. It will be entered again elsewhere: they must be met so many times as often. */
const COVERED = 3;
/** Instructions that a region waits at most for others to share a module with. */
const BATCH_WAIT = 1_000_000;
const NEVER = 0x7fffffff;
/** What was looked up less often than this part of `lookups` isn't worth being compiled with what leads there. */
const COLD = 1 / 16;
/** What is entered so often, in parts of what makes a region grow, becomes part of those that lead there when they grow. */
const HOT = 1 / 8;
/** Blocks whose samples are remembered. */
const MOST_SAMPLED = 20_000;
/** How often a block is looked up until its first instruction is executed, at most: to enter its region, and where that leaves the instruction to the interpreter. */
const LOOKUPS_TO_EXECUTE = 2;

interface Entry {
  readonly block: Block;
  /** In the table of functions. */
  readonly slot: number;
  /** Pages from that of the region's first instruction. */
  readonly page: number;
}

interface Region {
  /** The first is what it was found from. */
  readonly entries: readonly Entry[];
  /** What it was made from. */
  readonly blocks: readonly Block[];
  /** Until its module is there. */
  code: CompiledFunction | undefined;
  readonly traced: TracedRegion | undefined;
  /** Index of its limit in `RegionOptions.instructions`. */
  readonly level: number;
  readonly instructions: number;
  /** There was more to compile. */
  readonly cut: boolean;
  /** The smaller one that it takes the place of. */
  replaced: Region | undefined;
  live: boolean;
}

export interface RegionWires {
  readonly host: HostMemory;
  readonly memory: WebAssembly.Memory;
  readonly predecoder: Predecoder;
  readonly table: WebAssembly.Table;
  /** Host address of the handlers that regions stand in for. */
  readonly handlers: number;
  /** Host address of the numbers of entries, by slot. */
  readonly entryNumbers: number;
  /** Host address of what regions count, by slot of the first entry; see `Regions.counterBytes`. */
  readonly counters: number;
  /** Host address of `JumpTargets`. */
  readonly jumpTargets: number;
}

/** Finds hot code, compiles it, and forgets what was compiled when its code changes. */
export class RegionCache {
  readonly #wires: RegionWires;
  readonly #handlers: readonly Handler[] = buildHandlerTable().handlers;
  readonly #facts = new Map<number, Facts>();
  readonly #examiner: RegionContext;
  readonly #jumpTargets: JumpTargetTable;
  /** By the blocks that they are entered at. */
  readonly #regions = new Map<Block, Region>();
  readonly #free: number[] = [];
  readonly #samples = new Map<Block, number>();
  #pending: Region[] = [];
  #waited = 0;
  #sinceEviction = 0;

  /** Figures for whoever wants to know: regions compiled since the start, those alive, modules. */
  compiledRegions = 0;
  liveRegions = 0;
  modules = 0;

  constructor(wires: RegionWires, readonly options: RegionOptions) {
    this.#wires = wires;
    this.#examiner = new RegionContext(wires.host);
    this.#jumpTargets = new JumpTargetTable(wires.host, wires.jumpTargets);
    for (let slot = Regions.slots - 1; slot >= 0; slot--) this.#free.push(slot);
  }

  // --- what is hot --------------------------------------------------------------------------------------------------------------

  /** The processor is at an instruction that the interpreter executes. @param record it */
  sample(cpu: CpuState, record: number): void {
    const host = cpu.u32(State.hostPage) + (cpu.u32(State.rip) & 0xfff);
    const block = this.#wires.predecoder.blockOf(record, host);
    if (block && this.#isDue(block, 1)) this.#compile(cpu, block, 'samples');
  }
  /** A block was met, as much as so many samples. @returns whether that is enough now */
  #isDue(block: Block, samples: number): boolean {
    const count = (this.#samples.get(block) ?? 0) + samples;
    const covered = (block.regions?.size ?? 0) > 0;
    if (count < this.options.samples * (covered ? COVERED : 1)) {
      this.#samples.set(block, count);
      return false;
    }
    this.#samples.delete(block);
    return true;
  }

  /** So many instructions were executed, by whatever. */
  passed(instructions: number): void {
    if (this.#pending.length > 0) {
      this.#waited += instructions;
      if (this.#waited >= BATCH_WAIT) this.flush();
    }
    if (this.#samples.size > MOST_SAMPLED) this.#forgetHalf();
    const { evict } = this.options;
    this.#sinceEviction += instructions;
    if (evict > 0 && this.#sinceEviction >= evict) {
      this.#sinceEviction = 0;
      this.#evictSome();
    }
  }

  /** Of what was sampled, half. */
  #forgetHalf(): void {
    for (const [block, count] of this.#samples) {
      if (count > 1) this.#samples.set(block, count >> 1);
      else this.#samples.delete(block);
    }
  }

  /** A block was looked up so often. @param host address of its first byte */
  lookedUp(cpu: CpuState, host: number, modeKey: number): void {
    const { predecoder } = this.#wires;
    predecoder.setLookups(host, NEVER);
    const block = predecoder.blockAt(host, modeKey);
    if (!block) return;
    // Inside of a region that is about to be there: it may not be looked up any more then.
    if (this.#pending.some((region) => block.regions?.has(region))) predecoder.setLookups(host, this.options.lookups + LOOKUPS_TO_EXECUTE);
    else if (this.#regions.has(block) || this.#isDue(block, this.options.samples)) this.#compile(cpu, block, 'lookups');
    else predecoder.setLookups(host, this.options.lookups);
  }

  /** A region is entered here more often than its neighbours need it to be. */
  #isHot(block: Block): boolean {
    const left = this.#wires.predecoder.lookupsLeft(block.key, block.modeKey);
    return left > this.options.entries || left < this.options.entries * (1 - HOT);
  }

  /** It was looked up seldom, and no region is entered here. */
  #isCold(block: Block): boolean {
    if (this.#regions.has(block)) return false;
    const { lookups } = this.options;
    const left = this.#wires.predecoder.lookupsLeft(block.key, block.modeKey);
    return left <= lookups && lookups - left < Math.floor(lookups * COLD);
  }

  // --- compiling ----------------------------------------------------------------------------------------------------------------

  #factsOf = (record: number, handler: Handler): Facts => {
    const key = handler.id * 32 + factVariant(this.#wires.host, record, handler);
    let facts = this.#facts.get(key);
    if (!facts) this.#facts.set(key, (facts = this.#examiner.examine(record, handler)));
    return facts;
  };

  /** Makes a region that is entered at a block, or one anew that is. */
  #compile(cpu: CpuState, block: Block, why: 'lookups' | 'samples'): void {
    if (block.modeKey !== ModeKey.code64) return;
    const replaced = this.#regions.get(block);
    const level = replaced === undefined ? 0 : replaced.level + 1;
    const limit = this.options.instructions[level];
    if (limit === undefined || (replaced !== undefined && !this.#mayGrow(replaced))) return;
    const since = this.options.trace === undefined ? 0 : performance.now();
    const root = replaced?.entries[0]?.block ?? block;
    const start = root.start % 4096;
    const source = this.#codeAround(cpu, block, level, replaced);
    // The root may be in another page, which needn't be where it was.
    const found = source.hostPageOf(0) === root.start - start ? discover(source, this.#wires.host, this.#handlers, this.#factsOf, start, { instructions: limit, pages: this.options.pages }) : undefined;
    if (found?.entries[0] !== start || (replaced !== undefined && found.instructions <= replaced.instructions)) {
      this.#wires.predecoder.setLookups(block.key, NEVER);
      return;
    }
    const region = this.#regionOf(source, found, level, replaced);
    if (region.traced) this.options.trace?.event({ kind: 'compiled', region: region.traced, why, milliseconds: performance.now() - since });
    for (const entry of region.entries) this.#regions.set(entry.block, region);
    for (const part of region.blocks) (part.regions ??= new Set()).add(region);
    this.#pending.push(region);
    if (this.#pending.length >= this.options.batch) this.flush();
  }

  /** There is more to take in, and no successor that waits for its module already. */
  #mayGrow(region: Region): boolean {
    return region.cut && region.code === undefined && this.#regions.get((region.entries[0] as Entry).block) === region;
  }

  /** The code around a block that the vCPU is at, for a region of its own or for one that takes another's place. */
  #codeAround(cpu: CpuState, block: Block, level: number, replaced: Region | undefined): DecodedCode {
    const page = replaced?.entries.find((entry) => entry.block === block)?.page ?? 0;
    const linearPage = BigInt.asUintN(64, (cpu.u64(State.rip) & ~0xfffn) - BigInt(page * 4096));
    const view: CodeView = {
      handlerOf: (record) => this.#handlerOf(record),
      isCold: (decoded) => this.#isCold(decoded),
      isEntry: (decoded) => {
        const other = this.#regions.get(decoded);
        if (other === undefined || other === replaced || other.instructions <= this.options.repeated) return false;
        return level === 0 || (other.level === 0 && !this.#isHot(decoded));
      },
    };
    return new DecodedCode(cpu, this.#wires.predecoder, this.#jumpTargets, view, linearPage, page, block.start - (block.start % 4096));
  }

  #regionOf(source: DecodedCode, { blocks, cut, entries: found, instructions }: Discovered, level: number, replaced: Region | undefined): Region {
    const { host, entryNumbers } = this.#wires;
    const { trace } = this.options;
    const isFree = (at: number): boolean => {
      const block = source.decodedAt(at);
      return block !== undefined && [undefined, replaced].includes(this.#regions.get(block));
    };
    const entered = found.filter((at, k) => k === 0 || isFree(at));
    while (this.#free.length < entered.length) this.#evict();
    const entries = entered.map((at, k): Entry => {
      const slot = this.#free.pop() as number;
      host.u8[entryNumbers + slot] = k;
      return { block: source.decodedAt(at) as Block, slot, page: at >> 12 };
    });
    const { slot } = entries[0] as Entry;
    const counters = trace === undefined ? undefined : this.#countersOf(slot);
    const code = compileRegion(new RegionContext(host), { blocks, entries: entered, entryNumbers, hostPageOf: (page) => source.hostPageOf(page), counters });
    this.compiledRegions++;
    const traced = trace && {
      number: this.compiledRegions,
      address: source.linearPage + BigInt(entered[0] as number),
      blocks: blocks.length,
      instructions,
      bytes: code.body.length,
      use: () => this.#useOf(slot),
    };
    return { entries, blocks: [...source.used], code, live: true, traced, level, instructions, cut, replaced };
  }

  /** Makes a module of the regions that wait for one. */
  flush(): void {
    const regions = this.#pending.filter((region) => region.live);
    this.#pending = [];
    this.#waited = 0;
    if (regions.length === 0) return;
    const { trace } = this.options;
    const since = trace === undefined ? 0 : performance.now();
    const bytes = regionModule(regions.map((region) => region.code as CompiledFunction));
    this.modules++;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: this.#wires.memory } });
    const { u16 } = this.#wires.host;
    trace?.event({ kind: 'module', regions: regions.map((region) => region.traced?.number as number), bytes: bytes.length, milliseconds: performance.now() - since });
    regions.forEach((region, k) => {
      region.code = undefined;
      if (region.replaced) this.#drop(region.replaced, 'replaced');
      region.replaced = undefined;
      this.liveRegions++;
      for (const { block, slot } of region.entries) {
        this.#wires.predecoder.setLookups(block.key, this.options.entries);
        this.#wires.table.set(slot, exports[String(k)]);
        const handler = (block.first + Record.handler) >> 1;
        // They would stand in for each other for ever where neither has enough of the budget left.
        if ((u16[handler] as number) >= Regions.firstHandler) throw new Error(`two regions at the block at ${block.key}`);
        u16[(this.#wires.handlers >> 1) + slot] = u16[handler] as number;
        u16[handler] = Regions.firstHandler + slot;
      }
    });
  }

  // --- what regions do, while someone watches -------------------------------------------------------------------------------------

  #countersOf(slot: number): number {
    const at = this.#wires.counters + slot * Regions.counterBytes;
    this.#wires.host.u8.fill(0, at, at + Regions.counterBytes);
    return at;
  }
  #useOf(slot: number): RegionUse {
    const at = (this.#wires.counters + slot * Regions.counterBytes) >>> 3;
    const { u64 } = this.#wires.host;
    return { entries: Number(u64[at]), instructions: Number(u64[at + 1]), interrupted: Number(u64[at + 2]) };
  }

  #handlerOf(record: number): number {
    const { u16 } = this.#wires.host;
    const handler = u16[(record + Record.handler) >> 1] as number;
    return handler < Regions.firstHandler ? handler : (u16[(this.#wires.handlers >> 1) + handler - Regions.firstHandler] as number);
  }

  // --- forgetting ---------------------------------------------------------------------------------------------------------------

  /** A block's code is about to change. */
  forget(block: Block): void {
    for (const region of block.regions ?? []) this.#drop(region as Region, 'code changed');
  }

  #drop(region: Region, why: 'code changed' | 'evicted' | 'reset' | 'replaced'): void {
    if (!region.live) return;
    region.live = false;
    const { entries, traced, replaced } = region;
    for (const { block, slot } of entries) {
      this.#free.push(slot);
      if (this.#regions.get(block) !== region) continue;
      // What it was to take the place of goes on, and may grow again.
      if (replaced?.live && replaced.entries.some((entry) => entry.block === block)) {
        this.#regions.set(block, replaced);
        this.#wires.predecoder.setLookups(block.key, this.options.entries);
      } else this.#regions.delete(block);
    }
    for (const block of region.blocks) block.regions?.delete(region);
    if (traced) this.options.trace?.event({ kind: 'dropped', region: traced, why });
    if (region.code !== undefined) return;
    const { u16 } = this.#wires.host;
    for (const { block, slot } of entries) {
      const handler = (block.first + Record.handler) >> 1;
      if (u16[handler] === Regions.firstHandler + slot) u16[handler] = u16[(this.#wires.handlers >> 1) + slot] as number;
      this.#wires.predecoder.setLookups(block.key, this.options.lookups);
      this.#wires.table.set(slot, null);
    }
    this.liveRegions--;
  }

  /** Each once. */
  #all(): Region[] {
    return [...new Set(this.#regions.values())];
  }

  /** The table is full: the older half goes. */
  #evict(): void {
    const regions = this.#all();
    for (const region of regions.slice(0, Math.ceil(regions.length / 2))) this.#drop(region, 'evicted');
  }

  #evictSome(): void {
    const regions = this.#all();
    const one = regions[(Math.imul(this.compiledRegions + regions.length, 0x9e3779b1) >>> 0) % regions.length];
    if (one) this.#drop(one, 'evicted');
  }

  /** All decoded code was forgotten. */
  reset(): void {
    for (const region of this.#all()) this.#drop(region, 'reset');
    this.#pending = [];
    this.#samples.clear();
    this.#jumpTargets.clear();
  }
}
