// What the ports of leases and of retention promise, of each implementation.
import assert from 'node:assert/strict';
import type { JournalRetention } from '../../../src/ports/storage/journal-retention.ts';
import type { IssuanceJournal } from '../../../src/ports/storage/issuance-journal.ts';
import type { Lease } from '../../../src/ports/storage/lease.ts';
import { issued } from '../../adapters/storage/sqlite/records.ts';

const NEVER = { signal: new AbortController().signal };

export interface LeaseUnderTest {
  readonly lease: Lease;
  readonly journal: IssuanceJournal & JournalRetention;
  /** Decision ids of what is in the journal, in order. */
  readonly recorded: () => Promise<readonly string[]>;
  /** Another process, on the same store, that has it once this one has let go or ended. */
  readonly successor: () => Promise<Lease>;
}

export function describeLease(what: string, make: () => Promise<LeaseUnderTest>): void {
  describe(`A lease ${what}`, () => {
    let store: LeaseUnderTest;
    beforeEach(async () => (store = await make()));

    const appended = async (...timesMs: readonly number[]): Promise<void> => {
      for (const timeMs of timesMs) await store.journal.append(issued(`at ${timeMs}`, { timeMs }), NEVER);
    };

    it('is held by several parts of one process at once, under one epoch', async () => {
      const [one, other] = await Promise.all([store.lease.acquire(NEVER), store.lease.acquire(NEVER)]);
      assert.equal(one.epoch, other.epoch);
      await one.release();
      await one.release();
      assert.equal(other.lost.aborted, false);
      assert.equal((await store.lease.acquire(NEVER)).epoch, other.epoch, 'a part that let go twice let go once');
    });

    it('rises with each new holder', async () => {
      const first = await store.lease.acquire(NEVER);
      await first.release();
      const second = await (await store.successor()).acquire(NEVER);
      assert.ok(second.epoch > first.epoch, `${second.epoch} after ${first.epoch}`);
      await second.release();
    });

    it('is not asked for by who gave up before', async () => {
      const reason = new Error('the server stops');
      await assert.rejects(store.lease.acquire({ signal: AbortSignal.abort(reason) }), reason);
    });

    it('lets its holder delete the oldest records, so many at a time', async () => {
      await appended(1, 2, 3, 5, 9);
      const { epoch } = await store.lease.acquire(NEVER);
      assert.equal(await store.journal.deleteBefore(9, 2, { epoch, ...NEVER }), 2);
      assert.deepEqual(await store.recorded(), ['at 3', 'at 5', 'at 9']);
      assert.equal(await store.journal.deleteBefore(9, 3, { epoch, ...NEVER }), 2);
      assert.equal(await store.journal.deleteBefore(9, 3, { epoch, ...NEVER }), 0);
      assert.deepEqual(await store.recorded(), ['at 9']);
    });

    it('lets nobody delete under an epoch that is not in force', async () => {
      await appended(1);
      const { epoch } = await store.lease.acquire(NEVER);
      for (const wrong of [epoch - 1, epoch + 1]) {
        const deleted = store.journal.deleteBefore(9, 2, { epoch: wrong, ...NEVER });
        await assert.rejects(deleted, { reason: 'CAP-S04', message: /the lease of the journal is over/ });
      }
      assert.deepEqual(await store.recorded(), ['at 1']);
    });
  });
}
