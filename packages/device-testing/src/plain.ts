/** @returns the path of the first thing in `value` that is not `Plain`, or `undefined` */
export function firstNotPlain(value: unknown, path = 'state'): string | undefined {
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'bigint':
    case 'string':
      return undefined;
    case 'object':
      break;
    default:
      return `${path} is ${typeof value}`;
  }
  if (value === null || value instanceof Uint8Array) return undefined;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const bad = firstNotPlain(value[i], `${path}[${i}]`);
      if (bad !== undefined) return bad;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `${path} is an instance of a class`;
  for (const [field, inner] of Object.entries(value as object)) {
    const bad = firstNotPlain(inner, `${path}.${field}`);
    if (bad !== undefined) return bad;
  }
  return undefined;
}
