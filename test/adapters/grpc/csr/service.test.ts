import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { MAX_CSR_CHARACTERS } from '../../../../src/adapters/grpc/csr/decode.ts';
import { MAX_REQUEST_BYTES } from '../../../../src/adapters/grpc/grpc-server.ts';
import { CHAIN, CsrWire, openTlsEdge, type CsrCall, type TlsEdge } from '../wire.ts';
import type { AuthorityError } from '../../../../src/domain/errors.ts';

describe("Istio's CSR API at the wire", () => {
  let edge: TlsEdge;
  let wire: CsrWire;
  beforeEach(async () => {
    edge = await openTlsEdge({ csr: { deadlineMs: 300, maxInFlight: 2 } });
    wire = CsrWire.toTls(edge);
  });
  afterEach(async () => {
    wire[Symbol.dispose]();
    await edge[Symbol.asyncDispose]();
  });

  it('answers with the leaf, each intermediate, and the whole bundle as one last element', async () => {
    const { code, response } = await wire.call({ csr: 'x' });
    assert.equal(code, status.OK);
    assert.deepEqual(response?.certChain, ['leaf\n', 'first\n', 'second\n', 'root one\nroot two\n']);
  });

  it('hands the CA the request as Istio clients send it', async () => {
    const metadata = { CertSigner: '', ImpersonatedIdentity: 'spiffe://cluster.local/ns/a/sa/b', Unknown: 7 };
    await wire.call({ csr: 'pem', validityDuration: 86_400n, metadata, headers: { authorization: 'Bearer t' } });
    const wanted = { csrPem: 'pem', validitySeconds: 86_400n, impersonatedIdentity: metadata.ImpersonatedIdentity };
    assert.deepEqual(edge.authority.orders, [wanted]);
    const { remoteAddress, onAuthenticated, ...shown } = edge.authority.presented[0]!;
    assert.deepEqual(shown, { authorization: ['Bearer t'] });
    assert.ok(onAuthenticated);
    assert.match(remoteAddress, /^127\.0\.0\.1:\d+$/);
  });

  const nested: CsrCall = { raw: nestedStruct(2_000) };
  const malformed: readonly (readonly [string, CsrCall, RegExp])[] = [
    [
      'a CertSigner that is a number',
      { metadata: { CertSigner: 1 } },
      /^CAP-M01 .*metadata\.CertSigner is not a string/,
    ],
    ['an ImpersonatedIdentity that is null', { metadata: { ImpersonatedIdentity: null } }, /^CAP-M01 .*ImpersonatedId/],
    ['an ImpersonatedIdentity that is a list', { metadata: { ImpersonatedIdentity: ['a'] } }, /^CAP-M01 .*Impersonat/],
    ['an ImpersonatedIdentity that is an object', { metadata: { ImpersonatedIdentity: {} } }, /^CAP-M01 .*Impersona/],
    ['bytes that are no message', { raw: Uint8Array.of(0xff, 0xff, 0xff) }, /^CAP-M01 .*IstioCertificateRequest/],
    ['a CSR that is not UTF-8', { raw: Uint8Array.of(0x0a, 2, 0xc3, 0x28) }, /^CAP-M01 /],
    ['an ImpersonatedIdentity of no kind', { raw: structOf('ImpersonatedIdentity', []) }, /^CAP-M01 .*ImpersonatedId/],
    ['metadata that is nested without end', nested, /^CAP-M0/],
    ['a CSR that is too long', { csr: 'x'.repeat(MAX_CSR_CHARACTERS + 1) }, /^CAP-M02 .*csr is 16385 bytes long/],
    ['a request that is too long', { metadata: { a: 'x'.repeat(65_536) } }, /^CAP-M02 .*the request is 655\d\d bytes/],
  ];
  for (const [what, request, details] of malformed) {
    it(`refuses ${what} as an argument that will never be right`, async () => {
      const outcome = await wire.call(request);
      assert.equal(outcome.code, status.INVALID_ARGUMENT);
      assert.match(outcome.details, details);
      assert.deepEqual(edge.events.of('unexpected'), []);
    });
  }

  it('takes no metadata from a key that names the prototype', async () => {
    await wire.call({ metadata: JSON.parse('{"__proto__": {"ImpersonatedIdentity": "x"}}') as Record<string, string> });
    assert.equal(edge.authority.orders[0]?.impersonatedIdentity, undefined);
  });

  it('accepts a CSR of the greatest length', async () => {
    const { code } = await wire.call({ csr: 'x'.repeat(MAX_CSR_CHARACTERS) });
    assert.equal(code, status.OK);
  });

  it('does not even read a request beyond what any service accepts', async () => {
    const { code } = await wire.call({ raw: new Uint8Array(MAX_REQUEST_BYTES + 1) });
    assert.equal(code, status.RESOURCE_EXHAUSTED);
    assert.equal(edge.authority.presented.length, 0);
  });

  it('says UNAVAILABLE when the CA does not answer in time, and ends its work', async () => {
    edge.authority.answer = async () => new Promise(() => undefined);
    const { code, details } = await wire.call();
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /^CAP-S07 /);
    assert.equal(edge.events.of('requestDropped')[0]?.reason, 'CAP-S07');
    assert.equal((edge.authority.signals[0]?.reason as AuthorityError).reason, 'CAP-S07');
  });

  it('ends the work for a caller that goes away', async () => {
    const aborted = new Promise<AuthorityError>((resolve) => {
      edge.authority.answer = async (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
            resolve(signal.reason as AuthorityError);
          });
          cancel();
        });
    });
    let cancel = (): void => undefined;
    const { code } = await wire.call({}, (stop) => (cancel = stop));
    assert.equal(code, status.CANCELLED);
    assert.equal((await aborted).reason, 'CAP-X02');
    assert.deepEqual(edge.events.of('unexpected'), []);
  });

  it('drops what is one too many in flight, saying when to come back, and recovers', async () => {
    const release: (() => void)[] = [];
    edge.authority.answer = async () => new Promise((resolve) => release.push(() => resolve(CHAIN)));
    const inFlight = [wire.call(), wire.call()];
    while (release.length < 2) await new Promise(setImmediate);
    const { code, details, metadata } = await wire.call();
    assert.equal(code, status.RESOURCE_EXHAUSTED);
    assert.match(details, /^CAP-Q01 /);
    assert.deepEqual(metadata.get('grpc-retry-pushback-ms'), ['200']);
    assert.equal(edge.events.of('requestDropped')[0]?.reason, 'CAP-Q01');
    for (const go of release) go();
    assert.deepEqual(new Set((await Promise.all(inFlight)).map((outcome) => outcome.code)), new Set([status.OK]));
    edge.authority.answer = async () => CHAIN;
    assert.equal((await wire.call()).code, status.OK);
  });

  it('says nothing of a bug but that there is one, and reports it', async () => {
    edge.authority.answer = async () => Promise.reject(new TypeError('secret detail'));
    const { code, details } = await wire.call();
    assert.equal(code, status.INTERNAL);
    assert.equal(details, 'CAP-X00 internal error');
    assert.match(String(edge.events.of('unexpected')[0]?.cause), /secret detail/);
  });
});

/** Field 4 (metadata) with one key, whose Value is these bytes. */
function structOf(key: string, value: readonly number[]): Uint8Array {
  const entry = [...field(0x0a, [...Buffer.from(key)]), ...field(0x12, value)];
  return Uint8Array.from(field(0x22, field(0x0a, entry)));
}

/** Lists in lists, `depth` deep. */
function nestedStruct(depth: number): Uint8Array {
  let value: number[] = [0x32, 0];
  for (let level = 0; level < depth; level += 1) value = field(0x32, field(0x0a, value));
  return structOf('a', value);
}

function field(tag: number, body: readonly number[]): number[] {
  return [tag, ...varint(body.length), ...body];
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >> 7)];
}
