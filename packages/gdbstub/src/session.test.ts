import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frame } from './framing.js';
import { latin1, textToHex } from './hex.js';
import { Conversation, FakeTarget } from './testing/fake-target.js';

const SUPPORTED = 'qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+';

function start(): Conversation {
  const talk = new Conversation(new FakeTarget());
  talk.ask('QStartNoAckMode');
  talk.sent = '';
  return talk;
}

describe('acknowledgements', () => {
  it('come until the debugger wants none', () => {
    const talk = new Conversation(new FakeTarget());
    talk.session.receive(frame('qC'));
    expect(talk.sent).toBe('+$QC1#c5');
    talk.sent = '';
    talk.session.receive(latin1('-'));
    expect(talk.sent).toBe('$QC1#c5');
    talk.sent = '';
    talk.session.receive(latin1('$qC#00'));
    expect(talk.sent).toBe('-');
    talk.ask('QStartNoAckMode');
    talk.session.receive(frame('qC'));
    expect(talk.sent).toBe('$QC1#c5');
  });
});

describe('registers', () => {
  it('read all, one, and one that is not there', () => {
    const talk = start();
    expect(talk.ask('g')).toBe(`${'01'.repeat(8)}${'01'.repeat(4)}xxxx`);
    expect(talk.ask('p1')).toBe('01010101');
    expect(talk.ask('p2')).toBe('xxxx');
    expect(talk.ask('p3')).toBe('E16');
    expect(talk.ask('pfffffffff')).toBe('E16');
  });
  it('write one or all, of the thread that was chosen', () => {
    const talk = start();
    expect(talk.ask('Hg2')).toBe('OK');
    expect(talk.ask('P1=78563412')).toBe('OK');
    expect(talk.ask('p1')).toBe('78563412');
    expect(talk.ask('Hg1')).toBe('OK');
    expect(talk.ask('p1')).toBe('01010101');
    expect(talk.ask(`G${'02'.repeat(8)}03030303`)).toBe('OK');
    expect(talk.ask('g')).toBe(`${'02'.repeat(8)}03030303xxxx`);
    expect(talk.ask('P1=00')).toBe('E16');
    expect(talk.ask('P0=00000000000000ff')).toBe('E01');
    expect(talk.ask('G0')).toBe('E16');
  });
  it('of a thread that a suffix names, for LLDB', () => {
    const talk = start();
    talk.ask('QThreadSuffixSupported');
    expect(talk.ask('p1;thread:2;')).toBe('02020202');
    expect(talk.ask('P1=05050505;thread:0002;')).toBe('OK');
    expect(talk.ask('p1;thread:2;')).toBe('05050505');
    expect(talk.ask('g;thread:7;')).toBe('E16');
  });
});

describe('memory', () => {
  it('reads and writes, in hexadecimal and binary', () => {
    const talk = start();
    expect(talk.ask('M1000,3:010203')).toBe('OK');
    expect(talk.ask('X1003,3:#$}')).toBe('OK');
    expect(talk.ask('m1000,6')).toBe('01020323247d');
    expect(talk.ask('x1000,6')).toBe('b\x01\x02\x03#$}');
  });
  it('gives what can be read, and an error when nothing can', () => {
    const talk = start();
    expect(talk.ask('m1ffe,10')).toBe('0000');
    expect(talk.ask('m2000,1')).toBe('E0e');
    expect(talk.ask('M1fff,2:0000')).toBe('E0e');
    expect(talk.ask('m1000,0')).toBe('');
    expect(talk.ask('m1000,ffffffff')?.length).toBeLessThanOrEqual(2048);
  });
  it.each(['m', 'm1000', 'mx,1', 'm1000,', 'M1000,2:00', 'M1000,2', 'X1000,1:', 'm1,2,3', 'm11111111111111111,1'])('refuses %s', (packet) => {
    expect(start().ask(packet)).toBe('E16');
  });
  it('searches and sums up', () => {
    const talk = start();
    talk.target.memory.set(latin1('123456789'), 0x800);
    expect(talk.ask('qSearch:memory:1000;1000;789')).toBe('1,1806');
    expect(talk.ask('qSearch:memory:1000;808;789')).toBe('0');
    expect(talk.ask('qSearch:memory:0;100;789')).toBe('E0e');
    expect(talk.ask('qSearch:memory:1000;1000;')).toBe('E16');
    // CRC-32/MPEG-2's check value.
    expect(talk.ask('qCRC:1800,9')).toBe('C376e6e7');
    expect(talk.ask('qCRC:0,9')).toBe('E0e');
  });
});

describe('resuming', () => {
  it('gives each thread the first action that fits it', () => {
    const talk = start();
    talk.ask(SUPPORTED);
    expect(talk.say('vCont;s:p1.2;c')).toEqual([]);
    expect(talk.target.plan).toEqual(new Map([[2, { kind: 'step' }], [1, { kind: 'continue' }]]));
    talk.target.stopped({ reason: 'step', thread: 2 });
    expect(talk.take()).toEqual(['T0500:0202020202020202;thread:p1.2;core:1;']);
    expect(talk.say('vCont;r1000,1010:p1.1')).toEqual([]);
    expect(talk.target.plan).toEqual(new Map([[1, { kind: 'range', start: 0x1000n, end: 0x1010n }]]));
  });
  it('says why it stopped', () => {
    const talk = start();
    talk.ask(SUPPORTED);
    const why = (stop: Parameters<FakeTarget['stopped']>[0]): string => {
      talk.say('vCont;c');
      talk.target.stopped(stop);
      return talk.take().join();
    };
    expect(why({ reason: 'breakpoint', thread: 1, kind: 'software' })).toContain('swbreak:;');
    expect(why({ reason: 'breakpoint', thread: 1, kind: 'hardware' })).toContain('hwbreak:;');
    expect(why({ reason: 'watchpoint', thread: 1, kind: 'write', address: 0xffffffff81000000n })).toContain('watch:ffffffff81000000;');
    expect(why({ reason: 'watchpoint', thread: 1, kind: 'access', address: 1n })).toContain('awatch:1;');
    expect(why({ reason: 'signal', thread: 1, signal: 11 })).toMatch(/^T0b/);
    expect(why({ reason: 'exited', code: 3 })).toBe('W03;process:1');
  });
  it('stops for Ctrl-C, and not when it stands', () => {
    const talk = start();
    talk.session.receive(latin1('\x03'));
    expect(talk.take()).toEqual([]);
    talk.say('c');
    expect(talk.ask('?')).toBe('E16');
    expect(talk.ask('vCont;c')).toBe('E16');
    talk.session.receive(latin1('\x03'));
    expect(talk.take()).toEqual(['T0200:0202020202020202;thread:2;core:1;']);
    expect(talk.ask('?')).toMatch(/^T02/);
  });
  it.each(['vCont', 'vCont;', 'vCont;x', 'vCont;c:p2.1', 'vCont;c:9', 'vCont;Cxx', 'vCont;r1', 'vCont;r1,2,3', 'c1000'])('refuses %s', (packet) => {
    const talk = start();
    expect(talk.ask(packet)).toBe('E16');
    expect(talk.target.plan).toBeUndefined();
  });
  it('a second stop of the same resume is none', () => {
    const talk = start();
    talk.say('c');
    talk.target.stopped({ reason: 'step', thread: 1 });
    talk.target.stopped({ reason: 'step', thread: 1 });
    expect(talk.take()).toHaveLength(1);
  });
});

describe('non-stop', () => {
  it('tells of one stop at a time, and of the next when that is read', () => {
    const talk = start();
    expect(talk.ask('QNonStop:1')).toBe('OK');
    expect(talk.ask('vCont;c')).toBe('OK');
    talk.target.stopped({ reason: 'breakpoint', thread: 1, kind: 'software' });
    talk.target.stopped({ reason: 'interrupt', thread: 2 });
    expect(talk.sent).toMatch(/^%Stop:T0500:0101010101010101;thread:1;core:0;#..$/);
    talk.sent = '';
    expect(talk.ask('vStopped')).toBe('T0000:0202020202020202;thread:2;core:1;');
    expect(talk.ask('vStopped')).toBe('OK');
    expect(talk.ask('vCont;c:1')).toBe('OK');
    expect(talk.ask('vCont;t:1;t:2')).toBe('OK');
    expect(talk.target.log).toEqual(['interrupt 1']);
    expect(talk.ask('?')).toMatch(/thread:2/);
  });
});

describe('breakpoints', () => {
  it('are set and removed, once each', () => {
    const talk = start();
    expect(talk.ask('Z0,1000,1')).toBe('OK');
    expect(talk.ask('Z0,1000,1')).toBe('OK');
    expect([...talk.target.inserted].map(({ address, kind }) => [address, kind])).toEqual([[0x1000n, 'software']]);
    expect(talk.ask('Z1,1000,1')).toBe('OK');
    expect(talk.ask('Z1,1001,1')).toBe('OK');
    expect(talk.ask('Z1,1002,1')).toBe('E01');
    expect(talk.ask('z0,1000,1')).toBe('OK');
    expect(talk.ask('z0,1000,1')).toBe('OK');
    expect(talk.ask('Z2,ffffffff81000000,8')).toBe('OK');
    expect([...talk.target.watched]).toMatchObject([{ address: 0xffffffff81000000n, length: 8, kind: 'write' }]);
    talk.session.disconnect();
    expect(talk.target.inserted.size + talk.target.watched.size).toBe(0);
    expect(talk.target.log).toEqual(['detach']);
  });
  it('ask their conditions, in the thread that is there', () => {
    const talk = start();
    // $a == 0x01010101: true of thread 1.
    expect(talk.ask('Z0,1000,1;Xb,26000124010101011327')).toBe('E16');
    expect(talk.ask('Z0,1000,1;Xa,26000124010101011327')).toBe('OK');
    const [breakpoint] = talk.target.inserted;
    expect([breakpoint.stops(1), breakpoint.stops(2)]).toEqual([true, false]);
  });
  it('one of several conditions is enough, and one that fails stops', () => {
    const talk = start();
    talk.ask('Z0,1000,1;X3,220027X3,220127');
    expect([...talk.target.inserted][0].stops(1)).toBe(true);
    talk.ask('Z0,1000,1;X3,220027X3,220027');
    expect([...talk.target.inserted][0].stops(1)).toBe(false);
    talk.ask('Z0,1000,1;X1,02');
    expect([...talk.target.inserted][0].stops(1)).toBe(true);
  });
  it('run commands instead of stopping', () => {
    const talk = start();
    // Channel, function, printf("a").
    expect(talk.ask('Z0,1000,1;cmds:0,Xb,2200220034000002610027')).toBe('OK');
    expect([...talk.target.inserted][0].stops(1)).toBe(false);
    expect(talk.take()).toEqual([`O${textToHex('a')}`]);
  });
  it.each(['Z0', 'Z0,', 'Z0,1000', 'Z0,zz,1', 'Z2,1000,0', 'Z2,1000,ffffffff', 'Z0,1000,1;X5,00', 'Z0,1000,1;Y', 'Z0,1000,1;cmds:0,X', 'z0,1000'])('refuses %s', (packet) => {
    expect(start().ask(packet)).toBe('E16');
  });
});

describe('queries', () => {
  it('offers what the target can do', () => {
    const reply = start().ask(SUPPORTED);
    expect(reply).toBe(
      'PacketSize=800;QStartNoAckMode+;vContSupported+;QThreadEvents+;no-resumed+;qXfer:features:read+;qXfer:threads:read+;binary-upload+;multiprocess+;' +
        'qXfer:memory-map:read+;qXfer:exec-file:read+;QNonStop+;swbreak+;hwbreak+;ConditionalBreakpoints+;BreakpointCommands+',
    );
  });
  it('lists threads in both ways', () => {
    const talk = start();
    talk.ask(SUPPORTED);
    expect(talk.ask('qfThreadInfo')).toBe('mp1.1,p1.2');
    expect(talk.ask('qsThreadInfo')).toBe('l');
    expect(talk.ask('qXfer:threads:read::0,400')).toBe(
      'l<?xml version="1.0"?>\n<threads>\n<thread id="p1.1" core="0" name="one"></thread>\n<thread id="p1.2" core="1" name="two &#60;&#38;&#62;">halted</thread>\n</threads>\n',
    );
    expect(talk.ask('qThreadExtraInfo,p1.2')).toBe(textToHex('two <&> halted'));
    expect(talk.ask('Tp1.2')).toBe('OK');
    expect(talk.ask('Tp1.3')).toBe('E03');
    expect(talk.ask('Hg3')).toBe('E03');
  });
  it('hands out objects piece by piece', () => {
    const talk = start();
    const whole = talk.ask('qXfer:features:read:target.xml:0,700') as string;
    let pieces = '';
    for (let at = 0; ; at += 7) {
      const part = talk.ask(`qXfer:features:read:target.xml:${at.toString(16)},7`) as string;
      pieces += part.slice(1);
      if (part[0] === 'l') break;
    }
    expect(`l${pieces}`).toBe(whole);
    expect(whole).toContain('<feature name="toy">\n<reg name="pc" bitsize="64" type="code_ptr" regnum="0"/>');
    expect(talk.ask('qXfer:features:read:other.xml:0,7')).toBe('E00');
    expect(talk.ask('qXfer:auxv:read::0,7')).toBe('');
    expect(talk.ask('qXfer:features:read:target.xml:0')).toBe('E16');
    expect(talk.ask('qXfer:features:read:target.xml:ffffffff,10')).toBe('l');
    expect(talk.ask('qXfer:memory-map:read::0,700')).toContain('<memory type="ram" start="0x1000" length="0x1000"/>');
    expect(talk.ask('qXfer:exec-file:read:1:0,10')).toBe('l/f');
  });
  it('says where relocated text is, once that is known', () => {
    const talk = start();
    expect(talk.ask('qOffsets')).toBe('');
    talk.target.relocated = { base: 0xffffffff9a000000n, slide: 0x19000000n };
    expect(talk.ask('qOffsets')).toBe('TextSeg=ffffffff9a000000');
    talk.ask('QThreadSuffixSupported');
    expect(talk.ask('qOffsets')).toBe('TextSeg=19000000');
  });
  it.each(['vMustReplyEmpty', 'qWhatever', 'vWhatever:1', 'y', 'jNothing', ''])('answers %j with nothing, as what it does not know', (packet) => {
    expect(start().ask(packet)).toBe('');
  });
});

describe('monitor', () => {
  it('runs commands, and shows output on the way and errors', () => {
    const talk = start();
    expect(talk.say(`qRcmd,${textToHex('hello')}`)).toEqual([`O${textToHex('working')}`, textToHex('hello on 1\n')]);
    expect(talk.say(`qRcmd,${textToHex('quiet')}`).at(-1)).toBe('OK');
    expect(talk.ask(`qRcmd,${textToHex('fail')}`)).toBe(textToHex('no\n'));
    expect(talk.ask('qRcmd,x')).toBe('E16');
  });
  it('holds what comes while a command takes its time', async () => {
    const talk = start();
    expect(talk.say(`qRcmd,${textToHex('slow')}`)).toEqual([]);
    expect(talk.say('qC')).toEqual([]);
    await new Promise((done) => setTimeout(done));
    expect(talk.take()).toEqual([textToHex('later\n'), 'QC1']);
  });
  it('tells a debugger that waits for it that it is under way, and is interrupted', async () => {
    const talk = start();
    talk.session.keepAlive();
    expect(talk.take()).toEqual([]);
    talk.say(`qRcmd,${textToHex('slow')}`);
    talk.session.keepAlive();
    expect(talk.take()).toEqual(['O']);
    let interrupted = 0;
    talk.target.interrupt = () => void interrupted++;
    talk.session.receive(Uint8Array.of(3));
    expect(interrupted).toBe(1);
    await new Promise((done) => setTimeout(done));
    talk.session.keepAlive();
    expect(talk.take()).toEqual([textToHex('later\n')]);
  });
  it('ends a flood', () => {
    const talk = start();
    talk.say(`qRcmd,${textToHex('slow')}`);
    for (let i = 0; i < 2000; i++) talk.say('qC');
    expect(talk.closed).toBe(true);
    expect(talk.target.log).toEqual(['detach']);
  });
});

describe('files', () => {
  it('are opened, read and closed', () => {
    const talk = start();
    expect(talk.ask(`vFile:open:${textToHex('/g')},0,0`)).toBe('F-1,2');
    expect(talk.ask(`vFile:open:${textToHex('/f')},1,0`)).toBe('F-1,1e');
    expect(talk.ask(`vFile:open:${textToHex('/f')},0,0`)).toBe('F3');
    expect(talk.ask('vFile:fstat:3')).toHaveLength('F40;'.length + 64);
    expect(talk.ask('vFile:pread:3,100,0')).toBe('F5;a}$#e');
    expect(talk.ask('vFile:pread:3,2,4')).toBe('F1;e');
    expect(talk.ask('vFile:pread:3,2,5')).toBe('F0;');
    expect(talk.ask('vFile:pread:4,2,0')).toBe('F-1,9');
    expect(talk.ask('vFile:close:3')).toBe('F0');
    expect(talk.ask('vFile:close:3')).toBe('F-1,9');
    expect(talk.ask('vFile:setfs:0')).toBe('F0');
  });
  it('only so many at once', () => {
    const talk = start();
    for (let i = 0; i < 16; i++) talk.ask(`vFile:open:${textToHex('/f')},0,0`);
    expect(talk.ask(`vFile:open:${textToHex('/f')},0,0`)).toBe('F-1,18');
  });
});

describe('the end', () => {
  it.each([['D', 'OK', 'detach'], ['D;1', 'OK', 'detach'], ['k', undefined, 'kill'], ['vKill;1', 'OK', 'kill']])('%s', (packet, reply, log) => {
    const talk = start();
    talk.ask('Z0,1000,1');
    expect(talk.ask(packet)).toBe(reply);
    expect(talk.closed).toBe(true);
    expect(talk.target.log).toEqual([log]);
    expect(talk.target.inserted.size).toBe(0);
    talk.session.disconnect();
    expect(talk.target.log).toEqual([log]);
  });
  it('or a new beginning', () => {
    const talk = start();
    expect(talk.ask('!')).toBe('OK');
    expect(talk.say('R00')).toEqual([]);
    expect(talk.ask('vRun;')).toMatch(/^T05/);
    expect(talk.target.log).toEqual(['restart', 'restart']);
  });
});

describe('LLDB', () => {
  it('asks for hosts, registers, regions and threads', () => {
    const talk = start();
    expect(talk.ask('qHostInfo')).toBe(`triple:${textToHex('toy-unknown-none')};ptrsize:8;endian:little;`);
    expect(talk.ask('qRegisterInfo0')).toBe('name:pc;bitsize:64;offset:0;encoding:uint;format:hex;set:General Purpose Registers;generic:pc;');
    expect(talk.ask('qRegisterInfo2')).toContain('offset:12;');
    expect(talk.ask('qRegisterInfo3')).toBe('E45');
    expect(talk.ask('qMemoryRegionInfo:1234')).toBe('start:1000;size:1000;permissions:rwx;');
    expect(talk.ask('qMemoryRegionInfo:2000')).toBe('start:2000;size:10000000000;');
    expect(JSON.parse(talk.ask('jThreadsInfo') as string)).toEqual([
      { tid: 1, name: 'one', signal: 5, reason: 'signal', registers: { 0: '0101010101010101' } },
      { tid: 2, name: 'two <&>', registers: { 0: '0202020202020202' } },
    ]);
    expect(talk.ask('QListThreadsInStopReply')).toBe('OK');
    expect(talk.ask('qThreadStopInfo2')).toBe(
      `T0000:0202020202020202;thread:2;core:1;threads:1,2;thread-pcs:0101010101010101,0202020202020202;hexname:${textToHex('two <&>')};reason:signal;`,
    );
  });
});

const PACKETS = [
  'g', 'G00', 'p0', 'P1=00000000', 'm1000,10', 'M1000,2:0102', 'X1000,2:ab', 'x1000,4', 'Z0,1000,1;X3,220127;cmds:0,X1,27', 'z0,1000,1', 'Z2,1000,8', 'vCont?', 'vCont;s:p1.1;c', 'vCont;r1,2',
  'vCont;t', 'c', 's', 'C05', 'S05', '?', 'Hg1', 'Hc-1', 'Tp1.1', 'qC', 'qfThreadInfo', 'qsThreadInfo', 'qThreadExtraInfo,1', 'qXfer:features:read:target.xml:0,100', 'qXfer:threads:read::0,10', 'qRcmd,68',
  'qSearch:memory:1000;100;ab', 'qCRC:1000,10', 'vFile:open:2f66,0,0', 'vFile:pread:3,10,0', 'vFile:fstat:3', 'vFile:close:3', 'qRegisterInfo1', 'qThreadStopInfo1', 'qMemoryRegionInfo:0',
  'jThreadsInfo', 'QNonStop:1', 'vStopped', 'QThreadEvents:1', 'vAttach;1', 'vRun;', 'R', '!', SUPPORTED, 'qOffsets', 'vCtrlC', 'qEcho:1', 'QThreadSuffixSupported', 'QListThreadsInStopReply',
];

describe('hostile peers', () => {
  it('every truncation of every packet is answered or ignored', () => {
    for (const packet of PACKETS) {
      for (let length = 0; length <= packet.length; length++) {
        const talk = start();
        talk.say(packet.slice(0, length));
        expect(talk.closed, packet).toBe(false);
      }
    }
  });
  it('packets with changed, added and lost bytes, one after the other', () => {
    const packet = fc.constantFrom(...PACKETS);
    const mutated = fc.tuple(packet, fc.nat(60), fc.string({ unit: fc.constantFrom(...'0123456789abcdef,:;=.-pXrZ\0\xff$#*}'), maxLength: 6 }), fc.nat(5)).map(
      ([text, at, insert, remove]) => text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + remove),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(packet, mutated), { maxLength: 30 }), (packets) => {
        const talk = start();
        for (const text of packets) talk.say(text);
        if (talk.session.running) talk.session.receive(latin1('\x03'));
        expect(talk.session.running).toBe(false);
      }),
      { seed: 1, numRuns: 3000 },
    );
  });
  it('any bytes at all', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => start().session.receive(bytes)), { seed: 1, numRuns: 500 });
  });
});

describe('a stream', () => {
  const stream = ['QStartNoAckMode', ...PACKETS].flatMap((packet) => [...frame(packet)]);
  const answers = (...pieces: readonly (readonly number[])[]): string => {
    const talk = new Conversation(new FakeTarget());
    for (const piece of pieces) talk.session.receive(Uint8Array.from(piece));
    return talk.sent;
  };
  const whole = answers(stream);
  it('gets the same answers byte by byte, and cut in two anywhere', () => {
    expect(whole.length).toBeGreaterThan(1000);
    expect(answers(...stream.map((byte) => [byte]))).toBe(whole);
    for (let at = 1; at < stream.length; at += 3) expect(answers(stream.slice(0, at), stream.slice(at))).toBe(whole);
  });
});
