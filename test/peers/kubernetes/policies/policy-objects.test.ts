// Local policies as objects of a real API server, taken by a server with the role of the chart and no other: what they narrow,
// what their status says, and what broken, very many and deleted ones do to others.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { AttestedServer, namespaceNamed, podWithToken } from '../support/attested-server.ts';
import { ChartAccount } from '../support/chart-account.ts';
import { ApiRefusal, type ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { policyCrds, policyObject } from '../support/policy-manifests.ts';

const WITHIN = { withinMs: 60_000, everyMs: 100 };
/** Each test has its own, so that each holds by itself. */
const namespaces = ['bare', 'early', 'narrow', 'beside', 'edit', 'greedy', 'quiet', 'strict', 'sized', 'flood', 'kept'];
/** Of an object in etcd, and of one label in it as the tests write them. */
const MAX_OBJECT_BYTES = 1.5 * 1024 * 1024;
const LABEL_BYTES = '"k":"v",'.length + 60 + 59;
/** How long it must be quiet to be at rest, in ms: longer than anything that was written takes to be answered. */
const QUIET_MS = 3_000;

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
  let account: ChartAccount;
  const tokens = new Map<string, string>();
  /** What the test applied; it is deleted after it. */
  const applied: ClusterObject[] = [];
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    await cluster.apply(namespaces.map(namespaceNamed));
    files = ended.use(await AttestedServer.files(namespaces));
    account = await ChartAccount.make(cluster, {
      'policy.directory': undefined,
      'cluster.kubernetes.policies': true,
      // A request may be held for that long, less a second.
      'listen.requestTimeout': '30s',
    });
    capstan = ended.use(await start());
  });
  afterEach(async () => {
    for (const object of applied.splice(0).reverse()) await cluster.api.delete(object);
  });
  after(async () => ended.disposeAsync());

  const start = async (): Promise<AttestedServer> => AttestedServer.startAs(account, files);

  async function apply(...objects: readonly ClusterObject[]): Promise<void> {
    applied.push(...objects);
    await cluster.apply(objects);
  }

  /** Of the namespace's `web`. */
  async function tokenOf(namespace: string): Promise<string> {
    const token = tokens.get(namespace) ?? (await podWithToken(cluster, namespace, 'web')).token;
    tokens.set(namespace, token);
    return token;
  }

  /** How long a certificate of the namespace's `web` lives, to the nearest minute; or why there is none. */
  async function minutesOf(namespace: string): Promise<number | string> {
    const { code, details, response } = await capstan.ask({ token: await tokenOf(namespace) });
    if (code !== status.OK) return details;
    const { validFromDate, validToDate } = new X509Certificate(response!.certChain[0]!);
    return Math.round((validToDate.getTime() - validFromDate.getTime()) / 60_000);
  }

  /** Backdating and jitter leave a bit to either side. */
  async function untilLivesFor(namespace: string, least: number, most: number): Promise<void> {
    let last: number | string = '';
    const holds = async (): Promise<boolean> => {
      last = await minutesOf(namespace);
      return typeof last === 'number' && last >= least && last <= most;
    };
    await eventually(`${namespace} has certificates of ${least} to ${most} minutes`, holds, WITHIN).catch(
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

  /** Resolves when `/readyz` says so of policies that are objects. */
  async function untilSays(why: RegExp): Promise<void> {
    const says = async (): Promise<boolean> => {
      const { degraded = [] } = await readyz();
      return degraded.some((one) => one.part === 'policy objects' && why.test(one.why));
    };
    await eventually(`/readyz says ${why}`, says, WITHIN);
  }

  async function installCrds(): Promise<void> {
    await cluster.apply(policyCrds());
    const followed = async () => (await readyz()).degraded?.every(({ part }) => part !== 'policy objects') ?? true;
    await eventually('the CRDs are seen', followed, WITHIN);
  }

  it('are none without the CRDs, half there with one of them, and there with a warning in an older version', async () => {
    await untilSays(/are not installed, so that the policy bundle alone decides; run: capstan policy schema --crds/);
    assert.equal((await readyz()).unready, undefined);
    await untilLivesFor('bare', 55, 65);
    const [namespaced, whole] = policyCrds();
    const older = [namespaced, whole].map((crd) => ({
      ...crd!,
      metadata: { ...crd!.metadata, annotations: { 'capstan.dev/schema': 'older' } },
    }));
    await cluster.apply([older[0]!]);
    await untilSays(/^the CRD clusterissuancepolicies\.capstan\.dev is not installed; run: capstan policy schema/);
    const early = policyObject('early', 'early', { narrow: { ttl: { max: '30m' } } });
    await apply(early);
    await untilLivesFor('early', 25, 35);
    await cluster.apply([older[1]!]);
    await untilSays(
      /have another schema than this server's, which may drop fields of policies; run: capstan policy schema/,
    );
    await untilLivesFor('early', 25, 35);
    await cluster.api.delete(early);
    await untilLivesFor('early', 55, 65);
    await installCrds();
  });

  describe('whose CRDs are installed,', () => {
    before(installCrds);

    it('narrow what their namespace gets, and say in their status how they stand', async () => {
      const web = policyObject('narrow', 'web', { narrow: { ttl: { max: '20m' } }, contact: '#shop' });
      await apply(web);
      await untilLivesFor('narrow', 15, 25);
      await untilLivesFor('beside', 55, 65);
      const found = await statusOf(web, (one) => conditionOf(one, 'Accepted')?.status === 'True');
      assert.equal(found.observedGeneration, 1);
      assert.equal(conditionOf(found, 'ExceedsCentral')?.status, 'False');
      assert.equal(found.effective?.['ttlMax'], '20m');
      assert.match(found.effective['bundle'] ?? '', /^test@\d+$/);
    });

    it('follow an edit, and each of them its own: a broken one keeps its last good state and stops no other', async () => {
      await apply(
        policyObject(undefined, 'platform', { narrow: { ttl: { max: '50m' } } }),
        policyObject('edit', 'web', { narrow: { ttl: { max: '20m' } } }),
      );
      await untilLivesFor('edit', 15, 25);
      await untilLivesFor('beside', 45, 55);
      // What only the parser can tell, and no CEL rule of the CRD.
      const broken = policyObject('edit', 'web', {
        conditions: [{ id: 'c', expression: 'request.nothing == 1', message: 'm' }],
      });
      const other = policyObject('edit', 'other', { narrow: { ttl: { max: '10m' } } });
      await apply(broken, other);
      await untilLivesFor('edit', 5, 12);
      const found = await statusOf(broken, (one) => conditionOf(one, 'Accepted')?.status === 'False');
      assert.match(conditionOf(found, 'Accepted')?.message ?? '', /^spec\.conditions\.c\.expression /);
      await cluster.api.delete(other);
      await untilLivesFor('edit', 15, 25);
      await cluster.api.delete(broken);
      await untilLivesFor('edit', 45, 55);
    });

    it('that exceed the bundle have no effect beyond it, and say so', async () => {
      const greedy = policyObject('greedy', 'greedy', { narrow: { ttl: { max: '48h' } } });
      await apply(greedy);
      const found = await statusOf(greedy, (one) => conditionOf(one, 'ExceedsCentral')?.status === 'True');
      assert.match(
        conditionOf(found, 'ExceedsCentral')?.message ?? '',
        /spec\.narrow\.ttl\.max is 48h, test@\d+ gives 24h/,
      );
      files.setPolicy([{ namespaces, maxTtl: '40h' }]);
      await statusOf(greedy, (one) => conditionOf(one, 'ExceedsCentral')?.message.includes('gives 40h') === true);
      await untilLivesFor('greedy', 55, 65);
      files.setPolicy([{ namespaces }]);
      await statusOf(greedy, (one) => conditionOf(one, 'ExceedsCentral')?.message.includes('gives 24h') === true);
    });

    it('are written a status only when it says something else: nobody writes because he wrote', async () => {
      const quiet = policyObject('quiet', 'web', { narrow: { ttl: { max: '20m' } } });
      const written = async () =>
        cluster.metric('apiserver_request_total', { resource: 'issuancepolicies', subresource: 'status' });
      const before = await written();
      await apply(policyObject('quiet', 'other', {}), quiet);
      await statusOf(quiet, (one) => conditionOf(one, 'Accepted')?.status === 'True');
      assert.ok((await written()) > before);
      const rests = async (): Promise<boolean> => {
        const count = await written();
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
        return (await written()) === count;
      };
      await eventually('nobody writes any more', rests, WITHIN);
    });

    it('free a request that waits for a condition when they are deleted meanwhile', async () => {
      const strict = policyObject('strict', 'strict', {
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
      const token = await tokenOf('strict');
      await apply(strict);
      await statusOf(strict, (one) => conditionOf(one, 'Accepted')?.status === 'True');
      // A view of services comes when a policy names them.
      await statusOf(strict, (one) => conditionOf(one, 'SnapshotSynced')?.status === 'True');
      let isAnswered = false;
      const asked = capstan.ask({ token }).finally(() => (isAnswered = true));
      // Time for it to come to where it waits; one that comes later still is not held, and granted.
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(isAnswered, false);
      await cluster.api.delete(strict);
      const { code, details } = await asked;
      assert.equal(code, status.OK, details);
    });

    it('that leave no room for a status in etcd keep nobody else from having one', async () => {
      // As large as etcd takes (1.5 MiB for a request): a status does not fit beside it.
      const sized = (count: number): ClusterObject => {
        const object = policyObject('sized', `large-${count}`, { narrow: { ttl: { max: '50m' } } });
        const labels = Array.from({ length: count }, (_, index) => [
          `k${String(index).padStart(60, '0')}`,
          'v'.repeat(60),
        ]);
        return {
          ...object,
          metadata: { ...object.metadata, labels: Object.fromEntries(labels) as Record<string, string> },
        };
      };
      const path = '/apis/capstan.dev/v1alpha1/namespaces/sized/issuancepolicies';
      const isTooLarge = async (count: number): Promise<boolean> => {
        const refusal = await cluster.api.ask('POST', path, sized(count)).catch((error: unknown) => error);
        return refusal instanceof ApiRefusal;
      };
      // What else is in the object leaves room for some labels less than the bound by itself; two of them are less than a status.
      let labels = Math.ceil(MAX_OBJECT_BYTES / LABEL_BYTES);
      while (await isTooLarge(labels)) assert.ok((labels -= 2) > 12_000, 'it is refused for another reason');
      const refused = async () =>
        (await readyz()).degraded?.find(({ why }) => why.includes('the status of IssuancePolicy sized/large-'));
      assert.match((await eventually('its status is refused', refused, WITHIN)).why, /request is too large/);
      const web = policyObject('beside', 'web', { narrow: { ttl: { max: '45m' } } });
      await apply(web);
      await statusOf(web, (one) => conditionOf(one, 'Accepted')?.status === 'True');
      await cluster.api.ask('DELETE', path);
    });

    it('beyond the bounds of a namespace keep its last good ones in force, and touch no other', async () => {
      await apply(policyObject('flood', 'web', { narrow: { ttl: { max: '30m' } } }));
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
      assert.equal(typeof (await minutesOf('flood')), 'number');
      await apply(policyObject('beside', 'web', { narrow: { ttl: { max: '15m' } } }));
      await untilLivesFor('beside', 10, 18);
      const names = Array.from({ length: 900 }, (_, index) => `${'x'.repeat(200)}${index}`);
      const large = policyObject('edit', 'large', {
        narrow: { trustDomains: ['*', ...names], serviceAccounts: ['*', ...names], dnsNames: names },
        deny: { serviceAccounts: names },
      });
      assert.ok(JSON.stringify(large).length > 700_000);
      await apply(large);
      const next = policyObject('beside', 'next', { narrow: { ttl: { max: '12m' } } });
      await apply(next);
      await statusOf(next, (one) => conditionOf(one, 'Accepted')?.status === 'True');
      await untilLivesFor('beside', 9, 14);
      await cluster.api.ask('DELETE', '/apis/capstan.dev/v1alpha1/namespaces/flood/issuancepolicies');
    });

    it('outlive a restart of the server while the API server is away, and are followed again when it is back', async () => {
      await apply(policyObject('kept', 'web', { narrow: { ttl: { max: '15m' } } }));
      await untilLivesFor('kept', 10, 18);
      await cluster.stopApiServer();
      try {
        await capstan[Symbol.asyncDispose]();
        capstan = ended.use(await start());
        const { degraded = [] } = await readyz();
        assert.ok(degraded.some(({ part }) => part === 'local policies'));
      } finally {
        await cluster.startApiServer();
      }
      // The watches come back as their back-off says, and an API server that has just started knows no roles yet.
      await untilLivesFor('kept', 10, 18);
      await apply(policyObject('kept', 'web', { narrow: { ttl: { max: '30m' } } }));
      await untilLivesFor('kept', 25, 35);
    });
  });
});
