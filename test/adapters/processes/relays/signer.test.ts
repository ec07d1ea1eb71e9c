// A worker whose issuer's key lies with the supervisor.
import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { pemSignerOpener } from '../../../../src/adapters/issuers/memory/pem-signer-opener.ts';
import { relayedSignerOpener, SharedSigners } from '../../../../src/adapters/processes/relays/signer.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import type { OpenedKey, SignerOpener } from '../../../../src/ports/issuing/signer-opener.ts';
import { testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { linkedPair } from '../../../support/fakes/linked-pair.ts';
import { FakeSignerOpener } from '../../../support/fakes/keys/signer-opener.ts';
import { testStore } from '../../../support/issuer-store.ts';

const WAITING = { signal: NEVER };
const TBS = Buffer.from('to be signed');

describe('A key that only the supervisor holds', () => {
  let authority: TestAuthority;
  let held: FakeSignerOpener;
  before(async () => (authority = await testAuthority({ nowMs: NOON_MS })));
  beforeEach(() => (held = new FakeSignerOpener({ mesh: authority.intermediate.keyPem })));

  function workerOf(shared: SharedSigners, clock = new FakeClock()) {
    const { supervisor, worker, cut } = linkedPair(clock);
    shared.attach(supervisor);
    return { opener: relayedSignerOpener(worker, { custody: 'file' }), cut };
  }
  const opened = async (opener: SignerOpener): Promise<OpenedKey> => {
    const key = await opener.open({ text: 'mesh' }, WAITING);
    return 'problem' in key ? assert.fail(key.problem) : key;
  };

  it('signs for the issuer of a worker', async () => {
    const { opener } = workerOf(new SharedSigners(held));
    const documents = { anchors: authority.root.certificatePem, chain: authority.intermediate.certificatePem };
    const { store } = testStore({ ...documents, key: 'mesh' }, { opener });
    await store.start(WAITING);
    const { issuer, signer } = store.current();
    assert.ok(verify('sha256', TBS, issuer.publicKey, await signer.sign(TBS, WAITING)));
    assert.ok(held.signed.length > 0);
  });

  it('signs for the successor of a worker that died, which asks nobody for it', async () => {
    const shared = new SharedSigners(held);
    const former = workerOf(shared);
    const signer = (await opened(former.opener)).signerFor('ecdsa-p256-sha256');
    former.cut();
    await assert.rejects(async () => signer.sign(TBS, WAITING), { reason: 'CAP-S15' });
    const next = (await opened(workerOf(shared).opener)).signerFor('ecdsa-p256-sha256');
    assert.ok((await next.sign(TBS, WAITING)).length > 0);
  });

  it('is asked for by its name: what is wrong with it is told, and a key itself never leaves the worker', async () => {
    const { opener } = workerOf(new SharedSigners(held));
    assert.deepEqual(await opener.open({ text: 'another' }, WAITING), { problem: 'names no key that is here' });
    const asked = workerOf(new SharedSigners(pemSignerOpener)).opener;
    for (const pem of [authority.intermediate.keyPem, `  ${authority.intermediate.keyPem}`]) {
      assert.deepEqual(await asked.open({ text: pem }, WAITING), {
        problem: 'is a private key, where the name of one is expected',
      });
    }
  });

  it('is unavailable while its place does not answer, within the bound of the link', async () => {
    const clock = new FakeClock();
    const hanging: SignerOpener = { custody: 'file', open: async () => new Promise(() => undefined) };
    const late = workerOf(new SharedSigners(hanging), clock).opener.open({ text: 'mesh' }, WAITING);
    const refused = assert.rejects(late, { reason: 'CAP-S15' });
    await clock.advance(2_000);
    await refused;
    const away: SignerOpener = { custody: 'file', open: async () => Promise.reject(new AuthorityError('CAP-S04')) };
    await assert.rejects(workerOf(new SharedSigners(away)).opener.open({ text: 'mesh' }, WAITING), {
      reason: 'CAP-S15',
    });
  });

  it('signs nothing by a name that was never opened', async () => {
    const signer = (await opened(workerOf(new SharedSigners(held)).opener)).signerFor('ecdsa-p256-sha256');
    assert.ok(await signer.sign(TBS, WAITING));
    const { supervisor, worker } = linkedPair(new FakeClock());
    new SharedSigners(held).attach(supervisor);
    const body = { key: 'f'.repeat(64), algorithm: 'ecdsa-p256-sha256', tbs: '' };
    await assert.rejects(worker.ask('signer/sign', body, WAITING), { reason: 'CAP-S04' });
  });

  it('gives up with the caller', async () => {
    const signer = (await opened(workerOf(new SharedSigners(held)).opener)).signerFor('ecdsa-p256-sha256');
    const reason = new Error('the caller is gone');
    await assert.rejects(async () => signer.sign(TBS, { signal: AbortSignal.abort(reason) }), reason);
  });
});
