// Revocation lists, judged by readers that share no code with their writer: a library, OpenSSL, and Capstan's own reader.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { X509Crl } from '@peculiar/x509';
import { readCaCertificate } from '../../../../src/domain/x509/ca-certificate.ts';
import { der, oid, TAG } from '../../../../src/domain/x509/der.ts';
import { crlProblem, crlTimeProblem, useUntilMs } from '../../../../src/domain/x509/crl/judge-crl.ts';
import { readCrl, readCrls, type Crl } from '../../../../src/domain/x509/crl/read-crl.ts';
import type { RevokedEntry } from '../../../../src/domain/x509/crl/write-crl.ts';
import { good, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { crlOf, crlPem } from '../../../support/paths/crls.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;
const REVOKED: readonly RevokedEntry[] = [
  { serial: '4b1d', revokedMs: NOON_MS - HOUR_MS, reason: 'keyCompromise' },
  // A high first bit, and an odd number of digits, are where writers of integers go wrong.
  { serial: 'ff00000000000000000000000000000a', revokedMs: NOON_MS, reason: 'privilegeWithdrawn' },
  { serial: 'abc', revokedMs: NOON_MS, reason: 'privilegeWithdrawn' },
];

describe('A revocation list', () => {
  const kinds = ['ec-p256', 'ec-p384', 'rsa-2048'] as const;
  let authorities: ReadonlyMap<string, TestAuthority>;
  let one: TestAuthority;
  before(async () => {
    authorities = new Map(
      await Promise.all(
        kinds.map(async (keyType) => [keyType, await testAuthority({ nowMs: NOON_MS, keyType })] as const),
      ),
    );
    one = authorities.get('ec-p256')!;
  });

  const listOf = (authority: TestAuthority, given: Parameters<typeof crlOf>[2] = {}): Uint8Array =>
    crlOf({ issuer: authority.issuer, keyPem: authority.intermediate.keyPem }, NOON_MS, given);
  const certificateOf = ({ issuer }: TestAuthority) => good(readCaCertificate(issuer.certificateDer));
  const read = (bytes: Uint8Array): Crl => good(readCrl(bytes));

  for (const keyType of kinds) {
    it(`is read by a library as it was written, and verifies, of an issuer with a key of ${keyType}`, async () => {
      const authority = authorities.get(keyType)!;
      const number = 0x1_0000_0000;
      const list = new X509Crl(Buffer.from(listOf(authority, { number, revoked: REVOKED })));
      assert.equal(list.issuer, 'CN=Test Mesh Issuer');
      assert.deepEqual(
        list.entries.map(({ serialNumber, reason }) => [serialNumber.replace(/^0+/, ''), reason]),
        [
          ['4b1d', 1],
          ['ff00000000000000000000000000000a', 9],
          ['abc', 9],
        ],
      );
      assert.equal(list.thisUpdate.getTime(), NOON_MS - 60_000);
      assert.equal(list.nextUpdate?.getTime(), NOON_MS + 24 * HOUR_MS);
      assert.deepEqual(
        list.extensions.map(({ type, critical }) => [type, critical]),
        [
          ['2.5.29.35', false],
          ['2.5.29.20', false],
        ],
      );
      const own = read(listOf(authority, { number, revoked: REVOKED }));
      assert.equal(crlProblem(own, certificateOf(authority)), undefined);
      assert.equal(own.number, number.toString(16));
      assert.deepEqual([...own.serials], ['4b1d', 'ff00000000000000000000000000000a', 'abc']);
      assert.deepEqual([own.thisUpdateMs, own.nextUpdateMs], [NOON_MS - 60_000, NOON_MS + 24 * HOUR_MS]);
    });
  }

  it('is one with 20,000 certificates as well, whose lengths take three bytes', () => {
    const revoked = Array.from({ length: 20_000 }, (_, index) => ({
      serial: (0x7000_0000_0000 + index).toString(16),
      revokedMs: NOON_MS,
      reason: 'keyCompromise' as const,
    }));
    const bytes = listOf(one, { revoked });
    assert.ok(bytes.length > 0xffff);
    assert.equal(read(bytes).serials.size, 20_000);
    const text = execFileSync('openssl', ['crl', '-noout', '-text'], {
      input: crlPem(bytes),
      maxBuffer: 64 * 1024 * 1024,
    });
    assert.equal(text.toString().split('Serial Number: ').length - 1, 20_000);
    assert.equal(crlProblem(read(bytes), certificateOf(one)), undefined);
  });

  it('has no empty list of certificates where none is revoked', () => {
    // RFC 5280 section 5.1.2.6: "the revoked certificates list MUST be absent".
    const list = Buffer.from(listOf(one));
    assert.equal(new X509Crl(list).entries.length, 0);
    assert.equal(list.includes(Buffer.from('3000', 'hex')), false);
  });

  it('has dates from 2050 on in the long form', () => {
    const nextUpdateMs = Date.UTC(2055, 1, 3, 4, 5, 6);
    const bytes = listOf(one, { nextUpdateMs });
    assert.equal(read(bytes).nextUpdateMs, nextUpdateMs);
    assert.equal(new X509Crl(Buffer.from(bytes)).nextUpdate?.getTime(), nextUpdateMs);
  });

  it('lets OpenSSL tell a revoked certificate from another', () => {
    // The intermediate stands for a leaf here: the root's list says whether it is revoked.
    const folder = mkdtempSync(path.join(tmpdir(), 'crl-'));
    try {
      const place = (name: string, text: string): string => {
        writeFileSync(path.join(folder, name), text);
        return path.join(folder, name);
      };
      const root = good(readCaCertificate(one.bundle.anchors[0]!.der));
      const issuer = {
        subjectDer: root.subjectDer,
        subjectKeyId: root.extensions.subjectKeyId!,
        algorithm: one.issuer.algorithm,
      };
      const serial = certificateOf(one).serial;
      const verify = (revoked: readonly RevokedEntry[]): string => {
        const list = crlPem(crlOf({ issuer, keyPem: one.root.keyPem }, NOON_MS, { revoked }));
        const args = [
          '-crl_check',
          '-attime',
          String(NOON_MS / 1_000),
          '-CAfile',
          place('root', one.root.certificatePem),
        ];
        const files = ['-CRLfile', place('crl', list), place('leaf', one.intermediate.certificatePem)];
        try {
          return execFileSync('openssl', ['verify', ...args, ...files], { encoding: 'utf8', stdio: 'pipe' });
        } catch (error) {
          return String((error as { readonly stderr?: string }).stderr);
        }
      };
      assert.match(verify([]), /: OK/);
      assert.match(verify([{ serial, revokedMs: NOON_MS - HOUR_MS, reason: 'keyCompromise' }]), /certificate revoked/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is refused when it is of another CA, or not signed by it', async () => {
    const other = await testAuthority({ nowMs: NOON_MS });
    assert.match(crlProblem(read(listOf(one)), one.bundle.anchors[0]!) ?? '', /is not of CN=Test Corporate Root/);
    const forged = crlOf({ issuer: one.issuer, keyPem: other.intermediate.keyPem }, NOON_MS);
    assert.match(crlProblem(read(forged), certificateOf(one)) ?? '', /signature that is not by the key of/);
    // The same name, another key: nobody else may answer for it.
    assert.match(crlProblem(read(listOf(other)), certificateOf(one)) ?? '', /is not of/);
  });

  it('is in use from its thisUpdate until some time before its nextUpdate', () => {
    const crl = read(listOf(one));
    assert.match(crlTimeProblem(crl, NOON_MS - HOUR_MS) ?? '', /yet to come/);
    assert.equal(crlTimeProblem(crl, NOON_MS), undefined);
    assert.equal(crlTimeProblem(crl, useUntilMs(crl) - 1), undefined);
    assert.match(crlTimeProblem(crl, useUntilMs(crl)) ?? '', /out of date: its nextUpdate is 2026-01-07 12:00:00 UTC/);
    assert.ok(useUntilMs(crl) <= crl.nextUpdateMs - HOUR_MS);
    const short = { thisUpdateMs: NOON_MS, nextUpdateMs: NOON_MS + HOUR_MS };
    assert.equal(useUntilMs(short), NOON_MS + 55 * 60_000);
  });

  describe('that is read', () => {
    /** A list with this extension alone, written by hand, with whatever signature. */
    function withExtension(type: string, value: Uint8Array, critical: boolean): Uint8Array {
      const flag = critical ? [Uint8Array.of(TAG.boolean, 1, 0xff)] : [];
      const extension = der(TAG.sequence, oid(type), ...flag, der(TAG.octetString, value));
      const algorithm = der(TAG.sequence, oid('1.2.840.10045.4.3.2'));
      const [from, until] = ['260106115900Z', '260107120000Z'].map((time) => der(TAG.utcTime, Buffer.from(time)));
      const version = der(TAG.integer, Uint8Array.of(1));
      const extensions = der(0xa0, der(TAG.sequence, extension));
      const tbs = der(TAG.sequence, version, algorithm, one.issuer.subjectDer, from!, until!, extensions);
      return der(TAG.sequence, tbs, algorithm, der(TAG.bitString, Uint8Array.of(0, 1)));
    }
    const problemOf = (bytes: Uint8Array): string => {
      const crl = readCrl(bytes);
      return 'problem' in crl ? crl.problem : 'none';
    };

    it('is no delta, and no part of what a CA revoked', () => {
      assert.match(problemOf(withExtension('2.5.29.27', der(TAG.integer, Uint8Array.of(1)), true)), /delta CRL/);
      assert.match(problemOf(withExtension('2.5.29.28', der(TAG.sequence), true)), /issuing distribution point/);
      assert.match(problemOf(withExtension('1.2.3.4', der(TAG.sequence), true)), /critical extension 1\.2\.3\.4/);
      assert.equal(problemOf(withExtension('1.2.3.4', der(TAG.sequence), false)), 'none');
    });

    it('is refused cut short, with something behind it, or as anything else', () => {
      const bytes = Buffer.from(listOf(one, { revoked: REVOKED }));
      for (let length = 0; length < bytes.length; length += 7)
        assert.notEqual(problemOf(bytes.subarray(0, length)), 'none');
      assert.match(problemOf(Buffer.concat([bytes, Buffer.from([0])])), /trailing bytes/);
      assert.match(problemOf(Buffer.from(one.issuer.certificateDer)), /does not parse/);
      assert.deepEqual(readCrls('nothing'), { problem: 'has no PEM block of type X509 CRL' });
      assert.deepEqual(readCrls(one.root.certificatePem), { problem: 'has a PEM block that is not X509 CRL' });
    });

    it('never throws, whichever byte of it is changed', () => {
      const bytes = Buffer.from(listOf(one, { revoked: REVOKED }));
      for (let at = 0; at < bytes.length; at += 1) {
        const changed = Buffer.from(bytes);
        changed[at] = changed[at]! ^ 0x41;
        const crl = readCrl(changed);
        if (!('problem' in crl)) assert.notEqual(crlProblem(crl, certificateOf(one)), undefined, `byte ${at}`);
      }
    });

    it('is several of one text, in their order', () => {
      const [first, second] = [listOf(one), listOf(authorities.get('rsa-2048')!)];
      const crls = good(readCrls(crlPem(first) + crlPem(second)));
      assert.deepEqual(
        crls.map(({ pem }) => pem),
        [crlPem(first), crlPem(second)],
      );
    });
  });
});
