import { ChipsetError } from './chipset-error.js';

/** Refuses a state of another version than the chip writes. */
export function expectVersion(chip: string, state: { readonly version: number }, version: number): void {
  if (state.version !== version) {
    throw new ChipsetError('state', `${chip}: state has version ${state.version}, this package reads version ${version}`);
  }
}
