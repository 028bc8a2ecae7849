/* Floating point: Mandelbrot's set, planets, matrices. Only operations that IEEE 754 defines exactly, so that every machine gives the same bits. */
#include <math.h>
#include <string.h>
#include "bench.h"

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

uint64_t run_mandelbrot(uint32_t repeats)
{
    uint64_t hash = CHECKSUM;
    for (uint32_t i = 0; i < repeats; i++) {
        for (int y = 0; y < 24; y++) {
            for (int x = 0; x < 32; x++) {
                double cr = x / 12.0 - 2.0 + i * 1e-6, ci = y / 12.0 - 1.0, zr = 0, zi = 0;
                int n = 0;
                for (; n < 100; n++) {
                    double r2 = zr * zr, i2 = zi * zi;
                    if (r2 + i2 > 4.0)
                        break;
                    zi = 2 * zr * zi + ci;
                    zr = r2 - i2 + cr;
                }
                hash = mix(hash, (uint64_t)n);
            }
        }
    }
    return hash;
}

struct body {
    double x, y, z, vx, vy, vz, mass;
};

uint64_t run_nbody(uint32_t repeats)
{
    struct body bodies[5] = { { 0, 0, 0, 0, 0, 0, 39.5 } };
    uint64_t state = SEED, hash = CHECKSUM;
    for (int i = 1; i < 5; i++) {
        struct body *b = &bodies[i];
        double *field = &b->x;
        for (int j = 0; j < 6; j++)
            field[j] = (double)(int32_t)next_random(&state) / 2147483648.0 * (j < 3 ? 8.0 * i : 1.0);
        b->mass = 0.01 * i;
    }
    for (uint32_t i = 0; i < repeats * 200; i++) {
        for (int a = 0; a < 5; a++) {
            for (int b = a + 1; b < 5; b++) {
                struct body *p = &bodies[a], *q = &bodies[b];
                double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
                double square = dx * dx + dy * dy + dz * dz, strength = 0.001 / (square * sqrt(square));
                p->vx -= dx * q->mass * strength; p->vy -= dy * q->mass * strength; p->vz -= dz * q->mass * strength;
                q->vx += dx * p->mass * strength; q->vy += dy * p->mass * strength; q->vz += dz * p->mass * strength;
            }
        }
        for (int a = 0; a < 5; a++) {
            struct body *p = &bodies[a];
            p->x += 0.001 * p->vx; p->y += 0.001 * p->vy; p->z += 0.001 * p->vz;
        }
    }
    for (int i = 0; i < 5; i++)
        hash = mix(mix(mix(hash, bits_of(bodies[i].x)), bits_of(bodies[i].vy)), bits_of(bodies[i].z));
    return hash;
}

uint64_t run_matrix(uint32_t repeats)
{
    enum { N = 64 };
    static double a[N][N], b[N][N], c[N][N];
    static float f[N][N], g[N][N];
    uint64_t state = SEED, hash = CHECKSUM;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(int32_t)next_random(&state) / 4294967296.0;
            b[i][j] = (double)(int32_t)next_random(&state) / 4294967296.0;
            f[i][j] = (float)a[i][j];
        }
    }
    for (uint32_t r = 0; r < repeats; r++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                double sum = 0;
                for (int k = 0; k < N; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
        }
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                g[i][j] = (f[i - 1][j] + f[i + 1][j] + f[i][j - 1] + f[i][j + 1]) * 0.25f;
        memcpy(f, g, sizeof f);
        for (int i = 0; i < N; i++) {
            a[i][(i + (int)r) % N] = c[i][i] / (1.0 + fabs(c[i][i])) + (double)f[i][N / 2];
            hash = mix(hash, bits_of(c[i][N - 1 - i]));
        }
    }
    return hash;
}
