/* Sorting: quicksort with insertion sort at the leaves, heapsort, the library's qsort with a comparison by pointer. */
#include <stdlib.h>
#include <string.h>
#include "bench.h"

enum { COUNT = 20000 };

static void quicksort(uint32_t *a, int n)
{
    while (n > 16) {
        uint32_t pivot = a[n / 2];
        int i = 0, j = n - 1;
        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i <= j) {
                uint32_t swap = a[i];
                a[i++] = a[j];
                a[j--] = swap;
            }
        }
        if (j + 1 < n - i) {
            quicksort(a, j + 1);
            a += i;
            n -= i;
        } else {
            quicksort(a + i, n - i);
            n = j + 1;
        }
    }
    for (int i = 1; i < n; i++) {
        uint32_t value = a[i];
        int j = i;
        for (; j > 0 && a[j - 1] > value; j--)
            a[j] = a[j - 1];
        a[j] = value;
    }
}

static void heapsort(uint32_t *a, int n)
{
    for (int start = n / 2 - 1, end = n; end > 1;) {
        if (start < 0) {
            uint32_t swap = a[--end];
            a[end] = a[0];
            a[0] = swap;
        }
        int root = start >= 0 ? start-- : 0;
        for (int child; (child = 2 * root + 1) < end; root = child) {
            if (child + 1 < end && a[child] < a[child + 1])
                child++;
            if (a[root] >= a[child])
                break;
            uint32_t swap = a[root];
            a[root] = a[child];
            a[child] = swap;
        }
    }
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint64_t checked(const uint32_t *a, uint64_t hash)
{
    for (int i = 0; i < COUNT; i++)
        hash = mix(hash, a[i]);
    return hash;
}

uint64_t run_sort(uint32_t repeats)
{
    static uint32_t data[COUNT], work[COUNT];
    uint64_t state = SEED, hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        for (int j = 0; j < COUNT; j++)
            data[j] = (uint32_t)next_random(&state);
        memcpy(work, data, sizeof data);
        quicksort(work, COUNT);
        hash = checked(work, hash);
        memcpy(work, data, sizeof data);
        heapsort(work, COUNT);
        hash = checked(work, hash);
        qsort(data, COUNT, sizeof *data, ascending);
        hash = checked(data, hash);
    }
    return hash;
}
