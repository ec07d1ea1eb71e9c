import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { DocumentKey } from '../../../../src/adapters/issuers/documents/document-key.ts';
import { pemSignerOpener } from '../../../../src/adapters/issuers/memory/pem-signer-opener.ts';
import { isSignedBy, readAuditKey } from '../../../../src/domain/audit/statement.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { SignerOpener } from '../../../../src/ports/issuing/signer-opener.ts';
import { DocumentSet } from '../../../support/fakes/document-set.ts';

describe('The key of heads', () => {
  const { signal } = new AbortController();
  const newKey = (type: 'P-256' | 'P-384' | 'rsa'): string => {
    const { privateKey } =
      type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: type });
    return privateKey.export({ type: 'pkcs8', format: 'pem' });
  };
  function keyOf(documents: DocumentSet, opener: SignerOpener = pemSignerOpener) {
    const warnings: string[] = [];
    const key = new DocumentKey({ documents, opener, warn: (problem) => warnings.push(problem) });
    return { key, warnings };
  }

  for (const type of ['P-256', 'P-384', 'rsa'] as const) {
    it(`signs statements that its public key verifies, for their purpose alone (${type})`, async () => {
      const { key } = keyOf(new DocumentSet({ key: newKey(type) }));
      const signed = await key.sign('head', { version: 1 }, { signal });
      const audit = readAuditKey(await key.publicKey({ signal }));
      assert.ok(!('problem' in audit));
      assert.ok(isSignedBy(audit, 'head', signed));
      assert.ok(!isSignedBy(audit, 'export', signed));
      assert.ok(!isSignedBy(audit, 'head', { ...signed, statement: { version: 2 } }));
    });
  }

  it('is another one after its file was replaced', async () => {
    const documents = new DocumentSet({ key: newKey('P-256') });
    const { key, warnings } = keyOf(documents);
    key.follow({ signal });
    const before = await key.sign('head', {}, { signal });
    assert.equal((await key.sign('head', {}, { signal })).keyId, before.keyId);
    await documents.edit({ key: newKey('P-256') });
    assert.notEqual((await key.sign('head', {}, { signal })).keyId, before.keyId);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0]!, /^\/etc\/capstan\/key is not encrypted/);
  });

  it('is opened anew after it failed, as that of a token that was away', async () => {
    let opened = 0;
    const opener: SignerOpener = {
      custody: 'pkcs11',
      open: async (document, options) => {
        opened += 1;
        const key = await pemSignerOpener.open(document, options);
        if ('problem' in key || opened > 1) return key;
        const lost = new AuthorityError('CAP-S15', { detail: 'the token does not answer' });
        return { ...key, signerFor: (algorithm) => ({ algorithm, sign: async () => Promise.reject(lost) }) };
      },
    };
    const { key } = keyOf(new DocumentSet({ key: newKey('P-256') }), opener);
    await assert.rejects(key.sign('head', {}, { signal }), { reason: 'CAP-S15' });
    await key.sign('head', {}, { signal });
    assert.equal(opened, 2);
  });

  it('says what is no key, and quotes nothing of it', async () => {
    const { key } = keyOf(new DocumentSet({ key: 'a secret that is no key' }));
    await assert.rejects(key.sign('head', {}, { signal }), (error: AuthorityError) => {
      assert.equal(error.reason, 'CAP-X03');
      assert.match(error.message, /\/etc\/capstan\/key is not a PEM private key/);
      return !error.message.includes('secret');
    });
  });
});
