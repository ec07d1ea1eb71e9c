import assert from 'node:assert/strict';
import { StrandedIssuers } from '../../src/authority/stranded-issuers.ts';
import { AuthorityError } from '../../src/domain/errors.ts';
import { fakeIssuers, NEVER } from '../support/authority-parts.ts';
import { testAuthority } from '../support/certificates.ts';
import { FakeClock, NOON_MS } from '../support/fake-clock.ts';
import { recordEvents } from '../support/recorded-events.ts';

describe('Issuers that lead to no trust anchor', () => {
  async function scene() {
    const [old, next] = [await testAuthority({ nowMs: NOON_MS }), await testAuthority({ nowMs: NOON_MS })];
    const [issuers, events, clock] = [fakeIssuers(old.material), recordEvents(), new FakeClock()];
    const record = { living: [old, next].map(({ issuer }) => issuer.certificateDer), failing: false };
    const former = {
      issuersAt: () => {
        if (record.failing) throw new AuthorityError('CAP-S04');
        return record.living;
      },
    };
    const stranded = new StrandedIssuers({ issuers, former, clock, events });
    return { old, next, issuers, events, record, stranded };
  }

  it('are told once, and no longer than their leaves live', async () => {
    const { old, next, issuers, events, record, stranded } = await scene();
    issuers.value = { ...old.material, bundle: next.bundle };
    stranded.start({ signal: NEVER });
    issuers.swap(next.material);
    issuers.swap(next.material);
    assert.deepEqual(
      events.of('issuerStranded').map(({ issuer }) => issuer),
      [old.issuer.id],
    );
    assert.match(stranded.problem() ?? '', /leads to no trust anchor any more: CN=Test Mesh Issuer/);
    record.living = [next.issuer.certificateDer];
    assert.equal(stranded.problem(), undefined);
  });

  it('stay known while the journal cannot be read', async () => {
    const { old, issuers, record, stranded } = await scene();
    stranded.start({ signal: NEVER });
    assert.match(stranded.problem() ?? '', /CN=Test Mesh Issuer/);
    record.failing = true;
    issuers.swap(old.material);
    assert.match(stranded.problem() ?? '', /CN=Test Mesh Issuer/);
  });
});
