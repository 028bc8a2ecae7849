import type { Timer } from '@pckit/interfaces';

/** A timer's deadline as it stands in a saved state; null while disarmed. */
export function saveTimer(timer: Timer): number | null {
  return timer.deadline === Infinity ? null : timer.deadline;
}

export function restoreTimer(timer: Timer, deadline: number | null): void {
  if (deadline === null) timer.cancel();
  else timer.arm(deadline);
}
