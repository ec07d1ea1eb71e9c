// What a server holds while a proxy lives on its certificates: memory and open files, looked at again and again, must come to rest.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Envoy } from './envoy.ts';

const EVERY_MS = 1_000;
/** Of lives of ten seconds: what is left of the certificate in use when it is renewed at half, and then some. */
const LEAST_REMAINING_MS = 3_000;
/** A run this short sees garbage collection come and go; a leak of one connection per rotation shows above it. */
const MAX_GROWTH_BYTES = 32 * 1024 ** 2;
const MAX_MORE_FILES = 8;

export interface Footprint {
  readonly bytes: number;
  readonly files: number;
}

/** Looks each second until the signal aborts. @throws AssertionError when a certificate of the proxy comes near its end. */
export async function footprintsOf(
  { pid }: { readonly pid: number },
  envoy: Envoy,
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly Footprint[]> {
  const footprints: Footprint[] = [];
  while (!signal.aborted) {
    for (const { cert_chain: chain } of await envoy.certificates()) {
      const remainingMs = Date.parse(chain[0]!.expiration_time) - Date.now();
      assert.ok(remainingMs > LEAST_REMAINING_MS, `${remainingMs} ms left`);
    }
    footprints.push(footprint(pid));
    // The abort is how it ends.
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return footprints;
}

/** The last third is no larger than the second, give or take. @returns by how much, in words. */
export function assertFlat(footprints: readonly Footprint[]): string {
  const third = Math.floor(footprints.length / 3);
  const [middle, last] = [footprints.slice(third, 2 * third), footprints.slice(2 * third)];
  const growthBytes = least(last, ({ bytes }) => bytes) - least(middle, ({ bytes }) => bytes);
  assert.ok(growthBytes < MAX_GROWTH_BYTES, `resident memory grew by ${growthBytes} bytes`);
  assert.ok(least(last, ({ files }) => files) <= least(middle, ({ files }) => files) + MAX_MORE_FILES);
  return `${(growthBytes / 1024 ** 2).toFixed(1)} MiB growth`;
}

/** Of another process, as Linux tells it. */
function footprint(pid: number): Footprint {
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { bytes: Number(resident![1]) * 1024, files: readdirSync(`/proc/${pid}/fd`).length };
}

/** The least of a stretch: what remains after each collection. */
function least(samples: readonly Footprint[], of: (sample: Footprint) => number): number {
  return Math.min(...samples.map(of));
}
