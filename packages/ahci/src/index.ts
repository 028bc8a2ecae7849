export { Ahci, MAX_PORTS } from './ahci.js';
export type { AhciOptions, AhciState, AhciWires } from './ahci.js';
export type { AhciPortState, FlightState } from './ahci-port.js';
