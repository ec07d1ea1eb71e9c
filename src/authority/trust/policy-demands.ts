// What the policy bundle demands of an issuer before it comes in force. Issuers are composed before policies, and are loaded before
// there are any: until then nothing is demanded, and what is in force by then is refused where certificates are asked for.
import { AuthorityError } from '../../domain/errors.ts';
import { unfitIssuer } from '../../domain/policy/evaluation/missing-grants.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';
import { Listeners } from '../../live/listeners.ts';

export class PolicyDemands {
  readonly #listeners = new Listeners();
  #policies: PolicySource | undefined;

  /** From now on these say what is demanded. */
  follow(policies: PolicySource, options: { readonly signal: AbortSignal }): void {
    this.#policies = policies;
    policies.onChange(() => this.#listeners.notify(), options);
  }

  /** @returns why the bundle would not take the issuer under that name; nothing when it would, or none is loaded. */
  readonly against = (name: string, { anchorSha256, pathLength, notAfterMs }: Issuer): string | undefined => {
    const policies = this.#current();
    const issuer = { name, anchors: [anchorSha256], pathLength, remainingMs: notAfterMs };
    const unfit = policies && unfitIssuer(policies, { issuer });
    return (
      unfit &&
      `${unfit.policy} takes none with ${unfit.actual}, only ${unfit.allowed} (${unfit.field}): ${unfit.change}`
    );
  };

  readonly onChange = (listener: () => void, options: { readonly signal: AbortSignal }): void => {
    this.#listeners.add(listener, options);
  };

  #current(): PolicySet | undefined {
    try {
      return this.#policies?.current();
    } catch (error) {
      if (error instanceof AuthorityError) return undefined;
      throw error;
    }
  }
}
