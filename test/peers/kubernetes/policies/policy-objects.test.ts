// Local policies as objects of a real API server, taken by a server with the role of the chart and no other: what they narrow,
// what their status says, and what broken, very many and deleted ones do to others.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPrograms } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { AttestedServer, podWithToken } from '../support/attested-server.ts';
import { ApiRefusal, type ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { policyCrds, policyObject } from '../support/policy-manifests.ts';

const WITHIN = { withinMs: 20_000, everyMs: 100 };
const namespaces = ['shop', 'data', 'flood'] as const;

interface PolicyStatus {
  readonly observedGeneration: number;
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  readonly effective?: Readonly<Record<string, string>>;
  readonly lastDay?: { readonly issued: number; readonly refused: number };
}

interface Readiness {
  readonly degraded?: readonly { readonly part: string; readonly why: string }[];
  readonly unready?: readonly object[];
}

describe('Policies as objects of a Kubernetes cluster', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  let capstan: AttestedServer;
  let kubeconfig: string;
  const tokens = new Map<string, string>();
  before(async function () {
    const programs = KubernetesCluster.programs();
    peerOrSkip(this, programs && findPrograms('helm') && programs, 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    for (const namespace of namespaces) {
      tokens.set(namespace, (await podWithToken(cluster, namespace, 'web')).token);
    }
    files = ended.use(await AttestedServer.files([...namespaces]));
    kubeconfig = await AttestedServer.kubeconfig(cluster);
    capstan = ended.use(await start());
  });
  after(async () => ended.disposeAsync());

  const start = async (): Promise<AttestedServer> =>
    AttestedServer.start(cluster, files, {
      'cluster.kubernetes.kubeconfig': kubeconfig,
      'policy.directory': undefined,
      'cluster.kubernetes.policies': true,
    });

  /** How long a certificate of the namespace's `web` lives, to the nearest minute; or why there is none. */
  async function minutesOf(namespace: string): Promise<number | string> {
    const { code, details, response } = await capstan.ask({ token: tokens.get(namespace)! });
    if (code !== status.OK) return details;
    const { validFromDate, validToDate } = new X509Certificate(response!.certChain[0]!);
    return Math.round((validToDate.getTime() - validFromDate.getTime()) / 60_000);
  }

  /** Backdating and jitter leave a bit to either side. */
  async function untilLivesFor(namespace: string, least: number, most: number, within = WITHIN): Promise<void> {
    let last: number | string = '';
    const holds = async (): Promise<boolean> => {
      last = await minutesOf(namespace);
      return typeof last === 'number' && last >= least && last <= most;
    };
    await eventually(`${namespace} has certificates of ${least} to ${most} minutes`, holds, within).catch(
      (error: unknown) => assert.fail(`${String(error)}; last: ${last}`),
    );
  }

  async function statusOf(object: ClusterObject, holds: (status: PolicyStatus) => boolean): Promise<PolicyStatus> {
    let last: unknown;
    return eventually(
      `a status of ${object.metadata.name}`,
      async () => {
        last = (await cluster.api.get(object))?.['status'];
        return last !== undefined && holds(last as PolicyStatus) ? (last as PolicyStatus) : undefined;
      },
      WITHIN,
    ).catch((error: unknown) => assert.fail(`${String(error)}; last: ${JSON.stringify(last)}`));
  }

  const conditionOf = ({ conditions }: PolicyStatus, type: string) => conditions.find((one) => one.type === type);

  async function readyz(): Promise<Readiness> {
    return (await (await capstan.server.get('/readyz')).json()) as Readiness;
  }

  it('are none without the CRDs: the bundle alone decides, and the command that installs them is named', async () => {
    const { degraded = [], unready } = await readyz();
    assert.equal(unready, undefined);
    const why = degraded.find(({ part }) => part === 'policy objects')?.why ?? '';
    assert.match(why, /are not installed, so that the policy bundle alone decides; run: capstan policy schema --crds/);
    await untilLivesFor('shop', 55, 65);
  });

  it('are of one kind while the CRDs are half installed, and of both, with a warning, in an older version', async () => {
    const reads = async (why: RegExp) => {
      const { degraded = [] } = await readyz();
      return degraded.some((one) => one.part === 'policy objects' && why.test(one.why));
    };
    const [namespaced, whole] = policyCrds();
    const older = [namespaced, whole].map((crd) => ({
      ...crd!,
      metadata: { ...crd!.metadata, annotations: { 'capstan.dev/schema': 'older' } },
    }));
    await cluster.apply([older[0]!]);
    const halfInstalled = /^the CRD clusterissuancepolicies\.capstan\.dev is not installed; run: capstan policy schema/;
    await eventually('the half is seen', async () => reads(halfInstalled), { withinMs: 60_000 });
    const early = policyObject('shop', 'early', { narrow: { ttl: { max: '30m' } } });
    await cluster.apply([early]);
    await untilLivesFor('shop', 25, 35);
    await cluster.apply([older[1]!]);
    const isOlder =
      /have another schema than this server's, which may drop fields of policies; run: capstan policy schema/;
    await eventually('the version is seen', async () => reads(isOlder), { withinMs: 60_000 });
    await untilLivesFor('shop', 25, 35);
    await cluster.api.delete(early);
    await untilLivesFor('shop', 55, 65);
    await cluster.apply(policyCrds());
    const mended = async () => (await readyz()).degraded?.every(({ part }) => part !== 'policy objects') ?? true;
    await eventually('the CRDs are seen', mended, { withinMs: 60_000 });
  });

  it('narrow what their namespace gets, and say in their status how they stand', async () => {
    const web = policyObject('shop', 'web', { narrow: { ttl: { max: '20m' } }, contact: '#shop' });
    await cluster.apply([web]);
    await untilLivesFor('shop', 15, 25);
    await untilLivesFor('data', 55, 65);
    const found = await statusOf(web, (one) => conditionOf(one, 'Accepted')?.status === 'True');
    assert.equal(found.observedGeneration, 1);
    assert.equal(conditionOf(found, 'ExceedsCentral')?.status, 'False');
    assert.equal(found.effective?.['ttlMax'], '20m');
    assert.match(found.effective['bundle'] ?? '', /^test@\d+$/);
  });

  it('follow an edit, and each of them its own: a broken one keeps its last good state and stops no other', async () => {
    await cluster.apply([policyObject(undefined, 'platform', { narrow: { ttl: { max: '50m' } } })]);
    await untilLivesFor('data', 45, 55);
    // What only the parser can tell, and no CEL rule of the CRD.
    const broken = policyObject('shop', 'web', {
      conditions: [{ id: 'c', expression: 'request.nothing == 1', message: 'm' }],
    });
    await cluster.apply([broken, policyObject('shop', 'other', { narrow: { ttl: { max: '10m' } } })]);
    await untilLivesFor('shop', 5, 12);
    const found = await statusOf(broken, (one) => conditionOf(one, 'Accepted')?.status === 'False');
    assert.match(conditionOf(found, 'Accepted')?.message ?? '', /^spec\.conditions\.c\.expression /);
    await cluster.api.delete(policyObject('shop', 'other', {}));
    await untilLivesFor('shop', 15, 25);
    await cluster.api.delete(broken);
    await untilLivesFor('shop', 45, 55);
  });

  it('that exceed the bundle have no effect beyond it, and say so', async () => {
    const greedy = policyObject('data', 'greedy', { narrow: { ttl: { max: '48h' } } });
    await cluster.apply([greedy]);
    const found = await statusOf(greedy, (one) => conditionOf(one, 'ExceedsCentral')?.status === 'True');
    assert.match(
      conditionOf(found, 'ExceedsCentral')?.message ?? '',
      /spec\.narrow\.ttl\.max is 48h, test@\d+ gives 24h/,
    );
    files.setPolicy([{ namespaces: [...namespaces], maxTtl: '40h' }]);
    await statusOf(greedy, (one) => conditionOf(one, 'ExceedsCentral')?.message.includes('gives 40h') === true);
    await untilLivesFor('data', 45, 55);
  });

  it('are written a status only when it says something else: nobody writes because he wrote', async () => {
    const written = async () =>
      cluster.metric('apiserver_request_total', { resource: 'issuancepolicies', subresource: 'status' });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const before = await written();
    assert.ok(before > 0);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    assert.equal(await written(), before);
  });

  it('free a request that waits for a condition when they are deleted meanwhile', async () => {
    const strict = policyObject('shop', 'strict', {
      conditions: [
        {
          id: 'c',
          exists: { apiVersion: 'v1', kind: 'Service', names: ['never'] },
          message: 'Wait',
          waitFor: '10s',
          onRenew: 'enforce',
        },
      ],
    });
    await cluster.apply([strict]);
    await statusOf(strict, (one) => conditionOf(one, 'Accepted')?.status === 'True');
    // A view of services comes when a policy names them.
    await statusOf(strict, (one) => conditionOf(one, 'SnapshotSynced')?.status === 'True');
    const fresh = (await podWithToken(cluster, 'shop', 'fresh')).token;
    const asked = capstan.ask({ token: fresh });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await cluster.api.delete(strict);
    const { code, details } = await asked;
    assert.equal(code, status.OK, details);
  });

  it('that leave no room for a status in etcd keep nobody else from having one', async () => {
    // As large as etcd takes (1.5 MiB for a request): a status does not fit beside it.
    const sized = (count: number): ClusterObject => {
      const object = policyObject('flood', `large-${count}`, { narrow: { ttl: { max: '50m' } } });
      const labels = Array.from({ length: count }, (_, index) => [
        `k${String(index).padStart(60, '0')}`,
        'v'.repeat(60),
      ]);
      return {
        ...object,
        metadata: { ...object.metadata, labels: Object.fromEntries(labels) as Record<string, string> },
      };
    };
    const path = '/apis/capstan.dev/v1alpha1/namespaces/flood/issuancepolicies';
    let [most, tooMany] = [12_000, 12_800];
    await cluster.api.ask('POST', path, sized(most));
    while (tooMany - most > 1) {
      const count = Math.floor((most + tooMany) / 2);
      const refusal = await cluster.api.ask('POST', path, sized(count)).catch((error: unknown) => error);
      if (refusal instanceof ApiRefusal) tooMany = count;
      else most = count;
    }
    // Nor beside some that are a few labels smaller: whichever was tried first is named.
    const refused = async () =>
      (await readyz()).degraded?.find(({ why }) => why.includes('the status of IssuancePolicy flood/large-'));
    assert.match((await eventually('its status is refused', refused, WITHIN)).why, /request is too large/);
    const web = policyObject('shop', 'beside', { narrow: { ttl: { max: '45m' } } });
    await cluster.apply([web]);
    await statusOf(web, (one) => conditionOf(one, 'Accepted')?.status === 'True');
    await cluster.api.delete(web);
    await cluster.api.ask('DELETE', path);
  });

  it('beyond the bounds of a namespace keep its last good ones in force, and touch no other', async () => {
    await cluster.apply([policyObject('flood', 'web', { narrow: { ttl: { max: '30m' } } })]);
    await untilLivesFor('flood', 25, 35);
    const many = Array.from({ length: 300 }, (_, index) =>
      policyObject('flood', `p${index}`, { narrow: { ttl: { max: '5m' } } }),
    );
    for (let first = 0; first < many.length; first += 20) {
      await Promise.all(many.slice(first, first + 20).map(async (one) => cluster.apply([one])));
    }
    const refused = async () =>
      (await readyz()).degraded?.find(({ part, why }) => part === 'local policies' && why.includes('256 policies'));
    await eventually('the flood is refused', refused, WITHIN);
    // What came before the bound was passed counts: each of them narrows.
    assert.notEqual(await minutesOf('flood'), undefined);
    await untilLivesFor('data', 45, 55);
    await cluster.apply([policyObject('shop', 'web', { narrow: { ttl: { max: '15m' } } })]);
    await untilLivesFor('shop', 10, 18);
    const names = Array.from({ length: 900 }, (_, index) => `${'x'.repeat(200)}${index}`);
    const large = policyObject('data', 'large', {
      narrow: { trustDomains: ['*', ...names], serviceAccounts: ['*', ...names], dnsNames: names },
      deny: { serviceAccounts: names },
    });
    assert.ok(JSON.stringify(large).length > 700_000);
    await cluster.apply([large]);
    await untilLivesFor('shop', 10, 18);
    await untilLivesFor('data', 45, 55);
    const next = policyObject('shop', 'next', { narrow: { ttl: { max: '45m' } } });
    await cluster.apply([next]);
    await statusOf(next, (one) => conditionOf(one, 'Accepted')?.status === 'True');
  });

  it('outlive a restart of the server while the API server is away, and are followed again when it is back', async () => {
    await cluster.stopApiServer();
    await capstan[Symbol.asyncDispose]();
    capstan = ended.use(await start());
    const { degraded = [] } = await readyz();
    assert.ok(degraded.some(({ part }) => part === 'local policies'));
    await cluster.startApiServer();
    // The watches come back as their back-off says, and an API server that has just started knows no roles yet.
    await untilLivesFor('shop', 10, 18, { ...WITHIN, withinMs: 60_000 });
    await cluster.apply([policyObject('shop', 'web', { narrow: { ttl: { max: '30m' } } })]);
    await untilLivesFor('shop', 25, 35);
  });
});
