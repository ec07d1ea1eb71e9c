import assert from 'node:assert/strict';
import { CountedEnds, DAYS, HOUR_MS, HOURS } from '../../../src/authority/inventory/ends-ahead.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { EndsQuestion, InventoryEnds } from '../../../src/ports/inventory/inventory.ts';
import { NEVER } from '../../adapters/storage/sqlite/records.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';

const WAITING = { signal: NEVER };

describe('The ends of certificates that are ahead', () => {
  let clock: FakeClock;
  let asked: EndsQuestion[];
  let failing: boolean;
  let ends: CountedEnds;
  beforeEach(() => {
    [clock, asked, failing] = [new FakeClock(), [], false];
    const inventory: InventoryEnds = {
      endsIn: async (question) => {
        asked.push(question);
        if (failing) throw new AuthorityError('CAP-S04');
        return Promise.resolve(
          Array.from({ length: question.steps + 1 }, (_, step) => (step === question.steps ? 7 : 1)),
        );
      },
    };
    ends = new CountedEnds({ inventory, clock });
  });

  it('are told by hours for a day and by days for a month, from the full hour on, and what comes later together', async () => {
    await clock.advance(HOUR_MS / 4);
    const { nowMs, fromMs, hours, days, later } = await ends.ahead(WAITING);
    assert.deepEqual([nowMs, fromMs], [NOON_MS + HOUR_MS / 4, NOON_MS]);
    assert.deepEqual([hours.length, days.length, later], [HOURS, DAYS, 7]);
    assert.ok(hours.every((count) => count === 1) && days.every((count) => count === HOURS));
  });

  it('are counted once for all who ask within a minute', async () => {
    await Promise.all(Array.from({ length: 50 }, async () => ends.ahead(WAITING)));
    await clock.advance(59_000);
    await ends.ahead(WAITING);
    assert.equal(asked.length, 1);
    await clock.advance(1_000);
    await ends.ahead(WAITING);
    assert.equal(asked.length, 2);
  });

  it('are asked for anew by the next one where they could not be counted', async () => {
    failing = true;
    await assert.rejects(ends.ahead(WAITING), /CAP-S04/);
    failing = false;
    assert.equal((await ends.ahead(WAITING)).later, 7);
  });
});
