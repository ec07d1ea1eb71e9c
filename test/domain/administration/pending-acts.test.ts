import assert from 'node:assert/strict';
import { PENDING_MS, PendingActs, type Waiting } from '../../../src/domain/administration/pending-acts.ts';
import { WAITING_BAN_ACTS } from '../../../src/domain/revocation/ban-ledger.ts';
import { WAITING_ISSUER_ACTS } from '../../../src/domain/trust/issuer-ledger.ts';
import { WAITING_STEPS } from '../../../src/domain/trust/rotation/anchor-ledger.ts';

interface Act {
  readonly what: string;
  readonly reason: string;
}

const acts = new PendingActs<Act>({ contentOf: ({ what, reason }) => ({ what, reason }), most: 3 });
const NONE = { pending: [] as readonly (Act & Waiting)[], other: 'kept' };
const FIRST = { timeMs: 0, actor: 'alice', role: 'security' };
const wanted = (reason = 'a drill'): Act => ({ what: 'close', reason });

function proposed(ledger = NONE, act = wanted(), by = FIRST) {
  const next = acts.proposed(ledger, act, by);
  assert.ok(!('problem' in next), JSON.stringify(next));
  return next;
}

const digestsAt = (ledger: typeof NONE, nowMs: number) => acts.at(ledger, nowMs).map(({ digest }) => digest);

describe('An act that waits for a second person', () => {
  it('is called by its content, whoever wants it', () => {
    const { act } = proposed();
    assert.equal(act.digest, acts.digestOf(wanted()));
    assert.equal(proposed(NONE, wanted(), { ...FIRST, timeMs: 7, actor: 'bob' }).act.digest, act.digest);
    for (const other of [wanted('another reason'), { ...wanted(), what: 'open' }])
      assert.notEqual(acts.digestOf(other), act.digest);
  });

  it('is kept with who asked, by all names, and the rest of the ledger is as it was', () => {
    const by = { ...FIRST, names: ['alice', 'spiffe://ops/alice'] };
    const { ledger, act } = proposed(NONE, wanted(), by);
    assert.deepEqual(ledger, { pending: [act], other: 'kept' });
    assert.deepEqual(act, { ...wanted(), digest: act.digest, ...by, untilMs: PENDING_MS });
    assert.equal('names' in proposed().act, false);
  });

  it('lapses after an hour', () => {
    const { ledger, act } = proposed();
    assert.deepEqual(digestsAt(ledger, PENDING_MS - 1), [act.digest]);
    assert.deepEqual(digestsAt(ledger, PENDING_MS), []);
    assert.equal(acts.find(ledger, act.digest, PENDING_MS - 1), act);
    assert.equal(acts.find(ledger, act.digest, PENDING_MS), undefined);
  });

  it('is pending once, and is gone when it is settled', () => {
    const { ledger, act } = proposed();
    const again = acts.proposed(ledger, wanted(), { ...FIRST, actor: 'bob' });
    assert.deepEqual(again, { problem: `is pending already as ${act.digest}: approve that` });
    assert.deepEqual(acts.settled(ledger, act.digest, 0).pending, []);
    const two = proposed(ledger, wanted('another reason'));
    assert.deepEqual(acts.settled(two.ledger, act.digest, 0).pending, [two.act]);
  });

  it('is another act when its content was changed in the ledger', () => {
    const { ledger, act } = proposed();
    const changed = { ...ledger, pending: [{ ...act, what: 'open' }] };
    assert.equal(acts.find(changed, act.digest, 0), undefined);
  });

  it('is one of a bounded number, in which those that lapsed are not counted', () => {
    let { ledger } = proposed();
    for (const reason of ['two', 'three']) ({ ledger } = proposed(ledger, wanted(reason)));
    assert.deepEqual(acts.proposed(ledger, wanted('four'), FIRST), { problem: 'cannot wait: 3 acts do already' });
    assert.equal(proposed(ledger, wanted('four'), { ...FIRST, timeMs: PENDING_MS }).ledger.pending.length, 1);
  });

  // Servers of two versions share a ledger, and an operator approves by the digest that was printed to another one.
  it('is called as former versions call it', () => {
    const id = '0123456789abcdef';
    const reason = 'a drill';
    assert.equal(
      WAITING_ISSUER_ACTS.digestOf({ act: 'taint', issuer: 'gold', id, reason, override: true }),
      'bcaade2768ec129ef59fc49e9bb7cfbc',
    );
    assert.equal(
      WAITING_STEPS.digestOf({ act: 'retire', reason, override: false }),
      '3e457fbc9a9819ac16348ce070d82973',
    );
    assert.equal(
      WAITING_STEPS.digestOf({ act: 'start', rotation: id, pem: 'PEM', reason, override: false }),
      'dace7690e2a377d6044c02758669f6bf',
    );
    const target = { kind: 'node', node: 'worker-3', cluster: 'east' } as const;
    assert.equal(
      WAITING_BAN_ACTS.digestOf({ wanted: { act: 'revoke', target, reason, forMs: 60_000 } }),
      '93329caf131592435f3539f441f17c41',
    );
    assert.equal(
      WAITING_BAN_ACTS.digestOf({ wanted: { act: 'lift', id, reason } }),
      '8e334ef6c393d4e79edbb581181ccdb1',
    );
  });
});

describe('Of each ledger', () => {
  it('a bounded number waits: a hundred acts on issuers, a hundred on bans, ten steps of a rotation', () => {
    assert.deepEqual([WAITING_ISSUER_ACTS.most, WAITING_BAN_ACTS.most, WAITING_STEPS.most], [100, 100, 10]);
  });
});
