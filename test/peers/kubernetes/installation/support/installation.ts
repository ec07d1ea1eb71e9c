// The objects of Capstan and of Istio in a cluster, as their charts make them where the doctor looks: enough of each for it to judge,
// and nothing that would have to run.
import { stringify } from 'yaml';
import type { Capstan } from '../../../support/capstan.ts';
import { issueLeaf } from '../../../support/pki.ts';
import { BundleSigner, bundleDocument } from '../../../../support/policy/signed-bundle.ts';
import { RIGHTS } from '../../../../../src/review/doctor/rights.ts';
import type { ClusterObject } from '../../support/cluster-api.ts';

export const NAMESPACE = 'istio-system';
const CA_ADDRESS = `capstan.${NAMESPACE}.svc:15012`;
const LABELS = { 'app.kubernetes.io/name': 'capstan' };
const RBAC = 'rbac.authorization.k8s.io/v1';

/** What a test may have otherwise; everything else is in order. */
export interface Otherwise {
  /** Laid over `global` of istiod's values. */
  readonly global?: object;
  readonly istiodEnv?: Readonly<Record<string, string>>;
  readonly trustDomain?: string;
  readonly ztunnelAddress?: string;
  readonly ztunnelNamespace?: string;
  /** Laid over Capstan's configuration. */
  readonly config?: object;
  /** Of the policy bundle. */
  readonly bundle?: object;
  readonly unsigned?: true;
}

export class Installation {
  readonly #capstan: Capstan;
  readonly #signer = new BundleSigner();

  constructor(capstan: Capstan) {
    this.#capstan = capstan;
  }

  /** Everything, in an order in which it can be applied. */
  async objects(otherwise: Otherwise = {}): Promise<readonly ClusterObject[]> {
    return [
      ...['istio-system', 'shop'].map((name) => this.namespace(name)),
      ...this.istio(otherwise),
      ...this.capstan(otherwise),
      ...(await this.trust()),
      ...this.rights(),
    ];
  }

  namespace(name: string, labels: Readonly<Record<string, string>> = {}): ClusterObject {
    const inMesh = name === 'shop' ? { 'istio-injection': 'enabled' } : {};
    return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { ...inMesh, ...labels } } };
  }

  istio(otherwise: Otherwise = {}): readonly ClusterObject[] {
    const { global = {}, istiodEnv = { ENABLE_CA_SERVER: 'false' }, trustDomain = 'cluster.local' } = otherwise;
    const { ztunnelAddress = CA_ADDRESS, ztunnelNamespace = NAMESPACE } = otherwise;
    const values = {
      global: { caAddress: CA_ADDRESS, pilotCertProvider: 'istiod', sds: { token: { aud: 'istio-ca' } }, ...global },
    };
    return [
      workload('Deployment', 'istiod', { labels: { app: 'istiod' }, env: istiodEnv }),
      configMap('istio-sidecar-injector', { config: '', values: JSON.stringify(values) }),
      configMap('istio', {
        mesh: stringify({ trustDomain, defaultConfig: { discoveryAddress: 'istiod.istio-system.svc:15012' } }),
      }),
      ...(ztunnelNamespace === NAMESPACE ? [] : [this.namespace(ztunnelNamespace)]),
      workload('DaemonSet', 'ztunnel', {
        namespace: ztunnelNamespace,
        labels: { app: 'ztunnel' },
        env: ztunnelAddress === '' ? {} : { CA_ADDRESS: `https://${ztunnelAddress}` },
        serviceAccount: 'ztunnel',
      }),
    ];
  }

  capstan({ config = {}, bundle: changed = {}, unsigned }: Otherwise = {}): readonly ClusterObject[] {
    const bundle = bundleDocument([{ namespaces: ['shop', 'default', NAMESPACE] }], { sequence: 1, more: changed });
    const signed = unsigned === true ? {} : { 'bundle.yaml.sig': this.#signer.sign(bundle) };
    return [
      workload('StatefulSet', 'capstan', {
        labels: LABELS,
        serviceAccount: 'capstan',
        mounts: {
          '/etc/capstan/capstan.yaml': ['capstan', 'capstan.yaml'],
          '/etc/capstan/anchors': ['capstan-anchors'],
          '/etc/capstan/bundle': ['capstan-policy-bundle'],
          '/etc/capstan/bundle-keys': ['capstan-bundle-keys'],
        },
      }),
      configMap('capstan', { 'capstan.yaml': stringify({ ...CONFIG, ...config }) }),
      configMap('capstan-anchors', { 'root-cert.pem': this.#capstan.anchorsPem }),
      configMap('capstan-policy-bundle', { 'bundle.yaml': stringify(bundle), ...signed }),
      configMap('capstan-bundle-keys', { 'security.pub': this.#signer.publicKeyPem }),
      this.endpoints(true),
    ];
  }

  endpoints(ready: boolean): ClusterObject {
    return {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'capstan-1', namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': 'capstan' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready } }],
      ports: [{ name: 'tls-ca', port: 15012, protocol: 'TCP' }],
    };
  }

  async trust(): Promise<readonly ClusterObject[]> {
    return [await this.istiodTls(), ...this.rootConfigMaps(), this.webhook(this.#capstan.anchorsPem)];
  }

  rootConfigMaps(pem = this.#capstan.anchorsPem): readonly ClusterObject[] {
    return [NAMESPACE, 'shop'].map((namespace) => ({
      ...configMap('istio-ca-root-cert', { 'root-cert.pem': pem }),
      metadata: { name: 'istio-ca-root-cert', namespace, labels: { 'istio.io/config': 'true' } },
    }));
  }

  /** @param notAfter of its leaf. @param issuer of another mesh, when it is not Capstan's. */
  async istiodTls({
    notAfter,
    issuer = this.#capstan.issuer,
    rootPem = this.#capstan.anchorsPem,
  }: {
    readonly notAfter?: Date;
    readonly issuer?: Capstan['issuer'];
    readonly rootPem?: string;
  } = {}): Promise<ClusterObject> {
    const request = { dns: 'istiod.istio-system.svc', ...(notAfter !== undefined && { notAfter }) };
    const { chainPem, keyPem } = await issueLeaf(issuer, request);
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'istiod-tls', namespace: NAMESPACE },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': chainPem, 'tls.key': keyPem, 'ca.crt': rootPem },
    };
  }

  webhook(pem: string): ClusterObject {
    return {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'istio-sidecar-injector', labels: { app: 'sidecar-injector' } },
      webhooks: [
        {
          name: 'namespace.sidecar-injector.istio.io',
          clientConfig: {
            service: { name: 'istiod', namespace: NAMESPACE, path: '/inject', port: 443 },
            caBundle: Buffer.from(pem).toString('base64'),
          },
          // Nothing that a test makes is given to it.
          namespaceSelector: { matchLabels: { injected: 'really' } },
          rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          failurePolicy: 'Ignore',
        },
      ],
    };
  }

  /** The roles that the table of rights asks for. @param without resources, or names of objects, that the role lacks. */
  rights(without: readonly string[] = []): readonly ClusterObject[] {
    const metadata = { name: 'capstan' };
    const subjects = [{ kind: 'ServiceAccount', name: 'capstan', namespace: NAMESPACE }];
    const rules = RIGHTS.filter(
      ({ resource, name = '' }) => ![resource, name].some((one) => without.includes(one)),
    ).map(({ group, resource, verbs, name }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs,
      ...(name !== undefined && { resourceNames: [name] }),
    }));
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'capstan' };
    return [
      { apiVersion: RBAC, kind: 'ClusterRole', metadata, rules },
      { apiVersion: RBAC, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
    ];
  }
}

const CONFIG = {
  trustDomain: 'cluster.local',
  listen: { tls: { address: '0.0.0.0:15012' }, http: { address: '0.0.0.0:15014' } },
  issuer: { chainFile: '/etc/capstan/issuer/tls.crt', keyFile: '/etc/capstan/issuer/tls.key' },
  trustAnchors: { file: '/etc/capstan/anchors/root-cert.pem' },
  policy: {
    bundle: {
      file: '/etc/capstan/bundle/bundle.yaml',
      keys: ['/etc/capstan/bundle-keys/security.pub'],
      stateFile: '/var/lib/capstan/bundle-state.json',
    },
  },
  cluster: { id: 'prod-eu-1', kubernetes: { from: 'inCluster' } },
  journal: { store: 'sqlite:/var/lib/capstan/journal.db' },
};

/** The same bundle, which Capstan takes from the API server. */
export function bundleFrom(kind: 'ConfigMap' | 'Secret'): object {
  const { keys, stateFile } = CONFIG.policy.bundle;
  return { policy: { bundle: { from: { kind, name: 'capstan-policy-bundle' }, keys, stateFile } } };
}

export function configMap(name: string, data: Readonly<Record<string, string>>): ClusterObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: NAMESPACE }, data };
}

interface WorkloadSettings {
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  /** ConfigMaps by where they are mounted, each with the key when it is one file. */
  readonly mounts?: Readonly<Record<string, readonly [string, string?]>>;
}

function workload(
  kind: 'Deployment' | 'DaemonSet' | 'StatefulSet',
  name: string,
  settings: WorkloadSettings,
): ClusterObject {
  const { namespace = NAMESPACE, labels, env = {}, serviceAccount = name, mounts = {} } = settings;
  const volumes = Object.values(mounts).map(([map]) => ({ name: map, configMap: { name: map } }));
  const volumeMounts = Object.entries(mounts).map(([mountPath, [map, subPath]]) => ({
    ...{ name: map, mountPath },
    ...(subPath !== undefined && { subPath }),
  }));
  const container = {
    name: 'main',
    image: 'registry.test/main:1',
    env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
    volumeMounts,
  };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, labels },
    spec: {
      ...(kind === 'StatefulSet' && { serviceName: name }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { serviceAccountName: serviceAccount, volumes, containers: [container] },
      },
    },
  };
}
