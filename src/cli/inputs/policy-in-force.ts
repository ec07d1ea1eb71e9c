// What a running server says of the policies in force: names and digests, from its page `/policy`.
import { z } from 'zod';
import { DRIFT_KINDS } from '../../domain/policy/history/policy-drift.ts';
import type { PolicyInForce } from '../../review/drift/drift.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

const ANSWER_WITHIN_MS = 10_000;
/** Ten thousand policies with the longest names take less. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const name = z.string().max(253);
const drift = z.object({
  count: z.int(),
  gitRevision: name.optional(),
  gitRevisionInForce: name.optional(),
  problem: z.string().optional(),
  policies: z.array(z.object({ title: z.string().max(1_000), drift: z.enum(DRIFT_KINDS) })).max(1_000),
});
const answer = z.object({
  revision: name,
  bundle: z.object({ name, sequence: z.int(), digest }),
  policies: z.array(z.object({ kind: name, namespace: name.optional(), name, digest })).max(100_000),
  drift: drift.optional(),
});

/** @throws CommandError 2 naming the server when it does not answer so. */
export async function fetchPolicyInForce(server: string, signal: AbortSignal): Promise<PolicyInForce> {
  const url = pageOf(server);
  try {
    const parsed = answer.parse(JSON.parse(await textFrom(url, signal)));
    const { bundle, policies, revision, drift: watched } = parsed;
    return {
      revision,
      ...(watched !== undefined && { watched }),
      policies: [
        { kind: 'PolicyBundle', name: bundle.name, digest: bundle.digest },
        ...policies.map(({ kind, namespace, ...each }) => ({
          kind,
          ...(namespace !== undefined && { namespace }),
          ...each,
        })),
      ],
    };
  } catch (cause) {
    throw new CommandError(EXIT.unreadable, `cannot ask ${url.href}: ${whyNot(cause)}`, { cause });
  }
}

function pageOf(server: string): URL {
  const base = URL.parse(server.endsWith('/') ? server : `${server}/`);
  if (base !== null && /^https?:$/.test(base.protocol)) return new URL('policy', base);
  throw new CommandError(EXIT.unreadable, `--server ${JSON.stringify(server)} is not an http or https URL`);
}

async function textFrom(url: URL, signal: AbortSignal): Promise<string> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
  const response = await fetch(url, { signal: within, redirect: 'error', headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`it answers ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function whyNot(cause: unknown): string {
  if (cause instanceof z.ZodError || cause instanceof SyntaxError) return 'its answer is not of the expected form';
  if (!(cause instanceof Error)) return 'it failed';
  if (cause.name === 'TimeoutError') return `it did not answer within ${ANSWER_WITHIN_MS / 1000} seconds`;
  return cause.cause instanceof Error ? `${cause.message} (${cause.cause.message})` : cause.message;
}
