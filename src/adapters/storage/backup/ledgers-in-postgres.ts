// The ledgers of a PostgreSQL store: a row for each trust domain in a table for each kind.
import { AuthorityError } from '../../../domain/errors.ts';
import { ANCHOR_LEDGER } from '../ledgers/anchor-ledger.ts';
import { BAN_LEDGER } from '../ledgers/ban-ledger.ts';
import { ISSUER_LEDGER } from '../ledgers/issuer-ledger.ts';
import { writtenLedger } from '../ledgers/ledger-form.ts';
import type { PostgresPool } from '../postgres/connection/postgres-pool.ts';
import { joinedLedgers, ledgersFrom, type KeptLedgers } from './kept-ledgers.ts';

interface Waits {
  readonly signal: AbortSignal;
}

const FORMS = [ISSUER_LEDGER, ANCHOR_LEDGER, BAN_LEDGER];

/** Of all trust domains; of an older schema what it has. @throws AuthorityError CAP-S04; CAP-X03 for one that is damaged. */
export async function ledgersInPostgres(database: PostgresPool, options: Waits): Promise<readonly KeptLedgers[]> {
  const found = FORMS.map(async ({ kind, table }) => {
    const [row] = await database.query(`SELECT to_regclass('${table}') IS NOT NULL AS there`, [], options);
    if (row?.['there'] !== true) return [];
    const rows = await database.query(`SELECT trust, ledger FROM ${table}`, [], options);
    return rows.map(({ trust, ledger }) => ({ kind, trust: String(trust), ledger: String(ledger) }));
  });
  return ledgersFrom((await Promise.all(found)).flat(), 'the database');
}

/**
 * While no server uses the database, in one transaction.
 * @param options.trust whose an SQLite store's are. @returns how many bans came. @throws AuthorityError CAP-O02 for what could not be read
 * again.
 */
export async function joinInPostgres(
  database: PostgresPool,
  kept: readonly KeptLedgers[],
  { trust: ours, signal }: Waits & { readonly trust: string | undefined },
): Promise<number> {
  const own = await ledgersInPostgres(database, { signal });
  const next = kept.map((other) => {
    const trust = other.trust === '' ? demanded(ours) : other.trust;
    const known = own.find((one) => one.trust === trust) ?? empty(trust);
    return { trust, known, joined: joinedLedgers(known, other) };
  });
  await database.transaction(
    async (connection) => {
      for (const { trust, joined } of next) {
        const texts = [
          writtenLedger(ISSUER_LEDGER, joined.issuers),
          writtenLedger(ANCHOR_LEDGER, joined.anchors),
          writtenLedger(BAN_LEDGER, joined.bans),
        ];
        for (const [at, { table }] of FORMS.entries())
          await connection.query({ text: upsert(table), values: [trust, texts[at] ?? ''] });
      }
    },
    { signal },
  );
  return next.reduce((count, { known, joined }) => count + joined.bans.bans.length - known.bans.bans.length, 0);
}

/** With the next revision, by which servers know that it has changed; where nothing has, it stays. */
function upsert(table: string): string {
  return `INSERT INTO ${table} AS kept (trust, revision, ledger) VALUES ($1, 1, $2) ON CONFLICT (trust) DO UPDATE
    SET revision = kept.revision + 1, ledger = excluded.ledger WHERE kept.ledger <> excluded.ledger`;
}

function demanded(trust: string | undefined): string {
  if (trust !== undefined) return trust;
  throw new AuthorityError('CAP-X03', { detail: 'whose bans and issuers the backup has, --config alone says' });
}

function empty(trust: string): KeptLedgers {
  return { trust, issuers: ISSUER_LEDGER.empty, anchors: ANCHOR_LEDGER.empty, bans: BAN_LEDGER.empty };
}
