/** Reading what a Linux kernel says on its console. */

/** A line of `dmesg -r`: `<6>[    0.123456] text`. */
export interface LogLine {
  /** 0 emergency ... 3 error, 4 warning, 5 notice, 6 info, 7 debug; undefined where the line does not say. */
  readonly level: number | undefined;
  readonly text: string;
}

export function parseLog(text: string): LogLine[] {
  return text
    .split(/\r*\n/)
    .map((line) => {
      const [, level, rest] = /^(?:<(\d+)>)?(?:\[ *\d+\.\d+\] ?)?(.*)$/.exec(line) as RegExpExecArray;
      // The number holds the facility, too: 8 times it and the level.
      return { level: level === undefined ? undefined : Number(level) & 7, text: rest as string };
    })
    .filter(({ text }) => text !== '');
}

/** Of a console, the lines that the kernel wrote. */
export function kernelLines(console: string): string {
  return console
    .split(/\r*\n/)
    .filter((line) => /^\[ *\d+\.\d+\] /.test(line))
    .join('\n');
}

/** Splits what guest-report.sh prints. */
export function sections(console: string): Map<string, string> {
  const found = new Map<string, string>();
  const parts = console.split(/^== (\w+)\r*\n/m);
  for (let i = 1; i + 1 < parts.length; i += 2) found.set(parts[i] as string, (parts[i + 1] as string).replace(/\r/g, '').trimEnd());
  return found;
}

/** What no guest says on a machine that works, whatever it says elsewhere. */
const NEVER =
  /\bBUG: |\bWARNING: |\bOops\b|Call Trace|soft lockup|hard LOCKUP|hung_task|blocked for more than|rcu.*(stall|starved)|unchecked MSR|(clocksource|tsc|TSC).*unstable|Kernel panic|general protection|invalid opcode|unable to handle|nobody cared|spurious interrupt|double fault|I\/O error|timed out|Firmware Bug/i;

/** What a reader of a log would stop at. */
const SUSPICIOUS = /warn|\bbug\b|error|fail|unchecked|lockup|unstable|invalid|mismatch|unexpected|bogus|broken|corrupt|timeout|stuck|skew|unsynch|disabling/i;

/** Lines that no guest should say. */
export function forbidden(lines: readonly LogLine[]): string[] {
  return lines.map(({ text }) => text).filter((text) => NEVER.test(text));
}

/** Warnings and worse, and whatever reads like one, that the same guest does not say elsewhere. Numbers and addresses don't count. */
export function newComplaints(ours: readonly LogLine[], elsewhere: readonly LogLine[]): string[] {
  const known = new Set(elsewhere.map(({ text }) => withoutNumbers(text)));
  return ours.filter((line) => isComplaint(line) && !known.has(withoutNumbers(line.text))).map(({ text }) => text);
}

/** A warning or worse, or what reads like one. */
export function isComplaint({ level, text }: LogLine): boolean {
  return (level !== undefined && level <= 4) || SUSPICIOUS.test(text);
}

/** Two lines that differ in addresses, times and counts are the same line. */
export function withoutNumbers(text: string): string {
  return text
    .replace(/\b0x[0-9a-f]+\b/gi, '#')
    .replace(/\b[0-9a-f]{8,}\b/gi, '#')
    .replace(/\d+/g, '#')
    .replace(/\s+/g, ' ')
    .trim();
}
