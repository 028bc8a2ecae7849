/* Branches that are hard to foresee: Collatz sequences, queens on a board, a tokeniser's state machine. */
#include "bench.h"

static int queens(unsigned columns, unsigned left, unsigned right, unsigned all)
{
    int found = 0;
    if (columns == all)
        return 1;
    for (unsigned free = all & ~(columns | left | right); free != 0; free &= free - 1) {
        unsigned bit = free & -free;
        found += queens(columns | bit, ((left | bit) << 1) & all, (right | bit) >> 1, all);
    }
    return found;
}

static uint64_t tokens(const unsigned char *text, size_t length)
{
    enum { BLANK, WORD, NUMBER, STRING, COMMENT } state = BLANK;
    uint64_t counts[5] = { 0 };
    for (size_t i = 0; i < length; i++) {
        unsigned char c = text[i];
        switch (state) {
        case STRING:
            if (c == '"')
                state = BLANK;
            break;
        case COMMENT:
            if (c == '\n')
                state = BLANK;
            break;
        default:
            if (c == '"')
                state = STRING;
            else if (c == '#')
                state = COMMENT;
            else if (c >= '0' && c <= '9')
                state = state == WORD ? WORD : NUMBER;
            else if ((c | 32) >= 'a' && (c | 32) <= 'z')
                state = WORD;
            else
                state = BLANK;
        }
        counts[state]++;
    }
    return counts[0] ^ counts[1] << 8 ^ counts[2] << 16 ^ counts[3] << 24 ^ counts[4] << 32;
}

uint64_t run_branchy(uint32_t repeats)
{
    static unsigned char text[8192];
    uint64_t state = SEED, hash = CHECKSUM;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "  \n\"#abcxyz0129+-"[next_random(&state) % 17];
    for (uint32_t i = 0; i < repeats; i++) {
        for (uint64_t n = 1; n < 500; n++) {
            unsigned steps = 0;
            for (uint64_t x = n + i; x != 1; steps++)
                x = x & 1 ? 3 * x + 1 : x / 2;
            hash = mix(hash, steps);
        }
        hash = mix(hash, (uint64_t)queens(0, 0, 0, 0x7f));
        text[i % sizeof text] ^= 1;
        hash = mix(hash, tokens(text, sizeof text));
    }
    return hash;
}
