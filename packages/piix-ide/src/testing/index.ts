export { IdeDriver } from './ide-driver.js';
export type { IdeAnswer, IdeCommand } from './ide-driver.js';
