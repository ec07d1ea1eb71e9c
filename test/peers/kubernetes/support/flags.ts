// The command lines of a cluster's programs: small, on the loopback, and without what a test does not need.
import type { ClusterFiles } from './cluster-files.ts';

/** Without their dashes. */
export type Flags = Readonly<Record<string, string>>;

export const written = (flags: Flags): string[] => Object.entries(flags).map(([name, value]) => `--${name}=${value}`);

/** @param ports of clients and of other members, of which there are none. */
export function etcdFlags(files: ClusterFiles, ports: { readonly etcd: number; readonly etcdPeers: number }): string[] {
  const clients = `http://127.0.0.1:${ports.etcd}`;
  const peers = `http://127.0.0.1:${ports.etcdPeers}`;
  const flags = {
    'data-dir': files.path('etcd'),
    'listen-client-urls': clients,
    'advertise-client-urls': clients,
    'listen-peer-urls': peers,
    'initial-advertise-peer-urls': peers,
    'initial-cluster': `default=${peers}`,
    'log-level': 'warn',
  };
  // A killed process loses nothing by it, and no machine that loses its power is restored.
  return [...written(flags), '--unsafe-no-fsync'];
}

/** @param issuer `iss` of the tokens of service accounts. */
export function apiServerFlags(
  files: ClusterFiles,
  ports: { readonly etcd: number; readonly apiServer: number },
  issuer: string,
): Flags {
  return {
    'etcd-servers': `http://127.0.0.1:${ports.etcd}`,
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
    'secure-port': String(ports.apiServer),
    // There is no other API server, and no Service leads to this one.
    'endpoint-reconciler-type': 'none',
    'tls-cert-file': files.path('server.pem'),
    'tls-private-key-file': files.path('server-key.pem'),
    'cert-dir': files.path('certificates'),
    'token-auth-file': files.path('users.csv'),
    'authorization-mode': 'RBAC',
    // With it, pods are Forbidden until the controller manager has made their namespace's default account.
    'disable-admission-plugins': 'ServiceAccount',
    'service-account-issuer': issuer,
    'service-account-signing-key-file': files.path('service-accounts.pem'),
    'service-account-key-file': files.path('service-accounts.pem'),
    'api-audiences': issuer,
    'allow-privileged': 'true',
    profiling: 'false',
  };
}

export function controllerManagerFlags(files: ClusterFiles, kubeconfig: string): Flags {
  return {
    kubeconfig,
    'leader-elect': 'false',
    'root-ca-file': files.path('ca.pem'),
    'service-account-private-key-file': files.path('service-accounts.pem'),
    controllers: [
      'serviceaccount-controller',
      'root-ca-certificate-publisher-controller',
      'namespace-controller',
      'garbage-collector-controller',
    ].join(','),
    'kube-api-qps': '200',
    'kube-api-burst': '400',
    // It serves nothing.
    'secure-port': '0',
  };
}
