/** State that can be structured-cloned, compared and written to a file: named fields all the way down, no class instances. */
export type Plain =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Plain[]
  | { readonly [field: string]: Plain };

/** The state of a device: named fields and the version of their meaning. */
export type DeviceState = { readonly version: number } & { readonly [field: string]: Plain };

/** Something with state that a machine resets, saves and restores. */
export interface Device<S extends DeviceState = DeviceState> {
  /** Unique on a machine; the key of its state in a snapshot. */
  readonly name: string;
  /** `cold`: power-on. `warm`: the bus reset that a running machine's RESET# causes. */
  reset(kind: 'cold' | 'warm'): void;
  save(): S;
  /** Sets fields only: moves no line, touches no other device, arms no timer beyond its own. Throws on a version that it does not know. */
  restore(state: S): void;
}
