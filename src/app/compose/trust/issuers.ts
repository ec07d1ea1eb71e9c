// The issuers and the trust anchors as the configuration names them: followed by a server, or looked at once by
// `capstan config check`.
import { existsSync } from 'node:fs';
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import { SystemRandom } from '../../../adapters/clock/system-random.ts';
import { watchFolder, type Watching } from '../../../adapters/files/watch-folder.ts';
import { DocumentIssuer, type DocumentIssuerParts } from '../../../adapters/issuers/documents/document-issuer.ts';
import { DocumentIssuers } from '../../../adapters/issuers/documents/document-issuers.ts';
import { keyGenerator } from '../../../adapters/issuers/memory/key-generator.ts';
import { memoryHandshake } from '../../../adapters/issuers/memory/memory-handshake.ts';
import { pemSignerOpener } from '../../../adapters/issuers/memory/pem-signer-opener.ts';
import { issuerTrial } from '../../../authority/trust/issuer-trial.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { HostName } from '../../../domain/x509/template.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Random } from '../../../ports/platform/random.ts';
import { issuerDocuments } from './issuer-documents.ts';

type IssuerParts = Pick<DocumentIssuerParts, 'events' | 'clock' | 'beforeInForce' | 'wasInForce'> & {
  readonly random: Random;
  readonly files: Watching;
};

export function composeIssuers(config: Config, parts: IssuerParts): DocumentIssuers {
  const { issuer, additionalIssuers, trustAnchors, trustDomain, sds, cluster, lifetimes } = config;
  const servingNames = servingNamesOf(config);
  const { from, trustedNodeAccounts } = cluster.kubernetes;
  const ambient = from !== undefined && trustedNodeAccounts.length > 0;
  const trial = issuerTrial({ ...parts, keys: keyGenerator, handshake: memoryHandshake }, { servingNames, ambient });
  const shared = { ...parts, trial, opener: pemSignerOpener };
  const { keyWarnings } = issuer;
  const settings = { trustDomain, servingNames, partialAnchors: !sds.spiffeValidator, keyWarnings };
  const documents = issuerDocuments(issuer, { anchorsFile: trustAnchors.file }, parts.files);
  const unbounded = { maxTtlMs: Infinity };
  const first = new DocumentIssuer(
    { ...shared, documents },
    { ...settings, name: issuer.name, bounds: unbounded, longestLeafMs: lifetimes.max },
  );
  const additional = additionalIssuers.map(({ name, maxTtl, ...place }) => {
    const own = issuerDocuments(place, { anchorsFile: undefined }, parts.files);
    return new DocumentIssuer(
      { ...shared, documents: own, trustAnchors: first.trustAnchors },
      {
        ...settings,
        name,
        bounds: { maxTtlMs: maxTtl ?? Infinity },
        longestLeafMs: Math.min(lifetimes.max, maxTtl ?? Infinity),
      },
    );
  });
  return new DocumentIssuers(first, additional);
}

/** What the CA's own certificate is called. */
export function servingNamesOf({ serving: { dnsNames, ipAddresses } }: Config): readonly HostName[] {
  return [
    ...dnsNames.map((value) => ({ kind: 'dns', value }) as const),
    ...ipAddresses.map((value) => ({ kind: 'ip', value }) as const),
  ];
}

export interface CheckedIssuer {
  readonly problem?: string;
  readonly warnings: readonly string[];
  /** What is wrong with additional issuers: the server starts all the same. */
  readonly additional?: string;
}

/** @returns what a server would say of the files that are named, now; nothing when one of the default issuer's is not on this machine. */
export async function checkIssuer(config: Config, clock: Pick<Clock, 'nowMs'>): Promise<CheckedIssuer | undefined> {
  const { issuer, trustAnchors } = config;
  const { chainFile, keyFile, keyPassphraseFile, directory } = issuer;
  const named = [chainFile, keyFile, keyPassphraseFile, directory, trustAnchors.file];
  if (!named.every((file) => file === undefined || existsSync(file))) return undefined;
  const warnings: string[] = [];
  const events: DocumentIssuerParts['events'] = { ...UNHEARD, trustWarning: ({ problem }) => warnings.push(problem) };
  const machine = new SystemClock({ wallMs: () => clock.nowMs() });
  const store = composeIssuers(config, {
    clock: machine,
    files: { clock: machine, watchFolder },
    random: new SystemRandom(),
    events,
    // Nobody can tell here: what a server would take only for that is warned of.
    wasInForce: async () => true,
  });
  const once = new AbortController();
  try {
    await store.start({ signal: once.signal });
    const additional = store.additionalProblem(clock.nowMs());
    return { warnings, ...(additional !== undefined && { additional }) };
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error;
    return { problem: error.detail ?? error.message, warnings };
  } finally {
    once.abort();
  }
}

const ignore = (): void => undefined;
const UNHEARD = { reloaded: ignore, reloadFailed: ignore, issuerInForce: ignore, bundleInForce: ignore };
