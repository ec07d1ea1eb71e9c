import assert from 'node:assert/strict';
import { fromBinary } from '@bufbuild/protobuf';
import { encodeChain } from '../../../../src/adapters/grpc/csr/encode.ts';
import { IstioCertificateResponseSchema } from '../../../../src/gen/istio/v1/auth/certificate_service_pb.js';

describe('An answer of the CSR API', () => {
  const pem = (name: string): string => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;
  const facts = { notBeforeMs: 0, notAfterMs: 0, decisionId: 'd' };
  const answered = (leafPem: string, intermediatePems: readonly string[], bundlePem: string): readonly string[] =>
    fromBinary(IstioCertificateResponseSchema, encodeChain({ leafPem, intermediatePems, bundlePem, ...facts }))
      .certChain;

  it('has the leaf, each intermediate and all anchors as elements of their own', () => {
    const intermediates = [pem('issuer'), pem('above')];
    const bundle = pem('root') + pem('next root');
    for (const leaf of [pem('one'), pem('two')]) {
      assert.deepEqual(answered(leaf, intermediates, bundle), [leaf, ...intermediates, bundle]);
    }
  });

  it('has the anchors that are in force now, and the chain of its own issuer', () => {
    const [one, other] = [[pem('issuer')], [pem('other')]];
    for (const bundle of [pem('root'), pem('next root'), pem('root')]) {
      assert.deepEqual(answered(pem('leaf'), one, bundle), [pem('leaf'), ...one, bundle]);
      assert.deepEqual(answered(pem('leaf'), other, bundle), [pem('leaf'), ...other, bundle]);
    }
  });
});
