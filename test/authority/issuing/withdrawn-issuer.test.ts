import assert from 'node:assert/strict';
import { IssuerChooser } from '../../../src/authority/issuing/choose-issuer.ts';
import type { IssuerState } from '../../../src/ports/issuing/issuers.ts';
import { fakeIssuers, readyState, type FakeIssuers } from '../../support/authority-parts.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';

describe('An issuer that operators withdraw', () => {
  let own: TestAuthority;
  let issuers: FakeIssuers;
  let chooser: IssuerChooser;
  before(async () => {
    own = await testAuthority();
  });
  beforeEach(() => {
    issuers = fakeIssuers(own.material);
    issuers.put('gold', readyState(own.material));
    chooser = new IssuerChooser(issuers);
  });
  const withdraw = (name: string): void =>
    issuers.put(name, { kind: 'unavailable', why: 'is tainted since noon', withdrawn: 'tainted' });

  it('signs nothing from then on, not even what it was chosen for before', () => {
    const chosen = chooser.named('gold', NOON_MS);
    assert.equal(chooser.signerOf(chosen), own.material.signer);
    withdraw('gold');
    assert.throws(() => chooser.signerOf(chosen), {
      reason: 'CAP-S14',
      message: /issuer gold is tainted since noon/,
    });
  });

  it('does not sign for the CA itself while another may', () => {
    assert.equal(chooser.own(NOON_MS).name, 'default');
    withdraw('default');
    assert.equal(chooser.own(NOON_MS).name, 'gold');
    withdraw('gold');
    assert.throws(() => chooser.own(NOON_MS).issuer, { reason: 'CAP-S14' });
  });

  it('signs for the CA itself while it is suspended and no other can, for nobody else, and not when it is tainted then', () => {
    const { issuer, signer } = own.material;
    withdraw('default');
    const suspended = { kind: 'unavailable', why: 'is suspended', withdrawn: 'suspended', held: { issuer, signer } };
    issuers.put('gold', suspended as IssuerState);
    const chosen = chooser.own(NOON_MS);
    assert.deepEqual([chosen.name, chosen.issuer, chooser.signerOf(chosen)], ['gold', issuer, signer]);
    assert.throws(() => chooser.named('gold', NOON_MS).issuer, { reason: 'CAP-S14' });
    withdraw('gold');
    assert.throws(() => chooser.signerOf(chosen), { reason: 'CAP-S14' });
  });

  it('does not sign for the CA itself what it was chosen for before it was suspended', () => {
    const { issuer, signer } = own.material;
    const chosen = chooser.own(NOON_MS);
    issuers.put('default', { kind: 'unavailable', why: 'is', withdrawn: 'suspended', held: { issuer, signer } });
    assert.throws(() => chooser.signerOf(chosen), { reason: 'CAP-S14' });
    assert.equal(chooser.own(NOON_MS).name, 'gold');
  });
});
