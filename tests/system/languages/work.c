/* What a C compiler does with it must be the same bytes everywhere. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct node { struct node *left, *right; uint32_t key; } node;

static node *insert(node *at, uint32_t key) {
  if (!at) { at = calloc(1, sizeof *at); at->key = key; return at; }
  if (key < at->key) at->left = insert(at->left, key); else at->right = insert(at->right, key);
  return at;
}

static unsigned depth(const node *at) {
  if (!at) return 0;
  unsigned l = depth(at->left), r = depth(at->right);
  return 1 + (l > r ? l : r);
}

static double integral(int steps) {
  double sum = 0;
  for (int i = 0; i < steps; i++) { double x = (i + 0.5) / steps; sum += sin(x) * exp(-x) / (1 + sqrt(x)); }
  return sum / steps;
}

int main(void) {
  node *root = 0;
  uint32_t state = 12345, sums[16] = {0};
  for (int i = 0; i < 50000; i++) { state = state * 1103515245 + 12345; root = insert(root, state); sums[state >> 28] += state ^ (uint32_t)i; }
  printf("depth %u integral %.17g", depth(root), integral(200000));
  for (int i = 0; i < 16; i++) printf(" %08x", sums[i]);
  long double product = 1;
  for (int i = 1; i < 60; i++) product *= 1.0L + 1.0L / ((long double)i * i);
  printf(" %.18Lg\n", product);
  return 0;
}
