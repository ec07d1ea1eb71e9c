// The pairs of an issuer in memory: every change is whole, and a key is there for as long as a pair names it.
import assert from 'node:assert/strict';
import { MemoryKeys } from '../../../../src/adapters/issuers/memory/memory-keys.ts';
import { generationsByName } from '../../../../src/adapters/upstream/generations-by-name.ts';
import { MemoryGenerations } from '../../../../src/adapters/upstream/memory/memory-generations.ts';
import { MemoryInventory } from '../../../../src/adapters/upstream/memory/memory-inventory.ts';
import { pairDocuments } from '../../../../src/adapters/upstream/memory/pair-documents.ts';
import { PairsInMemory } from '../../../../src/adapters/upstream/memory/pairs-in-memory.ts';
import { createRoot, type CaKeyPair } from '../../../../src/adapters/dev/bootstrap-authority.ts';
import { requestOf } from '../../../../src/app/compose/trust/custody/issuer-key.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { DocumentSet } from '../../../support/fakes/document-set.ts';
import { signedUnder } from '../../../support/upstream/fake-upstream.ts';

const WAITING = { signal: NEVER };
const HOUR_MS = 3_600_000;

describe('The pairs of an issuer in memory', () => {
  let root: CaKeyPair;
  before(async () => (root = await createRoot({ name: 'Root', nowMs: NOON_MS, lifetimeMs: 86_400_000 })));

  function memory() {
    const keys = new MemoryKeys();
    const pairs = new PairsInMemory(['default'], keys);
    const refusal: { problem?: string } = {};
    const generations = new MemoryGenerations(['default'], {
      pairs,
      request: async (_, keyId) => {
        const key = await keys.open({ text: keyId });
        assert.ok(!('problem' in key));
        return (await requestOf(key, { commonName: 'mesh', trustDomain: 'cluster.local' }, WAITING)).csrPem;
      },
      judge: async () => {
        const { problem } = refusal;
        await Promise.resolve();
        if (problem !== undefined) throw new AuthorityError('CAP-X03', { detail: problem });
      },
    });
    const signed = async (): Promise<string> => {
      const { csrPem } = await generations.request('default', WAITING);
      return signedUnder(root, { csrPem, lifetimeMs: HOUR_MS }, NOON_MS);
    };
    const rolled = async (): Promise<string> => {
      const { id } = await generations.prepare('default', await signed(), WAITING);
      await generations.activate('default', id, WAITING);
      return id;
    };
    const ids = async () => {
      const { current, prepared, former, waitingKeyId } = await generations.look('default', WAITING);
      return { current: current?.id, prepared: prepared?.id, former: former?.id, waits: waitingKeyId !== undefined };
    };
    return { keys, pairs, refusal, generations, signed, rolled, ids };
  }

  it('ask with one key until it has its certificate, however often they are asked for', async () => {
    const { generations, ids } = memory();
    const [one, other] = await Promise.all([
      generations.request('default', WAITING),
      generations.request('default', WAITING),
    ]);
    assert.equal(one.keyId, other.keyId);
    assert.equal((await generations.request('default', WAITING)).keyId, one.keyId);
    assert.deepEqual(await ids(), { current: undefined, prepared: undefined, former: undefined, waits: true });
  });

  it('are prepared, come in force, and are the former one then; the key of what is discarded is gone', async () => {
    const { keys, generations, rolled, signed, ids } = memory();
    const first = await rolled();
    const chain = await signed();
    const { id: second, keyId } = await generations.prepare('default', chain, WAITING);
    assert.deepEqual(await ids(), { current: first, prepared: second, former: undefined, waits: false });
    assert.equal((await generations.prepare('default', chain, WAITING)).id, second);
    await generations.activate('default', second, WAITING);
    await generations.activate('default', second, WAITING);
    assert.deepEqual(await ids(), { current: second, prepared: undefined, former: first, waits: false });
    await generations.revert('default', first, WAITING);
    assert.deepEqual(await ids(), { current: first, prepared: undefined, former: second, waits: false });
    await generations.discard('default', second, WAITING);
    await generations.discard('default', second, WAITING);
    assert.deepEqual(await ids(), { current: first, prepared: undefined, former: undefined, waits: false });
    assert.ok('problem' in (await keys.open({ text: keyId })));
  });

  it('refuse a certificate of another key, and what no server would sign with, and keep what they have', async () => {
    const { generations, refusal, rolled, signed, ids } = memory();
    const first = await rolled();
    const foreign = await memory().signed();
    await assert.rejects(generations.prepare('default', foreign, WAITING), { reason: 'CAP-S16' });
    const chain = await signed();
    refusal.problem = 'it lives too long';
    await assert.rejects(generations.prepare('default', chain, WAITING), {
      reason: 'CAP-S16',
      detail: 'it lives too long',
    });
    delete refusal.problem;
    const { id } = await generations.prepare('default', chain, WAITING);
    refusal.problem = 'it is over';
    await assert.rejects(generations.activate('default', id, WAITING), { reason: 'CAP-X03' });
    assert.deepEqual(await ids(), { current: first, prepared: id, former: undefined, waits: false });
    await assert.rejects(generations.activate('default', 'another', WAITING), { reason: 'CAP-X03' });
  });

  it('are not half of what two change at once', async () => {
    const { pairs, generations, rolled, ids } = memory();
    const first = await rolled();
    const stale = await pairs.read('default');
    const second = await rolled();
    assert.equal(await pairs.replace('default', { ...stale, waiting: stale.current!.keyId }), false);
    await Promise.all([
      generations.discard('default', first, WAITING),
      generations.revert('default', first, WAITING).catch(() => undefined),
    ]);
    const { current } = await ids();
    assert.ok(current === first || current === second);
    const now = await pairs.read('default');
    await assert.rejects(pairs.replace('default', { ...now, waiting: 'f'.repeat(64) }), { reason: 'CAP-X03' });
  });

  it('are the documents of the issuer, once there is a certificate, and after each change', async () => {
    const { pairs, rolled } = memory();
    const others = new DocumentSet({ anchors: root.certificatePem });
    const documents = pairDocuments('default', { pairs, others, signal: NEVER });
    await assert.rejects(documents.read(), { reason: 'CAP-X03', detail: /has no certificate yet/ });
    let changes = 0;
    documents.onChange(() => void (changes += 1), WAITING);
    await rolled();
    await new Promise(setImmediate);
    assert.ok(changes > 0);
    const texts = await documents.read();
    assert.deepEqual([...texts.keys()].sort(), ['anchors', 'chain', 'key']);
    assert.match(texts.get('key') ?? '', /^[0-9a-f]{64}$/);
  });

  it('are listed with their keys, of which the one that waits alone may be let go of', async () => {
    const { keys, pairs, generations, rolled } = memory();
    await rolled();
    await generations.request('default', WAITING);
    const inventory = new MemoryInventory({ pairs, opener: keys }, 'default');
    const held = await inventory.keys(WAITING);
    assert.deepEqual(
      held.map(({ id, hasCertificate }) => [id, hasCertificate]),
      [
        ['current', true],
        ['waiting', false],
      ],
    );
    const [current, waiting] = held;
    await assert.rejects(inventory.remove(current!.spki!, WAITING), { reason: 'CAP-O03' });
    await inventory.remove(waiting!.spki!, WAITING);
    assert.equal((await inventory.keys(WAITING)).length, 1);
  });

  it('are found among those of other issuers by their names', async () => {
    const { generations } = memory();
    const all = generationsByName([generations]);
    assert.deepEqual(all.names, ['default']);
    assert.deepEqual(await all.look('default', WAITING), {});
    await assert.rejects(all.look('gold', WAITING), { reason: 'CAP-X03' });
  });
});
