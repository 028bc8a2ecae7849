/**
 * What firmware leaves in the CMOS RAM about the machine: the AT's equipment and memory size bytes, and those that Bochs and QEMU added for larger
 * memories, which some kernels without e820 read.
 */
const EQUIPMENT = 0x14;
const BASE_MEMORY_KIB = 0x15;
const EXTENDED_MEMORY_KIB = 0x17;
/** The same again. */
const EXTENDED_MEMORY_KIB_2 = 0x30;
const MEMORY_ABOVE_16M_64KIB = 0x34;
const MEMORY_ABOVE_4G_64KIB = 0x5b;
const LAST_PROCESSOR = 0x5f;

const EQUIPMENT_FPU = 0x02;
const EQUIPMENT_MOUSE = 0x04;

const MIB = 1 << 20;

export function cmosContents(
  memory: { lowBytes: number; highBytes: number },
  processors: number,
): Record<number, number> {
  const cmos: Record<number, number> = {
    [EQUIPMENT]: EQUIPMENT_FPU | EQUIPMENT_MOUSE,
    [LAST_PROCESSOR]: Math.min(255, processors - 1),
  };
  const word = (register: number, value: number, bytes = 2): void => {
    const clipped = Math.min(value, 2 ** (8 * bytes) - 1);
    for (let i = 0; i < bytes; i++) cmos[register + i] = Math.floor(clipped / 2 ** (8 * i)) & 0xff;
  };
  word(BASE_MEMORY_KIB, 640);
  const extended = Math.floor(Math.max(0, memory.lowBytes - MIB) / 1024);
  word(EXTENDED_MEMORY_KIB, extended);
  word(EXTENDED_MEMORY_KIB_2, extended);
  word(MEMORY_ABOVE_16M_64KIB, Math.floor(Math.max(0, memory.lowBytes - 16 * MIB) / 65536));
  word(MEMORY_ABOVE_4G_64KIB, Math.floor(memory.highBytes / 65536), 3);
  return cmos;
}
