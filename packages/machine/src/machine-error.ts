/**
 * - `address-space`: a region overlaps another, or does not fit.
 * - `configuration`: parts that can't be one machine.
 * - `state`: called at a time when it can't be done (while running, before power-on).
 * - `snapshot`: a snapshot of another machine, of an unknown version, or damaged.
 */
export type MachineErrorCode = 'address-space' | 'configuration' | 'state' | 'snapshot';

/** The embedder asked for what can't be. Nothing that a guest does throws this. */
export class MachineError extends Error {
  override readonly name = 'MachineError';

  constructor(readonly code: MachineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
