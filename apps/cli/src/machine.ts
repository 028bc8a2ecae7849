import type { BlockBackend, CharPort, Plain } from '@pckit/interfaces';
import type { PcEnd, SessionPc } from './session.js';

export interface MachineOptions {
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly commandLine: string;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly cpuModel?: string;
  readonly disks: readonly BlockBackend[];
  /** COM1, COM2, ... */
  readonly serials: readonly CharPort[];
  /** COM4. */
  readonly windowSize?: CharPort;
  readonly deterministic: boolean;
  readonly seed: number;
  readonly interpreterOnly: boolean;
  readonly reboot: boolean;
}

/** A machine as the command drives it. */
export interface Machine extends SessionPc {
  /** Executed by all processors since power-on. */
  readonly instructions: number;
  stateHash(): string;
  snapshot(): Plain;
  restore(snapshot: Plain): void;
  statistics(): {
    readonly tiers: Readonly<Record<string, number>>;
    readonly hostExits: Readonly<Record<string, number>>;
    readonly regions: Readonly<Record<string, number>>;
    readonly virtualNanoseconds: number;
  };
  pressPowerButton(): void;
  /** @param serial 0 is COM1 */
  sendBreak(serial: number): void;
  close(): void | Promise<void>;
}

export function createMachine(_options: MachineOptions): Promise<Machine> {
  const end: PcEnd = { kind: 'host-failure', message: 'no machine yet' };
  return Promise.reject(new Error(end.message));
}
