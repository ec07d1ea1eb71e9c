// The first path of docs/migration.md with real istiods: from istiod's own CA to Capstan under another root, step by step,
// with each step's check and a way back. After every step who has moved and who has not must still take each other.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { RunningServer } from '../../../app/support/running-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { IstioAgent } from '../../istio-agent/istio-agent.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { ISTIO_NAMESPACE } from '../support/namespaces.ts';
import { CLASSES, configuration, CONTROL_PLANE, istiodTls, rootsIn } from './support/installed.ts';
import { Istiod } from './support/istiod.ts';
import { IstioMesh, type MeshPrograms } from './support/mesh.ts';

const UP = { withinMs: 60_000 };
const OWN_CA = { ENABLE_CA_SERVER: 'true', ISTIO_MULTIROOT_MESH: 'true' };
const certificatesIn = (pem = ''): number => pem.match(/BEGIN CERTIFICATE/g)?.length ?? 0;

type Sidecar = IstioAgent['stored'];

describe("The way from istiod's own CA to Capstan", function () {
  this.timeout(300_000);
  const ended = new AsyncDisposableStack();
  let programs: MeshPrograms;
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  /** The istiod that is the CA, and the revision that names Capstan. */
  let former: Istiod;
  let next: Istiod;
  let capstan: RunningServer;
  /** One that has not moved, for as long as there is one. */
  let shop: Sidecar;
  let formerRoot: string;
  before(async function () {
    programs = peerOrSkip(this, IstioMesh.programs(), 'Istio on Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    files = ended.use(await ServerFiles.create());
    files.setPolicy([{ namespaces: ['shop', 'bank'] }, CONTROL_PLANE], CLASSES);
    former = ended.use(await Istiod.start({ binary: programs.istiod, cluster, environment: OWN_CA }));
    shop = await sidecar('shop', former.xdsPort, former);
    formerRoot = (await rootsIn(cluster, 'shop'))!;
  });
  after(async () => ended.disposeAsync());

  /** What a restarted pod of a namespace has soon after. @param caPort where `caAddress` leads. */
  async function sidecar(namespace: string, caPort: number, istiod: Istiod): Promise<Sidecar> {
    const pod = `web-${performance.now().toFixed(0)}`;
    await cluster.pod({ namespace, name: pod, serviceAccount: 'web' });
    await using agent = new IstioAgent({
      binary: programs['pilot-agent'],
      anchorsPem: await eventually('the roots', async () => rootsIn(cluster, namespace), UP),
      serviceAccount: 'web',
      secretTtl: '1h',
      pod: { namespace, name: pod, xdsPort: istiod.xdsPort },
    });
    agent.setToken(await cluster.token({ namespace, serviceAccount: 'web', pod }));
    await agent.start(caPort);
    await eventually('a certificate', () => agent.hasStored, UP).catch((cause: unknown) => {
      throw new Error(agent.log.slice(-2_000), { cause });
    });
    return agent.stored;
  }

  async function startCapstan(publishesRoots: boolean): Promise<void> {
    const keys = { 'publish.rootConfigMap.enabled': publishesRoots };
    capstan = ended.use(await RunningServer.start({ files, settings: await configuration(cluster, keys) }));
  }

  it('1. installs Capstan beside it, with both roots, and nobody notices', async () => {
    files.setAnchors(files.pki.root.certificatePem + formerRoot);
    await startCapstan(false);
    await eventually('istiod-tls', async () => istiodTls(cluster), UP);
    assert.equal((await capstan.get('/readyz')).status, 200);
    assert.equal(await rootsIn(cluster, 'shop'), formerRoot);
    await meet(shop, await sidecar('bank', former.xdsPort, former));
  });

  it('2. brings both roots to every proxy while the former CA goes on signing', async () => {
    const secret = await cluster.api.get({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'istio-ca-secret', namespace: ISTIO_NAMESPACE },
    });
    const data = secret!['data'] as Readonly<Record<string, string>>;
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
    const certificate = text('ca-cert.pem');
    former.mountCa({
      'ca-cert.pem': certificate,
      'ca-key.pem': text('ca-key.pem'),
      'cert-chain.pem': certificate,
      'root-cert.pem': certificate + files.pki.root.certificatePem,
    });
    await former.restart();
    await eventually('two roots', async () => certificatesIn(await rootsIn(cluster, 'shop')) === 2, UP);
    const before = shop;
    shop = await sidecar('shop', former.xdsPort, former);
    assert.equal(certificatesIn(shop.rootsPem), 2);
    await meet(shop, before);
  });

  it('3. starts a revision of istiod that names Capstan, on the certificate that Capstan keeps', async () => {
    const tls = (await istiodTls(cluster))!;
    const environment = { REVISION: 'capstan', POD_NAME: 'istiod-capstan' };
    next = ended.use(await Istiod.start({ binary: programs.istiod, cluster, tls, environment }));
  });

  it('4. moves a namespace, which talks with one that has not moved, and moves it back, and again', async () => {
    const moved = await sidecar('bank', capstan.tlsPort, next);
    const [decision] = files.decisions({ identity: 'spiffe://cluster.local/ns/bank/sa/web' });
    assert.equal(decision?.outcome, 'issued');
    await meet(moved, shop);
    await meet(await sidecar('bank', former.xdsPort, former), shop);
    await meet(await sidecar('bank', capstan.tlsPort, next), shop);
  });

  it('5. ends the former CA, and Capstan writes the roots in its place', async () => {
    const before = shop;
    shop = await sidecar('shop', capstan.tlsPort, next);
    await meet(shop, before);
    await former.stop();
    await capstan.stop();
    await startCapstan(true);
    await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } }]);
    await eventually('the new namespace has the roots', async () => rootsIn(cluster, 'new'), UP);
    assert.equal(certificatesIn(await rootsIn(cluster, 'shop')), 2);
    assert.deepEqual(files.logged('publicationContested'), []);
  });

  it('6. takes the former root away', async () => {
    files.setAnchors(files.pki.root.certificatePem);
    const isAlone = async (): Promise<boolean> => (await rootsIn(cluster, 'shop')) === files.pki.root.certificatePem;
    await eventually('one root', isAlone, UP);
    const last = await sidecar('bank', capstan.tlsPort, next);
    assert.equal(certificatesIn(last.rootsPem), 1);
    await meet(last, shop);
  });
});

/** Each opens a connection to the other, and both take the other's certificate. @throws Error when one does not. */
async function meet(one: Sidecar, other: Sidecar): Promise<void> {
  await reach(one, other);
  await reach(other, one);
}

async function reach(client: Sidecar, server: Sidecar): Promise<void> {
  const credentials = ({ chainPem, keyPem, rootsPem }: Sidecar) => ({ cert: chainPem, key: keyPem, ca: rootsPem });
  const listener = createServer({ ...credentials(server), requestCert: true, rejectUnauthorized: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const refused = once(listener, 'tlsClientError').then(([error]) => Promise.reject(error as Error));
  // Names of a mesh are URIs, which Node does not look for.
  const socket = connect({
    ...credentials(client),
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    checkServerIdentity: () => undefined,
  });
  try {
    await once(socket, 'secureConnect');
    const [[peer]] = await Promise.all([Promise.race([accepted, refused])]);
    assert.ok(socket.authorized && peer.authorized);
  } finally {
    socket.destroy();
    listener.close();
    refused.catch(() => undefined);
  }
}
