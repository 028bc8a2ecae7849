// Which frames the driver wants: VIRTIO 1.2, 5.1.6.5.1 to 5.1.6.5.3. Filters are a driver's wish, not a wall: without the control queue the
// device is promiscuous for multicast, and the driver looks itself.

/** Addresses of each kind that are compared one by one; with more of them all of the kind pass. */
const MAX_ADDRESSES = 64;

export type ReceiveFilterState = {
  readonly promiscuous: boolean;
  readonly allMulticast: boolean;
  readonly allUnicast: boolean;
  readonly noMulticast: boolean;
  readonly noUnicast: boolean;
  readonly noBroadcast: boolean;
  readonly unicast: readonly number[] | null;
  readonly multicast: readonly number[] | null;
  readonly vlans: Uint8Array;
};

export class ReceiveFilter {
  promiscuous = true;
  allMulticast = false;
  allUnicast = false;
  noMulticast = false;
  noUnicast = false;
  noBroadcast = false;
  /** Whether frames of VLANs are looked at (CTRL_VLAN). */
  filterVlans = false;
  /** Addresses as 48-bit numbers; `undefined`: too many. */
  #unicast: Set<number> | undefined = new Set();
  #multicast: Set<number> | undefined = new Set();
  readonly #vlans = new Uint8Array(4096 / 8);

  reset(): void {
    // Until a driver says otherwise: 5.1.6.5.1.
    this.promiscuous = true;
    this.allMulticast = this.allUnicast = this.noMulticast = this.noUnicast = this.noBroadcast = false;
    this.filterVlans = false;
    this.#unicast = new Set();
    this.#multicast = new Set();
    this.#vlans.fill(0);
  }

  setTables(unicast: readonly number[], multicast: readonly number[]): void {
    this.#unicast = unicast.length > MAX_ADDRESSES ? undefined : new Set(unicast);
    this.#multicast = multicast.length > MAX_ADDRESSES ? undefined : new Set(multicast);
  }

  setVlan(id: number, wanted: boolean): void {
    const bit = 1 << (id & 7);
    if (wanted) this.#vlans[id >>> 3]! |= bit;
    else this.#vlans[id >>> 3]! &= ~bit;
  }

  /** @param frame at least 14 bytes */
  accepts(frame: Uint8Array, mac: Uint8Array): boolean {
    if (this.filterVlans && frame[12] === 0x81 && frame[13] === 0x00 && frame.length >= 18) {
      const id = ((frame[14]! & 0x0f) << 8) | frame[15]!;
      if ((this.#vlans[id >>> 3]! & (1 << (id & 7))) === 0) return false;
    }
    if (this.promiscuous) return true;
    if ((frame[0]! & 1) !== 0) {
      const address = macNumber(frame, 0);
      if (address === 0xffff_ffff_ffff) return !this.noBroadcast;
      if (this.noMulticast) return false;
      return this.allMulticast || this.#multicast === undefined || this.#multicast.has(address);
    }
    if (this.noUnicast) return false;
    if (this.allUnicast || this.#unicast === undefined) return true;
    for (let i = 0; i < 6; i++) if (frame[i] !== mac[i]) return this.#unicast.has(macNumber(frame, 0));
    return true;
  }

  save(): ReceiveFilterState {
    const { promiscuous, allMulticast, allUnicast, noMulticast, noUnicast, noBroadcast } = this;
    return {
      promiscuous,
      allMulticast,
      allUnicast,
      noMulticast,
      noUnicast,
      noBroadcast,
      unicast: this.#unicast === undefined ? null : [...this.#unicast],
      multicast: this.#multicast === undefined ? null : [...this.#multicast],
      vlans: this.#vlans.slice(),
    };
  }

  restore(state: ReceiveFilterState): void {
    this.promiscuous = state.promiscuous;
    this.allMulticast = state.allMulticast;
    this.allUnicast = state.allUnicast;
    this.noMulticast = state.noMulticast;
    this.noUnicast = state.noUnicast;
    this.noBroadcast = state.noBroadcast;
    this.#unicast = state.unicast === null ? undefined : new Set(state.unicast);
    this.#multicast = state.multicast === null ? undefined : new Set(state.multicast);
    this.#vlans.set(state.vlans);
  }
}

export function macNumber(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 8) | bytes[at + 1]!) * 0x1_0000_0000 + (((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0);
}
