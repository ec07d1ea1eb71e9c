import assert from 'node:assert/strict';
import { StrandedIssuers } from '../../../src/authority/trust/stranded-issuers.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { TrustBundle } from '../../../src/domain/trust/bundle.ts';
import type { FormerIssuer } from '../../../src/ports/storage/issuer-records.ts';
import { fakeIssuers, NEVER, readyState } from '../../support/authority-parts.ts';
import { good, materialOf, TEST_TRUST_DOMAIN, testAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { tiersAt } from '../../support/paths/tiers.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('Issuers that lead to no trust anchor', () => {
  async function scene() {
    const [old, next] = [await testAuthority({ nowMs: NOON_MS }), await testAuthority({ nowMs: NOON_MS })];
    const [issuers, events, clock] = [fakeIssuers(old.material), recordEvents(), new FakeClock()];
    const living = (...ders: readonly Uint8Array[]): FormerIssuer[] =>
      ders.map((certificateDer) => ({ certificateDer, untilMs: NOON_MS + DAY_MS }));
    const record = { living: living(old.issuer.certificateDer, next.issuer.certificateDer), failing: false };
    const former = {
      issuersAt: async (nowMs: number) => {
        if (record.failing) throw new AuthorityError('CAP-S04');
        return record.living.filter(({ untilMs }) => nowMs <= untilMs);
      },
    };
    const stranded = new StrandedIssuers(
      { issuers, anchors: issuers.anchors, former, clock, events },
      { longestLeafMs: HOUR_MS },
    );
    return { old, next, issuers, events, record, living, clock, stranded };
  }

  it('are told once, and no longer than their leaves live', async () => {
    const { old, next, issuers, events, record, clock, stranded } = await scene();
    issuers.value = { ...old.material, bundle: next.bundle };
    await stranded.start({ signal: NEVER });
    issuers.swap(next.material);
    issuers.swap(next.material);
    await settle();
    assert.deepEqual(
      events.of('issuerStranded').map(({ issuer }) => issuer),
      [old.issuer.id],
    );
    assert.match(stranded.problem() ?? '', /leads to no trust anchor any more: CN=Test Mesh Issuer/);
    record.living = record.living.map((one) => ({ ...one, untilMs: NOON_MS + HOUR_MS / 2 }));
    issuers.swap(next.material);
    await settle();
    assert.ok(stranded.problem());
    clock.jumpTo(NOON_MS + HOUR_MS / 2 + 1);
    assert.equal(stranded.problem(), undefined);
  });

  it('are those too that lead up by another way now, until the leaves that were given the former way are over', async () => {
    const tier = tiersAt(NOON_MS);
    const [former, next] = [await tier('Former root'), await tier('Next root')];
    const upper = await tier('Upper', { by: former });
    const renewed = await tier('Upper', { by: next, keys: upper.keys });
    const own = await tier('Issuer', { by: upper });
    const { issuers, events, record, living, clock, stranded } = await scene();
    record.living = living(own.der);
    issuers.value = materialOf(own, [upper], [former, next]);
    await stranded.start({ signal: NEVER });
    issuers.swap(materialOf(own, [renewed], [former, next]));
    await settle();
    assert.equal(stranded.problem(), undefined, 'both roots are there');
    clock.jumpTo(NOON_MS + HOUR_MS / 2);
    issuers.swap(materialOf(own, [renewed], [next]));
    await settle();
    assert.match(stranded.problem() ?? '', /any more: CN=Issuer \(\w{16}\), signed by CN=Upper, below CN=Former root$/);
    issuers.swap(materialOf(own, [renewed], [next]));
    await settle();
    assert.deepEqual(
      events.of('issuerStranded').map(({ signedBy }) => signedBy),
      ['CN=Former root'],
    );
    clock.jumpTo(NOON_MS + HOUR_MS);
    assert.equal(stranded.problem(), undefined, 'no leaf lives longer');
  });

  it('are those of every name, and no issuer strands the other by changing', async () => {
    const { old, next, issuers, events, record, living, stranded } = await scene();
    const successor = await testAuthority({ nowMs: NOON_MS, root: next.root });
    record.living = living(...[old, next, successor].map(({ issuer }) => issuer.certificateDer));
    const anchors = TrustBundle.fromPem(TEST_TRUST_DOMAIN, old.root.certificatePem + next.root.certificatePem);
    issuers.value = { ...old.material, bundle: good(anchors) };
    issuers.put('gold', readyState(next.material));
    await stranded.start({ signal: NEVER });
    issuers.put('gold', readyState(successor.material));
    await settle();
    assert.equal(stranded.problem(), undefined);
    issuers.swap({ ...old.material, bundle: old.bundle });
    await settle();
    assert.deepEqual(
      events.of('issuerStranded').map(({ issuer }) => issuer),
      [next.issuer.id, successor.issuer.id],
    );
  });

  it('stay known while the journal cannot be read', async () => {
    const { old, issuers, record, stranded } = await scene();
    await stranded.start({ signal: NEVER });
    assert.match(stranded.problem() ?? '', /CN=Test Mesh Issuer/);
    record.failing = true;
    issuers.swap(old.material);
    await settle();
    assert.match(stranded.problem() ?? '', /CN=Test Mesh Issuer/);
  });
});
