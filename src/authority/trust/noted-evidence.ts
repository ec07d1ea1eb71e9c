// What proxies acknowledged, and which anchors a digest stands for, on the way to the store: a moment later and many at once, so that
// no push waits for a disk. What is lost with the process was of streams that ended with it: they come back and say it again.
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import { every } from '../../live/every.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { BundleNote, EvidenceRecords, ProxyNote, ProxyNotes } from '../../ports/storage/evidence.ts';

/** Some tens of megabytes; beyond it the oldest is forgotten, and said again within `SEEN_EVERY_MS`. */
export const MAX_NOTES = 100_000;
const WRITTEN_EVERY_MS = 1_000;
/** One commit holds the journal for some milliseconds. */
const STEP = 500;
/** At the end of a server whose store does not answer, nobody waits longer. */
const LAST_WITHIN_MS = 5_000;

export class NotedEvidence implements ProxyNotes {
  readonly #parts: { readonly records: EvidenceRecords; readonly clock: Clock };
  readonly #proxies = new Map<string, ProxyNote>();
  readonly #bundles = new Map<string, BundleNote>();

  constructor(parts: { readonly records: EvidenceRecords; readonly clock: Clock }) {
    this.#parts = parts;
  }

  note(note: ProxyNote): void {
    const { identity, remoteCluster, podUid, proxy } = note;
    const key = JSON.stringify([identity, remoteCluster, podUid, proxy]);
    this.#proxies.delete(key);
    this.#proxies.set(key, note);
    const [oldest] = this.#proxies.keys();
    if (this.#proxies.size > MAX_NOTES && oldest !== undefined) this.#proxies.delete(oldest);
  }

  noteBundle({ digest, anchors }: Pick<TrustBundle, 'digest' | 'anchors'>): void {
    this.#bundles.set(digest, { digest, anchors: anchors.map(({ sha256 }) => sha256) });
  }

  /** Writes what was noted, every second, until the signal aborts. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    await every(WRITTEN_EVERY_MS, this.#parts.clock, async () => this.#write(options), options);
  }

  /** Writes the rest, at the end of the server. Never rejects: what is lost makes a workload look less ready than it is. */
  async flush(): Promise<void> {
    const late = new AbortController();
    const cancel = this.#parts.clock.after(LAST_WITHIN_MS, () => late.abort());
    await this.#write(late);
    cancel();
  }

  /** What cannot be written is kept for the next time: the store says by itself that it fails. */
  async #write(options: { readonly signal: AbortSignal }): Promise<void> {
    while (this.#proxies.size + this.#bundles.size > 0 && !options.signal.aborted) {
      const proxies = [...this.#proxies.entries().take(STEP)];
      const bundles = [...this.#bundles.values()];
      try {
        const notes = { bundles, proxies: proxies.map(([, note]) => note) };
        await this.#parts.records.recordEvidence(notes, options);
      } catch {
        return;
      }
      for (const { digest } of bundles) this.#bundles.delete(digest);
      for (const [key, note] of proxies) if (this.#proxies.get(key) === note) this.#proxies.delete(key);
    }
  }
}
