import 'reflect-metadata';
import assert from 'node:assert/strict';
import { KeyUsageFlags } from '@peculiar/x509';
import { CrlSigner } from '../../../src/authority/revocation/crl-signer.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { RevokedCertificate } from '../../../src/domain/revocation/revoked-certificate.ts';
import { readCaCertificate } from '../../../src/domain/x509/ca-certificate.ts';
import { crlProblem } from '../../../src/domain/x509/crl/judge-crl.ts';
import { readCrl } from '../../../src/domain/x509/crl/read-crl.ts';
import type { Signer } from '../../../src/ports/issuing/signer.ts';
import type { FormerIssuer } from '../../../src/ports/storage/issuer-records.ts';
import { fakeIssuers, NEVER, readyState } from '../../support/authority-parts.ts';
import { good, materialOf, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeRevoked, MemoryCrls } from '../../support/paths/crls.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { tiersAt } from '../../support/paths/tiers.ts';

const HOUR_MS = 3_600_000;
const CA_USAGE: KeyUsageFlags = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
const SETTINGS = { lifetimeMs: 24 * HOUR_MS, backdateMs: 60_000, longestLeafMs: 48 * HOUR_MS };

describe('Whoever has the key of an issuer', () => {
  let one: TestAuthority;
  let two: TestAuthority;
  before(async () => {
    one = await testAuthority({ nowMs: NOON_MS });
    two = await testAuthority({ nowMs: NOON_MS, root: one.root });
  });

  function made({ material }: Pick<TestAuthority, 'material'> = one, crls = new MemoryCrls()) {
    const [clock, revoked, events] = [new FakeClock(), new FakeRevoked(), recordEvents()];
    const issuers = fakeIssuers(material);
    const former: FormerIssuer[] = [];
    const parts = { issuers, former: { issuersAt: async () => former }, revoked, crls, clock, events };
    const stop = new AbortController();
    const signer = new CrlSigner(parts, SETTINGS);
    const listOf = async ({ issuer: { id, certificateDer } }: Pick<TestAuthority, 'issuer'>) => {
      const kept = (await crls.all({ signal: NEVER })).find(({ issuer }) => issuer === id);
      if (kept === undefined) return undefined;
      const crl = good(readCrl(kept.der));
      assert.equal(crlProblem(crl, good(readCaCertificate(certificateDer))), undefined);
      assert.equal(Number.parseInt(crl.number ?? '', 16), kept.number);
      assert.equal(crl.nextUpdateMs, kept.nextUpdateMs);
      return { ...kept, crl, serials: [...crl.serials] };
    };
    return { ...parts, formerList: former, signer, listOf, options: { signal: stop.signal }, stop };
  }

  const revokedLeaf = (issuer: string, serial: string): RevokedCertificate => ({
    issuer,
    serial,
    revokedMs: NOON_MS,
    reason: 'keyCompromise',
    notAfterMs: NOON_MS + HOUR_MS,
  });
  const entry = ({ issuer: { certificateDer } }: TestAuthority, untilMs: number): FormerIssuer => ({
    certificateDer,
    untilMs,
  });

  it('has signed its list when it has started, and signs the next one at a quarter of its life', async () => {
    const { signer, listOf, clock, options, stop } = made();
    await signer.start(options);
    const first = await listOf(one);
    assert.deepEqual([first?.crl.thisUpdateMs, first?.nextUpdateMs], [NOON_MS - 60_000, NOON_MS + 24 * HOUR_MS]);
    assert.deepEqual(first?.serials, []);
    await clock.advance(5 * HOUR_MS);
    assert.deepEqual(await listOf(one), first);
    await clock.advance(HOUR_MS);
    const second = await listOf(one);
    assert.ok(second!.number > first.number);
    assert.ok(second!.nextUpdateMs >= first.nextUpdateMs + 5 * HOUR_MS);
    stop.abort();
  });

  it('signs at once when a ban comes, of the leaves of that issuer, and when it is lifted', async () => {
    const { signer, revoked, listOf, options, stop } = made();
    await signer.start(options);
    revoked.set([revokedLeaf(one.issuer.id, '1a'), revokedLeaf('f'.repeat(16), '2b')]);
    await settle();
    assert.deepEqual((await listOf(one))?.serials, ['1a']);
    revoked.set([]);
    await settle();
    assert.deepEqual((await listOf(one))?.serials, []);
    stop.abort();
  });

  it('finds within half a minute a leaf that was on its way when its ban came', async () => {
    const { signer, revoked, clock, listOf, options, stop } = made();
    await signer.start(options);
    revoked.setQuietly([revokedLeaf(one.issuer.id, '1a')]);
    await clock.advance(30_000);
    assert.deepEqual((await listOf(one))?.serials, ['1a']);
    stop.abort();
  });

  it('goes on from the number of the last server, and of another one, even when the clock was set back', async () => {
    const crls = new MemoryCrls();
    const first = made(one, crls);
    await first.signer.start(first.options);
    const [before] = await crls.all({ signal: NEVER });
    first.stop.abort();
    const second = made(one, crls);
    second.clock.jumpTo(NOON_MS - HOUR_MS);
    await second.signer.start(second.options);
    const after = await second.listOf(one);
    // The former list is of a time yet to come.
    assert.ok(after);
    assert.equal(after.number, before!.number + 1);
    assert.equal(after.crl.thisUpdateMs, NOON_MS - HOUR_MS - 60_000);
    second.stop.abort();
  });

  it('signs nothing when a current list is there, as at a restart', async () => {
    const crls = new MemoryCrls();
    const first = made(one, crls);
    await first.signer.start(first.options);
    const before = await crls.all({ signal: NEVER });
    first.stop.abort();
    const second = made(one, crls);
    await second.signer.start(second.options);
    assert.equal(await crls.all({ signal: NEVER }), before);
    second.stop.abort();
  });

  it('signs within half a minute after the clock jumped a day ahead', async () => {
    const { signer, clock, listOf, options, stop } = made();
    await signer.start(options);
    clock.jumpTo(NOON_MS + 24 * HOUR_MS);
    await clock.advance(30_000);
    assert.ok((await listOf(one))!.nextUpdateMs >= NOON_MS + 48 * HOUR_MS);
    stop.abort();
  });

  it('signs on for an issuer that was replaced, at once until its last leaf ends, and no longer', async () => {
    const { signer, issuers, formerList, revoked, clock, listOf, options, stop } = made();
    await signer.start(options);
    formerList.push(entry(one, NOON_MS + 40 * HOUR_MS), entry(two, NOON_MS + 1_000 * HOUR_MS));
    issuers.swap({ ...two.material });
    await settle();
    assert.equal((await listOf(one))?.nextUpdateMs, NOON_MS + 40 * HOUR_MS);
    assert.equal((await listOf(two))?.nextUpdateMs, NOON_MS + 24 * HOUR_MS);
    revoked.set([revokedLeaf(one.issuer.id, '1a')]);
    await settle();
    assert.deepEqual((await listOf(one))?.serials, ['1a']);
    formerList.shift();
    await clock.advance(41 * HOUR_MS);
    const last = await listOf(one);
    assert.equal(signer.problem, undefined);
    assert.ok(last!.nextUpdateMs <= NOON_MS + 40 * HOUR_MS);
    stop.abort();
  });

  it('needs no key of an issuer that was replaced once its last list is signed', async () => {
    const { signer, issuers, formerList, clock, options, stop } = made({
      material: { ...one.material, signer: failingAfter(one.material.signer, 2) },
    });
    await signer.start(options);
    formerList.push(entry(one, NOON_MS + 40 * HOUR_MS), entry(two, NOON_MS + 1_000 * HOUR_MS));
    issuers.swap({ ...two.material });
    await settle();
    await clock.advance(10 * HOUR_MS);
    assert.equal(signer.problem, undefined);
    stop.abort();
  });

  it('says which list it cannot sign while its key is away, and signs within seconds of its return', async () => {
    let away = true;
    const flaky: Signer = {
      algorithm: one.issuer.algorithm,
      sign: async (tbs, options) => {
        if (away) throw new AuthorityError('CAP-S15');
        return one.material.signer.sign(tbs, options);
      },
    };
    const { signer, clock, events, listOf, options, stop } = made({ material: { ...one.material, signer: flaky } });
    await signer.start(options);
    assert.match(signer.problem ?? '', new RegExp(`list of issuer ${one.issuer.id} cannot be signed: CAP-S15`));
    assert.deepEqual(events.of('reloadFailed').length, 1);
    away = false;
    await clock.advance(5_000);
    assert.equal(signer.problem, undefined);
    assert.ok(await listOf(one));
    stop.abort();
  });

  it('waits ten seconds for a key, and for no other longer', async () => {
    const hanging: Signer = { algorithm: one.issuer.algorithm, sign: () => new Promise(() => undefined) };
    const { signer, clock, options, stop } = made({ material: { ...one.material, signer: hanging } });
    const started = signer.start(options);
    await clock.advance(10_000);
    await started;
    assert.match(signer.problem ?? '', /did not answer in time/);
    stop.abort();
  });

  it('keeps no list with a wrong signature', async () => {
    const wrong: Signer = {
      algorithm: one.issuer.algorithm,
      sign: (tbs, options) => two.material.signer.sign(tbs, options),
    };
    const { signer, listOf, options, stop } = made({ material: { ...one.material, signer: wrong } });
    await signer.start(options);
    assert.equal(await listOf(one), undefined);
    assert.match(signer.problem ?? '', /cannot be signed: CAP-X01/);
    stop.abort();
  });

  it('says that an issuer without cRLSign can sign none', async () => {
    const tier = tiersAt(NOON_MS);
    const root = await tier('Root');
    const material = materialOf(await tier('Issuer', { by: root }), [], [root]);
    const { signer, crls, options, stop } = made({ material });
    await signer.start(options);
    assert.match(signer.problem ?? '', /has a key usage without cRLSign, .* ask the CA above/);
    assert.deepEqual(await crls.all({ signal: NEVER }), []);
    stop.abort();
  });

  it('signs nothing while nobody can tell what is revoked', async () => {
    const { signer, revoked, clock, listOf, options, stop } = made();
    revoked.failure = new AuthorityError('CAP-S04');
    await signer.start(options);
    assert.equal(await listOf(one), undefined);
    assert.match(signer.problem ?? '', /cannot be made: CAP-S04/);
    revoked.failure = undefined;
    await clock.advance(5_000);
    assert.ok(await listOf(one));
    stop.abort();
  });

  it('says when more are revoked than a list has', async () => {
    const { signer, revoked, options, stop } = made();
    revoked.count = 100_001;
    await signer.start(options);
    assert.match(signer.problem ?? '', /100001 certificates are revoked, and lists have 0 of them/);
    stop.abort();
  });

  it('signs one list for two certificates of one name and key, with what is revoked of either', async () => {
    const tier = tiersAt(NOON_MS);
    const root = await tier('Root');
    const first = await tier('Issuer', { by: root, usage: CA_USAGE });
    const again = await tier('Issuer', { by: root, keys: first.keys, usage: CA_USAGE });
    const [old, next] = [materialOf(first, [], [root]), materialOf(again, [], [root])];
    const { signer, issuers, revoked, listOf, options, stop } = made({ material: old });
    issuers.put('second', readyState(next));
    await signer.start(options);
    revoked.set([revokedLeaf(old.issuer.id, '1a'), revokedLeaf(next.issuer.id, '2b')]);
    await settle();
    assert.deepEqual((await listOf(old))?.serials, ['1a', '2b']);
    assert.deepEqual((await listOf(next))?.serials, ['1a', '2b']);
    stop.abort();
  });

  it('announces an issuer that is about to sign leaves without a list', async () => {
    const { signer, crls, options, stop } = made();
    await signer.start(options);
    await signer.announce(two.material, options);
    const kept = (await crls.all({ signal: NEVER })).find(({ issuer }) => issuer === two.issuer.id);
    assert.deepEqual([kept?.der.length, kept?.nextUpdateMs], [0, NOON_MS + 60_000]);
    // What it signs later takes the place of that.
    await signer.signFirst(two.material, options);
    assert.ok((await crls.all({ signal: NEVER })).find(({ issuer }) => issuer === two.issuer.id)!.der.length > 0);
    stop.abort();
  });

  it('has signed the first list of an issuer before that is in force', async () => {
    const { signer, listOf, options, stop } = made();
    await signer.start(options);
    assert.equal(await listOf(two), undefined);
    await signer.signFirst(two.material, options);
    assert.ok(await listOf(two));
    stop.abort();
  });
});

function failingAfter(signer: Signer, signatures: number): Signer {
  let left = signatures;
  return {
    algorithm: signer.algorithm,
    sign: async (tbs, options) => {
      if (left-- <= 0) throw new AuthorityError('CAP-S15');
      return signer.sign(tbs, options);
    },
  };
}
