/** Every AVX, AVX2, FMA and F16C form of the decoder's table, at both vector lengths, as instruction bytes. */
import { forms, mnemonicName, type Form } from '@pckit/x86-decoder';
import { X86_64_V3 } from '../../src/cpu/cpuid.js';
import { advertised } from '../integer/profile.js';
import type { Variant } from '../sse/variants.js';

/** ModRM and VEX fields: YMM1 or RCX, YMM2, YMM3, YMM4; RDX; [RSI], or [RSI + YMM3 * scale]. */
export const REGISTER = 1;
export const FIRST = 2;
export const SECOND = 3;
const FOURTH = 4;
const RDX = 2;
const RSI = 6;
const SIB = 4;

const MAPS: { readonly [name: string]: number } = { '0F': 1, '0F38': 2, '0F3A': 3 };
const PREFIXES: { readonly [name: string]: number } = { NP: 0, 66: 1, F3: 2, F2: 3 };

export function avxForms(): Form[] {
  return forms().filter(({ feature, encoding }) => encoding.startsWith('VEX.') && !feature.startsWith('bmi') && advertised(feature, X86_64_V3));
}

interface Encoding {
  readonly opcode: number;
  readonly map: number;
  readonly prefix: number;
  readonly extension: number | undefined;
  readonly hasModrm: boolean;
  readonly tokens: readonly string[];
}

function encodingOf({ encoding }: Form): Encoding {
  const [vex = '', opcode = '', ...tokens] = encoding.split(' ');
  const [, , prefix = '', map = ''] = vex.split('.');
  const group = tokens.find((token) => /^\/[0-7]$/.test(token));
  return { opcode: parseInt(opcode, 16), map: MAPS[map]!, prefix: PREFIXES[prefix]!, extension: group ? Number(group[1]) : undefined, hasModrm: tokens.some((token) => token.startsWith('/')), tokens };
}

function variantsOf(form: Form): Variant[] {
  const { opcode, map, prefix, extension, hasModrm, tokens } = encodingOf(form);
  const [, length = '', , , w = ''] = (form.encoding.split(' ')[0] as string).split('.');
  const { operands } = form;
  const mnemonic = mnemonicName(form.mnemonic);
  const hasImmediate = operands.includes('Ib');
  const hasFirst = operands.some((operand) => /^[HB]/.test(operand));
  const hasFourth = operands.some((operand) => operand.startsWith('L'));
  const gathers = operands.some((operand) => operand.startsWith('T'));
  const general = operands.some((operand) => operand.startsWith('E'));
  const vectors = operands.filter((operand) => /^[VHWUL]/.test(operand)).length;
  const variants: Variant[] = [];

  for (const wide of length === 'L' ? [false, true] : [length === '256']) {
    for (const w1 of w === 'W' ? [false, true] : [w === 'W1']) {
      const here: Omit<Variant, 'cases'>[] = [];
      const add = (kind: Variant['operands'], mod: number, rm: number, { first = FIRST, l = wide, w: wBit = w1, sib = -1 } = {}): void => {
        const vvvv = hasFirst ? ~first & 15 : 15;
        const code = [0xc4, 0xe0 | map, (wBit ? 0x80 : 0) | (vvvv << 3) | (l ? 4 : 0) | prefix, opcode];
        if (hasModrm) code.push((mod << 6) | ((extension ?? REGISTER) << 3) | rm);
        if (sib >= 0) code.push(sib);
        if (hasFourth) code.push((kind === 'same register' ? REGISTER : FOURTH) << 4);
        const suffix = `${length === 'L' ? (wide ? ' 256' : ' 128') : ''}${w === 'W' && w1 ? ' W' : ''}${sib >= 0 ? ` scale ${1 << (sib >> 6)}` : ''}`;
        here.push({ key: `${form.encoding} ${mnemonic} ${kind}${suffix}`, mnemonic, operands: kind, hasImmediate, code: Uint8Array.from(code) });
      };
      if (gathers) for (const scale of [0, 1, 2, 3]) add('memory', 0, SIB, { sib: (scale << 6) | (SECOND << 3) | RSI });
      else {
        if (!tokens.includes('mem')) {
          add('registers', 3, general ? RDX : SECOND);
          // One register everywhere, and the bits of VEX that are ignored set.
          if (vectors > 1 && !general) add('same register', 3, REGISTER, { first: REGISTER, l: wide || length === 'LIG', w: w1 || w === 'WIG' });
        }
        if (!tokens.includes('reg') && operands.some((operand) => /^[WEM]/.test(operand))) add('memory', 0, RSI);
      }
      const distinct = here.filter(({ operands: kind }) => kind !== 'same register').length;
      for (const variant of here) variants.push({ ...variant, cases: variant.operands === 'same register' ? 60 : Math.ceil(500 / distinct) });
    }
  }
  return variants;
}

export function avxVariants(): Variant[] {
  return avxForms().flatMap(variantsOf);
}
