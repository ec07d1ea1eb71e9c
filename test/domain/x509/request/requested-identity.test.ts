// Every malformed name stands in the vectors (certificate-request.test.ts); here is the comparison.
import assert from 'node:assert/strict';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { MAX_SPIFFE_ID_BYTES, SpiffeId } from '../../../../src/domain/identity/spiffe-id.ts';
import { matchRequestedIdentity } from '../../../../src/domain/x509/request/requested-identity.ts';
import { good } from '../../../support/certificates.ts';

const DEMO = good(SpiffeId.parse('spiffe://cluster.local/ns/default/sa/demo'));

describe('The name in a request', () => {
  it("may be left out: the certificate carries the caller's", () => matchRequestedIdentity([], DEMO));

  it("may be the caller's own", () => matchRequestedIdentity([DEMO.uri], DEMO));

  it('may be as long as a SPIFFE ID may be', () => {
    const start = 'spiffe://cluster.local/';
    const longest = good(SpiffeId.parse(start + 'x'.repeat(MAX_SPIFFE_ID_BYTES - start.length)));
    matchRequestedIdentity([longest.uri], longest);
  });

  it("is refused when it is somebody else's, and the caller's is named", () => {
    for (const other of ['spiffe://cluster.local/ns/default/sa/demo2', 'spiffe://cluster.local', 'spiffe://x/y']) {
      assert.throws(
        () => matchRequestedIdentity([other], DEMO),
        (error) =>
          error instanceof AuthorityError &&
          error.reason === 'CAP-C06' &&
          error.message.endsWith(`must be ${DEMO.uri}, not ${other}`),
      );
    }
  });

  it('is refused when there are two, even if both are right', () => {
    assert.throws(() => matchRequestedIdentity([DEMO.uri, DEMO.uri], DEMO), /^AuthorityError: CAP-C03 .*2 URIs/);
  });
});
