// One document over HTTPS from a server under one pinned certificate authority. No redirects, no cookies,
// no compression; bounded in size and time.
import { request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';

/** As much as a file may have. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;
/** For one whole fetch. */
export const FETCH_TIMEOUT_MS = 10_000;
/** Longer tags are not sent back. */
const MAX_TAG_LENGTH = 256;

export interface FetchOptions {
  /** PEM; no other authority is trusted, the system's neither. */
  readonly caPem: string;
  /** Tag of the version at hand: the server may answer that nothing has changed. */
  readonly knownTag?: string;
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

export type FetchedDocument =
  | { readonly status: 'unchanged' }
  | {
      readonly status: 'new';
      readonly text: string;
      /** Its ETag (RFC 9110 section 8.8.3), when it has one. */
      readonly tag?: string;
    };

/** @throws Error saying what went wrong, in words for the operator. */
export async function fetchDocument(url: URL, options: FetchOptions): Promise<FetchedDocument> {
  const { knownTag, timeoutMs = FETCH_TIMEOUT_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await ask(url, {
      ca: options.caPem,
      agent: false,
      signal: AbortSignal.any([options.signal, timeout]),
      headers: {
        accept: '*/*',
        'accept-encoding': 'identity',
        ...(knownTag !== undefined && { 'if-none-match': knownTag }),
      },
    });
    if (answer.statusCode === 304 && knownTag !== undefined) {
      answer.destroy();
      return { status: 'unchanged' };
    }
    const problem = answerProblem(answer);
    if (problem !== undefined) throw destroyed(answer, problem);
    const text = await textOf(answer);
    const tag = tagOf(answer);
    return { status: 'new', text, ...(tag !== undefined && { tag }) };
  } catch (cause) {
    options.signal.throwIfAborted();
    throw timeout.aborted ? new Error(`did not answer within ${timeoutMs / 1000} s`, { cause }) : cause;
  }
}

async function ask(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, options, resolve).once('error', reject).end();
  });
}

function answerProblem({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  if (statusCode !== 200) {
    const redirected = headers.location !== undefined;
    return redirected
      ? `answered with a redirect (${statusCode}), which is not followed`
      : `answered with status ${statusCode}, wanted 200`;
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  return encoding === 'identity' ? undefined : 'answered with a compressed document, which was not asked for';
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_DOCUMENT_BYTES) throw destroyed(answer, `answered more than ${MAX_DOCUMENT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tagOf({ headers: { etag } }: IncomingMessage): string | undefined {
  return etag !== undefined && etag.length <= MAX_TAG_LENGTH ? etag : undefined;
}

function destroyed(answer: IncomingMessage, problem: string): Error {
  answer.destroy();
  return new Error(problem);
}
