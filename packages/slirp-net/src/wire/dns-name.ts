/** A domain name in wire format (RFC 1035 3.1), not compressed; undefined when it is none. */
export function encodeName(name: string): Uint8Array | undefined {
  const labels = name.replace(/\.$/, '').split('.').map((label) => new TextEncoder().encode(label));
  if (labels.some((label) => label.length === 0 || label.length > 63)) return undefined;
  const bytes = Uint8Array.from(labels.flatMap((label) => [label.length, ...label]).concat(0));
  return bytes.length > 255 ? undefined : bytes;
}
