import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { createRoot } from '../../../src/adapters/dev/bootstrap-authority.ts';
import { MAX_ANCHORS, TrustBundle } from '../../../src/domain/trust/bundle.ts';
import { encodePem } from '../../../src/domain/x509/pem.ts';
import { good, TEST_TRUST_DOMAIN, testAuthority } from '../../support/certificates.ts';
import { contentsFor, issue } from '../x509/shapes.ts';
import { ecKeys } from '../../vectors/csr/der-parts.ts';

const DAY_MS = 86_400_000;

async function rootPem(name: string, days = 30): Promise<string> {
  return (await createRoot({ name, nowMs: Date.now(), lifetimeMs: days * DAY_MS })).certificatePem;
}

function bundleOf(...pems: readonly string[]): TrustBundle {
  return good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, pems.join('')));
}

function problemOf(pem: string): string {
  const result = TrustBundle.fromPem(TEST_TRUST_DOMAIN, pem);
  assert.ok('problem' in result, 'was accepted');
  return result.problem;
}

describe('A trust bundle', () => {
  let one: string;
  let two: string;

  before(async () => {
    one = await rootPem('One', 10);
    two = await rootPem('Two', 20);
  });

  it('has the same bytes whatever the spelling and repetition of its anchors, and the same digest in any order', () => {
    const spelled = `# a comment\r\n${one.replaceAll('\n', '\r\n')}\n\n`;
    const bundles = [bundleOf(two, one), bundleOf(two, spelled), bundleOf(two, spelled, one, two)];
    assert.equal(new Set(bundles.map(({ pem }) => pem)).size, 1);
    assert.equal(new Set([bundleOf(one, two), ...bundles].map(({ digest }) => digest)).size, 1);
    assert.equal(bundles[0]!.anchors.length, 2);
  });

  it('keeps the order of its file, ends each block with a newline, and has its digest over the sorted set', () => {
    const { anchors, pem, digest } = bundleOf(two, one);
    assert.deepEqual(
      anchors.map(({ subject }) => subject),
      ['CN=Two', 'CN=One'],
    );
    assert.equal(pem, anchors.map((anchor) => anchor.pem).join(''));
    const sorted = anchors.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1)).map((anchor) => anchor.pem);
    assert.match(pem, /-----END CERTIFICATE-----\n-----BEGIN[^]*-----END CERTIFICATE-----\n$/);
    assert.equal(digest, createHash('sha256').update(sorted.join('')).digest('hex').slice(0, 16));
  });

  it('tells each anchor by subject, fingerprint and end', () => {
    const [anchor] = bundleOf(one).anchors;
    assert.equal(anchor!.subject, 'CN=One');
    assert.equal(anchor!.sha256, createHash('sha256').update(anchor!.der).digest('hex'));
    assert.equal(anchor!.notAfterMs, new X509Certificate(one).validToDate.getTime());
  });

  it('says when the first of its anchors ends', () => {
    assert.equal(bundleOf(one, two).firstNotAfterMs, new X509Certificate(one).validToDate.getTime());
  });

  it('is refused when it is empty, holds something else than CA certificates, or has bytes behind one', async () => {
    const authority = await testAuthority();
    const leaf = await issue(authority, contentsFor(authority, ecKeys().spki));
    const padded = encodePem('CERTIFICATE', Buffer.concat([new X509Certificate(one).raw, Buffer.of(0)]));
    assert.match(problemOf(''), /no PEM block/);
    assert.match(problemOf(one + leaf.pem), /is not a CA certificate/);
    assert.match(problemOf(authority.root.keyPem + one), /not CERTIFICATE/);
    assert.match(problemOf(encodePem('CERTIFICATE', Buffer.from('3000', 'hex'))), /does not parse/);
    assert.match(problemOf(padded), /trailing bytes/);
  });

  it('is refused when it holds more anchors than any rotation needs', () => {
    assert.match(problemOf(one.repeat(MAX_ANCHORS + 1)), /has 101 certificates, allowed 100/);
    bundleOf(one.repeat(MAX_ANCHORS));
  });
});
