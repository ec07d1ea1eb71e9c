// `capstan rogue` on a real API server: each CA that was planted is found, with who made it and who uses it, and nothing else; an account
// that may not read is told where; and the admission policy beside it refuses what it is to refuse.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROGUES, type RogueAnswer } from '../../../../src/adapters/http/admin/records/administer-rogues.ts';
import type { ServerFindings } from '../../../../src/app/estate/reported-look.ts';
import type { RogueStatus } from '../../../../src/authority/estate/rogue-watch.ts';
import { askServer } from '../../../../src/cli/administration.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { RunningServer } from '../../../app/support/running-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { eventually } from '../../../support/eventually.ts';
import { tiersAt } from '../../../support/paths/tiers.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { ChartAccount } from '../support/chart-account.ts';
import { ISTIO_CONFIG, objectsIn } from '../support/chart.ts';
import { ApiRefusal, type ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { namespace } from '../support/namespaces.ts';
import { ESTATE_CLUSTER, issuer, PLANTED, plantEstate } from './support/planted-estate.ts';

const POLICY = 'capstan-no-self-signed-issuers';

interface Place {
  readonly place: string;
  readonly part: string;
  readonly privateKey?: string;
  readonly madeBy: string;
  readonly usedBy: readonly string[];
}
interface Found {
  readonly code: number;
  readonly found: readonly { readonly id: string; readonly subject: string; readonly places: readonly Place[] }[];
  readonly issuers: readonly { readonly name: string; readonly usedBy: readonly string[] }[];
  readonly known: readonly { readonly as: string; readonly subject: string }[];
  readonly notRead: readonly { readonly why: string; readonly examples: readonly string[] }[];
}

const manifest = (file: string): readonly ClusterObject[] =>
  objectsIn(readFileSync(path.join(ISTIO_CONFIG, 'rogue', file), 'utf8'));
describe('capstan rogue in a cluster', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let folder: string;
  let keys: readonly string[];

  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(ESTATE_CLUSTER), 'Kubernetes');
    folder = mkdtempSync(path.join(tmpdir(), 'capstan-rogue-'));
    ended.defer(() => rmSync(folder, { recursive: true }));
    cluster = ended.use(await KubernetesCluster.start(ESTATE_CLUSTER));
    const planted = await plantEstate(cluster, tiersAt(Date.now()));
    keys = planted.keys;
    writeFileSync(path.join(folder, 'root.pem'), planted.corporate);
  });
  after(async () => ended.disposeAsync());

  async function rogue(kubeconfig: string, ...more: readonly string[]): Promise<Found> {
    const { terminal, out, error } = recordTerminal();
    const argv = ['rogue', '--root', path.join(folder, 'root.pem'), '--kubeconfig', kubeconfig, '--output', 'json'];
    const signal = AbortSignal.timeout(120_000);
    const code = await runCli([...argv, ...more], { terminal, environment: {}, signal });
    assert.notEqual(out(), '', error());
    for (const key of keys) assert.ok(!(out() + error()).includes(key), 'a private key was printed');
    return { code, ...(JSON.parse(out()) as Omit<Found, 'code'>) };
  }

  it('finds each planted CA and nothing else, with the role that is made for it', async () => {
    await cluster.apply([
      ...manifest('reader.yaml'),
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'searcher', namespace: 'shop' } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'searcher' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'capstan-rogue-reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'searcher', namespace: 'shop' }],
      },
    ]);
    const kubeconfig = await cluster.accountKubeconfig('shop', 'searcher');
    // The API server follows bindings, and is some moments behind what it has stored.
    const all = async (): Promise<Found | undefined> => {
      const seen = await rogue(kubeconfig, '--all');
      return seen.notRead.length === 0 ? seen : undefined;
    };
    const { code, found, issuers, known } = await eventually('everything is read', all, { withinMs: 60_000 });
    assert.deepEqual(
      found.map(({ subject, id, places: [first] }) => [subject, id.replace('rogue/', ''), first?.place]).sort(),
      [...PLANTED].sort(),
    );
    assert.deepEqual(
      issuers.map(({ name, usedBy }) => [name, usedBy]),
      [['ClusterIssuer bootstrap', ['Certificate shop/own-ca']]],
    );
    assert.ok(known.length > 0 && known.every(({ as }) => as === 'cluster'), JSON.stringify(known));
    assert.equal(code, 1);

    const placeOf = (subject: string): Place => found.find((one) => one.subject === subject)!.places[0]!;
    assert.deepEqual(placeOf('CN=Shadow Istio').usedBy, ['Pod istio-system/istiod']);
    assert.equal(placeOf('CN=Shadow Istio').privateKey, 'ca-key.pem');
    assert.match(placeOf('CN=Shadow Istio').madeBy, /^\S+ on \d{4}-\d\d-\d\d /);
    assert.deepEqual(placeOf('CN=Issuer CA').usedBy, ['Certificate shop/own-ca', 'Issuer shop/own']);
    assert.deepEqual(placeOf('CN=behind a gateway').usedBy, ['Gateway shop/public']);
    assert.deepEqual(placeOf('CN=Webhook CA').usedBy, ['the API server, for Service shop/hook']);
  });

  it('says where it may not look with the role of the server, which reads no Secrets', async () => {
    const { kubeconfig } = await ChartAccount.make(cluster);
    const { found, notRead } = await rogue(kubeconfig);
    const unread = notRead.flatMap(({ examples, why }) => examples.map((what) => `${what} ${why}`));
    assert.ok(
      unread.some((line) =>
        /^secrets (in all namespaces|in namespace shop) may not be listed by this account/.test(line),
      ),
      unread.join('\n'),
    );
    assert.ok(!found.some(({ places }) => places.some(({ place }) => place.startsWith('Secret '))));
  });

  it('looks in the namespaces that are named, where the account may look nowhere else', async () => {
    const { code, notRead } = await rogue(
      (await ChartAccount.make(cluster)).kubeconfig,
      '--namespace',
      'shop',
      '--strict',
    );
    const unread = notRead.flatMap(({ examples }) => examples);
    assert.ok(unread.includes('secrets in namespace shop'), unread.join('\n'));
    assert.ok(!unread.some((what) => /in namespace (?!shop)/.test(what)), unread.join('\n'));
    assert.equal(code, 1);
  });

  describe('by a server', () => {
    type Answer = RogueAnswer<ServerFindings> & { readonly configured: true; readonly health: string };
    /** @param rogue `rogue.cluster`: with the account that the chart makes of it, but for what `without` names. */
    async function foundBy(rogue: string, without: readonly string[] = []): Promise<Answer> {
      await using files = new AsyncDisposableStack();
      const own = files.use(await ServerFiles.create());
      const account = await ChartAccount.make(cluster, { 'rogue.cluster': rogue }, { without });
      const known = { 'rogue.knownFile': path.join(folder, 'root.pem') };
      const server = files.use(await RunningServer.start({ files: own, settings: { ...account.settings, ...known } }));
      const place = { socketPath: own.path('admin.sock') };
      const ended = async (): Promise<RogueAnswer<ServerFindings> | undefined> => {
        const answer = (await askServer(
          place,
          { method: 'GET', path: ROGUES },
          AbortSignal.timeout(10_000),
        )) as RogueAnswer<ServerFindings>;
        for (const key of keys) assert.ok(!JSON.stringify(answer).includes(key), 'a private key was told');
        return answer.configured && answer.looked !== undefined ? answer : undefined;
      };
      const answer = await eventually('the first look', ended, { withinMs: 60_000 });
      assert.ok(answer.configured);
      return { ...answer, health: await (await server.get('/readyz')).text() };
    }
    const plantedIn = ({ looked }: RogueStatus<ServerFindings>): readonly (readonly string[])[] =>
      looked!.findings.found
        .map(({ subject, id, places: [first] }) => [subject, id.replace('rogue/', ''), first?.place ?? ''])
        .sort();

    it('finds each planted CA outside of Secrets and nothing else, and says that it looks at no Secret', async () => {
      const answer = await foundBy('withoutSecrets');
      assert.deepEqual(plantedIn(answer), PLANTED.filter(([, , place]) => !place.startsWith('Secret ')).sort());
      // What nobody wanted looked at does not make it degraded.
      assert.doesNotMatch(answer.health, /rogue CAs/);
      const { notRead, issuers } = answer.looked!.findings;
      const unread = notRead.flatMap(({ examples, why }) => examples.map((what) => `${what} ${why}`));
      assert.ok(unread.includes('secrets are not looked at: the configuration leaves them out'), unread.join('\n'));
      assert.ok(
        unread.some((line) => /^Issuer shop\/own .*nobody knows under whom its CA is/.test(line)),
        unread.join('\n'),
      );
      assert.deepEqual(
        issuers.map(({ name }) => name),
        ['ClusterIssuer bootstrap'],
      );
    });

    it('finds each planted CA and nothing else where it may list Secrets too', async () => {
      const answer = await foundBy('all');
      assert.deepEqual(plantedIn(answer), [...PLANTED].sort());
      assert.deepEqual(answer.looked!.findings.notRead, []);
      assert.doesNotMatch(answer.health, /rogue CAs/);
      const shadow = answer.looked!.findings.found.find(({ subject }) => subject === 'CN=Shadow Istio');
      const { usedBy, madeBy = '' } = shadow!.places[0]!;
      assert.deepEqual(usedBy, ['Pod istio-system/istiod']);
      assert.match(madeBy, /^\S+ on \d{4}-\d\d-\d\d /);
    });

    it('is degraded where rights were taken away from it: that it finds fewer is no good news', async () => {
      const { health, ...answer } = await foundBy('withoutSecrets', ['configmaps']);
      assert.ok(!plantedIn(answer).some(([, , place]) => place?.startsWith('ConfigMap ')));
      assert.match(health, /did not see all: configmaps in all namespaces may not be listed by this account/);
    });
  });

  describe('with its admission policy', () => {
    const selfSigned = (metadata: ClusterObject['metadata'], kind = 'Issuer'): ClusterObject =>
      issuer(kind, metadata, { selfSigned: {} });
    const refused = async (object: ClusterObject): Promise<boolean> =>
      cluster.apply([object]).then(
        () => false,
        (error: unknown) => {
          if (!(error instanceof ApiRefusal)) throw error;
          assert.match(
            error.message,
            /self-signed issuers are not allowed here: .*Use an issuer that asks the corporate CA/,
          );
          return true;
        },
      );
    before(async () => {
      await cluster.apply([
        ...manifest('refuse-self-signed.yaml'),
        namespace('lab', { 'capstan.dev/self-signed-issuers': 'allowed' }),
      ]);
      // One that came in before the policy was in force may stay, so each try has a name of its own.
      let tries = 0;
      const isInForce = async (): Promise<boolean> => {
        tries += 1;
        return refused(selfSigned({ name: `probe-${tries}`, namespace: 'legacy' }));
      };
      await eventually(`${POLICY} is in force`, isInForce, { withinMs: 60_000, everyMs: 200 });
    });

    it('refuses new issuers that sign themselves, in a namespace and in the cluster', async () => {
      assert.equal(await refused(selfSigned({ name: 'new', namespace: 'shop' })), true);
      assert.equal(await refused(selfSigned({ name: 'new' }, 'ClusterIssuer')), true);
      assert.equal(await refused(selfSigned({ name: 'own', namespace: 'shop' })), true, 'and one that becomes one');
    });

    it('lets others be made, and those that were there be changed', async () => {
      const [changed] = await cluster.apply([
        selfSigned({ name: 'bootstrap', labels: { changed: 'yes' } }, 'ClusterIssuer'),
        issuer('Issuer', { name: 'vault', namespace: 'shop' }, { vault: { server: 'https://vault.test' } }),
      ]);
      assert.ok(changed);
    });

    it('lets a namespace be without it that says so', async () => {
      assert.equal(await refused(selfSigned({ name: 'new', namespace: 'lab' })), false);
    });
  });
});
