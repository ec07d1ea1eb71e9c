// The console as the chart installs it: what it renders for one, what it refuses, and what leads browsers there.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig } from '../../../../src/config/load.ts';
import { findPrograms, istioSource } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import {
  consoleValues,
  ISTIO_CONFIG,
  mergedValues,
  objectsIn,
  renderChart,
  renderNotes,
  type Rendered,
  type Values,
} from '../support/chart.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import type { ClusterObject } from '../support/cluster-api.ts';

const { offered: OFFERED, within: WITHIN } = consoleValues();
const NAME = 'ca.corp.example';

/** Objects of one kind, as JSON: what is asserted of them are pieces. */
function jsonOf({ objects }: Rendered, kind: string, name = 'capstan'): string {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  return found === undefined ? '' : JSON.stringify(found);
}

const specOf = (object: ClusterObject | undefined): Readonly<Record<string, unknown>> =>
  (object?.['spec'] ?? {}) as Readonly<Record<string, unknown>>;

function consoleRules({ objects }: Rendered): readonly unknown[] {
  const { ingress } = specOf(objects.find(({ kind }) => kind === 'NetworkPolicy')) as {
    readonly ingress: readonly { readonly ports: readonly { readonly port: unknown }[] }[];
  };
  return ingress.filter(({ ports }) => ports.some(({ port }) => port === 'console'));
}

describe('The chart, of a console,', function () {
  this.timeout(60_000);
  before(function () {
    peerOrSkip(this, findPrograms('helm'), 'Helm');
  });

  it('has none until it is asked for', () => {
    assert.doesNotMatch(renderChart().text, /console/);
    assert.doesNotMatch(renderNotes({}), /console/);
  });

  it('makes a Service of its own, which leads to the port of the pod that its configuration names', () => {
    const rendered = renderChart(OFFERED);
    const service = specOf(rendered.objects.find(({ metadata }) => metadata.name === 'capstan-console'));
    assert.deepEqual(service, {
      type: 'ClusterIP',
      publishNotReadyAddresses: true,
      selector: {
        'app.kubernetes.io/name': 'capstan',
        'app.kubernetes.io/instance': 'capstan',
        'statefulset.kubernetes.io/pod-name': 'capstan-0',
      },
      ports: [{ name: 'https-console', port: 443, targetPort: 'console', protocol: 'TCP' }],
    });
    assert.match(jsonOf(rendered, 'StatefulSet'), /"name":"console","containerPort":15019/);
    assert.doesNotMatch(jsonOf(rendered, 'Service'), /console/);
  });

  it('has attempts to sign in come with their address, where it is exposed', () => {
    const { objects } = renderChart(mergedValues(OFFERED, { console: { service: { type: 'LoadBalancer' } } }));
    const { type, externalTrafficPolicy } = specOf(objects.find(({ metadata }) => metadata.name === 'capstan-console'));
    assert.deepEqual([type, externalTrafficPolicy], ['LoadBalancer', 'Local']);
  });

  it('lets in the peers that its values name, and nobody else', () => {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'istio-ingress' } } }];
    assert.deepEqual(consoleRules(renderChart(OFFERED)), [{ from, ports: [{ port: 'console', protocol: 'TCP' }] }]);
    assert.deepEqual(consoleRules(renderChart({ ...OFFERED, networkPolicy: {} })), []);
    assert.deepEqual(consoleRules(renderChart({ networkPolicy: { consoleFrom: from } })), []);
  });

  it('leaves the probes as they are', () => {
    const probes = (rendered: Rendered): unknown =>
      jsonOf(rendered, 'StatefulSet').match(/"(startup|readiness|liveness)Probe":\{.*?\}/g);
    assert.deepEqual(probes(renderChart(OFFERED)), probes(renderChart()));
  });

  it('makes neither Service nor rule where it stays in its pod', () => {
    const rendered = renderChart(WITHIN);
    assert.equal(jsonOf(rendered, 'Service', 'capstan-console'), '');
    assert.deepEqual(consoleRules(rendered), []);
    assert.match(renderNotes(WITHIN), /port-forward pod\/capstan-0 15019:15019/);
  });

  it('lets the pod start without the secret of the provider, which is read when somebody signs in', () => {
    assert.match(
      jsonOf(renderChart(OFFERED), 'StatefulSet'),
      /"secretName":"capstan-console-oidc","defaultMode":288,"optional":true/,
    );
  });

  it('keeps what values say of its files', () => {
    const own = { chainFile: '/own/chain.pem', keyFile: '/own/key.pem' };
    const { objects } = renderChart(mergedValues(OFFERED, { config: { listen: { console: own } } }));
    const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'capstan')!;
    const { 'capstan.yaml': text = '' } = map['data'] as Readonly<Record<string, string>>;
    const loaded = loadConfig({ text: { text, place: 'capstan.yaml' } });
    assert.ok(!('problems' in loaded));
    const { chainFile, keyFile } = loaded.config.listen.console;
    assert.deepEqual({ chainFile, keyFile }, own);
  });

  const without = (values: Values): Values => ({ ...OFFERED, config: { listen: { console: values } } });
  const oidc = { issuer: 'https://login.corp.example', clientId: 'capstan', roles: { viewer: ['mesh-viewers'] } };
  const url = `https://${NAME}`;
  const people = { clientCaFile: '/etc/capstan/people/ca.pem', roles: { viewer: ['CN:vera'] } };
  for (const [what, values, why] of [
    ['without a way to sign in', without({ url }), /needs a way to sign in/],
    ['with a provider that could lead nobody back', without({ oidc }), /needs .*console\.url/],
    ['with a provider that does not know it', without({ url, oidc: { ...oidc, clientId: '' } }), /needs .*clientId/],
    ['at a URL without TLS', without({ url: `http://${NAME}`, oidc }), /must be an https URL without a path/],
    ['at a URL with a path', without({ url: `${url}/capstan`, oidc }), /must be an https URL without a path/],
    ['that lets nobody in', without({ url, oidc: { ...oidc, roles: {} } }), /lets nobody in/],
    [
      'that would let in by certificates, of which it knows no authority',
      mergedValues(without({ url, oidc: { ...oidc, roles: {} } }), {
        config: { listen: { administration: { roles: people.roles } } },
      }),
      /lets nobody in/,
    ],
    [
      'whose certificate has another name',
      { ...OFFERED, console: { enabled: true, oidcSecret: 'secret' } },
      /has no name ca\.corp\.example/,
    ],
    [
      'whose address is there without it',
      { config: { listen: { console: { address: '0.0.0.0:15019' } } } },
      /needs console\.enabled/,
    ],
    [
      'that is offered by its values, and kept in its pod by its address',
      mergedValues(OFFERED, { config: { listen: { console: { address: '127.0.0.1:15019' } } } }),
      /keeps in its pod/,
    ],
    [
      'that is exposed by its Service, and kept in its pod by its address',
      mergedValues(WITHIN, { console: { service: { type: 'LoadBalancer' } } }),
      /keeps in its pod/,
    ],
    ['at a port that is none', mergedValues(OFFERED, { console: { service: { port: 0 } } }), /port/],
  ] as const) {
    it(`refuses one ${what}, before anything is changed`, () => {
      assert.throws(() => renderChart(values), why);
    });
  }
});

describe('The gateway of Istio in front of the console', function () {
  this.timeout(120_000);
  const objects = objectsIn(readFileSync(path.join(ISTIO_CONFIG, 'istio/console.yaml'), 'utf8'));

  it('leads the name of the console to its Service, and comes from where its values let in', function () {
    peerOrSkip(this, findPrograms('helm'), 'Helm');
    const rendered = renderChart(OFFERED);
    const { hosts, tls } = specOf(objects.find(({ kind }) => kind === 'VirtualService')) as unknown as {
      readonly hosts: readonly string[];
      readonly tls: readonly [{ readonly route: readonly [{ readonly destination: { readonly host: string } }] }];
    };
    assert.match(renderNotes(OFFERED), new RegExp(`Its console, .*: https://${hosts.join('|')}/`));
    const [service, namespace] = tls[0].route[0].destination.host.split('.');
    assert.ok(rendered.objects.some(({ kind, metadata }) => kind === 'Service' && metadata.name === service));
    assert.equal(namespace, 'istio-system');
    assert.match(JSON.stringify(consoleRules(rendered)), /"istio-ingress"/);
  });

  it("is taken strictly by an API server with Istio's definitions", async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    const definitions = peerOrSkip(this, istioDefinitions(), "Istio's source");
    await using cluster = await KubernetesCluster.start();
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } };
    await cluster.apply([namespace, ...definitions]);
    for (const object of objects) {
      const target = `${await cluster.api.pathOf(object)}?fieldManager=kubectl&dryRun=All&fieldValidation=Strict`;
      await cluster.api.ask('PATCH', target, object, 'application/apply-patch+yaml');
    }
  });
});

/** Of the objects that the file has. */
function istioDefinitions(): readonly ClusterObject[] | undefined {
  if (findPrograms('istiod') === undefined) return undefined;
  const file = path.join(istioSource(), 'manifests/charts/base/files/crd-all.gen.yaml');
  const ours = /^(gateways|virtualservices)\.networking\.istio\.io$/;
  return existsSync(file)
    ? objectsIn(readFileSync(file, 'utf8')).filter(({ metadata }) => ours.test(metadata.name))
    : undefined;
}
