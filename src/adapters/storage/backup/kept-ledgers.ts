// What operators decided, as a backup has it: the ledgers of issuers, of anchors and of bans, of each trust domain of the store.
import type { DatabaseSync } from 'node:sqlite';
import { AuthorityError } from '../../../domain/errors.ts';
import { joinedBanLedgers } from '../../../domain/revocation/joined-ban-ledgers.ts';
import type { BanLedger } from '../../../domain/revocation/ban-ledger.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import type { IssuerLedger } from '../../../domain/trust/issuer-ledger.ts';
import { joinedIssuerLedgers } from '../../../domain/trust/joined-issuer-ledgers.ts';
import type { AnchorLedger } from '../../../domain/trust/rotation/anchor-ledger.ts';
import { joinedAnchorLedgers } from '../../../domain/trust/rotation/joined-anchor-ledgers.ts';
import { ANCHOR_LEDGER } from '../ledgers/anchor-ledger.ts';
import { BAN_LEDGER } from '../ledgers/ban-ledger.ts';
import { ISSUER_LEDGER } from '../ledgers/issuer-ledger.ts';
import { ledgerIn, type LedgerForm } from '../ledgers/ledger-form.ts';

export interface Ledgers {
  readonly issuers: IssuerLedger;
  readonly anchors: AnchorLedger;
  readonly bans: BanLedger;
}

export interface KeptLedgers extends Ledgers {
  /** The trust domain; empty of an SQLite store, which has one only. */
  readonly trust: string;
}

/** Of a backup alone. An older Capstan restores the rest, and leaves them where they are. */
export const LEDGER_TABLE =
  'CREATE TABLE ledgers (kind TEXT NOT NULL, trust TEXT NOT NULL, ledger TEXT NOT NULL, PRIMARY KEY (kind, trust)) STRICT';
const INSERT = 'INSERT INTO ledgers (kind, trust, ledger) VALUES (?, ?, ?)';
const FORMS = [ISSUER_LEDGER, ANCHOR_LEDGER, BAN_LEDGER];
const TABLE = "SELECT 1 FROM sqlite_schema WHERE name = 'ledgers'";
const SELECT = 'SELECT kind, trust, ledger FROM ledgers';

/** A row for each ledger, of a backup or a database, as text. */
export interface LedgerRow {
  readonly kind: string;
  readonly trust: string;
  readonly ledger: string;
}

/** @throws AuthorityError CAP-X03 for one that is damaged, after `where`. */
export function ledgersFrom(rows: readonly LedgerRow[], where: string): readonly KeptLedgers[] {
  const unknown = rows.find(({ kind }) => !FORMS.some((form) => form.kind === kind));
  if (unknown !== undefined) throw damaged(where, unknown);
  return [...new Set(rows.map(({ trust }) => trust))].map((trust) => {
    const of = <L>(form: LedgerForm<L>): L => {
      const row = rows.find((one) => one.kind === form.kind && one.trust === trust);
      if (row === undefined) return form.empty;
      const ledger = ledgerIn(form, parseJson(row.ledger));
      if (ledger === undefined) throw damaged(where, row);
      return ledger;
    };
    return { trust, issuers: of(ISSUER_LEDGER), anchors: of(ANCHOR_LEDGER), bans: of(BAN_LEDGER) };
  });
}

/** Of a backup; none of an older one. @throws AuthorityError CAP-X03 naming the file. */
export function ledgersIn(database: DatabaseSync, file: string): readonly KeptLedgers[] {
  if (database.prepare(TABLE).get() === undefined) return [];
  const rows = database.prepare(SELECT).all();
  const texts = rows.map(({ kind, trust, ledger }) => ({
    kind: String(kind),
    trust: String(trust),
    ledger: String(ledger),
  }));
  return ledgersFrom(texts, file);
}

export function writeLedgers(database: DatabaseSync, kept: readonly KeptLedgers[]): void {
  database.exec(LEDGER_TABLE);
  const insert = database.prepare(INSERT);
  for (const { trust, issuers, anchors, bans } of kept) {
    insert.run(ISSUER_LEDGER.kind, trust, JSON.stringify(issuers));
    insert.run(ANCHOR_LEDGER.kind, trust, JSON.stringify(anchors));
    insert.run(BAN_LEDGER.kind, trust, JSON.stringify(bans));
  }
}

/** @returns what a store has after a restore. @throws AuthorityError CAP-X03 when it were more bans than a server holds. */
export function joinedLedgers(own: Ledgers, other: Ledgers): Ledgers {
  const bans = joinedBanLedgers(own.bans, other.bans);
  if ('problem' in bans) {
    const detail = `${bans.problem}, which are too many: lift what may be lifted in the store, and restore again`;
    throw new AuthorityError('CAP-X03', { detail });
  }
  return {
    issuers: joinedIssuerLedgers(own.issuers, other.issuers),
    anchors: joinedAnchorLedgers(own.anchors, other.anchors),
    bans,
  };
}

function damaged(where: string, { kind, trust }: LedgerRow): AuthorityError {
  const of = trust === '' ? '' : ` of ${trust}`;
  return new AuthorityError('CAP-X03', { detail: `${where} has a ${kind}${of} that cannot be read` });
}
