/**
 * npm run test:debugger [-- FOLDER]
 *
 * Debian's gdb and lldb on live machines. FOLDER (default: PCKIT_LEARNER) holds a kernel that somebody built to learn from: `learner-bzImage`,
 * `learner-vmlinux.xz` with debug information, `learner-gdb-scripts.tar.xz`. Then stock Debian kernels, with KASLR, and no more symbols than
 * `pckit symbols` finds in them.
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DebuggerRun } from './debugger-run.js';
import { unpackLearner } from './learner.js';
import { command, start, type ConsoleRun } from './pckit.js';
import { patient, Report, workFolder } from './report.js';
import { mustRun } from './tool.js';

const ANSWER = patient(120);
const WHOLE = patient(1800);
/** Evaluations of a condition, which no debugger at the other end of a connection would do in the time. */
const EVALUATIONS = 100_000;
const EVALUATIONS_SECONDS = 30;
const SHELL = '/ # ';

const folder = workFolder('debugger');
const at = (name: string): string => join(folder, name);
const source = fileURLToPath(new URL('debugged.c', import.meta.url));
const learner = process.argv[2] ?? process.env['PCKIT_LEARNER'];
const report = new Report();

/** Shown, and the words in it. */
function shows(what: string, text: string, ...words: readonly (string | RegExp)[]): boolean {
  const missing = words.filter((word) => (typeof word === 'string' ? !text.includes(word) : !word.test(text)));
  return report.check(what, missing.length === 0, `missing: ${missing.join(' | ')}\n${text.slice(-3000)}`);
}

/** Functions of a backtrace, innermost first. */
function functions(backtrace: string): string[] {
  return [...backtrace.matchAll(/^#\d+ +(?:0x[0-9a-f]+ in )?([\w.]+)/gm)].map(([, name]) => name as string);
}

/** In this order, others between them. */
function calls(what: string, backtrace: string, ...names: readonly string[]): boolean {
  const found = functions(backtrace);
  let next = 0;
  for (const name of found) if (name === names[next]) next++;
  return report.check(what, next === names.length, `missing: ${names[next] ?? ''}\n${backtrace}`);
}

interface Session {
  readonly machine: ConsoleRun;
  readonly port: string;
  readonly gdb: DebuggerRun;
}

/** Where the machine waits for debuggers. */
async function portOf(machine: ConsoleRun): Promise<string> {
  return machine.says(/gdb: target remote ([\d.:]+)/, patient(300));
}

async function guestImage(): Promise<string> {
  mustRun('gcc', ['-g', '-O0', '-static', '-no-pie', '-o', at('debugged'), source]);
  await command(['guest', 'build', 'bookworm', '-o', at('guest.cpio'), '--add', `${at('debugged')}:/bin/debugged`], patient(900));
  return at('guest.cpio');
}

// --- the learner kernel ---------------------------------------------------------------------------------------------------------------

/** Waits for a debugger before its first instruction. */
async function startLearner(from: string, log: string): Promise<{ readonly machine: ConsoleRun; readonly vmlinux: string }> {
  const { bzImage, vmlinux } = unpackLearner(from, folder);
  const initrd = await guestImage();
  const arguments_ = ['boot', '--kernel', bzImage, '--initrd', initrd, '--append', 'console=ttyS0 nokaslr', '--memory', '512M', '--smp', '2', '--gdb', '0', '--wait'];
  return { machine: start(arguments_, { patience: WHOLE, log: at(log) }), vmlinux };
}

async function withLearner(from: string): Promise<void> {
  const { machine, vmlinux } = await startLearner(from, 'learner.console');
  const options = { patience: ANSWER, log: at('learner.gdb') };
  const gdb = await DebuggerRun.gdb({ ...options, patience: WHOLE }, '-iex', `add-auto-load-safe-path ${folder}`, vmlinux);
  try {
    const session: Session = { machine, gdb, port: await portOf(machine) };
    await beforeLinux(session);
    await earlyBoot(session);
    await processes(session);
    await stepping(session);
    await watching(session);
    await conditions(session);
    await threads(session);
    await changing(session);
    await coming(session);
    await userProgram(session);
    await hotCode(session);
    await scripts(session);
    await gdb.all('delete', 'detach');
    await gdb.quit();
    machine.type('poweroff -f\n');
    report.equal('and the machine powers off with status 0', (await machine.finished).status, 0);
  } finally {
    gdb.kill();
    machine.kill();
    await machine.finished;
  }
}

async function beforeLinux({ gdb, port }: Session): Promise<void> {
  await gdb.ask(`target remote ${port}`);
  shows('--wait: gdb comes before the first instruction', await gdb.ask('monitor instructions'), /^0 instructions/);
  await gdb.ask('break startup_64');
  shows('break startup_64 stops where the kernel begins, at its physical address', await gdb.all('continue', 'monitor instructions'), /^0 instructions/);
  shows('and passes it', await gdb.all('stepi', 'monitor instructions'), /^1 instructions/);
  await gdb.ask('delete');
}

async function earlyBoot({ gdb }: Session): Promise<void> {
  await gdb.ask('break start_kernel');
  shows('break start_kernel', await gdb.ask('continue'), 'hit Breakpoint', 'start_kernel () at init/main.c');
  calls('backtrace of it', await gdb.ask('backtrace'), 'start_kernel', 'secondary_startup_64');
  shows('the other processor is not started', await gdb.ask('info threads'), '* 1', 'CPU#0', '"CPU#1" (not started)');
  // The trampoline of the processors that are started later begins in real mode.
  await gdb.all('delete', 'break native_cpu_up', 'continue', 'delete');
  const trampoline = /0x[0-9a-f]+/.exec(await gdb.ask('output/x real_mode_header->trampoline_start'))?.[0] ?? '';
  shows('a breakpoint in real-mode code', await gdb.all(`break *${trampoline}`, 'continue'), 'Thread 2 "CPU#1" hit Breakpoint');
  shows('its registers', await gdb.ask('info registers rip cs cr0'), `rip            ${trampoline}`, `cs             0x${(Number(trampoline) >> 4).toString(16)}`, /cr0 .*\[ (?!.*\bPE\b)/);
  // cli; wbinvd; a far jump to the next instruction; mov %cs,%ax.
  await gdb.ask('stepi 4');
  report.equal('and steps in it', await gdb.ask('output/x $ax'), await gdb.ask('output/x $cs'));
  await gdb.all('delete', 'thread 1');
}

async function processes({ machine, gdb }: Session): Promise<void> {
  await gdb.all('tbreak run_init_process', 'continue');
  await gdb.ask('break do_exit');
  shows('break do_exit is hit by a process of the initramfs', await gdb.ask('continue'), 'hit Breakpoint', 'do_exit (code=');
  calls('through a system call', await gdb.ask('backtrace'), 'do_exit', 'do_group_exit', 'do_syscall_64', 'entry_SYSCALL_64');
  await gdb.ask('delete');
  const shell = machine.shows(SHELL, ANSWER);
  const running = gdb.interrupted('continue', shell);
  await shell;
  report.check('the shell comes', true);
  shows('Ctrl-C in an idle guest', await running, 'received signal SIGINT');
}

async function stepping({ machine, gdb }: Session): Promise<void> {
  await gdb.ask('tbreak vfs_write');
  machine.type('echo stepped\n');
  shows('tbreak vfs_write', await gdb.ask('continue'), 'vfs_write (file=');
  const line = async (): Promise<number> => Number(/^(?:.*:)?(\d+)/.exec(await gdb.ask('info line *$pc').then((text) => /Line (\d+)/.exec(text)?.[1] ?? ''))?.[1] ?? 0);
  const depth = async (): Promise<number> => functions(await gdb.ask('backtrace')).length;
  const [first, frames] = [await line(), await depth()];
  await gdb.ask('next');
  const [second, same] = [await line(), await depth()];
  report.check('next goes to another line of the same function', second !== first && same === frames, `${first} ${second} ${frames} ${same}`);
  let deeper = same;
  for (let k = 0; k < 12 && deeper <= frames; k++) {
    await gdb.ask('step');
    deeper = await depth();
  }
  report.check('step goes into a function', deeper > frames, `${deeper} frames`);
  shows('finish comes back from it', await gdb.ask('finish'), 'Run till exit');
  report.equal('to where it was called', await depth(), frames);
  shows('until goes on', await gdb.ask('until'), /vfs_write|\d+\t/);
  await gdb.all('tbreak ksys_write');
  machine.type('echo finished\n');
  await gdb.ask('continue');
  shows('finish shows what a function returns', await gdb.ask('finish'), 'Run till exit', 'Value returned is $', /= \d+$/);
  const before = BigInt(await gdb.ask('output/d $pc'));
  const instructions = async (): Promise<number> => Number(/^\d+/.exec(await gdb.ask('monitor instructions'))?.[0]);
  const from = await instructions();
  await gdb.ask('stepi 10');
  report.equal('stepi 10 executes ten instructions', (await instructions()) - from, 10);
  report.check('and the program counter moves', BigInt(await gdb.ask('output/d $pc')) !== before);
}

async function watching({ machine, gdb }: Session): Promise<void> {
  await gdb.ask('watch jiffies_64');
  const hits: { readonly old: number; readonly now: number }[] = [];
  let shown = '';
  for (let k = 0; k < 5; k++) {
    shown = await gdb.ask('continue');
    hits.push({ old: Number(/Old value = (\d+)/.exec(shown)?.[1]), now: Number(/New value = (\d+)/.exec(shown)?.[1]) });
  }
  shows('watch jiffies_64', shown, 'Hardware watchpoint', 'do_timer');
  report.check('each tick is seen', hits.every(({ old, now }, k) => now > old && (k === 0 || old === hits[k - 1]?.now)), JSON.stringify(hits));
  await gdb.all('delete', 'tbreak do_pipe2');
  machine.type('echo piped | cat\n');
  await gdb.all('continue', 'watch fd[0]');
  shows('watch on a variable of the stack', await gdb.ask('continue'), 'Hardware watchpoint', 'fd[0]', 'Old value', 'New value');
  let left = '';
  for (let k = 0; k < 8 && !left.includes('left the block'); k++) left = await gdb.ask('continue');
  shows('which ends with its frame', left, 'deleted because the program has left the block');
  await gdb.ask('delete');
}

async function conditions({ machine, gdb }: Session): Promise<void> {
  await gdb.ask(`break __x64_sys_lseek if regs->si == ${EVALUATIONS}`);
  machine.type(`debugged seek ${EVALUATIONS + 1000}\n`);
  const before = performance.now();
  const shown = await gdb.ask('continue');
  const seconds = (performance.now() - before) / 1000;
  shows('a conditional breakpoint', shown, 'hit Breakpoint', '__x64_sys_lseek');
  report.equal('which is right', await gdb.ask('output regs->si'), String(EVALUATIONS));
  report.check(`is evaluated ${EVALUATIONS} times in ${EVALUATIONS_SECONDS} seconds`, seconds < patient(EVALUATIONS_SECONDS), `${seconds} s`);
  report.note(`${seconds.toFixed(1)} s`);
  await gdb.ask('delete');
}

async function threads({ machine, gdb }: Session): Promise<void> {
  machine.type('debugged spin & debugged spin &\n');
  shows('Ctrl-C in a busy guest', await gdb.interrupted('continue', 3000), 'received signal SIGINT');
  const list = await gdb.ask('info threads');
  shows('two processors are two threads', list, 'CPU#0', 'CPU#1');
  await gdb.ask('tbreak __schedule');
  await gdb.ask('continue');
  const all = await gdb.ask('thread apply all backtrace');
  shows('each with a backtrace', all, 'Thread 2', 'Thread 1', '__schedule');
  const current = async (cpu: number): Promise<string> => gdb.all(`thread ${cpu + 1}`, 'output $lx_current().comm');
  shows('$lx_current of each processor', `${await current(0)}${await current(1)}`, 'debugged');
  const per = [await gdb.ask('output/x $lx_per_cpu("cpu_number", 0)'), await gdb.ask('output/x $lx_per_cpu("cpu_number", 1)')];
  report.equal('per-CPU variables', per.join(), '0x0,0x1');
}

async function changing({ machine, gdb }: Session): Promise<void> {
  await gdb.ask('set variable panic_timeout = 4711');
  machine.type('killall debugged; cat /proc/sys/kernel/panic\n');
  const seen = machine.shows('4711', ANSWER);
  const running = gdb.interrupted('continue', seen);
  await seen;
  report.check('the guest sees a changed variable', true);
  await running;
  await gdb.ask('tbreak __x64_sys_getppid');
  machine.type("sh -c 'echo ppid $PPID'\n");
  await gdb.all('continue', 'finish', 'set $rax = 31415');
  const told = machine.shows('ppid 31415', ANSWER);
  const going = gdb.interrupted('continue', told);
  await told;
  report.check('and a changed register', true);
  await going;
}

async function coming({ machine, gdb, port }: Session): Promise<void> {
  await gdb.all('break ksys_write', 'detach');
  machine.type('echo alone $((40 + 2))\n');
  await machine.shows('alone 42', ANSWER);
  report.check('detached, the guest goes on, past breakpoints', true);
  await gdb.ask('delete');
  shows('and gdb comes back', await gdb.ask(`target remote ${port}`), 'Remote debugging');
  shows('to the kernel', await gdb.ask('info threads'), 'CPU#0', 'CPU#1');
}

async function userProgram({ machine, gdb }: Session): Promise<void> {
  // The processor's present process is another one, and gdb would look for the function's prologue in that.
  await gdb.all('set trust-readonly-sections on', `add-symbol-file ${at('debugged')}`, 'tbreak tick');
  machine.type('debugged\n');
  shows('a breakpoint in a program, by its own symbols', await gdb.ask('continue'), 'tick (n=1) at', 'debugged.c');
  calls('and its backtrace', await gdb.ask('backtrace'), 'tick', 'main');
  await gdb.all('next', 'next');
  report.equal('its variables', await gdb.ask('output twice'), '2');
  await gdb.ask('set variable twice = 1001');
  const told = machine.shows('TICK 1 1000', ANSWER);
  const running = gdb.interrupted('continue', told);
  await told;
  report.check('can be changed', true);
  await running;
}

/** Code that has been compiled before anybody asked for a stop in it. */
async function hotCode({ machine, gdb }: Session): Promise<void> {
  machine.type('debugged spin &\n');
  await gdb.interrupted('continue', 6000);
  await gdb.ask('break tick');
  shows('a breakpoint in code that is hot', await gdb.ask('continue', patient(20)), 'hit Breakpoint', 'tick (n=');
  const at = async (name: string): Promise<bigint> => BigInt(await gdb.ask(`output/d ${name}`));
  const before = await at('n');
  await gdb.ask('continue 50');
  report.equal('each of fifty calls is hit', (await at('n')) - before, 50n);
  await gdb.all('delete', 'watch total');
  let missed = 0;
  for (let k = 0; k < 50; k++) {
    const shown = await gdb.ask('continue');
    const [old, now] = [/Old value = (\d+)/.exec(shown)?.[1], /New value = (\d+)/.exec(shown)?.[1]];
    if (old === undefined || now === undefined || BigInt(now) - BigInt(old) !== 2n * (await at('n'))) missed++;
  }
  report.equal('fifty writes to a watched variable, none missed', missed, 0);
  await gdb.all('delete');
  // More than it comes to before it is killed.
  machine.type(`debugged seek ${Number.MAX_SAFE_INTEGER} &\n`);
  await gdb.interrupted('continue', 8000);
  await gdb.ask('break ksys_lseek');
  if (!(await gdb.ask('info breakpoints')).includes('ksys_lseek')) await gdb.ask('break __x64_sys_lseek');
  shows('and in the kernel', await gdb.ask('continue', patient(20)), 'hit Breakpoint');
  await gdb.all('delete', 'next', 'next', 'next');
  const lines = [await gdb.ask('info line *$pc')];
  shows('where next goes from line to line', lines.join('\n'), /Line \d+/);
  machine.type('killall debugged\n');
}

async function scripts({ gdb }: Session): Promise<void> {
  shows('lx-ps', await gdb.ask('lx-ps'), /0xffff\w+ +1 +init|0xffff\w+ +1 +sh/, 'kthreadd');
  shows('lx-dmesg', await gdb.ask('lx-dmesg'), 'Linux version 5.', 'smpboot: Total of 2 processors activated');
  shows('lx-cpus', await gdb.ask('lx-cpus'), 'Online CPUs');
  // A kernel without modules has no list of them.
  shows('lx-lsmod', await gdb.ask('lx-lsmod'), /^Address +Module +Size +Used by|No symbol "modules"/);
}

// --- the same with lldb ------------------------------------------------------------------------------------------------------------------

/**
 * lldb 14 takes a function whose cold part the compiler has moved away, as do_exit's, for everything between the two, and reads all of that before it
 * shows a stop there: so functions in one piece.
 */
async function withLldb(from: string): Promise<void> {
  const { machine, vmlinux } = await startLearner(from, 'lldb.console');
  const lldb = await DebuggerRun.lldb({ patience: WHOLE, log: at('learner.lldb') });
  try {
    const connect = `gdb-remote ${await portOf(machine)}`;
    await lldb.ask(`target create ${vmlinux}`);
    shows('lldb comes before the first instruction', await lldb.untilStopped(connect), "name = 'CPU#0'", '0x0000000001000000');
    await lldb.ask('breakpoint set -n start_kernel');
    shows('breakpoint at start_kernel', await lldb.untilStopped('continue'), 'stop reason = breakpoint 1.1', 'start_kernel at main.c');
    shows('its backtrace', await lldb.ask('bt'), 'frame #1: 0xffffffff81000123 vmlinux`secondary_startup_64');
    await lldb.all('breakpoint delete -f', 'breakpoint set -n do_group_exit');
    shows('breakpoint at do_group_exit', await lldb.untilStopped('continue'), 'stop reason = breakpoint 2.1', 'do_group_exit(exit_code=');
    shows('its backtrace', await lldb.ask('bt'), '__do_sys_exit_group', 'do_syscall_64', 'entry_SYSCALL_64');
    shows('two threads', await lldb.ask('thread list'), "name = 'CPU#0'", "name = 'CPU#1'");
    shows('thread backtrace all', await lldb.ask('thread backtrace all'), 'thread #1', 'thread #2');
    shows('a variable', await lldb.ask('frame variable exit_code'), '(int) exit_code = 0');
    shows('step-over', await lldb.untilStopped('thread step-over'), 'stop reason = step over', 'do_group_exit');
    shows('step-inst', await lldb.untilStopped('thread step-inst'), 'stop reason = instruction step');
    await lldb.ask('breakpoint delete -f');
    shows('a watchpoint', await lldb.ask('watchpoint set variable jiffies_64'), 'Watchpoint created', 'size = 8');
    for (let k = 0; k < 3; k++) shows(`is hit, ${k + 1}`, await lldb.untilStopped('continue'), 'stop reason = watchpoint 1', 'do_timer(');
    await lldb.all('watchpoint delete -f', 'breakpoint set -n vfs_write -c "count == 11"');
    const shell = machine.shows(SHELL, ANSWER);
    await shellComes(lldb, shell);
    machine.type('echo 0123456789\n');
    shows('a conditional breakpoint', await lldb.untilStopped('continue'), 'stop reason = breakpoint 3.1', 'vfs_write(', 'count=11');
    shows('step-out, with what was returned', await lldb.untilStopped('thread step-out'), 'stop reason = step out', 'Return value: (ssize_t) $0 = 11');
    await lldb.ask('breakpoint delete -f');
    shows('registers', await lldb.ask('register read rax rip cr3'), 'rax = 0x000000000000000b', 'cr3 = 0x');
    shows('memory', await lldb.ask('memory read -f x -s 8 -c 2 $rsp'), /^0xffff[0-9a-f]+: /m);
    shows('and no memory where there is none', await lldb.ask('memory read 0xdead00000000'), 'error:');
    shows('a variable is changed', await lldb.all('expression panic_timeout = 4711', 'expression panic_timeout'), '= 4711');
    await lldb.ask('process detach');
    machine.type('cat /proc/sys/kernel/panic\n');
    await machine.shows('4711', ANSWER);
    report.check('which the guest sees, when lldb has left', true);
    await lldb.untilStopped(connect);
    shows('and lldb comes back', await lldb.ask('bt'), 'frame #1');
    await lldb.ask('process detach');
    machine.type('poweroff -f\n');
    report.equal('and the machine powers off with status 0', (await machine.finished).status, 0);
  } finally {
    lldb.kill();
    machine.kill();
    await machine.finished;
  }
}

/** Goes on, past breakpoints, until the shell is there. */
async function shellComes(lldb: DebuggerRun, shell: Promise<unknown>): Promise<void> {
  await lldb.ask('breakpoint disable');
  await lldb.ask('continue');
  await shell;
  shows('process interrupt', await lldb.untilStopped('process interrupt'), 'stop reason = signal SIGINT');
  await lldb.ask('breakpoint enable');
}

// --- stock kernels ------------------------------------------------------------------------------------------------------------------------

/** KASLR left on, no debug package. */
async function withDebian(guest: string, unpack: 'host' | 'guest'): Promise<void> {
  const kernel = (await command(['guest', 'fetch', guest], patient(900))).split('\n').at(-1) as string;
  await command(['guest', 'build', guest, '-o', at(`${guest}.cpio`)], patient(300));
  await command(['symbols', kernel, '--out', at(`${guest}.elf`)], patient(300));
  const machine = start(['boot', '--kernel', kernel, '--initrd', at(`${guest}.cpio`), '--append', 'console=ttyS0 quiet', '--unpack', unpack, '--gdb', '0', '--wait'], {
    patience: WHOLE,
    log: at(`${guest}.console`),
  });
  const options = { patience: WHOLE, log: at(`${guest}.gdb`) };
  const early = await DebuggerRun.gdb(options);
  const late = await DebuggerRun.gdb(options, at(`${guest}.elf`));
  try {
    const port = await portOf(machine);
    if (unpack === 'host') {
      // What runs is read from the machine.
      await early.ask(`target remote ${port}`);
      await early.all('break start_kernel', 'continue');
      calls('gdb without a file: break start_kernel', await early.ask('backtrace'), 'start_kernel');
      await early.ask('delete');
    } else {
      await early.ask(`target remote ${port}`);
      shows('monitor stop-at start_kernel', await early.ask('monitor stop-at start_kernel'), 'start_kernel, slide 0x');
      shows('monitor stop-at user', await early.ask('monitor stop-at user'), /^CPU#0 at 0x[0-9a-f]{1,12}$/);
      await early.ask('flushregs');
      report.equal('which is where user code begins', await early.ask('output $cs & 3'), '3');
    }
    await early.all('detach');
    await early.quit();
    await machine.shows(SHELL, ANSWER);
    await late.ask(`target remote ${port}`);
    const slide = await late.ask('monitor kaslr');
    shows('monitor kaslr knows how far the kernel has moved', slide, /^0x[1-9a-f]/, 'LSTAR', 'banner');
    await late.ask('break __x64_sys_clone');
    machine.type('(echo forked)\n');
    shows('break __x64_sys_clone', await late.ask('continue'), 'Breakpoint 1, ', '__x64_sys_clone');
    calls('its backtrace', await late.ask('backtrace'), '__x64_sys_clone', 'do_syscall_64', 'entry_SYSCALL_64_after_hwframe');
    await late.ask('delete');
    await late.ask('break kernel_clone');
    calls('break kernel_clone, once _do_fork', await late.all('continue', 'backtrace'), 'kernel_clone', 'do_syscall_64');
    await late.all('delete', 'finish');
    await late.all('detach');
    await late.quit();
    await machine.shows('forked', ANSWER);
    machine.type('poweroff -f\n');
    report.equal('and the machine powers off with status 0', (await machine.finished).status, 0);
  } finally {
    early.kill();
    late.kill();
    machine.kill();
    await machine.finished;
  }
}

if (learner === undefined) {
  report.title('a learner kernel');
  report.note('skipped: no folder was named');
} else {
  await report.part('a learner kernel', () => withLearner(resolve(learner)));
  await report.part('a learner kernel, with lldb', () => withLldb(resolve(learner)));
}
for (const [guest, unpack] of [['bullseye', 'host'], ['bookworm', 'guest'], ['trixie', 'host']] as const) {
  await report.part(`Debian's ${guest}, unpacked by the ${unpack}`, () => withDebian(guest, unpack));
}
process.exitCode = report.end();
