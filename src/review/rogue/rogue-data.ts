// What was found, as programs and pages read it: plain data, moments in ISO 8601.
import type { Severity } from '../findings.ts';
import { adviceOn, SELF_SIGNING, type Advice } from './advice.ts';
import type { NotRead, PlaceKind, SelfSigningIssuer, Sighting } from './found.ts';
import type { GatheredCertificate } from './gathered.ts';
import type { Rogue, RogueKind, RogueReport, Signer } from './judge-rogues.ts';
import { isCa } from './lineage.ts';
import type { KnownAs } from './trust.ts';

/** What stands behind `rogue/` in the id of a finding. */
export type FoundKind = RogueKind | 'self-signed-issuer';
export const FOUND_KINDS: readonly FoundKind[] = [
  'self-signed-ca',
  'foreign-ca',
  'path-length',
  'self-signed-leaf',
  'foreign-leaves',
  'self-signed-issuer',
];

export interface PlaceData {
  readonly kind: PlaceKind;
  readonly place: string;
  readonly part: string;
  readonly line?: number;
  readonly privateKey?: string;
  readonly madeBy?: string;
  readonly usedBy?: readonly string[];
}

export interface CertificateData {
  readonly subject: string;
  readonly issuer: string;
  readonly sha256: string;
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly ca: boolean;
  /** Whether its private key lies beside it. */
  readonly privateKey: boolean;
  /** The first of `placeCount`. */
  readonly places: readonly PlaceData[];
  readonly placeCount: number;
}

export interface RogueData extends CertificateData, Advice {
  readonly id: `rogue/${RogueKind}`;
  /** A warning once it has expired. */
  readonly severity: Severity;
  readonly selfSigned: boolean;
  readonly signer: Signer | null;
  readonly namesake: boolean;
  readonly leaves: { readonly count: number; readonly places: readonly PlaceData[] };
}

export interface IssuerData extends SelfSigningIssuer, Advice {
  readonly id: 'rogue/self-signed-issuer';
  readonly severity: Severity;
}

export interface RogueFindings {
  readonly found: readonly RogueData[];
  readonly issuers: readonly IssuerData[];
  readonly notRead: readonly NotRead[];
  /** Different certificates that were looked at. */
  readonly certificates: number;
  /** What was looked through, in words: `1,200 files`. */
  readonly lookedThrough: readonly string[];
}

export interface KnownData extends CertificateData {
  readonly as: KnownAs;
}

export function rogueFindings(
  { rogues, notRead, looked }: RogueReport,
  issuers: readonly SelfSigningIssuer[],
  lookedThrough: readonly string[],
): RogueFindings {
  return {
    found: rogues.map(rogueData),
    issuers: issuers.map((issuer) => ({
      id: 'rogue/self-signed-issuer',
      severity: 'error',
      ...issuer,
      ...SELF_SIGNING,
    })),
    notRead,
    certificates: looked,
    lookedThrough,
  };
}

export function knownData({ known }: Pick<RogueReport, 'known'>): readonly KnownData[] {
  return known.map(({ found, as }) => ({ as, ...certificateData(found) }));
}

function rogueData(rogue: Rogue): RogueData {
  const { kind, expired, signer, namesake, leaves } = rogue;
  return {
    id: `rogue/${kind}`,
    severity: expired ? 'warning' : 'error',
    ...certificateData(rogue),
    selfSigned: signer === undefined,
    signer: signer ?? null,
    namesake,
    leaves: { count: leaves.count, places: leaves.sightings.map(placeData) },
    ...adviceOn(rogue),
  };
}

function certificateData({
  certificate,
  sightings,
  sightingCount,
  hasPrivateKey,
}: GatheredCertificate): CertificateData {
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    sha256: certificate.sha256,
    serial: certificate.serial,
    notBefore: new Date(certificate.notBeforeMs).toISOString(),
    notAfter: new Date(certificate.notAfterMs).toISOString(),
    ca: isCa(certificate),
    privateKey: hasPrivateKey,
    places: sightings.map(placeData),
    placeCount: sightingCount,
  };
}

function placeData({ place, part, line, privateKey }: Sighting): PlaceData {
  const { kind, name, madeBy, usedBy } = place;
  return {
    kind,
    place: name,
    part,
    ...(line !== undefined && { line }),
    ...(privateKey !== undefined && { privateKey }),
    ...(madeBy !== undefined && { madeBy }),
    ...(usedBy !== undefined && { usedBy }),
  };
}
