// What a namespace was given and what it was refused, gathered record by record for a suggestion.
import { NamespaceObservations } from '../../domain/policy/history/suggest.ts';
import type { DecisionRecord, IssuedRecord, PolicyTrace } from '../../ports/storage/issuance-journal.ts';
import { subjectOfSpiffeId } from '../replay/recorded-request.ts';

/** Jitter takes up to a fifth off what was granted (`lifetimes.jitterPercent`). */
const LEAST_SHARE_LEFT = 0.8;

export class NamespaceHistory {
  readonly #namespace: string;
  readonly observations: NamespaceObservations;
  /** Refusals by reason. */
  readonly refused = new Map<string, number>();
  issued = 0;
  /** Issued by a Capstan that did not record what was asked. */
  untraced = 0;
  firstMs = Infinity;
  lastMs = 0;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.observations = new NamespaceObservations(namespace);
  }

  add(record: DecisionRecord): void {
    const identity = record.policy?.subject ?? (record.outcome === 'issued' ? record.identity : record.caller);
    // The text is looked at first: most records are of other namespaces, and parsing takes its time.
    if (identity?.includes(`/ns/${this.#namespace}/`) !== true) return;
    const subject = subjectOfSpiffeId(identity);
    if (subject === undefined) return;
    this.firstMs = Math.min(this.firstMs, record.timeMs);
    this.lastMs = Math.max(this.lastMs, record.timeMs);
    if (record.outcome === 'refused') this.refused.set(record.reason, (this.refused.get(record.reason) ?? 0) + 1);
    else if (record.policy === undefined) this.untraced += 1;
    else this.#observe(record, record.policy, subject);
  }

  #observe(
    record: IssuedRecord,
    { key, dnsNames = [], actor, issuer, requestedTtlMs }: PolicyTrace,
    { trustDomain, serviceAccount }: { readonly trustDomain: string; readonly serviceAccount: string },
  ): void {
    this.issued += 1;
    const lifetimeMs = grantedMs(record.notAfterMs - record.timeMs, requestedTtlMs);
    const seen = { trustDomain, serviceAccount, key, lifetimeMs, dnsNames, issuer };
    this.observations.add({ ...seen, ...(actor !== undefined && { actor }) });
  }
}

/** A lifetime that jitter alone explains was granted as it was asked for. */
function grantedMs(lifetimeMs: number, requestedMs = 0): number {
  return requestedMs * LEAST_SHARE_LEFT <= lifetimeMs ? Math.max(lifetimeMs, requestedMs) : lifetimeMs;
}
