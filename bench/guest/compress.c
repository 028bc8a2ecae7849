/* Compression as gzip does it: matches found by hash chains, Huffman codes of lengths made from frequencies, and the way back. */
#include <stdlib.h>
#include <string.h>
#include "bench.h"

enum { TEXT = 32768, WINDOW = 32768, HASHES = 4096, LONGEST = 130, SHORTEST = 3, SYMBOLS = 256 + LONGEST - SHORTEST + 2, END = SYMBOLS - 1, CODE_LIMIT = 24 };

struct stream {
    unsigned char *bytes;
    size_t at;
    uint64_t bits;
    int count;
};

static void put(struct stream *s, uint32_t value, int count)
{
    s->bits |= (uint64_t)value << s->count;
    s->count += count;
    for (; s->count >= 8; s->count -= 8, s->bits >>= 8)
        s->bytes[s->at++] = (unsigned char)s->bits;
}

static uint32_t get(struct stream *s, int count)
{
    for (; s->count < count; s->count += 8)
        s->bits |= (uint64_t)s->bytes[s->at++] << s->count;
    uint32_t value = (uint32_t)(s->bits & ((1ULL << count) - 1));
    s->bits >>= count;
    s->count -= count;
    return value;
}

/* Lengths by repeatedly joining the two rarest, quadratic and simple; canonical codes, bits reversed for a stream that begins with the lowest. */
static void huffman(const uint32_t *frequency, unsigned char *length, uint32_t *codeword)
{
    static uint32_t weight[2 * SYMBOLS];
    static int parent[2 * SYMBOLS], alive[2 * SYMBOLS];
    int n = 0, living = 0;
    for (n = 0; n < SYMBOLS; n++) {
        weight[n] = frequency[n] + 1;
        alive[n] = 1;
        living++;
    }
    while (living > 1) {
        int first = -1, second = -1;
        for (int i = 0; i < n; i++) {
            if (!alive[i])
                continue;
            if (first < 0 || weight[i] < weight[first]) {
                second = first;
                first = i;
            } else if (second < 0 || weight[i] < weight[second]) {
                second = i;
            }
        }
        weight[n] = weight[first] + weight[second];
        parent[first] = parent[second] = n;
        alive[first] = alive[second] = 0;
        alive[n++] = 1;
        living--;
    }
    uint32_t counts[CODE_LIMIT + 1] = { 0 }, next[CODE_LIMIT + 2] = { 0 };
    for (int i = 0; i < SYMBOLS; i++) {
        int depth = 0;
        for (int at = i; at != n - 1; at = parent[at])
            depth++;
        length[i] = (unsigned char)depth;
        counts[depth]++;
    }
    for (int bits = 1; bits <= CODE_LIMIT; bits++)
        next[bits + 1] = (next[bits] + counts[bits]) << 1;
    for (int i = 0; i < SYMBOLS; i++) {
        uint32_t code = next[length[i]]++, reversed = 0;
        for (int bit = 0; bit < length[i]; bit++)
            reversed |= (code >> bit & 1) << (length[i] - 1 - bit);
        codeword[i] = reversed;
    }
}

struct token {
    uint16_t symbol, distance;
};

static int find_tokens(const unsigned char *text, struct token *tokens, uint32_t *frequency)
{
    static int head[HASHES], previous[TEXT];
    int count = 0;
    for (int i = 0; i < HASHES; i++)
        head[i] = -1;
    memset(frequency, 0, SYMBOLS * sizeof *frequency);
    for (int at = 0; at < TEXT;) {
        int best = 0, where = 0;
        if (at + SHORTEST <= TEXT) {
            uint32_t key = (text[at] * 2654435761u ^ text[at + 1] * 40503u ^ text[at + 2] * 97u) >> 7 & (HASHES - 1);
            for (int candidate = head[key], tries = 16; candidate >= 0 && at - candidate < WINDOW && tries > 0; candidate = previous[candidate], tries--) {
                int length = 0;
                while (length < LONGEST && at + length < TEXT && text[candidate + length] == text[at + length])
                    length++;
                if (length > best) {
                    best = length;
                    where = at - candidate;
                }
            }
            previous[at] = head[key];
            head[key] = at;
        }
        struct token token = best >= SHORTEST ? (struct token){ (uint16_t)(256 + best - SHORTEST), (uint16_t)where } : (struct token){ text[at], 0 };
        frequency[token.symbol]++;
        tokens[count++] = token;
        at += best >= SHORTEST ? best : 1;
    }
    tokens[count].symbol = END;
    tokens[count++].distance = 0;
    return count;
}

static size_t expand(unsigned char *bytes, const unsigned char *length, const uint32_t *codeword, unsigned char *to)
{
    static int child[2 * SYMBOLS][2];
    int nodes = 1;
    memset(child, 0, sizeof child);
    for (int i = 0; i < SYMBOLS; i++) {
        int node = 0;
        for (int bit = 0; bit < length[i]; bit++) {
            int *next = &child[node][codeword[i] >> bit & 1];
            if (bit == length[i] - 1)
                *next = -1 - i;
            else if (*next == 0)
                *next = nodes++;
            node = *next;
        }
    }
    struct stream in = { bytes, 0, 0, 0 };
    size_t at = 0;
    for (;;) {
        int node = 0;
        do
            node = child[node][get(&in, 1)];
        while (node > 0);
        int symbol = -1 - node;
        if (symbol == END)
            return at;
        if (symbol < 256) {
            to[at++] = (unsigned char)symbol;
            continue;
        }
        size_t distance = get(&in, 15);
        for (int i = 0; i < symbol - 256 + SHORTEST; i++, at++)
            to[at] = to[at - distance];
    }
}

uint64_t run_compress(uint32_t repeats)
{
    static unsigned char text[TEXT], packed[2 * TEXT], unpacked[TEXT + LONGEST];
    static struct token tokens[TEXT + 1];
    static uint32_t frequency[SYMBOLS], codeword[SYMBOLS];
    static unsigned char length[SYMBOLS];
    static const char *const words[] = { "kernel ", "page ", "the ", "of ", "interrupt ", "struct ", "return ", "0x", "\n", "  ", "lock", "ed ", "a ", "memory", ", ", "; " };
    uint64_t state = SEED, hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        for (int at = 0; at < TEXT;) {
            uint64_t word = next_random(&state);
            const char *piece = words[(word >> 60) & (word >> 56) & 15];
            while (*piece != 0 && at < TEXT)
                text[at++] = (unsigned char)*piece++;
            if ((word & 7) == 0 && at < TEXT)
                text[at++] = (unsigned char)('0' + (word >> 8) % 10);
        }
        int count = find_tokens(text, tokens, frequency);
        huffman(frequency, length, codeword);
        struct stream out = { packed, 0, 0, 0 };
        for (int j = 0; j < count; j++) {
            put(&out, codeword[tokens[j].symbol], length[tokens[j].symbol]);
            if (tokens[j].symbol >= 256 && tokens[j].symbol != END)
                put(&out, tokens[j].distance, 15);
        }
        put(&out, 0, 32);
        hash = mix(hash, out.at);
        for (size_t j = 0; j < out.at; j += 61)
            hash = mix(hash, packed[j]);
        size_t back = expand(packed, length, codeword, unpacked);
        hash = mix(hash, back == TEXT && memcmp(text, unpacked, TEXT) == 0);
    }
    return hash;
}
