import type { Architecture, RegisterDescription } from '../architecture.js';

/** Names that GDB knows: `gdb/features/i386` in its sources, and the manual, G.5.6 "i386 Features". */
const CORE = 'org.gnu.gdb.i386.core';
const SSE = 'org.gnu.gdb.i386.sse';
const SEGMENTS = 'org.gnu.gdb.i386.segments';
const AVX = 'org.gnu.gdb.i386.avx';
/** Not of GDB's: shown with `info registers system`. */
const SYSTEM = 'org.pckit.x86.system';

const EFLAGS = ['CF', 'RESERVED1', 'PF', '', 'AF', '', 'ZF', 'SF', 'TF', 'IF', 'DF', 'OF'];
const flag = (name: string, bit: number, end = bit): string => `<field name="${name}" start="${bit}" end="${end}"/>\n`;

function flagsType(id: string, bytes: number, fields: string): string {
  return `<flags id="${id}" size="${bytes}">\n${fields}</flags>\n`;
}

const EFLAGS_TYPE = flagsType(
  'i386_eflags',
  4,
  EFLAGS.map((name, bit) => (name === '' ? '' : flag(name === 'RESERVED1' ? '' : name, bit))).join('') +
    flag('NT', 14) + flag('RF', 16) + flag('VM', 17) + flag('AC', 18) + flag('VIF', 19) + flag('VIP', 20) + flag('ID', 21),
);
const VECTOR_TYPES =
  '<vector id="v4f" type="ieee_single" count="4"/>\n<vector id="v2d" type="ieee_double" count="2"/>\n<vector id="v16i8" type="int8" count="16"/>\n' +
  '<vector id="v8i16" type="int16" count="8"/>\n<vector id="v4i32" type="int32" count="4"/>\n<vector id="v2i64" type="int64" count="2"/>\n' +
  '<union id="vec128">\n<field name="v4_float" type="v4f"/>\n<field name="v2_double" type="v2d"/>\n<field name="v16_int8" type="v16i8"/>\n<field name="v8_int16" type="v8i16"/>\n' +
  '<field name="v4_int32" type="v4i32"/>\n<field name="v2_int64" type="v2i64"/>\n<field name="uint128" type="uint128"/>\n</union>\n' +
  flagsType('i386_mxcsr', 4, ['IE', 'DE', 'ZE', 'OE', 'UE', 'PE', 'DAZ', 'IM', 'DM', 'ZM', 'OM', 'UM', 'PM'].map((name, bit) => flag(name, bit)).join('') + flag('FZ', 15));
const SYSTEM_TYPES =
  flagsType('x86_cr0', 8, flag('PG', 31) + flag('CD', 30) + flag('NW', 29) + flag('AM', 18) + flag('WP', 16) + flag('NE', 5) + flag('ET', 4) + flag('TS', 3) + flag('EM', 2) + flag('MP', 1) + flag('PE', 0)) +
  flagsType('x86_cr3', 8, flag('PDBR', 12, 51) + flag('PCID', 0, 11)) +
  flagsType(
    'x86_cr4',
    8,
    flag('SMAP', 21) + flag('SMEP', 20) + flag('OSXSAVE', 18) + flag('PCIDE', 17) + flag('FSGSBASE', 16) + flag('UMIP', 11) + flag('OSXMMEXCPT', 10) + flag('OSFXSR', 9) + flag('PCE', 8) +
      flag('PGE', 7) + flag('MCE', 6) + flag('PAE', 5) + flag('PSE', 4) + flag('DE', 3) + flag('TSD', 2) + flag('PVI', 1) + flag('VME', 0),
  ) +
  flagsType('x86_efer', 8, flag('NXE', 11) + flag('LMA', 10) + flag('LME', 8) + flag('SCE', 0));

const GENERAL = ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
/** System V psABI, figure 3.36 "DWARF Register Number Mapping". */
const DWARF: Readonly<Record<string, number>> = { rax: 0, rdx: 1, rcx: 2, rbx: 3, rsi: 4, rdi: 5, rbp: 6, rsp: 7, r8: 8, r9: 9, r10: 10, r11: 11, r12: 12, r13: 13, r14: 14, r15: 15, rip: 16 };
const GENERIC: Readonly<Record<string, RegisterDescription['generic']>> = {
  rsp: 'sp', rbp: 'fp', rdi: 'arg1', rsi: 'arg2', rdx: 'arg3', rcx: 'arg4', r8: 'arg5', r9: 'arg6',
};

export interface Amd64Options {
  /** The upper halves of YMM0 to YMM15. */
  readonly avx?: boolean;
}

function reg(name: string, bits: number, type: string, feature: string, group?: string): RegisterDescription {
  const generic = GENERIC[name];
  const dwarf = DWARF[name];
  return { name, bits, type, feature, ...(group === undefined ? {} : { group }), ...(generic === undefined ? {} : { generic }), ...(dwarf === undefined ? {} : { dwarf }) };
}

/**
 * A 64-bit x86 processor: general registers, x87, SSE, segment bases, control registers. One description for all modes: a debugger would take a change of
 * description amid a session badly.
 */
export function amd64(options: Amd64Options = {}): Architecture {
  const registers: RegisterDescription[] = [
    ...GENERAL.map((name) => reg(name, 64, name === 'rsp' || name === 'rbp' ? 'data_ptr' : 'int64', CORE)),
    { ...reg('rip', 64, 'code_ptr', CORE), generic: 'pc' },
    { ...reg('eflags', 32, 'i386_eflags', CORE), generic: 'flags' },
    ...['cs', 'ss', 'ds', 'es', 'fs', 'gs'].map((name) => reg(name, 32, 'int32', CORE)),
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => ({ ...reg(`st${n}`, 80, 'i387_ext', CORE), dwarf: 33 + n })),
    ...['fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'].map((name) => reg(name, 32, 'int', CORE, 'float')),
    ...GENERAL.map((_, n) => ({ ...reg(`xmm${n}`, 128, 'vec128', SSE), dwarf: 17 + n })),
    reg('mxcsr', 32, 'i386_mxcsr', SSE, 'vector'),
    reg('fs_base', 64, 'int64', SEGMENTS),
    reg('gs_base', 64, 'int64', SEGMENTS),
    ...(options.avx === true ? GENERAL.map((_, n) => reg(`ymm${n}h`, 128, 'uint128', AVX)) : []),
    reg('k_gs_base', 64, 'int64', SYSTEM, 'system'),
    reg('cr0', 64, 'x86_cr0', SYSTEM, 'system'),
    reg('cr2', 64, 'int64', SYSTEM, 'system'),
    reg('cr3', 64, 'x86_cr3', SYSTEM, 'system'),
    reg('cr4', 64, 'x86_cr4', SYSTEM, 'system'),
    reg('cr8', 64, 'int64', SYSTEM, 'system'),
    reg('efer', 64, 'x86_efer', SYSTEM, 'system'),
    ...['cs_base', 'ss_base', 'ds_base', 'es_base', 'gdt_base', 'idt_base', 'tr_base', 'ldt_base', 'lstar'].map((name) => reg(name, 64, 'int64', SYSTEM, 'system')),
    ...['gdt_limit', 'idt_limit', 'tr', 'ldtr'].map((name) => reg(name, 32, 'int32', SYSTEM, 'system')),
  ];
  const index = (name: string): number => registers.findIndex((register) => register.name === name);
  return {
    name: 'i386:x86-64',
    triple: 'x86_64-unknown-linux-gnu',
    littleEndian: true,
    pointerBytes: 8,
    registers,
    types: { [CORE]: EFLAGS_TYPE, [SSE]: VECTOR_TYPES, [SYSTEM]: SYSTEM_TYPES },
    expedited: [index('rip'), index('rsp'), index('rbp')],
  };
}

const GENERAL32 = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];

/** A 32-bit x86 processor, for debuggers of 32-bit and 16-bit code that want nothing of the other half. */
export function i386(): Architecture {
  const registers: RegisterDescription[] = [
    ...GENERAL32.map((name, n): RegisterDescription => ({
      ...reg(name, 32, name === 'esp' || name === 'ebp' ? 'data_ptr' : 'int32', CORE),
      dwarf: n,
      ...(name === 'esp' ? { generic: 'sp' } : name === 'ebp' ? { generic: 'fp' } : {}),
    })),
    { ...reg('eip', 32, 'code_ptr', CORE), generic: 'pc', dwarf: 8 },
    { ...reg('eflags', 32, 'i386_eflags', CORE), generic: 'flags' },
    ...['cs', 'ss', 'ds', 'es', 'fs', 'gs'].map((name) => reg(name, 32, 'int32', CORE)),
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => reg(`st${n}`, 80, 'i387_ext', CORE)),
    ...['fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'].map((name) => reg(name, 32, 'int', CORE, 'float')),
    ...GENERAL32.map((_, n) => reg(`xmm${n}`, 128, 'vec128', SSE)),
    reg('mxcsr', 32, 'i386_mxcsr', SSE, 'vector'),
  ];
  return {
    name: 'i386',
    triple: 'i386-unknown-linux-gnu',
    littleEndian: true,
    pointerBytes: 4,
    registers,
    types: { [CORE]: EFLAGS_TYPE, [SSE]: VECTOR_TYPES },
    expedited: [8, 4, 5],
  };
}
