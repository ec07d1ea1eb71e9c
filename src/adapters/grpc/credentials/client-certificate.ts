// A client certificate as proof of identity: how a workload renews with the certificate it has, which
// is all that a VM with an expired token can show. The listener judged the chain at the handshake; what the leaf
// says and what is on record of it is looked at once in a connection's life; time is judged at each call, because
// connections live longer than certificates.
import { X509Certificate } from 'node:crypto';
import type { Caller, Lineage } from '../../../domain/identity/caller.ts';
import { kubernetesIdentityOf } from '../../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../../domain/identity/spiffe-id.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import type { AuthenticationResult, Authenticator, PresentedCertificate } from '../../../ports/authenticator.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { LeafRecords } from '../../../ports/issuance-history.ts';

/** What a leaf says for as long as its connection lives. */
type Judgement =
  | { readonly result: AuthenticationResult }
  | {
      readonly caller: Caller;
      readonly lineage: Lineage | undefined;
      readonly notBeforeMs: number;
      readonly notAfterMs: number;
    };

export interface ClientCertificateParts {
  readonly clock: Clock;
  readonly trustDomain: TrustDomain;
  readonly records: LeafRecords;
}

/**
 * @returns the authenticator that takes the leaf's single SPIFFE ID for the caller's. Where nobody knows what the
 *   leaf goes back to, it is insufficient (CAP-A10).
 */
export function clientCertificateAuthenticator(parts: ClientCertificateParts): Authenticator {
  const { clock } = parts;
  /** Lives as long as the listener's record of the connection. */
  const judged = new WeakMap<PresentedCertificate, Judgement>();
  const judge = (presented: PresentedCertificate): Judgement => {
    const known = judged.get(presented) ?? judgeLeaf(presented, parts);
    judged.set(presented, known);
    return known;
  };
  return {
    authenticate: async ({ clientCertificate }) => {
      if (clientCertificate === undefined) return { outcome: 'absent' };
      const judgement = judge(clientCertificate);
      if ('result' in judgement) return judgement.result;
      const { caller, lineage, notBeforeMs, notAfterMs } = judgement;
      const nowMs = clock.nowMs();
      if (nowMs < notBeforeMs) return rejected('CAP-A02', 'it is not valid yet');
      if (nowMs > notAfterMs) return rejected('CAP-A02', 'it has expired');
      if (lineage === undefined) return insufficient('CAP-A10');
      return { outcome: 'proven', caller: { ...caller, lineage } };
    },
  };
}

function judgeLeaf({ leaf, problem }: PresentedCertificate, parts: ClientCertificateParts): Judgement {
  if (problem !== undefined) return { result: rejected('CAP-A02', problem) };
  const certificate = new X509Certificate(leaf);
  if (certificate.ca) return { result: rejected('CAP-A02', 'it is the certificate of a CA') };
  const identity = identityIn(certificate, parts.trustDomain);
  if ('problem' in identity) return { result: rejected('CAP-A03', identity.problem) };
  const notAfterMs = certificate.validToDate.getTime();
  const serial = certificate.serialNumber.toLowerCase().replace(/^0+/, '');
  const record = parts.records.recordOf({ identity: identity.spiffeId.uri, serial, notAfterMs });
  const lineage = record?.lineage;
  return {
    caller: { identity, provenBy: 'client-certificate', evidence: serial, expiresAtMs: notAfterMs },
    lineage,
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs,
  };
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

function insufficient(reason: 'CAP-A10', detail?: string): AuthenticationResult {
  return { outcome: 'insufficient', reason, ...(detail !== undefined && { detail }) };
}
