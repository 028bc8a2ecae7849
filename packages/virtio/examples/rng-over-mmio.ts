import { FakeGuestMemory, IrqRecorder, SeededRandom } from '@pckit/device-testing';
import { VirtioMmio, VirtioRng } from '@pckit/virtio';
import { MmioPort, VirtioDriver } from '@pckit/virtio/testing';

// A board: RAM, an interrupt line, and an entropy device behind virtio-mmio.
const memory = new FakeGuestMemory();
const irqs = new IrqRecorder();
const virtio = new VirtioMmio({ memory, irq: irqs.line('irq12'), device: new VirtioRng({ entropy: new SeededRandom(1) }) });

// A guest: the driver for tests brings the device up and asks for eight bytes.
const driver = new VirtioDriver(memory, new MmioPort(virtio.region)).start();
driver.queues[0]?.add([], [8]);
driver.queues[0]?.kick();

console.log(`interrupt: ${irqs.level('irq12')}, reason ${driver.port.takeInterrupts()}`);
console.log(`random bytes: ${driver.queues[0]?.collect()[0]?.data.join(' ')}`);
