import assert from 'node:assert/strict';
import { CoverageCount, type CoveredPod, type Holder } from '../../../src/domain/inventory/coverage.ts';

const NOON_MS = Date.UTC(2026, 0, 6, 12);
const HOUR_MS = 3_600_000;
const SIDECAR = { marks: ['proxy', 'injected'] } as const;
const AMBIENT = { marks: ['redirected'] } as const;

/** A pod of `shop/web` that has run for an hour, its UID that of its name. */
function pod(name: string, changes: Partial<CoveredPod> = {}, absent?: 'node' | 'sinceMs'): CoveredPod {
  const given = {
    namespace: 'shop',
    name,
    uid: `uid-${name}`,
    serviceAccount: 'web',
    node: 'node-1',
    phase: 'Running',
    terminating: false,
    labels: {},
    marks: [],
    sinceMs: NOON_MS - HOUR_MS,
    ...changes,
  };
  const fields = Object.entries(given).filter(([field]) => field !== absent);
  return Object.fromEntries(fields) as unknown as CoveredPod;
}

function holder(name: string, changes: Partial<Holder> = {}): Holder {
  const identity = 'spiffe://cluster.local/ns/shop/sa/web';
  return {
    identity,
    class: 'workload',
    namespace: 'shop',
    podUid: `uid-${name}`,
    podName: name,
    isRevoked: false,
    ...changes,
  };
}

function counted(pods: readonly CoveredPod[], holders: readonly Holder[]) {
  const known = new Map(pods.map((one) => [one.uid, one]));
  const labels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    injected: { 'istio-injection': 'enabled' },
  };
  const count = new CoverageCount({
    cluster: 'east',
    podByUid: (uid) => known.get(uid),
    labelsOf: (namespace) => labels[namespace] ?? {},
  });
  for (const one of holders) count.takeHolder(one);
  for (const one of pods) count.takePod(one, NOON_MS);
  return count.result();
}

function rowsOf(pods: readonly CoveredPod[], holders: readonly Holder[]): readonly string[] {
  return counted(pods, holders).rows.map(({ podName, state }) => `${podName} ${state}`);
}

describe('The coverage of a cluster', () => {
  it('has who is in the mesh with an identity, and names who is not', () => {
    const pods = [pod('web', SIDECAR), pod('api', SIDECAR), pod('legacy', { namespace: 'injected' }), pod('cron')];
    const { rows, namespaces } = counted(pods, [holder('web')]);
    assert.deepEqual(rows, [
      {
        state: 'without',
        cluster: 'east',
        namespace: 'shop',
        podName: 'api',
        podUid: 'uid-api',
        serviceAccount: 'web',
        phase: 'Running',
        nodeName: 'node-1',
        way: 'sidecar',
        sinceMs: NOON_MS - HOUR_MS,
      },
      {
        state: 'not_joined',
        cluster: 'east',
        namespace: 'injected',
        podName: 'legacy',
        podUid: 'uid-legacy',
        serviceAccount: 'web',
        phase: 'Running',
        nodeName: 'node-1',
        way: 'sidecar',
        sinceMs: NOON_MS - HOUR_MS,
      },
    ]);
    const none = { covered: 0, starting: 0, without: 0, not_joined: 0, outside: 0, gone: 0 };
    assert.deepEqual(Object.fromEntries(namespaces), {
      shop: { ...none, covered: 1, without: 1 },
      injected: { ...none, not_joined: 1 },
    });
  });

  it('waits a minute for who is young, by the moment as of which the certificates are', () => {
    const since = (ms: number) => ({ ...SIDECAR, sinceMs: NOON_MS - ms });
    const injected = { namespace: 'injected', sinceMs: NOON_MS - 1_000 };
    const ambient = { labels: { 'istio.io/dataplane-mode': 'ambient' } };
    const unbound: Partial<CoveredPod> = { ...SIDECAR, phase: 'Pending' };
    const pods = [
      pod('young', since(59_000)),
      pod('old', since(61_000)),
      pod('nowhere', unbound, 'node'),
      pod('ageless', SIDECAR, 'sinceMs'),
      pod('uninjected', injected),
      pod('young ambient', { ...ambient, sinceMs: NOON_MS - 1_000 }),
      pod('old ambient', ambient),
      pod('leaving', { ...SIDECAR, terminating: true }),
    ];
    assert.deepEqual(rowsOf(pods, []), [
      'young starting',
      'old without',
      'nowhere starting',
      'ageless without',
      'uninjected not_joined',
      'young ambient starting',
      'old ambient not_joined',
    ]);
  });

  it('names who has an identity and is not in the mesh, and whose pod is gone or has ended', () => {
    const pods = [pod('cron'), pod('done', { ...SIDECAR, phase: 'Succeeded' })];
    const holders = [holder('cron'), holder('done'), holder('former', { nodeName: 'node-9' })];
    const { rows } = counted(pods, holders);
    assert.deepEqual(
      rows.map(({ podName, state, identity }) => [podName, state, identity?.split('/').at(-1)]),
      [
        ['former', 'gone', 'web'],
        ['cron', 'outside', 'web'],
        ['done', 'gone', 'web'],
      ],
    );
  });

  it('takes nobody for covered whose certificate is revoked, and who has a second one for covered', () => {
    const pods = [pod('banned', SIDECAR), pod('again', SIDECAR)];
    const revoked = { isRevoked: true };
    const holders = [holder('banned', revoked), holder('again', revoked), holder('again'), holder('again', revoked)];
    const { rows } = counted(pods, holders);
    assert.deepEqual(
      rows.map(({ podName, state, isRevoked }) => [podName, state, isRevoked]),
      [['banned', 'without', true]],
    );
  });

  it('counts what a ztunnel holds for the pods that it asked for, or for all of the account on its node where it named none', () => {
    const ztunnel = pod('ztunnel', { namespace: 'istio-system', serviceAccount: 'ztunnel', node: 'node-1' });
    const relay = 'spiffe://cluster.local/ns/istio-system/sa/ztunnel';
    const pods = [
      ztunnel,
      pod('a', AMBIENT),
      pod('b', { ...AMBIENT, node: 'node-2' }),
      pod('c', { ...AMBIENT, serviceAccount: 'c' }),
    ];
    assert.deepEqual(rowsOf(pods, [holder('ztunnel', { relay })]), ['b without', 'c without']);
    assert.deepEqual(rowsOf(pods, [holder('ztunnel', { relay, nodeName: 'node-2' })]), ['a without', 'c without']);
    assert.deepEqual(rowsOf(pods, [holder('b', { relay, nodeName: 'node-2' })]), ['a without', 'c without']);
    assert.deepEqual(rowsOf(pods.slice(1), [holder('a former ztunnel', { relay })]).length, 3, 'nothing of it is gone');
  });

  it('takes a holder that names no pod for any of its account, and nothing of it for outside the mesh', () => {
    const { identity, namespace } = holder('');
    const anywhere: Holder = { identity, class: 'workload', ...(namespace && { namespace }), isRevoked: false };
    assert.deepEqual(rowsOf([pod('a', SIDECAR), pod('b'), pod('c', { ...SIDECAR, serviceAccount: 'c' })], [anywhere]), [
      'c without',
    ]);
    const elsewhere = { ...anywhere, identity: 'spiffe://cluster.local/vm/7' };
    assert.deepEqual(rowsOf([pod('a', SIDECAR)], [elsewhere]), ['a without']);
  });

  it('leaves out what the server and the control plane have', () => {
    const pods = [pod('istiod', { namespace: 'istio-system' })];
    for (const kind of ['self', 'control-plane', 'intermediate'] as const) {
      assert.deepEqual(rowsOf(pods, [holder('istiod', { class: kind }), holder('gone', { class: kind })]), []);
    }
  });

  it('has room for a thousand rows of one namespace, and counts all', () => {
    const many = Array.from({ length: 1_200 }, (_, at) => pod(`web-${at}`, SIDECAR));
    const { rows, namespaces } = counted([...many, pod('bank', { ...SIDECAR, namespace: 'bank' })], []);
    assert.equal(rows.length, 1_001);
    assert.equal(namespaces.get('shop')?.without, 1_200);
    assert.equal(rows.at(-1)?.podName, 'bank');
  });

  it('names the gap of a namespace behind any number of pods that are gone, outside or starting', () => {
    const many = Array.from({ length: 1_200 }, (_, at) => `job-${at}`);
    const starting = many.map((name) => pod(`new-${name}`, { ...SIDECAR, sinceMs: NOON_MS }));
    const gone = many.map((name) => holder(name));
    const { rows } = counted([...starting, pod('silent', SIDECAR)], gone);
    assert.deepEqual([rows.length, rows.at(-1)?.podName], [1_001, 'silent']);
  });
});
