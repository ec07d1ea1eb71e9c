// What is compressed: gzip is opened, as Helm keeps its releases in Secrets; other forms are named.
import { gunzipSync } from 'node:zlib';

/** What gzip may unpack to: as much as a file may hold. */
const MAX_UNPACKED = 8 * 1024 * 1024;

export const GZIP = Buffer.from('1f8b08', 'hex');
/** By their first bytes. */
const OTHERS: readonly (readonly [beginning: Buffer, name: string])[] = [
  [Buffer.from('504b0304', 'hex'), 'a zip archive'],
  [Buffer.from('fd377a585a00', 'hex'), 'compressed with xz'],
  [Buffer.from('28b52ffd', 'hex'), 'compressed with zstd'],
  [Buffer.from('425a6839314159265359', 'hex'), 'compressed with bzip2'],
];

/** @returns what is in it, or why it was not opened, in words that follow its name; nothing for bytes that are not compressed. Never throws. */
export function packedIn(bytes: Uint8Array): { readonly bytes: Uint8Array } | { readonly problem: string } | undefined {
  const begins = (beginning: Buffer): boolean => beginning.equals(bytes.subarray(0, beginning.length));
  const other = OTHERS.find(([beginning]) => begins(beginning));
  if (other !== undefined) return { problem: `is ${other[1]}, which is not opened` };
  if (!begins(GZIP)) return undefined;
  try {
    return { bytes: gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED }) };
  } catch (error) {
    const isTooLarge = error instanceof RangeError;
    return { problem: isTooLarge ? 'is compressed, and larger than 8 MiB' : 'is compressed, and cannot be unpacked' };
  }
}
