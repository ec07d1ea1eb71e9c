import assert from 'node:assert/strict';
import { orphanedKeys } from '../../../../src/adapters/issuers/pkcs11/orphaned-keys.ts';

describe('Keys without a certificate', () => {
  const key = (label: string, more: object = {}) => ({ label, id: '01', hasCertificate: false, ...more });
  const [inForce, prepared, left] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];

  it('are those of no issuer and no certificate in the token', () => {
    const keys = [
      key('in force', { spki: inForce }),
      key('prepared', { spki: prepared }),
      key('left', { spki: left }),
      key('certified', { spki: left, hasCertificate: true }),
      key('unknown'),
    ];
    assert.deepEqual(
      orphanedKeys(keys, [inForce, prepared]).map(({ label }) => label),
      ['left', 'unknown'],
    );
  });
});
