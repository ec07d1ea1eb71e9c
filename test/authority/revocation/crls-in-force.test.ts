import 'reflect-metadata';
import assert from 'node:assert/strict';
import { KeyUsageFlags } from '@peculiar/x509';
import { CrlsInForce, type CrlSet } from '../../../src/authority/revocation/crls-in-force.ts';
import { listBeforeLeaves, SETTLE_MS } from '../../../src/authority/revocation/lists-before-leaves.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { CaCertificate } from '../../../src/domain/x509/ca-certificate.ts';
import { readCaCertificate } from '../../../src/domain/x509/ca-certificate.ts';
import { readCrl, readCrls, type Crl } from '../../../src/domain/x509/crl/read-crl.ts';
import { Listeners } from '../../../src/live/listeners.ts';
import type { FormerIssuer } from '../../../src/ports/storage/issuer-records.ts';
import { fakeIssuers, NEVER } from '../../support/authority-parts.ts';
import { good, materialOf, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { crlIssuerOf, crlOf, MemoryCrls } from '../../support/paths/crls.ts';
import { tiersAt } from '../../support/paths/tiers.ts';

const HOUR_MS = 3_600_000;

/** A long time in which nobody looks, and then one look. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  clock.pass(ms - 2_000);
  await clock.advance(2_000);
}

describe('The revocation lists in force', () => {
  let one: TestAuthority;
  let two: TestAuthority;
  before(async () => {
    one = await testAuthority({ nowMs: NOON_MS });
    two = await testAuthority({ nowMs: NOON_MS, root: one.root });
  });

  function made(material = one.material, sets: readonly CrlSet[] = ['leaf', 'chain']) {
    const [clock, crls, events] = [new FakeClock(), new MemoryCrls(), recordEvents()];
    const issuers = fakeIssuers(material);
    const former: FormerIssuer[] = [];
    const listeners = new Listeners();
    const given: { crls: readonly Crl[]; further: readonly CaCertificate[] } = { crls: [], further: [] };
    const stop = new AbortController();
    const inForce = new CrlsInForce(
      {
        crls,
        imported: { current: () => given.crls, onChange: (listener, options) => listeners.add(listener, options) },
        issuers,
        former: { issuersAt: async () => former },
        furtherIssuers: () => given.further,
        anchors: issuers.anchors,
        clock,
        events,
      },
      { sets },
    );
    const keep = async ({ issuer, intermediate }: TestAuthority, more: Parameters<typeof crlOf>[2] = {}) => {
      const der = crlOf({ issuer, keyPem: intermediate.keyPem }, clock.nowMs(), more);
      const { nextUpdateMs, number } = good(readCrl(der));
      const { id, certificateDer } = issuer;
      const kept = { issuer: id, certificateDer, der, nextUpdateMs, number: Number.parseInt(number ?? '', 16) };
      assert.ok(await crls.keep(kept, { nowMs: clock.nowMs(), signal: NEVER }));
      return good(readCrl(der));
    };
    const importLists = (lists: readonly Uint8Array[]): void => {
      given.crls = lists.map((der) => good(readCrl(der)));
      listeners.notify();
    };
    const countIn = (set: CrlSet): number | undefined => {
      const found = inForce.pemOf(set);
      return found === undefined ? undefined : good(readCrls(found.pem)).length;
    };
    return {
      inForce,
      clock,
      crls,
      events,
      issuers,
      former,
      given,
      keep,
      importLists,
      countIn,
      options: { signal: stop.signal },
      stop,
    };
  }

  const rootList = (nowMs = NOON_MS): Uint8Array =>
    crlOf({ issuer: crlIssuerOf(one.bundle.anchors[0]!), keyPem: one.root.keyPem }, nowMs);

  it('are none, with an alarm that names the issuer, until its list is there, and are there two seconds after', async () => {
    const { inForce, clock, events, keep, countIn, options, stop } = made(one.material, ['leaf']);
    await inForce.start(options);
    assert.equal(countIn('leaf'), undefined);
    const missing = `no revocation lists are handed out: there is no CRL of CN=Test Mesh Issuer (${one.issuer.id})`;
    assert.equal(inForce.problem, missing);
    assert.deepEqual(
      events.of('reloadFailed').map(({ problem }) => problem),
      [missing],
    );
    const crl = await keep(one);
    await clock.advance(2_000);
    assert.equal(inForce.pemOf('leaf')?.pem, crl.pem);
    assert.equal(inForce.problem, undefined);
    assert.equal(inForce.listOf(one.issuer.id)?.sha256, crl.sha256);
    stop.abort();
  });

  it('are none when one issuer whose leaves may live has no list, whether it was ours before or is of another server', async () => {
    const { inForce, clock, former, given, keep, countIn, options, stop } = made();
    await keep(one);
    const { certificateDer } = two.issuer;
    former.push({ certificateDer, untilMs: NOON_MS + HOUR_MS });
    await inForce.start(options);
    assert.equal(countIn('leaf'), undefined);
    assert.match(inForce.problem ?? '', new RegExp(`no CRL of CN=Test Mesh Issuer \\(${two.issuer.id}\\)`));
    await keep(two);
    await clock.advance(2_000);
    assert.equal(countIn('leaf'), 2);
    const other = await testAuthority({ nowMs: NOON_MS, root: one.root });
    given.further = [good(readCaCertificate(other.issuer.certificateDer))];
    await clock.advance(2_000);
    assert.equal(countIn('leaf'), undefined);
    stop.abort();
  });

  it('are withdrawn two hours before one of them ends, and told to those who hand them out', async () => {
    const { inForce, clock, keep, countIn, options, stop } = made(one.material, ['leaf']);
    await keep(one);
    await inForce.start(options);
    let changes = 0;
    inForce.onChange(() => (changes += 1), options);
    await pass(clock, 22 * HOUR_MS - 10_000);
    assert.equal(countIn('leaf'), 1);
    await clock.advance(12_000);
    assert.equal(countIn('leaf'), undefined);
    assert.equal(changes, 1);
    assert.match(inForce.problem ?? '', /is out of date: its nextUpdate is 2026-01-07 12:00:00 UTC/);
    // For who fetches it, it is good to its end, and no longer.
    assert.ok(inForce.listOf(one.issuer.id));
    await pass(clock, 2 * HOUR_MS);
    assert.equal(inForce.listOf(one.issuer.id), undefined);
    stop.abort();
  });

  it('are none at the very moment after a clock has jumped, to either side', async () => {
    const { inForce, clock, keep, countIn, options, stop } = made();
    await keep(one);
    await inForce.start(options);
    for (const [jumpMs, count] of [
      [HOUR_MS, 1],
      [23 * HOUR_MS, undefined],
      [0, 1],
      [-HOUR_MS, undefined],
    ] as const) {
      clock.jumpTo(NOON_MS + jumpMs);
      assert.equal(countIn('leaf'), count, `${jumpMs / HOUR_MS} h`);
    }
    stop.abort();
  });

  it('stay what they were while the store cannot be read, for as long as they are good', async () => {
    const { inForce, clock, crls, keep, countIn, options, stop } = made(one.material, ['leaf']);
    await keep(one);
    await inForce.start(options);
    crls.failure = new AuthorityError('CAP-S04');
    await clock.advance(2_000);
    assert.equal(countIn('leaf'), 1);
    assert.match(inForce.problem ?? '', /CAP-S04/);
    await pass(clock, 22 * HOUR_MS);
    assert.equal(countIn('leaf'), undefined);
    stop.abort();
  });

  it('are never one that the store has and the issuer has not signed', async () => {
    const { inForce, crls, countIn, options, stop } = made();
    const der = crlOf({ issuer: one.issuer, keyPem: two.intermediate.keyPem }, NOON_MS);
    const { id, certificateDer } = one.issuer;
    const forged = { issuer: id, certificateDer, der, number: 1, nextUpdateMs: NOON_MS + HOUR_MS };
    await crls.keep(forged, { nowMs: NOON_MS, signal: NEVER });
    await inForce.start(options);
    assert.equal(countIn('leaf'), undefined);
    assert.equal(inForce.listOf(id), undefined);
    stop.abort();
  });

  it('are with that of an issuer which another server is about to sign with, once it has one', async () => {
    const { inForce, clock, keep, countIn, options, stop } = made();
    await keep(one);
    await inForce.start(options);
    await keep(two);
    await clock.advance(2_000);
    assert.equal(countIn('leaf'), 2);
    // Once it has lapsed nobody misses it.
    await keep(one, { number: 2, nextUpdateMs: NOON_MS + 72 * HOUR_MS });
    await pass(clock, 24 * HOUR_MS);
    assert.equal(countIn('leaf'), 1);
    stop.abort();
  });

  it('are for whole chains only with the list of the root, and while that is in its time', async () => {
    const { inForce, clock, keep, importLists, countIn, options, stop } = made(one.material, ['chain']);
    await keep(one, { nextUpdateMs: NOON_MS + 96 * HOUR_MS });
    await inForce.start(options);
    assert.equal(countIn('chain'), undefined);
    assert.match(inForce.problem ?? '', /no CRL of CN=Test Corporate Root/);
    importLists([rootList()]);
    await settle();
    assert.equal(countIn('chain'), 2);
    await pass(clock, 23 * HOUR_MS);
    assert.equal(countIn('chain'), undefined);
    assert.match(inForce.problem ?? '', /CRL of CN=Test Corporate Root .* is out of date/);
    importLists([rootList(), rootList(clock.nowMs())]);
    await settle();
    assert.equal(countIn('chain'), 2);
    stop.abort();
  });

  it('are for whole chains with those of CAs between too, and say when one of them may sign none', async () => {
    const tier = tiersAt(NOON_MS);
    const usage: KeyUsageFlags = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
    const root = await tier('Root', { usage });
    const between = await tier('Between', { by: root });
    const own = await tier('Issuer', { by: between, usage });
    const { inForce, options, stop } = made(materialOf(own, [between], [root]), ['chain']);
    await inForce.start(options);
    for (const name of [/CRL of CN=Issuer/, /CN=Between .* without cRLSign/, /CRL of CN=Root/])
      assert.match(inForce.problem ?? '', name);
    stop.abort();
  });

  it('are withdrawn by every server for an issuer that is announced without a list, and for no longer than a minute', async () => {
    const { inForce, clock, crls, keep, countIn, options, stop } = made(one.material, ['leaf']);
    await keep(one);
    await inForce.start(options);
    assert.equal(inForce.knows(two.issuer.id), false);
    const { id, certificateDer } = two.issuer;
    const none = { issuer: id, certificateDer, number: 1, der: new Uint8Array(), nextUpdateMs: NOON_MS + 60_000 };
    await crls.keep(none, { nowMs: NOON_MS, signal: NEVER });
    await clock.advance(2_000);
    assert.equal(countIn('leaf'), undefined);
    assert.equal(inForce.knows(id), true);
    await clock.advance(90_000);
    assert.equal(countIn('leaf'), 1);
    stop.abort();
  });

  describe('before an issuer signs its first leaf', () => {
    it('have its list, and peers ten seconds to take it', async () => {
      const { inForce, clock, events, keep, countIn, options, stop } = made(one.material, ['leaf']);
      await keep(one);
      await inForce.start(options);
      const signer = {
        announce: async () => undefined,
        signFirst: async () => {
          await keep(two);
        },
      };
      let over = false;
      const wait = listBeforeLeaves({ signer, inForce, clock, events }, two.material, options).then(
        () => (over = true),
      );
      await settle();
      assert.equal(countIn('leaf'), 2);
      await clock.advance(SETTLE_MS - 1);
      assert.equal(over, false);
      await clock.advance(1);
      await wait;
      stop.abort();
    });

    it('are withdrawn when it cannot be signed, and peers have the same time for that', async () => {
      const { inForce, clock, events, keep, countIn, options, stop } = made(one.material, ['leaf']);
      await keep(one);
      await inForce.start(options);
      const announce = async () => undefined;
      const signer = { announce, signFirst: async () => Promise.reject(new AuthorityError('CAP-S15')) };
      const wait = listBeforeLeaves({ signer, inForce, clock, events }, two.material, options);
      await settle();
      assert.equal(countIn('leaf'), undefined);
      assert.match(String(events.of('reloadFailed').at(0)?.['problem']), /first list of issuer .* CAP-S15/);
      await clock.advance(SETTLE_MS);
      await wait;
      // It never came in force: nobody waits for a list of it.
      await clock.advance(2_000);
      assert.equal(countIn('leaf'), 1);
      stop.abort();
    });

    it('are waited for where another process signs', async () => {
      const { inForce, clock, events, keep, options, stop } = made();
      await keep(one);
      await inForce.start(options);
      let over = false;
      const wait = listBeforeLeaves({ signer: undefined, inForce, clock, events }, two.material, options).then(
        () => (over = true),
      );
      await clock.advance(20_000);
      assert.equal(over, false);
      await keep(two);
      await clock.advance(2_500);
      await clock.advance(SETTLE_MS);
      await wait;
      stop.abort();
    });
  });
});
