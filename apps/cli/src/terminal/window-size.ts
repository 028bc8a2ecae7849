import type { CharPort } from '@pckit/interfaces';
import { SerialInput } from '../serial-input.js';
import type { TerminalSize } from './host-terminal.js';

/**
 * The other end of a serial line over which our init learns how large the window is: a line `rows columns` for each change. A serial
 * console has no other way to be told.
 */
export class WindowSize {
  readonly #input = new SerialInput();

  readonly port: CharPort = {
    write: () => {},
    attach: (receive) => this.#input.attach(receive),
    onReady: () => this.#input.pump(),
  };

  send(size: TerminalSize | undefined): void {
    if (size === undefined) return;
    // While nobody listens only the newest matters.
    this.#input.clear();
    this.#input.push(new TextEncoder().encode(`\n${size.rows} ${size.columns}\n`));
  }
}

/** Our init's part, run from /etc/rc. @param serial the line's number in Linux: 3 is COM4 */
export function windowSizeScript(serial: number): string {
  return `# The size of the window in which the console is shown: first from the command line, then from /dev/ttyS${serial}.
for word in $(cat /proc/cmdline); do
  case "$word" in
    console=*) console=/dev/\${word#console=}; console=\${console%%,*} ;;
    pckit.rows=*) rows=\${word#pckit.rows=} ;;
    pckit.columns=*) columns=\${word#pckit.columns=} ;;
  esac
done
if [ -n "$rows" ] && [ -c "$console" ]; then
  stty rows "$rows" cols "$columns" < "$console"
  if stty raw -echo < /dev/ttyS${serial} 2>/dev/null; then
    while read -r rows columns; do
      [ -n "$columns" ] && stty rows "$rows" cols "$columns" < "$console"
    done < /dev/ttyS${serial} &
  fi
fi
`;
}
