// The policy bundle in a ConfigMap of a real API server, by a role that is limited to its name: it comes in force by its signature,
// is followed, and is kept for a start while the API server is away.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { bundleDocument } from '../../../support/policy/signed-bundle.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { AttestedServer, podWithToken } from '../support/attested-server.ts';
import { ChartAccount } from '../support/chart-account.ts';
import { KubernetesCluster } from '../support/cluster.ts';

const WITHIN = { withinMs: 45_000, everyMs: 100 };
const METADATA = { name: 'capstan-policy-bundle', namespace: 'istio-system' };
/** It may read this one ConfigMap then. */
const SETTINGS = { 'policy.bundle.file': undefined, 'policy.bundle.from.name': METADATA.name };

describe('The policy bundle as an object of a Kubernetes cluster', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let files: ServerFiles;
  let capstan: AttestedServer;
  let account: ChartAccount;
  let token: string;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    ({ token } = await podWithToken(cluster, 'shop', 'web'));
    files = ended.use(await AttestedServer.files(['shop']));
    account = await ChartAccount.make(cluster, SETTINGS);
    await publish(10, ['shop']);
    capstan = ended.use(await start());
  });
  after(async () => ended.disposeAsync());

  const start = async (): Promise<AttestedServer> => AttestedServer.startAs(account, files);

  async function publish(sequence: number, namespaces: readonly string[], signed = true): Promise<void> {
    const document = bundleDocument([{ namespaces }], { sequence });
    const signature = files.signBundle(signed ? document : {});
    const data = { 'bundle.yaml': JSON.stringify(document), 'bundle.yaml.sig': signature };
    await cluster.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: METADATA, data }]);
  }

  const answer = async (): Promise<string> => {
    const { code, details } = await capstan.ask({ token });
    return code === status.OK ? 'served' : details;
  };
  const sequence = async (): Promise<number> => {
    const page = (await (await capstan.server.get('/policy')).json()) as { bundle: { sequence: number } };
    return page.bundle.sequence;
  };

  it('is in force, and followed', async () => {
    assert.equal(await answer(), 'served');
    await publish(11, ['elsewhere']);
    await eventually('the next bundle', async () => (await sequence()) === 11, WITHIN);
    assert.match(await answer(), /^CAP-P01 /);
    await publish(12, ['shop']);
    await eventually('the one after it', async () => (await sequence()) === 12, WITHIN);
    assert.equal(await answer(), 'served');
  });

  it('stays as it was when somebody who may write the object cannot sign, takes a step back, or deletes it', async () => {
    const problem = async (part: RegExp): Promise<boolean> =>
      files.logged('reloadFailed').some(({ problem: said }) => part.test(String(said)));
    await publish(13, ['*'], false);
    await eventually('a refusal', async () => problem(/configmaps\/istio-system\/capstan-policy-bundle/), WITHIN);
    await publish(9, ['*']);
    await eventually('a refusal of the step back', async () => problem(/9/), WITHIN);
    await cluster.api.delete({ apiVersion: 'v1', kind: 'ConfigMap', metadata: METADATA });
    await eventually('a word of it', async () => problem(/does not exist/), WITHIN);
    assert.deepEqual([await sequence(), await answer()], [12, 'served']);
    await publish(12, ['shop']);
  });

  it('is kept for a start while the API server is away', async () => {
    await capstan[Symbol.asyncDispose]();
    await cluster.stopApiServer();
    capstan = ended.use(await start());
    assert.equal(await sequence(), 12);
    await cluster.startApiServer();
    await publish(14, ['elsewhere']);
    await eventually('the next bundle', async () => (await sequence()) === 14, { ...WITHIN, withinMs: 60_000 });
  });
});
