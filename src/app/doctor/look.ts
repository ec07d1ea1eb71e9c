// Looks at an installation from where it is called: through the API server, at Capstan's port, at the files that its configuration
// names. What may not be seen is part of the answer. It changes nothing. It imports much because it is where everything that can be
// looked at comes together.
import type { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { ANCHOR_FILES } from '../../adapters/issuers/documents/issuer-directory.ts';
import { probeServing } from '../../adapters/grpc/client/serving-probe.ts';
import { readObservation, type Observation } from '../../adapters/http/observation/read-observation.ts';
import type { KubernetesApi } from '../../adapters/kubernetes/api/kubernetes-api.ts';
import {
  countEndpoints,
  findClosingPolicies,
  type CapstanObjects,
} from '../../adapters/kubernetes/diagnosis/capstan-objects.ts';
import { certificatesIn, summaryOf } from '../../adapters/kubernetes/diagnosis/certificates.ts';
import type { ClockOf, Istiod, Seen, ServedTls } from '../../adapters/kubernetes/diagnosis/installation.ts';
import {
  findInjections,
  findIstiods,
  findMeshes,
  findZtunnels,
} from '../../adapters/kubernetes/diagnosis/istio-objects.ts';
import { see } from '../../adapters/kubernetes/diagnosis/see.ts';
import { askRights, clockOf, tokenIssuerOf } from '../../adapters/kubernetes/diagnosis/server-facts.ts';
import {
  findIstiodTls,
  findMeshNamespaces,
  findCrlConfigMaps,
  findRootConfigMaps,
  findWebhooks,
} from '../../adapters/kubernetes/diagnosis/trust-objects.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { AskedRight, CapstanSettings, DoctorFacts } from '../../review/doctor/facts.ts';
import { rightsOf } from '../../review/doctor/rights.ts';
import { seeBundle } from './bundle.ts';
import type { ReadFile } from './files.ts';
import { settingsOf, type Place } from './settings.ts';

export interface LookedAt {
  readonly facts: DoctorFacts;
  /** What the server's pages say; absent when nobody said where they are, or nobody answered. */
  readonly observation?: Observation;
}

export interface LookFrom {
  readonly api: KubernetesApi;
  readonly config: Config;
  readonly place: Place;
  /** Capstan's StatefulSet; absent when it runs outside of this cluster. */
  readonly capstan: CapstanObjects | undefined;
  readonly read: ReadFile;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Capstan's TLS port; absent: it cannot be reached from here. */
  readonly server?: { readonly host: string; readonly port: number };
  /** URL of its pages. */
  readonly observation?: string;
  /** Whether the API is asked as Capstan's own service account. */
  readonly asCapstan: boolean;
}

interface Options {
  readonly signal: AbortSignal;
}

export async function lookAt(from: LookFrom, options: Options): Promise<LookedAt> {
  const { api, config, place, clock } = from;
  const settings = settingsOf(config, place);
  const anchors = await anchorsOf(from);
  const istiods = await see('Deployments of istiod', async () => findIstiods(api, options));
  const known: readonly Istiod[] = 'known' in istiods ? istiods.known : [];
  const observation = await observe(from, options);
  const answers = 'known' in observation ? observation.known : undefined;
  const facts: DoctorFacts = {
    nowMs: clock.nowMs(),
    settings,
    ...(await seeServer(from, settings, options)),
    health: healthIn(observation),
    anchors: 'unknown' in anchors ? anchors : { known: anchors.known.map(summaryOf) },
    ...(await seeBundle(config, { api, read: from.read, own: place.namespace }, options)),
    clocks: await seeClocks(from, answers, options),
    apiServerIssuer: await see('the issuer of tokens', async () => tokenIssuerOf(api, options)),
    ...(await seeIstio(api, istiods, options)),
    ...(await seeRoots(api, { known, place, anchors: 'known' in anchors ? anchors.known : [] }, options)),
    rights: await seeRights(from, settings, options),
  };
  return { facts, ...(answers !== undefined && { observation: answers }) };
}

/** What a server says of its parts, if it says anything of them to us. */
export function healthIn(observation: Seen<Observation>): Seen<Observation> {
  return 'known' in observation && observation.known.closed === true
    ? {
        unknown:
          'health: Capstan names its parts to nobody from elsewhere; ask in its pod, or through kubectl port-forward',
      }
    : observation;
}

async function anchorsOf({ config, read }: LookFrom): Promise<Seen<readonly X509Certificate[]>> {
  const { trustAnchors, issuer } = config;
  const files = trustAnchors.file === undefined ? anchorFilesIn(issuer.directory ?? '') : [trustAnchors.file];
  const texts = await Promise.all(files.map(read));
  const text = texts.find((one) => one !== undefined);
  return text === undefined
    ? { unknown: `trust anchors: ${files.join(' or ')} cannot be read from here` }
    : { known: certificatesIn(text) };
}

function anchorFilesIn(directory: string): readonly string[] {
  return ANCHOR_FILES.map((name) => path.join(directory, name));
}

async function observe({ observation }: LookFrom, options: Options): Promise<Seen<Observation>> {
  if (observation === undefined) return { unknown: "health: name Capstan's HTTP port with --observation" };
  try {
    return { known: await readObservation(observation, options) };
  } catch {
    options.signal.throwIfAborted();
    return { unknown: `health: nothing answers at ${observation}` };
  }
}

/** What the pods cannot do without. A bundle without signature is another matter. */
function filesOf({ trustAnchors, policy }: Config): readonly string[] {
  return [trustAnchors.file, policy.bundle.file, ...policy.bundle.keys].filter((file) => file !== undefined);
}

async function seeServer(
  { api, config, place, capstan, server }: LookFrom,
  settings: CapstanSettings,
  options: Options,
): Promise<Pick<DoctorFacts, 'served' | 'endpoints' | 'closingPolicies' | 'missingMounts'>> {
  const { namespace } = place;
  const notHere = { unknown: `Capstan's pods: no StatefulSet of Capstan's can be seen in ${namespace}` };
  return {
    served: server === undefined ? NO_SERVER : { known: await probe(server, settings, options) },
    endpoints:
      capstan === undefined ? notHere : await see('its Service', async () => countEndpoints(api, place, options)),
    missingMounts:
      capstan === undefined
        ? notHere
        : await see('ConfigMaps of its pods', async () => capstan.missingMounts(filesOf(config))),
    closingPolicies:
      capstan === undefined
        ? notHere
        : await see('NetworkPolicies', async () =>
            findClosingPolicies(api, { namespace, podLabels: capstan.podLabels, port: settings.tlsPort }, options),
          ),
  };
}

const NO_SERVER = {
  unknown: "what is served: name Capstan's TLS port with --server, such as that of kubectl port-forward",
};

async function probe(
  server: { readonly host: string; readonly port: number },
  { dnsNames }: CapstanSettings,
  options: Options,
): Promise<ServedTls> {
  const address = `${server.host}:${server.port}`;
  const { chain, problem } = await probeServing(server, dnsNames[0] ?? server.host, options);
  return {
    address,
    ...(chain.length > 0 && { chain: chain.map(summaryOf) }),
    ...(problem !== undefined && { problem }),
  };
}

async function seeClocks(
  { api, place, clock }: LookFrom,
  observation: Observation | undefined,
  options: Options,
): Promise<Seen<readonly ClockOf[]>> {
  const server = await see('the time of the API server', async () => clockOf(api, place.namespace, clock, options));
  const { dateMs } = observation ?? {};
  const own = dateMs === undefined ? [] : [{ of: "Capstan's clock", aheadMs: dateMs - clock.nowMs() }];
  if ('known' in server) return { known: [server.known, ...own] };
  return own.length > 0 ? { known: own } : server;
}

async function seeIstio(
  api: KubernetesApi,
  istiods: Seen<readonly Istiod[]>,
  options: Options,
): Promise<Pick<DoctorFacts, 'istiods' | 'injections' | 'meshes' | 'ztunnels'>> {
  const ztunnels = await see('DaemonSets of ztunnel', async () => findZtunnels(api, options));
  if ('unknown' in istiods) return { istiods, ztunnels, injections: istiods, meshes: istiods };
  return {
    istiods,
    ztunnels,
    injections: await see("istiod's injection", async () => findInjections(api, istiods.known, options)),
    meshes: await see("istiod's mesh configuration", async () => findMeshes(api, istiods.known, options)),
  };
}

async function seeRoots(
  api: KubernetesApi,
  {
    known,
    place,
    anchors,
  }: { readonly known: readonly Istiod[]; readonly place: Place; readonly anchors: readonly X509Certificate[] },
  options: Options,
): Promise<Pick<DoctorFacts, 'istiodTls' | 'rootConfigMaps' | 'crlConfigMaps' | 'meshNamespaces' | 'webhooks'>> {
  const withIstiod = [...new Set(known.map(({ namespace }) => namespace))];
  const meshNamespaces = await see('Namespaces', async () => findMeshNamespaces(api, options));
  const inMesh = 'known' in meshNamespaces ? meshNamespaces.known.map(({ name }) => name) : [];
  const wanted = [...new Set([...withIstiod, place.namespace, ...inMesh])];
  return {
    meshNamespaces,
    istiodTls: await see('the Secret istiod-tls', async () => findIstiodTls(api, withIstiod, anchors, options)),
    rootConfigMaps: await see('ConfigMaps istio-ca-root-cert', async () => findRootConfigMaps(api, wanted, options)),
    crlConfigMaps: await see('ConfigMaps istio-ca-crl', async () => findCrlConfigMaps(api, options)),
    webhooks: await see('webhook configurations', async () => findWebhooks(api, options)),
  };
}

async function seeRights(
  { api, asCapstan, place }: LookFrom,
  settings: CapstanSettings,
  options: Options,
): Promise<Seen<readonly AskedRight[]>> {
  const account = `system:serviceaccount:${place.namespace}:${place.serviceAccount}`;
  const wanted = rightsOf(settings);
  return see('what its service account may do', async () =>
    askRights(api, wanted, asCapstan ? undefined : account, options),
  );
}
