// The Helm chart, rendered by Helm and judged by a real API server: strictly, as it would be applied, and under the restricted pod
// security standard.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { settingsOf } from '../../../../src/app/doctor/settings.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import { rightsOf } from '../../../../src/review/doctor/rights.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { findPrograms } from '../../programs/programs.ts';
import type { ClusterObject } from '../support/cluster-api.ts';
import {
  administrationValues,
  ALL_ON,
  consoleValues,
  gitSyncValues,
  headsValues,
  ISTIO_CONFIG,
  metricsValues,
  objectsIn,
  renderChart,
  SHARED,
  valuesShownIn,
  type Values,
} from '../support/chart.ts';
import { KubernetesCluster } from '../support/cluster.ts';

const MANIFESTS = path.join(ISTIO_CONFIG, 'manifests/capstan.yaml');
const HEAD = `# Capstan in istio-system, for those without Helm: what istio-config/chart/capstan renders with its defaults. Made by
#   UPDATE_DOCS=1 npx mocha test/peers/kubernetes/installation/chart.test.ts
# Replace the image by one of a release, by its digest, and the public key in the ConfigMap capstan-bundle-keys by your own.
`;
/** The values under "What is exposed". */
const BEHIND_PROXY = valuesShownIn('kubernetes.md', /```yaml\n(observation:[\s\S]*?)```/);
/** And the first ones there. */
const METRICS = metricsValues();
const CERT_MANAGER = valuesShownIn('trust.md', /<!-- cert-manager -->\s+```yaml\n([\s\S]*?)```/);
const ADMINISTRATION = administrationValues();
const VALUES: Readonly<Record<string, Values>> = {
  'metrics behind an authenticating proxy': BEHIND_PROXY,
  'metrics over TLS': METRICS,
  'its defaults': {},
  'everything switched on': ALL_ON,
  'several replicas on PostgreSQL': SHARED,
  'further clusters as Secrets': { config: { cluster: { remote: { secrets: { namespace: 'istio-system' } } } } },
  'a look for rogue CAs': { config: { rogue: { cluster: 'withoutSecrets' } } },
  'a look for rogue CAs in Secrets too': { config: { rogue: { cluster: 'all' } } },
  'the policy bundle as a Secret of another namespace': {
    config: { policy: { bundle: { file: null, from: { kind: 'Secret', name: 'bundle', namespace: 'security' } } } },
  },
  'an intermediate from cert-manager': CERT_MANAGER,
  'intermediates from cert-manager in two namespaces': {
    config: {
      additionalIssuers: ['security', 'istio-system', 'security'].map((namespace, index) => ({
        name: `issuer-${index}`,
        directory: `/var/lib/capstan/issuer-${index}`,
        upstream: { certManager: { namespace, issuer: { name: 'corporate' } } },
      })),
    },
  },
  'administration from elsewhere': ADMINISTRATION,
  'a console with a Service of its own': consoleValues().offered,
  'a console that stays in its pod': consoleValues().within,
  'policies held against a checkout': gitSyncValues(),
  'a journal whose heads are signed': headsValues(),
  'revocation lists': {
    config: {
      crl: { address: '0.0.0.0:8080' },
      trustAnchors: { crlFile: '/etc/capstan/root-crl.pem' },
      cluster: { kubernetes: { publish: { crlConfigMap: { enabled: true } } } },
    },
  },
  'no access to the API server': { config: { cluster: { kubernetes: null } } },
};

/** As the Prometheus operator defines it, as far as it matters here. */
const SERVICE_MONITORS: ClusterObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'ServiceMonitor', plural: 'servicemonitors' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const of = (objects: readonly ClusterObject[], kind: string): readonly ClusterObject[] =>
  objects.filter((object) => object.kind === kind);

function configIn(objects: readonly ClusterObject[], name = 'capstan'): ReturnType<typeof loadConfig> {
  const map = of(objects, 'ConfigMap').find(({ metadata }) => metadata.name === name) as unknown as {
    readonly data: Readonly<Record<string, string>>;
  };
  return loadConfig({ text: { text: map.data['capstan.yaml'] ?? '', place: 'capstan.yaml' } });
}

/** Each right as one line: where, which, verb. */
function grantedIn(objects: readonly ClusterObject[]): readonly string[] {
  const roles = [...of(objects, 'ClusterRole'), ...of(objects, 'Role')] as unknown as readonly {
    readonly metadata: { readonly namespace?: string };
    readonly rules: readonly Rule[];
  }[];
  return roles
    .flatMap(({ metadata, rules }) =>
      rules.flatMap(({ apiGroups = [], resources = [], resourceNames = [''], verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            resourceNames.flatMap((name) =>
              verbs.map((verb) => line({ verb, group, resource, name, namespace: metadata.namespace ?? '' })),
            ),
          ),
        ),
      ),
    )
    .sort();
}

const line = ({
  verb,
  group,
  resource,
  name = '',
  namespace = '',
}: {
  verb: string;
  group: string;
  resource: string;
  name?: string;
  namespace?: string;
}): string => [namespace, group, resource, name, verb].join('|');

describe('The chart as Helm renders it', function () {
  this.timeout(60_000);
  before(function () {
    peerOrSkip(this, findPrograms('helm'), 'Helm');
  });

  for (const [title, values] of Object.entries(VALUES)) {
    it(`has a configuration that the server takes, with ${title}`, () => {
      const loaded = configIn(renderChart(values).objects);
      assert.ok(!('problems' in loaded), JSON.stringify('problems' in loaded && loaded.problems));
    });
  }

  for (const [title, values] of Object.entries(VALUES)) {
    it(`grants with ${title} what the table of rights has, and nothing else`, () => {
      const { objects } = renderChart({
        ...values,
        conditions: { resources: { '': null, 'networking.k8s.io': null, 'gateway.networking.k8s.io': null } },
      });
      const loaded = configIn(objects);
      assert.ok(!('problems' in loaded));
      const place = { namespace: 'istio-system', name: 'capstan', serviceAccount: 'capstan' };
      const wanted = rightsOf(settingsOf(loaded.config, place)).map(line);
      assert.deepEqual(grantedIn(objects), [...new Set(wanted)].sort());
    });
  }

  it('lets nobody list Secrets, and lets conditions read what their values name', () => {
    const { objects } = renderChart({ ...ALL_ON, conditions: { resources: { 'apps.example': ['widgets'] } } });
    const granted = grantedIn(objects);
    assert.deepEqual(
      granted.filter((right) => right.includes('|secrets|')),
      [
        'istio-system||secrets|istiod-tls|get',
        'istio-system||secrets|istiod-tls|patch',
        'istio-system||secrets||create',
      ],
    );
    const looking = grantedIn(renderChart({ config: { rogue: { cluster: 'withoutSecrets' } } }).objects);
    assert.deepEqual(
      looking.filter((right) => /\|secrets\|.*\|(list|watch)$/.test(right)),
      [],
    );
    assert.ok(granted.includes('|apps.example|widgets||watch'));
    assert.deepEqual(
      granted.filter((right) => right.includes('*')),
      [],
      'no right is for whatever there is',
    );
  });

  it('refuses by its schema several replicas of an embedded store, and says where', () => {
    assert.throws(() => renderChart({ replicas: 2 }), /replicas/);
    assert.throws(() => renderChart({ autoscaling: { enabled: true } }), /autoscaling/);
    assert.throws(() => renderChart({ config: { listen: { maxConection: 1 } } }), /maxConection/);
  });

  it('refuses to be installed without a key that may sign the policy bundle, and says how to name one', () => {
    assert.throws(() => renderChart({}, 'istio-system', { keys: [] }), /bundle\.keys has no public key/);
  });

  it('has the name of its Service in its certificate, under another name and in another namespace too', () => {
    const loaded = configIn(renderChart({ fullnameOverride: 'capstan' }, 'ca').objects);
    assert.ok(!('problems' in loaded));
    assert.deepEqual(loaded.config.serving.dnsNames, [
      'capstan.ca.svc',
      'capstan.istio-system.svc',
      'istiod.istio-system.svc',
    ]);
  });

  it('shares neither Lease nor webhook with another release', () => {
    const config = { cluster: { kubernetes: { admission: { address: '0.0.0.0:15017' } } } };
    const { objects } = renderChart({ fullnameOverride: 'second', config });
    const loaded = configIn(objects, 'second');
    assert.ok(!('problems' in loaded));
    const { leaseName, admission } = loaded.config.cluster.kubernetes;
    assert.deepEqual([leaseName, admission.configuration], ['second', 'second']);
    assert.deepEqual(
      of(objects, 'ValidatingWebhookConfiguration').map(({ metadata }) => metadata.name),
      ['second'],
    );
    assert.ok(grantedIn(objects).includes('istio-system|coordination.k8s.io|leases|second|update'));
  });

  it('keeps what values say of Lease and webhook', () => {
    const loaded = configIn(renderChart({ config: { cluster: { kubernetes: { leaseName: 'other' } } } }).objects);
    assert.ok(!('problems' in loaded));
    assert.equal(loaded.config.cluster.kubernetes.leaseName, 'other');
  });

  it('lets Capstan out to the API server at the addresses that its values name, and to nobody else on its ports', () => {
    const { objects } = renderChart({ networkPolicy: { apiServer: { ports: [6443], cidrs: ['10.0.0.10/32'] } } });
    const [policy] = of(objects, 'NetworkPolicy') as unknown as readonly {
      readonly spec: { readonly egress: readonly { readonly ports: readonly { readonly port: number }[] }[] };
    }[];
    assert.deepEqual(
      policy!.spec.egress.filter(({ ports }) => ports.some(({ port }) => port === 6443)),
      [{ ports: [{ port: 6443, protocol: 'TCP' }], to: [{ ipBlock: { cidr: '10.0.0.10/32' } }] }],
    );
  });

  it('offers metrics at no port but the one of the proxy that asks who reads them, where docs/kubernetes.md puts one', () => {
    const { objects } = renderChart(BEHIND_PROXY);
    const loaded = configIn(objects);
    assert.ok(!('problems' in loaded));
    assert.equal(loaded.config.listen.http.address.host, '127.0.0.1');
    const text = JSON.stringify(of(objects, 'NetworkPolicy'));
    assert.match(text, /"port":15024/);
    assert.doesNotMatch(text, /observation|15014/);
    assert.match(JSON.stringify(of(objects, 'Service')), /"name":"https-observation","port":15014,"targetPort":15024/);
    assert.match(JSON.stringify(of(objects, 'ServiceMonitor')), /"port":"https-observation".*"scheme":"https"/);
  });

  it('offers metrics over TLS at a port of its own to the scraper that shows the token, and the token to nobody else', () => {
    const { objects } = renderChart(METRICS);
    const loaded = configIn(objects);
    assert.ok(!('problems' in loaded));
    assert.deepEqual(loaded.config.listen.metrics.address, { host: '0.0.0.0', port: 15_018 });
    assert.match(JSON.stringify(of(objects, 'Service')), /"name":"https-metrics","port":15018,"targetPort":"metrics"/);
    assert.match(podOf({ objects }), /"name":"metrics","containerPort":15018/);
    // The mounted file is the one that the configuration names, and what the scraper shows is not in the pod.
    assert.equal(loaded.config.listen.metrics.tokenFile, '/etc/capstan/metrics/tokens');
    assert.match(
      podOf({ objects }),
      /"secretName":"capstan-metrics","defaultMode":288,"items":\[\{"key":"tokens","path":"tokens"\}\]/,
    );
    assert.match(JSON.stringify(of(objects, 'NetworkPolicy')), /"port":"metrics"/);
    const [monitor] = of(objects, 'ServiceMonitor') as unknown as readonly {
      readonly spec: { readonly endpoints: readonly [Readonly<Record<string, unknown>>] };
    }[];
    const [{ port, scheme, authorization, tlsConfig }] = monitor!.spec.endpoints;
    assert.deepEqual(
      { port, scheme, authorization, tlsConfig },
      {
        port: 'https-metrics',
        scheme: 'https',
        authorization: { credentials: { name: 'capstan-metrics', key: 'token' } },
        tlsConfig: {
          ca: { configMap: { name: 'capstan-anchors', key: 'root-cert.pem' } },
          serverName: loaded.config.serving.dnsNames[0],
        },
      },
    );
  });

  it('refuses a ServiceMonitor that could scrape nothing, before anything is changed', () => {
    const serviceMonitor = { enabled: true };
    assert.throws(
      () => renderChart({ serviceMonitor }),
      /needs config\.listen\.metrics\.address and metrics\.tokenSecret/,
    );
    const config = { listen: { metrics: { address: '0.0.0.0:15018', tokenFile: '/token' } } };
    assert.throws(() => renderChart({ serviceMonitor, config }), /serviceMonitor needs metrics\.tokenSecret/);
  });

  it('mounts no Secret of an intermediate where an upstream signs it', () => {
    assert.match(podOf(renderChart()), /"name":"issuer"/);
    assert.doesNotMatch(podOf(renderChart(CERT_MANAGER)), /"name":"issuer"/);
  });

  it('lets everybody fetch revocation lists, at a port of their own', () => {
    const { objects } = renderChart({ config: { crl: { address: '0.0.0.0:8081' } } });
    assert.match(JSON.stringify(of(objects, 'Service')), /"name":"http-crl","port":8080,"targetPort":"crl"/);
    assert.match(podOf({ objects }), /"name":"crl","containerPort":8081/);
    assert.match(JSON.stringify(of(objects, 'NetworkPolicy')), /\{"ports":\[\{"port":"crl","protocol":"TCP"\}\]\}/);
    assert.doesNotMatch(JSON.stringify(renderChart().objects), /"crl"/);
  });

  it('offers administration at a port of its own to the peers that its values name, with the CAs of these people at hand', () => {
    const { objects } = renderChart(ADMINISTRATION);
    assert.match(
      JSON.stringify(of(objects, 'Service')),
      /"name":"https-administration","port":15016,"targetPort":"administration"/,
    );
    assert.match(podOf({ objects }), /"name":"administration","containerPort":15016/);
    assert.match(podOf({ objects }), /"name":"people","mountPath":"\/etc\/capstan\/people","readOnly":true/);
    assert.match(podOf({ objects }), /"name":"people","configMap":\{"name":"capstan-people"\}/);
    const loaded = configIn(objects);
    assert.ok(!('problems' in loaded));
    assert.equal(loaded.config.listen.administration.clientCaFile, '/etc/capstan/people/people-ca.pem');
    const allowed = (values: Values): unknown => {
      const [policy] = of(renderChart(values).objects, 'NetworkPolicy') as unknown as readonly {
        readonly spec: { readonly ingress: readonly { readonly ports: readonly { readonly port: unknown }[] }[] };
      }[];
      return policy!.spec.ingress.filter(({ ports }) => ports.some(({ port }) => port === 'administration'));
    };
    const from = [{ ipBlock: { cidr: '10.20.0.0/16' } }];
    assert.deepEqual(allowed(ADMINISTRATION), [{ from, ports: [{ port: 'administration', protocol: 'TCP' }] }]);
    assert.deepEqual(allowed({ ...ADMINISTRATION, networkPolicy: {} }), []);
    assert.deepEqual(allowed({ networkPolicy: { administrationFrom: from } }), []);
  });

  it('gives the container further environment, such as a passphrase from a Secret', () => {
    const variable = { name: 'PASSPHRASE', valueFrom: { secretKeyRef: { name: 'unlock', key: 'passphrase' } } };
    const [set] = of(renderChart({ extraEnv: [variable] }).objects, 'StatefulSet') as unknown as readonly {
      readonly spec: {
        readonly template: { readonly spec: { readonly containers: readonly { readonly env?: unknown }[] } };
      };
    }[];
    assert.deepEqual(set!.spec.template.spec.containers[0]!.env, [variable]);
  });

  it('takes an image by its digest', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const { text } = renderChart({ image: { repository: 'registry.example/capstan', tag: '9', digest } });
    assert.match(text, new RegExp(`image: "registry.example/capstan@${digest}"`));
  });

  it('keeps the journal and the policies when the release goes', () => {
    const kept = renderChart().objects.filter(
      ({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] === 'keep',
    );
    assert.deepEqual(kept.map(({ kind }) => kind).sort(), [
      'CustomResourceDefinition',
      'CustomResourceDefinition',
      'PersistentVolumeClaim',
    ]);
  });

  it('is never in the mesh that it serves', () => {
    const [set] = of(renderChart().objects, 'StatefulSet') as unknown as readonly {
      readonly spec: {
        readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>> } };
      };
    }[];
    const { labels } = set!.spec.template.metadata;
    assert.equal(labels['sidecar.istio.io/inject'], 'false');
    assert.equal(labels['istio.io/dataplane-mode'], 'none');
  });

  it('is what istio-config/manifests has', () => {
    const objects = renderChart().objects.map((object) => ({
      ...object,
      metadata: { ...object.metadata, labels: withoutHelm(object.metadata.labels ?? {}) },
    }));
    const text = HEAD + objects.map((object) => `---\n${stringify(object, { lineWidth: 0 })}`).join('');
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(MANIFESTS, text);
    else
      assert.deepEqual(objectsIn(readFileSync(MANIFESTS, 'utf8')), objectsIn(text), 'run this test with UPDATE_DOCS=1');
  });
});

const podOf = ({ objects }: { readonly objects: readonly ClusterObject[] }): string =>
  JSON.stringify(of(objects, 'StatefulSet'));

function withoutHelm(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const ofHelm = ['helm.sh/chart', 'app.kubernetes.io/managed-by'];
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !ofHelm.includes(name)));
}

describe('The chart in a cluster', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs(), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await cluster.apply([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system', labels: restricted } },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'security' } },
      SERVICE_MONITORS,
    ]);
  });
  after(async () => ended.disposeAsync());

  /** Nothing is stored; a field that the server does not know is refused. */
  async function tryOut(object: ClusterObject): Promise<void> {
    const target = `${await cluster.api.pathOf(object)}?fieldManager=helm&dryRun=All&fieldValidation=Strict`;
    await cluster.api.ask('PATCH', target, object, 'application/apply-patch+yaml');
  }

  for (const [title, values] of Object.entries(VALUES)) {
    it(`is taken whole and strictly, with ${title}`, async () => {
      for (const object of renderChart(values).objects) await tryOut(object);
    });
  }

  it('is taken as plain manifests, too', async () => {
    for (const object of objectsIn(readFileSync(MANIFESTS, 'utf8'))) await tryOut(object);
  });

  for (const [title, values] of Object.entries(VALUES)) {
    it(`has a pod that the restricted pod security standard takes, with ${title}`, async () => {
      const [set] = of(renderChart(values).objects, 'StatefulSet') as unknown as readonly {
        readonly spec: { readonly template: { readonly metadata: object; readonly spec: object } };
      }[];
      const { template } = set!.spec;
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        ...template,
        metadata: { ...template.metadata, name: 'capstan-0', namespace: 'istio-system' },
      };
      await tryOut(pod);
      const spec = { ...template.spec, securityContext: {} };
      await assert.rejects(tryOut({ ...pod, spec }), /violates PodSecurity/, 'the standard is enforced here');
    });
  }
});
