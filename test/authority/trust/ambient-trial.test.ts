import assert from 'node:assert/strict';
import { keyGenerator } from '../../../src/adapters/issuers/memory/key-generator.ts';
import { memoryHandshake } from '../../../src/adapters/issuers/memory/memory-handshake.ts';
import { issuerTrial } from '../../../src/authority/trust/issuer-trial.ts';
import { NEVER } from '../../support/authority-parts.ts';
import { materialOf } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { SeededRandom } from '../../support/fakes/seeded-random.ts';
import { inhibitAnyPolicy, nameConstraints, policies, tiersAt, type Tier } from '../../support/paths/tiers.ts';

const tier = tiersAt(NOON_MS);
const ON_URIS = nameConstraints({ permitted: [{ kind: 'uri', value: 'cluster.local' }] });
const ON_NAMES = nameConstraints({ excluded: [{ kind: 'directory', value: OTHER_NAME() }] }, false);
const ON_DNS = nameConstraints({ permitted: [{ kind: 'dns', value: 'localhost' }] });

/** `CN=Other`, as DER. */
function OTHER_NAME(): Buffer {
  return Buffer.from('3010310e300c06035504030c054f74686572', 'hex');
}

describe('Trust material where ztunnels are served', () => {
  let root: Tier;
  let issuer: Tier;
  before(async () => {
    root = await tier('Root');
    issuer = await tier('Issuer', { by: root });
  });

  async function problemOf(own: Tier, roots: readonly Tier[], ambient = true): Promise<string | undefined> {
    const parts = {
      clock: new FakeClock(),
      random: new SeededRandom(),
      keys: keyGenerator,
      handshake: memoryHandshake,
    };
    const trial = issuerTrial(parts, { servingNames: [{ kind: 'dns', value: 'localhost' }], ambient });
    return trial(materialOf(own, [], roots), { signal: NEVER });
  }

  it('may have several anchors: ztunnel takes every certificate of the last element', async () => {
    assert.equal(await problemOf(issuer, [root, await tier('Next Root')]), undefined);
  });

  it('may have name constraints on DNS names', async () => {
    assert.equal(await problemOf(await tier('Issuer', { by: root, more: [ON_DNS] }), [root]), undefined);
  });

  it('does not come in force with an issuer that ztunnel refuses, and says what to do where there is none', async () => {
    const bound = await tier('Issuer', { by: root, more: [ON_URIS] });
    const problem = (await problemOf(bound, [root])) ?? '';
    assert.match(problem, /^it would cut ambient off: certificate CN=Issuer has name constraints on URIs/);
    assert.match(problem, /where no ztunnel is served, say so with an empty cluster\.kubernetes\.trustedNodeAccounts$/);
    assert.equal(await problemOf(bound, [root], false), undefined, 'other peers take it');
  });

  it('does not come in force with constraints on directory names', async () => {
    const bound = await tier('Issuer', { by: root, more: [ON_NAMES] });
    assert.match((await problemOf(bound, [root])) ?? '', /CN=Issuer has name constraints on directory names/);
    assert.equal(await problemOf(bound, [root], false), undefined);
  });

  it('does not come in force with an anchor that ztunnel would leave out without a word to anybody', async () => {
    const successor = await tier('Next Root', { more: [policies('2.5.29.32.0'), inhibitAnyPolicy(0)] });
    const problem = (await problemOf(issuer, [root, successor])) ?? '';
    assert.match(problem, /CN=Next Root has a critical extension that ztunnel does not know \(2\.5\.29\.54\)/);
    assert.equal(await problemOf(issuer, [root, successor], false), undefined);
  });
});
