// A process of its own: judges live certificates of a store as a server does, for a while. Arguments: seconds, and either the file of a
// SQLite journal or the settings of a PostgreSQL as JSON. Prints {"perSecond": N, "loopPercent": N, "rssMiB": N}.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresInventory } from '../../../../src/adapters/storage/inventory/postgres-inventory.ts';
import { SqliteInventory } from '../../../../src/adapters/storage/inventory/sqlite-inventory.ts';
import { PostgresPool } from '../../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import type { PostgresSettings } from '../../../../src/adapters/storage/postgres/connection/settings.ts';
import { PostgresNewestRecords } from '../../../../src/adapters/storage/postgres/postgres-newest-records.ts';
import { SqliteNewestRecords } from '../../../../src/adapters/storage/sqlite/sqlite-newest-records.ts';
import { LiveWatch, type LiveWatchParts } from '../../../../src/authority/drift/live-watch.ts';
import { LiveCertificateReview, type LiveCertificates } from '../../../../src/review/drift/live-certificates.ts';
import { every } from '../../../../src/live/every.ts';
import type { InventoryKeeping } from '../../../../src/ports/inventory/inventory.ts';
import { FakeLease } from '../../../support/fakes/lease.ts';
import { eventually } from '../../../support/eventually.ts';
import { INVENTORY_SETTINGS } from '../../../support/contracts/inventory.ts';
import { liveJudges } from './live-records.ts';

/** As a server keeps it. */
const KEPT_EVERY_MS = 1_000;
const MIB = 1_048_576;
const [seconds = '10', store = ''] = process.argv.slice(2);
const clock = new SystemClock();
await using opened = new AsyncDisposableStack();

type Store = Pick<LiveWatchParts<LiveCertificates>, 'inventory' | 'records'> & { readonly keeping: InventoryKeeping };

function storeOf(): Store {
  if (!store.startsWith('{')) {
    const inventory = opened.use(new SqliteInventory({ clock }, { file: store, ...INVENTORY_SETTINGS }));
    return { inventory, keeping: inventory, records: opened.use(new SqliteNewestRecords({ clock }, store)) };
  }
  const pool = opened.use(new PostgresPool({ clock }, JSON.parse(store) as PostgresSettings));
  const inventory = new PostgresInventory({ pool, clock }, INVENTORY_SETTINGS);
  return { inventory, keeping: inventory, records: new PostgresNewestRecords({ database: pool }) };
}

const ending = new AbortController();
const judges = liveJudges();
const lease = new FakeLease();
const { keeping, ...parts } = storeOf();
const watch = new LiveWatch({
  ...parts,
  policies: { current: () => judges.policies, policyBundleTimeMs: () => Date.now(), onChange: () => undefined },
  review: (policies, nowMs) =>
    new LiveCertificateReview({ ...judges, policies }, nowMs, { listed: 100, verdicts: 1_000 }),
  lease,
  clock,
});
const kept = async (): Promise<void> => {
  // Of a busy machine an answer may be late: it is asked again.
  await keeping.follow({ nowMs: clock.nowMs() }, ending).catch(() => undefined);
};
const running = Promise.all([watch.run(ending), every(KEPT_EVERY_MS, clock, async () => kept(), ending)]);
opened.defer(async () => {
  ending.abort();
  await running;
});
lease.give();
const judgedSoFar = (): number => watch.seen?.found.live ?? 0;
await eventually('some are judged', async () => judgedSoFar() > 1_000, { withinMs: 60_000 });
const [before, sinceMs, loop] = [judgedSoFar(), performance.now(), performance.eventLoopUtilization()];
while (watch.seen?.isComplete !== true && performance.now() - sinceMs < Number(seconds) * 1_000) await sleep(200);
const took = (performance.now() - sinceMs) / 1_000;
const { utilization } = performance.eventLoopUtilization(loop);
const perSecond = (judgedSoFar() - before) / took;
process.stdout.write(
  JSON.stringify({ perSecond, loopPercent: 100 * utilization, rssMiB: process.memoryUsage().rss / MIB }),
);
