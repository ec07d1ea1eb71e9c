// Workloads that ask for certificates at a pace of their own while people look: how many had one, and how long each waited.
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { ChildServer } from '../../../app/support/child-server.ts';
import type { ServerFiles } from '../../../app/support/server-files.ts';
import { buildCsr } from '../../../support/certificates.ts';

export interface Pace {
  readonly perSecond: number;
  /** On as many connections, each with one call at a time. */
  readonly connections: number;
}

export interface Issued {
  readonly tookMs: readonly number[];
  /** What was said in place of a certificate. */
  readonly refusals: readonly string[];
  /** For how long was asked. */
  readonly seconds: number;
}

/** Service accounts of `default`, a pod each, in turn. */
const ACCOUNTS = 400;

export async function issueSteadily(
  server: ChildServer,
  { mint }: ServerFiles,
  { perSecond, connections }: Pace,
  { signal }: { readonly signal: AbortSignal },
): Promise<Issued> {
  const { pem: csr } = await buildCsr();
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => `account-${index}`);
  const tokens = await Promise.all(accounts.map(async (account) => mint.tokenIn('default', account)));
  const tookMs: number[] = [];
  const refusals: string[] = [];
  const everyMs = (connections * 1_000) / perSecond;
  const beganMs = performance.now();
  const asking = async (_: unknown, index: number): Promise<void> => {
    using client = server.client();
    for (let turn = 0; !signal.aborted; turn += 1) {
      const headers = { authorization: `Bearer ${tokens[(turn * connections + index) % ACCOUNTS]}` };
      const sinceMs = performance.now();
      const { code, details } = await client.call({ csr, headers });
      tookMs.push(performance.now() - sinceMs);
      if (code !== status.OK) refusals.push(`${status[code]} ${details}`);
      const restMs = beganMs + (turn + 1) * everyMs - performance.now();
      // The abort is how the asking ends.
      if (restMs > 0) await sleep(restMs, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: connections }, asking));
  return { tookMs, refusals, seconds: (performance.now() - beganMs) / 1_000 };
}
