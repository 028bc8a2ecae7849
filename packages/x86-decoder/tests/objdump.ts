import { execFileSync } from 'node:child_process';
import { decode, format, Instruction, type Mode } from '../src/index.js';

export interface ObjdumpResult {
  readonly compared: number;
  readonly skipped: number;
  readonly differences: readonly string[];
}

/** Compares `format` with objdump's text for an ELF file's section, or for raw bytes with `rawMode`. */
export function compareWithObjdump(
  file: string,
  syntax: 'att' | 'intel',
  limit: number,
  range: string[],
  rawMode?: Mode,
): ObjdumpResult {
  const machine =
    rawMode === undefined
      ? ['-d', '-j', '.text']
      : ['-D', '-b', 'binary', '-m', { 16: 'i8086', 32: 'i386', 64: 'i386:x86-64' }[rawMode]];
  const text = execFileSync(
    'objdump',
    [...machine, '-M', syntax, '-w', '--no-addresses', ...range, file].filter((word) => word !== '--no-addresses'),
    {
      maxBuffer: 1 << 30,
      encoding: 'utf8',
    },
  );
  const into = new Instruction();
  let compared = 0;
  let skipped = 0;
  const differences: string[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*\t(.*)$/.exec(line);
    if (match === null) continue;
    if (compared >= limit) break;
    const bytes = Uint8Array.from(match[2]!.trim().split(' '), (pair) => parseInt(pair, 16));
    const expected = normalise(match[3]!);
    // EVEX and mask instructions are not ours.
    if (bytes[0] === 0x62 || /%?\bk[0-7]\b/.test(expected)) {
      skipped++;
      continue;
    }
    const length = decode(bytes, 0, bytes.length, rawMode ?? 64, into);
    if (length === 0 && isInvalid(expected)) {
      skipped++;
      continue;
    }
    compared++;
    const ours = normalise(format(into, BigInt(`0x${match[1]}`), { syntax }));
    if (length !== bytes.length || ours !== expected)
      differences.push(`${match[2]!.trim()}: objdump "${expected}", ours "${ours}"`);
  }
  return { compared, skipped, differences };
}

/**
 * Symbols are the resolver's business, trailing blanks nobody's. Without symbols objdump puts 0x before addresses. REX
 * bits, address sizes and prefixes without effect are words to objdump; they occur where data is disassembled.
 */
function normalise(text: string): string {
  return text
    .replace(/\s*<[^>]*>/g, '')
    .replace(/# 0x/, '# ')
    .replace(/\b((?:call|jmp|j[a-z]+|loop[a-z]*|xbegin) +)0x/, '$1')
    .replace(/\b(?:rex(?:\.[WRXB]+)?|addr32|addr16) (?=\S)/g, '')
    .replace(/ +/g, ' ')
    .replace(/[ \t]+$/, '');
}

/**
 * What objdump prints though it is #UD: LOCK where it isn't allowed, MOV to CS, segment and control registers that
 * don't exist.
 */
function isInvalid(text: string): boolean {
  return /\(bad\)|%?\?|^lock |^rex(\.[WRXB]+)?$|^mov .*,%?cs$|^mov %?cs,|^vp(rot|sha|shl|com|mac|mads)|^data16$|^addr32$|[%,]cr(1|5|6|7|9|1\d)\b|[%,]db(8|9|1\d)\b/.test(
    text,
  );
}
