// Gives an emulator's network card a network: whatever has a way to send and to receive Ethernet frames will do.
import { createNetwork, describeFrame } from '@pckit/slirp-net';
import { NodeHost, RealClock } from '@pckit/slirp-net/node';

/** An emulator's card, as many have it: an event for what the guest sends, a method for what it gets. */
class EmulatedCard {
  onTransmit: (frame: Uint8Array) => void = () => {};
  receive(frame: Uint8Array): boolean {
    console.log(`guest gets:  ${describeFrame(frame)}`);
    return true; // false: no room. The frame is offered again after port.onReady().
  }
}

const network = createNetwork({ host: new NodeHost(), clock: new RealClock(), hostname: 'guest' });
const port = network.attach();
const card = new EmulatedCard();
port.attach((frame) => card.receive(frame));
card.onTransmit = (frame) => port.send(frame);

// ssh -p 10021 root@127.0.0.1 reaches the guest's port 22 (port 0: the host chooses).
const forward = await network.forward({ host: { address: '127.0.0.1', port: 0 }, guest: { port: 22 } });
// A service of ours, for guests: nc 10.0.2.100 7
network.serve({ address: '10.0.2.100', port: 7 }, (stream) => stream.write(new TextEncoder().encode('hello\n')));

// What any guest does first: it asks who has the gateway's address.
const hex = 'ffffffffffff525400123456080600010800060400015254001234560a00020f0000000000000a000202';
const request = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
console.log(`guest sends: ${describeFrame(request)}`);
card.onTransmit(request);

forward.close();
network.close();
