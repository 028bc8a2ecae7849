// What a program for Node does, hot enough that V8 compiles it: nothing of it depends on time, chance or locale.
import { Buffer } from 'node:buffer';
import console from 'node:console';
import { createHash, createHmac, createSign, createVerify, generateKeyPairSync, pbkdf2Sync } from 'node:crypto';
import { setImmediate } from 'node:timers';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';

let state = 12345;
const random = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0);
const digest = (data) => createHash('sha256').update(data).digest('hex').slice(0, 16);

function sieve(limit) {
  const composite = new Uint8Array(limit + 1);
  let count = 0;
  for (let n = 2; n <= limit; n++) {
    if (composite[n]) continue;
    count++;
    for (let k = n * n; k <= limit; k += n) composite[k] = 1;
  }
  return count;
}

function bodies(steps) {
  const planets = Array.from({ length: 5 }, (_, k) => ({ x: k, y: k * 0.5, z: -k, vx: 0, vy: 0.1 * k, vz: 0, mass: 1 / (k + 1) }));
  for (let step = 0; step < steps; step++) {
    for (const a of planets) {
      for (const b of planets) {
        if (a === b) continue;
        const [dx, dy, dz] = [b.x - a.x, b.y - a.y, b.z - a.z];
        const pull = (b.mass * 0.001) / (Math.sqrt(dx * dx + dy * dy + dz * dz) ** 3 + 0.01);
        a.vx += dx * pull; a.vy += dy * pull; a.vz += dz * pull;
      }
    }
    for (const p of planets) { p.x += p.vx * 0.001; p.y += p.vy * 0.001; p.z += p.vz * 0.001; }
  }
  return planets.map(({ x, y, z }) => `${x} ${y} ${z}`).join(' ');
}

const fibonacci = (n) => (n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2));

console.log('primes', sieve(2_000_000));
console.log('fibonacci', fibonacci(27));
console.log('bodies', digest(bodies(20_000)));
let big = 1n;
for (let n = 1n; n <= 1500n; n++) big *= n;
console.log('factorial', digest(big.toString()));
const numbers = Array.from({ length: 200_000 }, random);
console.log('sorted', digest(numbers.sort((a, b) => a - b).join()));
const text = Array.from({ length: 30_000 }, () => `w${random() % 997} `).join('');
const words = new Map();
for (const [word] of text.matchAll(/w\d+/g)) words.set(word, (words.get(word) ?? 0) + 1);
console.log('words', digest(JSON.stringify([...words].sort())));
const bytes = Buffer.from(text);
console.log('gzip', digest(gunzipSync(gzipSync(bytes))) === digest(bytes), 'brotli', digest(brotliCompressSync(bytes)), digest(brotliDecompressSync(brotliCompressSync(bytes))) === digest(bytes));
console.log('hmac', createHmac('sha512', 'key').update(bytes).digest('hex').slice(0, 32), 'pbkdf2', pbkdf2Sync('secret', 'salt', 2000, 24, 'sha1').toString('hex'));
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
console.log('ecdsa', createVerify('sha256').update(bytes).verify(publicKey, createSign('sha256').update(bytes).sign(privateKey)));
const evaluated = new Function('n', 'let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i) | 0; return s');
console.log('made at run time', evaluated(5_000_000));
new Promise((done) => setImmediate(done)).then(() => console.log('and asynchronously', [...'żółć'.normalize('NFD')].length));
