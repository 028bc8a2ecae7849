export { AhciDriver } from './ahci-driver.js';
export type { AhciCommand } from './ahci-driver.js';
