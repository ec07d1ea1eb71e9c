// The issuers that a journal remembers, as they are.
import type { DatabaseSync } from 'node:sqlite';
import type { KeptIssuer } from './copied-store.ts';

const SELECT = 'SELECT id, certificate, longest_leaf_ms, until_ms FROM issuers';

export function issuersIn(database: DatabaseSync): readonly KeptIssuer[] {
  const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'issuers'").get() !== undefined;
  return known ? database.prepare(SELECT).all().map(keptIssuer) : [];
}

/** @param row of the table of issuers, of either store. */
export function keptIssuer(row: Readonly<Record<string, unknown>>): KeptIssuer {
  return {
    id: String(row['id']),
    certificateDer: row['certificate'] as Uint8Array,
    longestLeafMs: Number(row['longest_leaf_ms']),
    untilMs: Number(row['until_ms']),
  };
}

/** @returns one entry for each issuer, with the longest memory that any of them has. */
export function mergedIssuers(issuers: readonly KeptIssuer[]): readonly KeptIssuer[] {
  const merged = new Map<string, KeptIssuer>();
  for (const issuer of issuers) {
    const { longestLeafMs = 0, untilMs = 0 } = merged.get(issuer.id) ?? {};
    merged.set(issuer.id, {
      ...issuer,
      longestLeafMs: Math.max(longestLeafMs, issuer.longestLeafMs),
      untilMs: Math.max(untilMs, issuer.untilMs),
    });
  }
  return [...merged.values()];
}
