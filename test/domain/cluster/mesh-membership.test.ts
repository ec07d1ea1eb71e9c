import assert from 'node:assert/strict';
import { meshMarksOf, type MeshMark } from '../../../src/domain/cluster/mesh-marks.ts';
import { membershipOf, type Member } from '../../../src/domain/cluster/mesh-membership.ts';
import type { KubernetesObject } from '../../../src/domain/cluster/snapshot.ts';

type Labels = Readonly<Record<string, string>>;

interface PodParts {
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly spec?: object;
  readonly phase?: string;
  readonly namespace?: string;
}

function podOf({ labels = {}, annotations = {}, spec = { containers: [{ name: 'app', image: 'app' }] } }: PodParts) {
  const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', labels, annotations };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec } satisfies KubernetesObject;
}

/** @returns `joined sidecar`, `missed ambient` and so on; `none` for a pod that has nothing to do with the mesh. */
function shown(parts: PodParts, ofNamespace: Labels = {}): string {
  const { labels = {}, phase = 'Running', namespace = 'shop' } = parts;
  const pod: Member = { namespace, phase, labels, marks: meshMarksOf(podOf(parts)) };
  const membership = membershipOf(pod, ofNamespace);
  return membership === undefined ? 'none' : `${membership.joined ? 'joined' : 'missed'} ${membership.way}`;
}

const container = (name: string, more: object = {}) => ({ name, image: 'registry/proxyv2:1.31', ...more });
const PROXY = { containers: [{ name: 'app' }, container('istio-proxy')] };
const INJECTED = { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' };
const ENABLED = { 'istio-injection': 'enabled' };
const AMBIENT = { 'istio.io/dataplane-mode': 'ambient' };

describe('A pod is in the mesh', () => {
  it('with a proxy, however it came there and whatever its labels say', () => {
    const native = {
      containers: [{ name: 'app' }],
      initContainers: [container('istio-proxy', { restartPolicy: 'Always' })],
    };
    const template = { 'inject.istio.io/templates': 'sidecar, gateway' };
    const gateway = { 'gateway.networking.k8s.io/gateway-name': 'edge', 'sidecar.istio.io/inject': 'false' };
    const table: readonly (readonly [string, PodParts, Labels?])[] = [
      ['joined sidecar', { annotations: INJECTED }],
      ['joined sidecar', { spec: PROXY }],
      ['joined sidecar', { spec: native }],
      ['joined sidecar', { annotations: INJECTED, labels: { 'sidecar.istio.io/inject': 'false' } }],
      ['joined sidecar', { spec: PROXY }, { 'istio-injection': 'disabled' }],
      ['joined sidecar', { spec: { ...PROXY, hostNetwork: true } }],
      ['joined sidecar', { annotations: INJECTED }, AMBIENT],
      ['joined gateway', { spec: PROXY, labels: gateway }],
      ['joined gateway', { spec: PROXY, labels: { 'istio.io/gateway-name': 'edge' } }],
      ['joined gateway', { annotations: { ...INJECTED, ...template } }],
      ['joined ambient', { annotations: { 'ambient.istio.io/redirection': 'enabled' } }],
    ];
    for (const [is, parts, ofNamespace] of table) assert.equal(shown(parts, ofNamespace), is, JSON.stringify(parts));
  });

  it('or should be, as the injector goes by labels of it and of its namespace', () => {
    const inject = (value: string) => ({ labels: { 'sidecar.istio.io/inject': value } });
    const asked = (value: string) => ({ annotations: { 'sidecar.istio.io/inject': value } });
    const revision = { 'istio.io/rev': 'stable' };
    const toBeInjected = { containers: [{ name: 'istio-proxy', image: 'auto' }] };
    const template = { 'inject.istio.io/templates': 'gateway' };
    const table: readonly (readonly [string, PodParts, Labels?])[] = [
      ['missed sidecar', {}, ENABLED],
      ['missed sidecar', {}, revision],
      ['missed sidecar', inject('true')],
      ['missed sidecar', { labels: revision }],
      ['missed sidecar', inject('true'), ENABLED],
      ['missed sidecar', { ...inject('yes'), ...asked('false') }, ENABLED],
      ['missed sidecar', asked('true'), ENABLED],
      ['missed sidecar', asked(''), ENABLED],
      ['missed gateway', { ...inject('true'), annotations: template, spec: toBeInjected }],
      ['none', {}],
      ['none', {}, { 'istio-injection': 'disabled' }],
      ['none', {}, { ...revision, 'istio-injection': 'disabled' }],
      ['none', inject('true'), { 'istio-injection': 'disabled' }],
      ['none', inject('false'), ENABLED],
      ['none', inject('no'), ENABLED],
      ['none', asked('false'), ENABLED],
      ['none', asked('true')],
      ['none', inject('yes')],
      ['none', { namespace: 'kube-system' }, ENABLED],
      ['none', { spec: { containers: [{ name: 'app' }], hostNetwork: true } }, ENABLED],
    ];
    for (const [is, parts, ofNamespace] of table) {
      assert.equal(shown(parts, ofNamespace), is, JSON.stringify([parts, ofNamespace]));
    }
  });

  it('or should be, as istio-cni goes by the mode of its data plane, and a sidecar goes before', () => {
    const hostNetwork = { containers: [{ name: 'app' }], hostNetwork: true };
    const table: readonly (readonly [string, PodParts, Labels?])[] = [
      ['missed ambient', {}, AMBIENT],
      ['missed ambient', { labels: AMBIENT }],
      ['missed ambient', { labels: AMBIENT }, { 'istio.io/dataplane-mode': 'none' }],
      ['missed ambient', { annotations: { 'ambient.istio.io/redirection': 'pending' } }, AMBIENT],
      ['missed sidecar', {}, { ...AMBIENT, ...ENABLED }],
      ['none', { labels: { 'istio.io/dataplane-mode': 'none' } }, AMBIENT],
      ['none', { spec: hostNetwork }, AMBIENT],
    ];
    for (const [is, parts, ofNamespace] of table) {
      assert.equal(shown(parts, ofNamespace), is, JSON.stringify([parts, ofNamespace]));
    }
  });

  it('not when it has ended, nor when it is a ztunnel, whose container is called as a proxy is', () => {
    for (const phase of ['Succeeded', 'Failed']) assert.equal(shown({ spec: PROXY, phase }, ENABLED), 'none');
    assert.equal(shown({ spec: PROXY, labels: { 'sidecar.istio.io/inject': 'false', app: 'ztunnel' } }), 'none');
    const init = { containers: [{ name: 'app' }], initContainers: [container('istio-proxy')] };
    assert.equal(shown({ spec: init }), 'none', 'an init container that ends is no sidecar');
  });

  it('by what is kept of a pod as by the pod, and by nothing that is of another form', () => {
    const marks: readonly MeshMark[] = ['proxy', 'injected'];
    assert.deepEqual(meshMarksOf({ ...podOf({}), status: { mesh: marks } }), marks);
    const odd = podOf({ spec: { containers: ['x', null, { name: 7 }], initContainers: { name: 'istio-proxy' } } });
    assert.deepEqual(meshMarksOf(odd), []);
    assert.deepEqual(
      meshMarksOf({ ...odd, metadata: { ...odd.metadata, annotations: { 'sidecar.istio.io/inject': 7 } as never } }),
      [],
    );
    const member = { namespace: 'shop', phase: 'Running', marks: [] };
    assert.equal(membershipOf({ ...member, labels: { 'sidecar.istio.io/inject': 7 as never } }, ENABLED), undefined);
  });
});
