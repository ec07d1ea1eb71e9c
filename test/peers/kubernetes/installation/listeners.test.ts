// The listeners of an installed server beside those of workloads: who asks as the rendered objects and the pages say is answered.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { SecurityTeam } from '../../../app/support/operators.ts';
import { freePort } from '../../../support/eventually.ts';
import { findPrograms } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { administrationValues, mergedValues, metricsValues } from '../support/chart.ts';
import { ChartPod } from './support/chart-pod.ts';

/** Of the Prometheus operator, as far as the chart uses it. */
interface Endpoint {
  readonly port: string;
  readonly authorization: { readonly credentials: { readonly name: string; readonly key: string } };
  readonly tlsConfig: {
    readonly ca: { readonly configMap: { readonly name: string; readonly key: string } };
    readonly serverName: string;
  };
}

describe('An installed server', function () {
  this.timeout(120_000);
  let files: ServerFiles;
  let ended: AsyncDisposableStack;
  before(function () {
    peerOrSkip(this, findPrograms('helm'), 'Helm');
  });
  beforeEach(async () => {
    ended = new AsyncDisposableStack();
    files = ended.use(await ServerFiles.create());
  });
  afterEach(async () => ended.disposeAsync());

  it('tells its metrics to who asks as the ServiceMonitor says, and not without the token', async () => {
    const [token, made] = [randomBytes(32).toString('base64'), 'capstan-metrics'];
    const secrets = { [made]: { token, tokens: token } };
    const pod = await ChartPod.installed(metricsValues(), files, secrets);
    await pod.start(ended);
    const { endpoints } = pod.named('ServiceMonitor', 'capstan')!['spec'] as {
      readonly endpoints: readonly [Endpoint];
    };
    const [{ port: name, authorization, tlsConfig }] = endpoints;
    const { ports } = pod.named('Service', 'capstan')!['spec'] as {
      readonly ports: readonly { readonly name: string; readonly port: number }[];
    };
    const port = await freePort();
    await pod.forward('service/capstan', port, ports.find((one) => one.name === name)!.port, ended);
    assert.deepEqual(authorization.credentials, { name: made, key: 'token' });
    assert.deepEqual(tlsConfig.ca, { configMap: { name: 'capstan-anchors', key: 'root-cert.pem' } });
    const trusted = { ca: files.pki.root.certificatePem, servername: tlsConfig.serverName };
    const scraped = async (headers: Readonly<Record<string, string>>): Promise<readonly [number, string]> => {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        request({ host: '127.0.0.1', port, path: '/metrics', headers, agent: false, ...trusted }, resolve)
          .once('error', reject)
          .end();
      });
      return [answer.statusCode ?? 0, await text(answer)];
    };
    const [status, metrics] = await scraped({ authorization: `Bearer ${token}` });
    assert.equal(status, 200);
    assert.match(metrics, /reader="token",outcome="answered"\} 1$/m);
    assert.equal((await scraped({}))[0], 401);
  });

  it('hears operators at the port of its Service, by the certificates of the ConfigMap', async () => {
    const team = await SecurityTeam.create(files, ['alice']);
    const people = { 'capstan-people': { 'people-ca.pem': readFileSync(files.path('people.pem'), 'utf8') } };
    const more = {
      // By which it is forwarded to; otherwise the name of its Service.
      serving: { dnsNames: ['localhost', 'capstan.istio-system.svc'] },
      listen: { administration: { roles: { security: ['URI:spiffe://corp.example/ops/alice'] } } },
    };
    const pod = await ChartPod.installed(mergedValues(administrationValues(), { config: more }), files, people);
    await pod.start(ended);
    const port = await freePort();
    await pod.forward('service/capstan', port, 15_016, ended);
    const { code, output, error } = await team.run('alice', port, 'issuer', 'list');
    assert.equal(code, 0, error);
    assert.match(output, /default/);
  });
});
