// Rollovers that operators ask for. The CA above an issuer may take its time, and who asks is not kept on the line: it begins, and
// can be asked after.
import { AuthorityError } from '../../domain/errors.ts';
import type { Authorship } from '../../domain/trust/issuer-ledger.ts';
import type { IssuerPairs } from '../../ports/issuing/issuer-generations.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Operator } from './issuer-acts.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface AskedRotation {
  readonly issuer: string;
  /** Whether what is prepared comes in force now, too. */
  readonly activate: boolean;
  readonly reason: string;
}

export interface Rotation {
  readonly state: 'under way' | 'done' | 'failed';
  readonly activate: boolean;
  /** Why it failed, in words. */
  readonly problem?: string;
  /** Ids of the certificates as it was done. */
  readonly current?: string;
  readonly prepared?: string;
}

export interface RotationsParts {
  /** @throws AuthorityError CAP-O02 for an issuer without an upstream. */
  readonly rotate: (
    name: string,
    how: { readonly activate: boolean },
    by: Authorship,
    options: Waits,
  ) => Promise<IssuerPairs>;
  /** @throws AuthorityError CAP-O02 */
  readonly demand: (name: string) => void;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export class IssuerRotations {
  readonly #parts: RotationsParts;
  /** The last of each issuer, as many as there are issuers. */
  readonly #last = new Map<string, Rotation>();

  constructor(parts: RotationsParts) {
    this.#parts = parts;
  }

  /**
   * @param options.signal ends it.
   * @throws AuthorityError CAP-O02 for an issuer without an upstream, CAP-O03 while one is under way.
   */
  begin({ issuer, activate, reason }: AskedRotation, { actor, role }: Operator, options: Waits): Rotation {
    const { clock, demand } = this.#parts;
    demand(issuer);
    if (this.#last.get(issuer)?.state === 'under way')
      throw new AuthorityError('CAP-O03', { detail: `issuer ${issuer} is being rotated already` });
    const begun: Rotation = { state: 'under way', activate };
    this.#last.set(issuer, begun);
    void this.#run(issuer, activate, { timeMs: clock.nowMs(), actor, role, reason }, options);
    return begun;
  }

  /** The last that was asked for here. @throws AuthorityError CAP-O02 where there is none. */
  last(issuer: string): Rotation {
    const found = this.#last.get(issuer);
    if (found !== undefined) return found;
    throw new AuthorityError('CAP-O02', { detail: `nobody asked to rotate issuer ${issuer}` });
  }

  async #run(issuer: string, activate: boolean, by: Authorship, options: Waits): Promise<void> {
    try {
      const { current, prepared } = await this.#parts.rotate(issuer, { activate }, by, options);
      const ids = { ...(current && { current: current.id }), ...(prepared && { prepared: prepared.id }) };
      this.#last.set(issuer, { state: 'done', activate, ...ids });
    } catch (error) {
      const problem = error instanceof AuthorityError ? error.message : 'unexpected failure';
      this.#last.set(issuer, { state: 'failed', activate, problem });
    }
  }
}
