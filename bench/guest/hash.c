/* Hashing: CRC-32 by table, SHA-256 (FIPS 180-4). */
#include <string.h>
#include "bench.h"

uint64_t run_crc(uint32_t repeats)
{
    static uint32_t table[256];
    static unsigned char data[65536];
    uint64_t state = SEED, hash = CHECKSUM;
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        table[n] = c;
    }
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)next_random(&state);
    for (uint32_t i = 0; i < repeats; i++) {
        uint32_t crc = ~i;
        for (size_t j = 0; j < sizeof data; j++)
            crc = table[(crc ^ data[j]) & 255] ^ crc >> 8;
        hash = mix(hash, crc);
    }
    return hash;
}

static uint32_t round_constant[64];

static inline uint32_t ror(uint32_t x, int n) { return x >> n | x << (32 - n); }

/* The first 32 bits of the fractional part of a root, by Newton's method: doubles hold 12 bits more than are needed. */
static uint32_t root_fraction(uint32_t prime, int degree)
{
    double root = prime;
    for (int step = 0; step < 60; step++)
        root = degree == 2 ? (root + prime / root) / 2 : (2 * root + prime / (root * root)) / 3;
    return (uint32_t)(uint64_t)(root * 4294967296.0);
}

static void sha256_block(uint32_t digest[8], const unsigned char *block)
{
    uint32_t w[64], a = digest[0], b = digest[1], c = digest[2], d = digest[3], e = digest[4], f = digest[5], g = digest[6], h = digest[7];
    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = ror(w[t - 15], 7) ^ ror(w[t - 15], 18) ^ w[t - 15] >> 3, s1 = ror(w[t - 2], 17) ^ ror(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    for (int t = 0; t < 64; t++) {
        uint32_t t1 = h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & f) ^ (~e & g)) + round_constant[t] + w[t];
        uint32_t t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
    }
    digest[0] += a; digest[1] += b; digest[2] += c; digest[3] += d;
    digest[4] += e; digest[5] += f; digest[6] += g; digest[7] += h;
}

uint64_t run_sha256(uint32_t repeats)
{
    static unsigned char data[16384];
    uint32_t digest[8];
    uint64_t state = SEED, hash = CHECKSUM;
    int count = 0;
    for (uint32_t n = 2; count < 64; n++) {
        uint32_t d = 2;
        while (d * d <= n && n % d != 0)
            d++;
        if (d * d <= n)
            continue;
        if (count < 8)
            digest[count] = root_fraction(n, 2);
        round_constant[count++] = root_fraction(n, 3);
    }
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)next_random(&state);
    for (uint32_t i = 0; i < repeats; i++) {
        for (size_t at = 0; at < sizeof data; at += 64)
            sha256_block(digest, data + at);
        memcpy(data + (i * 64) % sizeof data, digest, sizeof digest);
        hash = mix(hash, (uint64_t)digest[0] << 32 | digest[7]);
    }
    return hash;
}
