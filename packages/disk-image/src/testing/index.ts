export { FaultyBackend } from './faulty-backend.js';
export { SlowBackend } from './slow-backend.js';
export type { BlockOperation } from './slow-backend.js';
