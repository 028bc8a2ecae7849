/* Text: words counted in a hash table, numbers written and read, strings searched, through the C library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

enum { BUCKETS = 512, LENGTH = 16384 };

struct word {
    struct word *next;
    unsigned count;
    char name[24];
};

static void count_word(struct word **table, const char *name, size_t length)
{
    uint32_t key = 5381;
    for (size_t i = 0; i < length; i++)
        key = key * 33 ^ (unsigned char)name[i];
    struct word **at = &table[key % BUCKETS];
    for (; *at != NULL; at = &(*at)->next) {
        if (strncmp((*at)->name, name, length) == 0 && (*at)->name[length] == 0) {
            (*at)->count++;
            return;
        }
    }
    *at = calloc(1, sizeof **at);
    memcpy((*at)->name, name, length);
    (*at)->count = 1;
}

uint64_t run_text(uint32_t repeats)
{
    static char text[LENGTH + 64];
    uint64_t state = SEED, hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        struct word *table[BUCKETS] = { NULL };
        size_t end = 0;
        while (end < LENGTH) {
            uint64_t word = next_random(&state);
            if (word >> 62 == 0)
                end += (size_t)sprintf(text + end, "%u ", (unsigned)(word & 0xfffff));
            else
                end += (size_t)sprintf(text + end, "%.*s%c ", (int)(word & 7) + 1, "alphabet soup" + (word >> 8) % 5, (char)('a' + (word >> 16) % 16));
        }
        uint64_t numbers = 0;
        for (char *at = text; *at != 0;) {
            size_t length = strcspn(at, " ");
            if (*at >= '0' && *at <= '9')
                numbers += strtoul(at, NULL, 10);
            else if (length > 0)
                count_word(table, at, length < 23 ? length : 23);
            at += length + (at[length] == ' ');
        }
        unsigned found = 0;
        for (char *at = text; (at = strstr(at, "betp")) != NULL; at++)
            found++;
        for (int c = 'a'; c <= 'p'; c++)
            for (char *at = text; (at = strchr(at, c)) != NULL; at++)
                found += 3;
        hash = mix(mix(hash, numbers), found + strlen(text));
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            for (struct word *w = table[bucket], *next; w != NULL; w = next) {
                next = w->next;
                hash = mix(hash, w->count + (uint64_t)(unsigned char)w->name[0]);
                free(w);
            }
        }
    }
    return hash;
}
