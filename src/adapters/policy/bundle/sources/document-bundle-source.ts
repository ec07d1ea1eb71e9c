// The policy bundle from documents that operators replace while the server runs: one file with its
// signature, or a folder of such pairs. Each document NAME goes with NAME.sig.
import type { DocumentSource } from '../../../../ports/platform/document-source.ts';
import { AuthorityError } from '../../../../domain/errors.ts';
import {
  BundleKeeper,
  type BundleKeeperParts,
  type BundleSettings,
  type RecordSetBack,
  type TimeSetBack,
} from '../bundle-keeper.ts';
import type { BundleSource, VerifiedBundle } from './bundle-source.ts';
import type { BundleTexts } from '../open-bundle.ts';

export interface DocumentBundleParts extends Pick<BundleKeeperParts, 'clock' | 'events'> {
  /** Bundles and, under the same names with `.sig` behind them, their signatures. */
  readonly documents: DocumentSource;
}

/** Old bundles that nobody cleared away, and then some. */
const MAX_BUNDLES = 100;
const SIGNATURE = '.sig';

export class DocumentBundleSource implements BundleSource {
  readonly #documents: DocumentSource;
  readonly #keeper: BundleKeeper;

  constructor({ documents, clock, events }: DocumentBundleParts, settings: BundleSettings) {
    this.#documents = documents;
    this.#keeper = new BundleKeeper({ clock, events }, settings);
  }

  /**
   * Loads once, then follows changes until the signal aborts.
   * @throws AuthorityError CAP-X03 with all problems when no bundle may come in force.
   */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#keeper.open();
    await this.#keeper.load(await this.#read());
    this.#documents.onChange(async () => this.#keeper.reload(async () => this.#read()), { signal });
    void this.#keeper.watchTime({ signal });
  }

  current(): VerifiedBundle {
    return this.#keeper.current();
  }

  timeMs(): number {
    return this.#keeper.timeMs();
  }

  async setTimeBack(expectedMs: number, record: RecordSetBack): Promise<TimeSetBack | undefined> {
    return this.#keeper.setTimeBack(expectedMs, record);
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#keeper.onChange(listener, options);
  }

  async #read(): Promise<readonly BundleTexts[]> {
    const texts = await this.#documents.read();
    const bundles = [...texts].filter(([name]) => !name.endsWith(SIGNATURE));
    if (bundles.length > MAX_BUNDLES) {
      throw new AuthorityError('CAP-X03', {
        detail: `there are more than ${MAX_BUNDLES} policy bundles; clear old ones away`,
      });
    }
    return bundles.map(([name, bundle]) => {
      const signature = texts.get(name + SIGNATURE);
      const place = this.#documents.placeOf(name);
      return { place, bundle, signaturePlace: place + SIGNATURE, ...(signature !== undefined && { signature }) };
    });
  }
}
