// A client certificate as proof of identity: how a workload renews with the certificate it has, which is all that a
// VM with an expired token can show. The listener judged the chain at the handshake; here is asked whether it is a
// leaf of ours, and what it goes back to. What it says is looked at once in a connection's life; its time, and the
// time of the proof behind it, at each call, because connections live longer than certificates.
import { X509Certificate } from 'node:crypto';
import { UNKNOWN_MS, type Caller, type Lineage } from '../../domain/identity/caller.ts';
import { kubernetesIdentityOf, type KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../domain/identity/spiffe-id.ts';
import type { TrustDomain } from '../../domain/identity/trust-domain.ts';
import type { CaCertificate } from '../../domain/x509/ca-certificate.ts';
import type { AuthenticationResult, Authenticator, PresentedCertificate } from '../../ports/issuing/authenticator.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { LeafRecord, LeafRecords } from '../../ports/storage/issuance-history.ts';

/** What a leaf is for as long as its connection lives. */
type Judgement = { readonly result: AuthenticationResult } | JudgedLeaf;

interface JudgedLeaf {
  readonly identity: KubernetesIdentity;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly origin: Origin;
  /** Every CA known here whose key signed it. */
  readonly signers: readonly CaCertificate[];
}

/** What a sound leaf goes back to, as far as anybody knows. */
type Origin =
  | {
      readonly kind: 'recorded';
      readonly lineage: Lineage;
      readonly proven: ProvenFacts;
      readonly trustAnchor?: string;
    }
  /** Of a listed issuer that keeps its own records; its time is unknown. */
  | { readonly kind: 'listed'; readonly lineage: Lineage }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'foreign' };

/** What the proof behind a leaf said: a renewal is of the same pod, of the same cluster. */
type ProvenFacts = Pick<Caller, 'pod' | 'attestation' | 'remoteCluster'>;

interface Waits {
  readonly signal: AbortSignal;
}

export interface ClientCertificateParts {
  readonly clock: Clock;
  readonly trustDomain: TrustDomain;
  readonly records: LeafRecords;
  /** Our own issuers, as long as leaves of theirs may live. */
  readonly ownIssuers: () => readonly CaCertificate[];
  /** Looks for more of them, such as another server's newest. @throws AuthorityError CAP-S04 */
  readonly lookForIssuers: (options: Waits) => Promise<void>;
  /** Those that the operator takes beside them. */
  readonly furtherIssuers: () => readonly CaCertificate[];
  /** Whether operators tainted the key of an issuer: its leaves may be anybody's. Asked at each call. @throws AuthorityError CAP-S04 */
  readonly isTainted: (issuer: CaCertificate) => boolean;
  /** Longest time since the last proof by token or socket, in ms; Infinity where that does not matter. */
  readonly maxProofAgeMs: (identity: KubernetesIdentity) => number;
}

/**
 * @returns the authenticator that takes the leaf's single SPIFFE ID for the caller's. A sound leaf is insufficient
 *   where the proof behind it is too old (CAP-A08), the issuer is none of ours, or tainted (CAP-A09), or nothing is on record
 *   of it (CAP-A10). It throws as `LeafRecords` and `maxProofAgeMs` do.
 */
export function clientCertificateAuthenticator(parts: ClientCertificateParts): Authenticator {
  const { clock } = parts;
  /** Lives as long as the listener's record of the connection. */
  const judged = new WeakMap<PresentedCertificate, Judgement>();
  const judge = async (presented: PresentedCertificate, options: Waits): Promise<Judgement> => {
    const known = judged.get(presented) ?? (await judgeLeaf(presented, parts, options));
    judged.set(presented, known);
    return known;
  };
  return {
    authenticate: async ({ clientCertificate }, options) => {
      if (clientCertificate === undefined) return { outcome: 'absent' };
      const judgement = await judge(clientCertificate, options);
      return 'result' in judgement ? judgement.result : judgeTimes(judgement, parts, clock.nowMs());
    },
  };
}

function judgeTimes(leaf: JudgedLeaf, parts: ClientCertificateParts, nowMs: number): AuthenticationResult {
  const { identity, origin } = leaf;
  if (nowMs < leaf.notBeforeMs) return rejected('CAP-A02', 'it is not valid yet');
  if (nowMs > leaf.notAfterMs) return rejected('CAP-A02', 'it has expired');
  if (origin.kind === 'foreign') return insufficient('CAP-A09');
  if (leaf.signers.some(parts.isTainted)) return insufficient('CAP-A09', TAINTED);
  if (origin.kind === 'unknown') return insufficient('CAP-A10');
  const { lineage } = origin;
  const maxAgeMs = parts.maxProofAgeMs(identity);
  if (origin.kind === 'listed' && maxAgeMs < Infinity) {
    return insufficient('CAP-A10', 'its issuer is listed, but the age of the proof behind it is limited and unknown');
  }
  const endsMs = lineage.provenAtMs + maxAgeMs;
  if (nowMs > endsMs) return insufficient('CAP-A08', formatTime(lineage));
  return { outcome: 'authenticated', caller: callerOf(leaf, lineage, Math.min(leaf.notAfterMs, endsMs)) };
}

/** Serial and names of a recorded leaf are no secret, so a record does not tell its owner's from one that a thief of the key made. */
const TAINTED = 'its issuer is tainted, and proves nobody any more';

function formatTime({ provenAtMs }: Lineage): string {
  return provenAtMs === UNKNOWN_MS ? 'its time is not known here' : `it is of ${new Date(provenAtMs).toISOString()}`;
}

function callerOf({ identity, serial, origin }: JudgedLeaf, lineage: Lineage, expiresAtMs: number): Caller {
  const { proven = {}, trustAnchor } = origin.kind === 'recorded' ? origin : {};
  return {
    identity,
    authenticationMethod: 'client-certificate',
    credentialId: serial,
    lineage,
    expiresAtMs,
    ...(trustAnchor !== undefined && { trustAnchor }),
    ...proven,
  };
}

async function judgeLeaf(
  { leaf, problem }: PresentedCertificate,
  parts: ClientCertificateParts,
  options: Waits,
): Promise<Judgement> {
  if (problem !== undefined) return { result: rejected('CAP-A02', problem) };
  const certificate = new X509Certificate(leaf);
  if (certificate.ca) return { result: rejected('CAP-A02', 'it is the certificate of a CA') };
  const identity = identityIn(certificate, parts.trustDomain);
  if ('problem' in identity) return { result: rejected('CAP-A03', identity.problem) };
  if (!isForClients(certificate)) return { result: rejected('CAP-A02', 'it is not for client authentication') };
  const serial = certificate.serialNumber.toLowerCase().replace(/^0+/, '');
  const notBeforeMs = certificate.validFromDate.getTime();
  const notAfterMs = certificate.validToDate.getTime();
  const facts = { identity, serial, notBeforeMs, notAfterMs };
  return { ...facts, ...(await originOf(certificate, facts, parts, options)) };
}

/** A verification takes some 100 us; only an issuer of the right name comes to it. */
function issuersOf(leaf: X509Certificate, candidates: readonly CaCertificate[]): readonly CaCertificate[] {
  return candidates.filter(({ x509 }) => leaf.checkIssued(x509) && leaf.verify(x509.publicKey));
}

async function originOf(
  certificate: X509Certificate,
  leaf: Omit<JudgedLeaf, 'origin' | 'signers'>,
  parts: ClientCertificateParts,
  options: Waits,
): Promise<Pick<JudgedLeaf, 'origin' | 'signers'>> {
  const { records, furtherIssuers } = parts;
  const own = await ownIssuersOf(certificate, parts, options);
  const names = { identity: leaf.identity.spiffeId.uri, serial: leaf.serial, notAfterMs: leaf.notAfterMs };
  const record = own.length === 0 ? undefined : await records.recordOf(names, options);
  if (record !== undefined && own.some((issuer) => idOf(issuer) === record.issuer)) {
    const { lineage, trustAnchor } = record;
    const proven = provenIn(record);
    const origin = { kind: 'recorded', lineage, proven, ...(trustAnchor !== undefined && { trustAnchor }) } as const;
    return { origin, signers: own };
  }
  const [listed] = issuersOf(certificate, furtherIssuers());
  if (listed === undefined) return { origin: { kind: own.length === 0 ? 'foreign' : 'unknown' }, signers: own };
  const lineage = { id: `${idOf(listed)}:${leaf.serial}`, provenAtMs: UNKNOWN_MS };
  return { origin: { kind: 'listed', lineage }, signers: [...own, listed] };
}

/** A leaf of a stranger is looked for once more: it may be of another server's newest issuer. */
async function ownIssuersOf(
  certificate: X509Certificate,
  { ownIssuers, lookForIssuers }: ClientCertificateParts,
  options: Waits,
): Promise<readonly CaCertificate[]> {
  const own = issuersOf(certificate, ownIssuers());
  if (own.length > 0) return own;
  await lookForIssuers(options);
  return issuersOf(certificate, ownIssuers());
}

function provenIn({ pod, attestation, remoteCluster }: LeafRecord): ProvenFacts {
  return {
    ...(pod !== undefined && { pod }),
    ...(attestation !== undefined && { attestation }),
    ...(remoteCluster !== undefined && { remoteCluster }),
  };
}

/** As `Issuer.id`. */
function idOf({ sha256 }: CaCertificate): string {
  return sha256.slice(0, 16);
}

/** RFC 5280 section 4.2.1.12, id-kp-clientAuth. What we issue always says what it is for; what does not is not ours. */
function isForClients(certificate: X509Certificate): boolean {
  // Node types it as always there; a certificate without the extension has none.
  const usages = certificate.keyUsage as readonly string[] | undefined;
  return usages?.includes('1.3.6.1.5.5.7.3.2') ?? false;
}

/** X509-SVID section 2: exactly one URI SAN, a SPIFFE ID. Names of other types are not looked at. */
function identityIn({ subjectAltName = '' }: X509Certificate, trustDomain: TrustDomain) {
  // Node puts a name into quotes when it could be mistaken for more than one; a SPIFFE ID never is such a name.
  if (subjectAltName.includes('"')) return { problem: 'it carries a name that cannot be read' };
  const names = subjectAltName.split(', ').filter((name) => name.startsWith('URI:'));
  if (names.length !== 1) return { problem: `it carries ${names.length} URI names` };
  const spiffeId = SpiffeId.parse(names.join('').slice('URI:'.length));
  const identity = spiffeId instanceof SpiffeId ? kubernetesIdentityOf(spiffeId) : spiffeId;
  if ('problem' in identity) return { problem: `its URI name ${identity.problem}` };
  if (identity.trustDomain !== trustDomain) return { problem: `its trust domain is not ${trustDomain}` };
  return identity;
}

function rejected(reason: 'CAP-A02' | 'CAP-A03', detail: string): AuthenticationResult {
  return { outcome: 'rejected', reason, detail };
}

function insufficient(reason: 'CAP-A08' | 'CAP-A09' | 'CAP-A10', detail?: string): AuthenticationResult {
  return { outcome: 'insufficient', reason, ...(detail !== undefined && { detail }) };
}
