// Which certificates the issuers of this CA sign with, and signed with before, each with its state.
import { createHash } from 'node:crypto';
import { AuthorityError } from '../../domain/errors.ts';
import { standingOf, type Generation, type IssuerLedger, type Standing } from '../../domain/trust/issuer-ledger.ts';
import type { LifecycleState } from '../../domain/trust/issuer-state.ts';
import { readCaCertificate } from '../../domain/x509/ca-certificate.ts';
import { certifiedOf, type Issuers, type NamedIssuer } from '../../ports/issuing/issuers.ts';
import type { FormerIssuers } from '../../ports/storage/issuer-records.ts';
import { generationKeyOf } from '../trust/governed-issuers.ts';

export interface KnownGeneration {
  readonly generation: Generation;
  /** Empty where there is no certificate here to read it from. */
  readonly subject: string;
  /** Its state while nobody does anything: `active` where it is what the issuer's files have, `retiring` for those before it. */
  readonly unmoved: Extract<LifecycleState, 'preparing' | 'prepared' | 'active' | 'retiring'>;
  /** Of the one in force. */
  readonly named?: NamedIssuer;
  /** When its last leaf is over at the latest, for a former one; in ms since the epoch. */
  readonly leavesUntilMs?: number;
}

export interface GenerationsParts {
  /** As their files are, whatever operators say. */
  readonly issuers: Pick<Issuers, 'all'>;
  readonly former: FormerIssuers;
}

/** What the issuers sign with now, or would if their keys answered. */
export function generationsInForce(issuers: Pick<Issuers, 'all'>): readonly KnownGeneration[] {
  return issuers.all().flatMap((named) => {
    const issuer = certifiedOf(named.state);
    if (issuer === undefined) return [];
    const generation = { issuer: named.name, ...generationKeyOf(issuer), notAfterMs: issuer.notAfterMs };
    return [{ generation, subject: issuer.subject, unmoved: 'active' as const, named }];
  });
}

/**
 * Those in force, former ones whose leaves may live, and those that are to follow, wherever they are kept. A former one is called as the ledger knows it, or by nothing.
 * @throws AuthorityError CAP-S04 when the former ones cannot be read.
 */
export async function generationsAt(
  { issuers, former }: GenerationsParts,
  ledger: IssuerLedger,
  nowMs: number,
  options: { readonly signal: AbortSignal },
): Promise<readonly KnownGeneration[]> {
  const inForce = generationsInForce(issuers);
  const ids = new Set(inForce.map(({ generation }) => generation.id));
  const names = new Map(ledger.moves.map(({ id, issuer }) => [id, issuer]));
  const before = (await former.issuersAt(nowMs, options)).flatMap(({ certificateDer, untilMs }): KnownGeneration[] => {
    const certificate = readCaCertificate(certificateDer);
    if ('problem' in certificate) return [];
    const id = certificate.sha256.slice(0, 16);
    if (ids.has(id)) return [];
    const keyId = createHash('sha256').update(certificate.spki).digest('hex');
    const generation = { issuer: names.get(id) ?? '', id, keyId, notAfterMs: certificate.notAfterMs };
    return [{ generation, subject: certificate.subject, unmoved: 'retiring', leavesUntilMs: untilMs }];
  });
  const known = [...inForce, ...before];
  return [...known, ...generationsToCome(ledger, new Set(known.map(({ generation }) => generation.id)), nowMs)];
}

/** What the ledger says of certificates that sign nothing yet. A key without one is called by its own digest until it has one. */
function generationsToCome(
  { moves }: IssuerLedger,
  known: ReadonlySet<string>,
  nowMs: number,
): readonly KnownGeneration[] {
  const last = new Map(moves.map((move) => [move.id, move]));
  return [...last.values()].flatMap(({ issuer, id, keyId, notAfterMs, from, to }): KnownGeneration[] => {
    const unmoved = to === 'suspended' ? from : to;
    if ((unmoved !== 'preparing' && unmoved !== 'prepared') || known.has(id) || notAfterMs <= nowMs) return [];
    if (moves.some((other) => other.keyId === keyId && other.id !== id && unmoved === 'preparing')) return [];
    return [{ generation: { issuer, id, keyId, notAfterMs }, subject: '', unmoved }];
  });
}

/** Who suspends and resumes a certificate records that it is `active`; that its files were replaced since is on record of a rollover alone. */
export function standingIn(ledger: IssuerLedger, { generation, unmoved }: KnownGeneration): Standing {
  const standing = standingOf(ledger, generation, unmoved);
  if (unmoved !== 'retiring' || standing.state !== 'active') return standing;
  const isOfRollover = ledger.moves.some(({ id, from }) => id === generation.id && from === 'prepared');
  return isOfRollover ? standing : { ...standing, state: unmoved };
}

/**
 * @param id the certificate that is meant; absent, it is the one that the issuer signs with.
 * @throws AuthorityError CAP-O02 when there is no such issuer or certificate.
 */
export function generationMeant(
  known: readonly KnownGeneration[],
  names: readonly string[],
  { issuer, id }: { readonly issuer: string; readonly id?: string | undefined },
): KnownGeneration {
  if (!names.includes(issuer))
    throw new AuthorityError('CAP-O02', { detail: `no issuer is called ${issuer}; there are ${names.join(', ')}` });
  const own = known.find(({ named, generation }) => (id === undefined ? named?.name === issuer : generation.id === id));
  if (own === undefined) {
    const which = id === undefined ? 'has no certificate in force: name one with --id' : `has no certificate ${id}`;
    throw new AuthorityError('CAP-O02', { detail: `issuer ${issuer} ${which}` });
  }
  if (own.named !== undefined && own.named.name !== issuer)
    throw new AuthorityError('CAP-O02', { detail: `certificate ${own.generation.id} is of issuer ${own.named.name}` });
  return { ...own, generation: { ...own.generation, issuer } };
}
