import type { DeviceState, Plain } from '@pckit/interfaces';
import type { ClockState } from './virtual-clock.js';
import type { DoorState } from './door.js';
import type { RunLoopState } from './run-loop.js';

/** Consecutive pages of RAM, none of them all zeros. */
export type RamRun = {
  /** Guest-physical, a multiple of 4 KiB. */
  readonly start: number;
  readonly bytes: Uint8Array;
};

/** What identifies a machine that a snapshot fits. */
export type MachineShape = {
  readonly ram: readonly { readonly start: number; readonly length: number }[];
  readonly processors: number;
};

/** A machine's whole state: plain data. RAM that it doesn't mention is zero. */
export type Snapshot = {
  readonly version: 1;
  readonly shape: MachineShape;
  readonly clock: ClockState;
  readonly door: DoorState;
  readonly loop: RunLoopState;
  readonly powered: boolean;
  readonly devices: { readonly [name: string]: DeviceState };
  readonly processors: readonly DeviceState[];
  readonly ram: readonly RamRun[];
  /** Notes of the program that saved it (which kernel, which disks); the machine doesn't look at them. */
  readonly notes?: Plain;
};
