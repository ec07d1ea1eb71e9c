import assert from 'node:assert/strict';
import { keepRetention } from '../../../src/authority/chores/journal-retention.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { JournalRetention } from '../../../src/ports/storage/journal-retention.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { FakeLease } from '../../support/fakes/lease.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';

const DAY_MS = 86_400_000;

/** Has so many old records, and notes under which epoch they went. */
class FakeRetention implements JournalRetention {
  readonly asked: { readonly beforeMs: number; readonly epoch: number; readonly removed: number }[] = [];
  old = 0;
  failing = false;

  async deleteBefore(beforeMs: number, limit: number, { epoch }: { readonly epoch: number }): Promise<number> {
    if (this.failing) throw new AuthorityError('CAP-S04');
    const removed = Math.min(this.old, limit);
    this.old -= removed;
    this.asked.push({ beforeMs, epoch, removed });
    return removed;
  }
}

describe('The retention of the journal', () => {
  function scene() {
    const [journal, lease, clock, events, end] = [
      new FakeRetention(),
      new FakeLease(),
      new FakeClock(),
      recordEvents(),
      new AbortController(),
    ];
    const running = keepRetention({ journal, lease, clock, events }, { retentionMs: 30 * DAY_MS }, end);
    return { journal, lease, clock, events, end, running };
  }

  it('deletes what is too old, in steps, at start and then daily', async () => {
    const { journal, lease, clock } = scene();
    journal.old = 450;
    lease.give();
    await clock.advance(1_000);
    const beforeMs = NOON_MS - 30 * DAY_MS;
    assert.deepEqual(
      journal.asked,
      [200, 200, 50].map((removed) => ({ beforeMs, epoch: 1, removed })),
    );
    await clock.advance(DAY_MS - 2_000);
    assert.equal(journal.asked.length, 3);
    await clock.advance(2_000);
    assert.deepEqual(journal.asked.slice(3), [{ beforeMs: clock.nowMs() - 30 * DAY_MS - 960, epoch: 1, removed: 0 }]);
  });

  it('deletes nothing sooner for a clock that was set forwards meanwhile, and less for one that was set back', async () => {
    const { journal, lease, clock } = scene();
    lease.give();
    await settle();
    for (const [setMs, beforeMs] of [
      [400 * DAY_MS, NOON_MS - 29 * DAY_MS],
      [-10 * DAY_MS, NOON_MS - 39 * DAY_MS],
    ] as const) {
      clock.jumpTo(NOON_MS + setMs);
      await clock.advance(DAY_MS);
      assert.equal(journal.asked.at(-1)?.beforeMs, beforeMs);
    }
  });

  it('is done by who leads alone: not before, not after, and again under a later epoch', async () => {
    const { journal, lease, clock, end, running } = scene();
    await clock.advance(3 * DAY_MS);
    assert.deepEqual(journal.asked, []);
    lease.give();
    await settle();
    lease.lose();
    await clock.advance(3 * DAY_MS);
    assert.equal(journal.asked.length, 1);
    lease.give();
    await settle();
    assert.deepEqual(
      journal.asked.map(({ epoch }) => epoch),
      [1, 2],
    );
    end.abort();
    await running;
    assert.equal(lease.released, 2);
  });

  it('says that it failed, and tries again a day later', async () => {
    const { journal, lease, clock, events } = scene();
    journal.failing = true;
    lease.give();
    await settle();
    assert.deepEqual(
      events.of('unexpected').map(({ where }) => where),
      ['journal retention'],
    );
    journal.failing = false;
    await clock.advance(DAY_MS);
    assert.equal(journal.asked.length, 1);
  });
});
