// The issuers and the trust anchors as the configuration names them: followed by a server, or looked at once by
// `capstan config check`.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import { SystemRandom } from '../../../adapters/clock/system-random.ts';
import { watchFolder, type Watching } from '../../../adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { DocumentIssuer } from '../../../adapters/issuers/documents/document-issuer.ts';
import type { DocumentIssuerParts } from '../../../adapters/issuers/documents/issuer-parts.ts';
import { DocumentIssuers } from '../../../adapters/issuers/documents/document-issuers.ts';
import { ISSUER_FILES } from '../../../adapters/issuers/documents/issuer-directory.ts';
import { keyGenerator } from '../../../adapters/issuers/memory/key-generator.ts';
import { memoryHandshake } from '../../../adapters/issuers/memory/memory-handshake.ts';
import { pemSignerOpener } from '../../../adapters/issuers/memory/pem-signer-opener.ts';
import { Pkcs11Opener } from '../../../adapters/issuers/pkcs11/pkcs11-opener.ts';
import { TokenProcess } from '../../../adapters/issuers/pkcs11/token-process.ts';
import { TransitOpener } from '../../../adapters/vault/transit/transit-opener.ts';
import type { GovernedAnchors } from '../../../authority/trust/governed-anchors.ts';
import { issuerTrial, type IssuerTrial } from '../../../authority/trust/issuer-trial.ts';
import type { Config } from '../../../config/schema.ts';
import { isInMemory, type IssuerPlace } from '../../../config/shapes/issuer.ts';
import { filesOf } from '../../../config/shapes/vault.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { HostName } from '../../../domain/x509/template.ts';
import type { PinTurns } from '../../../ports/issuing/pin-turns.ts';
import type { SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Random } from '../../../ports/platform/random.ts';
import type { InMemoryDocuments } from './custody/in-memory.ts';
import { issuerDocuments } from './custody/issuer-documents.ts';
import type { Named } from './custody/issuer-key.ts';
import { vaultParts } from './vault.ts';

type IssuerParts = Pick<DocumentIssuerParts, 'events' | 'clock' | 'beforeInForce' | 'wasInForce' | 'demands'> & {
  /** What is decided about trust anchors, and who may not sign yet because of it. */
  readonly anchors?: Pick<GovernedAnchors, 'govern' | 'onChange' | 'heldBack'>;
  readonly random: Random;
  readonly files: Watching;
  /** Tokens are let go when it aborts. */
  readonly until: AbortSignal;
  /** Where other processes of the server have the same tokens. */
  readonly pinTurns?: PinTurns | undefined;
  /** What the chain of the default issuer is called where its file is nothing that an operator knows. */
  readonly chainCalled?: string | undefined;
  /** Where there are issuers whose keys end with the server. */
  readonly inMemory?: InMemoryDocuments | undefined;
};

export function composeIssuers(config: Config, parts: IssuerParts): DocumentIssuers {
  const { issuer, additionalIssuers, trustAnchors, trustDomain, sds, cluster, lifetimes } = config;
  const servingNames = servingNamesOf(config);
  const { from, trustedNodeAccounts } = cluster.kubernetes;
  const ambient = from !== undefined && trustedNodeAccounts.length > 0;
  const { anchors: governed } = parts;
  const tried = issuerTrial({ ...parts, keys: keyGenerator, handshake: memoryHandshake }, { servingNames, ambient });
  const trial: IssuerTrial = async (material, options) =>
    (await tried(material, options)) ?? governed?.heldBack(material.issuer);
  const shared = { ...parts, trial };
  const openerOf = composeOpeners(parts);
  const placed = placesOf(parts, openerOf);
  const { keyWarnings } = issuer;
  const settings = { trustDomain, servingNames, partialAnchors: !sds.spiffeValidator, keyWarnings };
  const own = placed(issuer, trustAnchors.file);
  const documents = called(parts.chainCalled, own.documents);
  const unbounded = { maxTtlMs: Infinity };
  const first = new DocumentIssuer(
    { ...shared, ...own, documents, governed },
    { ...settings, name: issuer.name, bounds: unbounded, longestLeafMs: lifetimes.max },
  );
  const additional = additionalIssuers.map(({ maxTtl, ...place }) => {
    const { name } = place;
    return new DocumentIssuer(
      { ...shared, ...placed(place, undefined), trustAnchors: first.trustAnchors },
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

/** @returns what finds the documents of an issuer, and what opens its key. */
function placesOf(
  { files, inMemory }: Pick<IssuerParts, 'files' | 'inMemory'>,
  openerOf: ReturnType<typeof composeOpeners>,
) {
  return (place: Named, anchorsFile: string | undefined): Pick<DocumentIssuerParts, 'documents' | 'opener'> => {
    if (inMemory === undefined || !isInMemory(place))
      return { documents: issuerDocuments(place, { anchorsFile }, files), opener: openerOf(place) };
    const others = watchedFiles(anchorsFile === undefined ? {} : { anchors: anchorsFile }, files);
    return { documents: inMemory.documentsOf(place.name, others), opener: inMemory.opener };
  };
}

function called(chain: string | undefined, documents: DocumentSource): DocumentSource {
  if (chain === undefined) return documents;
  return {
    read: async () => documents.read(),
    placeOf: (name) => (name === 'chain' ? chain : documents.placeOf(name)),
    onChange: (listener, options) => documents.onChange(listener, options),
  };
}

/** Nothing of PKCS#11 is loaded here: it is in the processes that have the tokens. */
export function composeOpeners({
  clock,
  until,
  pinTurns,
}: Pick<IssuerParts, 'clock' | 'until' | 'pinTurns'>): (place: IssuerPlace) => SignerOpener {
  const tokens = new Pkcs11Opener({ clock, fork: () => new TokenProcess(clock) }, pinTurns);
  const transit = new TransitOpener(vaultParts(clock));
  for (const opener of [tokens, transit]) until.addEventListener('abort', () => opener.close(), { once: true });
  return (place) => {
    if (place.transit !== undefined) return transit;
    return place.pkcs11 === undefined ? pemSignerOpener : tokens;
  };
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
  /** The problem is that the place of the key does not answer now: nothing is known to be wrong, and a server would wait for it. */
  readonly away?: boolean;
  readonly warnings: readonly string[];
  /** What is wrong with additional issuers: the server starts all the same. */
  readonly additional?: string;
}

export interface Judgement {
  /** Whether a server that has signed with it before is meant. */
  readonly wasInForce?: boolean;
  /** What is asked of an issuer before it comes in force; absent, nothing is known of it. */
  readonly demands?: DocumentIssuerParts['demands'] | undefined;
  /** What is decided about trust anchors; absent, those in the files count. */
  readonly govern?: ((given: TrustBundle) => TrustBundle) | undefined;
  /** As `IssuerParts`. */
  readonly chainCalled?: string | undefined;
  readonly inMemory?: InMemoryDocuments | undefined;
}

/** @returns what a server would say of the files that are named, now; nothing when one of the default issuer's is not on this machine. */
export async function checkIssuer(
  config: Config,
  clock: Pick<Clock, 'nowMs'>,
  { wasInForce = true, demands, govern, chainCalled, inMemory }: Judgement = {},
): Promise<CheckedIssuer | undefined> {
  const { issuer, trustAnchors } = config;
  const { chainFile, keyFile, keyPassphraseFile, directory, pkcs11, transit } = issuer;
  const forKey = [keyFile, keyPassphraseFile, pkcs11?.module, pkcs11?.pinFile, ...(transit ? filesOf(transit) : [])];
  const named = [chainFile, directory, ...forKey, trustAnchors.file];
  if (!named.every((file) => file === undefined || existsSync(file))) return undefined;
  // Its first certificate comes from its CA.
  if (issuer.upstream !== undefined && directory !== undefined && !hasIssuer(directory)) return undefined;
  if (isInMemory(issuer) && inMemory === undefined) return undefined;
  const warnings: string[] = [];
  const events: DocumentIssuerParts['events'] = { ...UNHEARD, trustWarning: ({ problem }) => warnings.push(problem) };
  const machine = new SystemClock({ wallMs: () => clock.nowMs() });
  const once = new AbortController();
  // Of others in memory nothing is known here.
  const additionalIssuers = config.additionalIssuers.filter((one) => !isInMemory(one));
  const store = composeIssuers(
    { ...config, additionalIssuers },
    {
      clock: machine,
      files: { clock: machine, watchFolder },
      random: new SystemRandom(),
      events,
      // Nobody can tell here: what a server would take only for that is warned of.
      wasInForce: async () => wasInForce,
      ...(demands !== undefined && { demands }),
      ...(govern !== undefined && { anchors: { govern, onChange: ignore, heldBack: () => undefined } }),
      until: once.signal,
      chainCalled,
      inMemory,
    },
  );
  try {
    await store.start({ signal: once.signal });
    const additional = store.additionalProblem(clock.nowMs());
    return { warnings, ...(additional !== undefined && { additional }) };
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error;
    return { problem: error.detail ?? error.message, away: error.reason === 'CAP-S15', warnings };
  } finally {
    once.abort();
  }
}

function hasIssuer(directory: string): boolean {
  return ISSUER_FILES.some(({ name }) => existsSync(path.join(directory, name)));
}

const ignore = (): void => undefined;
const UNHEARD = {
  reloaded: ignore,
  reloadFailed: ignore,
  issuerInForce: ignore,
  issuerKeyLost: ignore,
  issuerKeyBack: ignore,
  bundleInForce: ignore,
};
