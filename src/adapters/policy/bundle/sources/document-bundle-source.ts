// The policy bundle from documents that operators replace while the server runs: one file with its
// signature, or a folder of such pairs. Each document NAME goes with NAME.sig.
import type { DocumentSource } from '../../../../ports/platform/document-source.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { AuthorityError } from '../../../../domain/errors.ts';
import { PolicyBundleManager, type PolicyBundleManagerParts, type PolicyBundleSettings } from '../bundle-manager.ts';
import { BundleReserve } from './bundle-reserve.ts';
import type { PolicyBundleSource, VerifiedPolicyBundle } from './bundle-source.ts';
import type { PolicyBundleTexts } from '../verify-bundle.ts';

export interface DocumentPolicyBundleParts extends Pick<PolicyBundleManagerParts, 'clock' | 'events'> {
  /** Bundles and, under the same names with `.sig` behind them, their signatures. */
  readonly documents: DocumentSource;
  /** For documents that come from afar; absent, a start without them fails. */
  readonly reserve?: BundleReserve;
}

/** Old bundles that nobody cleared away, and then some. */
const MAX_BUNDLES = 100;
const SIGNATURE = '.sig';
const AGAIN_AFTER_MS = 5_000;

export class DocumentPolicyBundleSource implements PolicyBundleSource {
  readonly #documents: DocumentSource;
  readonly #manager: PolicyBundleManager;
  readonly #reserve: BundleReserve;
  readonly #clock: Pick<Clock, 'sleep'>;
  /** Until a store that was away is asked again. */
  #waiting = false;

  constructor(parts: DocumentPolicyBundleParts, settings: PolicyBundleSettings) {
    const { documents, clock, events, reserve = new BundleReserve(undefined) } = parts;
    this.#documents = documents;
    this.#clock = clock;
    this.#reserve = reserve;
    this.#manager = new PolicyBundleManager({ clock, events, beforeUse: reserve.beforeUse }, settings);
  }

  /**
   * Loads once, then follows changes until the signal aborts.
   * @throws AuthorityError CAP-X03 with all problems when no bundle may come in force, nor one that was kept.
   */
  async start(options: { readonly signal: AbortSignal }): Promise<void> {
    await this.#manager.open(options);
    try {
      await this.#manager.load(await this.#read(), options);
    } catch (problem) {
      await this.#reserve.load(this.#manager, problem, options);
    }
    this.#documents.onChange(async () => this.#reload(options), options);
    void this.#manager.watchTime(options);
  }

  current(): VerifiedPolicyBundle {
    return this.#manager.current();
  }

  timeMs(): number {
    return this.#manager.timeMs();
  }

  async setTimeBack(
    ...args: Parameters<PolicyBundleManager['setTimeBack']>
  ): ReturnType<PolicyBundleManager['setTimeBack']> {
    return this.#manager.setTimeBack(...args);
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#manager.onChange(listener, options);
  }

  /** Nobody edits the documents again because a store was away. */
  async #reload(options: { readonly signal: AbortSignal }): Promise<void> {
    if ((await this.#manager.reload(async () => this.#read(), options)) === 'decided' || this.#waiting) return;
    this.#waiting = true;
    void this.#clock.sleep(AGAIN_AFTER_MS, options).then(
      () => {
        this.#waiting = false;
        void this.#reload(options);
      },
      () => undefined,
    );
  }

  async #read(): Promise<readonly PolicyBundleTexts[]> {
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
