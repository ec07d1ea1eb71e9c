// A bundle and its signature where a web server keeps them: at a URL, and at the same with `.sig` behind it.
import { readFile } from 'node:fs/promises';
import { AuthorityError } from '../../../../domain/errors.ts';
import { decodePemBlocks } from '../../../../domain/x509/pem.ts';
import { fileProblem } from '../../../../domain/text/system-error.ts';
import { fetchDocument, type FetchedDocument } from './fetch-document.ts';
import type { PolicyBundleTexts } from '../verify-bundle.ts';

export interface RemotePolicyBundleSettings {
  readonly url: string;
  /** PEM file with the only certificate authority that the URL is trusted by. */
  readonly caFile: string;
  /** Whether there is a signature to be fetched. */
  readonly signed: boolean;
  /** For one fetch; see FETCH_TIMEOUT_MS. */
  readonly timeoutMs: number;
}

export interface FetchedPolicyBundle {
  readonly texts: PolicyBundleTexts;
  /** The bundle's ETag, when it has one. */
  readonly tag?: string;
}

export class RemotePolicyBundle {
  readonly #settings: RemotePolicyBundleSettings;
  readonly #url: URL;
  readonly #signatureUrl: URL;

  /** @throws AuthorityError CAP-X03 for a URL that is not https or carries a password. */
  constructor(settings: RemotePolicyBundleSettings) {
    this.#settings = settings;
    this.#url = fetchableUrl(settings.url);
    this.#signatureUrl = new URL(this.#url);
    this.#signatureUrl.pathname += '.sig';
  }

  /**
   * @param knownTag of the bundle in force.
   * @returns nothing when that is still the newest.
   * @throws AuthorityError CAP-X03 naming the URL or the file that is to blame.
   */
  async fetch(knownTag: string | undefined, signal: AbortSignal): Promise<FetchedPolicyBundle | undefined> {
    // Each time anew, so that the authority can be replaced while the server runs.
    const caPem = await readCa(this.#settings.caFile);
    const bundle = await this.#get(this.#url, caPem, signal, knownTag);
    if (bundle.status === 'unchanged') return undefined;
    const signature = this.#settings.signed ? await this.#get(this.#signatureUrl, caPem, signal) : undefined;
    const texts = {
      place: placeOf(this.#url),
      bundle: bundle.text,
      signaturePlace: placeOf(this.#signatureUrl),
      ...(signature?.status === 'new' && { signature: signature.text }),
    };
    return { texts, ...(bundle.tag !== undefined && { tag: bundle.tag }) };
  }

  async #get(url: URL, caPem: string, signal: AbortSignal, knownTag?: string): Promise<FetchedDocument> {
    const { timeoutMs } = this.#settings;
    try {
      return await fetchDocument(url, { caPem, signal, timeoutMs, ...(knownTag !== undefined && { knownTag }) });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'the fetch failed';
      throw new AuthorityError('CAP-X03', { detail: `${placeOf(url)} ${why}`, cause });
    }
  }
}

async function readCa(file: string): Promise<string> {
  const pem = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new AuthorityError('CAP-X03', { detail: `${file} ${fileProblem(cause)}`, cause });
  });
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  if ('problem' in blocks) throw new AuthorityError('CAP-X03', { detail: `${file} ${blocks.problem}` });
  return pem;
}

function fetchableUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' && url.username === '' && url.password === '') return url;
  throw new AuthorityError('CAP-X03', { detail: 'the URL of the policy bundle must be https and carry no password' });
}

/** Without its query, which may carry a token. */
function placeOf({ origin, pathname }: URL): string {
  return origin + pathname;
}
