// Chooses the issuer of each certificate, before policy is asked, and knows the signer that goes with a choice: the one
// of the state that was chosen, whatever is loaded meanwhile.
import { ChosenIssuer } from '../../domain/issuance/chosen-issuer.ts';
import { AuthorityError, bug } from '../../domain/errors.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import { allowedIssuers, ANY_ISSUER } from '../../domain/policy/evaluation/allowed-issuers.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Asking } from '../../domain/policy/evaluation/snapshot-reader.ts';
import type { WithdrawnState } from '../../domain/trust/issuer-state.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import type { Issuers, NamedIssuer } from '../../ports/issuing/issuers.ts';
import type { Signer } from '../../ports/issuing/signer.ts';

export class IssuerChooser {
  readonly #issuers: Pick<Issuers, 'all'>;
  /** By the state that was chosen, which lasts as long as a request that holds it. */
  readonly #signers = new WeakMap<Issuer, Signer>();
  /** Chosen for the CA itself although suspended. */
  readonly #suspended = new WeakSet<ChosenIssuer>();

  constructor(issuers: Pick<Issuers, 'all'>) {
    this.#issuers = issuers;
  }

  /** The first issuer that policy lets the subject have; see `ChosenIssuer.forWorkload`. Never throws. */
  choose(policies: PolicySet, asking: Asking, snapshot: ClusterSnapshot, nowMs: number): ChosenIssuer {
    const candidates = this.#issuers.all();
    // With one issuer there is nothing to ask: policy refuses it or not.
    const allowed = candidates.length === 1 ? ANY_ISSUER : allowedIssuers(policies, asking, snapshot);
    const { chosen, candidate } = ChosenIssuer.forWorkload(candidates, allowed, nowMs);
    return this.#known(chosen, candidate);
  }

  /** The issuer that a request names; policy refuses it where the subject may not have it. @throws AuthorityError CAP-X01 when there is none. */
  named(name: string, nowMs: number): ChosenIssuer {
    const found = ChosenIssuer.named(this.#issuers.all(), name, nowMs);
    if (found === undefined) throw bug(`no issuer is called ${name}`);
    return this.#known(found.chosen, found.candidate);
  }

  /** Every issuer, as it would be chosen now, the default one first. */
  each(nowMs: number): readonly [ChosenIssuer, ...ChosenIssuer[]] {
    const [first, ...others] = this.#issuers.all();
    const own = (candidate: NamedIssuer): ChosenIssuer => this.#known(ChosenIssuer.forOwn(candidate, nowMs), candidate);
    return [own(first), ...others.map(own)];
  }

  /**
   * For the certificates with which the CA itself is met: the default issuer, or the next one that can sign where operators do not
   * let that. Where none can, one that is suspended: its key is trusted, and who is to resume it has to come in.
   */
  own(nowMs: number): ChosenIssuer {
    const all = this.each(nowMs);
    const [first] = all;
    if (first.withdrawn === undefined) return first;
    return (
      all.find(({ unavailable }) => unavailable === undefined) ??
      this.#whileSuspended(nowMs) ??
      all.find(({ withdrawn }) => withdrawn === undefined) ??
      first
    );
  }

  /**
   * @throws AuthorityError CAP-S01 when the chosen issuer could not sign when it was chosen, CAP-S14 when operators have withdrawn
   *   it since.
   */
  signerOf(chosen: ChosenIssuer): Signer {
    const now = this.#issuers.all().find(({ name }) => name === chosen.name);
    if (now?.state.kind === 'unavailable' && !this.#maySign(chosen, now.state.withdrawn))
      throw new AuthorityError('CAP-S14', { detail: `issuer ${chosen.name} ${now.state.why}` });
    const signer = this.#signers.get(chosen.issuer);
    if (signer !== undefined) return signer;
    throw new Error(`no signer is known for ${chosen.issuer.subject}, which was not chosen here`);
  }

  #maySign(chosen: ChosenIssuer, withdrawn: WithdrawnState | undefined): boolean {
    return withdrawn === undefined || (withdrawn === 'suspended' && this.#suspended.has(chosen));
  }

  #whileSuspended(nowMs: number): ChosenIssuer | undefined {
    for (const candidate of this.#issuers.all()) {
      const { state } = candidate;
      if (state.kind === 'ready' || state.held === undefined) continue;
      const chosen = ChosenIssuer.whileSuspended(candidate, nowMs);
      this.#suspended.add(chosen);
      this.#signers.set(state.held.issuer, state.held.signer);
      return chosen;
    }
    return undefined;
  }

  #known(chosen: ChosenIssuer, { state }: NamedIssuer): ChosenIssuer {
    if (state.kind === 'ready') this.#signers.set(state.issuer, state.signer);
    return chosen;
  }
}
