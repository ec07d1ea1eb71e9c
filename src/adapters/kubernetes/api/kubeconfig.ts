// Where an API server is and what is shown to it, as a kubeconfig says (client-go, Config v1) or as a pod finds it in its
// own file system. What stands in files of its own is read again while the server runs, for tokens and certificates rotate.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { AuthorityError } from '../../../domain/errors.ts';
import { fileProblem } from '../../../domain/text/system-error.ts';
import { readYaml } from '../../../yaml/read-yaml.ts';
import { AS_KUBERNETES, type YamlRules } from '../../../yaml/yaml-rules.ts';

/** PEM or a token: as text, or in a file that is read again and again. */
export type Material = { readonly text: string } | { readonly file: string };

export interface ApiAccess {
  /** What an operator calls it: the path of the kubeconfig. */
  readonly place: string;
  readonly server: URL;
  /** Of the context, or of the pod. */
  readonly namespace?: string;
  /** Anchors for the server's certificate; those of Node when absent. */
  readonly ca?: Material;
  /** By which the server is verified, when it is reached by another name. */
  readonly serverName?: string;
  readonly certificate?: Material;
  readonly key?: Material;
  readonly token?: Material;
}

export interface KubeconfigSettings {
  /** The file's current one when absent. */
  readonly context?: string;
  /** The folder that paths are relative to; absent, a kubeconfig that names files is refused. */
  readonly folder?: string;
}

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

/** @throws AuthorityError CAP-X03 naming what is wrong with the file. */
export function kubeconfigFileAccess(file: string, context?: string): ApiAccess {
  const text = fileText('cluster.kubernetes.kubeconfig', file);
  const folder = path.dirname(path.resolve(file));
  return kubeconfigAccess(text, file, { folder, ...(context !== undefined && { context }) });
}

/** @throws AuthorityError CAP-X03 naming what is wrong. @param place what an operator calls the text. */
export function kubeconfigAccess(text: string, place: string, { context, folder }: KubeconfigSettings = {}): ApiAccess {
  const config = parsed(text, place);
  const name = context ?? config['current-context'];
  const chosen = config.contexts.find((one) => one.name === name)?.context;
  if (chosen === undefined) {
    const names = config.contexts.map((one) => one.name).join(', ') || 'none';
    throw invalid(place, `has no context ${JSON.stringify(name)}; it has ${names}`);
  }
  const cluster = config.clusters.find((one) => one.name === chosen.cluster)?.cluster;
  const user = config.users.find((one) => one.name === chosen.user)?.user;
  if (cluster === undefined) throw invalid(place, `has no cluster ${JSON.stringify(chosen.cluster)}`);
  if (user === undefined) throw invalid(place, `has no user ${JSON.stringify(chosen.user)}`);
  const refused = [...Object.entries(REFUSED)].find(([field]) => isSaid(cluster[field]) || isSaid(user[field]));
  if (refused !== undefined) throw invalid(place, `has ${refused[0]}, which ${refused[1]}`);
  const server = URL.parse(cluster.server);
  if (server?.protocol !== 'https:') throw invalid(place, 'names a server that is not an https URL');
  const material = materialIn(place, folder);
  return without({
    place,
    server,
    namespace: chosen.namespace,
    serverName: cluster['tls-server-name'],
    ca: material(cluster['certificate-authority-data'], cluster['certificate-authority']),
    certificate: material(user['client-certificate-data'], user['client-certificate']),
    key: material(user['client-key-data'], user['client-key']),
    token: user.token === undefined ? material(undefined, user.tokenFile) : { text: user.token },
  });
}

/** What a kubeconfig may have and is not done here. */
const REFUSED: Readonly<Record<string, string>> = {
  'insecure-skip-tls-verify': 'would let whoever answers in the place of the API server say who callers are',
  exec: 'would run a program: give a token or a client certificate',
  'auth-provider': 'is of client-go alone: give a token or a client certificate',
  'proxy-url': 'is not supported: the API server must be reached directly',
  username: 'no API server has taken since Kubernetes 1.19: give a token or a client certificate',
  as: 'asks to act as somebody else: give Capstan a role of its own',
};

const text = z.string().optional();
const SHAPE = z.object({
  'current-context': z.string().default(''),
  clusters: z.array(
    z.object({
      name: z.string(),
      cluster: z.looseObject({
        server: z.string(),
        'certificate-authority': text,
        'certificate-authority-data': text,
        'tls-server-name': text,
      }),
    }),
  ),
  contexts: z.array(
    z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string(), namespace: text }) }),
  ),
  users: z.array(
    z.object({
      name: z.string(),
      user: z.looseObject({
        token: text,
        tokenFile: text,
        'client-certificate': text,
        'client-certificate-data': text,
        'client-key': text,
        'client-key-data': text,
      }),
    }),
  ),
});

/** As client-go reads it, JSON included. */
const KUBECONFIG: YamlRules = { ...AS_KUBERNETES, kind: 'a kubeconfig', maxBytes: 1024 * 1024, maxLexemes: 100_000 };

function parsed(source: string, place: string): z.infer<typeof SHAPE> {
  const { documents, problems } = readYaml(source, place, KUBECONFIG);
  const [problem] = problems;
  // What stands in it is not quoted: it may be a credential.
  if (problem !== undefined) throw invalid(place, `cannot be read as YAML (line ${problem.position.line})`);
  const result = SHAPE.safeParse(documents[0]?.data);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(place, `is no kubeconfig: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

function materialIn(place: string, folder: string | undefined) {
  return (base64: string | undefined, file: string | undefined): Material | undefined => {
    if (base64 !== undefined) return { text: Buffer.from(base64, 'base64').toString('utf8') };
    if (file === undefined || file === '') return undefined;
    if (folder === undefined) throw invalid(place, 'names a file: everything must be in the kubeconfig itself');
    return { file: path.resolve(folder, file) };
  };
}

/** A flag that is off, and what is empty, is as if it were absent. */
function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== '';
}

function without(access: { readonly [K in keyof ApiAccess]: ApiAccess[K] | undefined }): ApiAccess {
  return Object.fromEntries(Object.entries(access).filter(([, value]) => value !== undefined)) as unknown as ApiAccess;
}

function fileText(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw invalid(setting, `needs ${file}, which ${fileProblem(cause)}`, cause);
  }
}

function invalid(place: string, problem: string, cause?: unknown): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${place} ${problem}`, cause });
}
