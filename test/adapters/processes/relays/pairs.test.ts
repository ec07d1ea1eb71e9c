// Workers whose supervisor has the pairs and keys of an issuer that is in memory alone.
import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { MemoryKeys } from '../../../../src/adapters/issuers/memory/memory-keys.ts';
import { relayedPairs, servePairs } from '../../../../src/adapters/processes/relays/pairs.ts';
import { relayedSignerOpener, SharedSigners } from '../../../../src/adapters/processes/relays/signer.ts';
import type { HeldPairs } from '../../../../src/adapters/upstream/memory/held-pairs.ts';
import { PairsInMemory } from '../../../../src/adapters/upstream/memory/pairs-in-memory.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { linkedPair } from '../../../support/fakes/linked-pair.ts';

const WAITING = { signal: NEVER };
const TBS = Buffer.from('to be signed');

describe('Pairs that the supervisor has', () => {
  function supervisor() {
    const keys = new MemoryKeys();
    const pairs = new PairsInMemory(['default'], keys);
    const signers = new SharedSigners(keys);
    const worker = (clock = new FakeClock()) => {
      const { supervisor: link, worker: other, cut } = linkedPair(clock);
      const closed = new AbortController();
      signers.attach(link);
      servePairs(link, pairs, closed.signal);
      const end = (): void => {
        cut();
        closed.abort();
      };
      return { pairs: relayedPairs<HeldPairs>(other), opener: relayedSignerOpener(other, { custody: 'memory' }), end };
    };
    return { keys, pairs, worker };
  }

  it('are the same for each worker, which hears of every change of another', async () => {
    const { worker } = supervisor();
    const [one, other] = [worker(), worker()];
    const heard: string[] = [];
    other.pairs.onChange((issuer) => heard.push(issuer), WAITING);
    const { waiting, revision } = await one.pairs.withWaiting('default', WAITING);
    assert.ok(waiting !== undefined);
    assert.deepEqual(await other.pairs.read('default', WAITING), { revision, waiting });
    const current = { chainPem: 'a chain', keyId: waiting };
    assert.equal(await other.pairs.replace('default', { revision, current }, WAITING), true);
    assert.equal(await one.pairs.replace('default', { revision, current }, WAITING), false);
    assert.deepEqual((await one.pairs.read('default', WAITING)).current, current);
    assert.deepEqual(heard, ['default', 'default']);
  });

  it('outlive a worker: the next one signs with the same key, until that is let go of', async () => {
    const { pairs, worker } = supervisor();
    const first = worker();
    const { waiting = '', revision } = await first.pairs.withWaiting('default', WAITING);
    first.end();
    await assert.rejects(first.pairs.read('default', WAITING), { reason: 'CAP-S15' });
    const next = worker();
    assert.equal((await next.pairs.read('default', WAITING)).waiting, waiting);
    const key = await next.opener.open({ text: waiting }, WAITING);
    if ('problem' in key) assert.fail(key.problem);
    const signer = key.signerFor('ecdsa-p256-sha256');
    const publicKey = { key: Buffer.from(key.spki), format: 'der', type: 'spki' } as const;
    assert.ok(verify('sha256', TBS, publicKey, await signer.sign(TBS, WAITING)));
    assert.equal(await pairs.replace('default', { revision }), true);
    await assert.rejects(async () => signer.sign(TBS, WAITING), { reason: 'CAP-S15' });
  });

  it('are asked for within the bound of the link, and given up with the caller', async () => {
    const clock = new FakeClock();
    const { supervisor: link, worker: other } = linkedPair(clock);
    const hanging = async (): Promise<never> => new Promise(() => undefined);
    const place = { read: hanging, withWaiting: hanging, replace: hanging, onChange: () => undefined };
    servePairs(link, place, NEVER);
    const relayed = relayedPairs<HeldPairs>(other);
    const late = assert.rejects(relayed.read('default', WAITING), { reason: 'CAP-S15' });
    const unknown = assert.rejects(relayed.replace('default', { revision: 0 }, WAITING), { reason: 'CAP-O06' });
    await clock.advance(2_000);
    await Promise.all([late, unknown]);
    const reason = new Error('the caller is gone');
    await assert.rejects(relayed.read('default', { signal: AbortSignal.abort(reason) }), reason);
  });

  it('have no issuer that the configuration does not have in memory', async () => {
    const { pairs } = supervisor().worker();
    await assert.rejects(pairs.read('gold', WAITING), { reason: 'CAP-X03' });
  });
});
