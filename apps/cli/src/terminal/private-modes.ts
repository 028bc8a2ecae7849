/**
 * Watches what the guest writes to the terminal for the modes that would outlive it, so that they can be switched off at the end.
 *
 * DEC private modes: `CSI ? n ; n h` sets, `l` resets (xterm control sequences, "DECSET"/"DECRST").
 */

/** Modes that spoil a shell when they stay on. Cursor visibility (25) is the other way round: off spoils. */
const spoiling = new Set([1, 9, 47, 66, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1048, 1049, 2004, 2026]);
const CURSOR_VISIBLE = 25;

const GROUND = 0;
const ESCAPED = 1;
const CSI = 2;
const PRIVATE = 3;

export class PrivateModes {
  readonly #on = new Set<number>();
  #cursorHidden = false;
  #state = GROUND;
  #parameters: number[] = [];
  #number = 0;
  /** Nothing visible since the last line feed. */
  #lineEmpty = true;
  #wrote = false;

  push(byte: number): void {
    this.#wrote = true;
    if (this.#state === GROUND && byte !== 0x0d && byte !== 0x1b) this.#lineEmpty = byte === 0x0a;
    if (byte === 0x1b) {
      this.#state = ESCAPED;
      return;
    }
    switch (this.#state) {
      case ESCAPED:
        this.#state = byte === 0x5b ? CSI : GROUND;
        return;
      case CSI:
        // Parameters and intermediates run from 20H to 3FH; anything above ends the sequence.
        if (byte === 0x3f) {
          this.#state = PRIVATE;
          this.#parameters = [];
          this.#number = 0;
        } else if (byte >= 0x40 || byte < 0x20) this.#state = GROUND;
        return;
      case PRIVATE:
        if (byte >= 0x30 && byte <= 0x39) this.#number = Math.min(this.#number * 10 + byte - 0x30, 99_999);
        else if (byte === 0x3b) this.#next();
        else if (byte >= 0x40 || byte < 0x20) {
          this.#next();
          if (byte === 0x68) for (const mode of this.#parameters) this.#set(mode, true);
          if (byte === 0x6c) for (const mode of this.#parameters) this.#set(mode, false);
          this.#state = GROUND;
        }
        return;
    }
  }

  #next(): void {
    if (this.#parameters.length < 16) this.#parameters.push(this.#number);
    this.#number = 0;
  }

  #set(mode: number, on: boolean): void {
    if (mode === CURSOR_VISIBLE) this.#cursorHidden = !on;
    else if (!spoiling.has(mode)) return;
    else if (on) this.#on.add(mode);
    else this.#on.delete(mode);
  }

  /** What to send so that the terminal is as usable as before: empty when the guest wrote nothing. */
  restoring(): string {
    if (!this.#wrote) return '';
    let text = '\x1b[0m';
    for (const mode of this.#on) text += `\x1b[?${mode}l`;
    if (this.#cursorHidden) text += `\x1b[?${CURSOR_VISIBLE}h`;
    return this.#lineEmpty ? text : `${text}\r\n`;
  }
}
