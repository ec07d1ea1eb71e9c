// A primary that loses its last moments: what two servers wrote before and after a failover has the same revision, and is not the same.
import assert from 'node:assert/strict';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { ANCHOR_LEDGER } from '../../../../src/adapters/storage/ledgers/anchor-ledger.ts';
import { BAN_LEDGER } from '../../../../src/adapters/storage/ledgers/ban-ledger.ts';
import { ISSUER_LEDGER } from '../../../../src/adapters/storage/ledgers/issuer-ledger.ts';
import type { LedgerForm } from '../../../../src/adapters/storage/ledgers/ledger-form.ts';
import type { PostgresSettings } from '../../../../src/adapters/storage/postgres/connection/settings.ts';
import { PostgresPool } from '../../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import { migrate } from '../../../../src/adapters/storage/postgres/schema/migrate.ts';
import { MIGRATIONS } from '../../../../src/adapters/storage/postgres/schema/migrations.ts';
import { PostgresLedgers } from '../../../../src/adapters/storage/postgres/shared/postgres-ledgers.ts';
import { FollowedLedger } from '../../../../src/authority/trust/followed-ledger.ts';
import { NO_BANS, type BanLedger } from '../../../../src/domain/revocation/ban-ledger.ts';
import { NO_LEDGER } from '../../../../src/domain/trust/issuer-ledger.ts';
import { NO_ANCHORS, type AnchorLedger } from '../../../../src/domain/trust/rotation/anchor-ledger.ts';
import { ledgerAfter, operation } from '../../../support/contracts/ledgers.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { settingsOf, startJournal } from '../support/journals.ts';

const SOON = { withinMs: 30_000 };
const BY = { timeMs: 5, actor: 'local', role: 'security', reason: 'a drill' };

const banning = (identity: string): BanLedger => ({
  ...NO_BANS,
  bans: [{ id: 'a'.repeat(16), target: { kind: 'identity', identity }, leavesUntilMs: 1e15, ...BY }],
});
const withdrawing = (subject: string): AnchorLedger => ({
  ...NO_ANCHORS,
  retired: [{ sha256: 'b'.repeat(64), subject, notAfterMs: 1e15, ...BY }],
});

interface Decisions<L> {
  readonly replicated: L;
  /** On the primary that is lost, and then on the one that took over. */
  readonly lost: L;
  readonly next: L;
}

describe('What operators decided, after a failover that lost the last of it', function () {
  this.timeout(180_000);
  const stop = new AbortController();
  const ending = new AsyncDisposableStack();
  let primary: PostgresCluster;
  let standby: PostgresCluster;
  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    primary = ending.use(await PostgresCluster.start());
  });
  after(async () => {
    stop.abort();
    await ending.disposeAsync();
  });

  const settings = (): PostgresSettings =>
    settingsOf(primary, { hosts: [primary, standby].map(({ host, port }) => ({ host, port })) });

  /** As one of several servers follows it; it looks only when it is told to. */
  async function follow<L>(form: LedgerForm<L>): Promise<FollowedLedger<L>> {
    const database = ending.use(new PostgresPool({ clock: new SystemClock() }, settings()));
    const ledgers = new PostgresLedgers({ database }, { trust: 'corp.example', form });
    const followed = new FollowedLedger({ ledgers, clock: new FakeClock() }, form);
    await followed.start(stop);
    return followed;
  }

  function ledgerOf<L>(form: LedgerForm<L>, { replicated, lost, next }: Decisions<L>) {
    const followers: FollowedLedger<L>[] = [];
    const all = async (): Promise<readonly L[]> =>
      Promise.all(
        followers.map(async (follower) => {
          await follower.look(stop);
          assert.equal(follower.problem, undefined);
          return follower.current();
        }),
      );
    const decide = async (ledger: L): Promise<unknown> =>
      followers.at(-1)!.change(() => ({ ledger, operation: operation(form.name) }), stop);
    return {
      /** By a server of the version before. */
      replicate: async () =>
        primary.query(`INSERT INTO ${form.table} (trust, revision, ledger)
          VALUES ('corp.example', 1, '${JSON.stringify(replicated)}')`),
      lose: async () => {
        followers.push(await follow(form), await follow(form));
        assert.deepEqual(await all(), [replicated, replicated]);
        await decide(lost);
        assert.deepEqual(await all(), [lost, lost]);
      },
      goOn: async () => {
        followers.push(await follow(form));
        await decide(next);
        assert.deepEqual(await all(), [next, next, next], form.name);
      },
      revision: async () => standby.query(`SELECT revision FROM ${form.table}`),
    };
  }

  it('is what the new primary has, also under a revision by which servers knew another ledger', async () => {
    const all = [
      ledgerOf(ISSUER_LEDGER, {
        replicated: NO_LEDGER,
        lost: ledgerAfter(NO_LEDGER, 'suspend'),
        next: ledgerAfter(NO_LEDGER, 'taint'),
      }),
      ledgerOf(ANCHOR_LEDGER, {
        replicated: NO_ANCHORS,
        lost: withdrawing('CN=Lost'),
        next: withdrawing('CN=Next'),
      }),
      ledgerOf(BAN_LEDGER, {
        replicated: NO_BANS,
        lost: banning('spiffe://corp.example/lost'),
        next: banning('spiffe://corp.example/next'),
      }),
    ];
    await using pool = new PostgresPool({ clock: new SystemClock() }, settingsOf(primary));
    await pool.use(async (connection) => migrate(connection, MIGRATIONS.slice(0, -1)), stop);
    for (const { replicate } of all) await replicate();
    standby = ending.use(await primary.standby({ synchronous: false }));
    await standby.stop();
    await using started = await startJournal(primary, settings());
    for (const { lose } of all) await lose();

    await primary.kill9();
    await standby.restart();
    await standby.promote();
    const version = async (): Promise<unknown> => (await standby.query('SELECT version FROM schema_version')).flat()[0];
    // The step that the new primary lacks was taken at the old one.
    await eventually('it is migrated', async () => (await version()) === String(MIGRATIONS.length), SOON);
    assert.equal(started.journal.problem, undefined);
    for (const { goOn, revision } of all) {
      await goOn();
      assert.deepEqual(await revision(), [['2']]);
    }
  });
});
