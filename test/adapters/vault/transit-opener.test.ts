// Keys in a transit engine as issuers have them: the version of the certificate, its signatures, its loss and return.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import { VaultError } from '../../../src/adapters/vault/api/vault-error.ts';
import { TransitSession } from '../../../src/adapters/vault/transit/transit-session.ts';
import { KeyFailure } from '../../../src/live/key-failure.ts';
import { NEVER } from '../../../src/live/abortable.ts';
import { RemoteKey } from '../../../src/live/remote-key.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { MemoryVault } from '../../support/fakes/keys/memory-vault.ts';

const OPTIONS = { signal: NEVER };
const TBS = Uint8Array.of(0x30, 1, 2);
const NAME = { mount: 'transit', key: 'mesh' };
const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const spkiOf = (key: KeyObject): Buffer => createPublicKey(key).export({ format: 'der', type: 'spki' });

describe('A key in a transit engine', () => {
  let clock: FakeClock;
  let vault: MemoryVault;
  beforeEach(() => ([clock, vault] = [new FakeClock(), new MemoryVault()]));

  const session = async (wanted?: Uint8Array) => TransitSession.open(vault, NAME, wanted, OPTIONS);
  const opened = async () =>
    RemoteKey.open({ clock, place: 'the transit engine', openSession: async () => session() }, OPTIONS);
  const fails = (kind: string, words: RegExp) => (error: unknown) =>
    error instanceof KeyFailure && error.kind === kind && words.test(error.message);

  it('signs what its public half verifies, EC and RSA', async () => {
    for (const [key, algorithm] of [
      [newKey(), 'ecdsa-p256-sha256'],
      [generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey, 'rsa-sha256'],
    ] as const) {
      vault.versions[0] = key;
      const own = await session();
      assert.deepEqual(Buffer.from(own.spki), spkiOf(key));
      assert.ok(verify('sha256', TBS, createPublicKey(key), await own.sign(algorithm, TBS, OPTIONS)));
    }
  });

  it('is the version that the certificate is of, and the newest where there is none', async () => {
    vault.versions.push(newKey(), newKey());
    const [first, , third] = vault.versions as [KeyObject, KeyObject, KeyObject];
    const own = await session(spkiOf(first));
    assert.deepEqual(Buffer.from(own.spki), spkiOf(first));
    vault.versions.push(newKey());
    assert.ok(verify('sha256', TBS, createPublicKey(first), await own.sign('ecdsa-p256-sha256', TBS, OPTIONS)));
    vault.versions.pop();
    for (const wanted of [undefined, spkiOf(newKey())])
      assert.deepEqual(Buffer.from((await session(wanted)).spki), spkiOf(third));
  });

  it('is of no use where it may not sign, or is no key of certificates, and says which', async () => {
    for (const [spoil, kind, words] of [
      [
        () => vault.forbidden.add('transit/sign'),
        'configuration',
        /cannot be used: https:\/\/vault\.test:8200 denies POST/,
      ],
      [() => vault.forbidden.add('transit/keys'), 'configuration', /cannot be used: .* denies GET transit\/keys\/mesh/],
      [() => (vault.facts = { keys: { 1: 1_795_913_949 } }), 'configuration', /is neither EC P-256, EC P-384 nor RSA/],
      [() => (vault.facts = { keys: { 1: { public_key: 'BZ+Rv1' } } }), 'configuration', /is neither EC/],
      [() => (vault.leastVersion = 2), 'configuration', /min_encryption_version is 2/],
      [() => (vault.signature = 'vault:v1:AAAA'), 'away', /returned a signature that is not of the key/],
      [() => (vault.problem = new VaultError('away', 'is sealed')), 'away', /^https:\/\/vault\.test:8200 is sealed$/],
    ] as const) {
      vault = new MemoryVault();
      spoil();
      await assert.rejects(session(), fails(kind, words));
    }
  });

  it('is warned of where it can be taken out', async () => {
    assert.equal((await session()).warning, undefined);
    for (const facts of [{ exportable: true }, { allow_plaintext_backup: true }]) {
      vault.facts = facts;
      assert.match((await session()).warning ?? '', /can be taken out/);
    }
  });

  it('is lost with a signature that is not of it, of another version, or none, and signs when it is back', async () => {
    for (const [signature, problem] of [
      ['vault:v1:MAYCAQECAQE=', /returned a signature that is not of the key/],
      ['vault:v2:MAYCAQECAQE=', /signed with version 2, not 1/],
      ['<html>', /answered with no signature/],
    ] as const) {
      const key = await opened();
      vault.signature = signature;
      await assert.rejects(key.sign('ecdsa-p256-sha256', TBS, OPTIONS), { reason: 'CAP-S15' });
      assert.match(key.problem ?? '', problem);
      vault.signature = undefined;
      await clock.advance(5_000);
      assert.ok(await key.sign('ecdsa-p256-sha256', TBS, OPTIONS));
      key.close();
    }
  });

  it('is lost with whatever the server fails at, and asked no more until it is back', async () => {
    const key = await opened();
    for (const kind of ['away', 'denied', 'missing', 'refused'] as const) {
      vault.problem = new VaultError(kind, 'does not');
      await assert.rejects(key.sign('ecdsa-p256-sha256', TBS, OPTIONS), { reason: 'CAP-S15' });
      const asked = vault.asked.length;
      await assert.rejects(key.sign('ecdsa-p256-sha256', TBS, OPTIONS), { reason: 'CAP-S15' });
      assert.equal(vault.asked.length, asked);
      vault.problem = undefined;
      await clock.advance(5_000);
      assert.equal(key.problem, undefined);
    }
    key.close();
  });

  it('is missed within five seconds while nobody signs', async () => {
    const key = await opened();
    vault.problem = new VaultError('away', 'is sealed');
    await clock.advance(5_000);
    assert.match(key.problem ?? '', /is sealed/);
    key.close();
  });

  it('is not lost because too many wait for it', async () => {
    const key = await opened();
    vault.problem = new VaultError('busy', 'is not asked: 256 calls wait already');
    await assert.rejects(key.sign('ecdsa-p256-sha256', TBS, OPTIONS), { reason: 'CAP-S15' });
    assert.equal(key.problem, undefined);
    key.close();
  });

  it('is not signed with when another is there in its place', async () => {
    const key = await opened();
    const [former] = vault.versions;
    vault.versions[0] = newKey();
    await assert.rejects(key.sign('ecdsa-p256-sha256', TBS, OPTIONS), { reason: 'CAP-S15' });
    await clock.advance(1_000);
    assert.equal(key.problem, 'the key is another than before');
    vault.versions[0] = former!;
    await clock.advance(5_000);
    assert.ok(await key.sign('ecdsa-p256-sha256', TBS, OPTIONS));
    key.close();
  });
});
