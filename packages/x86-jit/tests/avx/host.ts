import { existsSync, readFileSync } from 'node:fs';

/** A host may be a processor without AVX2; no tool would help. @returns the reason, or undefined if it has all of x86-64-v3's vectors */
export function lacksAvx(): string | undefined {
  const flags = existsSync('/proc/cpuinfo') ? new Set(readFileSync('/proc/cpuinfo', 'latin1').match(/^flags\s*:.*$/m)?.[0].split(/\s+/)) : new Set<string>();
  const missing = ['avx2', 'fma', 'f16c', 'bmi2', 'abm'].filter((flag) => !flags.has(flag));
  return missing.length > 0 ? `this processor has no ${missing.join(', ')}` : undefined;
}
