/**
 * `npm run recording [-- boot options]`: boots the default guest, types a few commands, and draws what the terminal showed, when it
 * showed it, into docs/boot.svg. The times are those of the run; only the whole is scaled to a watchable length.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt, ensureInstalled, root, say, start } from './setup.mjs';

const COLUMNS = 108;
const ROWS = 30;
const LINE_HEIGHT = 16;
const CHARACTER_WIDTH = 7.83;
const PADDING = 14;
const PLAY_SECONDS = 24;
const HOLD_SECONDS = 6;

const commands = ['uname -a', "grep -m1 'model name' /proc/cpuinfo", 'ls /sys/bus/pci/devices', 'poweroff'];

/** @typedef {{ text: string, at: number }} Line a line of the terminal and when it began to show, in seconds */

/** Runs the boot and records its lines. @param {string[]} args @returns {Promise<Line[]>} */
function record(args) {
  return new Promise((done, fail) => {
    const began = performance.now();
    const seconds = () => (performance.now() - began) / 1000;
    const command = ['pckit boot', ...args].join(' ');
    const lines = [{ text: `$ ${command}`, at: 0 }];
    let open = '';
    let openedAt = 0;
    const waiting = [...commands];
    const child = spawn(process.execPath, [join(root, 'apps/cli/dist/main.js'), 'boot', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
      for (const character of plain(chunk)) {
        if (character === '\n') {
          lines.push({ text: open, at: openedAt });
          open = '';
        } else if (character !== '\r') {
          if (open === '') openedAt = seconds();
          open += character;
        }
      }
      // The shell's prompt: type as a person would, one command at a time.
      if (/# $/.test(open) && waiting.length > 0) child.stdin.write(`${waiting.shift()}\r`);
    });
    child.on('error', fail);
    child.on('close', (code) => {
      if (open !== '') lines.push({ text: open, at: openedAt });
      if (code !== 0) fail(new Error(`pckit boot ended with status ${code}`));
      else done([...lines, { text: '$ ', at: seconds() }]);
    });
  });
}

/** Without colours and cursor movements. @param {string} text */
export function plain(text) {
  return text.replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[@-_]/g, '').replace(/[\x00-\x08\x0b\x0c\x0e-\x1a\x7f]/g, '');
}

/** @param {string} text */
function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** @param {readonly Line[]} recorded @returns {string} an SVG that plays once and then holds its last screen */
export function draw(recorded) {
  const lines = recorded.flatMap(({ text, at }) => {
    const parts = text.match(new RegExp(`.{1,${COLUMNS}}`, 'gu')) ?? [''];
    return parts.map((part) => ({ text: part, at }));
  });
  const last = Math.max(lines.at(-1)?.at ?? 0, 0.001);
  const scale = Math.min(1, PLAY_SECONDS / last);
  const total = last * scale + HOLD_SECONDS;
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH + 2 * PADDING);
  const height = ROWS * LINE_HEIGHT + 2 * PADDING;
  const percent = (/** @type {number} */ at) => ((100 * at * scale) / total).toFixed(2);

  // Lines appear at their time; the whole moves up by one line for each beyond the screen's height.
  const scroll = ['0% { transform: translateY(0) }'];
  let previous = '0.00';
  lines.forEach(({ at }, index) => {
    const hidden = index + 1 - ROWS;
    if (hidden <= 0) return;
    const now = percent(at);
    const step = `${now}% { transform: translateY(${-hidden * LINE_HEIGHT}px) }`;
    if (now === previous) scroll.pop();
    scroll.push(step);
    previous = now;
  });
  const finalShift = -Math.max(0, lines.length - ROWS) * LINE_HEIGHT;
  scroll.push(`100% { transform: translateY(${finalShift}px) }`);

  const texts = lines
    .map(({ text, at }, index) => {
      if (text.trim() === '') return '';
      const delay = (at * scale).toFixed(2);
      return `<text y="${(index + 1) * LINE_HEIGHT}" style="animation-delay:${delay}s">${escapeXml(text)}</text>`;
    })
    .filter((text) => text !== '')
    .join('\n');

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A terminal in which pckit boots Linux to a shell">
<style>
.screen { transform: translateY(${finalShift}px); animation: scroll ${total.toFixed(2)}s step-end 1 both }
text { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d6dde6; white-space: pre; animation: appear .01s step-end 1 both }
@keyframes appear { from { opacity: 0 } to { opacity: 1 } }
@keyframes scroll { ${scroll.join(' ')} }
@media (prefers-reduced-motion: reduce) { .screen, text { animation: none } }
</style>
<clipPath id="screen"><rect x="0" y="5" width="${width}" height="${ROWS * LINE_HEIGHT + 1}"/></clipPath>
<rect width="${width}" height="${height}" rx="8" fill="#12161c"/>
<g transform="translate(${PADDING} ${PADDING - 3})" clip-path="url(#screen)"><g class="screen" xml:space="preserve">
${texts}
</g></g>
</svg>
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await start(async () => {
    await ensureInstalled();
    await ensureBuilt();
    const lines = await record(process.argv.slice(2));
    writeFileSync(join(root, 'docs/boot.svg'), draw(lines));
    say(`docs/boot.svg: ${lines.length} lines`);
    return 0;
  });
}
