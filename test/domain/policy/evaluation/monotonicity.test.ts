// The promise that lets a security team hand namespaces to platform teams: whatever a local policy says,
// it can only take away. Shown for policies that nobody thought of.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { canonicalJson } from '../../../../src/domain/text/canonical-json.ts';
import { meet, UNBOUNDED, type Bounds } from '../../../../src/domain/policy/bounds.ts';
import type { FailedClause, PolicyDecision } from '../../../../src/domain/policy/policy-decision.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import { anyBounds, anyBundle, anyLocal, anyRequest, anySnapshot } from '../../../support/policy/arbitrary-policies.ts';
import { policySet } from '../../../support/policy/policies.ts';

const CASES = { numRuns: 10_000 };
const locals = fc.array(anyLocal, { maxLength: 3 });

/** The one that takes the last usage or lifetime may be another when there are more. */
const COMBINED: readonly string[] = ['CAP-P05', 'CAP-P07'];

function isSame(one: FailedClause, other: FailedClause): boolean {
  if (one.reason !== other.reason) return false;
  return COMBINED.includes(one.reason) || (one.policy === other.policy && one.field === other.field);
}

/** How the decisions of one run came out; a property over refusals alone would show nothing. */
const seen = { approved: 0, narrowed: 0 };

function bothDecisions(
  check: (without: PolicyDecision, withIt: PolicyDecision) => void,
): fc.IPropertyWithHooks<unknown[]> {
  const property = fc.property(
    anyBundle,
    locals,
    anyLocal,
    anyRequest,
    anySnapshot,
    (bundle, others, added, asked, view) => {
      const without = evaluate(policySet(bundle, others), asked, view);
      const withIt = evaluate(policySet(bundle, [...others, added]), asked, view);
      if (without.outcome === 'approved') seen.approved += 1;
      if (without.outcome === 'approved' && withIt.outcome === 'refused') seen.narrowed += 1;
      check(without, withIt);
    },
  );
  return property;
}

describe('Adding any local policy', function () {
  this.timeout(60_000);

  it('never turns a refusal into a certificate', () => {
    fc.assert(
      bothDecisions((without, withIt) => {
        assert.ok(without.outcome === 'approved' || withIt.outcome !== 'approved');
      }),
      CASES,
    );
    assert.ok(seen.approved > 500 && seen.narrowed > 100, JSON.stringify(seen));
  });

  it('never lengthens a lifetime', () => {
    fc.assert(
      bothDecisions((without, withIt) => {
        assert.ok(withIt.grant.ttl.maxMs <= without.grant.ttl.maxMs);
        assert.ok(withIt.grant.ttl.minMs >= without.grant.ttl.minMs);
      }),
      CASES,
    );
  });

  it('never adds a usage, a key, a name or a quota', () => {
    fc.assert(
      bothDecisions((without, withIt) => {
        assert.ok(withIt.grant.usages.every((usage) => without.grant.usages.includes(usage)));
        const { perNamespacePerMinute, perIdentityPerMinute } = withIt.grant.quotas;
        assert.ok(perNamespacePerMinute <= without.grant.quotas.perNamespacePerMinute);
        assert.ok(perIdentityPerMinute <= without.grant.quotas.perIdentityPerMinute);
        // A key or a name is refused by a clause: no clause goes away.
        for (const clause of without.failures) {
          assert.ok(withIt.failures.some((other) => isSame(clause, other)));
        }
      }),
      CASES,
    );
  });
});

describe('The meet of two bounds', function () {
  this.timeout(60_000);

  it('is associative', () => {
    fc.assert(
      fc.property(anyBounds, anyBounds, anyBounds, (a, b, c) => {
        assert.deepEqual(canonical(meet(meet(a, b), c)), canonical(meet(a, meet(b, c))));
      }),
      CASES,
    );
  });

  it('is commutative', () => {
    fc.assert(
      fc.property(anyBounds, anyBounds, (a, b) => assert.deepEqual(canonical(meet(a, b)), canonical(meet(b, a)))),
      CASES,
    );
  });

  it('is idempotent, and leaves alone what meets no bounds', () => {
    fc.assert(
      fc.property(anyBounds, (a) => {
        assert.deepEqual(canonical(meet(a, a)), canonical(a));
        assert.deepEqual(canonical(meet(a, UNBOUNDED)), canonical(a));
        assert.deepEqual(canonical(meet(UNBOUNDED, a)), canonical(a));
      }),
      CASES,
    );
  });
});

function canonical(bounds: Bounds): string {
  const spelled = JSON.stringify(bounds, (_name, value: unknown) => (value === Infinity ? 'no limit' : value));
  return canonicalJson(JSON.parse(spelled));
}
