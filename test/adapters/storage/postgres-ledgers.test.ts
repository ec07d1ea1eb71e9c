import { rejects } from 'node:assert/strict';
import { ISSUER_LEDGER } from '../../../src/adapters/storage/ledgers/issuer-ledger.ts';
import { PostgresLedgers } from '../../../src/adapters/storage/postgres/shared/postgres-ledgers.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { NO_LEDGER } from '../../../src/domain/trust/issuer-ledger.ts';
import { UNCHANGED } from '../../../src/ports/storage/ledgers.ts';
import { ledgerAfter, operation } from '../../support/contracts/ledgers.ts';

describe('A ledger in a database that is lost', () => {
  const lost = async (): Promise<never> => Promise.reject(new AuthorityError('CAP-S04'));
  const ledgers = new PostgresLedgers(
    { database: { query: lost, commit: lost } },
    { trust: 'corp.example', form: ISSUER_LEDGER },
  );
  const { signal } = new AbortController();

  it('while it is changed may be changed or not', async () => {
    const changed = ledgers.replace(UNCHANGED, ledgerAfter(NO_LEDGER, 'suspend'), operation(), { signal });
    await rejects(changed, { reason: 'CAP-O06' });
  });

  it('while it is read was not changed', async () => {
    await rejects(ledgers.read({ signal }), { reason: 'CAP-S04' });
  });
});
