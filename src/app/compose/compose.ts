// The one place that names concrete parts and hands each its own slice of the configuration. What is
// built here is started by `start`, in the order in which parts need each other. It is long because it is one straight
// list of parts; each that is more than a few lines has a file `compose-…` of its own.
import { SystemClock } from '../../adapters/clock/system-clock.ts';
import { SystemRandom } from '../../adapters/clock/system-random.ts';
import { WatchClock } from '../../adapters/clock/watch-clock.ts';
import { csrService } from '../../adapters/grpc/csr/service.ts';
import type { ServiceRegistration } from '../../adapters/grpc/listeners/listener-view.ts';
import { PlaintextListener } from '../../adapters/grpc/listeners/plaintext-listener.ts';
import { SdsService } from '../../adapters/grpc/sds/service.ts';
import { Sources } from '../../adapters/grpc/listeners/sources.ts';
import { TlsListener } from '../../adapters/grpc/listeners/tls-listener.ts';
import { UnixListener } from '../../adapters/grpc/listeners/unix-listener.ts';
import { administerPolicyTime } from '../../adapters/http/admin/administer-policy-time.ts';
import { administerSds } from '../../adapters/http/admin/administer-sds.ts';
import { administrationRoutes } from '../../adapters/http/admin/administration.ts';
import { AdministrationSocket } from '../../adapters/http/admin/administration-socket.ts';
import { observationRoutes } from '../../adapters/http/observation/routes.ts';
import { HttpServer } from '../../adapters/http/observation/server.ts';
import type { DocumentIssuer } from '../../adapters/issuers/documents/document-issuer.ts';
import type { ManifestClusterView } from '../../adapters/kubernetes/manifests/manifest-cluster-view.ts';
import { keyGenerator } from '../../adapters/issuers/memory/key-generator.ts';
import type { VerifiedPolicyBundle } from '../../adapters/policy/bundle/sources/bundle-source.ts';
import { SqliteIssuanceHistory } from '../../adapters/storage/sqlite/sqlite-issuance-history.ts';
import { SqliteJournal } from '../../adapters/storage/sqlite/sqlite-journal.ts';
import { openTelemetry, type Telemetry } from '../../adapters/telemetry/telemetry.ts';
import { csrAuthority } from '../../authority/surface/answer-csr.ts';
import { RefusalRecords } from '../../authority/issuing/refusal-records.ts';
import {
  issueServingCertificate,
  keepServingCertificate,
  servingProblem,
  type ServingCertificate,
} from '../../authority/serving-certificate.ts';
import { StrandedIssuers } from '../../authority/trust/stranded-issuers.ts';
import { SharedWorkloadSecrets } from '../../authority/svids/workload-secrets.ts';
import { administrationSocketOf } from '../../config/administration-socket.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { IssuerStore } from '../../ports/issuing/issuer-store.ts';
import { composeAuthenticators } from './authenticators.ts';
import { composeClientCertificates } from './client-certificates.ts';
import { composeFederation } from './federation.ts';
import { composeIssuers, servingNamesOf } from './issuers.ts';
import { composePolicies, policyInForce, policyProblem, recordSetBack } from './policies.ts';
import { followSockets } from '../follow-sockets.ts';
import type { Lifecycle } from '../lifecycle.ts';
import { localPolicyReadiness, policyTimeReadiness } from '../policy-readiness.ts';
import { degradedBy, Readiness } from '../readiness.ts';
import { SdsSockets, type WantedSocket } from '../sds-sockets.ts';

export interface Composition {
  readonly events: Events;
  readonly issuers: IssuerStore;
  readonly policyBundle: () => VerifiedPolicyBundle;
  readonly manifests: ManifestClusterView | undefined;
  readonly tls: TlsListener;
  readonly http: HttpServer;
  readonly plaintext: PlaintextListener | undefined;
  readonly sockets: SdsSockets;
  readonly readiness: Readiness;
  /** Has everything that is followed looked at again soon: files, policy, manifests, sockets. */
  reread(): void;
  /** Resolves when everything listens. @throws AuthorityError `config_invalid` naming what is in the way. */
  start(options: { readonly signal: AbortSignal }): Promise<void>;
}

/** Builds every part; nothing runs yet but the log. Each part registers with the lifecycle how it stops. */
export function compose(config: Config, lifecycle: Lifecycle, clock: Clock = new SystemClock()): Composition {
  const telemetry = composeTelemetry(config, lifecycle);
  const { events, tracer } = telemetry;
  const watching = new WatchClock(clock);
  const random = new SystemRandom();
  const journal = new SqliteJournal(
    { clock, events },
    { file: config.journal.file, retentionMs: config.journal.retention },
  );
  const issuers = composeIssuers(config, { clock: watching, random, events });
  telemetry.observeAnchors(() => issuers.anchors());
  const history = new SqliteIssuanceHistory(config.journal.file);
  lifecycle.at('flush', 'issuance history', () => history[Symbol.dispose]());
  const policy = composePolicies(config, { clock: watching, random, events, issuers, history });
  const { policies, cluster, judgement } = policy;
  const certificates = composeClientCertificates(config, {
    clock: watching,
    events,
    issuers,
    journal,
    history,
    policies,
  });
  const refusals = new RefusalRecords({ journal, events, clock });
  const recording = { journal, refusals, events, clock, random };
  const parts = { ...recording, issuers, policies, cluster, judgement, tracer, keys: keyGenerator };

  const sockets = composeSockets(config, events, () => sds.register);
  const authentication = composeAuthenticators(config, { clock: watching, events, sockets, certificates });
  const federated = composeFederation(config, { clock: watching, events });
  const trusting = { ...parts, federated, authenticators: authentication.authenticators };
  const secrets = composeSecrets(config, trusting);
  const sds = composeSds(config, { secrets, clock, random, events });
  const csr = csrService(
    { authority: csrAuthority(trusting, lifetimesOf(config)), events },
    {
      deadlineMs: config.listen.requestTimeout,
      maxInFlight: config.listen.maxRequestsInFlight,
      maxInFlightEach: config.listen.maxRequestsPerNamespace,
    },
  );
  const services = [csr, sds.register];
  const sources = new Sources(config.listen.gateways);
  const tls = new TlsListener(
    { clock, events, services, sources },
    { ...limitsOf(config), ...config.listen.tls.address },
  );
  const plaintext = composePlaintext(config, events, services);
  let open = false;
  let serving: ServingCertificate | undefined;
  const readiness = composeReadiness({
    lifecycle,
    journal,
    issuers,
    sockets,
    clock,
    open: () => open,
    serving: () => serving,
    minLifetimeMs: config.lifetimes.min,
    manifests: policy.manifests,
  });
  readiness.add('policy', () => policyProblem(judgement));
  readiness.add('local policies', localPolicyReadiness(policies));
  readiness.add('policy time', policyTimeReadiness(policy.bundles, clock));
  const stranded = new StrandedIssuers(
    { issuers, former: history, clock, events },
    { longestLeafMs: config.lifetimes.max },
  );
  readiness.add('trust anchors', () => degradedBy(stranded.problem()));
  readiness.add('token keys', authentication.problem);
  telemetry.observeParts(() => readiness.report());
  const http = new HttpServer(
    {
      routes: observationRoutes({
        readiness: () => readiness.report(),
        policy: () => policyInForce(policies),
        collect: telemetry.collect,
        events,
      }),
    },
    config.listen.http.address,
  );

  const administration = new AdministrationSocket(
    {
      routes: administrationRoutes(
        [
          administerSds({ status: () => sds.status() }),
          administerPolicyTime({
            read: () => ({ timeMs: policy.bundles.timeMs(), clockMs: clock.nowMs() }),
            setBack: async (expectedMs) => policy.bundles.setTimeBack(expectedMs, recordSetBack(journal)),
          }),
        ],
        { events },
      ),
      clock,
    },
    { path: administrationSocketOf(config) },
  );
  readiness.add('federated bundles', () => degradedBy(federated.problem));
  readiness.add('administration', () => degradedBy(administration.problem));

  const background = new AbortController();
  const listeners = [tls, sockets, ...(plaintext === undefined ? [] : [plaintext])];
  const { drainDeadline: deadlineMs } = config.shutdown;
  lifecycle.at('flush', 'http', async () => http[Symbol.asyncDispose]());
  lifecycle.at('flush', 'administration', async () => administration[Symbol.asyncDispose]());
  lifecycle.at('flush', 'journal', async () => journal[Symbol.asyncDispose]());
  lifecycle.at('flush', 'counted refusals', async () => refusals.endInterval());
  lifecycle.at('stop-watchers', 'background work', () => background.abort());
  lifecycle.at('stop-accepting', 'listeners', () => listeners.forEach((listener) => listener.stopAccepting()));
  lifecycle.at('drain', 'listeners', async () => {
    await Promise.all(listeners.map(async (listener) => listener.drain({ deadlineMs })));
  });

  const start = async ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
    const { signal: running } = background;
    await http.start({ signal });
    await journal.start({ signal });
    await administration.open();
    void administration.keep({ signal: running });
    await issuers.start({ signal: running });
    await policy.start({ signal: running });
    await authentication.start({ signal: running });
    stranded.start({ signal: running });
    await federated.start({ signal: running });
    secrets.start({ signal: running });
    void sds.run({ signal: running });
    void refusals.run({ signal: running });
    const install = (certificate: ServingCertificate): void => {
      serving = certificate;
      const { certificateChainPem, privateKeyPem } = certificate;
      tls.setServingCertificate({ certChainPem: certificateChainPem, keyPem: privateKeyPem });
    };
    await startServing(config, { ...parts, install }, tls, running);
    await tls.start({ signal });
    await plaintext?.start({ signal });
    await followSockets(config, watching, sockets, { signal: running });
    open = true;
  };
  const reread = (): void => watching.rouse();
  const { manifests, bundle: policyBundle } = policy;
  return { events, issuers, policyBundle, manifests, tls, http, plaintext, sockets, readiness, reread, start };
}

function composeTelemetry({ telemetry: settings }: Config, lifecycle: Lifecycle): Telemetry {
  const { endpoint, sampleRatio } = settings.traces;
  const telemetry = openTelemetry({
    log: { level: settings.logLevel, destination: settings.logFile ?? STDERR },
    ...(endpoint !== undefined && { traces: { endpoint, sampleRatio } }),
  });
  // Registered first, so flushed last: every other part may still have something to say.
  lifecycle.at('flush', 'telemetry', async () => telemetry[Symbol.asyncDispose]());
  return telemetry;
}

const STDERR = 2;

function lifetimesOf({ lifetimes }: Config) {
  return {
    defaultMs: lifetimes.default,
    maxMs: lifetimes.max,
    minMs: lifetimes.min,
    backdateMs: lifetimes.backdate,
    jitterPercent: lifetimes.jitterPercent,
  };
}

function limitsOf({ listen }: Config) {
  return {
    maxConnections: listen.maxConnections,
    unauthenticatedShare: listen.unauthenticatedShare,
    unauthenticatedTimeoutMs: listen.unauthenticatedTimeout,
    maxHandshakes: listen.maxHandshakes,
    handshakeTimeoutMs: listen.handshakeTimeout,
    maxStreamsPerConnection: listen.maxStreamsPerConnection,
  };
}

function composeSecrets(config: Config, parts: ConstructorParameters<typeof SharedWorkloadSecrets>[0]) {
  const { ttl, keyType, renewAt, rotationSpread, maxIdentities, namespaceShare } = config.sds;
  const maxIdentitiesPerNamespace = shareOf(maxIdentities, namespaceShare);
  const lifetimes = { ...lifetimesOf(config), defaultMs: ttl, maxMs: ttl };
  return new SharedWorkloadSecrets(parts, {
    lifetimes,
    keyType,
    renewAt,
    spreadMs: rotationSpread,
    maxIdentities,
    maxIdentitiesPerNamespace,
  });
}

/** Never none: every namespace gets in. */
function shareOf(most: number, share: number): number {
  return Math.max(1, Math.floor(most * share));
}

function composeSds(config: Config, parts: ConstructorParameters<typeof SdsService>[0]): SdsService {
  const { spiffeValidator, acknowledgeWithin, maxStreamAge, maxStreams, maxStreamsPerCaller, namespaceShare } =
    config.sds;
  return new SdsService(parts, {
    spiffeValidator,
    acknowledgeWithinMs: acknowledgeWithin,
    maxStreamAgeMs: maxStreamAge,
    maxStreams,
    maxStreamsPerCaller,
    maxStreamsPerNamespace: shareOf(maxStreams, namespaceShare),
    deadlineMs: config.listen.requestTimeout,
  });
}

/** The proxies of one workload on this node, with much room: no workload may use up the process's descriptors. */
const MAX_SOCKET_CONNECTIONS = 256;

function composeSockets(config: Config, events: Events, register: () => ServiceRegistration): SdsSockets {
  const all = limitsOf(config);
  const limits = { ...all, maxConnections: Math.min(all.maxConnections, MAX_SOCKET_CONNECTIONS) };
  const open = (socket: WantedSocket): UnixListener =>
    new UnixListener({ events, services: [register()] }, { ...limits, ...placeOf(socket) });
  return new SdsSockets({ events, open }, { trustDomain: config.trustDomain });
}

function placeOf({ path, mode, root }: WantedSocket) {
  return { path, mode, ...(root !== undefined && { root }) };
}

function composePlaintext(config: Config, events: Events, services: readonly ServiceRegistration[]) {
  const { address } = config.listen.plaintext;
  return address === undefined
    ? undefined
    : new PlaintextListener({ events, services }, { ...limitsOf(config), ...address });
}

function composeReadiness(parts: {
  readonly lifecycle: Lifecycle;
  readonly journal: SqliteJournal;
  readonly issuers: DocumentIssuer;
  readonly sockets: SdsSockets;
  readonly clock: Clock;
  /** Whether every listener that clients connect to accepts connections. */
  readonly open: () => boolean;
  readonly serving: () => ServingCertificate | undefined;
  /** An issuer with less left signs nothing. */
  readonly minLifetimeMs: number;
  readonly manifests: ManifestClusterView | undefined;
}): Readiness {
  const readiness = new Readiness();
  readiness.add('server', () => (parts.lifecycle.stopping ? 'the server is shutting down' : undefined));
  readiness.add('listeners', () => (parts.open() ? undefined : 'they are not open yet'));
  readiness.add('journal', () => {
    const { problem, checking } = parts.journal;
    return problem ?? (checking === undefined ? undefined : { degraded: checking });
  });
  readiness.add('serving certificate', () => servingProblem(parts.serving(), parts.clock.nowMs()));
  readiness.add('issuer', () => {
    const nowMs = parts.clock.nowMs();
    const problem = parts.issuers.problem(nowMs);
    if (typeof problem === 'string') return problem;
    const endMs = parts.issuers.current().signing.issuer.notAfterMs;
    const over = endMs < nowMs + parts.minLifetimeMs;
    return over ? `the issuer certificate ends at ${new Date(endMs).toISOString()}, within lifetimes.min` : problem;
  });
  readiness.add('cluster', () => degradedBy(parts.manifests?.problem));
  readiness.add('sds-sockets', () => parts.sockets.problem());
  return readiness;
}

/** The first serving certificate must exist before the listener does; later ones come by themselves. */
async function startServing(
  config: Config,
  parts: Parameters<typeof issueServingCertificate>[0],
  tls: TlsListener,
  signal: AbortSignal,
): Promise<void> {
  const { ttl } = config.serving;
  const names = servingNamesOf(config);
  const settings = { names, lifetimes: { ...lifetimesOf(config), defaultMs: ttl, maxMs: ttl } };
  tls.setClientTrust(parts.issuers.current().bundle.pem);
  parts.issuers.onChange(({ bundle }) => tls.setClientTrust(bundle.pem), { signal });
  const first = await issueServingCertificate(parts, settings, { signal });
  parts.install(first);
  void keepServingCertificate(parts, settings, first, { signal });
}
