// A Debian kernel and an initramfs with a start script of your own: node image.ts FOLDER
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from '@pckit/debian-image';
import { buildGuestInitramfs, fetchGuest } from '@pckit/debian-image/node';

const folder = process.argv[2] ?? '.';
try {
  const guest = await fetchGuest('bookworm-cloud', { onProgress: ({ stage, text }) => process.stderr.write(`${stage}: ${text}\n`) });
  const { bytes, modules } = await buildGuestInitramfs(guest, {
    files: [{ path: '/etc/rc', content: 'echo "hello from $(uname -sr)"\n' }],
  });
  writeFileSync(join(folder, 'vmlinuz'), guest.kernel);
  writeFileSync(join(folder, 'initramfs.cpio'), bytes);
  process.stdout.write(`Linux ${guest.release}, ${modules.modules.length} modules, ${bytes.length} bytes\n`);
} catch (error) {
  if (!(error instanceof ImageError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
