// A process of its own: follows 50,000 pods and 5,000 namespaces as an API server tells them, and then one change after the
// other. Arguments: warm-up and window (seconds). Prints {"eventUs": N, "parseUs": N, "residentMiB": N}: CPU time of all threads for
// an event, from its line on the wire to the snapshot that policies are asked over, and for its JSON alone; and what the
// process holds then, beyond what it held when it had read nothing.
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { SystemRandom } from '../../../src/adapters/clock/system-random.ts';
import type {
  ApiKind,
  KubernetesApi,
  ObjectList,
  WatchEvent,
} from '../../../src/adapters/kubernetes/api/kubernetes-api.ts';
import { NAMESPACE, POD } from '../../../src/adapters/kubernetes/api/kinds.ts';
import { watchEvents } from '../../../src/adapters/kubernetes/api/watch-events.ts';
import { LiveClusterView } from '../../../src/adapters/kubernetes/view/live-cluster-view.ts';
import { FollowedWorkloads, workloadCaches } from '../../../src/adapters/kubernetes/workloads/followed-workloads.ts';
import type { KubernetesObject } from '../../../src/domain/cluster/snapshot.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';

const NAMESPACES = 5_000;
const PODS_EACH = 10;
const PAGE = 250;
const [warmUp = '1', window = '2'] = process.argv.slice(2);

let version = 1_000_000;

/** As an API server spells a sidecar's pod: some 6 KiB. */
function podText(index: number): string {
  version += 1;
  const namespace = `team-${Math.floor(index / PODS_EACH)}`;
  const name = `web-${index % PODS_EACH}-7d9c5b8f6d-x2x${index}`;
  const container = (image: string) => ({
    name: image,
    image: `registry.example/${image}:1`,
    env: Array.from({ length: 20 }, (_, one) => ({ name: `SETTING_${one}`, value: `value ${one} of ${name}` })),
    resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '100m', memory: '128Mi' } },
    volumeMounts: Array.from({ length: 8 }, (_, one) => ({
      name: `volume-${one}`,
      mountPath: `/var/run/place-${one}`,
    })),
  });
  const digest = (one: string) => `registry.example/${one}@sha256:${'ab'.repeat(32)}`;
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      resourceVersion: String(version),
      labels: { app: 'web', 'pod-template-hash': '7d9c5b8f6d', 'topology.istio.io/network': 'one' },
      annotations: { 'sidecar.istio.io/status': 'x'.repeat(600) },
      managedFields: Array.from({ length: 3 }, (_, one) => ({ manager: `m${one}`, fieldsV1: { f: 'y'.repeat(300) } })),
    },
    spec: {
      nodeName: `node-${index % 500}`,
      serviceAccountName: 'web',
      containers: [container('web'), container('proxy')],
    },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      containerStatuses: ['web', 'proxy'].map((one) => ({ name: one, imageID: digest(one), ready: true })),
    },
  });
}

const namespaceText = (index: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: `team-${index}`, uid: `n-${index}`, resourceVersion: '1', labels: { mesh: 'true' } },
  });

const COUNTS = new Map([
  [POD.kind, { count: NAMESPACES * PODS_EACH, textOf: podText }],
  [NAMESPACE.kind, { count: NAMESPACES, textOf: namespaceText }],
]);
let tell: ((line: Buffer) => void) | undefined;

const api: Pick<KubernetesApi, 'pages' | 'watch' | 'create' | 'raw'> = {
  async *pages({ kind }: ApiKind): AsyncGenerator<ObjectList, void, void> {
    const { count, textOf } = COUNTS.get(kind) ?? { count: 0, textOf: podText };
    for (let from = 0; from === 0 || from < count; from += PAGE) {
      const texts = Array.from({ length: Math.min(PAGE, count - from) }, (_, one) => textOf(from + one));
      yield { items: texts.map((text) => JSON.parse(text) as KubernetesObject), resourceVersion: '1' };
    }
  },
  async *watch({ kind }: ApiKind): AsyncGenerator<WatchEvent, void, void> {
    yield { type: 'open' };
    if (kind === POD.kind) yield* watchEvents(lines());
    await new Promise(() => undefined);
  },
  create: async () => ({ status: { allowed: true } }) as unknown as KubernetesObject,
  raw: async (path) => ({ kind: 'APIGroupDiscoveryList', items: path === '/api' ? [CORE] : [] }),
};
const CORE = {
  versions: [
    {
      version: 'v1',
      resources: [NAMESPACE, POD].map(({ kind, plural, namespaced }) => ({
        resource: plural,
        responseKind: { kind },
        scope: namespaced ? 'Namespaced' : 'Cluster',
        verbs: ['list', 'watch'],
      })),
    },
  ],
};

async function* lines(): AsyncGenerator<Buffer, void, void> {
  for (;;) {
    yield await new Promise<Buffer>((resolve) => {
      tell = resolve;
    });
  }
}

const end = new AbortController();
const emptyMiB = resident();
const clock = new SystemClock();
const parts = {
  api: api as KubernetesApi,
  clock,
  random: new SystemRandom(),
  events: recordEvents(),
  cluster: 'bench',
};
const caches = workloadCaches(parts);
const workloads = new FollowedWorkloads(caches, { staleAfterMs: 60_000 });
workloads.start(end);
const view = new LiveClusterView(
  {
    ...parts,
    discovery: { find: async (kind) => [kind === 'Pod' ? POD : NAMESPACE] },
    shared: [caches.namespaces, caches.pods],
    follower: () => caches.pods,
    wantPodsInFull: () => undefined,
  },
  { staleAfterMs: 60_000, run: 'bench' },
);
let seen = 0;
view.onChange(() => (seen += 1), end);
const named = { apiVersion: 'v1', policy: 'bench', inFull: false };
view.need(
  {
    kinds: [
      { ...named, kind: 'Pod' },
      { ...named, kind: 'Namespace' },
    ],
    left: 0,
  },
  end,
);
await workloads.whenSynced(end);
await view.settled(end);
await turn();
const residentMiB = resident() - emptyMiB;
const texts = Array.from({ length: 1_000 }, (_, index) => podText(index * 37));

await perEventUs(Number(warmUp));
const eventUs = await perEventUs(Number(window));
console.log(JSON.stringify({ eventUs, parseUs: perParseUs(Number(window)), residentMiB }));
process.exitCode = 0;
end.abort();

async function perEventUs(seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1_000;
  const before = process.cpuUsage();
  const [seenBefore, spent] = [seen, { us: 0 }];
  let events = 0;
  while (performance.now() < endMs) {
    // What the test itself does to make a new version is not the server's.
    const making = process.cpuUsage();
    const fresh = texts.map((text) => {
      version += 1;
      return Buffer.from(
        `{"type":"MODIFIED","object":${text.replace(/"resourceVersion":"\d+"/, `"resourceVersion":"${version}"`)}}\n`,
      );
    });
    const made = process.cpuUsage(making);
    spent.us += made.user + made.system;
    for (const line of fresh) {
      tell?.(line);
      await turn();
      events += 1;
    }
  }
  const { user, system } = process.cpuUsage(before);
  if (seen - seenBefore < events - 2) throw new Error(`of ${events} events ${seen - seenBefore} were seen`);
  return (user + system - spent.us) / events;
}

function perParseUs(seconds: number): number {
  const endMs = performance.now() + seconds * 1_000;
  const before = process.cpuUsage();
  let events = 0;
  while (performance.now() < endMs) {
    for (const text of texts) JSON.parse(text);
    events += texts.length;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / events;
}

/** What waits for what was told has been done. */
async function turn(): Promise<void> {
  await new Promise(setImmediate);
}

function resident(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
}
