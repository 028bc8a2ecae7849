export { E1000 } from './e1000.js';
export type { E1000Options, E1000State, E1000Wires } from './e1000.js';
export { E1000Error } from './e1000-error.js';
export type { E1000ErrorCode } from './e1000-error.js';
