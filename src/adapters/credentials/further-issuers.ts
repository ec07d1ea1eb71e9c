// Intermediates of others whose leaves an operator takes as well as our own: replicas of the same mesh. A broken edit
// keeps the last good ones and says so.
import { createHash } from 'node:crypto';
import { AuthorityError } from '../../domain/errors.ts';
import { readCaCertificate, type CaCertificate } from '../../domain/x509/ca-certificate.ts';
import { decodePemBlocks } from '../../domain/x509/pem.ts';
import type { DocumentSource } from '../../ports/platform/document-source.ts';
import type { Events } from '../../ports/platform/events.ts';

export interface FurtherIssuersParts {
  /** One PEM document or more. */
  readonly documents: DocumentSource;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

/** More than one mesh has replicas, with room for those of before. */
const MAX_ISSUERS = 100;

export class FurtherIssuers {
  readonly #parts: FurtherIssuersParts;
  #issuers: readonly CaCertificate[] = [];
  #revision = '';

  constructor(parts: FurtherIssuersParts) {
    this.#parts = parts;
  }

  /** Reads them, and again after each change until the signal aborts. @throws AuthorityError CAP-X03. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#load();
    this.#parts.documents.onChange(async () => this.#reload(), { signal });
  }

  current(): readonly CaCertificate[] {
    return this.#issuers;
  }

  /** @returns whether they are others than before. */
  async #load(): Promise<boolean> {
    const { documents } = this.#parts;
    const texts = [...(await documents.read())];
    const issuers = texts.flatMap(([name, text]) => {
      const found = issuersIn(text);
      if (!('problem' in found)) return found;
      throw new AuthorityError('CAP-X03', { detail: `${documents.placeOf(name)} ${found.problem}` });
    });
    const revision = createHash('sha256')
      .update(JSON.stringify(issuers.map(({ sha256 }) => sha256)))
      .digest('hex');
    const changed = revision !== this.#revision;
    this.#issuers = issuers;
    this.#revision = revision;
    return changed;
  }

  async #reload(): Promise<void> {
    const { events } = this.#parts;
    try {
      if (await this.#load()) events.reloaded({ source: 'further-issuers', revision: this.#revision.slice(0, 16) });
    } catch (error) {
      const problem = error instanceof AuthorityError ? error.message : 'the further issuers cannot be read';
      events.reloadFailed({ source: 'further-issuers', problem });
    }
  }
}

function issuersIn(pem: string): readonly CaCertificate[] | { readonly problem: string } {
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  if ('problem' in blocks) return blocks;
  if (blocks.length > MAX_ISSUERS) return { problem: `has ${blocks.length} certificates, allowed ${MAX_ISSUERS}` };
  const issuers: CaCertificate[] = [];
  for (const der of blocks) {
    const issuer = readCaCertificate(der);
    if ('problem' in issuer) return issuer;
    // Under a root is the whole corporation; only the intermediate says whose replicas they are.
    if (Buffer.compare(issuer.subjectDer, issuer.issuerDer) === 0) {
      return { problem: `has the root ${issuer.subject}; name the intermediates that issue` };
    }
    issuers.push(issuer);
  }
  return issuers;
}
