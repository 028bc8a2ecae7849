/**
 * Why `pckit boot` ended, and the exit status that says so. A debug exit gives every odd status (`(value << 1) | 1`, as QEMU's
 * isa-debug-exit), so ours are even.
 */
export type ExitReason =
  | { readonly kind: 'power-off' }
  | { readonly kind: 'exit-on'; readonly text: string }
  | { readonly kind: 'debug-exit'; readonly value: number }
  | { readonly kind: 'quit' }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'stuck' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'max-instructions' }
  | { readonly kind: 'host-failure'; readonly message: string }
  | { readonly kind: 'signal'; readonly number: number };

export const EXIT_OK = 0;
export const EXIT_USAGE = 2;
export const EXIT_SHUTDOWN = 4;
export const EXIT_TIMEOUT = 6;
export const EXIT_MAX_INSTRUCTIONS = 8;
export const EXIT_HOST_FAILURE = 10;
export const EXIT_RESET = 12;
export const EXIT_STUCK = 14;
/** A fault of ours: please report it. */
export const EXIT_INTERNAL = 70;

export function exitCode(reason: ExitReason): number {
  switch (reason.kind) {
    case 'power-off':
    case 'exit-on':
    case 'quit':
      return EXIT_OK;
    case 'debug-exit':
      // The host keeps eight bits of an exit status.
      return ((reason.value << 1) | 1) & 0xff;
    case 'shutdown':
      return EXIT_SHUTDOWN;
    case 'reset':
      return EXIT_RESET;
    case 'stuck':
      return EXIT_STUCK;
    case 'timeout':
      return EXIT_TIMEOUT;
    case 'max-instructions':
      return EXIT_MAX_INSTRUCTIONS;
    case 'host-failure':
      return EXIT_HOST_FAILURE;
    case 'signal':
      return 128 + reason.number;
  }
}

/** For `--help` and the README. */
export const exitCodeTable: readonly (readonly [string, string])[] = [
  ['0', 'the guest powered off, the --exit-on text came, or you quit with Ctrl-A x'],
  ['(value << 1) | 1', 'the guest wrote value to the debug exit port 0xf4 (always odd)'],
  [String(EXIT_USAGE), 'wrong option, or a file that is missing or not what it should be'],
  [String(EXIT_SHUTDOWN), 'the processor shut down (triple fault)'],
  [String(EXIT_TIMEOUT), '--timeout passed'],
  [String(EXIT_MAX_INSTRUCTIONS), '--max-instructions were executed'],
  [String(EXIT_HOST_FAILURE), 'the host failed: disk full, output closed, no network, no default guest'],
  [String(EXIT_RESET), 'the guest reset the machine and --no-reboot was given'],
  [String(EXIT_STUCK), 'every processor halted with interrupts off: nothing can wake the machine'],
  [String(EXIT_INTERNAL), 'a fault in pckit'],
  ['128 + n', 'signal n ended it'],
];
