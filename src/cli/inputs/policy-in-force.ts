// What a running server says of the policies in force: names and digests, from its page `/policy`.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { z } from 'zod';
import { DRIFT_KINDS } from '../../domain/policy/history/policy-drift.ts';
import type { PolicyInForce } from '../../review/drift/drift.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { readInput } from './files.ts';

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

/** A running server, and what it asks of who reads there from another machine. */
export interface ObservedServer {
  /** URL. */
  readonly server: string;
  /** File with a bearer token in its first line. */
  readonly tokenFile?: string;
  /** PEM file with those who may sign the server's certificate; absent, the authorities of the web. */
  readonly ca?: string;
}

interface Shown {
  readonly ca?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws CommandError 2 naming the server when it does not answer so. */
export async function fetchPolicyInForce(from: ObservedServer, signal: AbortSignal): Promise<PolicyInForce> {
  const url = pageOf(from.server);
  const shown = await shownTo(url, from);
  try {
    const parsed = answer.parse(JSON.parse(await textFrom(url, shown, signal)));
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

async function shownTo({ protocol }: URL, { tokenFile, ca }: ObservedServer): Promise<Shown> {
  const accept = { accept: 'application/json' };
  const trusted = ca === undefined ? {} : { ca: await readInput(ca) };
  if (tokenFile === undefined) return { ...trusted, headers: accept };
  if (protocol !== 'https:')
    throw new CommandError(EXIT.unreadable, '--token-file needs an https URL: a token does not cross in the clear');
  const [token = ''] = (await readInput(tokenFile)).split(/\r?\n/);
  if (!/^[\x21-\x7e]+$/.test(token.trim()))
    throw new CommandError(EXIT.unreadable, `${tokenFile} has no token in its first line`);
  return { ...trusted, headers: { ...accept, authorization: `Bearer ${token.trim()}` } };
}

async function textFrom(url: URL, shown: Shown, signal: AbortSignal): Promise<string> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
  const ask = url.protocol === 'https:' ? requestOverTls : request;
  const asked = ask(url, { ...shown, signal: within, agent: false }).end();
  const [response] = (await once(asked, 'response', { signal: within })) as [IncomingMessage];
  const { statusCode = 0 } = response;
  if (statusCode !== 200) {
    response.destroy();
    throw new Error(`it answers ${statusCode}${HINTS[statusCode] ?? ''}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> = response;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What an answer means that is none. */
const HINTS: Readonly<Record<number, string>> = {
  401: ': it takes another token than that of --token-file',
  403: ': name its https address, listen.metrics.address, and a token with --token-file',
};

function whyNot(cause: unknown): string {
  if (cause instanceof z.ZodError || cause instanceof SyntaxError) return 'its answer is not of the expected form';
  if (!(cause instanceof Error)) return 'it failed';
  if (cause.name === 'AbortError' || cause.name === 'TimeoutError')
    return `it did not answer within ${ANSWER_WITHIN_MS / 1000} seconds`;
  return cause.cause instanceof Error ? `${cause.message} (${cause.cause.message})` : cause.message;
}
