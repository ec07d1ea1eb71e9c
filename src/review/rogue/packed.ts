// What is compressed: gzip is opened, as Helm keeps its releases in Secrets; other forms are named.
import { gunzipSync } from 'node:zlib';

/** What all gzip of one text may unpack to together: as much as a file may hold. */
export const MAX_UNPACKED = 8 * 1024 * 1024;

export const GZIP = Buffer.from('1f8b08', 'hex');
/** By their first bytes. */
const OTHERS: readonly (readonly [beginning: Buffer, name: string])[] = [
  [Buffer.from('504b0304', 'hex'), 'a zip archive'],
  [Buffer.from('fd377a585a00', 'hex'), 'compressed with xz'],
  [Buffer.from('28b52ffd', 'hex'), 'compressed with zstd'],
  [Buffer.from('425a6839314159265359', 'hex'), 'compressed with bzip2'],
];

/**
 * @param room what it may unpack to, in bytes.
 * @returns what is in it, or why it was not opened, in words that follow its name; nothing for bytes that are not compressed. Never throws.
 */
export function packedIn(
  bytes: Uint8Array,
  room: number,
): { readonly bytes: Uint8Array } | { readonly problem: string; readonly isTooLarge?: true } | undefined {
  const begins = (beginning: Buffer): boolean => beginning.equals(bytes.subarray(0, beginning.length));
  const other = OTHERS.find(([beginning]) => begins(beginning));
  if (other !== undefined) return { problem: `is ${other[1]}, which is not opened` };
  if (!begins(GZIP)) return undefined;
  if (room <= 0) return TOO_LARGE;
  try {
    return { bytes: gunzipSync(bytes, { maxOutputLength: room }) };
  } catch (error) {
    return error instanceof RangeError ? TOO_LARGE : { problem: 'is compressed, and cannot be unpacked' };
  }
}

const TOO_LARGE = { problem: 'holds more than 8 MiB when it is unpacked', isTooLarge: true } as const;
