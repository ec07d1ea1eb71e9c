// What a test does in a cluster itself, as its administrator: plain HTTPS and JSON, and nothing of the client that the
// product uses.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { eventually } from '../../../support/eventually.ts';

const ANSWER_MS = 30_000;
/** A connection that is kept is given up long before the API server does (90 s), which would end it under the next question. */
const IDLE_MS = 20_000;
const ESTABLISHED = { withinMs: 30_000 };
/** As field manager of what the tests apply. */
const MANAGER = 'test';

/** Any object of the API; its shape is its kind's. */
export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** What names an object; an object does. */
export type ObjectReference = Pick<ClusterObject, 'apiVersion' | 'kind'> & {
  readonly metadata: { readonly name: string; readonly namespace?: string };
};

/** What the API server answered instead. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, { message = '', reason = '' }: { message?: string; reason?: string }) {
    super(`${status} ${reason}: ${message}`);
    this.status = status;
    this.reason = reason;
  }
}

/** As `ClusterFiles.kubeconfig` writes one. */
interface Kubeconfig {
  readonly clusters: [{ readonly cluster: { readonly server: string; readonly 'certificate-authority': string } }];
  readonly users: [{ readonly user: { readonly token: string } }];
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export class ClusterApi implements Disposable {
  readonly #port: number;
  readonly #token: string;
  readonly #agent: Agent;
  readonly #resources = new Map<string, readonly Resource[]>();

  /** Of whoever a kubeconfig of the cluster is for. */
  constructor(kubeconfig: string) {
    const { clusters, users } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const { server, 'certificate-authority': caFile } = clusters[0].cluster;
    this.#port = Number(new URL(server).port);
    this.#token = users[0].user.token;
    this.#agent = new Agent({ ca: readFileSync(caFile), keepAlive: true, maxSockets: 8, timeout: IDLE_MS });
  }

  /** @throws ApiRefusal, or the error of a connection that nobody answers. */
  async ask<T>(method: string, target: string, body?: unknown, type = 'application/json'): Promise<T> {
    const [status, text] = await this.#exchange(
      method,
      target,
      body === undefined ? undefined : [JSON.stringify(body), type],
    );
    if (status >= 300) throw new ApiRefusal(status, refusalOf(text));
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** The text of a page, such as `/metrics`. @throws as `ask`. */
  async page(target: string): Promise<string> {
    const [status, text] = await this.#exchange('GET', target);
    if (status >= 300) throw new ApiRefusal(status, refusalOf(text));
    return text;
  }

  /** Server-side apply of one after the other. A definition of a kind is established when this resolves. */
  async apply<T extends ClusterObject>(objects: readonly ClusterObject[]): Promise<readonly T[]> {
    const applied: T[] = [];
    for (const object of objects) {
      const target = `${await this.pathOf(object)}?fieldManager=${MANAGER}&force=true`;
      applied.push(await this.ask<T>('PATCH', target, object, 'application/apply-patch+yaml'));
      if (object.kind === 'CustomResourceDefinition') await this.#established(object);
    }
    return applied;
  }

  /** @returns nothing when there is none. */
  async get(object: ObjectReference): Promise<ClusterObject | undefined> {
    return this.ask<ClusterObject>('GET', await this.pathOf(object)).catch(absent);
  }

  /** A merge patch. @param subresource such as `status`. */
  async patch(object: ObjectReference, change: object, subresource?: string): Promise<ClusterObject> {
    const target = await this.pathOf(object);
    const at = subresource === undefined ? target : `${target}/${subresource}`;
    return this.ask('PATCH', at, change, 'application/merge-patch+json');
  }

  /** At once: of a pod that no kubelet watches nothing is left. */
  async delete(object: ObjectReference): Promise<void> {
    await this.ask('DELETE', await this.pathOf(object), { gracePeriodSeconds: 0 }).catch(absent);
  }

  /** Of the newest state, of one namespace or of all. */
  async list(apiVersion: string, kind: string, namespace?: string): Promise<readonly ClusterObject[]> {
    const target = await this.#collection(apiVersion, kind, namespace);
    const { items } = await this.ask<{ items: Omit<ClusterObject, 'apiVersion' | 'kind'>[] }>('GET', target);
    return items.map((item) => ({ ...item, apiVersion, kind }) as ClusterObject);
  }

  /** @throws Error when the API server knows no such kind. */
  async pathOf({ apiVersion, kind, metadata: { name, namespace } }: ObjectReference): Promise<string> {
    return `${await this.#collection(apiVersion, kind, namespace ?? 'default')}/${name}`;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #collection(apiVersion: string, kind: string, namespace: string | undefined): Promise<string> {
    const { name, namespaced } = await this.#resource(apiVersion, kind);
    const scope = namespaced && namespace !== undefined ? `namespaces/${namespace}/` : '';
    return `${root(apiVersion)}/${scope}${name}`;
  }

  async #resource(apiVersion: string, kind: string): Promise<Resource> {
    const known = this.#resources.get(apiVersion)?.find((one) => one.kind === kind);
    if (known !== undefined) return known;
    // A definition is established a moment before its kind can be discovered.
    return eventually(
      `${apiVersion} ${kind} is served`,
      async () => {
        const { resources } = await this.ask<{ resources: Resource[] }>('GET', root(apiVersion));
        const whole = resources.filter(({ name }) => !name.includes('/'));
        this.#resources.set(apiVersion, whole);
        return whole.find((one) => one.kind === kind);
      },
      { withinMs: 30_000 },
    );
  }

  async #established(definition: ObjectReference): Promise<void> {
    interface Status {
      readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
    }
    await eventually(
      `${definition.metadata.name} is established`,
      async () => {
        const { status } = (await this.get(definition)) as Status;
        return status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True');
      },
      ESTABLISHED,
    );
  }

  async #exchange(
    method: string,
    target: string,
    content?: readonly [text: string, type: string],
  ): Promise<[number, string]> {
    const { promise, resolve, reject } = Promise.withResolvers<[number, string]>();
    const headers = {
      authorization: `Bearer ${this.#token}`,
      accept: 'application/json, */*',
      // Node frames the body of a DELETE by nothing else.
      ...(content !== undefined && { 'content-type': content[1], 'content-length': Buffer.byteLength(content[0]) }),
    };
    const signal = AbortSignal.timeout(ANSWER_MS);
    const asking = request(
      { host: '127.0.0.1', port: this.#port, path: target, method, headers, agent: this.#agent, signal },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve([answer.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')]));
        answer.on('error', reject);
      },
    );
    asking.on('error', reject);
    asking.end(content?.[0]);
    return promise;
  }
}

const root = (apiVersion: string): string => (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`);

function absent(error: unknown): undefined {
  if (error instanceof ApiRefusal && error.status === 404) return undefined;
  throw error;
}

function refusalOf(text: string): { message?: string; reason?: string } {
  try {
    return JSON.parse(text) as { message?: string; reason?: string };
  } catch {
    return { message: text };
  }
}
