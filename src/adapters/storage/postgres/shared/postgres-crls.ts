// The revocation lists of all servers as rows of one table: each is replaced by one with a higher number alone.
import { KEEP_LAPSED_MS, type Crls, type KeptCrl } from '../../../../ports/revocation/crls.ts';
import type { Database } from './database.ts';

interface Waits {
  readonly signal: AbortSignal;
}

const NUMBERS = 'SELECT issuer, number FROM crls WHERE trust = $1 ORDER BY issuer';
const READ = 'SELECT issuer, number, next_update_ms, certificate, der FROM crls WHERE trust = $1 ORDER BY issuer';
/** Gives a row only when it was kept. Parameters: trust, issuer, number, next update, certificate and list in base64, what is forgotten. */
const KEEP = `WITH lapsed AS (DELETE FROM crls WHERE trust = $1 AND issuer <> $2 AND next_update_ms <= $7::bigint)
  INSERT INTO crls (trust, issuer, number, next_update_ms, certificate, der)
    VALUES ($1, $2, $3::bigint, $4::bigint, $5, $6)
  ON CONFLICT (trust, issuer) DO UPDATE
    SET number = excluded.number, next_update_ms = excluded.next_update_ms, der = excluded.der
    WHERE crls.number < excluded.number
  RETURNING 1`;

export class PostgresCrls implements Crls {
  readonly #database: Database;
  readonly #trust: string;
  #crls: readonly KeptCrl[] = [];
  /** Which lists `#crls` are. */
  #numbers = '';

  /** @param settings.trust whose issuers they are of: the trust domain. */
  constructor({ database }: { readonly database: Database }, settings: { readonly trust: string }) {
    this.#database = database;
    this.#trust = settings.trust;
  }

  async all(options: Waits): Promise<readonly KeptCrl[]> {
    options.signal.throwIfAborted();
    // It is asked every few seconds, and a list may be long.
    const rows = await this.#database.query(NUMBERS, [this.#trust], options);
    const numbers = rows.map(({ issuer, number }) => `${String(issuer)} ${String(number)}`).join();
    if (numbers === this.#numbers) return this.#crls;
    const found = await this.#database.query(READ, [this.#trust], options);
    this.#crls = found.map((row) => ({
      issuer: String(row['issuer']),
      number: Number(row['number']),
      nextUpdateMs: Number(row['next_update_ms']),
      certificateDer: Buffer.from(String(row['certificate']), 'base64'),
      der: Buffer.from(String(row['der']), 'base64'),
    }));
    this.#numbers = this.#crls.map(({ issuer, number }) => `${issuer} ${number}`).join();
    return this.#crls;
  }

  async keep(crl: KeptCrl, { nowMs, signal }: Waits & { readonly nowMs: number }): Promise<boolean> {
    signal.throwIfAborted();
    const { issuer, number, nextUpdateMs, certificateDer, der } = crl;
    const texts = [certificateDer, der].map((bytes) => Buffer.from(bytes).toString('base64'));
    const values = [this.#trust, issuer, number, nextUpdateMs, ...texts, nowMs - KEEP_LAPSED_MS];
    const rows = await this.#database.commit(KEEP, values, { signal });
    return rows.length === 1;
  }
}
