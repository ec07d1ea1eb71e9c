// The policies that a checkout says should be in force. Who reads the folder names its commit too. Files that an edit leaves
// alone are not parsed again, and others get their turn between two files: it is read again and again, and may be large.
import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { KnownPolicy } from '../../../domain/policy/history/policy-drift.ts';
import type { Problem } from '../../../domain/text/position.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { ExpectedPolicies, PoliciesKept } from '../../../ports/policy/expected-policies.ts';
import { parsePolicyDocuments } from '../source/parse-documents.ts';
import { policiesInvalid } from '../source/policies-invalid.ts';

export interface Checkout {
  /** By path below the folder; as bounded as the reading is. */
  readonly texts: ReadonlyMap<string, string>;
  readonly gitRevision?: string | undefined;
}

interface KnownFile {
  readonly textDigest: string;
  readonly policies: readonly KnownPolicy[];
  readonly problems: readonly Problem[];
}

export class CheckedOutPolicies implements ExpectedPolicies {
  readonly #source: DocumentSource<Checkout>;
  #known: ReadonlyMap<string, KnownFile> = new Map();
  #last: PoliciesKept | undefined;

  constructor(source: DocumentSource<Checkout>) {
    this.#source = source;
  }

  /** @returns the same object as long as nothing changes. */
  async read(): Promise<PoliciesKept> {
    const { texts, gitRevision } = await this.#source.read();
    const files = await this.#parse(texts);
    const problems = [...files.values()].flatMap((file) => file.problems);
    if (problems.length > 0) throw policiesInvalid(problems);
    if (this.#last !== undefined && files === this.#known && this.#last.gitRevision === gitRevision) return this.#last;
    this.#known = files;
    const policies = [...files.values()].flatMap((file) => file.policies);
    this.#last = { policies, ...(gitRevision !== undefined && { gitRevision }) };
    return this.#last;
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#source.onChange(listener, options);
  }

  /** @returns what is known already when the texts are the same. */
  async #parse(texts: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, KnownFile>> {
    const files = new Map<string, KnownFile>();
    for (const [name, text] of texts) files.set(name, await this.#parseOne(name, text));
    const same =
      files.size === this.#known.size && files.entries().every(([name, one]) => this.#known.get(name) === one);
    return same ? this.#known : files;
  }

  async #parseOne(name: string, text: string): Promise<KnownFile> {
    const textDigest = hash('sha256', text, 'hex');
    const known = this.#known.get(name);
    if (known?.textDigest === textDigest) return known;
    await setImmediate();
    const { documents, problems } = parsePolicyDocuments(text, this.#source.placeOf(name));
    const policies = documents.map(({ document, digest, position }) => ({ document, digest, position }));
    return { textDigest, policies, problems };
  }
}
