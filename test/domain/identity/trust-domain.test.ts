import assert from 'node:assert/strict';
import { isHostName, parseTrustDomain } from '../../../src/domain/identity/trust-domain.ts';
import { SpiffeId } from '../../../src/domain/identity/spiffe-id.ts';

import { ODD_BUT_READABLE, UNREADABLE_BY_GO } from '../../support/trust/trust-domains.ts';

describe('A trust domain', () => {
  for (const text of UNREADABLE_BY_GO) {
    it(`has no empty label, which Go refuses to parse: ${text}`, () => {
      assert.equal(parseTrustDomain(text), undefined);
      assert.ok(!(SpiffeId.parse(`spiffe://${text}/ns/a/sa/b`) instanceof SpiffeId));
    });
  }

  for (const text of ODD_BUT_READABLE) {
    it(`may be what DNS does not allow: ${text.slice(0, 10)}`, () => {
      const trustDomain = parseTrustDomain(text);
      assert.equal(trustDomain, text);
      assert.equal(isHostName(trustDomain), false);
    });
  }

  it('is mostly what DNS allows', () => {
    for (const text of ['cluster.local', 'a', 'x'.repeat(63), '1.2.3']) assert.ok(isHostName(parseTrustDomain(text)!));
  });
});
