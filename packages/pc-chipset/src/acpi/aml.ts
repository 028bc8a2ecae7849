import { ChipsetError } from '../chipset-error.js';

/**
 * ACPI Machine Language as typed functions: ACPI 6.5, chapter 20 (grammar and opcodes) and 19 (what the source operators mean). Each
 * function is one construct of the language and gives its bytes; nesting calls gives the tree. Resource descriptors: `aml-resources.ts`.
 */

/** A term's encoding. Objects (`Name`, `Device` ...) declare; values are data or expressions. */
export interface AmlNode {
  readonly kind: 'object' | 'value' | 'statement';
  readonly bytes: Uint8Array;
}
export interface AmlObject extends AmlNode {
  readonly kind: 'object';
}
export interface AmlValue extends AmlNode {
  readonly kind: 'value';
}
export interface AmlStatement extends AmlNode {
  readonly kind: 'statement';
}
/** Numbers, strings and paths stand for themselves where a value is meant: a string is a String, use `path` for a name. */
export type AmlValueLike = AmlValue | number | bigint | string;
/** What a method's body or a scope holds. */
export type AmlTerm = AmlObject | AmlStatement | AmlValue;

const ZERO_OP = 0x00;
const ONE_OP = 0x01;
const NAME_OP = 0x08;
const BYTE_PREFIX = 0x0a;
const WORD_PREFIX = 0x0b;
const DWORD_PREFIX = 0x0c;
const STRING_PREFIX = 0x0d;
const QWORD_PREFIX = 0x0e;
const SCOPE_OP = 0x10;
const BUFFER_OP = 0x11;
const PACKAGE_OP = 0x12;
const METHOD_OP = 0x14;
const DUAL_NAME_PREFIX = 0x2e;
const MULTI_NAME_PREFIX = 0x2f;
const EXT_OP = 0x5b;
const OPERATION_REGION_OP = 0x80;
const FIELD_OP = 0x81;
const DEVICE_OP = 0x82;
const ROOT_CHAR = 0x5c;
const PARENT_PREFIX_CHAR = 0x5e;
const LOCAL0_OP = 0x60;
const ARG0_OP = 0x68;
const STORE_OP = 0x70;
const AND_OP = 0x7b;
const OR_OP = 0x7d;
const CREATE_DWORD_FIELD_OP = 0x8a;
const LEQUAL_OP = 0x93;
const IF_OP = 0xa0;
const ELSE_OP = 0xa1;
const RETURN_OP = 0xa4;

export const REGION_SPACES = { systemMemory: 0, systemIo: 1, pciConfig: 2 } as const;
export const FIELD_ACCESS = { any: 0, byte: 1, word: 2, dword: 3 } as const;

/** A named element of a `Field`, or a gap. */
export type AmlFieldUnit = { readonly name: string; readonly bits: number } | { readonly skipBits: number };

/** A name: `\_SB.PCI0`, `^LNKA`, `_CRS`. Segments of up to four characters are padded with underscores. */
export function path(name: string): AmlValue {
  return value(encodePath(name));
}

export function integer(n: number | bigint): AmlValue {
  return value(encodeInteger(n));
}

export function string(text: string): AmlValue {
  const bytes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  if (bytes.some((byte) => byte < 1 || byte > 0x7f)) throw new ChipsetError('aml', `the string ${JSON.stringify(text)} has characters outside ASCII 1..7FH`);
  return value([STRING_PREFIX, ...bytes, 0]);
}

export function buffer(contents: Uint8Array | readonly number[]): AmlValue {
  return value([BUFFER_OP, ...withPackageLength([...encodeInteger(contents.length), ...contents])]);
}

/** `Package`, up to 255 elements. */
export function aPackage(...elements: readonly AmlValueLike[]): AmlValue {
  if (elements.length > 255) throw new ChipsetError('aml', `a Package of ${elements.length} elements; it takes 255`);
  return value([PACKAGE_OP, ...withPackageLength([elements.length, ...elements.flatMap((element) => [...encodeValue(element)])])]);
}

/** `EisaId ("PNP0A03")`: the compressed form of ACPI 6.5, section 19.3.4, as an integer. */
export function eisaId(id: string): AmlValue {
  if (!/^[A-Z]{3}[0-9A-F]{4}$/.test(id)) throw new ChipsetError('aml', `${JSON.stringify(id)} is no EISA ID: three capitals and four hexadecimal digits`);
  const letter = (i: number): number => id.charCodeAt(i) - 0x40;
  const manufacturer = (letter(0) << 10) | (letter(1) << 5) | letter(2);
  const product = parseInt(id.slice(3), 16);
  return value([DWORD_PREFIX, manufacturer >>> 8, manufacturer & 0xff, product >>> 8, product & 0xff]);
}

export function name(at: string, data: AmlValueLike): AmlObject {
  return object([NAME_OP, ...encodePath(at), ...encodeValue(data)]);
}

export function scope(at: string, ...terms: readonly AmlTerm[]): AmlObject {
  return object([SCOPE_OP, ...withPackageLength([...encodePath(at), ...concat(terms)])]);
}

export function device(at: string, ...terms: readonly AmlTerm[]): AmlObject {
  return object([EXT_OP, DEVICE_OP, ...withPackageLength([...encodePath(at), ...concat(terms)])]);
}

/** @param args 0..7. `serialized`, when the method creates named objects. */
export function method(at: string, options: { readonly args?: number; readonly serialized?: boolean }, ...body: readonly AmlTerm[]): AmlObject {
  const args = options.args ?? 0;
  if (!Number.isInteger(args) || args < 0 || args > 7) throw new ChipsetError('aml', `method ${at} with ${args} arguments; it takes 0 to 7`);
  return object([METHOD_OP, ...withPackageLength([...encodePath(at), args | (options.serialized === true ? 8 : 0), ...concat(body)])]);
}

export function operationRegion(at: string, space: keyof typeof REGION_SPACES, offset: AmlValueLike, length: AmlValueLike): AmlObject {
  return object([EXT_OP, OPERATION_REGION_OP, ...encodePath(at), REGION_SPACES[space], ...encodeValue(offset), ...encodeValue(length)]);
}

/** `Field (region, ...Acc, NoLock, Preserve)`. */
export function field(region: string, access: keyof typeof FIELD_ACCESS, ...units: readonly AmlFieldUnit[]): AmlObject {
  const encoded = units.flatMap((unit) =>
    'name' in unit ? [...encodeSegment(unit.name), ...encodePackageLength(unit.bits)] : [0x00, ...encodePackageLength(unit.skipBits)],
  );
  return object([EXT_OP, FIELD_OP, ...withPackageLength([...encodePath(region), FIELD_ACCESS[access], ...encoded])]);
}

export function createDwordField(source: AmlValue, byteOffset: AmlValueLike, at: string): AmlObject {
  return object([CREATE_DWORD_FIELD_OP, ...source.bytes, ...encodeValue(byteOffset), ...encodePath(at)]);
}

/** `Arg0` .. `Arg6` */
export function arg(n: number): AmlValue {
  return value([ARG0_OP + inRange('Arg', n, 6)]);
}

/** `Local0` .. `Local7` */
export function local(n: number): AmlValue {
  return value([LOCAL0_OP + inRange('Local', n, 7)]);
}

export function store(source: AmlValueLike, target: AmlValue): AmlStatement {
  return statement([STORE_OP, ...encodeValue(source), ...target.bytes]);
}

/** `And (a, b)`, stored to `target` if there is one. */
export function and(a: AmlValueLike, b: AmlValueLike, target?: AmlValue): AmlValue {
  return value([AND_OP, ...encodeValue(a), ...encodeValue(b), ...(target?.bytes ?? [ZERO_OP])]);
}

export function or(a: AmlValueLike, b: AmlValueLike, target?: AmlValue): AmlValue {
  return value([OR_OP, ...encodeValue(a), ...encodeValue(b), ...(target?.bytes ?? [ZERO_OP])]);
}

export function equal(a: AmlValueLike, b: AmlValueLike): AmlValue {
  return value([LEQUAL_OP, ...encodeValue(a), ...encodeValue(b)]);
}

export function ifThen(condition: AmlValue, ...body: readonly AmlTerm[]): AmlStatement {
  return statement([IF_OP, ...withPackageLength([...condition.bytes, ...concat(body)])]);
}

/** Directly after an `ifThen`. */
export function otherwise(...body: readonly AmlTerm[]): AmlStatement {
  return statement([ELSE_OP, ...withPackageLength(concat(body))]);
}

export function returns(result: AmlValueLike): AmlStatement {
  return statement([RETURN_OP, ...encodeValue(result)]);
}

/** The terms' bytes, one after the other. */
export function concat(terms: readonly AmlNode[]): number[] {
  const bytes: number[] = [];
  for (const term of terms) for (const byte of term.bytes) bytes.push(byte);
  return bytes;
}

/** PkgLength, ACPI 6.5 section 20.2.4, of a construct whose body has `length` bytes: it counts itself. */
function withPackageLength(body: readonly number[]): number[] {
  for (let own = 1; own <= 4; own++) {
    const encoded = encodePackageLength(body.length + own);
    if (encoded.length === own) return [...encoded, ...body];
  }
  throw new ChipsetError('aml', `a construct of ${body.length} bytes is too long for AML`);
}

/** A length of one byte has six bits; longer ones four in the first byte and eight in each further one. */
function encodePackageLength(length: number): number[] {
  if (length < 0x40) return [length];
  if (length >= 2 ** 28) throw new ChipsetError('aml', `length ${length} is too long for AML`);
  const following: number[] = [];
  for (let rest = Math.floor(length / 16); rest !== 0; rest = Math.floor(rest / 256)) following.push(rest % 256);
  return [(following.length << 6) | length % 16, ...following];
}

function encodeValue(v: AmlValueLike): Uint8Array | number[] {
  if (typeof v === 'number' || typeof v === 'bigint') return encodeInteger(v);
  if (typeof v === 'string') return string(v).bytes;
  return v.bytes;
}

function encodeInteger(n: number | bigint): number[] {
  if (typeof n === 'number' && !Number.isSafeInteger(n)) throw new ChipsetError('aml', `${n} is no integer that AML can hold`);
  const v = BigInt(n);
  if (v < 0n || v >= 1n << 64n) throw new ChipsetError('aml', `${v} does not fit into 64 bits`);
  if (v === 0n) return [ZERO_OP];
  if (v === 1n) return [ONE_OP];
  const length = v < 0x100n ? 1 : v < 0x1_0000n ? 2 : v < 0x1_0000_0000n ? 4 : 8;
  const prefix = length === 1 ? BYTE_PREFIX : length === 2 ? WORD_PREFIX : length === 4 ? DWORD_PREFIX : QWORD_PREFIX;
  const bytes = [prefix];
  for (let i = 0n; i < length; i++) bytes.push(Number((v >> (8n * i)) & 0xffn));
  return bytes;
}

/** NameString, ACPI 6.5 section 20.2.2. */
function encodePath(name: string): number[] {
  const match = /^(\\|\^*)(.*)$/.exec(name);
  const prefix = match?.[1] ?? '';
  const rest = match?.[2] ?? '';
  const bytes: number[] = Array.from(prefix, (c) => (c === '\\' ? ROOT_CHAR : PARENT_PREFIX_CHAR));
  if (rest === '') {
    if (prefix === '') throw new ChipsetError('aml', 'an empty name');
    return [...bytes, ZERO_OP];
  }
  const segments = rest.split('.').map(encodeSegment);
  if (segments.length === 2) bytes.push(DUAL_NAME_PREFIX);
  else if (segments.length > 2) bytes.push(MULTI_NAME_PREFIX, segments.length);
  return [...bytes, ...segments.flat()];
}

function encodeSegment(segment: string): number[] {
  if (!/^[A-Z_][A-Z0-9_]{0,3}$/.test(segment)) {
    throw new ChipsetError('aml', `${JSON.stringify(segment)} is no AML name: up to four of A-Z, 0-9 and _, no digit first`);
  }
  return Array.from(segment.padEnd(4, '_'), (c) => c.charCodeAt(0));
}

function inRange(what: string, n: number, last: number): number {
  if (!Number.isInteger(n) || n < 0 || n > last) throw new ChipsetError('aml', `there is no ${what}${n}; the last is ${what}${last}`);
  return n;
}

function object(bytes: readonly number[]): AmlObject {
  return { kind: 'object', bytes: Uint8Array.from(bytes) };
}

function value(bytes: readonly number[]): AmlValue {
  return { kind: 'value', bytes: Uint8Array.from(bytes) };
}

function statement(bytes: readonly number[]): AmlStatement {
  return { kind: 'statement', bytes: Uint8Array.from(bytes) };
}
