import assert from 'node:assert/strict';
import {
  ReplayTally,
  type ReplayedDecision,
  type PriorVerdict,
} from '../../../../src/domain/policy/history/replay-tally.ts';
import { reevaluate, type RefusalReason, type Verdict } from '../../../../src/domain/policy/history/replay-verdict.ts';
import { unsyncedSnapshot } from '../../../../src/domain/cluster/snapshot.ts';
import {
  bundle,
  condition,
  HAS_INGRESS,
  local,
  narrowed,
  NEEDS_INGRESS,
  NOW_MS,
  object,
  policySet,
  request,
  rule,
  snapshot,
} from '../../../support/policy/policies.ts';

const NO_CLUSTER = unsyncedSnapshot('no cluster is known');
const RSA_ONLY = narrowed({ keys: { rsa: 2048 } });
const LABELLED = bundle({ rules: [rule({ match: { namespaces: { labels: { mesh: 'true' } } } })] });

describe('A verdict on the past', () => {
  const withIngress = policySet(bundle(), [NEEDS_INGRESS]);

  it('is the one of the evaluator, with the first failed clause', () => {
    const { verdict } = reevaluate(policySet(bundle(), [local({ narrow: RSA_ONLY })]), request(), NO_CLUSTER);
    assert.ok(verdict.outcome === 'refused');
    assert.equal(verdict.refusalReason.reason, 'CAP-P02');
    assert.equal(verdict.refusalReason.where, 'shop/local spec.narrow.keys');
    assert.match(verdict.refusalReason.words, /^ec-p256, allowed rsa>=2048; to pass: /);
  });

  it('is left open when it depends on a cluster that is not known', () => {
    assert.equal(reevaluate(withIngress, request(), NO_CLUSTER).verdict.outcome, 'undecided');
    assert.equal(reevaluate(policySet(LABELLED), request(), NO_CLUSTER).verdict.outcome, 'undecided');
  });

  it('needs no cluster when something fails whatever the cluster looks like', () => {
    const both = policySet(bundle(), [local({ conditions: [condition(HAS_INGRESS)], narrow: RSA_ONLY })]);
    const { verdict } = reevaluate(both, request(), NO_CLUSTER);
    assert.ok(verdict.outcome === 'refused');
    assert.equal(verdict.refusalReason.reason, 'CAP-P02');
  });

  it('is left open when labels that are not known might have downgraded the rule that refuses', () => {
    const audit = [{ labels: { stage: 'sandbox' } }];
    const soft = bundle({ namespaces: { ...bundle().namespaces, audit } });
    const asked = reevaluate(policySet(soft), request({ key: { type: 'ed25519', bits: 0 } }), NO_CLUSTER);
    assert.equal(asked.verdict.outcome, 'undecided');
  });

  it('is left open when the pod that asked is not there any more', () => {
    const owned = condition({ kind: 'matches', target: 'pod', labels: { team: 'shop' } });
    const policies = policySet(bundle(), [local({ conditions: [owned] })]);
    const asked = request({ claims: { podName: 'web-1' } });
    assert.equal(reevaluate(policies, asked, snapshot()).verdict.outcome, 'undecided');
    const stray = object('Pod', 'shop', 'web-1');
    assert.equal(reevaluate(policies, asked, snapshot(stray)).verdict.outcome, 'refused');
  });

  it('is a refusal once the bundle has ended', () => {
    const ended = bundle({ validity: { ...bundle().validity, hardExpiryMs: NOW_MS } });
    const { verdict } = reevaluate(policySet(ended), request(), NO_CLUSTER);
    assert.ok(verdict.outcome === 'refused');
    assert.equal(verdict.refusalReason.reason, 'CAP-S11');
  });
});

describe('A replay', () => {
  const refusalReason = (where: string): RefusalReason => ({ reason: 'CAP-P02', where, words: 'words' });
  const approved: Verdict = { outcome: 'approved' };
  const refused: Verdict & PriorVerdict = { outcome: 'refused', refusalReason: refusalReason('a') };
  const undecided: Verdict = { outcome: 'undecided', refusalReason: refusalReason('b') };
  const replayed = (changes: Partial<ReplayedDecision>): ReplayedDecision => ({
    decisionId: 'd1',
    timeMs: NOW_MS,
    identity: 'spiffe://cluster.local/ns/shop/sa/web',
    before: { outcome: 'approved' },
    after: approved,
    ...changes,
  });

  const table: readonly [PriorVerdict, Verdict, string][] = [
    [{ outcome: 'approved' }, approved, 'unchanged'],
    [{ outcome: 'approved' }, refused, 'newlyRefused'],
    [{ outcome: 'approved' }, undecided, 'undecided'],
    [refused, approved, 'newlyApproved'],
    [refused, refused, 'unchanged'],
    [refused, undecided, 'undecided'],
    [{ outcome: 'unjudged' }, approved, 'undecided'],
    [{ outcome: 'unjudged' }, refused, 'undecided'],
  ];
  for (const [before, after, change] of table) {
    it(`counts what was ${before.outcome} and would be ${after.outcome} as ${change}`, () => {
      const tally = new ReplayTally();
      tally.add(replayed({ before, after }));
      const counted = Object.entries(tally.result().counts).filter(([, count]) => count > 0);
      assert.deepEqual(counted, [[change, 1]]);
    });
  }

  it('tells of an identity once for each cause: how often, from when to when, and an example', () => {
    const tally = new ReplayTally();
    tally.add(replayed({ after: refused, decisionId: 'first' }));
    tally.add(replayed({ after: { outcome: 'refused', refusalReason: refusalReason('other') } }));
    tally.add(replayed({ after: refused, timeMs: NOW_MS + 5 }));
    const identity = 'spiffe://cluster.local/ns/shop/sa/web';
    const [largest, other] = tally.result().groups.newlyRefused;
    const expected = { identity, refusalReason: refusalReason('a'), count: 2, firstMs: NOW_MS, lastMs: NOW_MS + 5 };
    assert.deepEqual(largest, { ...expected, decisionId: 'first' });
    assert.equal(other?.refusalReason.where, 'other');
  });

  it('keeps no more than 10,000 groups, and says how many decisions are in none', () => {
    const tally = new ReplayTally();
    for (let index = 0; index < 10_002; index += 1) tally.add(replayed({ after: refused, identity: `id-${index}` }));
    const { counts, groups, ungrouped } = tally.result();
    assert.deepEqual([counts.newlyRefused, groups.newlyRefused.length, ungrouped], [10_002, 10_000, 2]);
  });
});
