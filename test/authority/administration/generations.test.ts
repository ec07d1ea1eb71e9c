import assert from 'node:assert/strict';
import { generationsAt, standingIn } from '../../../src/authority/administration/generations.ts';
import { moved, NO_LEDGER, recorded, type IssuerLedger } from '../../../src/domain/trust/issuer-ledger.ts';
import type { IssuerAct } from '../../../src/domain/trust/issuer-state.ts';
import { NEVER } from '../../../src/live/abortable.ts';
import { fakeIssuers } from '../../support/authority-parts.ts';
import { testAuthority } from '../../support/certificates.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;

describe('The certificate that an issuer signed with before', () => {
  it('is retiring, also where somebody suspended and resumed it while it signed', async () => {
    const [own, before] = await Promise.all([testAuthority(), testAuthority()]);
    const { id, certificateDer, notAfterMs } = before.issuer;
    const issuers = fakeIssuers(own.material);
    const former = { issuersAt: async () => [{ certificateDer, untilMs: NOON_MS + HOUR_MS }] };
    const standing = async (ledger: IssuerLedger) => {
      const known = await generationsAt({ issuers, former }, ledger, NOON_MS, { signal: NEVER });
      return known.filter(({ generation }) => generation.id === id).map((one) => standingIn(ledger, one).state);
    };
    const generation = { issuer: 'default', id, keyId: 'key', notAfterMs };
    const by = { timeMs: NOON_MS, actor: 'alice', role: 'security', reason: 'a drill' };
    const after = (ledger: IssuerLedger, act: IssuerAct): IssuerLedger => {
      const next = moved(ledger, generation, act, 'active', by);
      return 'problem' in next ? assert.fail(next.problem) : next.ledger;
    };
    const suspended = after(NO_LEDGER, 'suspend');
    const resumed = after(suspended, 'resume');
    assert.deepEqual(await standing(NO_LEDGER), ['retiring']);
    assert.deepEqual(await standing(suspended), ['suspended']);
    assert.deepEqual(await standing(resumed), ['retiring']);
    assert.deepEqual(await standing(after(resumed, 'taint')), ['tainted']);
    // Of a rollover each step is on record: another server signs with it.
    const { ledger: elsewhere } = recorded(NO_LEDGER, generation, { from: 'prepared', to: 'active' }, by);
    assert.deepEqual(await standing(after(after(elsewhere, 'suspend'), 'resume')), ['active']);
  });
});
