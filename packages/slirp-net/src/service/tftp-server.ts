import type { NetworkTimer, NetworkTimers } from '../timers.js';
import { readU16, writeU16 } from '../wire/bytes.js';
import { buildTftpError, buildTftpOptions, parseTftpRequest, TFTP_ACCESS, TFTP_ACK, TFTP_DATA, TFTP_ERROR, TFTP_ILLEGAL, TFTP_NOT_FOUND, TFTP_RRQ, TFTP_WRQ } from '../wire/tftp.js';
import type { TftpFile, TftpFolder } from './tftp.js';

export const TFTP_PORT = 69;
const MAX_SESSIONS = 32;
const DEFAULT_BLOCK = 512;
const MIN_BLOCK = 8;
const MAX_RETRIES = 5;
const RETRY_MS = 1000;

interface Session {
  readonly key: string;
  readonly reply: (data: Uint8Array) => void;
  readonly timer: NetworkTimer;
  file: TftpFile | undefined;
  blockSize: number;
  /** The block that was sent and is not acknowledged; 0: the options. */
  block: number;
  packet: Uint8Array;
  retries: number;
  last: boolean;
  busy: boolean;
}

/** TFTP, reading only. Datagrams in and out; a session per client's address and port. */
export class TftpServer {
  private readonly sessions = new Map<string, Session>();

  constructor(
    private readonly timers: NetworkTimers,
    private readonly folder: TftpFolder,
    /** The largest block that needs no fragments. */
    private readonly maxBlock: number,
  ) {}

  /** `client` names the client's address and port. The data is borrowed. */
  datagram(data: Uint8Array, client: string, reply: (data: Uint8Array) => void): void {
    if (data.length < 4) return;
    const session = this.sessions.get(client);
    switch (readU16(data, 0)) {
      case TFTP_RRQ: {
        const request = parseTftpRequest(data);
        if (request === undefined || (request.mode !== 'octet' && request.mode !== 'netascii')) reply(buildTftpError(TFTP_ILLEGAL, 'bad request'));
        else if (request.mode === 'netascii') reply(buildTftpError(TFTP_ILLEGAL, 'only octet mode'));
        else this.open(client, request.name, request.options, reply);
        return;
      }
      case TFTP_WRQ:
        reply(buildTftpError(TFTP_ACCESS, 'read only'));
        return;
      case TFTP_ACK:
        // A repeated ACK is not answered: the sorcerer's apprentice (RFC 1123 4.2.3.1).
        if (session !== undefined && !session.busy && readU16(data, 2) === (session.block & 0xffff)) this.acknowledged(session);
        return;
      case TFTP_ERROR:
        if (session !== undefined) this.close(session);
    }
  }

  close(session?: Session): void {
    for (const one of session === undefined ? [...this.sessions.values()] : [session]) {
      this.sessions.delete(one.key);
      one.timer.dispose();
      one.file?.close();
      one.file = undefined;
    }
  }

  private open(key: string, name: string, options: ReadonlyMap<string, string>, reply: (data: Uint8Array) => void): void {
    const before = this.sessions.get(key);
    if (before !== undefined) this.close(before);
    if (this.sessions.size >= MAX_SESSIONS) this.close(this.sessions.values().next().value);
    const session: Session = {
      key,
      reply,
      timer: this.timers.create(() => this.again(session)),
      file: undefined,
      blockSize: DEFAULT_BLOCK,
      block: 0,
      packet: new Uint8Array(0),
      retries: 0,
      last: false,
      busy: true,
    };
    this.sessions.set(key, session);
    this.folder.open(name).then(
      (file) => {
        if (this.sessions.get(key) !== session) file?.close();
        else if (file === undefined) this.fail(session, TFTP_NOT_FOUND, 'no such file');
        else this.begin(session, file, options);
      },
      () => this.fail(session, TFTP_NOT_FOUND, 'no such file'),
    );
  }

  private begin(session: Session, file: TftpFile, options: ReadonlyMap<string, string>): void {
    session.file = file;
    const accepted = new Map<string, string>();
    const size = Number(options.get('blksize'));
    // RFC 2348: 8 to 65464; less than was asked for may be offered.
    if (Number.isInteger(size) && size >= MIN_BLOCK) {
      session.blockSize = Math.min(size, this.maxBlock);
      accepted.set('blksize', String(session.blockSize));
    }
    if (options.has('tsize')) accepted.set('tsize', String(file.size));
    if (accepted.size === 0) this.next(session);
    else this.send(session, buildTftpOptions(accepted));
  }

  private acknowledged(session: Session): void {
    if (session.last) this.close(session);
    else this.next(session);
  }

  private next(session: Session): void {
    const { file, blockSize } = session;
    if (file === undefined) return;
    session.busy = true;
    file.read(session.block * blockSize, blockSize).then(
      (data) => {
        if (this.sessions.get(session.key) !== session) return;
        session.block++;
        session.last = data.length < blockSize;
        const packet = new Uint8Array(4 + data.length);
        packet[1] = TFTP_DATA;
        writeU16(packet, 2, session.block & 0xffff);
        packet.set(data, 4);
        this.send(session, packet);
      },
      () => this.fail(session, 0, 'read error'),
    );
  }

  private send(session: Session, packet: Uint8Array): void {
    session.busy = false;
    session.packet = packet;
    session.retries = 0;
    session.reply(packet);
    session.timer.arm(this.timers.nowMs() + RETRY_MS);
  }

  private again(session: Session): void {
    if (++session.retries > MAX_RETRIES) {
      this.close(session);
      return;
    }
    session.reply(session.packet);
    session.timer.arm(this.timers.nowMs() + RETRY_MS);
  }

  private fail(session: Session, code: number, message: string): void {
    if (this.sessions.get(session.key) !== session) return;
    session.reply(buildTftpError(code, message));
    this.close(session);
  }
}
