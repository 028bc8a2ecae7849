import type { Emitter, I32, I64 } from '../emit/emitter.js';
import type { FlagWord, FlagWords } from '../semantics/flags.js';
import { State } from '../state-layout.js';

/** The flag words in the state block. */
export class StateFlagWords implements FlagWords {
  constructor(
    private readonly e: Emitter,
    private readonly state: I32,
  ) {}
  get(word: FlagWord): I64 {
    return this.e.loadI64(this.state, State[`flag${word}`]);
  }
  set(word: FlagWord, value: I64): void {
    this.e.storeI64(this.state, State[`flag${word}`], value);
  }
  system(): I32 {
    return this.e.loadI32(this.state, State.eflags);
  }
  setSystem(value: I32): void {
    this.e.storeI32(this.state, State.eflags, value);
  }
}
