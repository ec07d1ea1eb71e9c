// The API server as a pod finds it in its own file system.
import path from 'node:path';
import type { ApiAccess } from './api-access.ts';
import { fileText, invalid } from './invalid-access.ts';

/** Where the kubelet mounts a service account (Kubernetes, accessing the API from a pod). */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** @param environment of the process. @throws AuthorityError CAP-X03 outside of a pod. */
export function inClusterAccess(
  {
    KUBERNETES_SERVICE_HOST: host,
    KUBERNETES_SERVICE_PORT: port = '443',
  }: Readonly<Record<string, string | undefined>>,
  folder = SERVICE_ACCOUNT,
): ApiAccess {
  const place = 'cluster.kubernetes.from: inCluster';
  if (host === undefined || host === '') {
    throw invalid(place, 'needs a pod: KUBERNETES_SERVICE_HOST is not set. Outside of one use `from: kubeconfig`');
  }
  const server = URL.parse(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
  if (server === null) throw invalid(place, 'finds no address in KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT');
  const at = (name: string): string => path.join(folder, name);
  return {
    place,
    server,
    namespace: fileText(place, at('namespace')).trim(),
    ca: { file: at('ca.crt') },
    token: { file: at('token') },
  };
}
