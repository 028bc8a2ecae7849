import type { I64, V128 } from '../../emit/emitter.js';
import type { Context, Half } from '../context.js';
import type { Definition, Definitions } from '../definition.js';
import { packedIntegerOperations } from '../sse/packed-integer.js';
import { SSE_SHIFTS } from '../sse/shift.js';
import { WIDENINGS } from '../sse/sse41.js';
import { ifWide, setVector, vectorIfWide } from './operand.js';
import { VexContext } from './vex-context.js';

// VEX forms that are an SSE instruction on three operands, on each 128 bits by itself: their definitions are those in `sse/`. SDM vol. 2,
// under the SSE instruction's name.

interface Derived {
  readonly shapes: readonly string[];
  /** The first source is an operand of its own. */
  readonly threeOperands?: boolean;
  /** 128 bits only, whatever VEX.L. */
  readonly single?: boolean;
  /** One handler for all shapes: where the SSE definition doesn't look at `shape`. */
  readonly merged?: boolean;
  /** How the last source is read, where it isn't as long as the destination. */
  readonly source?: 'none' | 'count' | { readonly widenedBytes: number };
  /** The upper half's bits of the immediate are that much higher. */
  readonly immediateBits?: number;
  readonly mask?: number;
  /** Both halves' results, of 8 bytes each, are one half. */
  readonly narrows?: boolean;
}

/** The VEX form of an SSE mnemonic. */
export const vexName = (mnemonic: string): string => `V${mnemonic[0]?.toLowerCase()}${mnemonic.slice(1)}`;

/** The last source of a 256-bit instruction, as each half sees it. Before anything is computed: a fault comes first. */
function readSource(x: Context, index: number, source: Derived['source']): (half: Half) => V128 {
  const { e } = x;
  if (source === 'count') {
    const count = x.vexVector(index);
    return () => count;
  }
  if (typeof source === 'object') {
    const bytes = source.widenedBytes;
    const whole = e.variableV128();
    const low = (size: number): void => whole.set(size === 16 ? x.vexVector(index) : x.vexLow(index, size).splat());
    ifWide(x, () => low(2 * bytes), () => low(bytes));
    const upper = (v: V128): V128 => e.shuffle(v, v, Array.from({ length: 16 }, (_, byte) => (byte + bytes) & 15));
    return (half) => (half === 0 ? whole.get() : upper(whole.get()));
  }
  const { low, high } = x.vexVectors(index);
  return (half) => (half === 0 ? low : high);
}

/** A context whose immediate is another one's, some bits on. */
class ShiftedImmediate extends VexContext {
  constructor(
    private readonly bits: number,
    ...rest: ConstructorParameters<typeof VexContext>
  ) {
    super(...rest);
  }
  override immediate(): I64 {
    return super.immediate().shrU(this.bits);
  }
}

function derive(d: Definitions, sse: Definition, mnemonic: string, form: Derived): void {
  const { shapes, threeOperands = false, single = false, merged = true, source, immediateBits = 0, mask, narrows = false } = form;
  const { modes, sizes, mayExecute, sizeOf = 0 } = sse;
  const options = {
    shapes, merged, ...(modes && { modes }), ...(mayExecute && { mayExecute }), ...(sizes && { sizes, sizeOf: sizeOf > 0 && threeOperands ? sizeOf + 1 : sizeOf }),
  };
  d.define(vexName(mnemonic), options, (x) => {
    x.requireAvx();
    if (single) {
      sse.emit(new VexContext(x, { threeOperands, half: 0, ...(mask !== undefined && { mask }) }, (value) => setVector(x, value)), mnemonic);
      return;
    }
    const sourceOf = source === 'none' ? undefined : readSource(x, threeOperands ? 2 : 1, source);
    const compute = (half: Half): V128 => {
      let result: V128 | undefined;
      const inner = { threeOperands, half, ...(sourceOf && { source: sourceOf(half) }), ...(mask !== undefined && { mask }) };
      sse.emit(new ShiftedImmediate(half * immediateBits, x, inner, (value) => (result = value)), mnemonic);
      return result as unknown as V128;
    };
    const low = compute(0);
    const high = vectorIfWide(x, () => compute(1));
    // The results of 128 bits have zeros in their upper halves.
    if (narrows) setVector(x, x.e.shuffle(low, high, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]));
    else setVector(x, low, high);
  });
}

const BINARY = ['xxx', 'xxm', 'yyy', 'yym'];
const UNARY = ['xx', 'xm', 'yy', 'ym'];
/** What reads half a register or less. */
const WIDENING = ['xx', 'xm', 'yx', 'ym'];
const immediate = (shapes: readonly string[]): string[] => shapes.map((shape) => `${shape}i`);
const onlyX = (shapes: readonly string[]): string[] => shapes.filter((shape) => !shape.includes('y'));

const binary: Derived = { shapes: BINARY, threeOperands: true };
const binaryImmediate: Derived = { shapes: immediate(BINARY), threeOperands: true };
const unary: Derived = { shapes: UNARY };
const unaryImmediate: Derived = { shapes: immediate(UNARY) };
const of128 = (form: Derived): Derived => ({ ...form, shapes: onlyX(form.shapes), single: true });

const floats = (...names: string[]): string[] => names.flatMap((name) => [`${name}ps`, `${name}pd`]);
const scalars = (...names: string[]): string[] => names.flatMap((name) => [`${name}ss`, `${name}sd`]);

const FORMS: readonly (readonly [form: Derived, mnemonics: readonly string[]])[] = [
  [binary, Object.keys(packedIntegerOperations)],
  [binary, ['Packsswb', 'Packuswb', 'Packssdw', 'Packusdw', 'Pshufb', ...floats('Unpckl', 'Unpckh', 'Add', 'Sub', 'Mul', 'Div', 'Min', 'Max', 'Hadd', 'Hsub', 'Addsub')]],
  [binary, ['l', 'h'].flatMap((half) => ['bw', 'wd', 'dq', 'qdq'].map((size) => `Punpck${half}${size}`))],
  [unary, ['Pabsb', 'Pabsw', 'Pabsd', 'Movsldup', 'Movshdup', ...floats('Sqrt'), 'Rcpps', 'Rsqrtps', 'Cvtdq2ps', 'Cvtps2dq', 'Cvttps2dq']],
  [binaryImmediate, ['Shufps', 'Pblendw', 'Palignr', ...floats('Cmp')]],
  [{ ...binaryImmediate, immediateBits: 2 }, ['Shufpd', 'Blendpd']],
  [{ ...binaryImmediate, immediateBits: 3 }, ['Mpsadbw']],
  [{ ...binaryImmediate, immediateBits: 4 }, ['Blendps']],
  [unaryImmediate, ['Pshufd', 'Pshuflw', 'Pshufhw', ...floats('Round')]],
  [{ shapes: ['xxxx', 'xxmx', 'yyyy', 'yymy'], threeOperands: true, mask: 3 }, ['Pblendvb', 'Blendvps', 'Blendvpd']],
  [{ shapes: ['xx', 'xm', 'xy'], narrows: true }, ['Cvtpd2ps', 'Cvtpd2dq', 'Cvttpd2dq']],
  [{ shapes: WIDENING, source: { widenedBytes: 8 } }, ['Cvtps2pd', 'Cvtdq2pd']],
  ...WIDENINGS.map(([suffix, bytes]) => [{ shapes: WIDENING, source: { widenedBytes: bytes } }, [`Pmovsx${suffix}`, `Pmovzx${suffix}`]] as const),
  [{ shapes: ['xxx', 'xxm', 'yyx', 'yym'], threeOperands: true, source: 'count' }, SSE_SHIFTS],
  [{ shapes: ['xxi', 'yyi'], threeOperands: true, source: 'none' }, [...SSE_SHIFTS, 'Pslldq', 'Psrldq']],

  // 128 bits only. Scalar instructions take the rest of the low half from the first source.
  [of128(binary), [...scalars('Add', 'Sub', 'Mul', 'Div', 'Sqrt', 'Min', 'Max'), 'Rcpss', 'Rsqrtss', 'Cvtss2sd', 'Cvtsd2ss', 'Aesenc', 'Aesenclast', 'Aesdec', 'Aesdeclast']],
  [of128(binaryImmediate), [...scalars('Cmp', 'Round'), 'Pclmulqdq']],
  [{ ...of128(binaryImmediate), merged: false }, ['Insertps']],
  [of128(unary), [...scalars('Comi', 'Ucomi'), 'Phminposuw', 'Aesimc']],
  [of128(unaryImmediate), ['Aeskeygenassist', ...['i', 'e'].flatMap((infix) => ['stri', 'strm'].map((suffix) => `Pcmp${infix}${suffix}`)), 'Pcmpestri64', 'Pcmpestrm64']],
  [{ shapes: ['xxri', 'xxmi'], threeOperands: true, single: true, merged: false }, ['Pinsrb', 'Pinsrw', 'Pinsrd', 'Pinsrq']],
  [{ shapes: ['rxi', 'mxi'], single: true, merged: false }, ['Pextrb', 'Pextrw', 'Pextrd', 'Pextrq', 'Extractps']],
  [{ shapes: ['xxr', 'xxm'], threeOperands: true, single: true, merged: false }, ['Cvtsi2ss', 'Cvtsi2sd']],
  [{ shapes: ['rx', 'rm'], single: true }, ['Cvtss2si', 'Cvttss2si', 'Cvtsd2si', 'Cvttsd2si']],

  [{ shapes: ['xm', 'mx'], single: true, merged: false }, ['Movss', 'Movsd']],
  [{ shapes: ['xxx'], single: true, threeOperands: true }, ['Movss', 'Movsd', 'Movhlps', 'Movlhps']],
  [{ shapes: ['xxm'], single: true, threeOperands: true, merged: false }, ['Movlps', 'Movlpd', 'Movhps', 'Movhpd']],
  [{ shapes: ['mx'], single: true, merged: false }, ['Movlps', 'Movlpd', 'Movhps', 'Movhpd']],
  [{ shapes: ['xr', 'xm', 'rx', 'mx'], single: true, merged: false }, ['Movd', 'Movq']],
  [{ shapes: ['xx'], single: true }, ['Movq']],
  [{ shapes: ['mxx'], single: true, merged: false }, ['Maskmovdqu']],
  [{ shapes: ['m'], single: true, merged: false }, ['Ldmxcsr', 'Stmxcsr']],
];

/** @param d with the SSE definitions in it */
export function defineFromSse(d: Definitions): void {
  const sse = new Map(d.list.flatMap((definition) => definition.mnemonics.map((mnemonic) => [mnemonic, definition])));
  for (const [form, mnemonics] of FORMS) {
    for (const mnemonic of mnemonics) {
      const definition = sse.get(mnemonic);
      if (!definition) throw new Error(`${mnemonic} has no definition`);
      derive(d, definition, mnemonic, form);
    }
  }
}
