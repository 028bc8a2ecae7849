/**
 * What the embedder did wrong with a chip of this package. A guest can't cause one.
 * - `pci-function`: a function's description contradicts itself or the standard (bar size, capability space, MSI count).
 * - `pci-slot`: the slot is taken, or there is no such slot.
 * - `pci-resources`: the bars don't fit into the windows.
 * - `acpi-config`: a table can't be made from this configuration.
 * - `aml`: a name, number or structure that AML can't express.
 * - `chip-options`: an option of a chip is out of its range, or a line is asked for that it lacks.
 * - `state`: a snapshot of a version or shape that this chip doesn't know.
 */
export type ChipsetErrorCode = 'pci-function' | 'pci-slot' | 'pci-resources' | 'acpi-config' | 'aml' | 'chip-options' | 'state';

export class ChipsetError extends Error {
  override readonly name = 'ChipsetError';

  constructor(
    readonly code: ChipsetErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
