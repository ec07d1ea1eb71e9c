import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { pemSignerOpener } from '../../../../src/adapters/issuers/memory/pem-signer-opener.ts';
import type { OpenedKey } from '../../../../src/ports/issuing/signer-opener.ts';
import { peerOrSkip } from '../../../peers/support/presence.ts';

const OPTIONS = { signal: new AbortController().signal };
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'pem' });
const PASSPHRASE = 'correct horse battery staple';
/** PBES2 with PBKDF2, which is OpenSSL's default. */
const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE });
const legacy = privateKey.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE });

async function demandThatItSigns(opened: OpenedKey | { readonly problem: string }): Promise<void> {
  assert.ok(!('problem' in opened), JSON.stringify(opened));
  const key = createPublicKey({ key: Buffer.from(opened.spki), format: 'der', type: 'spki' });
  assert.ok(key.equals(publicKey));
  const tbs = Buffer.from('to be signed');
  const signature = await opened.signerFor('ecdsa-p256-sha256').sign(tbs, OPTIONS);
  assert.ok(verify('sha256', tbs, publicKey, signature));
}

describe('A key in a PEM file', () => {
  for (const [form, text] of [
    ['PKCS#8', pkcs8],
    ['SEC1', privateKey.export({ type: 'sec1', format: 'pem' })],
    ['a YAML block, indented', pkcs8.replace(/^/gm, '    ')],
  ] as const) {
    it(`opens from ${form} as the key that it is, signs, and is warned of`, async () => {
      const opened = await pemSignerOpener.open({ text }, OPTIONS);
      await demandThatItSigns(opened);
      assert.deepEqual(
        'warning' in opened && opened.warning,
        'is not encrypted: whoever reads the file, or a copy of its disk, has the key',
      );
    });
  }

  for (const [form, secret] of [
    ['a line', `${PASSPHRASE}\n`],
    ['a line of another system', `${PASSPHRASE}\r\n`],
    ['the first of several lines', `${PASSPHRASE}\nnever read\n`],
    ['no line at all', PASSPHRASE],
  ] as const) {
    it(`opens when it is encrypted, with a passphrase that is ${form}, and is not warned of`, async () => {
      const opened = await pemSignerOpener.open({ text: encrypted, secret }, OPTIONS);
      await demandThatItSigns(opened);
      assert.ok(!('warning' in opened));
    });
  }

  it('opens when it is indented and encrypted', async () => {
    await demandThatItSigns(
      await pemSignerOpener.open({ text: encrypted.replace(/^/gm, '    '), secret: PASSPHRASE }, OPTIONS),
    );
  });

  it('says that a passphrase is of no use to one that is not encrypted', async () => {
    const opened = await pemSignerOpener.open({ text: pkcs8, secret: PASSPHRASE }, OPTIONS);
    assert.match(
      ('warning' in opened && opened.warning) || '',
      /^is not encrypted, although a passphrase is configured:/,
    );
  });

  it('is refused in words that quote nothing of it, nor of the passphrase', async () => {
    for (const [text, secret, problem] of [
      ['hunter2', undefined, 'is not a PEM private key (PKCS#8, SEC1 or PKCS#1)'],
      [
        publicKey.export({ type: 'spki', format: 'pem' }),
        undefined,
        'is not a PEM private key (PKCS#8, SEC1 or PKCS#1)',
      ],
      [encrypted, undefined, 'is encrypted, and no passphrase is configured (keyPassphraseFile)'],
      [encrypted, 'hunter2', 'does not open with the passphrase that is configured'],
      [encrypted, '\nhunter2', 'needs a passphrase of 1 to 1024 bytes, in the first line'],
      [encrypted, 'x'.repeat(2_000), 'needs a passphrase of 1 to 1024 bytes, in the first line'],
      [
        legacy,
        PASSPHRASE,
        'is encrypted in the legacy form of OpenSSL (Proc-Type), which protects little: encrypt it by `openssl pkcs8 -topk8 -scrypt`',
      ],
    ] as const) {
      assert.deepEqual(await pemSignerOpener.open({ text, ...(secret !== undefined && { secret }) }, OPTIONS), {
        problem,
      });
    }
  });

  it('may be opened by every process that can read the file', () => {
    assert.equal(pemSignerOpener.custody, 'file');
  });
});

describe('A key that OpenSSL encrypted', () => {
  before(function () {
    peerOrSkip(this, spawnSync('openssl', ['version']).error === undefined ? true : undefined, 'openssl');
  });

  function openssl(args: readonly string[], input: string): string {
    const { status, stdout, stderr } = spawnSync('openssl', args, { input, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout;
  }
  const encrypt = (...how: readonly string[]): string =>
    openssl(['pkcs8', '-topk8', ...how, '-passout', `pass:${PASSPHRASE}`], pkcs8);

  for (const how of [
    ['-scrypt'],
    [],
    ['-scrypt', '-scrypt_N', '16384', '-scrypt_p', '8'],
    ['-v2', 'aes-128-cbc', '-iter', '600000'],
  ]) {
    it(`opens: pkcs8 -topk8 ${how.join(' ')}`, async () => {
      await demandThatItSigns(await pemSignerOpener.open({ text: encrypt(...how), secret: PASSPHRASE }, OPTIONS));
    });
  }

  it('is refused when it is encrypted as was usual long ago', async () => {
    const text = encrypt('-v1', 'PBE-SHA1-3DES');
    assert.deepEqual(await pemSignerOpener.open({ text, secret: PASSPHRASE }, OPTIONS), {
      problem:
        'is encrypted by an old scheme (1.2.840.113549.1.12.1.3), not by PBES2: encrypt it by `openssl pkcs8 -topk8 -scrypt`',
    });
  });
});
