// What it takes to judge a client certificate: our issuers, past and present, those that are listed beside them,
// what is on record of their leaves, and how old the proof behind a leaf may be for its class.
import { createHash } from 'node:crypto';
import type { Watching } from '../../../adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { clientCertificateAuthenticator } from '../../../adapters/credentials/client-certificate.ts';
import { FurtherIssuers } from '../../../adapters/credentials/further-issuers.ts';
import { KnownIssuers } from '../../../authority/trust/known-issuers.ts';
import type { Config } from '../../../config/schema.ts';
import type { KubernetesIdentity } from '../../../domain/identity/kubernetes-identity.ts';
import { classOf } from '../../../domain/policy/evaluation/applicable.ts';
import { isTainted, type IssuerLedger } from '../../../domain/trust/issuer-ledger.ts';
import type { CaCertificate } from '../../../domain/x509/ca-certificate.ts';
import type { Authenticator } from '../../../ports/issuing/authenticator.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { LeafRecords } from '../../../ports/storage/issuance-history.ts';
import type { FormerIssuers, IssuerRecords } from '../../../ports/storage/issuer-records.ts';
import type { Issuers } from '../../../ports/issuing/issuers.ts';
import type { PolicySource } from '../../../ports/policy/policy-source.ts';

export interface CertificateParts {
  readonly clock: Clock;
  readonly files: Watching;
  readonly events: Events;
  readonly issuers: Issuers;
  readonly journal: IssuerRecords;
  readonly former: FormerIssuers;
  readonly leaves: LeafRecords;
  readonly policies: PolicySource;
  /** What operators decided about issuers. */
  readonly ledger: { current(): IssuerLedger };
}

export interface ClientCertificates {
  readonly authenticator: Authenticator;
  /** Of other servers of the same mesh, as a file has them. */
  readonly furtherIssuers: () => readonly CaCertificate[];
  /** Before anybody may call. @throws AuthorityError CAP-X03 naming a file of issuers, or CAP-S04. */
  start(options: { readonly signal: AbortSignal }): Promise<void>;
}

export function composeClientCertificates(config: Config, parts: CertificateParts): ClientCertificates {
  const { clock, files, events, issuers, journal, former, leaves, policies, ledger } = parts;
  const { furtherIssuersFile: file, maxProofAge } = config.authentication;
  const own = new KnownIssuers({ issuers, records: journal, former, clock }, { longestLeafMs: config.lifetimes.max });
  const further =
    file === undefined ? undefined : new FurtherIssuers({ documents: watchedFiles({ [file]: file }, files), events });
  const furtherIssuers = () => further?.current() ?? [];
  const authenticator = clientCertificateAuthenticator({
    clock,
    trustDomain: config.trustDomain,
    records: leaves,
    ownIssuers: () => own.current(),
    lookForIssuers: async (options) => own.look(options),
    furtherIssuers,
    isTainted: (issuer) => isTainted(ledger.current(), generationOf(issuer)),
    maxProofAgeMs: (identity) => maxProofAgeOf(maxProofAge, policies, identity),
  });
  const start = async (options: { readonly signal: AbortSignal }): Promise<void> => {
    await own.start(options);
    await further?.start(options);
  };
  return { authenticator, furtherIssuers, start };
}

/** As `Issuer` names itself. */
function generationOf({ sha256, x509 }: CaCertificate): { readonly id: string; readonly keyId: string } {
  const spki = x509.publicKey.export({ type: 'spki', format: 'der' });
  return { id: sha256.slice(0, 16), keyId: createHash('sha256').update(spki).digest('hex') };
}

function maxProofAgeOf(
  maxProofAge: Config['authentication']['maxProofAge'],
  policies: PolicySource,
  identity: KubernetesIdentity,
): number {
  const issuanceClass = classOf(policies.current(), identity);
  switch (issuanceClass) {
    case 'control-plane':
      return maxProofAge.controlPlane;
    case 'gateway':
    case 'waypoint':
    case 'workload':
      return maxProofAge[issuanceClass];
    case 'self':
    case 'intermediate':
      // Nobody renews these by certificate; a bundle cannot assign them.
      return 0;
  }
}
