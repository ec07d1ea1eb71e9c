// Heads posted to a server that keeps them, one request for each: what it does with them is its own. It may say what it has.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { addAbortSignal } from 'node:stream';
import { codeOf } from '../../domain/text/system-error.ts';
import type { HeadWitness, KeptHead } from '../../ports/audit/audit-heads.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Of the end of what it has: some thousand heads. */
const MAX_READ_BYTES = 4 * 1024 * 1024;
/** Of an answer to whose end that is: who does not know ranges (RFC 9110, 14.2) gives all that it has. */
const MAX_ANSWER_BYTES = 16 * MAX_READ_BYTES;

const TOO_MUCH = `it has more than ${MAX_ANSWER_BYTES / 1024 ** 2} MiB, and does not know Range, by which it is asked for the end of that`;

export interface HttpsWitnessSettings {
  readonly url: string;
  /** PEM file with the CAs that its certificate is verified by; absent, those of the platform. Read for each head. */
  readonly caFile?: string | undefined;
  /** File with a bearer token. Read for each head. */
  readonly tokenFile?: string | undefined;
}

export class HttpsWitness implements HeadWitness {
  readonly #settings: HttpsWitnessSettings;

  constructor(settings: HttpsWitnessSettings) {
    this.#settings = settings;
  }

  get name(): string {
    return new URL(this.#settings.url).origin;
  }

  async keep({ text }: KeptHead, { signal }: Waits): Promise<void> {
    const answer = await this.#ask('POST', { 'content-type': 'application/json' }, `${text}\n`, { signal });
    // Only the status is of interest; what is not read would hold the connection.
    answer.destroy();
    const { statusCode = 0 } = answer;
    if (!isGood(statusCode)) throw new Error(`it answers with status ${statusCode}`);
  }

  /** Where it answers a GET with what was posted, each on a line and the newest last, or with the end of that. */
  async lastLines({ signal }: Waits): Promise<readonly string[]> {
    const answer = await this.#ask('GET', { range: `bytes=-${MAX_READ_BYTES}` }, '', { signal });
    const { statusCode = 0 } = answer;
    if (mayPass(statusCode)) {
      answer.destroy();
      throw new Error(`it answers with status ${statusCode} when it is asked what it has`);
    }
    const text = isGood(statusCode) ? await endOf(answer, { signal }) : '';
    answer.destroy();
    // A part may begin within a line, which then is no head. The last one may have no line feed, and be whole all the same.
    return text
      .split(/\r?\n/)
      .filter((line) => line !== '')
      .reverse();
  }

  async #ask(
    method: string,
    more: Readonly<Record<string, string>>,
    body: string,
    { signal }: Waits,
  ): Promise<IncomingMessage> {
    const { url, caFile, tokenFile } = this.#settings;
    const ca = caFile === undefined ? undefined : await readFile(caFile, { signal });
    const token =
      tokenFile === undefined ? undefined : (await readFile(tokenFile, { encoding: 'utf8', signal })).trim();
    const headers = {
      ...more,
      'content-length': Buffer.byteLength(body),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const asked = request(url, { method, headers, signal, agent: false, ...(ca && { ca }) });
    asked.end(body);
    const [answer] = (await once(asked, 'response', { signal }).catch((cause: unknown) => {
      throw new Error(`it does not answer (${codeOf(cause) ?? 'no code'})`, { cause });
    })) as [IncomingMessage];
    return answer;
  }
}

function isGood(status: number): boolean {
  return status >= 200 && status <= 299;
}

/** Others say that it does not tell what it has. */
function mayPass(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

/** Of one that gives more than was asked for the last of it; the line that this cuts is no head. */
async function endOf(answer: IncomingMessage, { signal }: Waits): Promise<string> {
  const parts: Buffer[] = [];
  let [length, kept] = [0, 0];
  for await (const part of addAbortSignal(signal, answer) as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new Error(TOO_MUCH);
    parts.push(part);
    kept += part.length;
    while (kept - (parts[0]?.length ?? 0) >= MAX_READ_BYTES) kept -= parts.shift()?.length ?? 0;
  }
  return Buffer.concat(parts).toString();
}
