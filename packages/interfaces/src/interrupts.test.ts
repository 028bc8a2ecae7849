import { describe, expect, it } from 'vitest';
import { WiredOr, disconnected, pulse } from './interrupts.js';

function recorder() {
  const levels: boolean[] = [];
  return { levels, set: (level: boolean) => void levels.push(level) };
}

describe('pulse', () => {
  it('raises and lowers', () => {
    const line = recorder();
    pulse(line);
    expect(line.levels).toEqual([true, false]);
  });

  it('may go nowhere', () => expect(() => pulse(disconnected)).not.toThrow());
});

describe('WiredOr', () => {
  it('is active while any input is', () => {
    const output = recorder();
    const or = new WiredOr(output);
    const [a, b] = [or.input(), or.input()];
    a.set(true);
    b.set(true);
    a.set(false);
    expect(output.levels.at(-1)).toBe(true);
    b.set(false);
    expect(output.levels.at(-1)).toBe(false);
  });

  it('takes a repeated level for nothing', () => {
    const output = recorder();
    const or = new WiredOr(output);
    const [a, b] = [or.input(), or.input()];
    a.set(true);
    a.set(true);
    b.set(false);
    expect(output.levels).toEqual([true]);
    a.set(false);
    expect(output.levels).toEqual([true, false]);
  });

  it('is restored without moving its output, and goes on from there', () => {
    const output = recorder();
    const or = new WiredOr(output);
    const [a, b] = [or.input(), or.input()];
    or.restore([false, true]);
    expect([output.levels, or.levels]).toEqual([[], [false, true]]);
    a.set(true);
    b.set(false);
    a.set(false);
    expect(output.levels).toEqual([true, true, false]);
  });
});
