// What Capstan writes into a real cluster, by the roles of the chart and no other: root ConfigMaps,
// ClusterTrustBundles, and who of two servers does it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ChildServer } from '../../app/support/child-server.ts';
import { csrClient, RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { readCrls } from '../../../src/domain/x509/crl/read-crl.ts';
import { buildCsr, good, testAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { crlIssuerOf, crlOf, crlPem } from '../../support/paths/crls.ts';
import { findProgram } from '../programs/programs.ts';
import { peerOrSkip } from '../support/presence.ts';
import type { ClusterObject, ObjectReference } from './support/cluster-api.ts';
import { type ClusterSettings, KubernetesCluster } from './support/cluster.ts';
import { ChartAccount, type Settings } from './support/chart-account.ts';
import { kubectl } from './support/kubectl.ts';
import { namespace, OWN_NAMESPACE } from './support/namespaces.ts';
import { accountName, untilJudged } from './support/roles-in-force.ts';

const SETTINGS: ClusterSettings = { controllerManager: true };
const WITHIN = { withinMs: 30_000, everyMs: 50 };
const UP = { withinMs: 60_000, everyMs: 50 };
/** The Lease is renewed each four seconds. */
const RENEWS_SOON_MS = 3_000;
const ROOT_CONFIG_MAP = { apiVersion: 'v1', kind: 'ConfigMap' } as const;
const TRUST_BUNDLE = { apiVersion: 'certificates.k8s.io/v1', kind: 'ClusterTrustBundle' } as const;
const LEASE: ObjectReference = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'capstan', namespace: OWN_NAMESPACE },
};
const SIGNERS = [
  { signerName: 'capstan.dev/mesh', name: 'roots' },
  { signerName: 'istio.io/istiod-ca', name: 'root-cert' },
];

interface LeaseSpec {
  readonly holderIdentity: string;
  readonly leaseTransitions: number;
  readonly leaseDurationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
}

describe('A server that publishes in a Kubernetes cluster', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  let account: ChartAccount;
  let server: RunningServer;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(SETTINGS), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start(SETTINGS));
    await cluster.apply([namespace('shop')]);
    files = ended.use(await ServerFiles.create());
    account = await publisher();
    server = await RunningServer.start({ files, settings: account.settings });
    ended.defer(async () => server[Symbol.asyncDispose]());
  });
  after(async () => ended.disposeAsync());

  /** @param publish laid over `cluster.kubernetes.publish`. */
  async function publisher(publish: Settings = {}): Promise<ChartAccount> {
    const given = {
      'rootConfigMap.enabled': true,
      'rootConfigMap.namespaceSelector': 'mesh!=off',
      clusterTrustBundles: SIGNERS,
      ...publish,
    };
    const settings = Object.entries(given).map(([key, value]) => [`cluster.kubernetes.publish.${key}`, value]);
    return ChartAccount.make(cluster, Object.fromEntries(settings) as Settings, { namespace: OWN_NAMESPACE });
  }

  const mapIn = async (where: string): Promise<ClusterObject | undefined> =>
    cluster.api.get({ ...ROOT_CONFIG_MAP, metadata: { name: 'istio-ca-root-cert', namespace: where } });
  const rootsIn = async (where: string): Promise<string | undefined> =>
    ((await mapIn(where))?.['data'] as Record<string, string> | undefined)?.['root-cert.pem'];
  const bundle = async (name: string): Promise<{ signerName: string; trustBundle: string } | undefined> =>
    (await cluster.api.get({ ...TRUST_BUNDLE, metadata: { name } }))?.['spec'] as never;
  const spec = async (): Promise<LeaseSpec> => (await cluster.api.get(LEASE))?.['spec'] as never;

  it('puts its roots into every namespace, kube-system included, before it lets anybody in', async () => {
    for (const where of ['kube-system', 'default', 'shop']) {
      assert.equal(await rootsIn(where), files.pki.root.certificatePem);
    }
    assert.equal((await mapIn('shop'))?.metadata.labels?.['istio.io/config'], 'true');
    assert.equal(await mapIn('kube-public'), undefined);
  });

  it('puts them into a new namespace as soon as it is there', async () => {
    // Without the watch all is looked at again after a minute: whichever look the first came in time for, the second would wait for.
    for (const where of ['newer', 'new']) {
      await cluster.apply([namespace(where)]);
      await eventually(`${where} has the roots`, async () => (await rootsIn(where)) !== undefined, WITHIN);
    }
  });

  it('puts them back when somebody changes or deletes them', async () => {
    const map = (await mapIn('shop'))!;
    await cluster.api.patch(map, { data: { 'root-cert.pem': 'nonsense', more: 'stays' } });
    const isBack = async (): Promise<boolean> => (await rootsIn('shop')) === files.pki.root.certificatePem;
    await eventually('the roots are back', isBack, WITHIN);
    assert.equal(((await mapIn('shop'))!['data'] as Record<string, string>)['more'], 'stays');
    await cluster.api.delete(map);
    await eventually('the roots are back again', isBack, WITHIN);
  });

  it('takes them out of a namespace that is not selected any more, and makes none in one that ends', async () => {
    await cluster.apply([namespace('new', { mesh: 'off' })]);
    await eventually('the roots are gone', async () => (await mapIn('new')) === undefined, WITHIN);
    const ending = namespace('ending');
    await cluster.apply([ending]);
    await eventually('the namespace has the roots', async () => (await rootsIn('ending')) !== undefined, WITHIN);
    await cluster.api.delete(ending);
    await eventually('the namespace is gone', async () => (await cluster.api.get(ending)) === undefined, WITHIN);
    assert.deepEqual(
      files.logged('publicationFailed').filter(({ place }) => place === 'ending'),
      [],
    );
  });

  it('keeps ClusterTrustBundles for the signers that it is told', async () => {
    for (const { signerName, name } of SIGNERS) {
      const objectName = `${signerName.replace('/', ':')}:${name}`;
      await eventually(`${objectName} is there`, async () => (await bundle(objectName)) !== undefined, WITHIN);
      assert.deepEqual(await bundle(objectName), { signerName, trustBundle: files.pki.root.certificatePem });
    }
  });

  it('gives way to another writer that does not stop, and names it', async () => {
    const map = (await mapIn('default'))!;
    for (let round = 0; round < 3; round += 1) {
      await cluster.api.patch(map, { data: { 'root-cert.pem': `other ${round}` } });
      if (round === 2) break;
      await eventually(
        'it is put back',
        async () => (await rootsIn('default')) === files.pki.root.certificatePem,
        WITHIN,
      );
    }
    await eventually('it is said', () => files.logged('publicationContested').length > 0, WITHIN);
    const [{ place, by } = {}] = files.logged('publicationContested');
    assert.equal(place, 'default');
    // By its field manager: that of the tests' own client, which names no program.
    assert.equal(typeof by, 'string');
    assert.notEqual(by, 'somebody');
    assert.equal(await rootsIn('default'), 'other 2');
    assert.match(await (await server.get('/readyz')).text(), /published roots.*writes it too, in 1 place \(default\)/);
    await cluster.api.patch(map, { data: { 'root-cert.pem': files.pki.root.certificatePem } });
  });

  it('says what it may not do any more, and does it when it may again', async () => {
    const binding = account.roles.find(({ kind }) => kind === 'ClusterRoleBinding')!;
    await cluster.api.delete(binding);
    // The API server follows bindings: a namespace that comes before it has seen this one go would have its roots.
    const writing = { verb: 'patch', resource: 'configmaps', name: 'istio-ca-root-cert', namespace: 'barred' };
    const user = accountName(OWN_NAMESPACE, 'capstan');
    await untilJudged(cluster.api, user, { resourceAttributes: writing }, false);
    await cluster.apply([namespace('barred')]);
    const isSaid = (): boolean => files.logged('publicationFailed').some(({ place }) => place === 'barred');
    await eventually('it is said', isSaid, WITHIN);
    assert.match(
      await (await server.get('/readyz')).text(),
      /published roots.*cannot be written in 1 place \(barred\)/,
    );
    await cluster.apply([binding]);
    await eventually('the namespace has the roots', async () => (await rootsIn('barred')) !== undefined, WITHIN);
  });

  it('has new roots everywhere before it signs below them, however long the API server is away', async () => {
    const next = await testAuthority();
    const both = files.pki.root.certificatePem + next.root.certificatePem;
    const answers = async (): Promise<string> => {
      using client = csrClient(server.tlsPort, both);
      const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', 'demo')}` };
      const { response, details } = await client.call({ csr: (await buildCsr()).pem, headers });
      if (response === undefined) throw new Error(details);
      return response.certChain.at(-1)!;
    };
    await cluster.stopApiServer();
    files.setAnchors(both);
    files.useIssuer(next);
    const before = await answers();
    assert.equal(before, files.pki.root.certificatePem);
    await cluster.startApiServer();
    await eventually('the new issuer is in force', async () => (await answers()) !== before, { withinMs: 60_000 });
    for (const where of ['shop', 'kube-system']) {
      assert.equal(await rootsIn(where), both);
    }
    assert.deepEqual(files.logged('rootsLate'), []);
  });

  it('is followed by another within 20 s of its death, and not before', async () => {
    await server[Symbol.asyncDispose]();
    using own = await ServerFiles.create(files.pki);
    using others = await ServerFiles.create(files.pki);
    // As at the end of the last test, so that nothing is different but who writes.
    for (const each of [own, others]) each.write('anchors.pem', own.pki.root.certificatePem);
    await using leader = await ChildServer.start(own, account.settings);
    const first = await spec();
    await using second = await ChildServer.start(others, account.settings);
    assert.equal((await spec()).holderIdentity, first.holderIdentity);
    // Shortly before it would renew, so that what a busy machine adds does not make it longer than is promised.
    const isDue = async (): Promise<boolean> => Date.now() - Date.parse((await spec()).renewTime) > RENEWS_SOON_MS;
    await eventually('its next renewal is near', isDue, WITHIN);
    await leader.kill9();
    const killedMs = Date.now();
    const last = await spec();
    await eventually('another leads', async () => (await spec()).holderIdentity !== first.holderIdentity, UP);
    const { acquireTime, leaseTransitions } = await spec();
    const tookMs = Date.parse(acquireTime) - killedMs;
    assert.ok(tookMs < 20_000, `${tookMs} ms`);
    const heldMs = Date.parse(acquireTime) - Date.parse(last.renewTime);
    assert.ok(heldMs >= last.leaseDurationSeconds * 1_000, `${heldMs} ms`);
    assert.equal(leaseTransitions, first.leaseTransitions + 1);
    await cluster.apply([namespace('later')]);
    await eventually('the new leader writes', async () => (await rootsIn('later')) !== undefined, WITHIN);
    await second.stop();
    assert.equal((await spec()).holderIdentity, '', 'who stops in order lets go at once');
  });

  it('removes what it wrote, and nothing else, when it is told to publish no more', async () => {
    const foreign = { ...ROOT_CONFIG_MAP, metadata: { name: 'istio-ca-root-cert', namespace: 'kube-public' } };
    await cluster.apply([foreign]);
    // An API server that starts refuses everybody for a moment, before it has read the roles: those refusals are of before.
    const before = files.logged('publicationFailed').length;
    const less = { 'rootConfigMap.namespaceSelector': 'nothing=selected', clusterTrustBundles: [SIGNERS[0]] };
    const { settings } = await publisher(less);
    await using last = await RunningServer.start({ files, settings });
    await eventually('what it wrote is gone', async () => (await mapIn('shop')) === undefined, WITHIN);
    await eventually(
      'the other bundle is gone',
      async () => (await bundle('istio.io:istiod-ca:root-cert')) === undefined,
      WITHIN,
    );
    assert.notEqual(await bundle('capstan.dev:mesh:roots'), undefined);
    assert.notEqual(await cluster.api.get(foreign), undefined);
    assert.deepEqual(last.files.logged('publicationFailed').slice(before), []);
  });

  it('keeps revocation lists of whole chains where pods mount them, and empties them when one is out of date', async () => {
    // Who leads writes: nobody else may.
    await server[Symbol.asyncDispose]();
    using own = await ServerFiles.create(files.pki);
    own.write('anchors.pem', own.pki.root.certificatePem);
    const [root] = own.pki.bundle.anchors;
    const issuer = { issuer: crlIssuerOf(root!), keyPem: own.pki.root.keyPem };
    own.write('root.crl', crlPem(crlOf(issuer, Date.now())));
    const { settings } = await publisher({ 'crlConfigMap.enabled': true });
    const crlFile = { 'trustAnchors.crlFile': own.path('root.crl') };
    await using publishing = await RunningServer.start({ files: own, settings: { ...settings, ...crlFile } });
    const listsIn = async (where: string): Promise<string | undefined> => {
      const map = await cluster.api.get({ ...ROOT_CONFIG_MAP, metadata: { name: 'istio-ca-crl', namespace: where } });
      return (map?.['data'] as Record<string, string> | undefined)?.['ca-crl.pem'];
    };
    await eventually(
      'its lists are there',
      async () => (await listsIn('shop'))?.startsWith('-----BEGIN') === true,
      WITHIN,
    );
    assert.equal(good(readCrls((await listsIn('shop'))!)).length, 2);
    const lapsed = { thisUpdateMs: Date.now() - 7_200_000, nextUpdateMs: Date.now() - 1 };
    own.write('root.crl', crlPem(crlOf(issuer, Date.now(), lapsed)));
    await eventually('they are withdrawn', async () => (await listsIn('shop')) === '', { withinMs: 60_000 });
    assert.match(await (await publishing.get('/readyz')).text(), /revocation lists.*out of date/);
  });

  it('is cleaned up after by the commands of docs/kubernetes.md when it is gone, which leave what is not its own', async function () {
    peerOrSkip(this, findProgram('kubectl'), 'kubectl');
    const { settings } = await publisher();
    const again = await RunningServer.start({ files, settings });
    await eventually('its roots are back', async () => (await rootsIn('shop')) !== undefined, WITHIN);
    await again[Symbol.asyncDispose]();
    for (const command of cleaningCommands()) {
      const { status, stderr } = spawnSync(...kubectl(cluster, ...command.split(' ')), { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    }
    assert.equal(await mapIn('shop'), undefined);
    assert.equal(await bundle('capstan.dev:mesh:roots'), undefined);
    assert.notEqual(await mapIn('kube-public'), undefined);
  });
});

/** Those that delete by label, for an installation in this namespace. */
function cleaningCommands(): readonly string[] {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/kubernetes.md'), 'utf8');
  const found = [...page.matchAll(/^kubectl (delete .* -l .*)$/gm)].map(([, command = '']) => command);
  assert.equal(found.length, 2);
  return found.map((command) => command.replace('lease-namespace=istio-system', `lease-namespace=${OWN_NAMESPACE}`));
}
