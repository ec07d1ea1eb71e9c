// The store of several servers: one PostgreSQL with their journal and what they share beside it. It imports much because
// each of these is a port of its own.
import { ANCHOR_LEDGER } from '../../../adapters/storage/ledgers/anchor-ledger.ts';
import { BAN_LEDGER } from '../../../adapters/storage/ledgers/ban-ledger.ts';
import { ISSUER_LEDGER } from '../../../adapters/storage/ledgers/issuer-ledger.ts';
import { LentQuotaCounters } from '../../../adapters/storage/lent/lent-quota-counters.ts';
import { PostgresInventory } from '../../../adapters/storage/inventory/postgres-inventory.ts';
import type { FollowerSettings } from '../../../adapters/storage/inventory/postgres/inventory-follower.ts';
import { PostgresPool } from '../../../adapters/storage/postgres/connection/postgres-pool.ts';
import type { PostgresSettings } from '../../../adapters/storage/postgres/connection/settings.ts';
import { PostgresIssuanceHistory } from '../../../adapters/storage/postgres/postgres-issuance-history.ts';
import { PostgresPodIssuances } from '../../../adapters/storage/postgres/postgres-pod-issuances.ts';
import { PostgresClosings } from '../../../adapters/storage/postgres/shared/postgres-closings.ts';
import { PostgresIssuerStatistics } from '../../../adapters/storage/postgres/postgres-issuer-statistics.ts';
import { PostgresEvidence } from '../../../adapters/storage/postgres/postgres-evidence.ts';
import { PostgresEvidenceRecords } from '../../../adapters/storage/postgres/shared/postgres-evidence-records.ts';
import { PostgresNewestRecords } from '../../../adapters/storage/postgres/postgres-newest-records.ts';
import { PostgresRevokedLeaves } from '../../../adapters/storage/postgres/postgres-revoked-leaves.ts';
import { PostgresJournal } from '../../../adapters/storage/postgres/postgres-journal.ts';
import { PostgresAuditHeads } from '../../../adapters/storage/postgres/shared/postgres-audit-heads.ts';
import { PostgresBundleState } from '../../../adapters/storage/postgres/shared/postgres-bundle-state.ts';
import { PostgresLedgers } from '../../../adapters/storage/postgres/shared/postgres-ledgers.ts';
import { PostgresCrls } from '../../../adapters/storage/postgres/shared/postgres-crls.ts';
import { PostgresLease } from '../../../adapters/storage/postgres/shared/postgres-lease.ts';
import { PostgresQuotaBank } from '../../../adapters/storage/postgres/shared/postgres-quota-bank.ts';
import { PostgresRetention } from '../../../adapters/storage/postgres/shared/postgres-retention.ts';
import { notReady, READY } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';
import { serverName } from '../../worker-place.ts';
import type { Store } from './store.ts';

/** Of the chores of the journal, as its row in the table of leases. */
const LEASE_NAME = 'journal';

export function composePostgresStore(
  settings: PostgresSettings,
  { trust, ...inventoried }: FollowerSettings & { readonly trust: string },
  { clock, events, random, lifecycle, startUp, worker }: Foundation,
): Store {
  const server = serverName(worker);
  const journal = new PostgresJournal({ clock, events, server }, { ...settings, trust });
  // The journal has one connection for itself, and who reads evidence has one.
  const pool = new PostgresPool({ clock }, { ...settings, maxConnections: Math.max(1, settings.maxConnections - 2) });
  const shared = { database: pool, clock };
  const holder = Buffer.from(random.bytes(16)).toString('hex');
  const statistics = new PostgresIssuerStatistics(shared);
  const lease = new PostgresLease(shared, { name: LEASE_NAME, holder });
  lifecycle.at('flush', 'connections to PostgreSQL', async () => pool[Symbol.asyncDispose]());
  lifecycle.at('flush', 'journal', async () => journal[Symbol.asyncDispose]());
  lifecycle.at('flush', 'lease of the journal', async () => lease[Symbol.asyncDispose]());
  startUp.at('storage', async (options) => journal.start(options));
  return {
    journal,
    history: new PostgresIssuanceHistory({ pool }),
    quotas: new LentQuotaCounters({ bank: new PostgresQuotaBank(shared), clock }),
    retention: new PostgresRetention(shared, { leaseName: LEASE_NAME }),
    closings: {
      journal: new PostgresClosings(shared, { leaseName: LEASE_NAME, server }),
      issuances: new PostgresPodIssuances({ pool }),
    },
    lease,
    anchorLedgers: new PostgresLedgers(shared, { trust, form: ANCHOR_LEDGER }),
    issuerLedgers: new PostgresLedgers(shared, { trust, form: ISSUER_LEDGER }),
    crls: new PostgresCrls(shared, { trust }),
    banLedgers: new PostgresLedgers(shared, { trust, form: BAN_LEDGER }),
    statistics,
    evidence: new PostgresEvidence({ clock }, settings),
    evidenceRecords: new PostgresEvidenceRecords(shared),
    newest: new PostgresNewestRecords(shared),
    revokedLeaves: new PostgresRevokedLeaves(shared),
    inventory: new PostgresInventory({ pool, clock }, inventoried),
    proof: { chains: statistics, heads: new PostgresAuditHeads(shared, { leaseName: LEASE_NAME }), isMadeHere: true },
    bundleState: new PostgresBundleState(shared, { trust }),
    health: () => (journal.problem === undefined ? READY : notReady(journal.problem)),
  };
}
