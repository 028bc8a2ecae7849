import { decode, format, Instruction } from '@pckit/x86-decoder';
import { differences, type Outcome } from './outcome.js';
import { Space, type Program } from './program.js';

export type Run = (program: Program) => Outcome | string;

/** The program with NOPs in place of some units. */
function without(program: Program, units: Program['units']): Program {
  const code = program.code.slice();
  for (const [offset, length] of units) code.fill(0x90, offset, offset + length);
  return { ...program, code, units: program.units.filter((unit) => !units.includes(unit)) };
}

/** A program with fewer instructions that still differs. */
export function reduce(program: Program, ours: Run, theirs: Run): Program {
  let best = program;
  const differs = (candidate: Program): boolean => differences(candidate, ours(candidate), theirs(candidate)).length > 0;
  for (let chunk = Math.ceil(best.units.length / 2); chunk >= 1; chunk = Math.floor(chunk / 2)) {
    for (let at = 0; at < best.units.length; ) {
      const candidate = without(best, best.units.slice(at, at + chunk));
      if (differs(candidate)) best = candidate;
      else at += chunk;
    }
  }
  return best;
}

/** What differs, and the instructions that are left. */
export function describeProgram(program: Program, found: readonly string[]): string {
  const lines = [`program ${program.seed}: ${found.slice(0, 12).join('; ')}`];
  const instruction = new Instruction();
  const end = program.starts.at(-1)! - Space.code;
  for (let at = 0; at < end; ) {
    if (program.starts.includes(Space.code + at)) lines.push(`part at ${(Space.code + at).toString(16)}`);
    const length = decode(program.code, at, program.code.length, 64, instruction) || 1;
    if (program.code[at] !== 0x90 || length !== 1) {
      lines.push(`  ${(Space.code + at).toString(16)}  ${Buffer.from(program.code.subarray(at, at + length)).toString('hex').padEnd(24)} ${format(instruction, Space.code + at, { syntax: 'intel' })}`);
    }
    at += length;
  }
  return lines.join('\n');
}
