// A real API server asks Capstan before it stores a policy: what exceeds the bundle is refused at apply, and a stopped Capstan
// blocks no edit.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { ServerFiles } from '../../../app/support/server-files.ts';
import { testAuthority } from '../../../support/certificates.ts';
import { eventually, freePort } from '../../../support/eventually.ts';
import { findPrograms } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { AttestedServer } from '../support/attested-server.ts';
import { ChartAccount } from '../support/chart-account.ts';
import { ApiRefusal, type ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { kubectl } from '../support/kubectl.ts';
import { admissionObjects, policyCrds, policyObject } from '../support/policy-manifests.ts';

const WITHIN = { withinMs: 30_000, everyMs: 200 };

describe('Admission of policies by a Kubernetes API server', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  let capstan: AttestedServer;
  let account: ChartAccount;
  let port: number;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs() && findPrograms('kubectl'), 'Kubernetes');
    port = await freePort();
    cluster = ended.use(await KubernetesCluster.start());
    const namespaces = ['shop', 'data'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
    await cluster.apply([...namespaces, ...policyCrds()]);
    await cluster.apply(admissionObjects().map(reachable));
    files = ended.use(await AttestedServer.files(['shop']));
    account = await ChartAccount.make(cluster, {
      'policy.directory': undefined,
      'cluster.kubernetes.policies': true,
      'cluster.kubernetes.admission.address': `127.0.0.1:${port}`,
      'cluster.kubernetes.admission.configuration': 'capstan',
    });
    capstan = ended.use(await start());
    let tries = 0;
    // Each one anew: an edit that changes nothing passes.
    const asked = async (): Promise<boolean> => (await refusal(greedy(`try-${(tries += 1)}`))) !== undefined;
    await eventually('Capstan is asked', asked, WITHIN);
  });
  after(async () => ended.disposeAsync());

  const start = async (): Promise<AttestedServer> => AttestedServer.startAs(account, files);

  /** There are no Services here: the API server is told the address itself. */
  function reachable(object: ClusterObject): ClusterObject {
    if (object.kind !== 'ValidatingWebhookConfiguration') return object;
    const webhooks = object['webhooks'] as readonly object[];
    const clientConfig = { url: `https://127.0.0.1:${port}/admission` };
    return { ...object, webhooks: webhooks.map((webhook) => ({ ...webhook, clientConfig })) };
  }

  const greedy = (name: string) => policyObject('shop', name, { narrow: { ttl: { max: '48h' } }, contact: '#shop' });

  async function refusal(object: ClusterObject): Promise<string | undefined> {
    try {
      await cluster.apply([object]);
      return undefined;
    } catch (error) {
      if (error instanceof ApiRefusal) return error.message;
      throw error;
    }
  }

  it('refuses what exceeds the bundle, with the path of the field and what the bundle gives', async () => {
    const said = await refusal(greedy('again'));
    assert.match(said ?? '', /policies\.capstan\.dev.*denied.*spec\.narrow\.ttl\.max is 48h, test@\d+ gives 24h/);
    assert.equal(await refusal(policyObject('shop', 'good', { narrow: { ttl: { max: '1h' } } })), undefined);
  });

  it('refuses what no rule of the CRD can see: an expression that does not compile', async () => {
    const conditions = [{ id: 'c', expression: 'request.nothing == 1', message: 'm' }];
    assert.match(
      (await refusal(policyObject('shop', 'cel', { conditions }))) ?? '',
      /denied.*spec\.conditions\.c\.expression/,
    );
  });

  it('shows kubectl which field', async () => {
    const nothing = policyObject('shop', 'nothing', { narrow: { keys: ['ed25519'] }, contact: '#shop' });
    // Not waited for here: the server that is asked runs in this process.
    const applying = spawn(...kubectl(cluster, 'apply', '--dry-run=server', '-f', '-'));
    applying.stdin.end(JSON.stringify(nothing));
    const [said, [code]] = await Promise.all([text(applying.stderr), once(applying, 'exit') as Promise<[number]>]);
    assert.equal(code, 1, said);
    assert.match(said, /spec\.narrow\.keys: is ed25519, test@\d+ gives ec-p256 ec-p384 rsa>=2048/);
  });

  it('follows the anchors, by which the API server knows it: a new root goes there before it is used', async () => {
    const { certificatePem } = (await testAuthority()).root;
    files.setAnchors(files.pki.root.certificatePem + certificatePem);
    const both = async (): Promise<boolean> => {
      const found = await cluster.api.get({
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'capstan' },
      });
      const [{ clientConfig }] = found?.['webhooks'] as [{ clientConfig: { caBundle: string } }];
      return Buffer.from(clientConfig.caBundle, 'base64').toString().split('BEGIN CERTIFICATE').length === 3;
    };
    await eventually('both roots in the caBundle', both, WITHIN);
    assert.notEqual(await refusal(greedy('third')), undefined);
  });

  it('lets every edit pass while Capstan is stopped, in two seconds at most, and says so in the status when it is back', async () => {
    await capstan[Symbol.asyncDispose]();
    const beganMs = performance.now();
    assert.equal(await refusal(greedy('stopped')), undefined);
    // On a busy machine; by itself the API server waits for ten seconds.
    assert.ok(performance.now() - beganMs < 8_000);
    capstan = ended.use(await start());
    const exceeds = async (): Promise<boolean> => {
      const found = (await cluster.api.get(greedy('stopped')))?.['status'] as
        { conditions: { type: string; status: string }[] } | undefined;
      return found?.conditions.some(({ type, status }) => type === 'ExceedsCentral' && status === 'True') ?? false;
    };
    await eventually('its status', exceeds, WITHIN);
    const labelled = { ...greedy('stopped'), metadata: { ...greedy('stopped').metadata, labels: { team: 'shop' } } };
    assert.equal(await refusal(labelled), undefined);
  });
});
