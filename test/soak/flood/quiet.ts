// The others, whom no flood may touch: namespaces that ask for a certificate now and then, on connections that they
// keep, and some on a new one each time.
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { CsrWire } from '../../adapters/grpc/wire.ts';
import type { ChildServer } from '../../app/support/child-server.ts';
import type { ServerFiles } from '../../app/support/server-files.ts';

export const QUIET = ['quiet-1', 'quiet-2', 'quiet-3', 'quiet-4', 'quiet-5'];

/** Each namespace asks so often; every fifth time on a new connection. */
const EVERY_MS = 250;
const FRESH_EVERY = 5;

export interface QuietReport {
  /** Of calls on kept connections, and of those that made one. */
  readonly keptMs: readonly number[];
  readonly freshMs: readonly number[];
  /** What was said in place of a certificate. */
  readonly refusals: readonly string[];
}

export async function askQuietly(
  server: ChildServer,
  files: ServerFiles,
  csr: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<QuietReport> {
  const keptMs: number[] = [];
  const freshMs: number[] = [];
  const refusals: string[] = [];
  const ask = async (
    client: CsrWire,
    headers: Readonly<Record<string, string>>,
    latenciesMs: number[],
  ): Promise<void> => {
    const began = performance.now();
    const { code, details } = await client.call({ csr, headers });
    latenciesMs.push(performance.now() - began);
    if (code !== status.OK) refusals.push(`${status[code]} ${details}`);
  };
  const asking = async (namespace: string): Promise<void> => {
    const headers = { authorization: `Bearer ${await files.mint.tokenIn(namespace, 'demo')}` };
    using kept = server.client();
    for (let count = 1; !signal.aborted; count += 1) {
      if (count % FRESH_EVERY === 0) {
        using fresh = server.client();
        await ask(fresh, headers, freshMs);
      } else await ask(kept, headers, keptMs);
      // The abort is how the asking ends.
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(QUIET.map(asking));
  return { keptMs, freshMs, refusals };
}

/** @returns the value that a share of all stays below. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
