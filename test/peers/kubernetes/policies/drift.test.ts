// Policies of a real cluster held against Git: what somebody edits, adds or deletes with kubectl is reported within a minute.
import assert from 'node:assert/strict';
import type { PolicyInForce } from '../../../../src/adapters/http/observation/routes.ts';
import { checkedOut, checkOut } from '../../../app/policy/drift/checkout.ts';
import { eventually } from '../../../support/eventually.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { AttestedServer, namespaceNamed } from '../support/attested-server.ts';
import { ChartAccount } from '../support/chart-account.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { policyCrds, policyObject } from '../support/policy-manifests.ts';

const COMMIT = 'a1'.repeat(20);
const MINUTE = { withinMs: 60_000, everyMs: 100 };

describe('Policies of a Kubernetes cluster that Git keeps', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let capstan: AttestedServer;
  let logged: (event: string) => readonly Readonly<Record<string, unknown>>[];

  /** As their authors keep them: with what Kubernetes, and no policy, reads. */
  const web = policyObject('shop', 'web', {
    subjects: { serviceAccounts: ['web'] },
    narrow: { ttl: { max: '30m' }, keys: ['ec-p256'] },
    contact: '#shop',
  });
  const platform = policyObject(undefined, 'platform', { deny: { serviceAccounts: ['default'] } });

  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    await cluster.apply([namespaceNamed('shop'), ...policyCrds()]);
    await cluster.apply([web, platform]);
    const files = ended.use(await AttestedServer.files(['shop']));
    logged = (event) => files.logged(event);
    const texts = { 'web.yaml': JSON.stringify(web), 'platform.yaml': JSON.stringify(platform) };
    for (const [name, text] of Object.entries(texts)) files.setLocal(name, text);
    checkOut(files, COMMIT);
    const settings = { 'policy.directory': undefined, 'cluster.kubernetes.policies': true };
    const account = await ChartAccount.make(cluster, settings);
    capstan = ended.use(await AttestedServer.startAs(account, files, checkedOut(files)));
    await untilFound();
  });
  after(async () => ended.disposeAsync());

  async function untilFound(...expected: readonly string[]): Promise<void> {
    let last: readonly string[] | undefined;
    await eventually(
      `a drift of ${expected.join() || 'none'}`,
      async () => {
        const { drift } = (await (await capstan.server.get('/policy')).json()) as PolicyInForce;
        last = drift?.policies.map(({ title, drift: kind }) => `${title} ${kind}`);
        return last?.join() === expected.join();
      },
      MINUTE,
    ).catch((error: unknown) => assert.fail(`${String(error)}; last: ${last?.join()}`));
  }

  it('are those in force, whatever the API server adds to an object', async () => {
    await cluster.api.patch(web, { metadata: { labels: { team: 'shop' }, annotations: { note: 'reviewed' } } });
    await untilFound();
  });

  it('are reported when one is edited by hand, and no more when it is mended', async () => {
    await cluster.api.patch(web, { spec: { narrow: { ttl: { max: '20h' } } } });
    await untilFound('IssuancePolicy shop/web different');
    await cluster.apply([web]);
    await untilFound();
  });

  it('are reported when one is edited and put back at once, which is enough to have a certificate issued', async () => {
    const before = logged('policyDrifted').length;
    const { revision } = (await (await capstan.server.get('/policy')).json()) as PolicyInForce;
    await cluster.api.patch(web, { spec: { narrow: { ttl: { max: '20h' } } } });
    await eventually(
      'the edit in force',
      async () => ((await (await capstan.server.get('/policy')).json()) as PolicyInForce).revision !== revision,
      MINUTE,
    );
    await cluster.apply([web]);
    await eventually('a report', async () => logged('policyDrifted').length > before, MINUTE);
    const [found, ...more] = logged('policyDrifted').slice(before);
    assert.deepEqual([found?.['policy'], found?.['drift'], more], ['IssuancePolicy shop/web', 'different', []]);
    await untilFound();
  });

  it('are reported when one is deleted, and when one is there that nobody reviewed', async () => {
    const own = policyObject('shop', 'own', { deny: { serviceAccounts: ['web'] } });
    await cluster.api.delete(platform);
    await cluster.apply([own]);
    await untilFound('ClusterIssuancePolicy platform extra', 'IssuancePolicy shop/own missing');
    await cluster.api.delete(own);
    await cluster.apply([platform]);
    await untilFound();
  });
});
