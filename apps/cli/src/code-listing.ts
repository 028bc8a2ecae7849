import { DebugMemory, type Machine } from '@pckit/machine';
import { decode, format, Instruction, type Mode } from '@pckit/x86-decoder';
import { explain } from './explain.js';
import { readKernelSymbols } from './kernel-symbols.js';

/** Link addresses of a kernel to names. */
export interface Names {
  nearest(address: bigint): { readonly name: string; readonly offset: bigint } | undefined;
}

const LONGEST_INSTRUCTION = 15;

/** The instruction that a processor is about to execute, as text: `ffffffff81000000 <_stext+0x40>: mov %rax,%rbx`. */
export function nextInstruction(machine: Machine, vcpu: number, names?: Names): string {
  const debug = machine.processorDebug;
  const rip = debug?.readRegister(vcpu, 'rip');
  if (debug === undefined || rip === undefined) return '?';
  const mode = debug.codeBits(vcpu) as Mode;
  // In 64-bit mode a code segment's base means nothing.
  const linear = mode === 64 ? rip : BigInt.asUintN(64, rip + codeBase(machine, vcpu));
  const bytes = new DebugMemory(machine.ram, debug).read(vcpu, linear, LONGEST_INSTRUCTION);
  const instruction = new Instruction();
  const length = decode(bytes, 0, bytes.length, mode, instruction);
  const symbol = (address: bigint): string | undefined => {
    const found = names?.nearest(address);
    return found === undefined ? undefined : `${found.name}+0x${found.offset.toString(16)}`;
  };
  const where = symbol(rip);
  const text = length > 0 ? format(instruction, rip, { symbol }) : bytes.length === 0 ? '(not mapped)' : '(no instruction)';
  const hex = [...bytes.subarray(0, length)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `${rip.toString(16).padStart(16, '0')}${where === undefined ? '' : ` <${where}>`}: ${text}${hex === '' ? '' : `   # ${hex}`}`;
}

function codeBase(machine: Machine, vcpu: number): bigint {
  const { segments } = machine.vcpus[vcpu]?.save() as { readonly segments?: { readonly cs: { readonly base: bigint | number } } };
  return BigInt(segments?.cs.base ?? 0);
}

/** Names at the addresses of the running kernel. */
export async function namesOf(kernel: Uint8Array, slide: number | undefined, say: (message: string) => void): Promise<Names | undefined> {
  try {
    const symbols = await readKernelSymbols(kernel);
    return { nearest: (address) => symbols.nearest(BigInt.asUintN(64, address - BigInt(slide ?? 0))) };
  } catch (error) {
    if (explain(error) === undefined) throw error;
    say('the kernel has no symbols that can be read: addresses have no names');
    return undefined;
  }
}
