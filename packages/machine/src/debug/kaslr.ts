import type { DebugMemory } from './debug-memory.js';
import type { KernelImage } from './kernel-image.js';
import type { PageLookup, ProcessorDebugPort } from './processor-debug-port.js';

/** Linux, Documentation/x86/x86_64/mm.rst: where the kernel's text may lie, in steps of CONFIG_PHYSICAL_ALIGN. */
const TEXT_START = 0xffffffff80000000n;
const TEXT_END = 0xffffffffc0000000n;
const ALIGN = 0x200000n;
/** `__START_KERNEL` of a kernel that says nothing else. */
const DEFAULT_BASE = 0xffffffff81000000n;

export interface Anchor {
  readonly name: string;
  readonly slide: bigint;
}

export interface Known {
  readonly image: KernelImage | undefined;
  /** What the boot loader has chosen: what counts as long as the kernel shows no sign of itself. */
  readonly planned: number | undefined;
}

/**
 * How far the running kernel lies from where it was linked to, by each sign of it: LSTAR, the handler of page faults in the IDT, the first page that is
 * mapped where kernels are, the banner in its data. A sign that is not there yet (or is not Linux's) is left out.
 */
export function findAnchors(vcpu: number, debug: ProcessorDebugPort, memory: DebugMemory, { image, planned }: Known): readonly Anchor[] {
  const anchors: Anchor[] = [];
  const add = (name: string, at: bigint | undefined, linked: bigint | undefined): void => {
    if (at === undefined || linked === undefined) return;
    const slide = at - linked;
    if (at >= TEXT_START && at < TEXT_END && slide % ALIGN === 0n) anchors.push({ name, slide });
  };
  const symbol = (...names: readonly string[]): bigint | undefined => names.map((name) => image?.address(name)).find((address) => address !== undefined);

  const lstar = debug.readRegister(vcpu, 'lstar');
  if (lstar !== 0n) add('LSTAR', lstar, symbol('entry_SYSCALL_64'));
  const idt = debug.readRegister(vcpu, 'idt_base') ?? 0n;
  if (debug.codeBits(vcpu) === 64) add('IDT', idtHandler(memory.read(vcpu, idt + 14n * 16n, 16)), symbol('asm_exc_page_fault', 'page_fault'));
  add('page tables', firstMapped(vcpu, memory), image?.textBase ?? DEFAULT_BASE);
  // Of the slides that the others say, those at which the image's own banner stands.
  const banner = symbol('linux_banner');
  const text = banner === undefined ? undefined : image?.bytes(banner, 14);
  if (banner !== undefined && text !== undefined) {
    const slides = new Set(anchors.map(({ slide }) => slide));
    for (const slide of slides) {
      const there = memory.read(vcpu, banner + slide, text.length);
      if (there.length === text.length && there.every((byte, i) => byte === text[i])) anchors.push({ name: 'banner', slide });
    }
  }
  if (anchors.length === 0 && planned !== undefined) anchors.push({ name: 'boot plan', slide: BigInt(planned) });
  return anchors;
}

/** The slide that most anchors agree on. */
export function slideOf(anchors: readonly Anchor[]): bigint | undefined {
  const votes = new Map<bigint, number>();
  for (const { slide } of anchors) votes.set(slide, (votes.get(slide) ?? 0) + 1);
  return [...votes].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** SDM vol. 3, figure 6-8 "64-Bit IDT Gate Descriptors". */
function idtHandler(gate: Uint8Array): bigint | undefined {
  if (gate.length < 16) return undefined;
  const view = new DataView(gate.buffer, gate.byteOffset, 16);
  if ((view.getUint8(5) & 0x80) === 0) return undefined;
  return (BigInt(view.getUint32(8, true)) << 32n) | BigInt(((view.getUint16(6, true) << 16) | view.getUint16(0, true)) >>> 0);
}

function firstMapped(vcpu: number, memory: DebugMemory): bigint | undefined {
  for (let at = TEXT_START; at < TEXT_END; ) {
    const page: PageLookup = memory.translate(vcpu, at);
    if ('physical' in page) return at;
    at = (at & ~(page.unmappedBytes - 1n)) + page.unmappedBytes;
  }
  return undefined;
}
