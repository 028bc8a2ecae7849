import type { Entropy, LocalApicPort, ProcessorBus, RamRange, AccessSize } from '@pckit/interfaces';
import { Mnemonic } from '@pckit/x86-decoder';
import { CpuState, type InterpreterExports } from './cpu/cpu-state.js';
import { cpuModel, type CpuModel } from './cpu/cpuid.js';
import type { Implementations } from './cpu/execution.js';
import type { ProcessorSystem } from './cpu/processor-system.js';
import { miscImplementations } from './cpu/misc-instructions.js';
import { mmxImplementations } from './cpu/mmx-instructions.js';
import { avxImplementations } from './cpu/avx-instructions.js';
import { sseImplementations } from './cpu/sse-instructions.js';
import { stateSaveImplementations } from './cpu/state-save.js';
import { systemImplementations } from './cpu/system-instructions.js';
import { x87Implementations } from './cpu/x87-instructions.js';
import { DebugPoints } from './debug/debug-points.js';
import { ProcessorDebug } from './debug/processor-debug.js';
import { HostMemory } from './host-memory.js';
import { instantiateInterpreter } from './interpreter/instance.js';
import { Predecoder } from './interpreter/predecoder.js';
import { DEFAULT_REGION_OPTIONS, RegionCache, type RegionOptions } from './region/region-cache.js';
import { BlockTable, JumpTargets, Regions, State, Tlb } from './state-layout.js';
import { X86Vcpu } from './vcpu.js';

/** What one vCPU is wired to. */
export interface ProcessorPorts {
  readonly bus: ProcessorBus;
  readonly apic?: LocalApicPort | undefined;
}

export interface ProcessorOptions {
  /** Holds guest RAM at `ranges`; its first `processorMemoryBytes(...)` bytes are ours. */
  readonly memory: WebAssembly.Memory;
  readonly ranges: readonly RamRange[];
  /** One entry a vCPU. The first is the bootstrap processor. */
  readonly ports: readonly ProcessorPorts[];
  /** Virtual time in nanoseconds, for the time stamp counters. */
  readonly clock: { now(): number };
  readonly tscHz: number;
  readonly entropy: Entropy;
  readonly yieldOnPause?: boolean;
  /** CPU profile, by name or one of your own; default `x86-64-v2`. */
  readonly model?: string | CpuModel;
  /** When to compile; `false`: never. */
  readonly regions?: Partial<RegionOptions> | false;
}

export interface Processor {
  readonly vcpus: readonly X86Vcpu[];
  readonly debug: ProcessorDebug;
  /** Guest-physical bytes are about to change from outside: decoded code in them is forgotten, on every vCPU. */
  invalidate(address: number, length: number): void;
  /** The compiled code. */
  readonly regions: RegionCache | undefined;
}

/** Null guard at the bottom of the memory: a host address of 0 is never valid. */
const GUARD = 64 * 1024;
const VCPU_BYTES = State.size + Tlb.contexts * Tlb.bytes;
const POOL_BYTES = 128 * 1024 * 1024;
/** Code masks for every page of a 4 GiB WebAssembly memory. */
const CODE_BITS_BYTES = (2 ** 32 / 4096) * 8;

interface Layout {
  readonly states: number;
  readonly blockTable: number;
  readonly codeBits: number;
  readonly regionHandlers: number;
  readonly regionEntries: number;
  readonly regionCounters: number;
  readonly jumpTargets: number;
  readonly pool: number;
  readonly end: number;
}

function layout(vcpus: number): Layout {
  const align = (at: number): number => Math.ceil(at / 65536) * 65536;
  const states = GUARD;
  const blockTable = align(states + vcpus * VCPU_BYTES);
  const codeBits = align(blockTable + BlockTable.bytes);
  const regionHandlers = align(codeBits + CODE_BITS_BYTES);
  const regionEntries = regionHandlers + Regions.handlerBytes;
  const regionCounters = regionEntries + Regions.entryNumbersBytes;
  const jumpTargets = regionCounters + Regions.countersBytes;
  const pool = align(jumpTargets + JumpTargets.bytes);
  return { states, blockTable, codeBits, regionHandlers, regionEntries, regionCounters, jumpTargets, pool, end: align(pool + POOL_BYTES) };
}

/** Bytes at the start of the WebAssembly memory that so many vCPUs need. */
export function processorMemoryBytes(vcpus: number): number {
  return layout(vcpus).end;
}

/** TZCNT and LZCNT were made of BSF and BSR with a prefix that means nothing to processors that don't know them. */
function ignoredPrefixes({ leaf7Ebx, extendedEcx }: CpuModel): Map<number, number> {
  const meant = new Map<number, number>();
  if ((leaf7Ebx & (1 << 3)) === 0) meant.set(Mnemonic.Tzcnt, Mnemonic.Bsf);
  if ((extendedEcx & (1 << 5)) === 0) meant.set(Mnemonic.Lzcnt, Mnemonic.Bsr);
  return meant;
}

/** All instructions in TypeScript, by mnemonic. */
function allImplementations(): Implementations<ProcessorSystem> {
  const system = systemImplementations();
  // MOV and POP: the forms with segment registers come first and hand over the others.
  const all = miscImplementations(system);
  for (const [mnemonic, implementation] of system) if (!all.has(mnemonic)) all.set(mnemonic, implementation);
  // The SSE forms of these mnemonics, where they have one in TypeScript, would be an argument of mmxImplementations.
  for (const map of [x87Implementations(), mmxImplementations(), stateSaveImplementations(), sseImplementations(), avxImplementations()]) {
    for (const [mnemonic, implementation] of map) {
      if (all.has(mnemonic)) throw new Error(`two implementations of mnemonic ${mnemonic}`);
      all.set(mnemonic, implementation);
    }
  }
  return all;
}

export function createProcessor(options: ProcessorOptions): Processor {
  const { memory, ports, clock, tscHz } = options;
  const host = new HostMemory(memory);
  const area = layout(ports.length);
  const states = ports.map((_, n) => area.states + n * VCPU_BYTES);
  const byState = new Map<number, X86Vcpu>();
  const vcpuAt = (state: number): X86Vcpu => byState.get(state) as X86Vcpu;
  const busAt = new Map<number, ProcessorBus>();

  const imports = {
    memory,
    mmioRead: (state: number, physical: number, size: number): bigint => {
      const bus = busAt.get(state) as ProcessorBus;
      return size === 8 ? bus.readMemory64(physical) : BigInt(bus.readMemory(physical, size as AccessSize));
    },
    mmioWrite: (state: number, physical: number, size: number, value: bigint): void => {
      const bus = busAt.get(state) as ProcessorBus;
      if (size === 8) bus.writeMemory64(physical, BigInt.asUintN(64, value));
      else bus.writeMemory(physical, Number(BigInt.asUintN(8 * size, value)), size as AccessSize);
    },
    codeWritten: (_state: number, address: number, length: number): void => predecoder.invalidate(address >>> 0, length),
    portIn: (state: number, port: number, size: number): number => (busAt.get(state) as ProcessorBus).readPort(port, size as AccessSize),
    portOut: (state: number, port: number, size: number, value: number): void => {
      (busAt.get(state) as ProcessorBus).writePort(port, size === 4 ? value >>> 0 : value, size as AccessSize);
    },
    execute: (state: number, record: number): number => vcpuAt(state).execute(record),
    rdtsc: (state: number): bigint => tscOf(vcpuAt(state)),
    filled: (state: number, linear: bigint, hostPage: number): number => debugPoints.filled(vcpuAt(state).cpu, linear, hostPage >>> 0),
    accessed: (state: number, linear: bigint, size: number, write: number): void => vcpuAt(state).accessed(linear, size, write !== 0),
  };
  const tscNow = (): bigint => BigInt(Math.floor((clock.now() * tscHz) / 1e9));
  const tscOf = (vcpu: X86Vcpu): bigint => BigInt.asUintN(64, tscNow() + vcpu.tscOffset);

  const code = instantiateInterpreter(imports).exports as unknown as InterpreterExports;
  const cpus = states.map((base) => new CpuState(host, base, code));
  const model = typeof options.model === 'object' ? options.model : cpuModel(options.model ?? 'x86-64-v2');
  const predecoder = new Predecoder(host, { blockTable: area.blockTable, codeBits: area.codeBits, pool: area.pool, poolBytes: POOL_BYTES }, (hostPage) => {
    for (const cpu of cpus) cpu.protectHostPage(hostPage);
  }, ignoredPrefixes(model));

  const debugPoints = new DebugPoints(cpus, predecoder, options.ranges);
  predecoder.breaks = debugPoints;
  let regions: RegionCache | undefined;
  if (options.regions !== false) {
    const regionOptions = { ...DEFAULT_REGION_OPTIONS, ...options.regions };
    regions = new RegionCache({ host, memory, predecoder, table: code.regions, handlers: area.regionHandlers, entryNumbers: area.regionEntries, counters: area.regionCounters, jumpTargets: area.jumpTargets }, regionOptions);
    predecoder.lookups = regionOptions.lookups;
    predecoder.listener = regions;
  }

  const low = options.ranges[0];
  const high = options.ranges.find((r) => r.start >= 2 ** 32);
  if (!low || low.start !== 0) throw new RangeError('the first RAM range must start at address 0');
  const implementations = allImplementations();
  const systems: ProcessorSystem[] = [];
  const vcpus = cpus.map((cpu, index) => {
    cpu.setU64(State.ramLowEnd, BigInt(low.length));
    cpu.setU32(State.ramLowOffset, low.offset);
    cpu.setU64(State.ramHighEnd, high ? BigInt(high.start + high.length) : 0n);
    cpu.setU32(State.ramHighOffset, high ? high.offset : 0);
    cpu.setU32(State.codeBits, area.codeBits);
    cpu.setU32(State.blockTable, area.blockTable);
    cpu.setU32(State.regionHandlers, area.regionHandlers);
    cpu.setU32(State.jumpTargets, area.jumpTargets);
    cpu.setU32(State.yieldOnPause, options.yieldOnPause ? 1 : 0);
    const port = ports[index] as ProcessorPorts;
    busAt.set(cpu.base, port.bus);
    const system: ProcessorSystem = {
      model, index, count: ports.length, bus: port.bus, apic: port.apic, entropy: options.entropy, tscHz, mtrr: new Map(),
      tsc: () => tscOf(vcpu),
      setTsc: (value) => {
        vcpu.tscOffset = value - tscNow();
        port.apic?.tscChanged?.();
      },
      attention: () => vcpu.attention(),
    };
    systems.push(system);
    const vcpu: X86Vcpu = new X86Vcpu({ cpu, predecoder, system, implementations, debugPoints, regions, bootstrap: index === 0 });
    byState.set(cpu.base, vcpu);
    return vcpu;
  });

  return {
    vcpus,
    debug: new ProcessorDebug(vcpus, debugPoints, systems),
    regions,
    invalidate: (address, length) => {
      for (const range of options.ranges) {
        const from = Math.max(address, range.start);
        const to = Math.min(address + length, range.start + range.length);
        if (from < to) predecoder.invalidate(range.offset + (from - range.start), to - from);
      }
    },
  };
}
