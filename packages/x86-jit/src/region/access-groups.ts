import type { HostMemory } from '../host-memory.js';
import { Record, REGISTER_FIELDS, State, Tlb } from '../state-layout.js';
import type { RegionBlock } from './discover.js';
import type { Access } from './facts.js';
import type { RegionInstruction } from './region-context.js';

/** Accesses whose addresses differ by constants, and that lie near each other: one look into the TLB, by the first, does for all. */
export interface AccessGroup {
  /** `Tlb.readTag` or `Tlb.writeTag`: what the page must allow. */
  tag: number;
  /** Lowest offset of an access, and the end of the highest one, in bytes from where the address's registers point. */
  low: number;
  end: number;
  /** Accesses that haven't been emitted. */
  left: number;
  readonly first: RegionInstruction;
  /** Where the first one is: others of the block are executed too. */
  readonly block: number;
}

export interface GroupedAccess {
  readonly group: AccessGroup;
  /** In bytes, as `AccessGroup.low`. */
  readonly offset: number;
}

const [RSP, RBP] = [4, 5];
/** Bytes that a group spans at most. What spans two pages is the interpreter's, and the wider a group, the more often it does. */
const WIDEST = 128;

/** A register's value: what some register held, plus a constant. */
interface Value {
  readonly root: number;
  readonly offset: number;
}

/** What is known at a place. */
interface Knowledge {
  readonly values: Value[];
  /** The group that the next access like its own may join, by what their addresses have in common. */
  readonly groups: Map<string, AccessGroup>;
}

/**
 * Follows registers where they change by constants, through each block and on into those that control enters from it alone.
 *
 * @param order the blocks, each after the one that control enters it from
 * @param predecessor of a block, if it has one only
 * @returns all accesses that are alone or in a group, by their instruction
 */
export function groupAccesses(host: HostMemory, blocks: readonly RegionBlock[], order: readonly number[], predecessor: (block: number) => number | undefined): ReadonlyMap<RegionInstruction, GroupedAccess> {
  const found = new Map<RegionInstruction, GroupedAccess>();
  const after = new Map<number, Knowledge>();
  const tracker = new Tracker(host);
  for (const number of order) {
    const before = predecessor(number);
    const known = before === undefined ? undefined : after.get(before);
    const { values, groups }: Knowledge = known ? { values: [...known.values], groups: new Map(known.groups) } : { values: tracker.unknown(), groups: new Map() };
    for (const instruction of (blocks[number] as RegionBlock).instructions) {
      const { access, switchesTlb } = instruction.facts;
      const address = access && tracker.address(values, instruction, access);
      if (access && address) {
        const { key, offset } = address;
        let group = groups.get(key);
        const low = Math.min(offset, group?.low ?? offset);
        const end = Math.max(offset + access.size, group?.end ?? offset);
        // A page need not allow a write that isn't executed.
        const allowed = group && (access.tag === group.tag || group.tag === Tlb.writeTag || group.block === number);
        if (group && allowed && end - low <= WIDEST) {
          group.low = low;
          group.end = end;
          if (access.tag === Tlb.writeTag) group.tag = Tlb.writeTag;
        } else groups.set(key, (group = { tag: access.tag, low: offset, end: offset + access.size, left: 0, first: instruction, block: number }));
        group.left++;
        found.set(instruction, { group, offset });
      }
      if (switchesTlb) groups.clear();
      tracker.execute(values, instruction);
    }
    after.set(number, { values, groups });
  }
  return found;
}

class Tracker {
  #roots = 0;

  constructor(private readonly host: HostMemory) {}

  unknown(): Value[] {
    return Array.from({ length: 16 }, () => this.#fresh());
  }
  #fresh(): Value {
    return { root: this.#roots++, offset: 0 };
  }

  #u16(record: number, field: number): number {
    return this.host.u16[(record + field) >> 1] as number;
  }
  #i32(record: number, field: number): number {
    return this.host.i32[(record + field) >> 2] as number;
  }
  /** The whole 64-bit register that a field names, or -1. */
  #register(record: number, field: number): number {
    const offset = this.#u16(record, field) - State.gpr;
    return offset >= 0 && offset < 16 * 8 && offset % 8 === 0 ? offset >> 3 : -1;
  }

  /** What an address has in common with others, and how far it is from there; nothing where that isn't followed. */
  address(values: readonly Value[], { record, handler }: RegionInstruction, access: Access): { readonly key: string; readonly offset: number } | undefined {
    if (access.onStack) {
      const { root, offset } = values[handler.mnemonic === 'Leave' ? RBP : RSP] as Value;
      return { key: `${root}`, offset: access.tag === Tlb.writeTag ? offset - access.size : offset };
    }
    if (this.host.u8[record + Record.extra] !== 8) return undefined;
    const [base, index] = [this.#register(record, Record.base), this.#register(record, Record.index)];
    // Relative to the instruction, or to no register.
    if (base < 0) return undefined;
    const segmentBase = this.#u16(record, Record.segmentBase);
    const [from, by] = [values[base] as Value, values[index]];
    const scale = 2 ** (this.host.u8[record + Record.scale] as number);
    const key = `${from.root}${by ? ` ${by.root} ${scale}` : ''}${segmentBase === State.zero ? '' : ` at ${segmentBase}`}`;
    return { key, offset: from.offset + (by ? by.offset * scale : 0) + this.#i32(record, Record.displacement) };
  }

  execute(values: Value[], { record, handler, facts }: RegionInstruction): void {
    const first = this.#result(values, record, handler);
    const stack = this.#stackPointer(values, handler);
    for (let number = 0; number < 16; number++) {
      if (facts.registerWrites & (1 << number)) values[number] = number === RSP && stack ? stack : this.#fresh();
    }
    REGISTER_FIELDS.forEach((field, k) => {
      if ((facts.operandWrites & (1 << k)) === 0) return;
      const offset = this.#u16(record, field) - State.gpr;
      if (offset >= 0 && offset < 16 * 8) values[offset >> 3] = k === 0 && first ? first : this.#fresh();
    });
  }

  /** After an instruction that moves it by the size of its operand. */
  #stackPointer(values: readonly Value[], { mnemonic, shape, size }: RegionInstruction['handler']): Value | undefined {
    const { root, offset } = values[mnemonic === 'Leave' ? RBP : RSP] as Value;
    if (mnemonic === 'Push' || mnemonic === 'Call') return { root, offset: offset - size };
    if (mnemonic === 'Pop' || mnemonic === 'Leave' || (mnemonic === 'Ret' && shape === '')) return { root, offset: offset + size };
    return undefined;
  }

  /** What is written to the first operand, if that is a register's value plus a constant. */
  #result(values: readonly Value[], record: number, { mnemonic, shape, size }: RegionInstruction['handler']): Value | undefined {
    if (size !== 8) return undefined;
    const plus = (register: number, by: number): Value | undefined => {
      const value = values[register];
      return value && { root: value.root, offset: value.offset + by };
    };
    const to = this.#register(record, Record.register0);
    switch (`${mnemonic} ${shape}`) {
      case 'Add ri':
        return plus(to, this.#i32(record, Record.immediate));
      case 'Sub ri':
        return plus(to, -this.#i32(record, Record.immediate));
      case 'Inc r':
        return plus(to, 1);
      case 'Dec r':
        return plus(to, -1);
      case 'Mov rr':
        return plus(this.#register(record, Record.register1), 0);
      case 'Lea rm':
        if (this.host.u8[record + Record.extra] !== 8 || this.#u16(record, Record.index) !== State.zero) return undefined;
        return plus(this.#register(record, Record.base), this.#i32(record, Record.displacement));
      default:
        return undefined;
    }
  }
}
