// Keys of a token issuer from local JWKS documents, for clusters whose issuer cannot be reached from here.
// A broken edit keeps the last good keys and says so.
import { AuthorityError } from '../../../domain/errors.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { keySetFrom, readJson, type KeySet, type KeySource } from './key-set.ts';

export interface DocumentKeysParts {
  readonly documents: DocumentSource;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

export class DocumentKeys implements KeySource {
  readonly #parts: DocumentKeysParts;
  #keys: KeySet | undefined;

  constructor(parts: DocumentKeysParts) {
    this.#parts = parts;
  }

  /** Reads the keys, and again after each change until the signal aborts. @throws AuthorityError CAP-X03. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.#keys = await this.#read();
    this.#parts.documents.onChange(async () => this.#reload(), { signal });
  }

  peek(): KeySet | undefined {
    return this.#keys;
  }

  async current(): Promise<KeySet> {
    if (this.#keys === undefined) throw new AuthorityError('CAP-S05', { detail: 'they are not loaded yet' });
    return this.#keys;
  }

  async newerThan(than: KeySet): Promise<KeySet | undefined> {
    return this.#keys === than ? undefined : this.#keys;
  }

  async #read(): Promise<KeySet> {
    const { documents } = this.#parts;
    const texts = await documents.read();
    try {
      return keySetFrom(...[...texts.values()].map(parse));
    } catch (cause) {
      const places = [...texts.keys()].map((name) => documents.placeOf(name)).join(', ');
      const problem = cause instanceof Error ? cause.message : 'cannot be read';
      throw new AuthorityError('CAP-X03', { detail: `the token key file ${places} ${problem}`, cause });
    }
  }

  async #reload(): Promise<void> {
    const { events } = this.#parts;
    try {
      const keys = await this.#read();
      // The same keys stay the same object, so that what was verified with them stays verified.
      if (keys.revision === this.#keys?.revision) return;
      this.#keys = keys;
      events.reloaded({ source: 'token-keys', revision: keys.revision });
    } catch (error) {
      const problem = error instanceof AuthorityError ? error.message : 'the token key file cannot be read';
      events.reloadFailed({ source: 'token-keys', problem, kept: this.#keys !== undefined });
    }
  }
}

function parse(text: string): unknown {
  try {
    return readJson(text);
  } catch {
    throw new Error('is not JSON');
  }
}
