/**
 * Counts a vitest JSON report.
 * @typedef {{ status: string, title: string, fullName: string }} Assertion
 * @typedef {{ name: string, status: string, assertionResults: Assertion[] }} TestFile
 * @param {{ testResults: TestFile[] }} report
 * @param {{ requireTools?: boolean }} [options] `requireTools`: a skipped test counts as failed
 */
export function summarize(report, options = {}) {
  let passed = 0;
  let failed = 0;
  const failures = [];
  const skipped = [];
  for (const file of report.testResults) {
    let failedHere = 0;
    for (const test of file.assertionResults) {
      const name = `${file.name} > ${test.fullName}`;
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') {
        failedHere++;
        failures.push(name);
      } else {
        skipped.push(name);
        if (options.requireTools === true) failedHere++;
      }
    }
    // A file that could not be loaded, or a hook that threw, has no test to blame.
    if (file.status === 'failed' && failedHere === 0) {
      failedHere = 1;
      failures.push(file.name);
    }
    failed += failedHere;
  }
  return { passed, failed, failures, skipped };
}
