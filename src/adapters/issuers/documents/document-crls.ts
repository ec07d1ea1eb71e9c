// Revocation lists that others signed, from a file: PEM, of the corporate root and of CAs between it and our issuers. A broken
// edit leaves the last good ones; one that nobody renews is told long before it ends.
import { AuthorityError } from '../../../domain/errors.ts';
import { readCrls, type Crl } from '../../../domain/x509/crl/read-crl.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { Listeners } from '../../../live/listeners.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { ImportedCrls } from '../../../ports/revocation/imported-crls.ts';

export interface DocumentCrlsParts {
  /** The document `crls`; absent where none is configured. */
  readonly documents: DocumentSource | undefined;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

/** With less than this share of its life left, somebody should have renewed it. */
const RENEWED_SHARE = 1 / 4;

export class DocumentCrls implements ImportedCrls {
  readonly #parts: DocumentCrlsParts;
  readonly #listeners = new Listeners();
  readonly #failure: ReportOnce;
  #crls: readonly Crl[] = [];

  constructor(parts: DocumentCrlsParts) {
    this.#parts = parts;
    this.#failure = new ReportOnce((problem) =>
      parts.events.reloadFailed({ source: 'crls', problem, kept: this.#crls.length > 0 }),
    );
  }

  /** Reads once, then follows the file until the signal aborts. Never throws: `problem` tells. */
  async start(options: { readonly signal: AbortSignal }): Promise<void> {
    const { documents } = this.#parts;
    if (documents === undefined) return;
    await this.#read(documents);
    documents.onChange(async () => this.#read(documents), options);
  }

  current(): readonly Crl[] {
    return this.#crls;
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** What is wrong with the file, or which list of it should be renewed, in words; nothing when all is well. */
  get problem(): string | undefined {
    if (this.#failure.problem !== undefined) return this.#failure.problem;
    const nowMs = this.#parts.clock.nowMs();
    const due = this.#crls.find((crl) => nowMs >= renewalMs(crl));
    return due && `an imported CRL ends ${formatTime(due.nextUpdateMs)}: import its successor`;
  }

  async #read(documents: DocumentSource): Promise<void> {
    try {
      const text = (await documents.read()).get('crls') ?? '';
      const crls = readCrls(text);
      if ('problem' in crls)
        throw new AuthorityError('CAP-X03', { detail: `${documents.placeOf('crls')} ${crls.problem}` });
      this.#failure.over();
      if (digestOf(crls) === digestOf(this.#crls)) return;
      this.#crls = crls;
      this.#parts.events.reloaded({ source: 'crls', revision: `imported ${digestOf(crls)}` });
      this.#listeners.notify();
    } catch (error) {
      this.#failure.found(error instanceof AuthorityError ? error.message : 'unexpected failure');
    }
  }
}

function renewalMs({ thisUpdateMs, nextUpdateMs }: Crl): number {
  return nextUpdateMs - (nextUpdateMs - thisUpdateMs) * RENEWED_SHARE;
}

function digestOf(crls: readonly Crl[]): string {
  return crls.map(({ sha256 }) => sha256.slice(0, 16)).join(' ');
}
