// A server's parts, stage by stage. Each stage names the concrete parts of one concern, hands them their slice of the
// configuration and what the stages before it made, and registers how its parts start, stop and tell how they are.
import type { HttpsListener } from '../../adapters/http/https-listener.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { WorkerPlace } from '../worker-place.ts';
import { composeAdministration, type Administration } from './administration/administration.ts';
import { composeConsole, type Console } from './administration/console/console.ts';
import { composeMetricsListener } from './administration/metrics.ts';
import { composeOperatorsListener } from './administration/operators.ts';
import { composeCluster, type Cluster } from './cluster.ts';
import { composeCredentials } from './credentials/credentials.ts';
import { composeFoundation, type Foundation } from './foundation.ts';
import { composeIssuing } from './issuing.ts';
import { composeClosings } from './kubernetes/closings.ts';
import { composePublication } from './kubernetes/publication.ts';
import { composePublishedCrls } from './kubernetes/published-crls.ts';
import { composePublishedTrust } from './kubernetes/published-roots.ts';
import { composeSigners } from './kubernetes/signers.ts';
import { composeInventory } from './stores/inventory.ts';
import { composeLedgers } from './stores/followed-ledgers.ts';
import { composeListeners, type Listeners } from './listeners.ts';
import { composeAudit } from './stores/audit.ts';
import { composeAdmission } from './kubernetes/admission.ts';
import { composePolicyStatus } from './kubernetes/policy-status.ts';
import { composePolicy, type Policy } from './policy/policy.ts';
import { composeRevocations } from './credentials/bans.ts';
import { composeServices } from './services.ts';
import { composeServingCertificate } from './serving-certificate.ts';
import { composeStorage } from './storage.ts';
import { composeBundleEndpoint } from './trust/bundle-endpoint.ts';
import { composeInterruptions } from './trust/interruptions.ts';
import { composeRevocation, type Revocation } from './trust/revocation.ts';
import { composeOutageBudget } from './trust/outage-budget.ts';
import { composeTrust, type Trust } from './trust/trust.ts';
import { composeUpstreams, type UpstreamOf } from './trust/upstreams.ts';

export interface Composition {
  readonly foundation: Foundation;
  readonly trust: Trust;
  readonly cluster: Cluster;
  readonly policy: Policy;
  readonly listeners: Listeners;
  readonly bundleEndpoint: HttpsListener | undefined;
  readonly revocation: Revocation | undefined;
  /** Absent for a worker: its supervisor answers probes and operators. */
  readonly administration: Administration | undefined;
  /** These are absent where they are not configured. */
  readonly operators: HttpsListener | undefined;
  readonly metrics: HttpsListener | undefined;
  readonly console: Console | undefined;
}

/** What a server stands on that is not its configuration. */
export interface Surroundings {
  readonly clock: Clock;
  /** Where this process is one worker of a server. */
  readonly worker?: WorkerPlace | undefined;
  /** Reaches the CA above an issuer; absent, as the configuration says. */
  readonly upstreamOf?: UpstreamOf | undefined;
}

/** Builds every part; nothing runs yet but the log. `foundation.startUp` starts them, `lifecycle` stops them. */
export function compose(
  config: Config,
  lifecycle: Lifecycle,
  { clock, worker, upstreamOf: given }: Surroundings,
): Composition {
  const foundation = composeFoundation(config, lifecycle, clock, worker);
  const storage = composeStorage(config, foundation);
  const audit = composeAudit(config, foundation, storage);
  const cluster = composeCluster(config, foundation);
  const published = composePublishedTrust(config, foundation, cluster);
  const ledgers = composeLedgers(foundation, storage);
  const revocations = composeRevocations(foundation, { ledgers, cluster });
  const upstreamOf = given ?? composeUpstreams(foundation, cluster.kubernetes);
  const trust = composeTrust(config, foundation, { ...storage, ...published, ledgers, upstreamOf });
  const interruptions = composeInterruptions(config, foundation, { storage, trust, cluster });
  composeInventory(foundation, { storage, interruptions });
  composeOutageBudget(config, foundation, { storage, interruptions });
  const policy = composePolicy(config, foundation, { storage, trust, cluster });
  composePolicyStatus(foundation, { cluster, policy });
  composeClosings(config, foundation, { kubernetes: cluster.kubernetes, storage, policies: policy.policies });
  const issuing = composeIssuing(config, foundation, { storage, trust, cluster, policy, revocations });
  composePublication(config, foundation, { cluster, published, issuing, ownCertificates: trust.ownCertificates });
  composeSigners(config, foundation, { kubernetes: cluster.kubernetes, issuing });
  const credentials = composeCredentials(config, foundation, { storage, trust, policy, cluster, revocations });
  const revocation = composeRevocation(config, foundation, { storage, trust, credentials, ledgers });
  composePublishedCrls(config, foundation, { kubernetes: cluster.kubernetes, revocation });
  const services = composeServices(config, foundation, {
    storage,
    trust,
    cluster,
    policy,
    issuing,
    credentials,
    revocation,
  });
  const listeners = composeListeners(config, foundation, { services, credentials });
  const admission = composeAdmission(config, foundation, { cluster, policy, issuing });
  const administration = composeAdministration(config, foundation, {
    cluster,
    storage,
    trust,
    ledgers,
    policy,
    services,
    audit,
    published,
    revocation,
    interruptions,
  });
  const operators = composeOperatorsListener(config, foundation, administration);
  const metrics = composeMetricsListener(config, foundation, administration);
  const console = composeConsole(config, foundation, administration);
  const { ownCertificates } = trust;
  const https = [admission, operators, metrics, console?.https].filter((listener) => listener !== undefined);
  composeServingCertificate(config, foundation, { issuing, listeners, https, ownCertificates });
  const bundleEndpoint = composeBundleEndpoint(config, foundation, { issuing, ownCertificates });
  return {
    foundation,
    trust,
    cluster,
    policy,
    listeners,
    bundleEndpoint,
    revocation,
    administration,
    operators,
    metrics,
    console,
  };
}
