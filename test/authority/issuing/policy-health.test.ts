// What the server says of itself when policy gives nobody a certificate, by one of its issuers or by all.
import assert from 'node:assert/strict';
import { policyHealth } from '../../../src/authority/issuing/policy-health.ts';
import { testParts, readyState, type TestParts } from '../../support/authority-parts.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { bundle, policySet } from '../../support/policy/policies.ts';

describe('The health of policy', () => {
  let authority: TestAuthority;
  let parts: TestParts;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
  });
  beforeEach(() => {
    parts = testParts(authority.material);
    parts.issuers.put('gold', readyState(authority.material));
  });

  /** The bundle wants these issuers below an anchor that they are not below. */
  function pinElsewhere(...names: readonly string[]): void {
    const issuers = names.map((name) => ({ name, anchor: 'ab'.repeat(32), minRemainingMs: 0 }));
    parts.policies.swap(policySet(bundle({ issuers })));
  }

  it('is ready while every issuer that can sign may', () => {
    parts.issuers.put('silver', { kind: 'unavailable', why: 'is not loaded' });
    assert.equal(policyHealth(parts.judgement).state, 'ready');
  });

  it('is degraded while one of several issuers may not, whichever it is', () => {
    for (const name of ['gold', 'default']) {
      pinElsewhere(name);
      const health = policyHealth(parts.judgement);
      assert.equal(health.state, 'degraded');
      assert.match(JSON.stringify(health), new RegExp(`issuer ${name} is under another anchor`));
    }
  });

  it('is not ready when none of them may', () => {
    pinElsewhere('default', 'gold');
    assert.equal(policyHealth(parts.judgement).state, 'not ready');
  });

  it('is degraded when all of them renew only', () => {
    const validity = { ...bundle().validity, hardExpiryMs: NOON_MS, renewAfterHardExpiry: true };
    parts.policies.swap(policySet(bundle({ validity })));
    const health = policyHealth(parts.judgement);
    assert.equal(health.state, 'degraded');
    assert.match(JSON.stringify(health), /only renewals are granted/);
  });
});
