/** Results, and the tables made of them. */
import { geometricMean, median } from './statistics.js';
import type { Cost } from './subject.js';

/** Runs of one thing on one subject. */
export interface Measured {
  readonly name: string;
  /** compute, system, boot ... */
  readonly group: string;
  /** How much work: 1 or 10; absent where there is no choice. */
  readonly times?: number;
  readonly subject: string;
  readonly runs: Cost[];
}

export class Results {
  readonly all: Measured[] = [];

  add(key: Omit<Measured, 'runs'>, cost: Cost): void {
    let found = this.all.find((one) => one.name === key.name && one.times === key.times && one.subject === key.subject && one.group === key.group);
    if (found === undefined) this.all.push((found = { ...key, runs: [] }));
    found.runs.push({ cpuSeconds: cost.cpuSeconds, wallSeconds: cost.wallSeconds });
  }
}

/** One line a program: medians of CPU seconds (and of wall time), and the ratio of pckit's to the other's. */
export function markdownTables(results: Results): string {
  const kinds = [...new Set(results.all.map(({ group, times }) => JSON.stringify({ group, times })))].map((text) => JSON.parse(text) as { group: string; times?: number });
  return kinds.map(({ group, times }) => section(results.all.filter((one) => one.group === group && one.times === times), group, times)).join('\n');
}

function section(measured: readonly Measured[], group: string, times: number | undefined): string {
  const peer = measured.find(({ subject }) => subject !== 'pckit')?.subject ?? 'nothing';
  const names = [...new Set(measured.map(({ name }) => name))];
  const of = (name: string, subject: string, what: keyof Cost): number | undefined => {
    const found = measured.find((one) => one.name === name && one.subject === subject);
    return found === undefined ? undefined : median(found.runs.map((run) => run[what]));
  };
  const rows: string[][] = [];
  const ratios: number[] = [];
  const wallRatios: number[] = [];
  for (const name of names) {
    const [ours, theirs] = [of(name, 'pckit', 'cpuSeconds'), of(name, peer, 'cpuSeconds')];
    const [ourWall, theirWall] = [of(name, 'pckit', 'wallSeconds'), of(name, peer, 'wallSeconds')];
    if (ours !== undefined && theirs !== undefined) ratios.push(ours / theirs);
    if (ourWall !== undefined && theirWall !== undefined) wallRatios.push(ourWall / theirWall);
    rows.push([name, seconds(theirs), seconds(ours), ratio(ours, theirs), seconds(theirWall), seconds(ourWall), ratio(ourWall, theirWall)]);
  }
  if (ratios.length > 1) rows.push(['**geometric mean**', '', '', `**${geometricMean(ratios).toFixed(2)}**`, '', '', `**${geometricMean(wallRatios).toFixed(2)}**`]);
  const runs = Math.min(...measured.map((one) => one.runs.length));
  const title = `${group}${times === undefined ? '' : times === 1 ? ', short runs' : `, ${times} times the work`} (median of ${runs})`;
  const heads = [title, `${peer}, CPU s`, 'pckit, CPU s', 'pckit / ' + peer, `${peer}, wall s`, 'pckit, wall s', 'ratio'];
  return [heads, heads.map((_, column) => (column === 0 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function seconds(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(value < 10 ? 3 : 1);
}

function ratio(a: number | undefined, b: number | undefined): string {
  return a === undefined || b === undefined ? '' : (a / b).toFixed(2);
}
