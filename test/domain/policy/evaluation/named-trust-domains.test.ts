import assert from 'node:assert/strict';
import { ANY_NAME, nameLimit } from '../../../../src/domain/policy/name-patterns.ts';
import { namedTrustDomains, namesTrustDomain } from '../../../../src/domain/policy/evaluation/named-trust-domains.ts';
import type { CentralRule } from '../../../../src/domain/policy/documents.ts';
import { bundle, local, narrowed, policySet, rule, wide } from '../../../support/policy/policies.ts';

const ASKED = { trustDomain: 'corp.example', namespace: 'shop' };
const BOTH = nameLimit(['cluster.local', 'corp.example']);
const named = (...rules: readonly CentralRule[]): boolean => namesTrustDomain(policySet(bundle({ rules })), ASKED);

describe('Another trust domain than the mesh has', () => {
  it('may be asked for where a rule that gives an identity names it letter by letter', () => {
    assert.equal(named(rule({ bounds: wide({ trustDomains: BOTH }) })), true);
  });

  it('may not where it is only let through: by a pattern, or by a rule without a word of it', () => {
    assert.equal(named(rule({ bounds: wide({ trustDomains: nameLimit(['*.example']) }) })), false);
    assert.equal(named(rule({ bounds: wide({ trustDomains: ANY_NAME }) })), false);
  });

  it('may not by what is on trial, of another namespace, or written by a namespace itself', () => {
    assert.equal(named(rule({ mode: 'audit', bounds: wide({ trustDomains: BOTH }) })), false);
    const elsewhere = rule({ match: { namespaces: { names: ['bank'] } }, bounds: wide({ trustDomains: BOTH }) });
    assert.equal(named(elsewhere), false);
    const own = policySet(bundle(), [local({ narrow: narrowed({ trustDomains: BOTH }) })]);
    assert.equal(namesTrustDomain(own, ASKED), false);
  });

  it('is one of all that are named for its namespace, where patterns are none', () => {
    const rules = [
      rule({ bounds: wide({ trustDomains: BOTH }) }),
      rule({ id: 'pattern', bounds: wide({ trustDomains: nameLimit(['*.example', 'b.example']) }) }),
      rule({
        id: 'elsewhere',
        match: { namespaces: { names: ['bank'] } },
        bounds: wide({ trustDomains: nameLimit(['c.example']) }),
      }),
    ];
    const found = namedTrustDomains(policySet(bundle({ rules })), ASKED.namespace);
    assert.deepEqual([...found].sort(), ['b.example', 'cluster.local', 'corp.example']);
  });
});
