import assert from 'node:assert/strict';
import { IssuerChooser } from '../../../src/authority/issuing/choose-issuer.ts';
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
});
