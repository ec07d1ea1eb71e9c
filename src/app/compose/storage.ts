// The journal, what is read back from it, and the refusals that are counted before they are written.
import { RecentIssuances } from '../../adapters/storage/embedded/recent-issuances.ts';
import { keepRetention } from '../../authority/chores/journal-retention.ts';
import { NotedEvidence } from '../../authority/trust/noted-evidence.ts';
import { RefusalRecords } from '../../authority/issuing/refusal-records.ts';
import type { Config } from '../../config/schema.ts';
import type { Foundation } from './foundation.ts';
import { composePostgresStore } from './stores/postgres-store.ts';
import { composeSqliteStore } from './stores/sqlite-store.ts';
import type { Store } from './stores/store.ts';
import { reportedStore } from './stores/reported-store.ts';

export interface Storage extends Pick<
  Store,
  | 'journal'
  | 'history'
  | 'quotas'
  | 'issuerLedgers'
  | 'anchorLedgers'
  | 'statistics'
  | 'bundleState'
  | 'crls'
  | 'closings'
  | 'lease'
  | 'evidence'
  | 'banLedgers'
  | 'revokedLeaves'
  | 'newest'
  | 'inventory'
  | 'proof'
> {
  /** The journal and the history behind a memory of what this process issued. */
  readonly issuances: RecentIssuances;
  readonly refusals: RefusalRecords;
  readonly notedEvidence: NotedEvidence;
}

export function composeStorage(config: Config, foundation: Foundation): Storage {
  const { clock, events, lifecycle, health, startUp, running, worker } = foundation;
  const store = reportedStore(composeStore(config, foundation), foundation.telemetry.recordLog);
  const {
    journal,
    history,
    quotas,
    retention,
    lease,
    issuerLedgers,
    anchorLedgers,
    statistics,
    bundleState,
    closings,
    crls,
    evidence,
    evidenceRecords,
    banLedgers,
    revokedLeaves,
    newest,
    inventory,
    proof,
  } = store;
  const shared = worker !== undefined || config.journal.store.kind === 'postgres';
  const issuances = new RecentIssuances({ journal, history }, { shared });
  const refusals = new RefusalRecords({ journal, events, clock });
  lifecycle.at('flush', 'counted refusals', async () => refusals.endInterval());
  startUp.at('storage', () => void refusals.run({ signal: running }));
  const notedEvidence = new NotedEvidence({ records: evidenceRecords, clock });
  lifecycle.at('flush', 'noted evidence', async () => notedEvidence.flush());
  startUp.at('storage', () => void notedEvidence.run({ signal: running }));
  const retaining = { journal: retention, lease, clock, events };
  const settings = { retentionMs: config.journal.retention };
  startUp.at('storage', () => void keepRetention(retaining, settings, { signal: running }));
  health.report('journal', store.health);
  return {
    journal,
    history,
    issuances,
    quotas,
    refusals,
    closings,
    lease,
    issuerLedgers,
    crls,
    anchorLedgers,
    banLedgers,
    statistics,
    evidence,
    notedEvidence,
    revokedLeaves,
    newest,
    inventory,
    proof,
    ...(bundleState !== undefined && { bundleState }),
  };
}

function composeStore({ journal, trustDomain, cluster, sds }: Config, foundation: Foundation): Store {
  const { store, retention, postgres } = journal;
  const inventoried = { retentionMs: retention, cluster: cluster.id, sdsRenewAt: sds.renewAt };
  return store.kind === 'sqlite'
    ? composeSqliteStore({ file: store.file, ...inventoried }, foundation)
    : composePostgresStore({ ...store, ...postgres }, { trust: trustDomain, ...inventoried }, foundation);
}
