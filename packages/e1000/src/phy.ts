// The internal PHY of the 82540EM, an M88E1011: manual, 13.4.7 to 13.5 "PHY registers", IEEE 802.3 clause 22. The link partner is a switch that can do
// everything up to 1000BASE-T full duplex; autonegotiation takes no time.

export const PHY_ADDRESS = 1;

const PCTRL = 0;
const PSTATUS = 1;
const PID = 2;
const EPID = 3;
const ANA = 4;
const LPA = 5;
const ANE = 6;
const GCON = 9;
const GSTATUS = 10;
const EPSTATUS = 15;
const PSCON = 16;
const PSSTAT = 17;
const PINTE = 18;
const PINTS = 19;
const EPSCON = 20;
const PREC = 21;
const PAGE_SELECT = 29;
const PAGE_DATA = 30;

const PCTRL_RESET = 0x8000;
const PCTRL_AUTONEGOTIATION = 0x1000;
const PCTRL_POWER_DOWN = 0x0800;
const PCTRL_ISOLATE = 0x0400;
const PCTRL_RESTART = 0x0200;
/** Reset and restart clear themselves. */
const PCTRL_WRITABLE = 0x7dc0;

/** 100BASE-TX, 10BASE-T, extended status, preamble suppression, autonegotiation, extended capabilities. */
const PSTATUS_ABILITIES = 0x7949;
const PSTATUS_NEGOTIATED = 0x0020;
const PSTATUS_LINK = 0x0004;
/** 1000 Mb/s, full duplex, resolved. */
const PSSTAT_RESOLVED = 0xac00;
const PSSTAT_LINK = 0x0400;
const PSSTAT_TRANSMIT_PAUSE = 0x0008;
const PSSTAT_RECEIVE_PAUSE = 0x0004;
const PINTS_LINK = 0x0400;
const PINTS_NEGOTIATED = 0x0800;

const RESET_VALUES: ReadonlyMap<number, number> = new Map([
  [PCTRL, 0x1140],
  [PID, 0x0141],
  [EPID, 0x0c20],
  [ANA, 0x0de1],
  [GCON, 0x0e00],
  [EPSTATUS, 0x3000],
  [PSCON, 0x0068],
  [EPSCON, 0x0d60],
]);
const WRITABLE: ReadonlyMap<number, number> = new Map([
  [ANA, 0xbfff],
  [GCON, 0xff00],
  [PSCON, 0xffff],
  [PINTE, 0xffff],
  [EPSCON, 0xffff],
  [PAGE_SELECT, 0xffff],
  [PAGE_DATA, 0xffff],
]);

export type PhyState = { readonly registers: readonly number[]; readonly cable: boolean; readonly lost: boolean };

export class Phy {
  readonly #registers = new Uint16Array(32);
  #cable = true;
  /** The link failed since PSTATUS was last read (802.3, 22.2.4.2.13: latches low). */
  #lost = false;

  constructor() {
    this.reset();
  }

  get cable(): boolean {
    return this.#cable;
  }

  get linkUp(): boolean {
    return this.#cable && (this.#registers[PCTRL]! & (PCTRL_POWER_DOWN | PCTRL_ISOLATE)) === 0;
  }

  /** Everything but the cable. */
  reset(): void {
    this.#registers.fill(0);
    for (const [register, value] of RESET_VALUES) this.#registers[register] = value;
    this.#lost = false;
  }

  setCable(plugged: boolean): void {
    if (this.#cable && !plugged) this.#lost = true;
    if (this.#cable !== plugged) this.#registers[PINTS]! |= PINTS_LINK;
    this.#cable = plugged;
  }

  read(register: number): number {
    const up = this.linkUp;
    switch (register) {
      case PSTATUS: {
        const link = up && !this.#lost;
        this.#lost = false;
        return PSTATUS_ABILITIES | (up ? PSTATUS_NEGOTIATED : 0) | (link ? PSTATUS_LINK : 0);
      }
      case LPA:
        // Acknowledged; pause in both directions; all of 100BASE-TX and 10BASE-T.
        return up ? 0x45e1 : 0;
      case ANE:
        return up ? 0x0007 : 0x0004;
      case GSTATUS:
        // Both receivers are fine; the partner can do 1000BASE-T, full duplex and half.
        return up ? 0x3c00 : 0;
      case PSSTAT:
        return up ? PSSTAT_RESOLVED | PSSTAT_LINK | PSSTAT_TRANSMIT_PAUSE | PSSTAT_RECEIVE_PAUSE : 0;
      case PINTS: {
        const causes = this.#registers[PINTS]!;
        this.#registers[PINTS] = 0;
        return causes;
      }
      case PREC:
        return 0;
      default:
        return this.#registers[register]!;
    }
  }

  /** @returns whether the link went away and came again, or only one of them: the MAC looks */
  write(register: number, value: number): boolean {
    if (register !== PCTRL) {
      const writable = WRITABLE.get(register);
      if (writable !== undefined) this.#registers[register] = value & writable;
      return false;
    }
    const up = this.linkUp;
    if ((value & PCTRL_RESET) !== 0) {
      // 13.5: a software reset keeps what was set up, and makes it take effect.
      this.#registers[PCTRL] = value & PCTRL_WRITABLE & ~PCTRL_RESTART;
      return true;
    }
    this.#registers[PCTRL] = value & PCTRL_WRITABLE & ~PCTRL_RESTART;
    const restarted = (value & PCTRL_AUTONEGOTIATION) !== 0 && (value & PCTRL_RESTART) !== 0;
    if (restarted && this.linkUp) this.#registers[PINTS]! |= PINTS_NEGOTIATED;
    if (up && !this.linkUp) this.#lost = true;
    return restarted || up !== this.linkUp;
  }

  save(): PhyState {
    return { registers: [...this.#registers], cable: this.#cable, lost: this.#lost };
  }

  restore(state: PhyState): void {
    this.#registers.set(state.registers);
    this.#cable = state.cable;
    this.#lost = state.lost;
  }
}
