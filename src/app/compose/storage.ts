// The journal, what is read back from it, and the refusals that are counted before they are written.
import { MemoryQuotaCounters } from '../../adapters/storage/embedded/memory-quota-counters.ts';
import { RecentIssuances } from '../../adapters/storage/embedded/recent-issuances.ts';
import { SqliteIssuanceHistory } from '../../adapters/storage/sqlite/sqlite-issuance-history.ts';
import { SqliteJournal } from '../../adapters/storage/sqlite/sqlite-journal.ts';
import { AuthorityError } from '../../domain/errors.ts';
import { keepRetention } from '../../authority/chores/journal-retention.ts';
import { RefusalRecords } from '../../authority/issuing/refusal-records.ts';
import type { Config } from '../../config/schema.ts';
import { degradedBy, notReady } from '../../ports/platform/health.ts';
import type { QuotaCounters } from '../../ports/storage/quota-counters.ts';
import type { Foundation } from './foundation.ts';
import { LeftJournals } from './left-journals.ts';

export interface Storage {
  readonly journal: SqliteJournal;
  readonly history: SqliteIssuanceHistory;
  /** The journal and the history behind a memory of what this process issued. */
  readonly issuances: RecentIssuances;
  readonly quotas: QuotaCounters;
  readonly refusals: RefusalRecords;
}

export function composeStorage({ journal: { store, retention } }: Config, foundation: Foundation): Storage {
  const { clock, events, lifecycle, health, startUp, running } = foundation;
  if (store.kind === 'postgres')
    throw new AuthorityError('CAP-X03', { detail: 'a journal in PostgreSQL is not served yet' });
  const history = new SqliteIssuanceHistory({ clock }, store.file);
  const journal = new SqliteJournal({ clock, events }, { file: store.file });
  const left = new LeftJournals({ clock, events }, { file: store.file, processes: 1, retentionMs: retention });
  const issuances = new RecentIssuances({ journal, history });
  const refusals = new RefusalRecords({ journal, events, clock });
  lifecycle.at('flush', 'issuance history', async () => history[Symbol.asyncDispose]());
  lifecycle.at('flush', 'journals that are left', async () => left[Symbol.asyncDispose]());
  lifecycle.at('flush', 'journal', async () => journal[Symbol.asyncDispose]());
  lifecycle.at('flush', 'counted refusals', async () => refusals.endInterval());
  startUp.at('storage', async (options) => journal.start(options));
  startUp.at('storage', async (options) => left.start({ ...options, running }));
  startUp.at('storage', () => void refusals.run({ signal: running }));
  const retaining = { journal, lease: journal, clock, events };
  startUp.at('storage', () => void keepRetention(retaining, { retentionMs: retention }, { signal: running }));
  health.report('journal', () => {
    const { problem, checking } = journal;
    return problem === undefined ? degradedBy(checking ?? left.problem) : notReady(problem);
  });
  return { journal, history, issuances, quotas: new MemoryQuotaCounters(clock), refusals };
}
