// Trust bundles of other trust domains from files, each on its own: another mesh's broken file takes nothing
// away from this one. Which anchors of a file go out changes with time, as with our own.
import { AuthorityError } from '../../../domain/errors.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import { TrustBundle } from '../../../domain/trust/bundle.ts';
import { Listeners } from '../../../live/listeners.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { FederatedBundles } from '../../../ports/issuing/federated-bundles.ts';

export interface FederatedParts {
  readonly clock: Clock;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

interface Federated {
  readonly trustDomain: TrustDomain;
  readonly documents: DocumentSource;
  /** As the file says, whenever it is valid. */
  given?: TrustBundle;
  inForce?: TrustBundle;
  readonly failure: ReportOnce;
}

export class DocumentFederatedBundles implements FederatedBundles {
  readonly #parts: FederatedParts;
  readonly #federated: readonly Federated[];
  readonly #listeners = new Listeners();

  /** @param sources the document of each trust domain: PEM. */
  constructor(parts: FederatedParts, sources: ReadonlyMap<TrustDomain, DocumentSource>) {
    this.#parts = parts;
    this.#federated = [...sources].map(([trustDomain, documents]) => {
      const failure = new ReportOnce((problem) => this.#report(one, problem));
      const one: Federated = { trustDomain, documents, failure };
      return one;
    });
  }

  /** Reads all once, then follows files and time until the signal aborts. Never throws: `problem` tells. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await Promise.all(this.#federated.map(async (one) => this.#read(one)));
    for (const one of this.#federated) {
      one.documents.onChange(async () => this.#read(one), { signal });
      void this.#followTime(one, signal);
    }
  }

  current(): readonly TrustBundle[] {
    return this.#federated.flatMap(({ inForce }) => inForce ?? []);
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** What is not as its file was meant to be; nothing when all is well. */
  get problem(): string | undefined {
    const problems = this.#federated.flatMap(({ trustDomain, inForce, failure: { problem } }) =>
      problem === undefined
        ? []
        : [`${trustDomain}: ${problem} (${inForce ? 'its last good bundle stays' : 'its callers are refused'})`],
    );
    return problems.length === 0 ? undefined : problems.join('; ');
  }

  async #read(one: Federated): Promise<void> {
    const { documents, trustDomain } = one;
    try {
      const [[name = '', text = ''] = []] = await documents.read();
      const given = TrustBundle.fromPem(trustDomain, text);
      if ('problem' in given)
        throw new AuthorityError('CAP-X03', { detail: `${documents.placeOf(name)} ${given.problem}` });
      one.given = given;
      this.#look(one);
    } catch (error) {
      one.failure.found(error instanceof AuthorityError ? error.message : 'unexpected failure');
    }
  }

  /** What of it goes out now. */
  #look(one: Federated): void {
    const bundle = one.given?.at(this.#parts.clock.nowMs());
    if (bundle === undefined) return;
    if ('problem' in bundle) {
      this.#install(one, undefined);
      one.failure.found(`its file ${bundle.problem}`);
      return;
    }
    one.failure.over();
    this.#install(one, bundle);
  }

  #install(one: Federated, bundle: TrustBundle | undefined): void {
    if (bundle?.pem === one.inForce?.pem) return;
    if (bundle === undefined) delete one.inForce;
    else one.inForce = bundle;
    if (bundle !== undefined) {
      this.#parts.events.reloaded({ source: 'federated-bundle', revision: `${one.trustDomain} ${bundle.digest}` });
    }
    this.#listeners.notify();
  }

  #report({ trustDomain, inForce }: Federated, problem: string): void {
    const facts = { problem: `${trustDomain}: ${problem}`, kept: inForce !== undefined };
    this.#parts.events.reloadFailed({ source: 'federated-bundle', ...facts });
  }

  async #followTime(one: Federated, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      // A file that comes meanwhile is looked at when it comes; its own moments are asked for within a minute.
      const nowMs = clock.nowMs();
      const nextMs = Math.min(one.given?.changesAfter(nowMs) ?? Infinity, nowMs + LOOK_EVERY_MS);
      const woken = await clock.sleepUntil(nextMs, { signal }).catch(() => undefined);
      if (woken !== undefined) this.#look(one);
    }
  }
}

/** Longest until a moment that a newly read file names is noticed. */
const LOOK_EVERY_MS = 60_000;
