import { describe, expect, it } from 'vitest';
import { TestMachine } from './test-machine.js';

describe('INT1', () => {
  it('is a debug trap at any privilege, after the instruction', () => {
    for (const cpl of [0, 3] as const) {
      const m = new TestMachine({ mode: 'long', cpl });
      expect(m.execute('f1')).toEqual({ vector: 1, code: undefined });
      expect(m.rip).toBe(m.codeAddress + 1);
    }
  });
});
