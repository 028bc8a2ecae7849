import { decode, DecodeError, Instruction, Mnemonic, OperandKind, Prefix, Register, RegisterClass, registerClass, registerNumber } from '@pckit/x86-decoder';
import type { HostMemory } from '../host-memory.js';
import { BlockTable, ModeKey, Record, RecordFlag, Segment, State } from '../state-layout.js';
import { buildHandlerTable, handlerKey, shapeCode, Special } from './handlers.js';

/** Where decoded code lies; all host addresses. */
export interface CodeArea {
  readonly blockTable: number;
  /** Bit masks of code pieces, one u64 for each host page from page 0 on. */
  readonly codeBits: number;
  readonly pool: number;
  readonly poolBytes: number;
}

/** Where a debugger's breakpoints lie. */
export interface PageBreaks {
  /** Whether a page has some: then nothing in it may be compiled. */
  breaksIn(hostPage: number): boolean;
  /** Whether the instruction at a host address has one. */
  breaksAt(host: number): boolean;
}
const NO_BREAKS: PageBreaks = { breaksIn: () => false, breaksAt: () => false };

/** Most instructions in a block. */
const BLOCK_LIMIT = 64;

interface ShapeEntry {
  readonly sizeOf: number;
  readonly sized: boolean;
  /** Handler by `handlerKey(size, 0, long)`. */
  readonly ids: Uint16Array;
  readonly ends: boolean;
}

/** A run of records, decoded from one place. */
export interface Block {
  readonly key: number;
  readonly modeKey: number;
  readonly first: number;
  /** Records, the one at its end included that is no instruction. */
  count: number;
  /** Host addresses of the first byte and after the last, in the first page. */
  readonly start: number;
  end: number;
  /** Bytes of a last instruction that lie in another page: its host page and how many, or 0. */
  readonly otherPage: number;
  readonly otherBytes: number;
  /** Compiled regions that were made from it. */
  regions: Set<object> | undefined;
}

/** Who is told that decoded code vanishes: a block, or everything. */
export interface CodeListener {
  forget(block: Block): void;
  reset(): void;
}

/** The blocks of a page by the 64-byte piece of it that they have bytes in. A block is in the list of each of its pieces. */
type Pieces = (Block[] | undefined)[];

const KIND_LETTERS: { readonly [kind: number]: string } = {
  [OperandKind.Memory]: 'm',
  [OperandKind.Immediate]: 'i',
  [OperandKind.Immediate2]: 'u',
  [OperandKind.Branch]: 'b',
  [OperandKind.FarPointer]: 'f',
  [OperandKind.StringSource]: 'p',
  [OperandKind.StringDestination]: 'q',
};
const CLASS_LETTERS: { readonly [registerClass: number]: string } = {
  [RegisterClass.R8]: 'r', [RegisterClass.R8High]: 'r', [RegisterClass.R16]: 'r', [RegisterClass.R32]: 'r', [RegisterClass.R64]: 'r',
  [RegisterClass.Segment]: 's', [RegisterClass.Control]: 'c', [RegisterClass.Debug]: 'd', [RegisterClass.St]: 'k', [RegisterClass.Mm]: 't',
  [RegisterClass.Xmm]: 'x', [RegisterClass.Ymm]: 'y',
};
const letterCodes = (letters: { readonly [key: number]: string }): Uint8Array => {
  const codes = new Uint8Array(16);
  for (const [key, letter] of Object.entries(letters)) codes[Number(key)] = shapeCode(letter);
  return codes;
};

/**
 * Turns guest code into records that the interpreter's loop executes, and forgets them when the code changes. Blocks are keyed by host
 * address (one to one with the physical address) and mode.
 */
export class Predecoder {
  readonly #shapes: (Map<number, ShapeEntry> | undefined)[] = [];
  readonly #kindCode = letterCodes(KIND_LETTERS);
  readonly #classCode = letterCodes(CLASS_LETTERS);
  readonly #registerOffset = new Uint16Array(256);
  /** By handler: its definition may hand over to TypeScript. */
  readonly #keepsInstruction: Uint8Array;
  readonly #instruction = new Instruction();
  readonly #straddle = new Uint8Array(32);
  /** Pages with a debugger's breakpoints; set by who has them. */
  breaks: PageBreaks = NO_BREAKS;
  #poolNext: number;
  #pages = new Map<number, Pieces>();
  /** Decoded instructions whose implementation is TypeScript, by record. */
  readonly #executed = new Map<number, Instruction>();

  constructor(
    private readonly memory: HostMemory,
    private readonly area: CodeArea,
    /** A page begins to hold code: no TLB may let a store to it pass unseen. */
    private readonly onCodePage: (hostPage: number) => void,
    /** Mnemonics that are another one's to this processor. */
    aliases: ReadonlyMap<number, number> = new Map(),
  ) {
    this.#poolNext = area.pool;
    const table = buildHandlerTable();
    this.#keepsInstruction = new Uint8Array(Special.first + table.handlers.length);
    for (const { id, definition } of table.handlers) this.#keepsInstruction[id] = definition.mayExecute ? 1 : 0;
    const suffixed = new Set<string>();
    for (const [name, keys] of table.byMnemonic) {
      const [base, size] = name.split(':') as [string, string?];
      const number = (Mnemonic as { readonly [name: string]: number })[base];
      if (number === undefined) continue;
      const shapes = (this.#shapes[number] ??= new Map<number, ShapeEntry>());
      if (size) suffixed.add(base);
      for (const [key, handler] of keys) {
        const shape = (key >> 4) | (size ? Number(size) << 24 : 0);
        let entry = shapes.get(shape);
        if (!entry) {
          entry = { sizeOf: handler.definition.sizeOf ?? 0, sized: handler.definition.sizes !== undefined, ids: new Uint16Array(16), ends: handler.definition.ends ?? false };
          shapes.set(shape, entry);
        }
        entry.ids[key & 15] = handler.id;
      }
    }
    this.#suffixed = new Set([...suffixed].map((name) => (Mnemonic as { readonly [name: string]: number })[name] as number));
    for (const [mnemonic, meant] of aliases) this.#shapes[mnemonic] = this.#shapes[meant];
    for (let register = 1; register < 256; register++) this.#registerOffset[register] = stateOffset(register);
  }

  readonly #suffixed: ReadonlySet<number>;

  /** How often a block is looked up before `lookup` fails for once, to say so. */
  lookups = 0x7fffffff;
  listener: CodeListener | undefined;

  /** The record of the block decoded at a host address, 0 for none. */
  recordAt(host: number, modeKey: number): number {
    const entry = this.#entry(host, modeKey);
    return entry === 0 ? 0 : (this.memory.u32[(entry + 8) >>> 2] as number);
  }
  blockAt(host: number, modeKey: number): Block | undefined {
    const record = this.recordAt(host, modeKey);
    return record === 0 ? undefined : this.blockOf(record, host);
  }
  /** The block with a record of an instruction at a host address. */
  blockOf(record: number, host: number): Block | undefined {
    const page = host - (host % 4096);
    return this.#pages.get(page)?.[(host - page) >> 6]?.find((block) => record >= block.first && record < block.first + block.count * Record.size);
  }
  /** Look-ups that are left of what `setLookups` allowed. */
  lookupsLeft(host: number, modeKey: number): number {
    return this.memory.i32[(this.#entry(host, modeKey) + 12) >> 2] as number;
  }
  setLookups(host: number, count: number): void {
    const { u32 } = this.memory;
    const first = this.#set(host);
    for (const entry of [first, first + BlockTable.entrySize]) if (u32[entry >>> 2] === host) u32[(entry + 12) >>> 2] = count;
  }

  get poolUsed(): number {
    return this.#poolNext - this.area.pool;
  }

  /** The instruction behind a record whose handler is `execute`. */
  instructionOf(record: number): Instruction {
    const instruction = this.#executed.get(record);
    if (!instruction) throw new Error(`record ${record} has no instruction`);
    return instruction;
  }

  /**
   * Decodes the block at a linear address whose page lies at `hostPage`.
   * @param nextPage gives the host address of the next page, 0 when it is not RAM or faults (the fault is recorded)
   * @param room bytes up to the code segment's limit
   * @returns 'decoded', or why the first instruction can't be: it reaches into a page that faults, beyond the limit, or is invalid
   */
  decodeBlock(linear: bigint, hostPage: number, modeKey: number, nextPage: () => number, room = Infinity): 'decoded' | 'fault' | 'limit' | 'invalid' | 'toolong' {
    if (room <= 0) return 'limit';
    const bytesNeeded = (BLOCK_LIMIT + 4) * Record.size;
    if (this.#poolNext + bytesNeeded > this.area.pool + this.area.poolBytes) this.reset();
    const { u8 } = this.memory;
    const pageEnd = hostPage + 4096;
    const start = hostPage + Number(linear & 0xfffn);
    if (this.#share(start, hostPage, modeKey, nextPage)) return 'decoded';
    const codeSize = modeKey & ModeKey.codeMask;
    const mode = codeSize === ModeKey.code64 ? 64 : codeSize === ModeKey.code32 ? 32 : 16;
    const first = this.#poolNext;
    let record = first;
    let at = start;
    let count = 0;
    let otherPage = 0;
    let otherBytes = 0;
    const instruction = this.#instruction;
    if (modeKey & ModeKey.limited) record += Record.size;
    const breaks = this.breaks.breaksIn(hostPage);
    for (;;) {
      // An instruction with a breakpoint begins a block.
      const breakpoint = breaks && this.breaks.breaksAt(at);
      if (at >= pageEnd || count >= BLOCK_LIMIT || (breakpoint && count > 0)) {
        this.#writeEnd(record, at - hostPage);
        record += Record.size;
        break;
      }
      if (breakpoint) {
        this.#clear(record);
        this.memory.u16[(record + Record.handler) >> 1] = Special.breakpoint;
        this.memory.u16[(record + Record.pageOffset) >> 1] = at - hostPage;
        record += Record.size;
      }
      const known = count > 0 ? this.recordAt(at, modeKey) : 0;
      if (known !== 0) {
        this.#writeEnd(record, at - hostPage);
        this.memory.u16[(record + Record.handler) >> 1] = Special.goOn;
        this.memory.i32[(record + Record.target) >> 2] = known;
        record += Record.size;
        break;
      }
      let length = decode(u8, at, pageEnd, mode, instruction);
      if (length === 0) {
        if ((instruction.error as number) === DecodeError.Truncated) {
          if (count > 0) {
            this.#writeEnd(record, at - hostPage);
            record += Record.size;
            break;
          }
          // The first instruction reaches into the next page.
          const next = nextPage() >>> 0;
          if (next === 0) return 'fault';
          const here = pageEnd - at;
          this.#straddle.fill(0);
          this.#straddle.set(u8.subarray(at, pageEnd), 0);
          this.#straddle.set(u8.subarray(next, next + 16), here);
          length = decode(this.#straddle, 0, here + 16, mode, instruction);
          if (length === 0) return (instruction.error as number) === DecodeError.TooLong ? 'toolong' : 'invalid';
          otherPage = next;
          otherBytes = length - here;
          this.#clear(record);
          this.memory.u16[(record + Record.handler) >> 1] = Special.checkNextPage;
          this.memory.u16[(record + Record.pageOffset) >> 1] = at - hostPage;
          this.memory.i32[(record + Record.displacement) >> 2] = next;
          record += Record.size;
        } else {
          if (count > 0) {
            this.#writeEnd(record, at - hostPage);
            record += Record.size;
            break;
          }
          return (instruction.error as number) === DecodeError.TooLong ? 'toolong' : 'invalid';
        }
      }
      if (at - start + length > room) {
        if (count === 0) return 'limit';
        this.#writeEnd(record, at - hostPage);
        record += Record.size;
        break;
      }
      const ends = this.#writeRecord(record, instruction, at - hostPage, mode);
      record += Record.size;
      count++;
      at += length;
      if (otherBytes > 0 && !ends) {
        this.#writeEnd(record, at - hostPage);
        record += Record.size;
        break;
      }
      if (ends) break;
    }
    this.#poolNext = record;
    if (modeKey & ModeKey.limited) {
      this.#clear(first);
      this.memory.u16[(first + Record.handler) >> 1] = Special.checkLimit;
      this.memory.u16[(first + Record.pageOffset) >> 1] = start - hostPage;
      this.memory.i32[(first + Record.displacement) >> 2] = at - start - 1;
    }
    const end = Math.min(at, pageEnd);
    this.#register({ key: start, modeKey, first, count: (record - first) / Record.size, start, end, otherPage, otherBytes, regions: undefined }, hostPage);
    return 'decoded';
  }

  /**
   * Uses what is decoded already: a block that lost its place in the table, or the rest of one from an instruction in its middle on, which becomes a
   * block of its own; what comes before goes on into it, as its records follow. A block of an instruction that reaches into the next page is used while
   * that page is where it was.
   */
  #share(start: number, hostPage: number, modeKey: number, nextPage: () => number): boolean {
    if (modeKey & ModeKey.limited || this.breaks.breaksIn(hostPage)) return false;
    const blocks = this.#pages.get(hostPage)?.[(start - hostPage) >> 6];
    const same = blocks?.find((other) => other.modeKey === modeKey && other.start === start && (other.otherPage === 0 || other.otherPage === nextPage() >>> 0));
    if (same) {
      this.#enter(same);
      return true;
    }
    const block = blocks?.find((other) => other.modeKey === modeKey && other.start <= start && start < other.end && other.start >= hostPage && other.otherBytes === 0);
    if (!block) return false;
    const { u16 } = this.memory;
    const offset = start - hostPage;
    const end = block.first + block.count * Record.size;
    let record = block.first;
    while (record < end && (u16[(record + Record.pageOffset) >> 1] as number) < offset) record += Record.size;
    // Not an instruction's first byte.
    if (record === end || u16[(record + Record.pageOffset) >> 1] !== offset) return false;
    const rest: Block = { ...block, key: start, start, first: record, count: (end - record) / Record.size, regions: block.regions && new Set(block.regions) };
    // First, so that the page isn't without code for a moment.
    this.#register(rest, hostPage);
    this.#untrack(hostPage, block.start - hostPage, block.end - hostPage, block);
    block.count -= rest.count;
    block.end = start;
    this.#track(hostPage, block.start - hostPage, block.end - hostPage, block);
    return true;
  }

  #register(block: Block, hostPage: number): void {
    this.#enter(block);
    this.#track(hostPage, block.start - hostPage, block.end - hostPage, block);
    if (block.otherPage) this.#track(block.otherPage, 0, block.otherBytes, block);
  }

  /** Puts a block into the table that `lookup` reads: over what has its key; else first, and what was first becomes the other. */
  #enter(block: Block): void {
    const { u32 } = this.memory;
    let entry = this.#entry(block.key, block.modeKey);
    if (entry === 0) {
      entry = this.#set(block.key);
      this.memory.u8.copyWithin(entry + BlockTable.entrySize, entry, entry + BlockTable.entrySize);
    }
    u32[entry >>> 2] = block.key;
    u32[(entry + 4) >>> 2] = block.modeKey;
    u32[(entry + 8) >>> 2] = block.first;
    u32[(entry + 12) >>> 2] = this.lookups;
  }

  #track(hostPage: number, from: number, to: number, block: Block): void {
    let pieces = this.#pages.get(hostPage);
    if (!pieces) this.#pages.set(hostPage, (pieces = new Array<Block[] | undefined>(64).fill(undefined)));
    const bits = this.#bits(hostPage);
    const { u32 } = this.memory;
    const fresh = u32[bits] === 0 && u32[bits + 1] === 0;
    for (let piece = from >> 6; piece <= (to - 1) >> 6; piece++) {
      (pieces[piece] ??= []).push(block);
      u32[bits + (piece >> 5)] = (u32[bits + (piece >> 5)] as number) | (1 << (piece & 31));
    }
    if (fresh) this.onCodePage(hostPage);
  }

  #untrack(hostPage: number, from: number, to: number, block: Block): void {
    const pieces = this.#pages.get(hostPage) as Pieces;
    const bits = this.#bits(hostPage);
    const { u32 } = this.memory;
    for (let piece = from >> 6; piece <= (to - 1) >> 6; piece++) {
      const list = pieces[piece] as Block[];
      const last = list.pop() as Block;
      if (last !== block) list[list.indexOf(block)] = last;
      if (list.length > 0) continue;
      pieces[piece] = undefined;
      u32[bits + (piece >> 5)] = (u32[bits + (piece >> 5)] as number) & ~(1 << (piece & 31));
    }
    if (u32[bits] === 0 && u32[bits + 1] === 0) this.#pages.delete(hostPage);
  }

  /** Index into u32 of a page's mask of pieces that hold code. */
  #bits(hostPage: number): number {
    return (this.area.codeBits + (hostPage >>> 12) * 8) >>> 2;
  }

  /** The set of two entries that a host address may have; the one that begins it is looked at first. @returns its address */
  #set(host: number): number {
    return this.area.blockTable + (Math.imul(host, 0x9e3779b1) >>> (32 - BlockTable.setBits)) * BlockTable.setSize;
  }
  /** The entry in use for a key, or 0. */
  #entry(host: number, modeKey: number): number {
    const { u32 } = this.memory;
    const first = this.#set(host);
    if (u32[first >>> 2] === host && u32[(first + 4) >>> 2] === modeKey) return first;
    const other = first + BlockTable.entrySize;
    return u32[other >>> 2] === host && u32[(other + 4) >>> 2] === modeKey ? other : 0;
  }

  /**
   * Forgets the blocks that bytes in a host range belong to. Code and data may share a piece: who writes the data comes here every time, so blocks that
   * the bytes don't belong to stay, and the work is that of the pieces touched, however much code the page has.
   */
  invalidate(host: number, length: number): void {
    const end = host + length;
    const { u32 } = this.memory;
    for (let page = host - (host % 4096); page < end; page += 4096) {
      // A disk's DMA comes here with hundreds of pages, of which none holds code.
      const bits = this.#bits(page);
      if (u32[bits] === 0 && u32[bits + 1] === 0) continue;
      const pieces = this.#pages.get(page) as Pieces;
      const from = Math.max(host, page);
      const to = Math.min(end, page + 4096);
      for (let piece = (from - page) >> 6; piece <= (to - 1 - page) >> 6; piece++) {
        const list = pieces[piece];
        if (!list) continue;
        // Backwards: a forgotten block's place is taken by the last one, which has been looked at.
        for (let k = list.length - 1; k >= 0; k--) {
          const block = list[k] as Block;
          const here = block.start - (block.start % 4096) === page;
          if ((here ? block.start : page) < to && (here ? block.end : page + block.otherBytes) > from) this.#forget(block);
        }
      }
    }
  }

  #forget(block: Block): void {
    if (block.regions) this.listener?.forget(block);
    const { u32, u16 } = this.memory;
    const entry = this.#entry(block.key, block.modeKey);
    if (entry !== 0 && u32[(entry + 8) >>> 2] === block.first) u32.fill(0, entry >>> 2, (entry + 12) >>> 2);
    for (let k = 0, record = block.first; k < block.count; k++, record += Record.size) u16[(record + Record.handler) >> 1] = Special.invalid;
    const page = block.start - (block.start % 4096);
    this.#untrack(page, block.start - page, block.end - page, block);
    if (block.otherPage) this.#untrack(block.otherPage, 0, block.otherBytes, block);
  }

  /** Forgets everything. Only between runs: records that execute would vanish. */
  reset(): void {
    this.listener?.reset();
    const { u8 } = this.memory;
    u8.fill(0, this.area.pool, this.#poolNext);
    u8.fill(0, this.area.blockTable, this.area.blockTable + BlockTable.bytes);
    for (const page of this.#pages.keys()) {
      const bits = this.#bits(page);
      this.memory.u32[bits] = 0;
      this.memory.u32[bits + 1] = 0;
    }
    this.#pages = new Map();
    this.#executed.clear();
    this.#poolNext = this.area.pool;
  }

  #clear(record: number): void {
    // Not by `fill`, whose call costs more than these.
    const { u32 } = this.memory;
    const first = record >> 2;
    for (let k = first; k < first + Record.size / 4; k++) u32[k] = 0;
  }

  #writeEnd(record: number, pageOffset: number): void {
    this.#clear(record);
    this.memory.u16[(record + Record.pageOffset) >> 1] = pageOffset;
  }

  /** @returns whether the block ends with it */
  #writeRecord(record: number, instruction: Instruction, pageOffset: number, mode: number): boolean {
    const { u8, u16, i32 } = this.memory;
    this.#clear(record);
    const next = pageOffset + instruction.length;
    u16[(record + Record.pageOffset) >> 1] = pageOffset;
    u16[(record + Record.next) >> 1] = next;
    u8[record + Record.length] = instruction.length;

    const { operandKind, operandSizes, operandRegister, prefixes } = instruction;
    let shape = 0;
    let memory = false;
    let flags = 0;
    for (let k = 0; k < instruction.operandCount; k++) {
      const kind = operandKind[k] as number;
      if (kind === OperandKind.Register) {
        const register = operandRegister[k] as number;
        shape = shape * 16 + (this.#classCode[register >> 4] as number);
        const field = k === 0 ? Record.register0 : k === 1 ? Record.register1 : k === 2 ? Record.register2 : Record.register3;
        u16[(record + field) >> 1] = this.#registerOffset[register] as number;
      } else {
        shape = shape * 16 + (this.#kindCode[kind] as number);
        if (kind === OperandKind.Memory || kind === OperandKind.StringSource) memory = true;
      }
    }
    if (this.#suffixed.has(instruction.mnemonic)) shape |= (operandSizes[1] as number) << 24;

    u8[record + Record.extra] = instruction.addressSize;
    if (memory) {
      const segment = registerNumber(instruction.segment);
      u16[(record + Record.segment) >> 1] = segment;
      if (mode !== 64 || instruction.addressSize !== 8) flags |= RecordFlag.slowAddress | RecordFlag.fullAddress;
      else if (segment >= 4 || instruction.index !== 0) flags |= RecordFlag.fullAddress;
      u16[(record + Record.segmentBase) >> 1] = mode === 64 && segment < 4 ? State.zero : State.segments + segment * Segment.size + Segment.base;
      let { displacement, displacementHigh } = instruction;
      const { base, index } = instruction;
      if (base === Register.RIP || base === Register.EIP) {
        u16[(record + Record.base) >> 1] = State.pageBase;
        const sum = displacement + next;
        displacement = sum | 0;
        displacementHigh = sum < 0 ? -1 : 0;
        if (sum > 0x7fffffff) displacementHigh = 0;
      } else {
        u16[(record + Record.base) >> 1] = base ? (this.#registerOffset[base] as number) : State.zero;
      }
      u16[(record + Record.index) >> 1] = index ? (this.#registerOffset[index] as number) : State.zero;
      u8[record + Record.scale] = instruction.scale;
      i32[(record + Record.displacement) >> 2] = displacement;
      i32[(record + Record.displacement + 4) >> 2] = displacementHigh;
    }
    if (prefixes & Prefix.VexL) flags |= RecordFlag.wide;
    if (memory) flags |= RecordFlag.memory;
    if (prefixes & Prefix.Lock) flags |= RecordFlag.lock;
    if ((prefixes & Prefix.Mandatory) === 0) {
      if (prefixes & Prefix.Rep) flags |= RecordFlag.rep;
      if (prefixes & Prefix.Repne) flags |= RecordFlag.repne;
    }

    const lastKind = instruction.operandCount ? (operandKind[instruction.operandCount - 1] as number) : 0;
    if (operandKind[0] === OperandKind.Branch) {
      const displacement = instruction.displacement;
      i32[(record + Record.immediate) >> 2] = displacement;
      i32[(record + Record.immediate + 4) >> 2] = displacement >> 31;
      u16[(record + Record.extra16) >> 1] = instruction.operandSize;
      const target = next + displacement;
      if (target >= 0 && target < 4096 && mode === 64) flags |= RecordFlag.chainable;
    } else if (lastKind === OperandKind.Immediate || operandKind[0] === OperandKind.Immediate || lastKind === OperandKind.Immediate2) {
      i32[(record + Record.immediate) >> 2] = instruction.immediateLow;
      i32[(record + Record.immediate + 4) >> 2] = instruction.immediateHigh;
      u16[(record + Record.extra16) >> 1] = instruction.immediate2;
    } else if ((instruction.opcode & 0xf8) === 0xd8) {
      u16[(record + Record.extra16) >> 1] = ((instruction.opcode & 7) << 8) | instruction.modrm;
    }
    u8[record + Record.flags] = flags;

    const entry = this.#shapes[instruction.mnemonic]?.get(shape);
    let id = 0;
    if (entry) {
      const size = !entry.sized ? 0 : entry.sizeOf < 0 ? instruction.operandSize : (operandSizes[entry.sizeOf] as number);
      const key = handlerKey(size, 0, mode === 64);
      // Far pointers in memory (FF /3, FF /5) have the shape of near transfers, and sizes that are no power of two.
      const far = memory && (instruction.mnemonic === Mnemonic.Jmp || instruction.mnemonic === Mnemonic.Call) && (instruction.modrm & 8) !== 0;
      if (key < 16 && !far) id = entry.ids[key] ?? 0;
    }
    if (id === 0) {
      u16[(record + Record.handler) >> 1] = Special.execute;
      this.#executed.set(record, copyInstruction(instruction));
      return true;
    }
    u16[(record + Record.handler) >> 1] = id;
    if (this.#keepsInstruction[id]) this.#executed.set(record, copyInstruction(instruction));
    return (entry as ShapeEntry).ends;
  }
}

const CONTROL_FIELDS: { readonly [number: number]: number } = { 0: State.cr0, 2: State.cr2, 3: State.cr3, 4: State.cr4 };

function stateOffset(register: number): number {
  const number = registerNumber(register);
  switch (registerClass(register)) {
    case RegisterClass.R8: case RegisterClass.R16: case RegisterClass.R32: case RegisterClass.R64:
      return State.gpr + number * 8;
    case RegisterClass.R8High:
      return State.gpr + number * 8 + 1;
    case RegisterClass.Segment:
      return State.segments + number * Segment.size;
    case RegisterClass.Control:
      return CONTROL_FIELDS[number] ?? State.zero;
    case RegisterClass.Xmm: case RegisterClass.Ymm:
      return State.ymm + number * 32;
    case RegisterClass.Mm:
      return State.x87 + number * 16;
    default:
      return State.zero;
  }
}

function copyInstruction(from: Instruction): Instruction {
  const to = new Instruction();
  to.operandKind.set(from.operandKind);
  to.operandSizes.set(from.operandSizes);
  to.operandRegister.set(from.operandRegister);
  for (const key of Object.keys(from) as (keyof Instruction)[]) {
    const value = from[key];
    if (typeof value === 'number') (to as unknown as { [field: string]: number })[key] = value;
  }
  return to;
}
