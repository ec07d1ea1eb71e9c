import assert from 'node:assert/strict';
import { GovernedIssuers } from '../../../src/authority/trust/governed-issuers.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { NamedIssuer } from '../../../src/ports/issuing/issuers.ts';

describe('The issuers that operators govern', () => {
  it('have their names before the ledger is known, while none of them can sign', () => {
    const issuer: NamedIssuer = {
      name: 'prod',
      custody: 'file',
      bounds: { maxTtlMs: Infinity },
      state: { kind: 'unavailable', why: 'is not loaded' },
    };
    const issuers = { all: () => [issuer] as const, onChange: () => undefined };
    const current = (): never => {
      throw new AuthorityError('CAP-S04', { detail: 'the ledger of issuers is not read yet' });
    };
    const governed = new GovernedIssuers({ issuers, ledger: { current, known: false, onChange: () => undefined } });
    assert.deepEqual(governed.all(), [issuer]);
  });
});
