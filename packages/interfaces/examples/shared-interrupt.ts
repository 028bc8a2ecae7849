import { WiredOr, type AccessSize, type IoRegion, type IrqLine } from '@pckit/interfaces';

// A device of your own: one register; writing it raises the interrupt, reading it acknowledges.
function doorbell(name: string, irq: IrqLine): IoRegion {
  let rung = 0;
  const read = (): number => {
    irq.set(false);
    return rung;
  };
  const write = (_offset: number, value: number, _size: AccessSize): void => {
    rung = value;
    irq.set(true);
  };
  return { name, length: 4, accepts: [4], handler: { read, write } };
}

// Two of them on one line, as PCI's INTx is shared: high while either is.
let level = false;
const shared = new WiredOr({ set: (to) => (level = to) });
const [front, back] = [doorbell('front', shared.input()), doorbell('back', shared.input())];
front.handler.write(0, 7, 4);
back.handler.write(0, 8, 4);
console.log(`front says ${front.handler.read(0, 4)}, INTA# is ${level ? 'asserted' : 'released'}`);
console.log(`back says ${back.handler.read(0, 4)}, INTA# is ${level ? 'asserted' : 'released'}`);
