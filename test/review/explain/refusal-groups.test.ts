import assert from 'node:assert/strict';
import type { RefusedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { refusalGroups } from '../../../src/review/explain/refusal-groups.ts';

function refused(name: string, values: Partial<RefusedRecord> = {}): RefusedRecord {
  return {
    decisionId: name,
    timeMs: 1_000,
    api: 'csr',
    remoteAddress: '192.0.2.7:1234',
    outcome: 'refused',
    reason: 'CAP-A05',
    message: 'the token does not verify',
    ...values,
  };
}

const API = 'spiffe://cluster.local/ns/shop/sa/api';

describe('Refusals by their causes', () => {
  it('are one where reason, namespace and clause are the same, with the latest as the example', () => {
    const records = [refused('b', { caller: API, timeMs: 2_000 }), refused('a', { caller: API })];
    const [group, ...others] = refusalGroups(records);
    assert.deepEqual(others, []);
    assert.equal(group?.namespace, 'shop');
    assert.deepEqual([group.count, group.firstMs, group.lastMs], [2, 1_000, 2_000]);
    assert.equal(group.latest.decisionId, 'b');
    assert.equal(group.latest.message, 'the token does not verify');
  });

  it('are apart by reason and by namespace, those with the most first', () => {
    const groups = refusalGroups([
      refused('a', { caller: API }),
      refused('b', { caller: 'spiffe://cluster.local/ns/pay/sa/api', count: 40 }),
      refused('c', { caller: API, reason: 'CAP-Q01' }),
    ]);
    assert.deepEqual(
      groups.map(({ reason, namespace, count }) => [reason, namespace, count]),
      [
        ['CAP-A05', 'pay', 40],
        ['CAP-A05', 'shop', 1],
        ['CAP-Q01', 'shop', 1],
      ],
    );
  });

  it('have no namespace where nobody knows for whom it was', () => {
    const groups = refusalGroups([refused('a'), refused('b', { caller: 'spiffe://cluster.local/somebody' })]);
    assert.deepEqual(
      groups.map(({ namespace, identities }) => [namespace, identities.count]),
      [[undefined, 1]],
    );
  });

  it('name five identities at most, and say how many there are', () => {
    const records = Array.from({ length: 40 }, (_, at) => refused(`${at}`, { caller: `${API}${at}` }));
    const [group] = refusalGroups(records);
    assert.deepEqual([group?.identities.first.length, group?.identities.count], [5, 40]);
  });
});
