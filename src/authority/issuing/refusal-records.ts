// Which refusals have a record of their own. The first of each kind do, at once; in a flood the others are
// counted, and one record for each kind is written when the interval ends. So neither a stranger nor one
// namespace fills the disk, and the id that a caller was given leads to a record all the same: the counted one has
// its id from the beginning.
import type { Caller } from '../../domain/identity/caller.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { sourceOf } from '../../domain/identity/source.ts';
import { REASONS } from '../../domain/reasons.ts';
import { Samples, type SampleBounds, type Tally } from '../../domain/bounded/samples.ts';
import { NEVER } from '../../live/abortable.ts';
import { every } from '../../live/every.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { IssuanceJournal, RefusedRecord } from '../../ports/storage/issuance-journal.ts';

export interface RefusalRecordsParts {
  readonly journal: IssuanceJournal;
  readonly events: Pick<Events, 'refusalsCounted'>;
  readonly clock: Clock;
}

export const INTERVAL_MS = 60_000;

/** Of callers who proved nothing, in an interval: a kind is one source, reason and API. */
export const STRANGERS: SampleBounds = { each: 1, alone: 100, kinds: 100 };
/** Of one namespace, in an interval: a kind is one identity of one cluster, reason and API. */
export const NAMESPACE: SampleBounds = { each: 10, alone: 100, kinds: 50 };

/** Records written at a time, so that a whole interval never crowds out the decisions of the moment. */
const BATCH = 200;
export class RefusalRecords {
  readonly #parts: RefusalRecordsParts;
  readonly #strangers = new Samples<RefusedRecord>(STRANGERS);
  readonly #namespaces = new Samples<RefusedRecord>(NAMESPACE);
  /** Of an interval that has ended. */
  #due: readonly Tally<RefusedRecord>[] = [];
  #ending = Promise.resolve();

  constructor(parts: RefusalRecordsParts) {
    this.#parts = parts;
  }

  /**
   * @param record of the refusal, if it is to have one. Our own refusals to ourselves always do.
   * @param caller who was proven, if anybody was.
   * @param subject for whom a trusted caller asked, where that is another: the refusal is of that one's kind and namespace.
   * @returns nothing when it is to be recorded; otherwise the id of the record in which it was counted, which will
   *   be in the journal when the interval is over.
   */
  count(record: RefusedRecord, caller: Caller | undefined, subject?: KubernetesIdentity): string | undefined {
    const { api, reason } = record;
    if (api === 'self') return undefined;
    const rest = `${api} ${reason}`;
    const tally =
      caller === undefined
        ? this.#strangers.take(
            { group: 'strangers', kind: `${rest} ${sourceOf(record.remoteAddress)}`, rest },
            (mixed) => ofStrangers(record, mixed),
          )
        : this.#namespaces.take(ofNamespace(subject ?? caller.identity, record, rest), (mixed) =>
            ofCallers(record, mixed, subject),
          );
    return tally?.of.decisionId;
  }

  /** Ends an interval every minute until the signal aborts. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    await every(INTERVAL_MS, this.#parts.clock, async () => this.endInterval(), options);
  }

  /**
   * Writes what was counted. What cannot be written waits for the next time, and the interval goes on as long:
   * that is the bound on what waits.
   */
  async endInterval(): Promise<void> {
    this.#ending = this.#ending.then(async () => this.#endInterval());
    return this.#ending;
  }

  async #endInterval(): Promise<void> {
    if (this.#due.length === 0) this.#due = [...this.#strangers.end(), ...this.#namespaces.end()];
    const left: Tally<RefusedRecord>[] = [];
    for (let from = 0; from < this.#due.length; from += BATCH) {
      const batch = this.#due.slice(from, from + BATCH);
      const written = await Promise.all(batch.map(async (tally) => this.#write(tally)));
      left.push(...batch.filter((_tally, index) => written[index] === false));
    }
    this.#due = left;
  }

  async #write({ of, count }: Tally<RefusedRecord>): Promise<boolean> {
    const { journal, events, clock } = this.#parts;
    const record = { ...of, timeMs: clock.nowMs(), count };
    try {
      await journal.append(record, { signal: NEVER });
    } catch {
      // The journal itself says that it fails; see `endInterval`.
      return false;
    }
    events.refusalsCounted(record);
    return true;
  }
}

/** What all of a tally have in common, in the words of the first. */
function ofStrangers(
  { decisionId, timeMs, api, remoteAddress, cluster, reason, message }: RefusedRecord,
  mixed: boolean,
): RefusedRecord {
  const where = cluster === undefined ? {} : { cluster };
  const common = { decisionId, timeMs, api, ...where, outcome: 'refused', reason } as const;
  return mixed
    ? { ...common, remoteAddress: SEVERAL, message: textOf(reason) }
    : { ...common, remoteAddress: sourceOf(remoteAddress), message };
}

function ofCallers(record: RefusedRecord, mixed: boolean, subject: KubernetesIdentity | undefined): RefusedRecord {
  const { caller, authenticationMethod } = record;
  const { cluster, ...several } = ofStrangers(record, true);
  const common = { ...several, ...(authenticationMethod && { authenticationMethod }) };
  if (mixed || caller === undefined) return common;
  return {
    ...common,
    ...(cluster !== undefined && { cluster }),
    caller,
    ...(subject && { identity: subject.spiffeId.uri }),
    message: record.message,
  };
}

function ofNamespace({ namespace, spiffeId }: KubernetesIdentity, { cluster = '' }: RefusedRecord, rest: string) {
  return { group: namespace, kind: `${rest} ${spiffeId.uri} ${cluster}`, rest };
}

/** In place of an address, where there was more than one. */
const SEVERAL = 'several';

function textOf(reason: RefusedRecord['reason']): string {
  return `${reason} ${REASONS[reason].text}`;
}
