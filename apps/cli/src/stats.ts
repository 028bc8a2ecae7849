import { formatSize } from './parse/size.js';

/** What `--stats` shows. `json` prints exactly this object, in one line. */
export interface BootStats {
  /** Executed by all processors since power-on. */
  readonly instructions: number;
  /** How many of them a resumed snapshot had executed already. */
  readonly resumedAt?: number;
  readonly wallSeconds: number;
  /** User and system time of our process. */
  readonly cpuSeconds: number;
  /** Million instructions of this run a second of CPU time. */
  readonly mips: number;
  /** Instructions by the tier that executed them. */
  readonly tiers: Readonly<Record<string, number>>;
  /** How often the processors left guest code, by reason. */
  readonly hostExits: Readonly<Record<string, number>>;
  /** Compiled code. */
  readonly regions: Readonly<Record<string, number>>;
  /** Resident size of our process, guest RAM included. */
  readonly memoryBytes: number;
  /** Why the run ended: `power-off`, `exit-on`, `timeout` ... */
  readonly exit: string;
  readonly exitCode: number;
  /** Nanoseconds that passed for the guest. */
  readonly virtualNanoseconds?: number;
  /** Deterministic mode only. */
  readonly stateHash?: string;
}

/** What the host's clocks said when the run began; `cpu` in microseconds. */
export interface StatsBaseline {
  readonly wall: number;
  readonly cpu: number;
}

export function statsBaseline(): StatsBaseline {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), cpu: user + system };
}

/** Seconds since the baseline, and the speed that makes. */
export function timing(instructions: number, since: StatsBaseline): Pick<BootStats, 'wallSeconds' | 'cpuSeconds' | 'mips'> {
  const now = statsBaseline();
  const wallSeconds = (now.wall - since.wall) / 1e3;
  const cpuSeconds = (now.cpu - since.cpu) / 1e6;
  return { wallSeconds: round(wallSeconds), cpuSeconds: round(cpuSeconds), mips: cpuSeconds > 0 ? round(instructions / cpuSeconds / 1e6) : 0 };
}

export function statsJson(stats: BootStats): string {
  return `${JSON.stringify(stats)}\n`;
}

export function statsTable(stats: BootStats): string {
  const rows: [string, string][] = [
    ['exit', `${stats.exit} (status ${stats.exitCode})`],
    ['instructions', grouped(stats.instructions)],
    ['wall time', `${stats.wallSeconds.toFixed(2)} s`],
    ['CPU time', `${stats.cpuSeconds.toFixed(2)} s`],
    ['speed', `${stats.mips.toFixed(1)} MIPS`],
    ['memory', formatSize(stats.memoryBytes)],
  ];
  if (stats.virtualNanoseconds !== undefined) rows.push(['guest time', `${(stats.virtualNanoseconds / 1e9).toFixed(2)} s`]);
  for (const [tier, count] of Object.entries(stats.tiers)) rows.push([`tier: ${tier}`, `${grouped(count)}${share(count, stats.instructions)}`]);
  for (const [what, count] of Object.entries(stats.regions)) rows.push([`regions: ${what}`, grouped(count)]);
  for (const [why, count] of Object.entries(stats.hostExits)) rows.push([`host exits: ${why}`, grouped(count)]);
  if (stats.stateHash !== undefined) rows.push(['state hash', stats.stateHash]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

function share(part: number, whole: number): string {
  return whole > 0 ? `  (${((100 * part) / whole).toFixed(1)} %)` : '';
}

/** `1234567` to `1 234 567`. */
function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

function round(value: number): number {
  return Math.round(value * 1e3) / 1e3;
}
