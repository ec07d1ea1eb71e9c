// What a restore makes of two memories of one CA: nobody is let in, and nothing trusted again, by either of them.
import assert from 'node:assert/strict';
import type { Ban } from '../../../src/domain/revocation/ban.ts';
import { MAX_BANS, NO_BANS } from '../../../src/domain/revocation/ban-ledger.ts';
import { joinedBanLedgers } from '../../../src/domain/revocation/joined-ban-ledgers.ts';
import { NO_LEDGER, standingOf, type IssuerLedger, type IssuerMove } from '../../../src/domain/trust/issuer-ledger.ts';
import { joinedIssuerLedgers } from '../../../src/domain/trust/joined-issuer-ledgers.ts';
import type { LifecycleState } from '../../../src/domain/trust/issuer-state.ts';
import { NO_ANCHORS, type AnchorLedger } from '../../../src/domain/trust/rotation/anchor-ledger.ts';
import { joinedAnchorLedgers } from '../../../src/domain/trust/rotation/joined-anchor-ledgers.ts';
import { begun, shasOf } from '../../../src/domain/trust/rotation/rotation.ts';
import { good } from '../../support/certificates.ts';

const BY = { actor: 'local', role: 'security', reason: 'a drill' };
const GENERATION = { issuer: 'default', id: '1'.repeat(16), keyId: '2'.repeat(64), notAfterMs: 1e15 };

describe('Two ledgers of issuers that a restore joins', () => {
  const move = (timeMs: number, from: LifecycleState, to: LifecycleState): IssuerMove => ({
    ...GENERATION,
    ...BY,
    timeMs,
    from,
    to,
  });
  const ledger = (...moves: readonly IssuerMove[]): IssuerLedger => ({ ...NO_LEDGER, moves });
  const both = (one: IssuerLedger, other: IssuerLedger): readonly LifecycleState[] =>
    [joinedIssuerLedgers(one, other), joinedIssuerLedgers(other, one)].map(
      (joined) => standingOf(joined, GENERATION, 'active').state,
    );
  const suspended = move(10, 'active', 'suspended');
  const resumed = move(20, 'suspended', 'active');

  it('keep what either tainted or retired, whatever the other did later', () => {
    const tainted = ledger(move(10, 'active', 'tainted'));
    assert.deepEqual(both(tainted, ledger(suspended, resumed)), ['tainted', 'tainted']);
    assert.deepEqual(both(tainted, ledger(move(30, 'preparing', 'active'))), ['tainted', 'tainted']);
    assert.deepEqual(both(tainted, ledger(move(5, 'retiring', 'retired'))), ['retired', 'retired']);
  });

  it('end a suspension by what was moved out of it later, and by nothing else', () => {
    assert.deepEqual(both(ledger(suspended), ledger(suspended, resumed)), ['active', 'active']);
    assert.deepEqual(both(ledger(suspended), ledger(move(30, 'active', 'retiring'))), ['suspended', 'suspended']);
    assert.deepEqual(both(ledger(move(30, 'active', 'suspended')), ledger(suspended, resumed)), [
      'suspended',
      'suspended',
    ]);
  });

  it('are the own one where that lacks nothing, also when the clock was set back between its moves', () => {
    const own = ledger(move(50, 'active', 'suspended'), move(20, 'suspended', 'active'));
    assert.equal(joinedIssuerLedgers(own, ledger(...own.moves.slice(0, 1))), own);
    assert.equal(joinedIssuerLedgers(own, NO_LEDGER), own);
  });
});

describe('Two ledgers of bans that a restore joins', () => {
  const ban = (n: number): Ban => {
    const target = { kind: 'namespace', namespace: `n${n}` } as const;
    return { id: n.toString(16).padStart(16, '0'), target, timeMs: n, ...BY, leavesUntilMs: n + 1 };
  };

  it('ban whomever either does, once', () => {
    const joined = good(joinedBanLedgers({ ...NO_BANS, bans: [ban(2)] }, { ...NO_BANS, bans: [ban(1), ban(2)] }));
    assert.deepEqual(joined.bans, [ban(1), ban(2)]);
  });

  it('are refused where a server could not hold them', () => {
    const bans = Array.from({ length: MAX_BANS }, (_, n) => ban(n));
    const own = { ...NO_BANS, bans };
    assert.equal(good(joinedBanLedgers(own, own)).bans.length, MAX_BANS);
    assert.ok('problem' in joinedBanLedgers(own, { ...NO_BANS, bans: [ban(MAX_BANS)] }));
  });

  it('have room for each other where bans of the past are over', () => {
    const over = (n: number): Ban => ({ ...ban(n), untilMs: n + 1 });
    const own = { ...NO_BANS, bans: Array.from({ length: MAX_BANS }, (_, n) => over(n)) };
    const { bans } = good(joinedBanLedgers(own, { ...NO_BANS, bans: [ban(MAX_BANS)] }));
    assert.deepEqual([bans[0], bans.at(-1)], [over(1), ban(MAX_BANS)]);
  });
});

describe('Two ledgers of anchors that a restore joins', () => {
  const named = (digit: string) => ({ sha256: digit.repeat(64), subject: `CN=${digit}`, notAfterMs: 1e15 });
  const kept = (digit: string) => ({ ...named(digit), pem: digit, sinceMs: 1 });
  const retired = (digit: string, timeMs: number) => ({ ...named(digit), ...BY, timeMs });
  const rotation = (added: string, old: string, timeMs: number) =>
    begun({ added: [named(added)], old: [named(old)], signing: [] }, { ...BY, timeMs });
  const shas = (ledger: AnchorLedger) =>
    [shasOf(ledger.kept), shasOf(ledger.retired)].map((all) => all.map(([one]) => one));

  it('keep out what either retired, although the other noted it as one to keep', () => {
    const one = { ...NO_ANCHORS, retired: [retired('a', 10)], kept: [kept('b')] };
    const other = { ...NO_ANCHORS, kept: [kept('a'), kept('c')] };
    assert.deepEqual(shas(joinedAnchorLedgers(one, other)), [['b', 'c'], ['a']]);
    assert.deepEqual(shas(joinedAnchorLedgers(other, one)), [['c', 'b'], ['a']]);
  });

  it('let in again what a later rotation brought back', () => {
    const one = { ...NO_ANCHORS, retired: [retired('a', 10)] };
    const other = { ...NO_ANCHORS, kept: [kept('a')], rotation: rotation('a', 'b', 20) };
    assert.deepEqual(shas(joinedAnchorLedgers(one, other)), [['a'], []]);
    assert.deepEqual(shas(joinedAnchorLedgers(other, one)), [['a'], []]);
  });

  it('have the rotation that began later, and of the same one what is farther', () => {
    const [first, second] = [rotation('a', 'b', 10), rotation('c', 'a', 20)];
    const farther = { ...first, phase: 'adopt', moves: [...first.moves, { ...BY, timeMs: 15, to: 'adopt' }] } as const;
    const of = (own?: typeof first, other?: typeof first) =>
      joinedAnchorLedgers(
        { ...NO_ANCHORS, ...(own && { rotation: own }) },
        { ...NO_ANCHORS, ...(other && { rotation: other }) },
      ).rotation;
    assert.deepEqual([of(first, second), of(second, first)], [second, second]);
    assert.deepEqual([of(first, farther), of(farther, first)], [farther, farther]);
    assert.deepEqual([of(first), of(undefined, first), of()], [first, first, undefined]);
  });
});
