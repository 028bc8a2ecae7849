import { describe, expect, it } from 'vitest';
import { summarize } from './test-summary.mjs';

const file = (status, ...statuses) => ({
  name: '/w/a.test.ts',
  status,
  assertionResults: statuses.map((s, i) => ({ status: s, title: `t${i}`, fullName: `t${i}` })),
});

describe('summarize', () => {
  it('counts tests, not files', () => {
    expect(summarize({ testResults: [file('passed', 'passed', 'passed'), file('failed', 'passed', 'failed')] })).toMatchObject({
      passed: 3,
      failed: 1,
      failures: ['/w/a.test.ts > t1'],
    });
  });

  it('counts a file that could not be loaded as one failure', () => {
    expect(summarize({ testResults: [file('failed')] })).toMatchObject({ passed: 0, failed: 1, failures: ['/w/a.test.ts'] });
  });

  it('counts a skipped test as failed only where tools are required', () => {
    const report = { testResults: [file('passed', 'passed', 'skipped')] };
    expect(summarize(report)).toMatchObject({ passed: 1, failed: 0, skipped: ['/w/a.test.ts > t1'] });
    expect(summarize(report, { requireTools: true })).toMatchObject({ passed: 1, failed: 1 });
  });
});
