import assert from 'node:assert/strict';
import { OWN_CLUSTER, type BanTarget } from '../../../src/domain/revocation/ban.ts';
import {
  banned,
  CLOCK_ERROR_MS,
  isInForce,
  lifted,
  MAX_BAN_CHARACTERS,
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

  it('has a certificate revoked for longer than it or what was renewed with it can live, were the clock a day behind', () => {
    const { ban: certificate } = ban(NO_BANS, SERIAL, 0);
    assert.equal(certificate.leavesUntilMs, LEAF.longestLeafMs);
    assert.equal(certificate.untilMs, LEAF.longestLeafMs + CLOCK_ERROR_MS);
  });

  it('keeps every ban when the clock was months ahead as another came or was lifted', () => {
    const { ledger } = ban(ban(NO_BANS, SERIAL, 0).ledger, NODE, 0, HOUR_MS);
    const ahead = ban(ledger, { ...NODE, node: 'worker-4' }, 10_000 * HOUR_MS);
    assert.deepEqual(ahead.ledger.bans.slice(0, 2), ledger.bans);
    assert.deepEqual(good(lifted(ahead.ledger, ahead.ban.id, 10_000 * HOUR_MS)).ledger, ledger);
  });

  it('bans again whose ban is over, and lifts none that is over', () => {
    const { ledger, ban: first } = ban(NO_BANS, NODE, 0, HOUR_MS);
    const later = 24 * HOUR_MS;
    assert.equal(ban(ledger, NODE, later, HOUR_MS).isNew, true);
    assert.deepEqual(lifted(ledger, first.id, later), { problem: `nothing is revoked as ${first.id}` });
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

  it(`has ${MAX_BANS} bans and no more; for another the one that ended first gives way, and no other`, () => {
    const { ban: one } = ban(NO_BANS, NODE, 0, HOUR_MS);
    const bans = Array.from({ length: MAX_BANS }, (_, at) => ({
      ...one,
      target: { ...NODE, node: `n-${at}` },
      leavesUntilMs: LEAF.longestLeafMs - (at === 7 ? 1 : 0),
    }));
    const full = { ...NO_BANS, bans };
    const wanted = { act: 'revoke', target: NODE, reason: 'a drill' } as const;
    assert.match((banned(full, wanted, by(1), LEAF) as { problem: string }).problem, /^10000 are in force/);
    const next = ban(full, NODE, LEAF.longestLeafMs);
    assert.deepEqual(next.ledger.bans, [...bans.filter((_, at) => at !== 7), next.ban]);
  });

  it('takes no more text than two processes can hand each other, and makes room for it of what is over', () => {
    const { ban: one } = ban(NO_BANS, NODE, 0, HOUR_MS);
    const full = { ...NO_BANS, bans: Array.from({ length: 4_000 }, () => ({ ...one, reason: 'x'.repeat(1_600) })) };
    assert.ok('problem' in banned(full, { act: 'revoke', target: SERIAL, reason: 'a drill' }, by(1), LEAF));
    const { bans } = ban(full, SERIAL, LEAF.longestLeafMs).ledger;
    assert.ok(JSON.stringify(bans).length <= MAX_BAN_CHARACTERS);
    assert.ok(JSON.stringify([...bans, one]).length > MAX_BAN_CHARACTERS - 1_700, 'no more than has to be');
  });
});
