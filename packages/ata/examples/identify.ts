import { ata, AtaDisk } from '@pckit/ata';

// Any disk will do: here, one of 64 MiB that holds zeros.
const backend = { size: 64 << 20, readOnly: true, read: (_: number, into: Uint8Array) => void into.fill(0), write: () => undefined, flush: () => undefined };
const disk = new AtaDisk(backend, { model: 'Example disk' });
const registers = { features: 0, count: 0, lba: 0, device: ata.DEVICE_LBA };

// A controller hands over what the guest wrote to the registers, and carries the plan out.
const identify = disk.plan({ ...registers, command: ata.CMD_IDENTIFY_DEVICE });
if (identify.step === 'bytes') {
  const words = new DataView(identify.data.buffer);
  const model = Array.from({ length: 20 }, (_, i) => String.fromCharCode(words.getUint8(54 + 2 * i + 1), words.getUint8(54 + 2 * i))).join('');
  console.log(`${model.trim()}: ${words.getBigUint64(200, true)} sectors`);
}
console.log(JSON.stringify(disk.plan({ ...registers, command: ata.CMD_READ_DMA, lba: 8, count: 2 })));
