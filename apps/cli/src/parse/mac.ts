/** `52:54:00:12:34:56`, of one station; `undefined` for anything else. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}$/i.test(text)) return undefined;
  const bytes = Uint8Array.from(text.split(/[:-]/), (byte) => Number.parseInt(byte, 16));
  return (bytes[0] & 1) !== 0 ? undefined : bytes;
}
