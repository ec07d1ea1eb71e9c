// Whether what was read may come in force, and whether it is anything new.
import { createHash } from 'node:crypto';
import type { TrialMaterial } from '../../../authority/trust/issuer-trial.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Issuer } from '../../../domain/x509/issuer.ts';
import { shortLife } from './issuer-lifetime.ts';
import type { IssuerMaterial } from './issuer-material.ts';
import type { DocumentIssuerParts, DocumentIssuerSettings } from './issuer-parts.ts';

export interface Judged {
  /** Id of the issuer in force. */
  readonly inForce: string | undefined;
  readonly signal: AbortSignal;
}

export class IssuerJudgement {
  readonly #parts: Pick<DocumentIssuerParts, 'documents' | 'trial' | 'demands' | 'wasInForce'>;
  readonly #settings: Pick<DocumentIssuerSettings, 'name' | 'longestLeafMs'>;

  constructor(
    parts: Pick<DocumentIssuerParts, 'documents' | 'trial' | 'demands' | 'wasInForce'>,
    settings: Pick<DocumentIssuerSettings, 'name' | 'longestLeafMs'>,
  ) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Nothing of it is in force before the trial is over. @throws AuthorityError CAP-X03 for what peers or policies would refuse. */
  async tried(read: IssuerMaterial, nowMs: number, { inForce, signal }: Judged): Promise<TrialMaterial> {
    const { documents, trial, demands } = this.#parts;
    const material = read.at(nowMs);
    // What is in force already stays: policies refuse it by themselves, where the reason can be told to who asks.
    const known = inForce === material.issuer.id;
    const against = known ? undefined : demands?.against(this.#settings.name, material.issuer);
    const problem = against ?? (await trial(material, { signal }));
    if (problem === undefined) return material;
    throw new AuthorityError('CAP-X03', {
      detail: `${documents.placeOf('chain')} is no issuer for this mesh: ${problem}`,
    });
  }

  /** @returns why an issuer that signs already should live longer. @throws AuthorityError CAP-X03 for one that does not yet. */
  async shortLife(issuer: Issuer, { inForce, signal }: Judged): Promise<string | undefined> {
    const { documents, wasInForce } = this.#parts;
    const { longestLeafMs } = this.#settings;
    const signs = async () =>
      (inForce === undefined ? wasInForce?.(issuer, { signal }) : inForce === issuer.id) ?? false;
    return shortLife(issuer, { place: documents.placeOf('chain'), longestLeafMs, signs });
  }
}

/** @returns what an operator is told. */
export function wordsOf(error: unknown): string {
  return error instanceof AuthorityError ? error.message : 'unexpected failure';
}

export function digestOf(texts: ReadonlyMap<string, string>): string {
  return createHash('sha256')
    .update(JSON.stringify([...texts]))
    .digest('hex');
}

/** Whether those who use the one would see a difference in the other. */
export function differs(one: TrialMaterial, other: TrialMaterial): boolean {
  const [mine, its] = [one.issuer, other.issuer];
  return (
    one.bundle.digest !== other.bundle.digest ||
    mine.notAfterMs !== its.notAfterMs ||
    mine.notBeforeMs !== its.notBeforeMs ||
    mine.anchors.join() !== its.anchors.join() ||
    mine.chainPems.join('') !== its.chainPems.join('')
  );
}
