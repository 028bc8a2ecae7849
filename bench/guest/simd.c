/* SSE2 intrinsics: blending of pixels, sums of absolute differences, multiply-add of samples, a transpose, single-precision a * x + y. */
#include <emmintrin.h>
#include <string.h>
#include "bench.h"

enum { SIZE = 16384 };

static void blend(unsigned char *to, const unsigned char *a, const unsigned char *b, int alpha)
{
    const __m128i zero = _mm_setzero_si128(), wa = _mm_set1_epi16((short)alpha), wb = _mm_set1_epi16((short)(256 - alpha));
    for (int i = 0; i < SIZE; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(a + i)), y = _mm_loadu_si128((const __m128i *)(b + i));
        __m128i low = _mm_add_epi16(_mm_mullo_epi16(_mm_unpacklo_epi8(x, zero), wa), _mm_mullo_epi16(_mm_unpacklo_epi8(y, zero), wb));
        __m128i high = _mm_add_epi16(_mm_mullo_epi16(_mm_unpackhi_epi8(x, zero), wa), _mm_mullo_epi16(_mm_unpackhi_epi8(y, zero), wb));
        _mm_storeu_si128((__m128i *)(to + i), _mm_packus_epi16(_mm_srli_epi16(low, 8), _mm_srli_epi16(high, 8)));
    }
}

static uint64_t differences(const unsigned char *a, const unsigned char *b)
{
    __m128i sum = _mm_setzero_si128();
    for (int i = 0; i < SIZE; i += 16)
        sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_loadu_si128((const __m128i *)(a + i)), _mm_loadu_si128((const __m128i *)(b + i))));
    uint64_t total;
    _mm_storel_epi64((__m128i *)(void *)&total, _mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)));
    return total;
}

static int32_t correlate(const short *a, const short *b)
{
    __m128i sum = _mm_setzero_si128();
    for (int i = 0; i < SIZE / 2; i += 8) {
        __m128i x = _mm_srai_epi16(_mm_loadu_si128((const __m128i *)(a + i)), 4), y = _mm_srai_epi16(_mm_loadu_si128((const __m128i *)(b + i)), 4);
        sum = _mm_add_epi32(sum, _mm_srai_epi32(_mm_madd_epi16(x, _mm_max_epi16(y, x)), 6));
    }
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(1, 0, 3, 2)));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(sum);
}

static void saxpy(float *y, const float *x, float a, int n)
{
    const __m128 factor = _mm_set1_ps(a);
    for (int i = 0; i < n; i += 4)
        _mm_storeu_ps(y + i, _mm_add_ps(_mm_mul_ps(factor, _mm_loadu_ps(x + i)), _mm_min_ps(_mm_loadu_ps(y + i), _mm_set1_ps(1e6f))));
}

static void transpose(uint32_t *m)
{
    __m128i a = _mm_loadu_si128((__m128i *)m), b = _mm_loadu_si128((__m128i *)(m + 4)), c = _mm_loadu_si128((__m128i *)(m + 8)), d = _mm_loadu_si128((__m128i *)(m + 12));
    __m128i ab = _mm_unpacklo_epi32(a, b), cd = _mm_unpacklo_epi32(c, d), AB = _mm_unpackhi_epi32(a, b), CD = _mm_unpackhi_epi32(c, d);
    _mm_storeu_si128((__m128i *)m, _mm_unpacklo_epi64(ab, cd));
    _mm_storeu_si128((__m128i *)(m + 4), _mm_unpackhi_epi64(ab, cd));
    _mm_storeu_si128((__m128i *)(m + 8), _mm_unpacklo_epi64(AB, CD));
    _mm_storeu_si128((__m128i *)(m + 12), _mm_unpackhi_epi64(AB, CD));
}

uint64_t run_simd(uint32_t repeats)
{
    static unsigned char a[SIZE], b[SIZE], c[SIZE];
    static float x[1024], y[1024];
    uint64_t state = SEED, hash = CHECKSUM;
    for (int i = 0; i < SIZE; i++) {
        a[i] = (unsigned char)next_random(&state);
        b[i] = (unsigned char)(next_random(&state) >> 32);
    }
    for (int i = 0; i < 1024; i++)
        x[i] = (float)((int32_t)next_random(&state) >> 8) / 65536.0f;
    for (uint32_t i = 0; i < repeats; i++) {
        blend(c, a, b, (int)(i & 255));
        hash = mix(hash, differences(c, b));
        hash = mix(hash, (uint64_t)(uint32_t)correlate((const short *)a, (const short *)c));
        for (int j = 0; j < 64; j++)
            transpose((uint32_t *)(void *)(a + j * 64));
        saxpy(y, x, 0.5f + (float)(i & 7), 1024);
        uint32_t word;
        memcpy(&word, &y[i & 1023], sizeof word);
        hash = mix(hash, word);
    }
    return hash;
}
