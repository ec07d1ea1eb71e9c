// What is reported of one issuer: log, metrics and warnings, each warning once for as long as it holds.
import type { TrialMaterial } from '../../../authority/trust/issuer-trial.ts';
import { ReportEachOnce } from '../../../live/report-once.ts';
import type { Events } from '../../../ports/platform/events.ts';

export type IssuerEvents = Pick<
  Events,
  'reloaded' | 'reloadFailed' | 'issuerInForce' | 'bundleInForce' | 'trustWarning' | 'issuerKeyLost' | 'issuerKeyBack'
>;

export class IssuerReports {
  readonly #events: IssuerEvents;
  readonly #name: string;
  readonly #bringsAnchors: boolean;
  /** What has been warned of and still holds. */
  readonly #warnings = new ReportEachOnce();
  #keyIsLost = false;

  /** @param settings.bringsAnchors it is the default issuer, whose trust anchors are reported with it. */
  constructor(
    events: IssuerEvents,
    { name, bringsAnchors }: { readonly name: string; readonly bringsAnchors: boolean },
  ) {
    this.#events = events;
    this.#name = name;
    this.#bringsAnchors = bringsAnchors;
  }

  reloaded({ issuer }: TrialMaterial): void {
    this.#events.reloaded({ source: 'issuer', revision: this.#ofName(issuer.id) });
  }

  failed(problem: string): void {
    this.#events.reloadFailed({ source: 'issuer', problem: this.#ofName(problem) });
  }

  /** @param problem why, for an operator. */
  keyLost(problem: string): void {
    this.#keyIsLost = true;
    this.#events.issuerKeyLost({ name: this.#name, problem });
  }

  /** Said where it was lost before. */
  keyBack(): void {
    if (this.#keyIsLost) this.#events.issuerKeyBack({ name: this.#name });
    this.#keyIsLost = false;
  }

  inForce({ bundle, issuer: { id, notAfterMs } }: TrialMaterial, warnings: readonly string[]): void {
    this.#events.issuerInForce({ name: this.#name, issuer: id, notAfterMs });
    if (this.#bringsAnchors) {
      const { digest, anchors, firstNotAfterMs } = bundle;
      this.#events.bundleInForce({ digest, anchors: anchors.length, notAfterMs: firstNotAfterMs });
    }
    const { fresh } = this.#warnings.look(new Map(warnings.map((problem) => [problem, problem])));
    for (const problem of fresh) this.#events.trustWarning({ problem });
  }

  /** The default issuer needs no name. */
  #ofName(text: string): string {
    return this.#bringsAnchors ? text : `${this.#name} ${text}`;
  }
}
