// Keys that are made in the process and end with it.
import assert from 'node:assert/strict';
import { hash, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { MemoryKeys } from '../../../../src/adapters/issuers/memory/memory-keys.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import type { OpenedKey } from '../../../../src/ports/issuing/signer-opener.ts';

const WAITING = { signal: NEVER };
const TBS = Buffer.from('to be signed');

async function opened(keys: MemoryKeys, name: string): Promise<OpenedKey> {
  const key = await keys.open({ text: name });
  return 'problem' in key ? assert.fail(key.problem) : key;
}

describe('The keys of issuers in memory', () => {
  it('sign by their name, which is the digest of the public half', async () => {
    const keys = new MemoryKeys();
    const name = await keys.make();
    const key = await opened(keys, name);
    const { spki } = key;
    assert.equal(hash('sha256', spki, 'hex'), name);
    const signature = await key.signerFor('ecdsa-p256-sha256').sign(TBS, WAITING);
    const publicKey = { key: Buffer.from(spki), format: 'der', type: 'spki' } as const;
    assert.ok(verify('sha256', TBS, publicKey, signature));
  });

  it('are another one each time, and not opened by a name that none has', async () => {
    const keys = new MemoryKeys();
    assert.notEqual(await keys.make(), await keys.make());
    assert.deepEqual(await keys.open({ text: 'f'.repeat(64) }), {
      problem: 'is not in the memory of this server any more',
    });
  });

  it('sign no more once they are let go of, also for who has one open', async () => {
    const keys = new MemoryKeys();
    const name = await keys.make();
    const signer = (await opened(keys, name)).signerFor('ecdsa-p256-sha256');
    keys.forget(name);
    await assert.rejects(async () => signer.sign(TBS, WAITING), { reason: 'CAP-S15' });
    assert.ok('problem' in (await keys.open({ text: name })));
  });

  it('are in nothing that is printed', async () => {
    const keys = new MemoryKeys();
    const key = await opened(keys, await keys.make());
    for (const shown of [keys, key])
      assert.doesNotMatch(inspect(shown, { depth: 9, showHidden: true }), /PRIVATE KEY|privateKey/);
    assert.deepEqual(Object.keys(key).sort(), ['signerFor', 'spki']);
  });

  it('are as many as issuers have, and no more', async () => {
    const keys = new MemoryKeys();
    for (let made = 0; made < 100; made += 1) await keys.make();
    await assert.rejects(keys.make(), /more than 100 keys/);
  });
});
