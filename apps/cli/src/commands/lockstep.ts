import { openDisk } from '@pckit/disk-image/node';
import { createPc, lockstep, stateDifferences, x86Processor, type Difference, type LockstepResult, type LockstepSide, type ProcessorFactory, type X86ProcessorOptions } from '@pckit/machine';
import { namesOf, nextInstruction, type Names } from '../code-listing.js';
import { about } from '../explain.js';
import type { GuestStore } from '../guest-store.js';
import { readInput } from '../input-file.js';
import type { SideOption } from '../parse/side-option.js';
import { unpackKernel } from '../unpack-payload.js';
import type { LockstepRequest } from './lockstep-options.js';

export interface LockstepHost {
  readonly guests: GuestStore;
  /** Results: standard output. */
  readonly print: (text: string) => void;
  readonly say: (message: string) => void;
  /** For tests: processors that get something wrong. */
  readonly processor?: (side: SideOption) => ProcessorFactory;
}

/** Status of a run that found a difference. */
const EXIT_DIFFERENT = 1;
/** Instructions shown before the first difference. */
const BEFORE = 24;

const GENERAL = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];

/** @returns the exit status */
export async function runLockstep(request: LockstepRequest, host: LockstepHost): Promise<number> {
  const { say, print } = host;
  const images = await loadImages(request, host);
  const commandLine = request.commandLine ?? `console=ttyS0${request.kernel === undefined ? ' pckit.exec=true' : ''}`;
  const { kernel } = images;
  const unpacked = await about('the kernel', () => unpackKernel({ ...request, kernel, commandLine, say }));

  // What is the same in every machine, whenever it is made.
  let slide: number | undefined;
  const side = (option: SideOption, console: boolean): LockstepSide => ({
    name: option.name,
    make: async () => {
      const disks = await Promise.all(request.disks.map((path) => about(`--disk ${path}`, () => openDisk(path, { readOnly: false, overlay: true }))));
      const pc = createPc({
        memoryBytes: request.memoryBytes,
        cpus: request.cpus,
        processor: host.processor?.(option) ?? x86Processor(processorOptions(option, request.cpuModel)),
        boot: { ...images, commandLine, ...(unpacked === undefined ? {} : { unpacked }) },
        serial: [console ? consolePort(print) : null],
        disks: disks.map((backend) => ({ backend })),
        time: { kind: 'deterministic', seed: request.seed },
      });
      slide = pc.plan?.slide;
      return pc.machine;
    },
  });

  const began = performance.now();
  const result = await lockstep({
    left: side(request.left, request.console),
    right: side(request.right, false),
    interval: request.interval,
    snapshotEvery: request.snapshotEvery,
    ...(request.until === undefined ? {} : { until: request.until }),
    onEqual: (instructions, hash) => say(`${millions(instructions)} M instructions: ${hash}, ${((performance.now() - began) / 1000).toFixed(0)} s`),
    onSearch: (equal, different, from) => say(`equal at ${equal}, different at ${different} (from ${from})`),
  });
  if (result.kind === 'equal') {
    print(`${request.left.name} and ${request.right.name} are equal after ${result.instructions} instructions (${result.stop}): ${result.hash}\n`);
    return 0;
  }
  await show(result, request, await namesOf(kernel, slide, say), print);
  return EXIT_DIFFERENT;
}

async function loadImages(request: LockstepRequest, { guests, say }: LockstepHost): Promise<{ readonly kernel: Uint8Array; readonly initrd?: Uint8Array }> {
  const initrd = request.initrd === undefined ? {} : { initrd: readInput(request.initrd, 'initrd') };
  if (request.kernel !== undefined) return { kernel: readInput(request.kernel, 'kernel'), ...initrd };
  const guest = await guests.bootable(request.guest, { say });
  return { kernel: guest.kernel, initrd: guest.initrd, ...initrd };
}

function processorOptions({ regions }: SideOption, model: string | undefined): X86ProcessorOptions {
  const options: X86ProcessorOptions & { readonly regions?: SideOption['regions'] } = { ...(model === undefined ? {} : { model }), regions };
  return options;
}

function consolePort(print: (text: string) => void): { write(byte: number): void; attach(): void } {
  return { write: (byte) => print(String.fromCharCode(byte)), attach: () => undefined };
}

type Different = Extract<LockstepResult, { kind: 'different' }>;

async function show(result: Different, request: LockstepRequest, names: Names | undefined, print: (text: string) => void): Promise<void> {
  const { equalAt, differentAt, repeats, left, right } = result;
  const [one, two] = [request.left.name, request.right.name];
  print(`${one} and ${two} are equal after ${equalAt} instructions and differ after ${differentAt}.\n`);
  if (repeats === 'power-on') print('(From a snapshot they do not: it takes what had been compiled before.)\n');
  if (repeats === 'never') print('(A second run did not show the difference again: it isn\'t narrowed down.)\n');
  const differences = stateDifferences(left, right);
  const next = left.vcpus.map((_, vcpu) => [nextInstruction(left, vcpu, names), nextInstruction(right, vcpu, names)]);
  if (repeats !== 'never') {
    print(`\nWhat ${one} executed up to there:\n`);
    for (const line of await trace(result, names)) print(`  ${line}\n`);
  }
  print('\nNext instruction:\n');
  next.forEach(([a, b], vcpu) => print(`  cpu${vcpu}  ${one}: ${a}\n        ${two}: ${b}\n`));
  print(`\nWhat differs (${one}, ${two}):\n`);
  for (const { path, left: a, right: b } of differences) print(`  ${readable({ path, left: a, right: b }).padEnd(32)} ${a.padStart(20)} ${b.padStart(20)}\n`);
  if (differences.length === 0) print('  nothing but how the run ended\n');
}

/** The last instructions before the difference, one at a time on the left machine. */
async function trace({ leftAt, equalAt, differentAt, snapshotAt }: Different, names: Names | undefined): Promise<string[]> {
  const machine = await leftAt(Math.max(snapshotAt, equalAt - BEFORE));
  const lines: string[] = [];
  while (machine.instructions < differentAt && lines.length < 2 * BEFORE) {
    const listed = machine.vcpus.map((_, vcpu) => nextInstruction(machine, vcpu, names));
    const before = machine.vcpus.map(({ instructions }) => instructions);
    const at = machine.instructions;
    const { reason } = await machine.run({ untilInstructions: at + 1 });
    const vcpu = machine.vcpus.findIndex(({ instructions }, index) => instructions !== before[index]);
    lines.push(`${at + 1}${machine.vcpus.length > 1 ? ` cpu${vcpu}` : ''}  ${vcpu < 0 ? '(none)' : (listed[vcpu] as string)}`);
    if (reason !== 'instructions') break;
  }
  return lines;
}

/** `processors.0.general.3` as `cpu0 rbx`. */
function readable({ path }: Difference): string {
  const general = /^processors\.(\d+)\.general\.(\d+)$/.exec(path);
  if (general !== null) return `cpu${general[1]} ${GENERAL[Number(general[2])] ?? path}`;
  return path.replace(/^processors\.(\d+)\./, 'cpu$1 ').replace(/^devices\./, '');
}

function millions(instructions: number): string {
  return (instructions / 1e6).toFixed(0);
}
