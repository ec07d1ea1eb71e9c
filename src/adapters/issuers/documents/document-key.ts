// A key that signs statements, as documents have it: opened when it is asked for first, and anew after its documents changed or
// it failed. Nobody waits for it but who signs.
import { createPublicKey } from 'node:crypto';
import { keyIdOfSpki, signedBytes, type Signed, type StatementPurpose } from '../../../domain/audit/statement.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { KEY_TABLE, type SignatureAlgorithm } from '../../../domain/x509/key-types.ts';
import { readPublicKey } from '../../../domain/x509/public-key.ts';
import type { StatementSigner } from '../../../ports/audit/statement-signer.ts';
import type { OpenedKey, SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface DocumentKeyParts {
  /** `key`, and `secret` where there is one. */
  readonly documents: DocumentSource;
  readonly opener: SignerOpener;
  /** Hears of a key that works and should not be as it is, once for each opening. */
  readonly warn: (problem: string) => void;
}

interface Opened {
  readonly key: OpenedKey;
  readonly algorithm: SignatureAlgorithm;
}

export class DocumentKey implements StatementSigner {
  readonly #parts: DocumentKeyParts;
  #opened: Opened | undefined;

  constructor(parts: DocumentKeyParts) {
    this.#parts = parts;
  }

  /** Follows the documents until the signal aborts. */
  follow({ signal }: Waits): void {
    this.#parts.documents.onChange(() => this.#release(), { signal });
    signal.addEventListener('abort', () => this.#release(), { once: true });
  }

  async sign<S extends object>(purpose: StatementPurpose, statement: S, options: Waits): Promise<Signed<S>> {
    const { key, algorithm } = await this.#open(options);
    try {
      const signature = await key.signerFor(algorithm).sign(signedBytes(purpose, statement), options);
      const base64 = Buffer.from(signature).toString('base64');
      return { statement, keyId: keyIdOfSpki(key.spki), algorithm, signature: base64 };
    } catch (error) {
      // Whatever was wrong with it: the next time it is opened anew.
      this.#release();
      throw error;
    }
  }

  async publicKey(options: Waits): Promise<string> {
    const { key } = await this.#open(options);
    const input = { key: Buffer.from(key.spki), format: 'der', type: 'spki' } as const;
    return createPublicKey(input).export({ type: 'spki', format: 'pem' });
  }

  async #open(options: Waits): Promise<Opened> {
    if (this.#opened !== undefined) return this.#opened;
    const { documents, opener, warn } = this.#parts;
    const texts = await documents.read();
    const secret = texts.get('secret');
    const key = await opener.open({ text: texts.get('key') ?? '', ...(secret !== undefined && { secret }) }, options);
    if ('problem' in key) throw new AuthorityError('CAP-X03', { detail: `${documents.placeOf('key')} ${key.problem}` });
    if (key.warning !== undefined) warn(`${documents.placeOf('key')} ${key.warning}`);
    const opened = { key, algorithm: KEY_TABLE[readPublicKey(key.spki).family].signs };
    this.#opened = opened;
    return opened;
  }

  #release(): void {
    this.#opened?.key.release?.();
    this.#opened = undefined;
  }
}
