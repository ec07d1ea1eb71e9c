import assert from 'node:assert/strict';
import { create, toBinary, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf';
import { decodeDeltaRequest, decodeSotwRequest } from '../../../../src/adapters/grpc/sds/decode.ts';
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from '../../../../src/gen/envoy/service/discovery/v3/discovery_pb.js';

function sotw(init: MessageInitShape<typeof DiscoveryRequestSchema>) {
  return decodeSotwRequest(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, init)));
}

describe('A discovery request', () => {
  it('is read to names, nonce, type and rejection', () => {
    const errorDetail = { code: 13, message: 'm'.repeat(1000) };
    const request = sotw({ typeUrl: 't', resourceNames: ['a', 'b'], responseNonce: 'n', errorDetail });
    assert.deepEqual(request, {
      node: undefined,
      typeUrl: 't',
      names: ['a', 'b'],
      nonce: 'n',
      rejection: 'm'.repeat(300),
      resumes: false,
    });
  });

  it('tells a client that comes back with secrets from one that has none', () => {
    assert.equal(sotw({ versionInfo: 'v1' }).resumes, true);
    assert.equal(sotw({}).resumes, false);
  });

  it('keeps of a node its id, cut to what can be kept, and the wish', () => {
    const node = { id: 'n'.repeat(1000), cluster: 'b' };
    assert.deepEqual(sotw({ node }).node, { id: 'n'.repeat(256), spiffeValidator: undefined });
  });

  it('rejects by error_detail alone, even without a text', () => {
    assert.equal(sotw({ errorDetail: { code: 13 } }).rejection, '');
    assert.equal(sotw({ responseNonce: 'n', versionInfo: '' }).rejection, undefined);
  });

  it('is read to its changes in the delta variant', () => {
    const message = create(DeltaDiscoveryRequestSchema, {
      resourceNamesSubscribe: ['a'],
      resourceNamesUnsubscribe: ['b'],
      initialResourceVersions: { a: 'v1', __proto__x: 'v2' },
    });
    const request = decodeDeltaRequest(toBinary(DeltaDiscoveryRequestSchema, message));
    assert.deepEqual(request.subscribe, ['a']);
    assert.deepEqual(request.unsubscribe, ['b']);
    assert.equal(request.initialVersions.get('a'), 'v1');
    assert.equal(request.initialVersions.get('constructor'), undefined);
  });

  it('is refused when its bytes are no such message', () => {
    for (const decode of [decodeSotwRequest, decodeDeltaRequest]) {
      assert.throws(() => decode(Buffer.from('rubbish')), { reason: 'CAP-M03' });
    }
  });

  const wishes: readonly [metadata: JsonObject | undefined, validator: boolean | undefined][] = [
    [undefined, undefined],
    [{}, undefined],
    [{ disable_spiffe_cert_validation: true }, false],
    [{ disable_spiffe_cert_validation: 'true' }, false],
    [{ disable_spiffe_cert_validation: false }, true],
    [{ disable_spiffe_cert_validation: 'false' }, true],
    [{ disable_spiffe_cert_validation: 'yes' }, undefined],
    [{ disable_spiffe_cert_validation: 1 }, undefined],
    [{ disable_spiffe_cert_validation: null }, undefined],
    [{ disable_spiffe_cert_validation: [true] }, undefined],
  ];
  for (const [metadata, validator] of wishes) {
    it(`takes metadata ${JSON.stringify(metadata)} for the wish ${validator} of the SPIFFE validator`, () => {
      const node = { id: 'a', cluster: 'b', ...(metadata && { metadata }) };
      assert.equal(sotw({ node }).node?.spiffeValidator, validator);
    });
  }
});
