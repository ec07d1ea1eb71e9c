// What pages read of the newest records, of each store.
import assert from 'node:assert/strict';
import type { ClosingRecord } from '../../../src/ports/storage/closing-journal.ts';
import type { DecisionRecord, RefusedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import type { NewestRecords, OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { closing, issued, refused, traced } from '../../adapters/storage/sqlite/records.ts';
import { NOON_MS } from '../fakes/fake-clock.ts';

const NEVER = { signal: new AbortController().signal };
const idIn = (namespace: string): string => `spiffe://cluster.local/ns/${namespace}/sa/web`;
/** Behind those that are of nobody known. */
const OF_NAMESPACES: readonly RefusedRecord[] = [
  refused('5', { timeMs: NOON_MS - 18_000, caller: idIn('pay') }),
  refused('6', { timeMs: NOON_MS - 16_000, caller: idIn('pay'), identity: idIn('shop') }),
  refused('7', { timeMs: NOON_MS - 14_000, caller: idIn('shop'), identity: idIn('pay') }),
  refused('8', { timeMs: NOON_MS - 12_000, caller: idIn('shop') }),
];
const DECISIONS: readonly DecisionRecord[] = [
  refused('1', { timeMs: NOON_MS - 3_000 }),
  issued('2', { timeMs: NOON_MS - 2_000, policy: traced(), remoteCluster: 'west', podUid: 'uid-2' }),
  refused('3', { timeMs: NOON_MS - 1_000, count: 40 }),
  refused('4', { timeMs: NOON_MS }),
  ...OF_NAMESPACES,
];
const OPERATIONS: readonly OperationRecord[] = [1, 2, 3].map((at) => ({
  timeMs: NOON_MS + at,
  operation: 'issuer suspend',
  was: 'active',
  is: `suspended ${at}`,
  details: { actor: 'alice', role: 'operator' },
}));

const GONE = 'spiffe://cluster.local/ns/default/sa/gone';
const CLOSINGS: readonly ClosingRecord[] = [
  closing('uid-1', { timeMs: NOON_MS - 2_000, identity: GONE, reason: 'pod_finished', nodeName: 'node-3' }),
  closing('uid-2', { timeMs: NOON_MS - 1_000, identity: GONE, lastSeenMs: NOON_MS - 9_000 }),
  closing('uid-3', { timeMs: NOON_MS, identity: GONE, serviceAccountUid: 'account' }),
  closing('uid-4', { timeMs: NOON_MS }),
];

export interface WrittenRecords {
  readonly decisions: readonly DecisionRecord[];
  readonly operations: readonly OperationRecord[];
  readonly closings: readonly ClosingRecord[];
}

export function describeNewestRecords(where: string, make: (records: WrittenRecords) => Promise<NewestRecords>): void {
  describe(`The newest records ${where}`, () => {
    let records: NewestRecords;
    beforeEach(
      async () => (records = await make({ decisions: DECISIONS, operations: OPERATIONS, closings: CLOSINGS })),
    );

    it('are refusals of a time, newest first and no more than asked for', async () => {
      const idsOf = async (query: { readonly sinceMs?: number; readonly limit: number }): Promise<readonly string[]> =>
        (await records.list({ outcome: 'refused', ...query }, NEVER)).map(({ decisionId }) => decisionId);
      assert.deepEqual(await idsOf({ limit: 10 }), ['4', '3', '1', '8', '7', '6', '5']);
      assert.deepEqual(await idsOf({ limit: 2 }), ['4', '3']);
      assert.deepEqual(await idsOf({ limit: 10, sinceMs: NOON_MS - 1_500 }), ['4', '3']);
    });

    it('are refusals of some namespaces, behind those of others', async () => {
      const idsIn = async (namespaces: readonly string[], sinceMs = 0, limit = 10): Promise<readonly string[]> => {
        const found = await records.refusedIn({ namespaces, among: 10, sinceMs, limit }, NEVER);
        assert.equal(found.sinceMs, sinceMs);
        return found.records.map(({ decisionId }) => decisionId);
      };
      assert.deepEqual(await idsIn(['shop']), ['8', '6']);
      assert.deepEqual(await idsIn(['pay']), ['7', '5']);
      assert.deepEqual(await idsIn(['pay', 'shop']), ['8', '7', '6', '5']);
      assert.deepEqual(await idsIn(['pay', 'shop'], 0, 3), ['8', '7', '6']);
      assert.deepEqual(await idsIn(['shop'], NOON_MS - 15_000), ['8']);
      for (const nobodys of [[], [''], ['sho'], ['%'], ['shop/sa/web'], ["' OR 1=1 --"]]) {
        assert.deepEqual(await idsIn(nobodys), [], nobodys.join(' '));
      }
    });

    it('are of some namespaces as far back as was looked through', async () => {
      for (const among of [1, 2, 3, 4]) {
        const question = { namespaces: ['shop', 'pay'], among, sinceMs: 0, limit: 10 };
        const { records: found, sinceMs } = await records.refusedIn(question, NEVER);
        assert.ok(sinceMs > 0);
        const there = OF_NAMESPACES.filter(({ timeMs }) => timeMs >= sinceMs).toReversed();
        assert.deepEqual(found, there, `${among}`);
      }
    });

    it('are whole: a record that stands for many says for how many', async () => {
      const [, flood] = await records.list({ outcome: 'refused', limit: 2 }, NEVER);
      assert.deepEqual(flood, DECISIONS[2]);
    });

    it('are certificates by their decisions, many in one question, without what was refused or is not on record', async () => {
      const [, second] = DECISIONS;
      assert.deepEqual(await records.issuedBy(['1', '2', '2', "' OR 1=1 --", 'gone'], NEVER), [second]);
      const others = Array.from({ length: 998 }, (_, index) => `other-${index}`);
      assert.deepEqual(await records.issuedBy([...others, '2', '3'], NEVER), [second]);
      assert.deepEqual(await records.issuedBy([], NEVER), []);
    });

    it('are the ends of one identity, newest first and no more than asked for', async () => {
      const all = await records.closings({ identity: GONE, limit: 10 }, NEVER);
      assert.deepEqual(all, [CLOSINGS[2], CLOSINGS[1], CLOSINGS[0]]);
      assert.deepEqual(await records.closings({ identity: GONE, limit: 2 }, NEVER), all.slice(0, 2));
      assert.deepEqual(await records.closings({ identity: GONE, sinceMs: NOON_MS, limit: 9 }, NEVER), all.slice(0, 1));
      assert.deepEqual(
        await records.closings({ identity: 'spiffe://cluster.local/ns/no/sa/one', limit: 9 }, NEVER),
        [],
      );
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
