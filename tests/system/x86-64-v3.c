// Work that gcc vectorises with AVX2 and FMA, with conversions of halves, gathers, masked moves and bit tricks; prints checksums.
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 4096
static float a[N], b[N], c[N];
static double x[N], y[N], z[N];
static int32_t i[N], j[N], k[N];
static uint64_t hash(const void *p, size_t n) {
  const uint8_t *s = p; uint64_t h = 0xcbf29ce484222325u;
  for (size_t q = 0; q < n; q++) h = (h ^ s[q]) * 0x100000001b3u;
  return h;
}
static uint64_t seed = 88172645463325252u;
static uint64_t rnd(void) { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; return seed; }
int main(void) {
  for (int n = 0; n < N; n++) {
    a[n] = (float)(int32_t)rnd() / 65536; b[n] = (float)(int32_t)rnd() / 1000; c[n] = (float)(rnd() % 1000);
    x[n] = (double)(int64_t)rnd() / 1e9; y[n] = (double)(int64_t)rnd() / 1e15; z[n] = (double)(rnd() % 1000);
    i[n] = (int32_t)rnd(); j[n] = (int32_t)rnd() & (N - 1); k[n] = (int32_t)rnd();
  }
  for (int r = 0; r < 20; r++) {
    for (int n = 0; n < N; n++) a[n] = fmaf(a[n], b[n] * 1e-3f, c[n]);
    for (int n = 0; n < N; n++) x[n] = fma(x[n] * 1e-3, y[n], -z[n]);
    for (int n = 0; n < N; n++) k[n] = (k[n] ^ i[j[n]]) + (i[n] >> (k[n] & 31));
    for (int n = 0; n < N; n++) if (k[n] > 0) i[n] += k[n] * 3;
    for (int n = 0; n < N; n++) y[n] = sqrt(fabs(x[n])) / (1 + z[n]);
  }
  printf("fma single %016llx double %016llx\n", (unsigned long long)hash(a, sizeof a), (unsigned long long)hash(x, sizeof x));
  printf("integers %016llx %016llx roots %016llx\n", (unsigned long long)hash(k, sizeof k), (unsigned long long)hash(i, sizeof i), (unsigned long long)hash(y, sizeof y));
  uint16_t halves[N];
  for (int n = 0; n < N; n += 8) _mm_storeu_si128((__m128i *)(halves + n), _mm256_cvtps_ph(_mm256_loadu_ps(b + n), _MM_FROUND_TO_NEAREST_INT));
  for (int n = 0; n < N; n += 8) _mm256_storeu_ps(c + n, _mm256_cvtph_ps(_mm_loadu_si128((__m128i *)(halves + n))));
  printf("halves %016llx %016llx\n", (unsigned long long)hash(halves, sizeof halves), (unsigned long long)hash(c, sizeof c));
  for (int n = 0; n + 8 <= N; n += 8) {
    __m256i at = _mm256_loadu_si256((__m256i *)(j + n));
    __m256 got = _mm256_mask_i32gather_ps(_mm256_loadu_ps(b + n), a, at, _mm256_loadu_ps(c + n), 4);
    _mm256_maskstore_ps(c + n, _mm256_loadu_si256((__m256i *)(k + n)), got);
  }
  printf("gathered %016llx\n", (unsigned long long)hash(c, sizeof c));
  uint64_t bits = 0;
  for (int n = 0; n < N; n++) bits = bits * 31 + _pext_u64(rnd(), 0x5555aaaa3333ccccu) + _lzcnt_u32((uint32_t)i[n]) + _tzcnt_u64(rnd()) + _pdep_u32((uint32_t)k[n], 0x0f0f3355) + _bzhi_u32((uint32_t)i[n], (uint32_t)j[n] & 31);
  printf("bits %016llx\n", (unsigned long long)bits);
  char text[3000]; memset(text, 'a', sizeof text - 1); text[sizeof text - 1] = 0; text[2500] = 'b';
  printf("strings %zu %zd %d\n", strlen(text), strchr(text, 'b') - text, memcmp(text, text + 1, 2499));
  printf("sin %.17g exp %.17g pow %.17g\n", sin(1.25), exp(-3.5), pow(2.5, 7.25));
  return 0;
}
