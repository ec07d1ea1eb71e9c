// Who does the chores of all replicas, against a real database: by its clock alone, whatever the replicas' own show.
import assert from 'node:assert/strict';
import { PostgresLease } from '../../../../src/adapters/storage/postgres/shared/postgres-lease.ts';
import { describeLease } from '../../../support/contracts/lease.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { SharedStore } from './shared-store.ts';

const NEVER = { signal: new AbortController().signal };
const NAME = 'chores';

describe('The lease of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();

  const leaseOf = (holder: string, clock = new FakeClock()): PostgresLease =>
    new PostgresLease({ database: store.database, clock }, { name: NAME, holder });
  const expire = async (): Promise<unknown> =>
    store.cluster.query("UPDATE leases SET expires_at = clock_timestamp() - interval '1 ms'");

  describeLease('of a shared store', async () => ({
    lease: leaseOf('one'),
    journal: store.journal(NAME),
    recorded: async () => store.recorded(),
    successor: async () => leaseOf('two'),
  }));

  it('passes on when its term is over, and not before', async () => {
    const clock = new FakeClock();
    const first = await leaseOf('one').acquire(NEVER);
    const waiting = leaseOf('two', clock).acquire(NEVER);
    await store.asked();
    await clock.advance(3_000);
    await store.asked();
    await expire();
    await clock.advance(3_000);
    assert.ok((await waiting).epoch > first.epoch);
  });

  it('is kept as long as the database hears of its holder', async () => {
    const clock = new FakeClock();
    const held = await leaseOf('one', clock).acquire(NEVER);
    for (let renewals = 0; renewals < 10; renewals += 1) {
      await clock.advance(4_000);
      await store.asked();
    }
    assert.equal(held.lost.aborted, false);
    const [row] = await store.cluster.query("SELECT expires_at > clock_timestamp() + interval '10 s' FROM leases");
    assert.deepEqual(row, ['t']);
  });

  it('is lost two seconds before it can pass on when the database is not to be reached', async () => {
    const clock = new FakeClock();
    const held = await leaseOf('one', clock).acquire(NEVER);
    store.failing = true;
    await clock.advance(12_999);
    assert.equal(held.lost.aborted, false);
    await clock.advance(1);
    assert.equal(held.lost.aborted, true);
  });

  it('is lost as soon as the database says that another has it', async () => {
    const clock = new FakeClock();
    const held = await leaseOf('one', clock).acquire(NEVER);
    await expire();
    await leaseOf('two').acquire(NEVER);
    await clock.advance(4_000);
    await store.asked();
    assert.equal(held.lost.aborted, true);
  });

  it('lets a holder that was stopped for long write nothing when it goes on', async () => {
    const stopped = await leaseOf('one').acquire(NEVER);
    await expire();
    const other = await leaseOf('two').acquire(NEVER);
    assert.equal(stopped.lost.aborted, false, 'its own clock stood still, so it does not know');
    const retention = store.journal(NAME);
    await assert.rejects(retention.deleteBefore(9, 2, { epoch: stopped.epoch, ...NEVER }), { reason: 'CAP-S04' });
    assert.equal(await retention.deleteBefore(9, 2, { epoch: other.epoch, ...NEVER }), 0);
  });

  it('passes on in between to nobody: who deletes waits for one that takes it, and is refused', async () => {
    const journal = store.journal(NAME);
    const { epoch } = await leaseOf('one').acquire(NEVER);
    const waits = async (): Promise<boolean> =>
      (await store.cluster.query('SELECT 1 FROM pg_locks WHERE NOT granted')).length > 0;
    const deleted = await store.inTransaction('UPDATE leases SET epoch = epoch + 1', async () => {
      const outcome = assert.rejects(
        journal.deleteBefore(9, 2, { epoch, ...NEVER }),
        /the lease of the journal is over/,
      );
      await eventually('who deletes waits', waits, { withinMs: 30_000 });
      return { outcome };
    });
    await deleted.outcome;
  });

  it('is not moved by wall clocks that are a minute apart', async () => {
    const [early, late] = [new FakeClock(NOON_MS - 60_000), new FakeClock(NOON_MS + 60_000)];
    const held = await leaseOf('one', early).acquire(NEVER);
    const waiting = new AbortController();
    const other = leaseOf('two', late).acquire({ signal: waiting.signal });
    await store.asked();
    waiting.abort(new Error('it had to wait'));
    await assert.rejects(other, /it had to wait/);
    assert.equal(held.lost.aborted, false);
  });

  it('is taken by the next try of a process whose first answer was lost', async () => {
    const lease = leaseOf('one');
    store.losing = true;
    await assert.rejects(lease.acquire(NEVER), { reason: 'CAP-S04' });
    const [[lost] = []] = await store.cluster.query('SELECT epoch FROM leases');
    const held = await lease.acquire(NEVER);
    assert.ok(held.epoch > Number(lost));
    await held.release();
  });

  it('that a failover has forgotten is lost to who had it when another has taken it, whose epoch is another', async () => {
    const clock = new FakeClock();
    const forgotten = await leaseOf('one', clock).acquire(NEVER);
    await store.cluster.query('DELETE FROM leases');
    const { epoch } = await leaseOf('two').acquire(NEVER);
    assert.notEqual(epoch, forgotten.epoch);
    await clock.advance(4_000);
    await store.asked();
    assert.equal(forgotten.lost.aborted, true);
  });

  it('has an epoch that rises also where the clock of the database was set back', async () => {
    const ahead = 9_000_000_000_000;
    const first = await leaseOf('one').acquire(NEVER);
    await first.release();
    await store.cluster.query(`UPDATE leases SET epoch = ${ahead}`);
    assert.equal((await leaseOf('two').acquire(NEVER)).epoch, ahead + 1);
  });
});
