// Which issuer a workload gets of several, by what its policies say, before policy judges it.
import assert from 'node:assert/strict';
import { ChosenIssuer, type IssuerCandidate } from '../../../src/domain/issuance/chosen-issuer.ts';
import { allowedIssuers } from '../../../src/domain/policy/evaluation/allowed-issuers.ts';
import { evaluate } from '../../../src/domain/policy/evaluation/evaluate.ts';
import { nameLimit } from '../../../src/domain/policy/name-patterns.ts';
import type { PolicySet } from '../../../src/domain/policy/policy-set.ts';
import { UNBOUNDED } from '../../../src/domain/policy/bounds.ts';
import type { IssuerChoice } from '../../../src/domain/policy/request.ts';
import { testAuthority } from '../../support/certificates.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { bundle, local, policySet, request, rule, snapshot, WIDE } from '../../support/policy/policies.ts';

const bounds = { maxTtlMs: Infinity };
const down = (name: string): IssuerCandidate => ({
  name,
  bounds,
  state: { kind: 'unavailable', why: 'is not loaded' },
});
const CANDIDATES = [down('default'), down('gold'), down('silver')] as const;

const only = (...issuers: readonly string[]) => ({ ...WIDE, issuers: nameLimit(issuers) });
const narrowed = (...issuers: readonly string[]) => ({ ...UNBOUNDED, issuers: nameLimit(issuers) });
const ofRule = (...issuers: readonly string[]): PolicySet =>
  policySet(bundle({ rules: [rule({ bounds: only(...issuers) })] }));

const ASKED = request({ namespace: 'shop', nowMs: NOON_MS });
const choose = (policies: PolicySet) =>
  ChosenIssuer.forWorkload(CANDIDATES, allowedIssuers(policies, ASKED, snapshot()), NOON_MS).chosen;

const CASES: readonly (readonly [string, PolicySet, string, IssuerChoice['why']])[] = [
  ['the first where no policy names one', policySet(bundle()), 'default', 'first-allowed'],
  ['the one that a rule names', ofRule('gold'), 'gold', 'first-allowed'],
  ['the first of the configuration of those that a rule names', ofRule('silver', 'gold'), 'gold', 'first-allowed'],
  ['one by its pattern', ofRule('s*'), 'silver', 'first-allowed'],
  [
    'one that every policy allows',
    policySet(bundle({ rules: [rule({ bounds: only('gold', 'silver') })] }), [local({ narrow: narrowed('silver') })]),
    'silver',
    'first-allowed',
  ],
  [
    'the default one where policies allow none between them',
    policySet(bundle({ rules: [rule({ bounds: only('gold') })] }), [local({ narrow: narrowed('silver') })]),
    'default',
    'none-allowed',
  ],
  ['the default one where a rule names one that is not configured', ofRule('bronze'), 'default', 'none-allowed'],
  [
    'one as if a local policy on trial said nothing',
    policySet(bundle(), [local({ mode: 'audit', narrow: narrowed('gold') })]),
    'default',
    'first-allowed',
  ],
  [
    'the one of the rule that gives the identity also where the rule is only audited',
    policySet(
      bundle({
        rules: [rule({ bounds: only('gold') })],
        namespaces: { ...bundle().namespaces, audit: [{ names: ['shop'] }] },
      }),
    ),
    'gold',
    'first-allowed',
  ],
  [
    'one as if an audited rule said nothing where it would leave none',
    policySet(
      bundle({
        rules: [rule({ bounds: only('bronze') })],
        namespaces: { ...bundle().namespaces, audit: [{ names: ['shop'] }] },
      }),
    ),
    'default',
    'first-allowed',
  ],
];

describe('Of several issuers a workload gets', () => {
  for (const [what, policies, name, why] of CASES) {
    it(what, () => {
      const chosen = choose(policies);
      assert.deepEqual([chosen.name, chosen.choice.why], [name, why]);
    });
  }

  it('the only one without a choice, whatever policy says', () => {
    const allowed = allowedIssuers(ofRule('gold'), ASKED, snapshot());
    const { chosen } = ChosenIssuer.forWorkload([down('default')], allowed, NOON_MS);
    assert.deepEqual([chosen.name, chosen.choice.why], ['default', 'only']);
  });

  it('the one that it names, also where policy will refuse it, and none that is not configured', () => {
    const named = ChosenIssuer.named(CANDIDATES, 'gold', NOON_MS)?.chosen;
    assert.deepEqual([named?.name, named?.choice.why], ['gold', 'named']);
    assert.equal(ChosenIssuer.named(CANDIDATES, 'bronze', NOON_MS), undefined);
    assert.equal(ChosenIssuer.named([down('default')], 'default', NOON_MS)?.chosen.choice.why, 'only');
  });

  it('the one that is allowed also while it cannot sign, and is then not refused but unavailable', () => {
    const decision = evaluate(ofRule('gold'), { ...ASKED, issuer: choose(ofRule('gold')) }, snapshot());
    assert.deepEqual([decision.outcome, decision.failures], ['unavailable', []]);
    assert.deepEqual(decision.unavailable, { reason: 'CAP-S01', why: 'issuer gold is not loaded' });
  });

  describe('where operators withdrew one', () => {
    const withdrawn = (name: string): IssuerCandidate => ({
      name,
      bounds,
      state: { kind: 'unavailable', why: 'is suspended since noon', withdrawn: 'suspended' },
    });
    const chosen = (policies: PolicySet, candidates: readonly [IssuerCandidate, ...IssuerCandidate[]]) =>
      ChosenIssuer.forWorkload(candidates, allowedIssuers(policies, ASKED, snapshot()), NOON_MS).chosen;

    it('the next one that policy allows, whether or not that can sign', () => {
      const all = [withdrawn('default'), down('gold'), down('silver')] as const;
      assert.equal(chosen(policySet(bundle()), all).name, 'gold');
      assert.equal(chosen(ofRule('default', 'silver'), all).name, 'silver');
    });

    it('still that one where policy allows no other, and then it is unavailable, with the contact', () => {
      const one = chosen(ofRule('gold'), [down('default'), withdrawn('gold'), down('silver')]);
      const { outcome, failures, unavailable } = evaluate(ofRule('gold'), { ...ASKED, issuer: one }, snapshot());
      assert.deepEqual([one.name, outcome, failures], ['gold', 'unavailable', []]);
      assert.deepEqual(unavailable, { reason: 'CAP-S14', why: 'issuer gold is suspended since noon; ask #pki' });
      assert.throws(() => one.issuer, { reason: 'CAP-S14' });
    });

    it('the first where all are withdrawn', () => {
      assert.equal(chosen(policySet(bundle()), [withdrawn('default'), withdrawn('gold')]).name, 'default');
    });

    it('the one that the request names, and no other in its place', () => {
      const all = [down('default'), withdrawn('gold')] as const;
      assert.equal(ChosenIssuer.named(all, 'gold', NOON_MS)?.chosen.withdrawn, 'suspended');
    });
  });

  it('none, where policies allow none: the default one is judged and refused', () => {
    const policies = ofRule('bronze');
    const { chosen } = ChosenIssuer.forWorkload(
      [{ ...down('default'), state: { kind: 'ready', issuer } }, ...CANDIDATES.slice(1)],
      allowedIssuers(policies, ASKED, snapshot()),
      NOON_MS,
    );
    const { outcome, failures } = evaluate(policies, { ...ASKED, issuer: chosen }, snapshot());
    assert.equal(outcome, 'refused');
    assert.deepEqual(
      failures.map(({ reason, actual, allowed }) => [reason, actual, allowed]),
      [['CAP-P08', 'default', 'bronze']],
    );
  });

  it('one that the bundle pins an anchor and a least time for: both are judged of the chosen one', () => {
    const gold: IssuerCandidate = { name: 'gold', bounds, state: { kind: 'ready', issuer } };
    const pinned = (anchor: string, minRemainingMs: number): PolicySet =>
      policySet(
        bundle({ rules: [rule({ bounds: only('gold') })], issuers: [{ name: 'gold', anchor, minRemainingMs }] }),
      );
    const judged = (policies: PolicySet) => {
      const allowed = allowedIssuers(policies, ASKED, snapshot());
      const { chosen } = ChosenIssuer.forWorkload([down('default'), gold], allowed, NOON_MS);
      return evaluate(policies, { ...ASKED, issuer: chosen }, snapshot());
    };
    const leftMs = issuer.notAfterMs - NOON_MS;
    assert.equal(judged(pinned(issuer.anchorSha256, leftMs)).outcome, 'approved');
    assert.equal(judged(pinned(issuer.anchorSha256, leftMs + 1)).unavailable?.reason, 'CAP-S01');
    assert.deepEqual(
      judged(pinned('ab'.repeat(32), 0)).failures.map(({ reason, field }) => [reason, field]),
      [['CAP-P08', 'issuers.gold.anchor']],
    );
  });
});

const { issuer } = await testAuthority({ nowMs: NOON_MS });
