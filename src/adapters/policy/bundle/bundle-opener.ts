// Opens what is offered, and knows what it opened the last time. Files are read again every half minute;
// parsing and verifying them costs, and the same texts say the same.
import { openBundle, type BundleTexts, type OpenedBundle, type Trust, type UnopenedBundle } from './open-bundle.ts';

type Opening = OpenedBundle | UnopenedBundle;

export class BundleOpener {
  readonly #trust: Trust;
  /** The last round, and so no more than one round holds. */
  #known: readonly { readonly texts: BundleTexts; readonly opening: Opening }[] = [];

  constructor(trust: Trust) {
    this.#trust = trust;
  }

  /** In the order in which they are offered. Never throws. */
  open(offered: readonly BundleTexts[]): readonly Opening[] {
    this.#known = offered.map((texts) => ({
      texts,
      opening: this.#knownOpening(texts) ?? openBundle(texts, this.#trust),
    }));
    return this.#known.map(({ opening }) => opening);
  }

  #knownOpening(texts: BundleTexts): Opening | undefined {
    return this.#known.find((one) => areSame(one.texts, texts))?.opening;
  }
}

function areSame(a: BundleTexts, b: BundleTexts): boolean {
  return a.place === b.place && a.bundle === b.bundle && a.signature === b.signature;
}
