import assert from 'node:assert/strict';
import { OWN_CLUSTER, type BanTarget } from '../../../src/domain/revocation/ban.ts';
import {
  banned,
  isInForce,
  lifted,
  MAX_BANS,
  NO_BANS,
  type BanLedger,
} from '../../../src/domain/revocation/ban-ledger.ts';

const HOUR_MS = 3_600_000;
const LEAF = { longestLeafMs: 24 * HOUR_MS };
const NODE: BanTarget = { kind: 'node', node: 'worker-3', cluster: OWN_CLUSTER };
const SERIAL: BanTarget = { kind: 'serial', serial: 'abc', identity: 'spiffe://a/ns/b/sa/c', proofId: 'p' };
const by = (timeMs: number, reason = 'a drill') => ({ timeMs, actor: 'CN:alice', role: 'security', reason });

function good<T extends object>(result: T | { readonly problem: string }): T {
  return 'problem' in result ? assert.fail(result.problem) : result;
}
const ban = (ledger: BanLedger, target: BanTarget, timeMs: number, forMs?: number) =>
  good(banned(ledger, { act: 'revoke', target, reason: 'a drill', ...(forMs && { forMs }) }, by(timeMs), LEAF));

describe('The ledger of bans', () => {
  it('has a ban until it is lifted, unless a time was given', () => {
    const { ban: lasting } = ban(NO_BANS, NODE, 0);
    assert.equal(isInForce(lasting, 1e15), true);
    const { ban: short } = ban(NO_BANS, NODE, 0, HOUR_MS);
    assert.deepEqual([isInForce(short, HOUR_MS - 1), isInForce(short, HOUR_MS)], [true, false]);
  });

  it('has a certificate revoked for the longest that it or what was renewed with it can live', () => {
    const { ban: certificate } = ban(NO_BANS, SERIAL, 0);
    assert.deepEqual([certificate.untilMs, certificate.leavesUntilMs], [LEAF.longestLeafMs, LEAF.longestLeafMs]);
  });

  it('keeps a ban whose time is over while certificates from before it may live, and then leaves it out', () => {
    const { ledger } = ban(NO_BANS, NODE, 0, HOUR_MS);
    const other: BanTarget = { ...NODE, node: 'worker-4' };
    assert.equal(ban(ledger, other, LEAF.longestLeafMs - 1).ledger.bans.length, 2);
    assert.deepEqual(
      ban(ledger, other, LEAF.longestLeafMs).ledger.bans.map(({ target }) => target),
      [other],
    );
  });

  it('is not changed by the same ban again, unless that lasts longer', () => {
    const first = ban(NO_BANS, NODE, 0, HOUR_MS);
    const same = ban(first.ledger, NODE, 0, HOUR_MS);
    assert.deepEqual([same.isNew, same.ban, same.ledger], [false, first.ban, first.ledger]);
    const longer = ban(first.ledger, NODE, 1, HOUR_MS);
    assert.deepEqual([longer.isNew, longer.ledger.bans.length], [true, 2]);
    assert.equal(ban(longer.ledger, NODE, 2).isNew, true);
  });

  it('names each ban by another id', () => {
    const { ledger, ban: first } = ban(NO_BANS, NODE, 0);
    const next = ban(ledger, { ...NODE, node: 'worker-4' }, 0);
    assert.match(first.id, /^[0-9a-f]{16}$/);
    assert.notEqual(next.ban.id, first.id);
  });

  it('is without a ban that was lifted, and knows no other by its id', () => {
    const { ledger, ban: first } = ban(NO_BANS, NODE, 0);
    assert.deepEqual(good(lifted(ledger, first.id, 1)), { ledger: NO_BANS, ban: first });
    assert.deepEqual(lifted(ledger, '0'.repeat(16), 1), { problem: `nothing is revoked as ${'0'.repeat(16)}` });
  });

  it(`has ${MAX_BANS} bans and no more, and room again when one is over`, () => {
    const { ban: one } = ban(NO_BANS, NODE, 0, HOUR_MS);
    const bans = Array.from({ length: MAX_BANS }, (_, at) => ({ ...one, target: { ...NODE, node: `n-${at}` } }));
    const full = { ...NO_BANS, bans };
    const wanted = { act: 'revoke', target: NODE, reason: 'a drill' } as const;
    assert.match((banned(full, wanted, by(1), LEAF) as { problem: string }).problem, /^10000 are in force/);
    assert.equal(ban(full, NODE, LEAF.longestLeafMs).ledger.bans.length, 1);
  });

  it('takes no more text than two processes can hand each other', () => {
    const { ban: one } = ban(NO_BANS, NODE, 0);
    const full = { ...NO_BANS, bans: Array.from({ length: 4_000 }, () => ({ ...one, reason: 'x'.repeat(1_600) })) };
    assert.ok('problem' in banned(full, { act: 'revoke', target: SERIAL, reason: 'a drill' }, by(1), LEAF));
  });
});
