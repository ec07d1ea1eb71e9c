// The issuer and the trust anchors as the configuration names them: followed by a server, or looked at once by
// `capstan config check`.
import { existsSync } from 'node:fs';
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import { SystemRandom } from '../../../adapters/clock/system-random.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { DocumentIssuer, type StoreParts } from '../../../adapters/issuers/documents/document-issuer.ts';
import { keyGenerator } from '../../../adapters/issuers/memory/key-generator.ts';
import { memoryHandshake } from '../../../adapters/issuers/memory/memory-handshake.ts';
import { issuerTrial } from '../../../authority/trust/issuer-trial.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { SubjectAltName } from '../../../domain/x509/template.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Random } from '../../../ports/platform/random.ts';

export function composeIssuers(
  config: Config,
  parts: Pick<StoreParts, 'events' | 'clock'> & { readonly random: Random },
): DocumentIssuer {
  const { issuer, trustAnchors, trustDomain, sds } = config;
  const key = { path: issuer.keyFile, confidential: true } as const;
  const files = { anchors: trustAnchors.file, chain: issuer.chainFile, key };
  const documents = watchedFiles(files, parts.clock);
  const servingNames = servingNamesOf(config);
  const trial = issuerTrial({ ...parts, keys: keyGenerator, handshake: memoryHandshake }, { servingNames });
  const settings = { trustDomain, servingNames, partialAnchors: !sds.spiffeValidator };
  return new DocumentIssuer({ ...parts, documents, trial }, settings);
}

/** What the CA's own certificate is called. */
export function servingNamesOf({ serving: { dnsNames, ipAddresses } }: Config): readonly SubjectAltName[] {
  return [
    ...dnsNames.map((value) => ({ kind: 'dns', value }) as const),
    ...ipAddresses.map((value) => ({ kind: 'ip', value }) as const),
  ];
}

export interface CheckedIssuer {
  readonly problem?: string;
  readonly warnings: readonly string[];
}

/** @returns what a server would say of the files that are named, now; nothing when one of them is not on this machine. */
export async function checkIssuer(config: Config, clock: Pick<Clock, 'nowMs'>): Promise<CheckedIssuer | undefined> {
  const { issuer, trustAnchors } = config;
  if (![issuer.chainFile, issuer.keyFile, trustAnchors.file].every((file) => existsSync(file))) return undefined;
  const warnings: string[] = [];
  const events: StoreParts['events'] = { ...UNHEARD, trustWarning: ({ problem }) => warnings.push(problem) };
  const machine = new SystemClock({ wallMs: () => clock.nowMs() });
  const store = composeIssuers(config, { clock: machine, random: new SystemRandom(), events });
  const once = new AbortController();
  try {
    await store.start({ signal: once.signal });
    return { warnings };
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error;
    return { problem: error.detail ?? error.message, warnings };
  } finally {
    once.abort();
  }
}

const ignore = (): void => undefined;
const UNHEARD = { reloaded: ignore, reloadFailed: ignore, issuerInForce: ignore, bundleInForce: ignore };
