export { KernelSymbols } from './kernel-symbols.js';
export { readKallsyms } from './kallsyms.js';
export type { KernelSymbol } from './kallsyms.js';
export { ElfImage } from './elf-image.js';
export type { Section, Segment } from './elf-image.js';
export { SymbolsError } from './symbols-error.js';
export type { SymbolsErrorCode } from './symbols-error.js';
