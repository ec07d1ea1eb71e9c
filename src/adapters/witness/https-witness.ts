// Heads posted to a server that keeps them, one request for each: what it does with them is its own.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { codeOf } from '../../domain/text/system-error.ts';
import type { HeadWitness, KeptHead } from '../../ports/audit/audit-heads.ts';

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

  async keep({ text }: KeptHead, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { url, caFile, tokenFile } = this.#settings;
    const ca = caFile === undefined ? undefined : await readFile(caFile, { signal });
    const token =
      tokenFile === undefined ? undefined : (await readFile(tokenFile, { encoding: 'utf8', signal })).trim();
    const body = `${text}\n`;
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const asked = request(url, { method: 'POST', headers, signal, agent: false, ...(ca && { ca }) });
    asked.end(body);
    const [answer] = (await once(asked, 'response', { signal }).catch((cause: unknown) => {
      throw new Error(`it does not answer (${codeOf(cause) ?? 'no code'})`, { cause });
    })) as [IncomingMessage];
    // Only the status is of interest; what is not read would hold the connection.
    answer.destroy();
    const { statusCode = 0 } = answer;
    if (statusCode < 200 || statusCode > 299) throw new Error(`it answers with status ${statusCode}`);
  }
}
