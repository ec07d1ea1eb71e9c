// The embedded store: a SQLite file for each process, read as one, and what is only counted in memory.
import { crlFileOf, FileCrls } from '../../../adapters/storage/embedded/file-crls.ts';
import { MemoryQuotaCounters } from '../../../adapters/storage/embedded/memory-quota-counters.ts';
import { ANCHOR_LEDGER } from '../../../adapters/storage/ledgers/anchor-ledger.ts';
import { BAN_LEDGER } from '../../../adapters/storage/ledgers/ban-ledger.ts';
import { ISSUER_LEDGER } from '../../../adapters/storage/ledgers/issuer-ledger.ts';
import { SqliteInventory } from '../../../adapters/storage/inventory/sqlite-inventory.ts';
import type { InventorySettings } from '../../../adapters/storage/inventory/sqlite/inventory-store.ts';
import { relayedQuotaBank } from '../../../adapters/processes/relays/quota-bank.ts';
import { LentQuotaCounters } from '../../../adapters/storage/lent/lent-quota-counters.ts';
import { slotFile } from '../../../adapters/storage/slots/journal-slots.ts';
import { SqliteIssuanceHistory } from '../../../adapters/storage/sqlite/sqlite-issuance-history.ts';
import { SqliteIssuerStatistics } from '../../../adapters/storage/sqlite/sqlite-issuer-statistics.ts';
import { SqliteNewestRecords } from '../../../adapters/storage/sqlite/sqlite-newest-records.ts';
import { SqliteEvidence } from '../../../adapters/storage/sqlite/sqlite-evidence.ts';
import { SqliteJournal } from '../../../adapters/storage/sqlite/sqlite-journal.ts';
import { degradedBy, notReady } from '../../../ports/platform/health.ts';
import type { QuotaCounters } from '../../../ports/storage/quota-counters.ts';
import type { Foundation } from '../foundation.ts';
import { embeddedLedgers } from './embedded-ledgers.ts';
import { LeftJournals } from './left-journals.ts';
import { serverName } from '../../worker-place.ts';
import type { Store } from './store.ts';

export function composeSqliteStore(
  { file, retentionMs, ...habits }: Omit<InventorySettings, 'inventory'>,
  foundation: Foundation,
): Store {
  const { clock, events, lifecycle, startUp, running, worker } = foundation;
  const history = new SqliteIssuanceHistory({ clock }, file);
  const statistics = new SqliteIssuerStatistics({ clock }, file);
  const newest = new SqliteNewestRecords({ clock }, file);
  const evidence = new SqliteEvidence({ clock }, file);
  const journal = new SqliteJournal(
    { clock, events },
    { file: slotFile(file, worker?.slot), server: serverName(worker) },
  );
  const left = new LeftJournals({ clock, events }, { file, processes: 1, retentionMs });
  const isFirst = worker === undefined || worker.slot === 1;
  const inventory = isFirst ? new SqliteInventory({ clock }, { file, retentionMs, ...habits }) : undefined;
  lifecycle.at('flush', 'inventory', async () => inventory?.[Symbol.asyncDispose]());
  lifecycle.at('flush', 'issuance history', async () => history[Symbol.asyncDispose]());
  lifecycle.at('flush', 'figures of issuers', async () => statistics[Symbol.asyncDispose]());
  lifecycle.at('flush', 'reader of the newest records', async () => newest[Symbol.asyncDispose]());
  lifecycle.at('flush', 'reader of evidence', async () => evidence[Symbol.asyncDispose]());
  lifecycle.at('flush', 'journals that are left', async () => left[Symbol.asyncDispose]());
  lifecycle.at('flush', 'journal', async () => journal[Symbol.asyncDispose]());
  // The supervisor has made the journals of its workers: where one is not, the store was taken away.
  startUp.at('storage', async (options) => journal.start({ ...options, made: worker !== undefined }));
  // Of several processes the supervisor has what is left.
  if (worker === undefined) startUp.at('storage', async (options) => left.start({ ...options, running }));
  const health: Store['health'] = () => {
    const { problem, checking } = journal;
    return problem === undefined ? degradedBy(checking ?? left.problem) : notReady(problem);
  };
  // Each worker has the lease of its own journal: one of them records for all.
  const closings = isFirst ? { journal, issuances: history } : undefined;
  return {
    journal,
    history,
    quotas: quotasOf(foundation),
    retention: journal,
    lease: journal,
    closings,
    anchorLedgers: embeddedLedgers({ file, journal, worker }, ANCHOR_LEDGER),
    issuerLedgers: embeddedLedgers({ file, journal, worker }, ISSUER_LEDGER),
    crls: new FileCrls(crlFileOf(file)),
    banLedgers: embeddedLedgers({ file, journal, worker }, BAN_LEDGER),
    statistics,
    evidence,
    evidenceRecords: journal,
    revokedLeaves: statistics,
    newest,
    inventory,
    proof: {
      chains: statistics,
      heads: {
        keepHead: async (...given) => journal.keepHead(...given),
        lastHeads: async (...given) => statistics.lastHeads(...given),
      },
      // Each worker has the lease of its own journal: one of them makes heads of all.
      isMadeHere: isFirst,
    },
    health,
  };
}

function quotasOf({ clock, worker }: Foundation): QuotaCounters {
  if (worker === undefined) return new MemoryQuotaCounters(clock);
  return new LentQuotaCounters({ bank: relayedQuotaBank(worker.link), clock });
}
