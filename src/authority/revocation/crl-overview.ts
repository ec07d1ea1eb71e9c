// The revocation lists at hand, as operators see them: each of our issuers', those that were imported, and whether the sets that
// peers are given are complete.
import { AuthorityError } from '../../domain/errors.ts';
import { crlTimeProblem } from '../../domain/x509/crl/judge-crl.ts';
import type { Crl } from '../../domain/x509/crl/read-crl.ts';
import type { CaCertificate } from '../../domain/x509/ca-certificate.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { CrlSet, CrlsInForce } from './crls-in-force.ts';

export interface CrlRow {
  /** Of the CA whose list it is: hex SHA-256 of its certificate, first 16 digits. Absent where no CA here is meant. */
  readonly id?: string;
  readonly subject: string;
  readonly imported: boolean;
  /** Hex of the CRL number; absent in a list that has none. */
  readonly number?: string;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** How many certificates it lists. */
  readonly revoked: number;
  readonly sha256: string;
  /** Why it is in no use, in words that follow its name; absent while it may be. */
  readonly problem?: string;
}

/** A set that is handed out, until when at most; or what is missing, so that none of it is. */
export type CrlSetRow = { readonly set: CrlSet } & (
  { readonly untilMs: number } | { readonly missing: readonly string[] }
);

export interface CrlOverview {
  readonly lists: readonly CrlRow[];
  readonly sets: readonly CrlSetRow[];
}

/** One list, whole. */
export interface CrlDetails {
  readonly row: CrlRow;
  /** Base64 of its DER. */
  readonly der: string;
}

interface Parts {
  readonly inForce: Pick<CrlsInForce, 'lists' | 'sets'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export function crlOverview({ inForce, clock }: Parts): CrlOverview {
  const nowMs = clock.nowMs();
  return { lists: inForce.lists().map((one) => rowOf(one, nowMs)), sets: inForce.sets() };
}

/** @param id of the CA, or the whole SHA-256 of its list. @throws AuthorityError CAP-O02 when there is no list of it. */
export function crlDetails({ inForce, clock }: Parts, id: string): CrlDetails {
  const found = inForce.lists().find(({ crl, by }) => by?.sha256.slice(0, 16) === id || crl.sha256 === id);
  if (found === undefined)
    throw new AuthorityError('CAP-O02', {
      detail: 'there is no revocation list of that CA: capstan crl list has them',
    });
  return { row: rowOf(found, clock.nowMs()), der: Buffer.from(found.crl.der).toString('base64') };
}

interface Known {
  readonly crl: Crl;
  readonly by: CaCertificate | undefined;
  readonly imported: boolean;
}

function rowOf({ crl, by, imported }: Known, nowMs: number): CrlRow {
  const { number, thisUpdateMs, nextUpdateMs, serials, sha256 } = crl;
  const problem = by === undefined ? 'is signed by no CA above an issuer here' : crlTimeProblem(crl, nowMs);
  return {
    ...(by && { id: by.sha256.slice(0, 16) }),
    subject: by?.subject ?? '-',
    imported,
    ...(number !== undefined && { number }),
    thisUpdateMs,
    nextUpdateMs,
    revoked: serials.size,
    sha256,
    ...(problem !== undefined && { problem }),
  };
}
