import { oneByte } from './one-byte.js';
import { twoByte } from './two-byte.js';

/** The whole table. The order of lines numbers the forms, and decides nothing else. */
export const tableText: readonly string[] = [oneByte, twoByte];
