// Heads of the journal signed in a SoftHSM token: late while it is away, which stops nobody, and again when it is back.
import { peerOrSkip } from '../support/presence.ts';
import { SignedHeads } from '../support/signed-heads.ts';
import { findSoftHsm, PIN, SoftHsm, type TokenKeyType } from './support/softhsm.ts';
import assert from 'node:assert/strict';

describe('Heads of the journal whose key is in a PKCS#11 token', function () {
  this.timeout(180_000);
  let hsm: SoftHsm;
  let library: string;
  before(function () {
    library = peerOrSkip(this, findSoftHsm(), 'SoftHSM (softhsm2, opensc, pkcs11js)');
  });
  beforeEach(() => (hsm = new SoftHsm(library)));
  afterEach(() => hsm[Symbol.dispose]());

  for (const keyType of ['EC:prime256v1', 'EC:secp384r1', 'rsa:2048'] satisfies TokenKeyType[]) {
    it(`are proven by the public key alone: ${keyType}`, async () => {
      const publicPem = hsm.generate(keyType, 'heads', '0a');
      await using server = await SignedHeads.start({ 'audit.pkcs11': hsm.settings('heads') }, publicPem);
      await server.demandHeads();
      await server.demandProven();
    });
  }

  it('are late while the token is away, stop no certificate, and name all of it when it is back', async () => {
    const publicPem = hsm.generate('EC:prime256v1', 'heads', '0a');
    await using server = await SignedHeads.start({ 'audit.pkcs11': hsm.settings('heads') }, publicPem);
    await server.demandHeads();
    hsm.pull();
    await server.demandLate(/no head of the journal can be signed: /);
    hsm.putBack();
    await server.demandHeads();
    await server.demandProven();
    assert.ok(!server.logText.includes(PIN), 'no PIN in the log');
  });
});
