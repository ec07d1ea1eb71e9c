// Where an API server is and how it is spoken to: from the pod's own service account, or a kubeconfig file. What stands in
// either (certificates, tokens that rotate, exec plugins, proxies) is read by @kubernetes/client-node, and nothing else of
// that package is used: its typed methods copy every object twice, and its watch ends in silence.
import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { KubeConfig } from '@kubernetes/client-node';
import { AuthorityError } from '../../../domain/errors.ts';

export interface ApiRequest {
  /** `GET` unless said otherwise. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root, with its query. */
  readonly path: string;
  readonly body?: object;
  /** Of the body; JSON unless said otherwise. */
  readonly contentType?: string;
}

export interface ApiConnection {
  /** As `https://10.0.0.1:443`: for messages. */
  readonly server: string;
  /** Of the pod, or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /**
   * @returns the answer once its head has come, whatever its status; who asked reads its body.
   * @throws whatever Node says when the server cannot be reached; the signal's reason when it aborts.
   */
  send(request: ApiRequest, options: { readonly signal: AbortSignal }): Promise<IncomingMessage>;
}

/** Of the connection's end in a pod, so that the loss of its node is noticed (TCP keep-alive). */
const KEEP_ALIVE_MS = 15_000;

/** @throws AuthorityError CAP-X03 outside of a pod. */
export function inClusterConnection(): ApiConnection {
  return connectionOf('the service account of the pod', (config) => config.loadFromCluster());
}

/** @throws AuthorityError CAP-X03 naming what is wrong with the file. @param context the file's current one when absent. */
export function kubeconfigConnection(file: string, context?: string): ApiConnection {
  return connectionOf(file, (config) => config.loadFromFile(file), context);
}

/** @param text of a kubeconfig. @param place where it is from, for messages. */
export function kubeconfigTextConnection(text: string, place: string): ApiConnection {
  return connectionOf(place, (config) => config.loadFromString(text));
}

function connectionOf(place: string, load: (config: KubeConfig) => void, context?: string): ApiConnection {
  const config = new KubeConfig();
  try {
    load(config);
  } catch (cause) {
    throw invalid(place, 'cannot be read as a kubeconfig', cause);
  }
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const names = config.getContexts().map(({ name }) => name);
    const wanted = context ?? config.getCurrentContext();
    throw invalid(
      place,
      `has no cluster for the context ${JSON.stringify(wanted)}; it has ${names.join(', ') || 'none'}`,
    );
  }
  if (cluster.skipTLSVerify) {
    throw invalid(
      place,
      'skips the verification of the API server: whoever answered in its place would say who callers are',
    );
  }
  const url = URL.parse(cluster.server);
  if (url?.protocol !== 'https:') throw invalid(place, 'names an API server that is not an https URL');
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  return new KubeconfigConnection(config, url, namespace);
}

class KubeconfigConnection implements ApiConnection {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly #config: KubeConfig;
  readonly #url: URL;
  readonly #isProxied: boolean;
  /** Connections are kept for as long as the certificates they were made with are those of the files. */
  #agent: { readonly key: string; readonly agent: Agent } | undefined;

  constructor(config: KubeConfig, url: URL, namespace: string | undefined) {
    this.#config = config;
    this.#url = url;
    this.server = url.origin;
    this.namespace = namespace;
    this.#isProxied = config.getCurrentCluster()?.proxyUrl !== undefined;
  }

  async send(
    { method = 'GET', path, body, contentType = 'application/json' }: ApiRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<IncomingMessage> {
    const secured: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(secured);
    signal.throwIfAborted();
    const url = new URL(`${this.#url.pathname.replace(/\/$/, '')}${path}`, this.#url);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const asked = request(url, {
      method,
      signal,
      // An agent for a proxy is the package's; its certificates are those of the start.
      agent: this.#isProxied ? secured.agent : this.#agentFor(secured),
      ...(secured.auth != null && { auth: secured.auth }),
      headers: {
        ...(secured.headers as Record<string, string> | undefined),
        accept: 'application/json',
        'user-agent': 'capstan',
        ...(text !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
      },
    });
    asked.once('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    // What fails after the head has come fails the reading of the body.
    asked.on('error', () => undefined);
    asked.end(text);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response;
  }

  #agentFor({ ca, cert, key, pfx, passphrase, servername }: RequestOptions): Agent {
    const tls = { ca, cert, key, pfx, passphrase, servername };
    const digest = hash('sha256', JSON.stringify(tls), 'hex');
    if (this.#agent?.key === digest) return this.#agent.agent;
    const said = Object.fromEntries(Object.entries(tls).filter(([, value]) => value != null));
    this.#agent = { key: digest, agent: new Agent({ ...said, keepAlive: true, rejectUnauthorized: true }) };
    return this.#agent.agent;
  }
}

function invalid(place: string, problem: string, cause?: unknown): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${place} ${problem}`, cause });
}
