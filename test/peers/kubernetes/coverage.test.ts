// Pods of a real API server with each sort of label, some with identities that they asked for themselves: who has none is named, and
// nobody else, by each server that is asked and by each of its processes.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { AttestedServer, namespaceNamed, podNamed, podWithToken } from './support/attested-server.ts';
import { KubernetesCluster } from './support/cluster.ts';

const SOON = { withinMs: 30_000, everyMs: 250 };
const HOUR_AGO = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
const INJECTED = { metadata: { annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' } } };
const REDIRECTED = { metadata: { annotations: { 'ambient.istio.io/redirection': 'enabled' } } };
const NAMESPACES = {
  injected: { 'istio-injection': 'enabled' },
  revised: { 'istio.io/rev': 'stable' },
  ambient: { 'istio.io/dataplane-mode': 'ambient' },
  plain: {},
};

interface Shown {
  readonly total: Readonly<Record<string, number>>;
  readonly pods: readonly {
    readonly namespace: string;
    readonly podName: string;
    readonly state: string;
    readonly way?: string;
    readonly since?: string;
    readonly refusal?: { readonly reason: string };
  }[];
}

describe('The coverage of a Kubernetes cluster', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  let capstan: AttestedServer;
  const tokens = new Map<string, string>();
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    for (const [name, labels] of Object.entries(NAMESPACES)) {
      await cluster.apply([namespaceNamed(name)]);
      // Making a pod applies its namespace again, which would take away what was applied.
      await cluster.api.patch(namespaceNamed(name), { metadata: { labels } });
    }
    files = ended.use(await AttestedServer.files(Object.keys(NAMESPACES)));
    files.setPolicy([{ namespaces: ['injected', 'ambient', 'plain'] }]);
    capstan = ended.use(await start(1));
  });
  after(async () => ended.disposeAsync());

  const start = async (processes: number): Promise<AttestedServer> =>
    AttestedServer.start(cluster, files, {
      processes,
      'listen.tls.address': `127.0.0.1:${await freePort()}`,
      'cluster.kubernetes.tokens.keysFile': files.path('token-keys.json'),
    });

  /** One that has run for an hour. @param patch of its metadata. */
  async function pod(namespace: string, name: string, labels: Readonly<Record<string, string>>, patch?: object) {
    const { token } = await podWithToken(cluster, namespace, name, { labels });
    const place = podNamed(namespace, name);
    if (patch !== undefined) await cluster.api.patch(place, patch);
    await cluster.api.patch(place, { status: { phase: 'Running', startTime: HOUR_AGO } }, 'status');
    tokens.set(name, token);
  }

  const asking = (name: string) => ({ token: tokens.get(name) ?? assert.fail(name) });

  async function shown(...argv: readonly string[]): Promise<Shown> {
    const { terminal, out, error } = recordTerminal();
    const where = ['--data-dir', files.directory, '--output', 'json'];
    const given = { terminal, environment: {}, signal: AbortSignal.timeout(30_000) };
    assert.equal(await runCli(['inventory', 'coverage', ...where, ...argv], given), 0, error());
    return JSON.parse(out()) as Shown;
  }

  const named = ({ pods }: Shown): readonly string[] =>
    pods.map(({ namespace, podName, state, way = 'no way' }) => `${namespace}/${podName} ${state} ${way}`);

  /** @param wanted in the order in which they are shown. */
  async function untilShown(wanted: readonly string[], ...argv: readonly string[]): Promise<Shown> {
    let last: readonly string[] = [];
    const isShown = async (): Promise<boolean> => {
      last = named(await shown(...argv));
      return last.join() === wanted.join();
    };
    await eventually(`the coverage ${wanted.join(', ')}`, isShown, SOON).catch((cause: unknown) => {
      assert.deepEqual(last, wanted);
      throw cause;
    });
    return shown(...argv);
  }

  const GAP = [
    'ambient/ztunnelled without ambient',
    'injected/silent without sidecar',
    'plain/gateway without gateway',
    'revised/denied without sidecar',
    'ambient/not-redirected not_joined ambient',
    'injected/older not_joined sidecar',
    'plain/wishing not_joined sidecar',
  ];

  it('has the gap exactly, by the labels and annotations of real pods', async () => {
    const inject = (value: string) => ({ 'sidecar.istio.io/inject': value });
    await pod('injected', 'covered', {}, INJECTED);
    await pod('injected', 'silent', {}, INJECTED);
    await pod('injected', 'older', {});
    await pod('injected', 'refusing', inject('false'));
    await pod('injected', 'finished', {}, INJECTED);
    await cluster.api.patch(podNamed('injected', 'finished'), { status: { phase: 'Succeeded' } }, 'status');
    await pod('revised', 'denied', {}, INJECTED);
    await pod('ambient', 'ztunnelled', {}, REDIRECTED);
    await pod('ambient', 'not-redirected', {});
    await pod('ambient', 'leaving-out', { 'istio.io/dataplane-mode': 'none' });
    await pod('plain', 'wishing', inject('true'));
    await pod('plain', 'gateway', { 'gateway.networking.k8s.io/gateway-name': 'edge' }, INJECTED);
    await pod('plain', 'alone', {});
    await pod('plain', 'client', {});
    for (const name of ['covered', 'client']) await capstan.granted(asking(name));
    await capstan.refused(asking('denied'), /^CAP-P01 /, status.PERMISSION_DENIED);
    const { total, pods } = await untilShown([...GAP, 'plain/client outside no way']);
    assert.deepEqual(total, { covered: 1, starting: 0, without: 4, not_joined: 3, outside: 1, gone: 0 });
    const denied = pods.find(({ podName }) => podName === 'denied');
    assert.deepEqual([denied?.refusal?.reason, denied?.since], ['CAP-P01', HOUR_AGO.replace('Z', '.000Z')]);
    assert.equal(pods.find(({ podName }) => podName === 'silent')?.refusal, undefined);
  });

  it('is narrowed to a namespace and to the gap, and its metric has the same numbers', async () => {
    assert.deepEqual(named(await shown('--gap')), GAP);
    assert.deepEqual(named(await shown('--namespace', 'revised')), ['revised/denied without sidecar']);
    const metrics = async () => (await capstan.server.get('/metrics')).text();
    await eventually(
      'the metric',
      async () => /^capstan_coverage_pods\{state="without"\} 4$/m.test(await metrics()),
      SOON,
    );
    assert.match(await metrics(), /^capstan_coverage_pods\{state="not_joined"\} 3$/m);
  });

  it('closes when a pod is given its certificate, when one is made anew with a sidecar, and when one is deleted', async () => {
    await capstan.granted(asking('silent'));
    await cluster.api.delete(podNamed('injected', 'older'));
    await pod('injected', 'anew', {}, INJECTED);
    await capstan.granted(asking('anew'));
    await cluster.api.delete(podNamed('plain', 'client'));
    const { total } = await untilShown(GAP.filter((one) => !/silent|older/.test(one)));
    assert.equal(total['covered'], 3);
  });

  it('is the same from two processes, whose workers each follow the cluster', async () => {
    await capstan[Symbol.asyncDispose]();
    capstan = ended.use(await start(2));
    const before = GAP.filter((one) => !/silent|older/.test(one));
    await untilShown(before);
    await Promise.all(Array.from({ length: 8 }, async () => capstan.granted(asking('gateway'))));
    const left = before.filter((one) => !one.includes('gateway'));
    await untilShown(left);
    // Each process is asked in turn, and has what the others recorded a moment later.
    const isLeft = async (): Promise<boolean> => named(await shown()).join() === left.join();
    const each = async (): Promise<boolean> =>
      (await isLeft()) && (await isLeft()) && (await isLeft()) && (await isLeft());
    await eventually('all of them say so', each, SOON);
  });
});
