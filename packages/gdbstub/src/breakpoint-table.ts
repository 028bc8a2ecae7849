import { AgentError, evaluateAgentExpression } from './agent-expression.js';
import { littleEndian } from './hex.js';
import type { GdbSession } from './session.js';
import type { Breakpoint, Watchpoint } from './target.js';

/** What a debugger has set: `Z0` to `Z4`. */
export type Spot =
  | { readonly type: 0 | 1; readonly address: bigint; readonly kind: number }
  | { readonly type: 2 | 3 | 4; readonly address: bigint; readonly kind: number };

export interface Programs {
  /** Stop when one of them is not zero; none: always. */
  readonly conditions: readonly Uint8Array[];
  /** Run instead of a stop. */
  readonly commands: readonly Uint8Array[];
}

const WATCH_KINDS = { 2: 'write', 3: 'read', 4: 'access' } as const;

/** The debugger's breakpoints and watchpoints, with their conditions. */
export class BreakpointTable {
  readonly #session: GdbSession;
  readonly #breakpoints = new Map<string, Breakpoint>();
  readonly #watchpoints = new Map<string, Watchpoint>();

  constructor(session: GdbSession) {
    this.#session = session;
  }

  /** @returns false when the target has no room */
  insert(spot: Spot, programs: Programs): boolean {
    const { target } = this.#session;
    this.remove(spot);
    const stops = (thread: number): boolean => this.#stops(thread, programs);
    const key = keyOf(spot);
    if (spot.type <= 1) {
      const breakpoint: Breakpoint = { address: spot.address, kind: spot.type === 0 ? 'software' : 'hardware', stops };
      if (target.breakpoints?.insert(breakpoint) !== true) return false;
      this.#breakpoints.set(key, breakpoint);
    } else {
      const watchpoint: Watchpoint = { address: spot.address, length: spot.kind, kind: WATCH_KINDS[spot.type as 2 | 3 | 4], stops };
      if (target.watchpoints?.insert(watchpoint) !== true) return false;
      this.#watchpoints.set(key, watchpoint);
    }
    return true;
  }

  remove(spot: Spot): void {
    const { target } = this.#session;
    const key = keyOf(spot);
    const breakpoint = this.#breakpoints.get(key);
    if (breakpoint !== undefined) target.breakpoints?.remove(breakpoint);
    this.#breakpoints.delete(key);
    const watchpoint = this.#watchpoints.get(key);
    if (watchpoint !== undefined) target.watchpoints?.remove(watchpoint);
    this.#watchpoints.delete(key);
  }

  clear(): void {
    const { target } = this.#session;
    for (const breakpoint of this.#breakpoints.values()) target.breakpoints?.remove(breakpoint);
    for (const watchpoint of this.#watchpoints.values()) target.watchpoints?.remove(watchpoint);
    this.#breakpoints.clear();
    this.#watchpoints.clear();
  }

  #stops(thread: number, { conditions, commands }: Programs): boolean {
    if (conditions.length === 0 && commands.length === 0) return true;
    const { target } = this.#session;
    const context = {
      register: (number: number): bigint | undefined => {
        const value = number < target.architecture.registers.length ? target.readRegister(thread, number) : undefined;
        return value === undefined ? undefined : littleEndian(value);
      },
      memory: (address: bigint, length: number): Uint8Array => target.readMemory(thread, address, length),
      print: (text: string): void => this.#session.console(text),
    };
    try {
      if (conditions.length > 0 && !conditions.some((condition) => evaluateAgentExpression(condition, context) !== 0n)) return false;
      for (const command of commands) evaluateAgentExpression(command, context);
      return commands.length === 0;
    } catch (error) {
      // A condition that can't be evaluated stops, so that the debugger says why.
      if (error instanceof AgentError) return true;
      throw error;
    }
  }
}

function keyOf({ type, address, kind }: Spot): string {
  return `${type},${address.toString(16)},${kind}`;
}
