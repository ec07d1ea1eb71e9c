// The program of a kubeconfig that gives credentials, as `exec` names it: those of GKE, EKS and AKS are (Kubernetes,
// client-go credential plugins).
import path from 'node:path';
import { z } from 'zod';
import type { CredentialProgram } from './api-access.ts';
import { fileText, invalid } from './invalid-access.ts';
import type { ClusterEntry, KubeconfigText, Named } from './kubeconfig-text.ts';

const GROUP = 'client.authentication.k8s.io';
/** What cloud providers write today; v1alpha1 went with Kubernetes 1.24. */
const VERSIONS = [`${GROUP}/v1`, `${GROUP}/v1beta1`];

const text = z.string().nullish();
const SHAPE = z.object({
  apiVersion: z.string(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: text,
  interactiveMode: text,
  provideClusterInfo: z.boolean().nullish(),
});

/** Where a cluster has what its program is to know. */
const EXTENSION = `${GROUP}/exec`;

/** @param exec of the user. @throws AuthorityError CAP-X03 naming the field that is wrong. */
export function credentialProgram(
  exec: unknown,
  {
    source,
    cluster,
    environment,
  }: {
    readonly source: KubeconfigText;
    readonly cluster: Named<ClusterEntry>;
    readonly environment: CredentialProgram['environment'];
  },
): CredentialProgram {
  const { place, folder = '' } = source;
  const result = SHAPE.safeParse(exec);
  if (!result.success) throw invalid(place, `has exec.${result.error.issues[0]?.path.join('.') ?? ''}, which is wrong`);
  const { apiVersion, command, args, env, installHint, interactiveMode, provideClusterInfo } = result.data;
  if (!VERSIONS.includes(apiVersion))
    throw invalid(place, `has exec.apiVersion, which must be ${VERSIONS.join(' or ')}`);
  if (interactiveMode === 'Always') {
    throw invalid(place, 'has exec.interactiveMode: Always, and nobody is there to be asked');
  }
  const spec = { interactive: false, ...(provideClusterInfo === true && { cluster: clusterInfo(cluster) }) };
  return {
    place,
    command: command.includes('/') ? path.resolve(folder, command) : command,
    args: args ?? [],
    environment: {
      ...environment,
      ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: 'ExecCredential', spec }),
    },
    apiVersion,
    ...(typeof installHint === 'string' && { installHint }),
  };
}

function clusterInfo(cluster: Named<ClusterEntry>): object {
  const { extensions } = cluster as { readonly extensions?: readonly { readonly name?: unknown }[] | null };
  const extension = extensions?.find(({ name }) => name === EXTENSION) as { readonly extension?: unknown } | undefined;
  const { server, source, 'certificate-authority-data': inlined, 'certificate-authority': file } = cluster;
  const { place, folder = '' } = source;
  const read = (at: string): string => Buffer.from(fileText(place, path.resolve(folder, at))).toString('base64');
  return {
    server,
    'tls-server-name': cluster['tls-server-name'],
    'certificate-authority-data': inlined ?? (file === undefined ? undefined : read(file)),
    'proxy-url': cluster['proxy-url'],
    config: extension?.extension,
  };
}
