// What came back from the API server: a body of bounded size as data, or its refusal as an error.
import type { IncomingMessage } from 'node:http';
import { codeOf } from '../../../domain/text/system-error.ts';
import { KubernetesApiError } from './kubernetes-api.ts';

/** Of one answer. A page of a list that is larger is asked for again in smaller pages. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Of a server's text, in a message. */
const MAX_QUOTED = 400;

/** Longest that a server is left alone for its asking. */
const LONGEST_ASKED_MS = 60_000;

/** etcd's own bound for one request (--max-request-bytes), which the API server passes on as a failure of its own. */
const OVER_ETCD = 'etcdserver: request is too large';
const CONTENT_TOO_LARGE = 413;

/** Ours: the page does not fit. */
export const TOO_LARGE = 'AnswerTooLarge';

/**
 * @returns the JSON of an answer with status 2xx.
 * @throws KubernetesApiError for any other, for one that is too large and for one that is no JSON.
 */
export async function readAnswer(response: IncomingMessage): Promise<unknown> {
  const text = (await bytesOf(response)).toString('utf8');
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw refusalOf(status, text, response.headers['retry-after']);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const message = 'the API server answered with what is no JSON';
    throw new KubernetesApiError({ status: 0, reason: 'Malformed', message }, cause);
  }
}

/** @returns a refusal as an error. @param text the body: a Status object, or whatever a proxy on the way said. */
export function refusalOf(status: number, text: string, retryAfter: string | undefined): KubernetesApiError {
  const { message, reason, details } = statusIn(text);
  const seconds = details?.retryAfterSeconds ?? Number(retryAfter);
  const words = message ?? 'no reason given';
  return new KubernetesApiError({
    status: words.includes(OVER_ETCD) ? CONTENT_TOO_LARGE : status,
    reason: reason ?? 'Unknown',
    message: `the API server answered ${status}: ${words.slice(0, MAX_QUOTED)}`,
    ...(Number.isFinite(seconds) && seconds > 0 && { retryAfterMs: Math.min(seconds * 1_000, LONGEST_ASKED_MS) }),
  });
}

/** @returns a failure to reach the server, in words. @param cause of Node; its text may quote nothing of the request. */
export function unreachable(cause: unknown): KubernetesApiError {
  const why = codeOf(cause) ?? (cause instanceof Error ? cause.message.slice(0, MAX_QUOTED) : 'unknown failure');
  const message = `the API server cannot be reached (${why})`;
  return new KubernetesApiError({ status: 0, reason: 'Unreachable', message }, cause);
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) {
      response.destroy();
      const message = `the API server answered more than ${MAX_ANSWER_BYTES} bytes`;
      throw new KubernetesApiError({ status: 0, reason: TOO_LARGE, message });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

function statusIn(text: string): Status {
  try {
    const status = JSON.parse(text) as unknown;
    return typeof status === 'object' && status !== null ? status : {};
  } catch {
    return text === '' ? {} : { message: text };
  }
}
