import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { HostFailure } from '../host-network.js';
import { AddressText, DatagramRing, emptyRecord } from './datagram-ring.js';
import { NodeUdp } from './node-udp.js';
import type { UdpCommand, UdpReport, UdpWorkerData } from './udp-thread.js';

// The other thread of `UdpThread`: the sockets.

const port = parentPort as MessagePort;
const { outward, inward } = workerData as UdpWorkerData;
const toHost = new DatagramRing(outward);
const toGuest = new DatagramRing(inward);
const sockets = new Map<number, NodeUdp>();
const record = emptyRecord();
const text = new AddressText();
/** The latest that was opened: records of a later one have to wait. */
let latest = 0;

const report = (message: UdpReport): void => port.postMessage(message);

/** What one turn of the event loop has received goes to the guest together: it handles many with one interrupt. */
let received = false;
const endTurn = (): void => {
  received = false;
  if (toGuest.call()) report({ kind: 'wake' });
};

function open(id: number, family: 4 | 6): void {
  let from = '';
  let address: Uint8Array = Buffer.alloc(0);
  latest = id;
  sockets.set(
    id,
    new NodeUdp(family, {
      message: (bytes, sender) => {
        // As a socket's queue that is full.
        if (toGuest.full) return;
        if (sender.address !== from) address = Buffer.from((from = sender.address), 'latin1');
        toGuest.put(id, sender.port, address, bytes);
        if (received) return;
        received = true;
        setImmediate(endTurn);
      },
      failed: (failure: HostFailure, to) => report({ kind: 'failed', id, failure, ...(to === undefined ? {} : { to }) }),
    }),
  );
}

function send(): void {
  toHost.answer();
  while (toHost.peek(record) && record.socket <= latest) {
    sockets.get(record.socket)?.send(record.bytes, { address: text.of(record.address), port: record.port });
    toHost.release();
  }
}

port.on('message', (command: UdpCommand) => {
  if (command.kind === 'open') open(command.id, command.family);
  send();
  if (command.kind !== 'close') return;
  sockets.get(command.id)?.close();
  sockets.delete(command.id);
});
