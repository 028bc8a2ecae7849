export declare class Ps2Keyboard {
  /** @param code a `KeyboardEvent.code` (`KeyA`, `ArrowUp`...). @returns false when no such key or no room. */
  key(code: string, down: boolean): boolean;
}
