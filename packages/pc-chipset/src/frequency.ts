/**
 * Exact conversion between nanoseconds of virtual time and ticks of a clock of `hz`. Each is computed from power-on, never
 * accumulated, so nothing drifts. Intermediate products stay below 2^53 for frequencies up to 9 MHz, far above any crystal used
 * here (8254: 1.193182 MHz, ACPI PM timer: 3.579545 MHz).
 */

const SECOND = 1e9;

/** Ticks completed in the first `ns` nanoseconds: floor(ns * hz / 10^9). */
export function ticksAt(ns: number, hz: number): number {
  const seconds = Math.floor(ns / SECOND);
  return seconds * hz + Math.floor(((ns - seconds * SECOND) * hz) / SECOND);
}

/** The first nanosecond at which `ticks` are complete: ceil(ticks * 10^9 / hz). */
export function timeOfTick(ticks: number, hz: number): number {
  const seconds = Math.floor(ticks / hz);
  return seconds * SECOND + Math.ceil(((ticks - seconds * hz) * SECOND) / hz);
}
