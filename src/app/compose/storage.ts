// The journal, what is read back from it, and the refusals that are counted before they are written.
import { RecentIssuances } from '../../adapters/storage/embedded/recent-issuances.ts';
import { keepRetention } from '../../authority/chores/journal-retention.ts';
import { RefusalRecords } from '../../authority/issuing/refusal-records.ts';
import type { Config } from '../../config/schema.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { Foundation } from './foundation.ts';
import { composeSqliteStore } from './stores/sqlite-store.ts';
import type { Store } from './stores/store.ts';

export interface Storage extends Pick<Store, 'journal' | 'history' | 'quotas'> {
  /** The journal and the history behind a memory of what this process issued. */
  readonly issuances: RecentIssuances;
  readonly refusals: RefusalRecords;
}

export function composeStorage(config: Config, foundation: Foundation): Storage {
  const { clock, events, lifecycle, health, startUp, running, worker } = foundation;
  const { journal, history, quotas, retention, lease, health: state } = composeStore(config, foundation);
  const issuances = new RecentIssuances(
    { journal, history },
    { shared: worker !== undefined || config.journal.store.kind === 'postgres' },
  );
  const refusals = new RefusalRecords({ journal, events, clock });
  lifecycle.at('flush', 'counted refusals', async () => refusals.endInterval());
  startUp.at('storage', () => void refusals.run({ signal: running }));
  const retaining = { journal: retention, lease, clock, events };
  const settings = { retentionMs: config.journal.retention };
  startUp.at('storage', () => void keepRetention(retaining, settings, { signal: running }));
  health.report('journal', state);
  return { journal, history, issuances, quotas, refusals };
}

function composeStore({ journal: { store, retention } }: Config, foundation: Foundation): Store {
  if (store.kind === 'sqlite') return composeSqliteStore({ file: store.file, retentionMs: retention }, foundation);
  throw new AuthorityError('CAP-X03', { detail: 'a journal in PostgreSQL is not served yet' });
}
