/**
 * Control flow as WebAssembly wants it. Nodes are numbers; those from the count of blocks on are dispatches, through which all edges into a loop
 * with more than one entry go.
 */
export type Element = BlockElement | LoopElement | DispatchElement;

export interface BlockElement {
  readonly kind: 'block';
  readonly node: number;
}
/** `body` in an order in which every edge that isn't one back to the header goes forward; its first element is the header. */
export interface LoopElement {
  readonly kind: 'loop';
  readonly header: number;
  readonly body: readonly Element[];
}
export interface DispatchElement {
  readonly kind: 'dispatch';
  readonly node: number;
  readonly targets: readonly number[];
}

export interface Structure {
  readonly elements: readonly Element[];
  /** The dispatch that edges to a block go through. */
  readonly dispatchOf: ReadonlyMap<number, DispatchElement>;
}

export function entryOf(element: Element): number {
  return element.kind === 'loop' ? element.header : element.node;
}

/**
 * Orders the blocks that are reachable from the entries and finds their loops, outermost first (strongly connected components, as in Steensgaard's
 * loop forest). @param successors by block; the last one is placed right behind its block where that can be
 */
export function structure(successors: readonly (readonly number[])[], entries: readonly number[]): Structure {
  const dispatchOf = new Map<number, DispatchElement>();
  let nodes = successors.length;

  /** @param removed edges into these are loops' own, and don't count */
  const order = (members: ReadonlySet<number>, roots: readonly number[], removed: ReadonlySet<number>): Element[] => {
    const result: Element[] = [];
    for (const component of components(successors, members, roots, removed)) {
      const [first] = component as [number];
      const set = new Set(component);
      const isLoop = component.length > 1 || ((successors[first] as readonly number[]).includes(first) && !removed.has(first));
      if (!isLoop) {
        result.push({ kind: 'block', node: first });
        continue;
      }
      const entries = component.filter((node) => roots.includes(node) || entered(successors, members, set, node, removed));
      const inner = new Set(removed);
      for (const entry of entries) inner.add(entry);
      if (entries.length === 1) {
        const header = entries[0] as number;
        result.push({ kind: 'loop', header, body: order(set, [header], inner) });
      } else {
        const dispatch: DispatchElement = { kind: 'dispatch', node: nodes++, targets: entries };
        for (const entry of entries) dispatchOf.set(entry, dispatch);
        result.push({ kind: 'loop', header: dispatch.node, body: [dispatch, ...order(set, entries, inner)] });
      }
    }
    return result;
  };

  const all = new Set(successors.keys());
  return { elements: order(all, entries, new Set()), dispatchOf };
}

function entered(successors: readonly (readonly number[])[], members: ReadonlySet<number>, component: ReadonlySet<number>, node: number, removed: ReadonlySet<number>): boolean {
  if (removed.has(node)) return false;
  for (const from of members) if (!component.has(from) && (successors[from] as readonly number[]).includes(node)) return true;
  return false;
}

/** Strongly connected components reachable from the roots, in an order in which edges between them go forward (Tarjan). */
function components(successors: readonly (readonly number[])[], members: ReadonlySet<number>, roots: readonly number[], removed: ReadonlySet<number>): number[][] {
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const onStack = new Set<number>();
  const stack: number[] = [];
  const found: number[][] = [];
  let next = 0;
  const visit = (node: number): void => {
    index.set(node, next);
    low.set(node, next++);
    stack.push(node);
    onStack.add(node);
    for (const to of successors[node] as readonly number[]) {
      if (!members.has(to) || removed.has(to)) continue;
      if (!index.has(to)) {
        visit(to);
        low.set(node, Math.min(low.get(node) as number, low.get(to) as number));
      } else if (onStack.has(to)) low.set(node, Math.min(low.get(node) as number, index.get(to) as number));
    }
    if (low.get(node) !== index.get(node)) return;
    const component: number[] = [];
    for (;;) {
      const member = stack.pop() as number;
      onStack.delete(member);
      component.push(member);
      if (member === node) break;
    }
    found.push(component.reverse());
  };
  for (const root of roots) if (!index.has(root)) visit(root);
  return found.reverse();
}
