import type { AccessSize, IoRegion, Mapping, ProcessorBus } from '@pckit/interfaces';
import { AddressSpaceMap } from '../address-space.js';

/** What the bus asks a local APIC; `LocalApic` of @pckit/pc-chipset has it. */
export interface ApicPage {
  readonly regions: { readonly registers: IoRegion };
  readonly base: number;
  /** Enabled and not in x2APIC mode. */
  readonly mapped: boolean;
}

const APIC_PAGE = 0x1000;

/**
 * The bus of one processor: its own local APIC's page where IA32_APIC_BASE puts it, over whatever the memory space has there, and the machine's
 * memory and ports for the rest. An access that crosses the page's border belongs to the memory space: the registers take aligned dwords.
 */
export class PcProcessorBus implements ProcessorBus {
  /** Only the page, at 0: it gives the registers the accesses that they accept. */
  readonly #page = new AddressSpaceMap('local APIC', APIC_PAGE);
  readonly #mapping: Mapping;

  constructor(
    private readonly memory: AddressSpaceMap,
    private readonly ports: AddressSpaceMap,
    private readonly apic: ApicPage,
  ) {
    this.#mapping = this.#page.map(0, apic.regions.registers);
  }

  /** The page as it is mapped, for whoever lists the address space. */
  get apicRegion(): IoRegion {
    return this.#mapping.region;
  }

  readMemory(address: number, size: AccessSize): number {
    const offset = address - this.apic.base;
    if (offset >= 0 && offset <= APIC_PAGE - size && this.apic.mapped) return this.#page.read(offset, size);
    return this.memory.read(address, size);
  }

  writeMemory(address: number, value: number, size: AccessSize): void {
    const offset = address - this.apic.base;
    if (offset >= 0 && offset <= APIC_PAGE - size && this.apic.mapped) this.#page.write(offset, value, size);
    else this.memory.write(address, value, size);
  }

  readMemory64(address: number): bigint {
    const offset = address - this.apic.base;
    if (offset >= 0 && offset <= APIC_PAGE - 8 && this.apic.mapped) return this.#page.read64(offset);
    return this.memory.read64(address);
  }

  writeMemory64(address: number, value: bigint): void {
    const offset = address - this.apic.base;
    if (offset >= 0 && offset <= APIC_PAGE - 8 && this.apic.mapped) this.#page.write64(offset, value);
    else this.memory.write64(address, value);
  }

  readPort(port: number, size: AccessSize): number {
    return this.ports.read(port, size);
  }

  writePort(port: number, value: number, size: AccessSize): void {
    this.ports.write(port, value, size);
  }
}
