// The policy from a document that operators edit while the server runs. A broken edit leaves the last
// good policy in force and says so once.
import { AuthorityError } from '../../domain/errors.ts';
import type { Policy } from '../../domain/policy/policy.ts';
import type { DocumentSource } from '../../ports/document-source.ts';
import type { Events } from '../../ports/events.ts';
import type { PolicySource } from '../../ports/policy-source.ts';
import { parsePolicy } from './policy-file.ts';

export interface PolicySourceParts {
  /** One document, `policy`. */
  readonly documents: DocumentSource;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

export class DocumentPolicySource implements PolicySource {
  readonly #parts: PolicySourceParts;
  readonly #listeners = new Set<() => void>();
  #policy: Policy | undefined;
  /** The text in force. */
  #text: string | undefined;
  /** What the last look complained of: the same problems are told once. */
  #problem: string | undefined;

  constructor(parts: PolicySourceParts) {
    this.#parts = parts;
  }

  /** Loads once, then follows changes until the signal aborts. @throws AuthorityError CAP-X03 when the first load fails. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#load();
    this.#parts.documents.onChange(async () => this.#reload(), { signal });
  }

  current(): Policy {
    if (this.#policy === undefined) throw new AuthorityError('CAP-S02');
    return this.#policy;
  }

  onChange(listener: () => void, { signal }: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  async #reload(): Promise<void> {
    try {
      await this.#load();
      this.#problem = undefined;
    } catch (error) {
      const problem = inWords(error);
      if (problem !== this.#problem) this.#parts.events.reloadFailed({ source: 'policy', problem });
      this.#problem = problem;
    }
  }

  async #load(): Promise<void> {
    const { documents, events } = this.#parts;
    const text = (await documents.read()).get('policy') ?? '';
    if (text === this.#text) {
      this.#unchanged();
      return;
    }
    this.#policy = parsePolicy(text, documents.placeOf('policy'));
    this.#text = text;
    events.reloaded({ source: 'policy', revision: this.#policy.revision });
    for (const listener of this.#listeners) listener();
  }

  /** A broken edit that is taken back is worth telling; to those who listen nothing has changed. */
  #unchanged(): void {
    const { revision } = this.current();
    if (this.#problem !== undefined) this.#parts.events.reloaded({ source: 'policy', revision });
  }
}

/** All problems of an edit, for the log: an operator mends them in one go. */
function inWords(error: unknown): string {
  if (!(error instanceof AuthorityError)) return 'unexpected failure';
  const { violations, message } = error;
  return violations.length > 1 ? violations.map(({ path, actual }) => `${path} ${actual}`).join('; ') : message;
}
