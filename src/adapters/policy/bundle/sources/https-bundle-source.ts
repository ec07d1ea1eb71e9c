// The policy bundle from a web server, asked for again and again. A server that cannot be reached, or that
// offers what may not come in force, changes nothing, not even over a restart.
import type { Random } from '../../../../ports/platform/random.ts';
import { PolicyBundleManager, type PolicyBundleManagerParts, type PolicyBundleSettings } from '../bundle-manager.ts';
import type { PolicyBundleSource, VerifiedPolicyBundle } from './bundle-source.ts';
import { FETCH_TIMEOUT_MS } from './fetch-document.ts';
import { BundleReserve, type KeepCopy } from './bundle-reserve.ts';
import { RemotePolicyBundle, type FetchedPolicyBundle } from './remote-bundle.ts';

export interface HttpsPolicyBundleParts extends Pick<PolicyBundleManagerParts, 'clock' | 'events'> {
  readonly random: Random;
  /** Writes the copy; this process itself, unless another does it for several. */
  readonly keep?: KeepCopy;
}

export interface HttpsPolicyBundleSettings extends PolicyBundleSettings {
  /** Where the bundle is; its signature is at the same URL with `.sig` behind it. */
  readonly url: string;
  /** PEM file with the only certificate authority that the URL is trusted by. */
  readonly caFile: string;
  readonly pollIntervalMs: number;
  /** Keeps a copy of the bundle in force for a start while the URL cannot be reached. Absent in development. */
  readonly copyFile?: string | undefined;
  readonly timeoutMs?: number;
}

/** Between reading a bundle and a signature that do not fit, and reading both again: an upload's second half. */
export const SECOND_LOOK_MS = 1_000;
/** While fetching fails the wait doubles up to here, or stays the interval when that is longer. */
export const MAX_BACK_OFF_MS = 15 * 60_000;
/** Part of each wait that is left to chance, so that a fleet does not ask in step. */
const JITTER = 0.2;

export class HttpsPolicyBundleSource implements PolicyBundleSource {
  readonly #parts: HttpsPolicyBundleParts;
  readonly #pollIntervalMs: number;
  readonly #remote: RemotePolicyBundle;
  readonly #manager: PolicyBundleManager;
  readonly #reserve: BundleReserve;
  /** Tag of the bundle in force; asked with, so that it need not be sent again. */
  #tag: string | undefined;

  /** @throws AuthorityError CAP-X03 for a URL that is not https or carries a password. */
  constructor(parts: HttpsPolicyBundleParts, settings: HttpsPolicyBundleSettings) {
    const { clock, events } = parts;
    const { trust, url, caFile, copyFile, timeoutMs = FETCH_TIMEOUT_MS } = settings;
    this.#parts = parts;
    this.#pollIntervalMs = settings.pollIntervalMs;
    this.#remote = new RemotePolicyBundle({ url, caFile, timeoutMs, signed: !('unsigned' in trust) });
    this.#reserve = new BundleReserve(copyFile, parts.keep);
    const { beforeUse } = this.#reserve;
    this.#manager = new PolicyBundleManager({ clock, events, beforeUse }, settings);
  }

  /**
   * Loads once, then asks again until the signal aborts.
   * @throws AuthorityError CAP-X03 when no bundle may come in force: neither a fetched one nor that of the last run.
   */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#manager.open({ signal });
    let fetched = true;
    try {
      await this.#fetchAndLoad(signal);
    } catch (problem) {
      fetched = false;
      await this.#reserve.load(this.#manager, problem, { signal });
    }
    void this.#follow(fetched, signal);
    void this.#manager.watchTime({ signal });
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

  async #follow(fetched: boolean, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    let waitMs = this.#pollIntervalMs;
    for (let good = fetched; !signal.aborted; good = await this.#poll(signal)) {
      waitMs = good ? this.#pollIntervalMs : backedOff(waitMs, this.#pollIntervalMs);
      await clock.sleep(waitMs * (1 - JITTER * random.fraction()), { signal }).catch(() => undefined);
    }
  }

  /** @returns whether it went well; what did not is reported. */
  async #poll(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#fetchAndLoad(signal);
      return true;
    } catch (error) {
      if (!signal.aborted) this.#manager.refuse(error);
      return false;
    }
  }

  /** @throws AuthorityError CAP-X03 */
  async #fetchAndLoad(signal: AbortSignal): Promise<void> {
    const first = await this.#remote.fetch(this.#tag, signal);
    if (first === undefined) {
      this.#manager.confirm();
      return;
    }
    const { texts, tag } = (await this.#secondLook(first, signal)) ?? first;
    await this.#manager.load([texts], { signal });
    // Only now: a tag stands for the bundle in force, never for one that was refused.
    this.#tag = tag;
  }

  async #secondLook(first: FetchedPolicyBundle, signal: AbortSignal): Promise<FetchedPolicyBundle | undefined> {
    if (!this.#manager.isVersionMismatch([first.texts])) return undefined;
    await this.#parts.clock.sleep(SECOND_LOOK_MS, { signal });
    return this.#remote.fetch(undefined, signal);
  }
}

function backedOff(waitMs: number, intervalMs: number): number {
  return Math.max(intervalMs, Math.min(2 * waitMs, MAX_BACK_OFF_MS));
}
