import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { HostFailure } from '../host-network.js';
import { AddressText, DatagramRing, emptyRecord } from './datagram-ring.js';
import { BATCH, NodeUdp } from './node-udp.js';
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

/** Sends what there is; the rest comes in the next turn: a thread that was kept waiting has more than the socket of who reads it may hold. */
function send(most: number): void {
  toHost.answer();
  for (let count = 0; toHost.peek(record) && record.socket <= latest; count++) {
    if (count === most) {
      if (!sending) setImmediate(sendOn);
      sending = true;
      return;
    }
    sockets.get(record.socket)?.send(record.bytes, { address: text.of(record.address), port: record.port });
    toHost.release();
  }
}
let sending = false;
const sendOn = (): void => {
  sending = false;
  send(BATCH);
};

port.on('message', (command: UdpCommand) => {
  if (command.kind === 'open') open(command.id, command.family);
  // What was sent before it was closed was sent.
  send(command.kind === 'close' ? Infinity : BATCH);
  if (command.kind !== 'close') return;
  sockets.get(command.id)?.close();
  sockets.delete(command.id);
});
