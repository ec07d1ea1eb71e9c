import assert from 'node:assert/strict';
import { renewalOf } from '../../../src/domain/trust/renewal.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;
const LEAF = { issuedMs: NOON_MS, notAfterMs: NOON_MS + HOUR_MS };

describe('The expected renewal of a certificate', () => {
  it('is at half of its life, and late a quarter of its life before its end', () => {
    assert.deepEqual(renewalOf({ api: 'csr', ...LEAF }, { sdsRenewAt: 0.4 }), {
      renewalMs: NOON_MS + HOUR_MS / 2,
      overdueMs: NOON_MS + (HOUR_MS * 3) / 4,
    });
  });

  it('is where the CA renews it over SDS', () => {
    assert.deepEqual(renewalOf({ api: 'sds', ...LEAF }, { sdsRenewAt: 0.4 }), {
      renewalMs: NOON_MS + HOUR_MS * 0.4,
      overdueMs: NOON_MS + HOUR_MS * 0.7,
    });
  });

  it('is before its end for the shortest that there is', () => {
    const { renewalMs, overdueMs } = renewalOf(
      { api: 'csr', issuedMs: NOON_MS, notAfterMs: NOON_MS + 3 },
      { sdsRenewAt: 0.5 },
    );
    assert.deepEqual([renewalMs, overdueMs], [NOON_MS + 1, NOON_MS + 2]);
  });
});
