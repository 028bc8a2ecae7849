/** Every form of the decoder's table that works on XMM registers, as instruction bytes: with registers, one register twice, and memory. */
import { forms, mnemonicName, type Form } from '@pckit/x86-decoder';

export interface Variant {
  /** The form's encoding and how its operands were chosen. */
  readonly key: string;
  readonly mnemonic: string;
  /** Without the immediate byte. */
  readonly code: Uint8Array;
  readonly hasImmediate: boolean;
  /** XMM1 and XMM2, RCX and RDX, or memory at RSI. */
  readonly operands: 'registers' | 'same register' | 'memory';
  /** How many cases it is given: at least 500 a form. */
  readonly cases: number;
}

const FEATURES: ReadonlySet<string> = new Set(['sse', 'sse2', 'sse3', 'ssse3', 'sse4_1', 'sse4_2', 'aes', 'pclmulqdq']);

/** What is of these features but not executed by `semantics/sse`: MMX registers, hints and fences, CRC32. */
export function whyLeftOut({ mnemonic, operands, encoding }: Form): string | undefined {
  if (encoding.startsWith('VEX')) return 'a VEX form';
  if (operands.some((operand) => /^[PQN]/.test(operand))) return 'has an MMX register';
  if (operands.every((operand) => !/^[VWUM]/.test(operand))) return 'has no vector operand';
  if (mnemonicName(mnemonic) === 'Fisttp') return 'an x87 instruction';
  if (/^(Prefetch|Clflush)/.test(mnemonicName(mnemonic))) return 'a hint';
  return undefined;
}

export function sseForms(): Form[] {
  return forms().filter(({ feature }) => FEATURES.has(feature));
}

/** ModRM fields: XMM1 or RCX, XMM2 or RDX, [RSI]. */
const REGISTER = 1;
const OTHER = 2;
const RSI = 6;

function variantsOf(form: Form): Variant[] {
  const tokens = form.encoding.split(' ');
  const prefix: number[] = [];
  const opcode: number[] = [];
  let extension: number | undefined;
  let hasModrm = false;
  for (const token of tokens) {
    if (/^(66|F2|F3)$/.test(token) && opcode.length === 0) prefix.push(parseInt(token, 16));
    else if (/^[0-9A-F]{2}$/.test(token)) opcode.push(parseInt(token, 16));
    else if (token === '/r') hasModrm = true;
    else if (/^\/[0-7]$/.test(token)) {
      hasModrm = true;
      extension = Number(token[1]);
    } else if (!/^(np|nf|mem|reg|W0|W1)$/.test(token)) throw new Error(`${form.encoding}: ${token}`);
  }
  if (!hasModrm) throw new Error(`${form.encoding} has no ModRM byte`);
  const mnemonic = mnemonicName(form.mnemonic);
  const variants: Omit<Variant, 'cases'>[] = [];
  const sizes = form.operands.some((operand) => /^[GEM]y/.test(operand)) && !tokens.includes('W0') && !tokens.includes('W1') ? [false, true] : [tokens.includes('W1')];
  const add = (operands: Variant['operands'], wide: boolean, mod: number, rm: number): void => {
    const modrm = (mod << 6) | ((extension ?? REGISTER) << 3) | rm;
    variants.push({
      key: `${form.encoding} ${mnemonic} ${operands}${sizes.length > 1 && wide ? ' W' : ''}`,
      mnemonic, operands, hasImmediate: form.operands.includes('Ib'), code: Uint8Array.of(...prefix, ...(wide ? [0x48] : []), ...opcode, modrm),
    });
  };
  for (const wide of sizes) {
    if (!tokens.includes('mem')) {
      add('registers', wide, 3, OTHER);
      if (form.operands.filter((operand) => /^[VWU]/.test(operand)).length > 1) add('same register', wide, 3, REGISTER);
    }
    if (!tokens.includes('reg') && form.operands.some((operand) => /^[WEM]/.test(operand))) add('memory', wide, 0, RSI);
  }
  const distinct = variants.filter(({ operands }) => operands !== 'same register').length;
  return variants.map((variant) => ({ ...variant, cases: variant.operands === 'same register' ? 100 : distinct === 1 ? 500 : 260 }));
}

export function sseVariants(): Variant[] {
  return sseForms().filter((form) => whyLeftOut(form) === undefined).flatMap(variantsOf);
}
