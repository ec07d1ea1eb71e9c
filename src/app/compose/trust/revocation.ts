// Revocation lists: signed by one process of each server, known to all, handed out where the configuration says.
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { crlRoutes } from '../../../adapters/http/publication/crl-routes.ts';
import { HttpServer } from '../../../adapters/http/observation/server.ts';
import { DocumentCrls } from '../../../adapters/issuers/documents/document-crls.ts';
import { CrlSigner } from '../../../authority/revocation/crl-signer.ts';
import { CrlsInForce, type CrlSet } from '../../../authority/revocation/crls-in-force.ts';
import { listBeforeLeaves, SETTLE_MS } from '../../../authority/revocation/lists-before-leaves.ts';
import { RevokedByBans } from '../../../authority/revocation/revoked-by-bans.ts';
import type { RevocationFeed } from '../../../authority/svids/workload-secrets.ts';
import type { Config } from '../../../config/schema.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import { readyIssuersOf } from '../../../ports/issuing/issuers.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import type { FollowedLedgers } from '../stores/followed-ledgers.ts';
import type { Trust } from './trust.ts';

export interface Revocation {
  readonly inForce: CrlsInForce;
  /** Present where lists are sent over SDS. */
  readonly feed: RevocationFeed | undefined;
  /** Present where they are served over HTTP. */
  readonly http: HttpServer | undefined;
}

interface Former {
  readonly storage: Storage;
  readonly trust: Trust;
  readonly credentials: Credentials;
  readonly ledgers: Pick<FollowedLedgers, 'bans'>;
}

/** @returns nothing where lists are handed out nowhere. */
export function composeRevocation(config: Config, foundation: Foundation, former: Former): Revocation | undefined {
  const { crl, sds, lifetimes, trustAnchors } = config;
  const inConfigMaps = config.cluster.kubernetes.publish.crlConfigMap.enabled;
  if (crl.address === undefined && !sds.crl && !inConfigMaps) return undefined;
  const { clock, events, health, startUp, running: signal, files, worker } = foundation;
  const { storage, trust, credentials, ledgers } = former;
  const { crls, history, revokedLeaves: leaves } = storage;
  const revoked = new RevokedByBans({ ledger: ledgers.bans, leaves, clock }, { longestLeafMs: lifetimes.max });
  const { issuers } = trust;
  const { crlFile } = trustAnchors;
  const chains = (crl.address !== undefined || inConfigMaps) && crlFile !== undefined;
  const documents = crlFile === undefined ? undefined : watchedFiles({ crls: crlFile }, files);
  const imported = new DocumentCrls({ documents, clock, events });
  const sets: readonly CrlSet[] = [...(sds.crl ? (['leaf'] as const) : []), ...(chains ? (['chain'] as const) : [])];
  const shared = { issuers, former: history, crls, clock, events };
  const furtherIssuers = () => credentials.furtherIssuers();
  const inForce = new CrlsInForce({ ...shared, imported, furtherIssuers, anchors: issuers.trustAnchors }, { sets });
  // Of several processes one signs; each hands out what it has signed.
  const signs = worker === undefined || worker.slot === 1;
  const settings = { lifetimeMs: crl.lifetime, backdateMs: lifetimes.backdate, longestLeafMs: lifetimes.max };
  const signer = signs ? new CrlSigner({ ...shared, revoked }, settings) : undefined;
  signer?.onSigned(() => inForce.lookSoon(), { signal });
  startUp.at('load', async () => {
    await imported.start({ signal });
    const before = await crls.all({ signal });
    await signer?.start({ signal });
    await inForce.start({ signal });
    const isListed = (id: string): boolean => before.some(({ issuer }) => issuer === id);
    if (!sds.crl) return;
    trust.beforeLeaves.wait = async (next, options) => {
      if (inForce.listOf(next.issuer.id) === undefined)
        await listBeforeLeaves({ signer, inForce, clock, events }, next, options);
    };
    // Other servers hand out its list while this one is not let ask for leaves.
    const isNew = before.length > 0 && !readyIssuersOf(issuers).every(({ id }) => isListed(id));
    if (isNew) await clock.sleep(SETTLE_MS, { signal });
  });
  health.report('revocation lists', () => degradedBy(signer?.problem ?? inForce.problem ?? imported.problem));
  const feed = { current: () => inForce.pemOf('leaf'), onChange: inForce.onChange.bind(inForce) };
  return { inForce, feed: sds.crl ? feed : undefined, http: serve(config, foundation, inForce) };
}

function serve(
  { crl: { address } }: Config,
  { clock, events, startUp, untilFlushed, worker }: Foundation,
  inForce: CrlsInForce,
): HttpServer | undefined {
  if (address === undefined) return undefined;
  const routes = crlRoutes({
    crl: (issuer) => inForce.listOf(issuer),
    chains: () => inForce.pemOf('chain')?.pem,
    nowMs: () => clock.nowMs(),
    events,
  });
  const settings = { ...address, name: 'the address of revocation lists', reusePort: worker !== undefined };
  const http = untilFlushed.use(new HttpServer({ routes }, settings));
  startUp.at('listen', async (options) => http.start(options));
  return http;
}
