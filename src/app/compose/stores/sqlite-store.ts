// The embedded store: one SQLite file, and what is only counted in memory.
import { MemoryQuotaCounters } from '../../../adapters/storage/embedded/memory-quota-counters.ts';
import { SqliteIssuanceHistory } from '../../../adapters/storage/sqlite/sqlite-issuance-history.ts';
import { SqliteJournal } from '../../../adapters/storage/sqlite/sqlite-journal.ts';
import { degradedBy, notReady } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';
import { LeftJournals } from '../left-journals.ts';
import type { Store } from './store.ts';

export function composeSqliteStore(
  { file, retentionMs }: { readonly file: string; readonly retentionMs: number },
  foundation: Foundation,
): Store {
  const { clock, events, lifecycle, startUp, running } = foundation;
  const history = new SqliteIssuanceHistory({ clock }, file);
  const journal = new SqliteJournal({ clock, events }, { file });
  const left = new LeftJournals({ clock, events }, { file, processes: 1, retentionMs });
  lifecycle.at('flush', 'issuance history', async () => history[Symbol.asyncDispose]());
  lifecycle.at('flush', 'journals that are left', async () => left[Symbol.asyncDispose]());
  lifecycle.at('flush', 'journal', async () => journal[Symbol.asyncDispose]());
  startUp.at('storage', async (options) => journal.start(options));
  startUp.at('storage', async (options) => left.start({ ...options, running }));
  const health: Store['health'] = () => {
    const { problem, checking } = journal;
    return problem === undefined ? degradedBy(checking ?? left.problem) : notReady(problem);
  };
  return { journal, history, quotas: new MemoryQuotaCounters(clock), retention: journal, lease: journal, health };
}
