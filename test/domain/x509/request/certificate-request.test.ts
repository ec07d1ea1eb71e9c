import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { SpiffeId } from '../../../../src/domain/identity/spiffe-id.ts';
import { CertificateRequest, MAX_CSR_LENGTH } from '../../../../src/domain/x509/request/certificate-request.ts';
import { matchRequestedIdentity } from '../../../../src/domain/x509/request/requested-identity.ts';
import { agentCsr, good, ztunnelCsr } from '../../../support/certificates.ts';
import type { CsrVector } from '../../../vectors/csr/generate.ts';

const WORKLOAD = 'spiffe://cluster.local/ns/default/sa/demo';
const caller = good(SpiffeId.parse(WORKLOAD));
const file = path.resolve(import.meta.dirname, '../../../vectors/csr/csr.json');
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly CsrVector[];
const accepted = vectors.filter(({ expected }) => expected === 'accepted');
const refused = vectors.filter(({ expected }) => expected !== 'accepted');

function judge(pem: string): CertificateRequest {
  const request = CertificateRequest.fromPem(pem);
  matchRequestedIdentity(request.uris, caller);
  return request;
}

function refusal(pem: string): AuthorityError {
  try {
    judge(pem);
  } catch (error) {
    assert.ok(error instanceof AuthorityError, String(error));
    return error;
  }
  assert.fail('the request was accepted');
}

describe('A certificate signing request', () => {
  it("is read in the shape of Istio's agent", async () => {
    const { publicKey, uris } = judge((await agentCsr(WORKLOAD)).pem);
    assert.deepEqual({ type: publicKey.keyType, family: publicKey.family }, { type: 'rsa-2048', family: 'rsa' });
    assert.deepEqual(uris, [WORKLOAD]);
  });

  it('is read in the shape of ztunnel', async () => {
    const { publicKey, uris } = judge((await ztunnelCsr(WORKLOAD)).pem);
    assert.equal(publicKey.keyType, 'ec-p256');
    assert.deepEqual(uris, [WORKLOAD]);
  });

  it('may be written with other line ends and lengths', () => {
    const [, , body = ''] = /^(-+[^-]+-+\n)([^-]+)/.exec(accepted[0]!.pem)!;
    const oneLine = body.replaceAll('\n', '');
    for (const other of [body.replaceAll('\n', '\r\n'), `\n${oneLine}\n`, `\n${oneLine.replace(/.{76}/g, '$&\n')}\n`]) {
      judge(accepted[0]!.pem.replace(body, other));
    }
  });

  it('is refused unread when it is oversized', () => {
    const padding = ' '.repeat(MAX_CSR_LENGTH);
    assert.match(refusal(accepted[0]!.pem + padding).message, /^CAP-C01 .*longer than 16384 characters/);
  });

  for (const { name, pem } of accepted) {
    it(`is accepted: ${name}`, () => {
      for (const uri of judge(pem).uris) assert.equal(uri, WORKLOAD);
    });
  }

  for (const { name, pem, expected, says = '' } of refused) {
    it(`is refused with ${expected}: ${name}`, () => {
      const error = refusal(pem);
      assert.equal(error.reason, expected, error.message);
      assert.ok(error.message.includes(says), error.message);
    });
  }
});
