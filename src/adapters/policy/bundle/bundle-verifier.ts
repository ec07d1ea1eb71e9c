// Verifies the policy bundles that are offered, and keeps the verdicts of the last round: files are read again every
// half minute, and the same texts need not be parsed and verified once more.
import {
  verifyBundle,
  type PolicyBundleTexts,
  type VerifiedCandidate,
  type Trust,
  type UnverifiedBundle,
} from './verify-bundle.ts';

type Verification = VerifiedCandidate | UnverifiedBundle;

export class PolicyBundleVerifier {
  readonly #trust: Trust;
  /** The last round, and so no more than one round holds. */
  #known: readonly { readonly texts: PolicyBundleTexts; readonly verification: Verification }[] = [];

  constructor(trust: Trust) {
    this.#trust = trust;
  }

  /** In the order in which they are offered. Never throws. */
  verify(offered: readonly PolicyBundleTexts[]): readonly Verification[] {
    this.#known = offered.map((texts) => ({
      texts,
      verification: this.#knownVerification(texts) ?? verifyBundle(texts, this.#trust),
    }));
    return this.#known.map(({ verification }) => verification);
  }

  #knownVerification(texts: PolicyBundleTexts): Verification | undefined {
    return this.#known.find((one) => areSame(one.texts, texts))?.verification;
  }
}

function areSame(a: PolicyBundleTexts, b: PolicyBundleTexts): boolean {
  return a.place === b.place && a.bundle === b.bundle && a.signature === b.signature;
}
