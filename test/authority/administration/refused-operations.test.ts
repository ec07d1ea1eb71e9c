import assert from 'node:assert/strict';
import { RefusedOperations } from '../../../src/authority/administration/refused-operations.ts';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';

describe('Operations that were refused', () => {
  let clock: FakeClock;
  let records: OperationRecord[];
  let refusals: RefusedOperations;
  let stop: AbortController;
  beforeEach(() => {
    clock = new FakeClock();
    records = [];
    refusals = new RefusedOperations({ record: async (one) => void records.push(one), clock });
    stop = new AbortController();
    void refusals.run(stop);
  });
  afterEach(() => stop.abort());

  const refuse = (actor: string, times = 1): void => {
    for (let time = 0; time < times; time += 1)
      refusals.note({ operation: 'POST /issuers/x/taint', actor, role: 'viewer', problem: `CAP-O01 no, ${time}` });
  };
  const minutes = async (count: number): Promise<void> => {
    for (let quarter = 0; quarter < 4 * count; quarter += 1) await clock.advance(15_000);
  };

  it('are recorded with who asked and why not', async () => {
    refuse('CN:victor');
    await minutes(2);
    const details = { actor: 'CN:victor', role: 'viewer', refused: 'CAP-O01 no, 0' };
    const [record, ...others] = records;
    assert.deepEqual([record?.operation, record?.is, record?.details], ['POST /issuers/x/taint', 'refused', details]);
    assert.deepEqual(others, []);
  });

  it('have ten records a minute for each actor, and one more with the number of the others', async () => {
    refuse('CN:mallory', 1_000);
    refuse('CN:victor', 2);
    assert.equal(records.length, 12);
    await minutes(2);
    assert.equal(records.length, 13);
    const { actor, count, refused } = records.at(-1)?.details ?? assert.fail();
    assert.deepEqual([actor, count, refused], ['CN:mallory', 990, 'CAP-O01 no, 999']);
    refuse('CN:mallory');
    assert.equal(records.length, 14);
  });

  it('of more than 500 actors in a minute share one count', async () => {
    for (let actor = 0; actor < 2_000; actor += 1) refuse(`CN:${actor}`);
    await minutes(2);
    assert.ok(records.length <= 500 + 10 + 1, String(records.length));
    assert.deepEqual([records.at(-1)?.details?.actor, records.at(-1)?.details?.count], ['others', 1_490]);
  });
});
