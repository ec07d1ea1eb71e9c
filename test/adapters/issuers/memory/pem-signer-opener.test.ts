import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { pemSignerOpener } from '../../../../src/adapters/issuers/memory/pem-signer-opener.ts';

const OPTIONS = { signal: new AbortController().signal };
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'pem' });

describe('A key in a PEM file', () => {
  for (const [form, pem] of [
    ['PKCS#8', pkcs8],
    ['SEC1', privateKey.export({ type: 'sec1', format: 'pem' })],
    ['a YAML block, indented', pkcs8.replace(/^/gm, '    ')],
  ] as const) {
    it(`opens from ${form} as the key that it is, and signs`, async () => {
      const opened = await pemSignerOpener.open(pem, OPTIONS);
      assert.ok(!('problem' in opened));
      const key = createPublicKey({ key: Buffer.from(opened.spki), format: 'der', type: 'spki' });
      assert.ok(key.equals(publicKey));
      const tbs = Buffer.from('to be signed');
      const signature = await opened.signerFor('ecdsa-p256-sha256').sign(tbs, OPTIONS);
      assert.ok(verify('sha256', tbs, publicKey, signature));
    });
  }

  it('is refused when it is encrypted or no key, in words that quote nothing of it', async () => {
    const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
    for (const [document, problem] of [
      [encrypted, 'is encrypted; Capstan takes an unencrypted key in a file that only its owner may read'],
      ['hunter2', 'is not a PEM private key (PKCS#8, SEC1 or PKCS#1)'],
      [publicKey.export({ type: 'spki', format: 'pem' }), 'is not a PEM private key (PKCS#8, SEC1 or PKCS#1)'],
    ] as const) {
      assert.deepEqual(await pemSignerOpener.open(document, OPTIONS), { problem });
    }
  });

  it('may be opened by every process that can read the file', () => {
    assert.equal(pemSignerOpener.custody, 'file');
  });
});
