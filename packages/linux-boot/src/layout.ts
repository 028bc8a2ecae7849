/** What lies where: parts are claimed at fixed addresses or placed where there is room, and a conflict names both parts. */
import { BootError } from './boot-error.js';
import { alignDown, alignUp, hex, size } from './bytes.js';
import type { PlanReservation, PlanSegment, RamRange } from './types.js';

interface Claim {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface Window {
  readonly align: number;
  /** Lowest first byte. */
  readonly from: number;
  /** First byte that the part must not reach. */
  readonly below: number;
  readonly prefer: 'low' | 'high';
}

export class Layout {
  readonly segments: PlanSegment[] = [];
  readonly reservations: PlanReservation[] = [];
  readonly #ram: readonly RamRange[];
  readonly #claims: Claim[] = [];

  constructor(ram: readonly RamRange[]) {
    this.#ram = ram;
  }

  /** First byte after the highest RAM below `limit`. */
  ramEnd(limit: number): number {
    let end = 0;
    for (const range of this.#ram) {
      if (range.start < limit) end = Math.max(end, Math.min(range.start + range.length, limit));
    }
    return end;
  }

  /** Bytes of RAM that follow `start` without a gap; 0 where there is none. */
  contiguous(start: number): number {
    const range = this.#ram.find((candidate) => start >= candidate.start && start < candidate.start + candidate.length);
    return range === undefined ? 0 : range.start + range.length - start;
  }

  fits(start: number, length: number): boolean {
    return this.contiguous(start) >= length && this.#conflict(start, start + length) === undefined;
  }

  /** Takes [start, start + length) or says what is in the way. */
  claim(name: string, start: number, length: number): void {
    const end = start + length;
    if (!Number.isFinite(end)) throw new BootError('malformed', `${name} at ${hex(start)}, ${size(length)}: not an address range`);
    const conflict = this.#conflict(start, end);
    if (conflict !== undefined) {
      throw new BootError(
        'overlap',
        `${name} ${hex(start)}-${hex(end - 1)} overlaps ${conflict.name} ${hex(conflict.start)}-${hex(conflict.end - 1)}`,
      );
    }
    if (length > 0 && this.contiguous(start) < length) {
      throw new BootError('too-large', `${name} ${hex(start)}-${hex(end - 1)} (${size(length)}) is not all RAM: ${this.#describeRam()}`);
    }
    if (length > 0) this.#claims.push({ name, start, end });
  }

  /** Finds room and claims it. */
  place(name: string, length: number, window: Window): number {
    const start = this.find(length, window);
    if (start === undefined) {
      const inWindow = this.#claims
        .filter((claim) => claim.start < window.below && claim.end > window.from)
        .sort((a, b) => a.start - b.start)
        .map((claim) => `${claim.name} ${hex(claim.start)}-${hex(claim.end - 1)}`);
      throw new BootError(
        'too-large',
        `${name} (${size(length)}) doesn't fit between ${hex(window.from)} and ${hex(window.below - 1)}: ${this.#describeRam()}` +
          (inWindow.length > 0 ? `, of which are taken: ${inWindow.join(', ')}` : ''),
      );
    }
    this.claim(name, start, length);
    return start;
  }

  find(length: number, window: Window): number | undefined {
    const order = window.prefer === 'low' ? 1 : -1;
    for (const gap of this.#gaps().sort((a, b) => order * (a.start - b.start))) {
      const from = Math.max(gap.start, window.from);
      const below = Math.min(gap.end, window.below);
      const start = window.prefer === 'low' ? alignUp(from, window.align) : alignDown(below - length, window.align);
      if (start >= from && start + length <= below) return start;
    }
    return undefined;
  }

  /** Records bytes at an address that has been claimed. */
  put(segment: PlanSegment): void {
    this.segments.push(segment);
  }

  reserve(reservation: PlanReservation): void {
    this.reservations.push(reservation);
  }

  #conflict(start: number, end: number): Claim | undefined {
    return this.#claims.find((claim) => claim.start < end && start < claim.end);
  }

  #gaps(): Claim[] {
    const claims = [...this.#claims].sort((a, b) => a.start - b.start);
    const gaps: Claim[] = [];
    for (const range of this.#ram) {
      let at = range.start;
      const end = range.start + range.length;
      for (const claim of claims) {
        if (claim.end <= at || claim.start >= end) continue;
        if (claim.start > at) gaps.push({ name: '', start: at, end: claim.start });
        at = claim.end;
      }
      if (at < end) gaps.push({ name: '', start: at, end });
    }
    return gaps;
  }

  #describeRam(): string {
    return `RAM is ${this.#ram.map((range) => `${hex(range.start)}-${hex(range.start + range.length - 1)}`).join(', ')}`;
  }
}
