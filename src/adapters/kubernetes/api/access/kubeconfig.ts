// An API server as a kubeconfig says: the operator's own files, which may name other files and programs, or the text of one
// that others wrote, which has everything in itself.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ApiAccess, Material } from './api-access.ts';
import { credentialProgram } from './credential-program.ts';
import { fileText, invalid } from './invalid-access.ts';
import {
  mergedKubeconfig,
  type ClusterEntry,
  type Kubeconfig,
  type KubeconfigText,
  type Named,
  type UserEntry,
} from './kubeconfig-text.ts';

export interface OwnKubeconfig {
  /** Read as one, as KUBECONFIG's are by kubectl; of several those that do not exist are left out. */
  readonly files: readonly string[];
  /** Their current one when absent. */
  readonly context?: string;
  /** Of this process: what programs that give credentials are run with. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

type Environment = OwnKubeconfig['environment'];

/** @throws AuthorityError CAP-X03 naming what is wrong with the files. */
export function kubeconfigFileAccess({ files, context, environment }: OwnKubeconfig): ApiAccess {
  const [first = ''] = files;
  const there = files.filter((file) => existsSync(file));
  const sources = (there.length === 0 ? [first] : there).map((file) => ({
    text: fileText('cluster.kubernetes.kubeconfig', file),
    place: file,
    folder: path.dirname(path.resolve(file)),
  }));
  return chosen(mergedKubeconfig(sources), there.join(', '), context, environment);
}

/**
 * Of a text that comes from elsewhere: it is data, so it names no file of this machine and runs nothing on it.
 * @param place what an operator calls the text. @throws AuthorityError CAP-X03 naming what is wrong.
 */
export function kubeconfigAccess(text: string, place: string): ApiAccess {
  return chosen(mergedKubeconfig([{ text, place }]), place);
}

/** @param environment absent: no program is run. */
function chosen(config: Kubeconfig, place: string, context?: string, environment?: Environment): ApiAccess {
  const name = context ?? config.currentContext;
  const found = config.contexts.get(name);
  if (found === undefined) {
    const names = [...config.contexts.keys()].join(', ') || 'none';
    throw invalid(place, `has no context ${JSON.stringify(name)}; it has ${names}`);
  }
  const { cluster: clusterName = '', user: userName = '', namespace } = found;
  const cluster = config.clusters.get(clusterName);
  const user = config.users.get(userName);
  if (cluster === undefined) throw invalid(place, `has no cluster ${JSON.stringify(clusterName)}`);
  if (user === undefined) throw invalid(place, `has no user ${JSON.stringify(userName)}`);
  refuseSome(cluster, cluster.source.place);
  refuseSome(user, user.source.place);
  return without({ place, namespace, ...serverOf(cluster), ...credentialsOf(user, cluster, environment) });
}

function serverOf(cluster: Named<ClusterEntry>): Pick<Optional<ApiAccess>, 'ca' | 'proxy' | 'serverName'> & Server {
  const { source } = cluster;
  const server = URL.parse(cluster.server);
  if (server?.protocol !== 'https:') throw invalid(source.place, 'names a server that is not an https URL');
  return {
    server,
    serverName: cluster['tls-server-name'],
    proxy: proxyOf(cluster),
    ca: materialOf(source, cluster['certificate-authority-data'], cluster['certificate-authority']),
  };
}

type Server = Pick<ApiAccess, 'server'>;

/** Not quoted when it is refused: it may have a password. */
function proxyOf({ 'proxy-url': text, source }: Named<ClusterEntry>): URL | undefined {
  if (text === undefined) return undefined;
  const proxy = URL.parse(text);
  if (proxy !== null && ['http:', 'https:'].includes(proxy.protocol)) return proxy;
  throw invalid(source.place, 'has proxy-url, which must be an http or https URL: other proxies are not supported');
}

/** What is given counts before the program that would give it, as with client-go. */
function credentialsOf(
  user: Named<UserEntry>,
  cluster: Named<ClusterEntry>,
  environment: Environment | undefined,
): Pick<Optional<ApiAccess>, 'certificate' | 'key' | 'token' | 'program'> {
  const { source, token } = user;
  if (environment === undefined && isSaid(user['exec'])) {
    throw invalid(source.place, 'has exec, which would run a program: give a token or a client certificate');
  }
  const given = {
    certificate: materialOf(source, user['client-certificate-data'], user['client-certificate']),
    key: materialOf(source, user['client-key-data'], user['client-key']),
    token: token === undefined ? materialOf(source, undefined, user.tokenFile) : { text: token },
  };
  const needsProgram = isSaid(user['exec']) && given.token === undefined && given.certificate === undefined;
  if (environment === undefined || !needsProgram) return given;
  return { program: credentialProgram(user['exec'], { source, cluster, environment }) };
}

/** What a kubeconfig may have and is not done here, whoever wrote it. */
const REFUSED: Readonly<Record<string, string>> = {
  'insecure-skip-tls-verify': 'would let whoever answers in the place of the API server say who callers are',
  'auth-provider': 'is of client-go alone: give a token, a client certificate or exec',
  username: 'no API server has taken since Kubernetes 1.19: give a token or a client certificate',
  as: 'asks to act as somebody else: give Capstan a role of its own',
};

function refuseSome(entry: Readonly<Record<string, unknown>>, place: string): void {
  const refused = Object.entries(REFUSED).find(([field]) => isSaid(entry[field]));
  if (refused !== undefined) throw invalid(place, `has ${refused[0]}, which ${refused[1]}`);
}

function materialOf({ place, folder }: KubeconfigText, base64?: string, file?: string): Material | undefined {
  if (base64 !== undefined) return { text: Buffer.from(base64, 'base64').toString('utf8') };
  if (file === undefined) return undefined;
  if (folder === undefined) throw invalid(place, 'names a file: everything must be in the kubeconfig itself');
  return { file: path.resolve(folder, file) };
}

/** A flag that is off, and what is empty, is as if it were absent. */
function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== '';
}

type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };

function without(access: Optional<ApiAccess> & Server & Pick<ApiAccess, 'place'>): ApiAccess {
  return Object.fromEntries(Object.entries(access).filter(([, value]) => value !== undefined)) as unknown as ApiAccess;
}
