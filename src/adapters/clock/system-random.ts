// Randomness from the platform's cryptographic generator, drawn in pools: one call per certificate
// would cost more than the bytes.
import { randomFillSync } from 'node:crypto';
import type { Random } from '../../ports/random.ts';

const POOL_BYTES = 4096;

/** @returns a generator with a pool of its own; no byte is handed out twice. */
export function systemRandom(): Random {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  const bytes = (length: number): Uint8Array => {
    if (length > POOL_BYTES) throw new RangeError(`at most ${POOL_BYTES} random bytes at once`);
    if (used + length > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const drawn = Uint8Array.from(pool.subarray(used, used + length));
    pool.fill(0, used, used + length);
    used += length;
    return drawn;
  };
  return { bytes, fraction: () => new DataView(bytes(4).buffer).getUint32(0) / 2 ** 32 };
}
