import { size } from './bytes.js';
import type { BootPlan } from './types.js';

const E820_NAMES = ['', 'RAM', 'reserved', 'ACPI tables', 'ACPI NVS', 'unusable'];

/** A table for people: each part, where it lies, and why it fits; the memory map; the first processor's state. */
export function describePlan(plan: BootPlan): string {
  const rows: string[][] = [];
  for (const segment of plan.segments) {
    rows.push(row(segment.address, segment.bytes.length + (segment.zeroFill ?? 0), segment.name, segment.why));
  }
  for (const part of plan.reservations) rows.push(row(part.address, part.length, `(${part.name})`, part.why));
  rows.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));

  const { registers: state } = plan;
  const register = (name: keyof typeof state.general): string => `${name} ${address(state.general[name])}`;
  return [
    `${plan.kind}: starts in ${state.mode} at ${address(state.segments.cs.base + state.rip)}`,
    `  ${register('rsi')}  ${register('rbx')}  ${register('rax')}  ${register('rsp')}`,
    `  cr0 ${address(state.cr0)}  cr3 ${address(state.cr3)}  cr4 ${address(state.cr4)}  efer ${address(state.efer)}`,
    '',
    ...table(rows),
    '',
    'memory map',
    ...table(plan.e820.map((entry) => row(entry.start, entry.length, E820_NAMES[entry.type], ''))),
    ...(plan.notes.length > 0 ? ['', ...plan.notes.map((note) => `note: ${note}`)] : []),
    '',
  ].join('\n');
}

function row(start: number, length: number, name: string, why: string): string[] {
  return [`${address(start)}-${address(start + Math.max(length, 1) - 1)}`, size(length), name, why];
}

function table(rows: string[][]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((cells) => cells[column].length)));
  return rows.map((cells) =>
    `  ${cells[0].padEnd(widths[0])}  ${cells[1].padStart(widths[1])}  ${cells[2].padEnd(widths[2])}  ${cells[3]}`.trimEnd(),
  );
}

function address(value: number): string {
  return `0x${value.toString(16).padStart(9, '0')}`;
}
