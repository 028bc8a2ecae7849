import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What was checked, shown as it comes. */
export class Report {
  #passed = 0;
  #failed = 0;

  title(text: string): void {
    process.stdout.write(`\n${text}\n`);
  }

  note(text: string): void {
    process.stdout.write(`        ${text}\n`);
  }

  /** @param detail shown when it fails */
  check(what: string, ok: boolean, detail = ''): boolean {
    if (ok) this.#passed++;
    else this.#failed++;
    process.stdout.write(`${ok ? 'ok    ' : 'FAILED'}  ${what}\n`);
    if (!ok && detail !== '') process.stdout.write(`${detail.replace(/^/gm, '        ')}\n`);
    return ok;
  }

  equal(what: string, is: unknown, expected: unknown): boolean {
    return this.check(what, is === expected, `is       ${String(is)}\nexpected ${String(expected)}`);
  }

  /** A part whose failure must not keep the others from being tried. */
  async part(title: string, run: () => Promise<void>): Promise<void> {
    this.title(title);
    try {
      await run();
    } catch (error) {
      this.check(`${title}: runs to its end`, false, error instanceof Error ? error.message : String(error));
    }
  }

  /** @returns the exit status */
  end(): number {
    process.stdout.write(`\n${this.#passed} passed, ${this.#failed} failed\n`);
    return this.#failed === 0 && this.#passed > 0 ? 0 : 1;
  }
}

/** Where consoles are logged and images lie: PCKIT_SYSTEM_FOLDER, or a folder among the temporary ones. */
export function workFolder(name: string): string {
  const folder = join(process.env['PCKIT_SYSTEM_FOLDER'] ?? join(tmpdir(), 'pckit-system'), name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Multiplies every patience; for hosts that are slower or busier than most. */
export function patient(seconds: number): number {
  return seconds * Number(process.env['PCKIT_PATIENCE'] ?? 1);
}
