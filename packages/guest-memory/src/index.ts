export { GuestRam } from './guest-ram.js';
export type { GuestRamOptions } from './guest-ram.js';
export { layOutRam, PAGE_BYTES, WASM_MEMORY_LIMIT } from './layout.js';
export type { RamLayout, RamLayoutOptions } from './layout.js';
export { GuestMemoryError } from './guest-memory-error.js';
export type { GuestMemoryErrorCode } from './guest-memory-error.js';
export { PageScanner } from './page-scanner.js';
