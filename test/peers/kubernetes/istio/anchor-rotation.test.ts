// A trust anchor is rotated in a cluster: a real API server publishes the roots, and Istio's agents in two pods read them where
// the kubelet would mount them, renew, and go on shaking hands with each other by what they have written down.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { AnchorDrill } from '../../../app/support/anchor-drill.ts';
import { RunningServer } from '../../../app/support/running-server.ts';
import { eventually } from '../../../support/eventually.ts';
import { IstioAgent } from '../../istio-agent/istio-agent.ts';
import { findPrograms } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { ISTIO_NAMESPACE, namespace } from '../support/namespaces.ts';
import { Handshakes, MountedRoots } from './support/handshakes.ts';
import { CLASSES, configuration, CONTROL_PLANE, istiodTls, rootsIn } from './support/installed.ts';

const WITHIN = { withinMs: 60_000 };
const TTL = '60s';
/** Of the lifetime: they renew after five and eight seconds, so that one pod is always some seconds behind the other. */
const [EARLY, LATER] = [0.92, 0.87];
/** Not within a test. */
const NEVER = 0.01;

describe('The rotation of a trust anchor in a cluster', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let binary: string;
  before(async function () {
    const programs = findPrograms('pilot-agent');
    peerOrSkip(this, KubernetesCluster.programs() && programs, 'Kubernetes and pilot-agent');
    binary = programs!['pilot-agent'];
    cluster = ended.use(await KubernetesCluster.start());
    await cluster.apply([namespace('shop'), namespace(ISTIO_NAMESPACE)]);
  });
  after(async () => ended.disposeAsync());

  async function meshOf(stack: AsyncDisposableStack, laterLeft: number) {
    const drill = stack.use(await AnchorDrill.create());
    drill.files.setPolicy([{ namespaces: ['shop'] }, CONTROL_PLANE], CLASSES);
    const published = {
      'publish.rootConfigMap.enabled': true,
      'publish.clusterTrustBundles': [{ signerName: 'capstan.dev/mesh', name: 'roots' }],
    };
    const settings = { ...(await configuration(cluster, published)), ...drill.settingsIn('issuer') };
    const server = stack.use(await RunningServer.start({ files: drill.files, settings }));
    const agents = [];
    for (const [serviceAccount, renewsWithLeft] of [
      ['web', EARLY],
      ['cart', laterLeft],
    ] as const) {
      const pod = `${serviceAccount}-0`;
      await cluster.pod({ namespace: 'shop', name: pod, serviceAccount });
      const anchorsPem = await eventually('the roots', async () => rootsIn(cluster, 'shop'), WITHIN);
      // Nobody serves xDS; certificates do not wait for it.
      const place = { namespace: 'shop', name: pod, xdsPort: 1 };
      const agent = stack.use(
        new IstioAgent({ binary, anchorsPem, serviceAccount, secretTtl: TTL, renewsWithLeft, pod: place }),
      );
      agent.setToken(await cluster.token({ namespace: 'shop', serviceAccount, pod }));
      await agent.start(server.tlsPort);
      await eventually(`${pod} has its certificate`, () => agent.hasStored, WITHIN).catch((cause: unknown) => {
        throw new Error(agent.log.slice(-2_000) + drill.files.logText.slice(-2_000), { cause });
      });
      agents.push(agent);
    }
    // Ends before the agents, whose folders go with them.
    const mounted = stack.use(new MountedRoots(agents, async () => rootsIn(cluster, 'shop')));
    const handshakes = stack.use(new Handshakes(agents));
    await handshakes.more();
    return { drill, settings, server, mounted, handshakes };
  }

  it('loses no handshake in any phase, and has every object in the cluster follow', async () => {
    await using stack = new AsyncDisposableStack();
    const { drill, settings, handshakes } = await meshOf(stack, LATER);
    const [oldPem, newPem] = [drill.files.pki.root.certificatePem, drill.next.root.certificatePem];
    const objects = async (): Promise<readonly unknown[]> => {
      const { review } = await drill.status();
      return (review?.published?.first ?? []).map(({ kind, name, anchors, version = '' }) => {
        assert.match(version, /^\d+$/);
        return [`${kind} ${name}`, anchors.length];
      });
    };
    const bothEverywhere = async (): Promise<void> => {
      const found = await objects();
      for (const object of [
        'ConfigMap shop/istio-ca-root-cert',
        'ConfigMap kube-system/istio-ca-root-cert',
        'ClusterTrustBundle capstan.dev:mesh:roots',
        `Secret ${ISTIO_NAMESPACE}/istiod-tls`,
      ]) {
        assert.ok(
          found.some((one) => JSON.stringify(one) === JSON.stringify([object, 2])),
          JSON.stringify(found),
        );
      }
    };
    await eventually('istiod has its certificate', async () => istiodTls(cluster), WITHIN);

    await drill.start();
    drill.files.setAnchors(oldPem + newPem);
    const imported = await drill.importNext(settings);
    assert.equal(imported.code, 0, imported.error);
    await drill.stepDone('advance');
    await bothEverywhere();
    await handshakes.more();

    await drill.stepDone('retire');
    const placed = await istiodTls(cluster);
    assert.ok(
      placed?.['tls.crt'].includes(chainOf(drill)),
      'istiod is below the new anchor before the old one is retired',
    );
    drill.files.setAnchors(newPem);
    await drill.untilPhase('done');
    await handshakes.more();
    assert.equal(await rootsIn(cluster, 'shop'), newPem);
    assert.equal((await istiodTls(cluster))?.['ca.crt'], newPem);
    handshakes.assertFlawless();
    await handshakes.untilBelow(newPem);
  });

  it('loses handshakes when an issuer below the new anchor signs before a pod has that anchor', async () => {
    await using stack = new AsyncDisposableStack();
    const { drill, settings, mounted, handshakes } = await meshOf(stack, NEVER);
    mounted.hold();
    drill.files.setAnchors(drill.files.pki.root.certificatePem + drill.next.root.certificatePem);
    const { code, error } = await drill.importNext(settings, { more: ['--now'] });
    assert.equal(code, 0, error);
    await eventually('handshakes fail', () => handshakes.failures.length > 0, WITHIN);
  });
});

/** Of the intermediate below the new root. */
function chainOf({ files }: AnchorDrill): string {
  return readFileSync(files.path('next-chain.pem'), 'utf8').trim();
}
