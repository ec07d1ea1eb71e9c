// `capstan inspect` over trust material that peers refuse: the same verdict as a server's, and the same reason.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../../../src/cli/program.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { makePath, PATH_CASES } from '../../support/paths/path-cases.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

const CASES = path.resolve(import.meta.dirname, '../../vectors/cases');
const MADE_MS = Date.UTC(2026, 10, 28, 6, 0, 0);

async function inspect(args: readonly string[], nowMs = MADE_MS): Promise<readonly [code: number, text: string]> {
  const { terminal, lines } = recordTerminal();
  const clock = new FakeClock(nowMs);
  const code = await runCli(['inspect', ...args], { terminal, environment: {}, clock, signal: AbortSignal.abort() });
  return [code, lines().join('\n')];
}

const inCase = (folder: string): string[] => [
  path.join(CASES, folder, 'chain.pem'),
  '--root',
  path.join(CASES, folder, 'anchors.pem'),
];

const NOT_TRUSTED: Readonly<Record<string, RegExp>> = {
  'issuer-nobody-accepts/inteku_code': /CN=xinteku_code may not stand above TLS servers/,
  'issuer-nobody-accepts/intunkcrit': /has a critical extension that nobody knows/,
  'issuer-nobody-accepts/ec-explicit': /spells out its curve/,
  'issuer-nobody-accepts/sha1-int': /is signed with RSA with SHA-1/,
  'issuer-nobody-accepts/root-rsa1024': /is RSA of 1024 bits/,
  'issuer-nobody-accepts/anchor-is-intermediate': /is a trust anchor that .*CN=re signed/,
  'poor-messages/akis-renewed-root': /is signed by the key of .*CN=re, but names serial/,
  'poor-messages/anchor-only-expired': /CN=re expired 7 years ago/,
  'poor-messages/chain-reversed-nonroot': /begins with .*CN=pol, which signed .*CN=iss: the leaf comes first/,
  'poor-messages/chain-missing-mid':
    /CN=iss is signed by .*CN=pol, which is neither in this file nor a trust anchor given/,
};

describe('capstan inspect', () => {
  it('says which certificate does not parse where one ends in a thirteenth month', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-inspect-'));
    const pem = readFileSync(path.join(CASES, 'issuer-nobody-accepts/inteku_code/anchors.pem'), 'utf8');
    const der = Buffer.from(new X509Certificate(pem).raw);
    const utcTime = Buffer.from([0x17, 13]);
    der.write('261301000000Z', der.lastIndexOf(utcTime) + utcTime.length, 'latin1');
    const file = path.join(folder, 'odd.pem');
    writeFileSync(file, `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`);
    for (const output of ['text', 'json']) {
      const [code, text] = await inspect([file, '--output', output]);
      assert.deepEqual([code, text.includes('certificate 1 does not parse')], [65, true], text);
    }
    rmSync(folder, { recursive: true });
  });

  for (const [folder, words] of Object.entries(NOT_TRUSTED)) {
    it(`does not trust what no server would take: ${folder}`, async () => {
      const [code, text] = await inspect(inCase(folder));
      assert.equal(code, 65, text);
      assert.match(text, /: not trusted$/m);
      assert.match(text, words);
    });
  }

  for (const folder of [
    'cross-signed-root/cross-anchors-both',
    'cross-signed-root/cross-anchors-new',
    'cross-signed-root/cross-oldroot-soon',
    'reissued-root-not-yet-valid',
    'poor-messages/intnoski',
    'poor-messages/chain-dup-leaf',
    'issuer-nobody-accepts/subject-empty',
  ]) {
    it(`trusts what a server takes: ${folder}`, async () => {
      const [code, text] = await inspect(inCase(folder));
      assert.equal(code, 0, text);
      assert.match(text, /: trusted: every link holds/);
    });
  }

  it('cannot judge a constrained CA until it knows what that is to certify', async () => {
    const chain = inCase('issuer-nobody-accepts/intnc_uri_other');
    assert.match((await inspect(chain))[1], /: not judged: every link holds, but name constraints decide/);
    const [code, text] = await inspect([...chain, '--certifies', 'spiffe://cluster.local/ns/a/sa/b']);
    assert.equal(code, 65);
    assert.match(text, /CN=xintnc_uri_other has name constraints that do not allow spiffe:\/\/cluster\.local/);
  });

  it('takes a partial chain where it is told to, and warns', async () => {
    const [code, text] = await inspect([...inCase('issuer-nobody-accepts/anchor-is-intermediate'), '--partial-chain']);
    assert.equal(code, 0, text);
    assert.match(text, /- warning: .*CN=pol is a trust anchor that .*CN=re signed/);
  });

  it('says what to ask the corporate CA for, once for each rule that is broken', async () => {
    const asked: Readonly<Record<string, RegExp>> = {
      'issuer-nobody-accepts/inteku_code': /no extendedKeyUsage, or one with serverAuth and clientAuth/,
      'issuer-nobody-accepts/intunkcrit': /no critical extension but basicConstraints/,
      'issuer-nobody-accepts/ec-explicit': /a key on P-256, P-384 or P-521 by its name/,
      'issuer-nobody-accepts/sha1-int': /a signature with SHA-256 or better/,
      'poor-messages/akis-renewed-root': /an authorityKeyIdentifier with the subjectKeyIdentifier/,
      'issuer-nobody-accepts/subject-empty': /a subject that is not empty/,
    };
    for (const [folder, words] of Object.entries(asked)) {
      const [, text] = await inspect(inCase(folder));
      assert.match(text, new RegExp(`^\\|   ask the CA for ${words.source}`, 'm'), `${folder}\n${text}`);
    }
    const [{ ask }] = JSON.parse(
      (await inspect([...inCase('poor-messages/intnoski'), '--output', 'json']))[1].replaceAll(/^\| ?/gm, ''),
    ) as [{ readonly ask: readonly string[] }];
    assert.deepEqual(ask, ['pathlen:0 in the intermediate, and in each CA above it as many as stand below']);
  });

  it('judges whether a CA lives long enough for the longest leaf', async () => {
    const chain = inCase('cross-signed-root/cross-anchors-both');
    assert.equal((await inspect([...chain, '--longest-leaf', '1h']))[0], 0);
    const [code, text] = await inspect([...chain, '--longest-leaf', '36500d']);
    assert.equal(code, 65);
    assert.match(text, /has another lifetime than it needs: it lives for \d+d, and the longest leaf for 36500d/);
  });

  it('judges a leaf by its own names', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-inspect-'));
    try {
      for (const one of PATH_CASES.filter(({ name, anchors }) => name.includes('URI') && anchors === undefined)) {
        const { leaf, issuer, upper, root } = await makePath(one, NOON_MS);
        writeFileSync(path.join(folder, 'leaf.pem'), leaf.pem + issuer.pem + upper.pem);
        writeFileSync(path.join(folder, 'root-cert.pem'), root.pem);
        const [code, text] = await inspect([path.join(folder, 'leaf.pem')], NOON_MS);
        assert.equal(code, one.refused === undefined ? 0 : 65, `${one.name}\n${text}`);
        if (one.refused !== undefined) assert.match(text, one.refused);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
