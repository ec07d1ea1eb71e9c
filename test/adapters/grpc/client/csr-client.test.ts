import assert from 'node:assert/strict';
import { create } from '@bufbuild/protobuf';
import { Metadata, Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { requestCertificate, type CsrServer } from '../../../../src/adapters/grpc/client/csr-client.ts';
import { makeWorkloadCsr, WORKLOAD_KEY_TYPES } from '../../../../src/adapters/grpc/client/workload-csr.ts';
import { decodeMessage, serviceDefinition } from '../../../../src/adapters/grpc/service-definition.ts';
import { createRoot } from '../../../../src/adapters/dev/bootstrap-authority.ts';
import { CertificateRequest } from '../../../../src/domain/x509/request/certificate-request.ts';
import {
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
  IstioCertificateService,
  type IstioCertificateRequest,
} from '../../../../src/gen/istio/v1/auth/certificate_service_pb.js';
import { servingPair } from './serving-pair.ts';

type Handler = (call: ServerUnaryCall<Uint8Array, unknown>, answer: sendUnaryData<unknown>) => void;

describe('The CSR client', () => {
  const { signal } = new AbortController();
  const order = { csrPem: 'a CSR', token: 'a.b.c' };
  const grpc = new Server();
  let handler: Handler;
  let server: CsrServer;

  before(async () => {
    const { certificatePem, keyPem } = await servingPair('ca.example.test');
    const pair = { cert_chain: Buffer.from(certificatePem), private_key: Buffer.from(keyPem) };
    const createCertificate: Handler = (call, answer) => handler(call, answer);
    grpc.addService(serviceDefinition(IstioCertificateService), { createCertificate });
    const port = await new Promise<number>((resolve, reject) =>
      grpc.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    server = { address: `127.0.0.1:${port}`, serverName: 'ca.example.test', rootsPem: certificatePem };
  });

  after(() => grpc.forceShutdown());

  it('sends CSR, lifetime and token, and takes the last element of the answer for the trust bundle', async () => {
    let asked: IstioCertificateRequest | undefined;
    let authorization: unknown;
    handler = (call, answer) => {
      asked = decodeMessage(IstioCertificateRequestSchema, call.request, 'CAP-M01');
      authorization = call.metadata.get('authorization');
      answer(null, create(IstioCertificateResponseSchema, { certChain: ['leaf', 'intermediate', 'roots'] }));
    };
    const answer = await requestCertificate(server, { ...order, validitySeconds: 600 }, { signal });
    assert.deepEqual(answer, { outcome: 'issued', chainPems: ['leaf', 'intermediate'], rootsPem: 'roots' });
    assert.deepEqual([asked?.csr, asked?.validityDuration], ['a CSR', 600n]);
    assert.deepEqual(authorization, ['Bearer a.b.c']);
  });

  it('hands on a refusal as the server put it, and asks once only', async () => {
    let calls = 0;
    handler = (_, answer) => {
      calls += 1;
      answer({ code: status.UNAVAILABLE, details: 'CAP-S01 no issuer is ready to sign', metadata: new Metadata() });
    };
    const message = 'CAP-S01 no issuer is ready to sign';
    assert.deepEqual(await requestCertificate(server, order, { signal }), {
      outcome: 'refused',
      status: 'UNAVAILABLE',
      message,
    });
    assert.equal(calls, 1);
  });

  it('does not take an answer without trust anchors for a certificate', async () => {
    handler = (_, answer) => answer(null, create(IstioCertificateResponseSchema, { certChain: ['leaf'] }));
    const answer = await requestCertificate(server, order, { signal });
    assert.equal(answer.outcome, 'refused');
  });

  it('shows its token to no server that the anchors or the name do not vouch for', async () => {
    let calls = 0;
    handler = () => void (calls += 1);
    const { certificatePem } = await createRoot({ name: 'Another', nowMs: Date.now(), lifetimeMs: 60_000 });
    for (const stranger of [{ rootsPem: certificatePem }, { serverName: 'other.example.test' }]) {
      const answer = await requestCertificate({ ...server, ...stranger }, order, { signal });
      assert.deepEqual([answer.outcome, 'status' in answer && answer.status], ['refused', 'UNAVAILABLE']);
    }
    assert.equal(calls, 0);
  });

  it('gives up when it is told to', async () => {
    const controller = new AbortController();
    handler = () => controller.abort();
    const answer = await requestCertificate(server, order, { signal: controller.signal });
    assert.deepEqual([answer.outcome, 'status' in answer && answer.status], ['refused', 'CANCELLED']);
    handler = () => assert.fail('asked although the signal was aborted');
    assert.equal((await requestCertificate(server, order, { signal: controller.signal })).outcome, 'refused');
  });
});

describe('A workload CSR', () => {
  const uri = 'spiffe://cluster.local/ns/default/sa/demo';

  for (const keyType of WORKLOAD_KEY_TYPES) {
    it(`of type ${keyType} is one that the CA accepts, for the identity alone`, async () => {
      const { csrPem, privateKeyPem } = await makeWorkloadCsr(uri, keyType);
      const request = CertificateRequest.fromPem(csrPem);
      assert.equal(request.publicKey.keyType, keyType);
      assert.deepEqual(request.uris, [uri]);
      assert.match(privateKeyPem, /^-----BEGIN PRIVATE KEY-----\n/);
    });
  }
});
