// What pages read of the newest records, of each store.
import assert from 'node:assert/strict';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import type { NewestRecords, OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { issued, refused } from '../../adapters/storage/sqlite/records.ts';
import { NOON_MS } from '../fakes/fake-clock.ts';

const NEVER = { signal: new AbortController().signal };
const DECISIONS: readonly DecisionRecord[] = [
  refused('1', { timeMs: NOON_MS - 3_000 }),
  issued('2', { timeMs: NOON_MS - 2_000 }),
  refused('3', { timeMs: NOON_MS - 1_000, count: 40 }),
  refused('4', { timeMs: NOON_MS }),
];
const OPERATIONS: readonly OperationRecord[] = [1, 2, 3].map((at) => ({
  timeMs: NOON_MS + at,
  operation: 'issuer suspend',
  was: 'active',
  is: `suspended ${at}`,
  details: { actor: 'alice', role: 'operator' },
}));

export function describeNewestRecords(
  where: string,
  make: (decisions: readonly DecisionRecord[], operations: readonly OperationRecord[]) => Promise<NewestRecords>,
): void {
  describe(`The newest records ${where}`, () => {
    let records: NewestRecords;
    beforeEach(async () => (records = await make(DECISIONS, OPERATIONS)));

    it('are refusals of a time, newest first and no more than asked for', async () => {
      const idsOf = async (query: { readonly sinceMs?: number; readonly limit: number }): Promise<readonly string[]> =>
        (await records.list({ outcome: 'refused', ...query }, NEVER)).map(({ decisionId }) => decisionId);
      assert.deepEqual(await idsOf({ limit: 10 }), ['4', '3', '1']);
      assert.deepEqual(await idsOf({ limit: 2 }), ['4', '3']);
      assert.deepEqual(await idsOf({ limit: 10, sinceMs: NOON_MS - 1_500 }), ['4', '3']);
    });

    it('are whole: a record that stands for many says for how many', async () => {
      const [, flood] = await records.list({ outcome: 'refused', limit: 2 }, NEVER);
      assert.deepEqual(flood, DECISIONS[2]);
    });

    it('are what operators did, newest first', async () => {
      const found = await records.operations({ limit: 2 }, NEVER);
      assert.deepEqual(
        found.map(({ is, details }) => [is, details?.actor]),
        [
          ['suspended 3', 'alice'],
          ['suspended 2', 'alice'],
        ],
      );
    });
  });
}
