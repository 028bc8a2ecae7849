/** Why a machine resets. */
export type ResetCause =
  | 'power-on'
  | 'host'
  | 'port-cf9'
  | 'keyboard-controller'
  | 'port-92'
  | 'triple-fault'
  | (string & {});

/** What happens on a machine that whoever watches it may want to know. Watching changes nothing. */
export type MachineEvent =
  | { readonly kind: 'reset'; readonly cause: ResetCause; readonly instructions: number }
  | { readonly kind: 'power-off'; readonly instructions: number }
  | { readonly kind: 'triple-fault'; readonly vcpu: number; readonly instructions: number }
  | { readonly kind: 'debug-exit'; readonly value: number; readonly instructions: number }
  | { readonly kind: 'post-code'; readonly code: number }
  /** A guest driver broke its device's protocol. */
  | { readonly kind: 'driver-error'; readonly device: string; readonly code: string; readonly detail: string };

/** Why `run` returned. `instructions` executed by all processors since power-on. */
export type MachineStop = { readonly instructions: number } & (
  | { readonly reason: 'stopped' }
  /** `untilInstructions` is reached, exactly. */
  | { readonly reason: 'instructions' }
  /** `until` said so. */
  | { readonly reason: 'until' }
  | { readonly reason: 'power-off' }
  | { readonly reason: 'debug-exit'; readonly value: number }
  /** The machine has been reset and `onReset` is 'stop'; it stands at its first instruction. */
  | { readonly reason: 'reset'; readonly cause: ResetCause }
  | { readonly reason: 'breakpoint' | 'watchpoint'; readonly vcpu: number }
  /** Every processor is halted with interrupts off, and no I/O APIC entry or LINT0 is set to NMI: nothing on the board can wake it (an MSI that a guest made an NMI is not looked for). */
  | { readonly reason: 'stuck' }
  /** Every processor is halted, no timer is armed and no host work is under way; only with `stopWhenIdle`. */
  | { readonly reason: 'idle' }
);
