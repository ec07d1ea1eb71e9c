import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readPolicyBundleKey, readPolicyBundleSigningKey } from '../../../../src/domain/policy/bundle/bundle-key.ts';
import { signatureProblem, signBundle, signedBytes } from '../../../../src/domain/policy/bundle/bundle-signature.ts';
import { good } from '../../../support/certificates.ts';

const CANONICAL = '{"kind":"PolicyBundle","metadata":{"name":"corp-mesh","sequence":42}}';
/** Order of P-256's group. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });
const ed25519 = good(readPolicyBundleSigningKey(pkcs8(generateKeyPairSync('ed25519').privateKey)));
const p256 = good(readPolicyBundleSigningKey(pkcs8(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)));
const spkiOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' });

function problemOf(pem: string): string {
  const key = readPolicyBundleKey(pem);
  return 'problem' in key ? key.problem : 'none';
}

/** r and s of an ECDSA signature, as DER of the test's own making. */
function ecdsaDer(r: Buffer, s: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from([2, r.length]), r, Buffer.from([2, s.length]), s]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

/** An INTEGER's contents, with as few bytes as DER allows. */
function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]);
}

function scalars(): { r: bigint; low: bigint; high: bigint } {
  const pair = sign('sha256', signedBytes(CANONICAL), { key: p256.privateKey, dsaEncoding: 'ieee-p1363' });
  const s = BigInt(`0x${pair.toString('hex', 32)}`);
  const [low, high] = s > ORDER / 2n ? [ORDER - s, s] : [s, ORDER - s];
  return { r: BigInt(`0x${pair.toString('hex', 0, 32)}`), low, high };
}

describe('A signature over a policy bundle', () => {
  for (const key of [ed25519, p256]) {
    it(`by ${key.algorithm} holds for the very bundle alone`, () => {
      const signature = signBundle(CANONICAL, key);
      assert.equal(signatureProblem(CANONICAL, key, signature), undefined);
      assert.equal(signatureProblem(CANONICAL.replace('42', '43'), key, signature), 'does not verify');
    });
  }

  it('is over its own kind of message, so that no signature over a bare file passes for one', () => {
    const bare = sign(null, Buffer.from(CANONICAL), ed25519.privateKey);
    assert.equal(signatureProblem(CANONICAL, ed25519, bare), 'does not verify');
    assert.equal(signedBytes('{}').toString(), 'capstan.dev/policy-bundle/v1\n{}');
  });

  it('always has the lower s, whichever the library chose', () => {
    for (let time = 0; time < 20; time += 1) {
      assert.equal(signatureProblem(CANONICAL, p256, signBundle(CANONICAL, p256)), undefined);
    }
  });

  it('is refused with the higher s, though the mathematics would accept it', () => {
    const { r, low, high } = scalars();
    assert.equal(signatureProblem(CANONICAL, p256, ecdsaDer(integer(r), integer(low))), undefined);
    assert.match(
      signatureProblem(CANONICAL, p256, ecdsaDer(integer(r), integer(high))) ?? '',
      /has the higher of two possible values of s/,
    );
  });

  it('is refused when it is DER in a longer form than needed', () => {
    const { r, low } = scalars();
    const zero = Buffer.from([0]);
    const shortest = ecdsaDer(integer(r), integer(low));
    const longer: Readonly<Record<string, Buffer>> = {
      'needless zeros': ecdsaDer(Buffer.concat([zero, integer(r)]), integer(low)),
      'trailing bytes': Buffer.concat([shortest, zero]),
      'length that is not minimal': Buffer.concat([Buffer.from([0x30, 0x81]), shortest.subarray(1)]),
      'out of range': ecdsaDer(zero, integer(low)),
      'empty or negative': ecdsaDer(Buffer.from([0x80]), integer(low)),
    };
    for (const [why, signature] of Object.entries(longer)) {
      const problem = signatureProblem(CANONICAL, p256, signature) ?? 'accepted';
      assert.ok(problem.startsWith('is not DER in its shortest form') && problem.includes(why), `${why}: ${problem}`);
    }
  });

  it('of Ed25519 has 64 bytes', () => {
    assert.match(signatureProblem(CANONICAL, ed25519, Buffer.alloc(63)) ?? '', /is 63 bytes long/);
  });

  describe('seen by OpenSSL', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'bundle-signature-'));
    const write = (name: string, content: Uint8Array | string): string => {
      writeFileSync(path.join(folder, name), content);
      return path.join(folder, name);
    };
    after(() => rmSync(folder, { recursive: true, force: true }));

    it('verifies for Ed25519', () => {
      const [key, bytes] = [write('ed.pub', spkiOf(ed25519.publicKey)), write('ed.bytes', signedBytes(CANONICAL))];
      const signature = write('ed.sig', signBundle(CANONICAL, ed25519));
      const argv = ['pkeyutl', '-verify', '-pubin', '-inkey', key, '-rawin', '-in', bytes, '-sigfile', signature];
      assert.match(execFileSync('openssl', argv, { encoding: 'utf8' }), /Verified Successfully/);
    });

    it('verifies for ECDSA P-256', () => {
      const [key, bytes] = [write('ec.pub', spkiOf(p256.publicKey)), write('ec.bytes', signedBytes(CANONICAL))];
      const signature = write('ec.sig', signBundle(CANONICAL, p256));
      const argv = ['dgst', '-sha256', '-verify', key, '-signature', signature, bytes];
      assert.match(execFileSync('openssl', argv, { encoding: 'utf8' }), /Verified OK/);
    });
  });
});

describe('A key for signing bundles', () => {
  it('is known by the SHA-256 of its SubjectPublicKeyInfo, also from its private half', () => {
    assert.match(ed25519.keyId, /^sha256:[0-9a-f]{64}$/);
    assert.equal(good(readPolicyBundleKey(spkiOf(createPublicKey(ed25519.privateKey)))).keyId, ed25519.keyId);
  });

  it('is Ed25519 or ECDSA P-256 and nothing else', () => {
    for (const { publicKey } of [
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('x25519'),
    ]) {
      assert.equal(problemOf(spkiOf(publicKey)), 'is not an Ed25519 or ECDSA P-256 key');
    }
  });

  it('has one spelling: a compressed point would give one holder two ids', () => {
    const raw = p256.publicKey.export({ type: 'spki', format: 'der' });
    const point = raw.subarray(-64);
    const compressed = Buffer.concat([
      Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
      Buffer.from([point[63]! % 2 === 0 ? 2 : 3]),
      point.subarray(0, 32),
    ]);
    const hybrid = Buffer.from(raw);
    hybrid[raw.length - 65] = point[63]! % 2 === 0 ? 6 : 7;
    for (const spki of [compressed, hybrid]) {
      assert.equal(createPublicKey({ key: spki, format: 'der', type: 'spki' }).asymmetricKeyType, 'ec');
      assert.equal(problemOf(pemOf(spki)), 'is not an Ed25519 or ECDSA P-256 key');
    }
  });

  it('lies on its curve', () => {
    const raw = Buffer.from(p256.publicKey.export({ type: 'spki', format: 'der' }));
    raw[raw.length - 1]! ^= 1;
    assert.equal(problemOf(pemOf(raw)), 'has a point that does not lie on its curve');
  });

  it('is never quoted when a private one was named by mistake', () => {
    const pem = pkcs8(ed25519.privateKey);
    assert.equal(problemOf(pem), 'does not start with -----BEGIN PUBLIC KEY-----');
    const reversed = readPolicyBundleSigningKey(spkiOf(ed25519.publicKey));
    assert.deepEqual(reversed, { problem: 'does not start with -----BEGIN PRIVATE KEY-----' });
  });
});

function pemOf(spki: Buffer): string {
  return `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`;
}
