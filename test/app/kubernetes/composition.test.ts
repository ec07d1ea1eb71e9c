// Everything that a server does at an API server, put together: what is only known once something was read is asked for later.
import assert from 'node:assert/strict';
import { compose } from '../../../src/app/compose/compose.ts';
import { Lifecycle } from '../../../src/app/lifecycle.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { configOf } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const KUBECONFIG = {
  'current-context': 'test',
  contexts: [{ name: 'test', context: { cluster: 'test', user: 'capstan' } }],
  clusters: [{ name: 'test', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'capstan', user: { token: 'of a test' } }],
};
const EVERYTHING = {
  'cluster.manifests': undefined,
  'policy.directory': undefined,
  'authentication.tokens.issuers': [],
  'cluster.kubernetes.from': 'kubeconfig',
  'cluster.kubernetes.policies': true,
  'cluster.kubernetes.events': true,
  'cluster.kubernetes.admission.address': '127.0.0.1:0',
  'cluster.kubernetes.publish.rootConfigMap.enabled': true,
  'cluster.kubernetes.publish.clusterTrustBundles': [{ signerName: 'capstan.dev/mesh', name: 'roots' }],
  'cluster.kubernetes.publish.istiodTls.namespace': 'istio-system',
  'cluster.kubernetes.signers.certificateSigningRequests.requesters': ['system:serviceaccount:istio-system:istiod'],
  'cluster.kubernetes.signers.podCertificates': true,
  'cluster.remote.secrets.namespace': 'istio-system',
};

describe('A server that does at an API server all that it can', () => {
  it('is put together before anything was read', async () => {
    using files = await ServerFiles.create();
    files.write('kubeconfig', JSON.stringify(KUBECONFIG));
    const kubeconfig = { 'cluster.kubernetes.kubeconfig': files.path('kubeconfig') };
    const lifecycle = new Lifecycle();
    const config = configOf({ ...files.settings, ...EVERYTHING, ...kubeconfig });
    const { cluster, foundation } = compose(config, lifecycle, { clock: new FakeClock() });
    assert.notEqual(cluster.kubernetes, undefined);
    assert.notDeepEqual(foundation.health.parts(), []);
    const failed: string[] = [];
    await lifecycle.shutDown((name) => failed.push(name));
    assert.deepEqual(failed, []);
  });
});
