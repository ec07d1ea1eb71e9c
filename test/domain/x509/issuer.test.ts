import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { createIntermediate, createRoot } from '../../../src/adapters/dev/bootstrap-authority.ts';
import { TrustBundle } from '../../../src/domain/trust/bundle.ts';
import { Issuer } from '../../../src/domain/x509/issuer.ts';
import { readPublicKey } from '../../../src/domain/x509/public-key.ts';
import { good, TEST_TRUST_DOMAIN, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { tiersAt } from '../../support/paths/tiers.ts';

const DAY_MS = 86_400_000;
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

interface Tier {
  readonly pem: string;
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface TierOptions {
  readonly by?: Tier;
  readonly ca?: boolean;
  readonly pathLength?: number;
  readonly usage?: x509.KeyUsageFlags;
  readonly keyId?: boolean;
  readonly algorithm?: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams;
  readonly startsInDays?: number;
  readonly endsInDays?: number;
}

const RSA_1024 = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 1024,
  publicExponent: Uint8Array.of(1, 0, 1),
};

/** One certificate of a chain, right unless told otherwise. */
async function tier(name: string, options: TierOptions = {}): Promise<Tier> {
  const { by, ca = true, pathLength, usage = x509.KeyUsageFlags.keyCertSign, keyId = true } = options;
  const { startsInDays = -1, endsInDays = 30, algorithm = P256 } = options;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: by?.certificate.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() + startsInDays * DAY_MS),
    notAfter: new Date(Date.now() + endsInDays * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: by?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: P256,
    extensions: [
      new x509.BasicConstraintsExtension(ca, pathLength, true),
      ...(usage === x509.KeyUsageFlags.keyCertSign || !ca ? [new x509.KeyUsagesExtension(usage, true)] : []),
      ...(keyId ? [await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)] : []),
    ],
  });
  return { pem: `${certificate.toString('pem')}\n`, certificate, keys };
}

const now = () => ({ nowMs: Date.now(), names: [] });

function bundleOf(...tiers: readonly Pick<Tier, 'pem'>[]): TrustBundle {
  return good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, tiers.map(({ pem }) => pem).join('')));
}

function refuses(chain: readonly Tier[], bundle: TrustBundle, problem: RegExp): void {
  const result = Issuer.fromPem(chain.map(({ pem }) => pem).join(''), bundle.anchors, now());
  assert.ok('problem' in result, 'was accepted');
  assert.match(result.problem, problem);
}

describe('An issuer', () => {
  let authority: TestAuthority;
  let root: Tier;
  let upper: Tier;
  let lower: Tier;
  let bundle: TrustBundle;

  before(async () => {
    authority = await testAuthority();
    root = await tier('Root');
    upper = await tier('Upper', { by: root, pathLength: 1, endsInDays: 20 });
    lower = await tier('Lower', { by: upper, pathLength: 0, startsInDays: -0.5 });
    bundle = bundleOf(root, await tier('Unrelated'));
  });

  it('is known by the fingerprint of its certificate and signs as its key demands', () => {
    const { issuer, intermediate } = authority;
    const read = new x509.X509Certificate(intermediate.certificatePem);
    assert.match(issuer.id, /^[0-9a-f]{16}$/);
    assert.equal(issuer.subject, 'CN=Test Mesh Issuer');
    assert.equal(issuer.algorithm, 'ecdsa-p256-sha256');
    assert.deepEqual(issuer.chainPems, [intermediate.certificatePem]);
    const keyId = read.getExtension(x509.SubjectKeyIdentifierExtension)!.keyId;
    assert.equal(Buffer.from(issuer.subjectKeyId).toString('hex'), keyId);
    assert.ok(Buffer.from(issuer.subjectDer).equals(Buffer.from(read.subjectName.toArrayBuffer())));
  });

  it('has a chain upwards without its anchor, and lives as long as the shortest link', () => {
    const issuer = good(Issuer.fromPem(lower.pem + upper.pem + root.pem, bundle.anchors, now()));
    assert.deepEqual(issuer.chainPems, [lower.pem, upper.pem]);
    assert.equal(issuer.notAfterMs, upper.certificate.notAfter.getTime());
    assert.equal(issuer.notBeforeMs, lower.certificate.notBefore.getTime());
  });

  it('serves the path that its leaves live by, not one beside it that ends before them', async () => {
    const make = tiersAt(Date.now());
    const [former, next] = [await make('Former'), await make('Next')];
    const soon = await make('Upper', { by: former, endsInDays: 0.01 });
    const late = await make('Upper', { by: next, keys: soon.keys, endsInDays: 20 });
    const own = await make('Issuer', { by: soon, endsInDays: 10 });
    const cross = await make('Next', { by: former, keys: next.keys, endsInDays: 0.01 });
    const servedOf = (...chain: readonly { readonly pem: string }[]): readonly string[] =>
      good(Issuer.fromPem(chain.map(({ pem }) => pem).join(''), bundleOf(former, next).anchors, now())).chainPems;
    assert.deepEqual(servedOf(own, soon, late), [own.pem, late.pem]);
    assert.deepEqual(servedOf(own, late, soon), [own.pem, late.pem]);
    assert.deepEqual(servedOf(own, soon, late, cross), [own.pem, late.pem, cross.pem], 'what goes on above it stays');
    assert.deepEqual(servedOf(own, soon), [own.pem, soon.pem], 'where there is no other');
  });

  it('serves no CA twice, however many certificates of one key are given', async () => {
    const make = tiersAt(Date.now());
    const top = await make('Top');
    const twins = await Promise.all(Array.from({ length: 6 }, async () => make('Top', { by: top, keys: top.keys })));
    const own = await make('Issuer', { by: top });
    const chain = [own, ...twins].map(({ pem }) => pem).join('');
    assert.deepEqual(good(Issuer.fromPem(chain, bundleOf(top).anchors, now())).chainPems, [own.pem]);
    const above = await make('Above');
    const way = await make('Top', { by: above, keys: top.keys });
    const issuer = good(Issuer.fromPem(chain + way.pem, bundleOf(above).anchors, now()));
    assert.deepEqual(issuer.chainPems, [own.pem, way.pem]);
  });

  it('does not outlive its anchor', async () => {
    const short = await tier('Short root', { endsInDays: 2 });
    const issuer = good(Issuer.fromPem((await tier('Issuer', { by: short })).pem, bundleOf(short).anchors, now()));
    assert.equal(issuer.notAfterMs, short.certificate.notAfter.getTime());
  });

  it('is refused when its chain has a gap, is out of order or ends nowhere', async () => {
    refuses([lower], bundle, /Lower is signed by CN=Upper, which is neither in this file nor a trust anchor/);
    refuses(
      [upper, lower],
      bundle,
      /begins with CN=Upper, which signed CN=Lower: the issuer's own certificate comes first/,
    );
    refuses([lower, upper], bundleOf(await tier('Root')), /Upper is not signed by the CN=Root that is given/);
    refuses([root, lower, upper], bundle, /begins with the trust anchor CN=Root/);
    refuses(Array<Tier>(9).fill(lower), bundle, /has 9 certificates, allowed 8/);
  });

  it('is refused when it is the anchor itself', () => refuses([root], bundle, /an intermediate signs/));

  it('is refused when somebody else signed in the name of its anchor', async () => {
    const impostor = await tier('Root');
    refuses(
      [await tier('Issuer', { by: impostor })],
      bundle,
      /not signed by the CN=Root that is given: that one's key is another/,
    );
  });

  it('is refused when a certificate above it allows no intermediate below', async () => {
    const flat = await tier('Flat', { by: root, pathLength: 0 });
    refuses([await tier('Issuer', { by: flat }), flat], bundle, /Flat allows 0 intermediates below it/);
    const rootOfNone = await tier('Root of none', { pathLength: 0 });
    refuses(
      [await tier('Issuer', { by: rootOfNone })],
      bundleOf(rootOfNone),
      /Root of none allows 0 intermediates below it/,
    );
  });

  it('needs no subject key identifier, as an intermediate of Istio has none: its key is told by ours', async () => {
    const bare = await tier('Bare', { by: root, keyId: false });
    const issuer = good(Issuer.fromPem(bare.pem, bundle.anchors, now()));
    const spki = bare.certificate.publicKey.rawData;
    assert.deepEqual(Buffer.from(issuer.subjectKeyId), readPublicKey(Buffer.from(spki)).keyId);
  });

  it('is refused when it cannot or may not sign certificates', async () => {
    const cases: readonly [RegExp, TierOptions][] = [
      [/not a CA certificate/, { ca: false, usage: x509.KeyUsageFlags.digitalSignature }],
      [/not P-256, P-384 or RSA of at least 2048/, { algorithm: RSA_1024 }],
      [/not P-256, P-384 or RSA of at least 2048/, { algorithm: { name: 'ECDSA', namedCurve: 'P-521' } }],
      [/Issuer is not valid before/, { startsInDays: 31, endsInDays: 60 }],
    ];
    for (const [problem, options] of cases) {
      refuses([await tier('Issuer', { by: root, ...options })], bundle, problem);
    }
  });

  it('is refused when its file is no chain of certificates', () => {
    const text = (pem: string) => Issuer.fromPem(pem, bundle.anchors, now());
    assert.deepEqual(text(''), { problem: 'has no PEM block of type CERTIFICATE', of: 'chain' });
    assert.deepEqual(text(upper.pem.replace(/\n.{20}/, '\nMIIBkTCCATegAwIBAgIB')), {
      problem: 'has a certificate that does not parse',
      of: 'chain',
    });
  });

  for (const [keyType, algorithm] of [
    ['ec-p384', 'ecdsa-p384-sha384'],
    ['rsa-2048', 'rsa-sha256'],
  ] as const) {
    it(`may have a key of type ${keyType}`, async () => {
      const nowMs = Date.now();
      const ca = await createRoot({ name: 'Root', nowMs, lifetimeMs: DAY_MS, keyType });
      const own = await createIntermediate(ca, { name: 'Issuer', nowMs, lifetimeMs: DAY_MS, keyType });
      const { anchors } = good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, ca.certificatePem));
      assert.equal(good(Issuer.fromPem(own.certificatePem, anchors, now())).algorithm, algorithm);
    });
  }
});
