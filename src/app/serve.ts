// A running server, from a validated configuration to its last flushed line. Parts start in the order
// in which they are needed and stop in the order of lifecycle.ts, also when starting fails half-way. With several processes
// the server is a supervisor and its workers, and each of them runs this.
import type { ManifestCounts } from '../adapters/kubernetes/manifests/manifest-cluster-view.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../ports/platform/clock.ts';
import type { TroubledPart } from '../ports/platform/health.ts';
import { SystemClock } from '../adapters/clock/system-clock.ts';
import { compose, type Composition } from './compose/compose.ts';
import type { UpstreamOf } from './compose/trust/upstreams.ts';
import type { Foundation } from './compose/foundation.ts';
import { Lifecycle } from './lifecycle.ts';
import { composeSupervisor } from './supervisor/compose-supervisor.ts';
import { processCountOf } from './process-count.ts';
import type { WorkerPlace } from './worker-place.ts';

/** What is up, for the person who started it. */
export interface ServeReport {
  readonly tlsAddress: string;
  /** Empty for a worker: its supervisor answers probes. */
  readonly httpAddress: string;
  readonly plaintextAddress?: string;
  /** Of revocation lists. */
  readonly crlAddress?: string;
  /** Of the SPIFFE bundle endpoint. */
  readonly bundleAddress?: string;
  /** Of operators with a client certificate. */
  readonly administrationAddress?: string;
  /** Of metrics for other machines. */
  readonly metricsAddress?: string;
  /** Where browsers find the console, with the link that works once where there is one. */
  readonly consoleUrl?: string;
  readonly sockets: readonly string[];
  /** The parts that do not work as they should. */
  readonly troubled: readonly TroubledPart[];
  readonly trustDomain: string;
  /** Those that can sign now, the default one first. */
  readonly issuers: readonly {
    readonly name: string;
    readonly id: string;
    readonly subject: string;
    readonly notAfterMs: number;
  }[];
  readonly policy: {
    /** `name@sequence` */
    readonly bundle: string;
    readonly place: string;
    readonly signed: boolean;
  };
  /** Absent where no manifests are configured. */
  readonly cluster?: ManifestCounts;
  readonly anchors: readonly { readonly sha256: string; readonly subject: string; readonly notAfterMs: number }[];
}

export interface ServeOptions {
  /** Aborting it shuts the server down in order. */
  readonly signal: AbortSignal;
  /** On its event `reread` everything that is followed is looked at again, changed or not. */
  readonly rereads?: EventTarget;
  readonly onReady: (report: ServeReport) => void;
  /** The machine's, unless a test hands in one that it can set. */
  readonly clock?: Clock;
  /** Where this process is one worker of a server. */
  readonly worker?: WorkerPlace;
  /** Reaches the CA above an issuer; as the configuration says, unless a test hands in one of its own. */
  readonly upstreamOf?: UpstreamOf;
}

/** A process that serves: the one of a server, a worker, or a supervisor. */
export interface Server {
  readonly foundation: Foundation;
  /** Looks at everything that is followed. */
  readonly reread: () => void;
  /** Once it has started. */
  readonly report: () => ServeReport;
}

/**
 * Runs the server until the signal aborts; resolves when everything is flushed and closed.
 * @throws AuthorityError `config_invalid` when it cannot start, naming what is in the way.
 */
export async function serve(config: Config, options: ServeOptions): Promise<void> {
  const { signal, rereads, onReady } = options;
  const lifecycle = new Lifecycle();
  const server = composeServer(config, lifecycle, options);
  const { events, startUp } = server.foundation;
  rereads?.addEventListener('reread', () => {
    events.lifecycle({ phase: 'rereading' });
    server.reread();
  });
  try {
    events.lifecycle({ phase: 'starting' });
    await startUp.start({ signal });
    events.lifecycle({ phase: 'ready' });
    onReady(server.report());
    await aborted(signal);
    events.lifecycle({ phase: 'draining' });
  } catch (error) {
    // A signal that comes while starting is an orderly end, not a failure.
    if (!signal.aborted) throw error;
  } finally {
    await lifecycle.shutDown((where, cause) => events.unexpected({ where: `stop ${where}`, cause }));
  }
}

function composeServer(
  config: Config,
  lifecycle: Lifecycle,
  { worker, upstreamOf, clock = new SystemClock() }: ServeOptions,
): Server {
  const count = processCountOf(config);
  if (worker === undefined && count > 1) return composeSupervisor(config, count, lifecycle, clock);
  const composition = compose(config, lifecycle, { clock, worker, upstreamOf });
  const { foundation } = composition;
  return { foundation, reread: () => foundation.watching.rouse(), report: () => reportOf(config, composition) };
}

function reportOf(config: Config, composition: Composition): ServeReport {
  const { manifests } = composition.cluster;
  const { tls, plaintext, sockets } = composition.listeners;
  const { issuers } = composition.trust;
  const { bundle: policy, place, signedBy } = composition.policy.bundles.current();
  return {
    tlsAddress: tls.address(),
    httpAddress: composition.administration?.http.address() ?? '',
    ...(plaintext && { plaintextAddress: plaintext.address() }),
    ...(composition.bundleEndpoint && { bundleAddress: composition.bundleEndpoint.address() }),
    ...(composition.operators && { administrationAddress: composition.operators.address() }),
    ...(composition.metrics && { metricsAddress: composition.metrics.address() }),
    ...(composition.console && { consoleUrl: composition.console.url() }),
    ...(composition.revocation?.http && { crlAddress: composition.revocation.http.address() }),
    sockets: sockets.paths,
    troubled: composition.foundation.health.parts().flatMap((part) => (part.state === 'ready' ? [] : [part])),
    trustDomain: config.trustDomain,
    ...(manifests !== undefined && { cluster: manifests.counts }),
    issuers: issuers.all().flatMap(({ name, state }) => {
      if (state.kind === 'unavailable') return [];
      const { id, subject, notAfterMs } = state.issuer;
      return [{ name, id, subject, notAfterMs }];
    }),
    policy: { bundle: `${policy.name}@${policy.sequence}`, place, signed: signedBy.length > 0 },
    anchors: issuers.trustAnchors.current().anchors.map(({ sha256, subject: name, notAfterMs: end }) => ({
      sha256,
      subject: name,
      notAfterMs: end,
    })),
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
