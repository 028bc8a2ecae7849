import { dirname, resolve, sep } from 'node:path';
import { mayImport, packageOf } from '../scripts/architecture.mjs';

const inWorkspace = /(?:^|\/)(?:packages|apps)\/([^/]+)\/(.*)$/;

/** The package folder that a file lies in, and its path inside. @param {string} file */
function locate(file) {
  const match = inWorkspace.exec(file.split(sep).join('/'));
  return match === null ? undefined : { name: match[1], inside: match[2] };
}

/** Files that are not part of what is published: tests and what only they use, examples, build configuration. */
const notShipped = /\.test\.[mc]?[jt]s$|\.bench\.[mc]?[jt]s$|\.test-d\.ts$|^(?:tests|examples|bench|fixtures|golden|guests|scripts|tools)\/|(?:^|\/)testing\/|^[^/]+\.config\.[mc]?[jt]s$/;
/** Where Node's own modules may be imported in a package: its `./node` subpath, and what is not shipped. */
const nodeSide = /^src\/node(?:\/|\.ts$)/;

/**
 * Imports follow the table in `scripts/architecture.mjs`; no relative import leaves its package; Node's modules only behind `./node`.
 * @type {import('eslint').Rule.RuleModule}
 */
export const boundaries = {
  meta: {
    type: 'problem',
    schema: [],
    docs: { description: 'imports point down the package table' },
    messages: {
      tier: '{{from}} may not import {{to}}: imports only point down the table in docs/architecture.md.',
      relative: 'A relative import may not leave the package; import the package by its name.',
      node: "{{module}} is Node's: a package imports it only in src/node (its ./node subpath).",
    },
  },
  create(context) {
    const here = locate(context.filename);
    if (here === undefined) return {};
    const test = notShipped.test(here.inside);
    const isApp = /(?:^|\/)apps\/[^/]+\//.test(context.filename.split(sep).join('/'));

    /** @param {import('estree').Node | null | undefined} source */
    const check = (source) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const specifier = source.value;
      if (specifier.startsWith('.')) {
        const there = locate(resolve(dirname(context.filename), specifier));
        const leaves = there === undefined || there.name !== here.name;
        if (leaves && !/tsup\.config\.ts$/.test(here.inside) && !test) {
          context.report({ node: source, messageId: 'relative' });
        }
        return;
      }
      if (specifier.startsWith('node:')) {
        if (!isApp && !test && !nodeSide.test(here.inside)) {
          context.report({ node: source, messageId: 'node', data: { module: specifier } });
        }
        return;
      }
      const to = packageOf(specifier);
      if (to === undefined || mayImport(here.name, to, { test })) return;
      context.report({ node: source, messageId: 'tier', data: { from: here.name, to } });
    };

    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument?.literal),
    };
  },
};
