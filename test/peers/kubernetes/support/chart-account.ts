// The account that a Capstan of these tests has in a cluster: what the chart makes of that server's own configuration, roles and
// all. It is the one way to a cluster that a server here has (test/project/peer-rights.test.ts), so whatever is tested here is
// tested with the rights of an installation, and nobody lists Secrets unless a configuration asks for it.
import { readFileSync } from 'node:fs';
import { chartRoles } from './chart-roles.ts';
import type { Values } from './chart.ts';
import type { ClusterObject } from './cluster-api.ts';
import type { KubernetesCluster } from './cluster.ts';
import { accountName, marked, rulesOf, untilInForce } from './roles-in-force.ts';

/** Of a server, by dotted path. */
export type Settings = Readonly<Record<string, unknown>>;

export interface AccountOptions {
  /** That Capstan runs in; `istio-system` unless said otherwise. */
  readonly namespace?: string;
  /** Of the release, where a cluster has several; `capstan` unless said otherwise. */
  readonly name?: string;
  /** Laid over the values, as an operator does to let conditions of policies look at more. */
  readonly values?: Values;
  /** Resources and paths that the rendered roles are to lack, to see what becomes of a server without. */
  readonly without?: readonly string[];
}

/** What the chart has switched on by default and a server may do without. */
const SWITCHED_OFF: Settings = {
  'cluster.kubernetes.publish.rootConfigMap.enabled': false,
  'cluster.kubernetes.publish.istiodTls': null,
  'cluster.kubernetes.policies': false,
  'cluster.kubernetes.events': false,
};
/** What decides about roles. */
const DECIDING = /^(cluster|policy\.bundle\.(file|from)|rogue\.cluster|issuer\.upstream|additionalIssuers)\b/;

export class ChartAccount {
  /** Of a server that has this account: where it is, and how it gets there. */
  readonly settings: Settings;
  /** As they were applied, to be taken away and given back. */
  readonly roles: readonly ClusterObject[];
  readonly #kubeconfig: string;
  readonly #caFile: string;

  private constructor({ settings, roles, kubeconfig, caFile }: Parts) {
    this.settings = settings;
    this.roles = roles;
    this.#kubeconfig = kubeconfig;
    this.#caFile = caFile;
  }

  /**
   * Applies what the chart renders for a server with these settings, and waits until it is in force. Another account of the same
   * name is this one afterwards, as after `helm upgrade`.
   */
  static async make(
    cluster: KubernetesCluster,
    settings: Settings = {},
    options: AccountOptions = {},
  ): Promise<ChartAccount> {
    const { namespace = 'istio-system', name = 'capstan' } = options;
    const roles = marked(rolesFor(settings, options));
    await cluster.apply(roles);
    await untilInForce(cluster.api, roles, accountName(namespace, name));
    const kubeconfig = await cluster.accountKubeconfig(namespace, name);
    const connection = {
      'cluster.manifests': undefined,
      'cluster.kubernetes.from': 'kubeconfig',
      'cluster.kubernetes.kubeconfig': kubeconfig,
      'cluster.kubernetes.namespace': namespace,
    };
    return new ChartAccount({ settings: { ...settings, ...connection }, roles, kubeconfig, caFile: cluster.caFile });
  }

  /** Path of its kubeconfig, with its token. */
  get kubeconfig(): string {
    return this.#kubeconfig;
  }

  /** @returns the same account, for a server that has another kubeconfig of it. */
  by(kubeconfig: string): ChartAccount {
    const settings = { ...this.settings, 'cluster.kubernetes.kubeconfig': kubeconfig };
    return new ChartAccount({ settings, roles: this.roles, kubeconfig, caFile: this.#caFile });
  }

  /** A kubeconfig with everything in itself, as one that is mounted for a further cluster must be. */
  get inlined(): string {
    const config = JSON.parse(readFileSync(this.#kubeconfig, 'utf8')) as {
      readonly clusters: readonly { readonly name: string; readonly cluster: { readonly server: string } }[];
    };
    const ca = readFileSync(this.#caFile).toString('base64');
    const clusters = config.clusters.map(({ name, cluster: { server } }) => ({
      name,
      cluster: { server, 'certificate-authority-data': ca },
    }));
    return JSON.stringify({ ...config, clusters });
  }
}

interface Parts {
  readonly settings: Settings;
  readonly roles: readonly ClusterObject[];
  readonly kubeconfig: string;
  readonly caFile: string;
}

/** What `ChartAccount.make` applies. */
export function rolesFor(settings: Settings, options: AccountOptions = {}): readonly ClusterObject[] {
  const { namespace = 'istio-system', name = 'capstan', values = {}, without = [] } = options;
  const deciding = Object.entries(settings).filter(([path]) => DECIDING.test(path));
  const config = { ...SWITCHED_OFF, ...Object.fromEntries(deciding), 'cluster.kubernetes.from': 'inCluster' };
  const roles = chartRoles({ ...values, fullnameOverride: name, config: nested(config) }, namespace);
  return roles.map((role) => lacking(role, without));
}

/** A setting that is taken away is null, by which Helm forgets the chart's default. */
function nested(settings: Settings): object {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(settings)) {
    const names = path.split('.');
    const last = names.pop()!;
    let place = root;
    for (const name of names) place = (place[name] ??= {}) as Record<string, unknown>;
    place[last] = value ?? null;
  }
  return root;
}

function lacking(role: ClusterObject, without: readonly string[]): ClusterObject {
  if (without.length === 0 || role['rules'] === undefined) return role;
  const left = (names: readonly string[]): readonly string[] => names.filter((name) => !without.includes(name));
  const rules = rulesOf(role)
    .map((rule) => ({
      ...rule,
      ...(rule.resources !== undefined && { resources: left(rule.resources) }),
      ...(rule.nonResourceURLs !== undefined && { nonResourceURLs: left(rule.nonResourceURLs) }),
    }))
    .filter(({ resources = [], nonResourceURLs = [] }) => resources.length + nonResourceURLs.length > 0);
  return { ...role, rules };
}
