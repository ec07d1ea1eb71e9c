import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { keyGenerator } from '../../src/adapters/issuers/memory/key-generator.ts';
import {
  servingProblem,
  startServingCertificate,
  type ServingCertificate,
  type ServingParts,
} from '../../src/authority/serving-certificate.ts';
import type { KeyGenerator } from '../../src/ports/issuing/key-generator.ts';
import type { IssuerState } from '../../src/ports/issuing/issuers.ts';
import { readyState, TEST_LIFETIMES, testParts, type TestParts } from '../support/authority-parts.ts';
import { testAuthority, type TestAuthority } from '../support/certificates.ts';
import { NOON_MS, settle } from '../support/fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SETTINGS = {
  names: [{ kind: 'dns', value: 'localhost' }],
  lifetimes: { ...TEST_LIFETIMES, defaultMs: DAY_MS, maxMs: DAY_MS },
} as const;

describe('The serving certificate', () => {
  let authority: TestAuthority;
  let keys: KeyGenerator;
  let parts: TestParts;
  let stop: AbortController;
  let installed: ServingCertificate[];
  /** While a rotation has what is below this anchor stay; and what tells of its end. */
  let waitsBelow: string | undefined;
  let moveOn: () => void;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
    const key = await keyGenerator.generate('ec-p256');
    keys = { generate: () => Promise.resolve(key) };
  });
  beforeEach(() => {
    parts = testParts(authority.material);
    installed = [];
    waitsBelow = undefined;
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  async function keep(): Promise<void> {
    const moves = {
      waits: (trustAnchor: string) => waitsBelow === trustAnchor,
      onChange: (listener: () => void) => void (moveOn = listener),
    };
    const serving: ServingParts = { ...parts, keys, moves, install: (certificate) => installed.push(certificate) };
    await startServingCertificate(serving, SETTINGS, { signal: stop.signal });
    await settle();
  }

  const inForce = (): ServingCertificate => installed.at(-1)!;

  it('is renewed at half life and not before', async () => {
    await keep();
    await parts.clock.advance(DAY_MS / 2 - 1_000);
    assert.equal(installed.length, 1);
    await parts.clock.advance(2_000);
    assert.equal(installed.length, 2);
    assert.equal(inForce().notAfterMs, Date.parse(new X509Certificate(inForce().certificateChainPem).validTo));
  });

  it('is renewed soon after an issuer change', async () => {
    await keep();
    parts.issuers.swap((await testAuthority({ nowMs: NOON_MS, root: authority.root })).material);
    await settle();
    assert.equal(installed.length, 2);
  });

  it('stays while the key of its issuer does not answer, and is replaced when that is tainted', async () => {
    await keep();
    const other = await testAuthority({ nowMs: NOON_MS, root: authority.root });
    parts.issuers.put('other', readyState(other.material));
    parts.issuers.put('default', { kind: 'unavailable', why: 'is away', certified: authority.material.issuer });
    await settle();
    assert.equal(installed.length, 1);
    parts.issuers.put('default', tainted);
    await settle();
    assert.equal(installed.length, 2);
    assert.ok(new X509Certificate(inForce().certificateChainPem).verify(other.issuer.publicKey));
  });

  it('stays below an anchor that a rotation replaces until all workloads have moved, but for its half life', async () => {
    await keep();
    waitsBelow = inForce().trustAnchor;
    parts.issuers.swap((await testAuthority({ nowMs: NOON_MS, root: authority.root })).material);
    moveOn();
    await settle();
    assert.equal(installed.length, 1);
    waitsBelow = undefined;
    moveOn();
    moveOn();
    await settle();
    assert.equal(installed.length, 2);

    waitsBelow = inForce().trustAnchor;
    await parts.clock.advance(DAY_MS / 2 + 1_000);
    assert.equal(installed.length, 3);
  });

  it('is renewed once more when the issuer changes while a renewal is under way', async () => {
    await keep();
    const { material } = await testAuthority({ nowMs: NOON_MS, root: authority.root });
    const key = await keys.generate('ec-p256');
    keys.generate = () => {
      keys.generate = () => Promise.resolve(key);
      parts.issuers.swap(material);
      return Promise.resolve(key);
    };
    await parts.clock.advance(DAY_MS / 2 + 1_000);
    assert.equal(installed.length, 3);
  });

  it('is tried again every ten seconds while it cannot be renewed, also after the clock was set back', async () => {
    parts.clock.jumpTo(NOON_MS + 48 * HOUR_MS);
    await keep();
    parts.journal.failing = true;
    await parts.clock.advance(DAY_MS / 2 + 15_000);
    parts.clock.jumpTo(NOON_MS + 24 * HOUR_MS);
    parts.journal.failing = false;
    await parts.clock.advance(10_000);
    assert.equal(installed.length, 2);
    assert.equal(servingProblem(inForce(), parts.clock.nowMs()), undefined);
  });

  const suspended = (): IssuerState => {
    const { issuer, signer } = authority.material;
    return { kind: 'unavailable', why: 'is suspended since noon', withdrawn: 'suspended', held: { issuer, signer } };
  };
  const tainted = { kind: 'unavailable', why: 'is tainted since noon', withdrawn: 'tainted' } as const;

  it('is renewed in time by its issuer while that is suspended and no other can sign', async () => {
    parts.clock.jumpTo(NOON_MS + 60 * DAY_MS);
    await keep();
    parts.issuers.put('default', suspended());
    await settle();
    assert.equal(installed.length, 1, 'what a suspended issuer signed is as good as before');
    await parts.clock.advance(DAY_MS / 2 + 1_000);
    assert.equal(installed.length, 2);
    await parts.clock.advance(DAY_MS);
    assert.equal(servingProblem(inForce(), parts.clock.nowMs()), undefined);
  });

  it('is absent while no issuer may sign, which is told, and comes as soon as one may', async () => {
    parts.issuers.put('default', tainted);
    await keep();
    assert.equal(installed.length, 0);
    assert.deepEqual(parts.events.of('reloadFailed').length, 1);
    parts.issuers.put('default', readyState(authority.material));
    await settle();
    assert.equal(installed.length, 1);
  });

  it('is not waited for where its record cannot be written: the start fails', async () => {
    parts.journal.failing = true;
    await assert.rejects(keep(), { reason: 'CAP-S04' });
  });

  for (const [name, hours] of [
    ['an hour', 1],
    ['25 hours', 25],
    ['a month', 31 * 24],
  ] as const) {
    for (const [way, sign] of [
      ['forwards', 1],
      ['back', -1],
    ] as const) {
      it(`is good within seconds of the clock's being set ${name} ${way}`, async () => {
        parts.clock.jumpTo(NOON_MS + 60 * DAY_MS);
        await keep();
        parts.clock.jumpTo(parts.clock.nowMs() + sign * hours * HOUR_MS);
        const stays = servingProblem(inForce(), parts.clock.nowMs()) === undefined;
        assert.equal(stays, sign * hours === 1, 'an hour later it is still good');
        await parts.clock.advance(2_000);
        assert.equal(servingProblem(inForce(), parts.clock.nowMs()), undefined);
        assert.equal(installed.length, stays ? 1 : 2);
      });
    }
  }

  it('says what is wrong with it', async () => {
    await keep();
    assert.equal(servingProblem(undefined, NOON_MS), 'there is no serving certificate yet');
    assert.match(servingProblem(inForce(), NOON_MS + DAY_MS) ?? '', /^the serving certificate ended at 2026-01-07T/);
    assert.match(servingProblem(inForce(), NOON_MS - HOUR_MS) ?? '', /is not valid before 2026-01-06T11:59:00/);
  });
});
