// The Secret `istiod-tls` as a real istiod takes it: what it serves xDS with, also after a change of issuer; and what becomes
// of the root ConfigMaps when an istiod is the CA at the same time.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { RunningServer } from '../../../app/support/running-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { testAuthority } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { findPrograms } from '../../programs/programs.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { ChartAccount } from '../support/chart-account.ts';
import { ISTIO_NAMESPACE, namespace, OWN_NAMESPACE } from '../support/namespaces.ts';
import { Istiod, type IstiodTls } from './support/istiod.ts';

const WITHIN = { withinMs: 30_000, everyMs: 100 };
const SECRET = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'istiod-tls', namespace: ISTIO_NAMESPACE },
} as const;
const NAMES = ['istiod', 'istiod-canary', 'istiod-remote', 'istio-pilot'].map((host) => `${host}.istio-system.svc`);
/** As docs/kubernetes.md has it. */
const CLASSES = [{ class: 'control-plane', namespaces: [ISTIO_NAMESPACE], serviceAccounts: ['istiod'] }];
const RULE = {
  namespaces: [ISTIO_NAMESPACE],
  bounds: { dnsNames: NAMES },
  more: { match: { classes: ['control-plane'], namespaces: { names: [ISTIO_NAMESPACE] } } },
};

describe('The certificate of istiod', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  let account: ChartAccount;
  let istiodBinary: string;
  before(async function () {
    const programs = findPrograms('istiod');
    peerOrSkip(this, KubernetesCluster.programs() && programs, 'Kubernetes and istiod');
    istiodBinary = programs!.istiod;
    cluster = ended.use(await KubernetesCluster.start());
    await cluster.apply([namespace('shop')]);
    files = ended.use(await ServerFiles.create());
    files.setPolicy([RULE], { classes: CLASSES });
    const publish = 'cluster.kubernetes.publish';
    const settings = {
      [`${publish}.rootConfigMap.enabled`]: true,
      [`${publish}.istiodTls.namespace`]: ISTIO_NAMESPACE,
      [`${publish}.istiodTls.revisions`]: ['default', 'canary'],
    };
    account = await ChartAccount.make(cluster, settings, { namespace: OWN_NAMESPACE });
    ended.use(await RunningServer.start({ files, settings: account.settings }));
  });
  after(async () => ended.disposeAsync());

  async function secret(): Promise<IstiodTls | undefined> {
    const data = (await cluster.api.get(SECRET))?.['data'] as Readonly<Record<string, string>> | undefined;
    if (data === undefined) return undefined;
    const texts = Object.entries(data).map(([key, text]): [string, string] => [
      key,
      Buffer.from(text, 'base64').toString('utf8'),
    ]);
    return Object.fromEntries(texts) as unknown as IstiodTls;
  }

  /** The names of the certificate that istiod shows to who trusts these roots. @throws when its chain does not verify. */
  async function namesAt(istiod: Istiod, ca: string): Promise<string> {
    const socket = connect({
      host: '127.0.0.1',
      port: istiod.xdsPort,
      ca,
      servername: NAMES[0],
      ALPNProtocols: ['h2'],
    });
    // What becomes of the connection after its handshake is of no interest.
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    const { subjectaltname = '' } = socket.getPeerCertificate();
    socket.destroy();
    return subjectaltname;
  }

  it('is a Secret as its chart mounts it, by policy and on record', async () => {
    const placed = await eventually('the Secret is there', secret, WITHIN);
    assert.equal(placed['ca.crt'], files.pki.root.certificatePem);
    assert.equal((await cluster.api.get(SECRET))?.['type'], 'kubernetes.io/tls');
    const [record] = files.decisions({ outcome: 'issued' }).filter(({ api }) => api === 'secret');
    assert.equal(record?.policy?.class, 'control-plane');
    assert.ok(!files.logText.includes(placed['tls.key'].slice(40, 80)));
  });

  it('is what it serves with, also after a change of its issuer, without a restart', async () => {
    await using istiod = await Istiod.start({ binary: istiodBinary, cluster, tls: (await secret())! });
    const first = await namesAt(istiod, files.pki.root.certificatePem);
    for (const name of NAMES) assert.ok(first.includes(`DNS:${name}`), first);
    assert.ok(first.includes('URI:spiffe://cluster.local/ns/istio-system/sa/istiod'), first);

    const next = await testAuthority();
    const before = (await secret())!;
    files.setAnchors(files.pki.root.certificatePem + next.root.certificatePem);
    files.useIssuer(next);
    await eventually('it is issued anew', async () => (await secret())!['tls.crt'] !== before['tls.crt'], WITHIN);
    const after = (await secret())!;
    assert.equal(after['ca.crt'], files.pki.root.certificatePem + next.root.certificatePem);
    istiod.mount(after);
    const isServed = async (): Promise<boolean> => (await namesAt(istiod, next.root.certificatePem)) === first;
    await eventually('istiod serves the new one', async () => isServed().catch(() => false), WITHIN);
  });

  it('comes back when somebody deletes it', async () => {
    await cluster.api.delete(SECRET);
    await eventually('the Secret is back', secret, WITHIN);
  });

  it('is of no use beside an istiod that is the CA too: Capstan stops at its ConfigMaps, and names it', async () => {
    const environment = { ENABLE_CA_SERVER: 'true' };
    await using istiod = await Istiod.start({ binary: istiodBinary, cluster, environment });
    await eventually('it is named', () => files.logged('publicationContested').length > 0, WITHIN);
    const [{ by, advice } = {}] = files.logged('publicationContested');
    assert.match(String(by), /^(pilot-discovery|istiod)$/);
    assert.match(String(advice), /ENABLE_CA_SERVER/);
    assert.ok(istiod.xdsPort > 0);
  });
});
