// Everything in a cluster that may hold a CA, read as far as this account may: each kind everywhere where it may be listed
// everywhere, else in each namespace where it may be listed there (SelfSubjectAccessReview), and what may not be read is said. One
// page at a time and one request at a time, so that neither memory nor the API server feels how large the cluster is.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { KubernetesApiError, type ApiKind, type KubernetesApi } from '../api/kubernetes-api.ts';
import { CONFIG_MAP, NAMESPACE } from '../api/kinds.ts';
import { at, textAt } from '../diagnosis/fields.ts';
import { isAllowed, resourceName } from '../view/access.ts';
import { Discovery, groupOf } from '../view/discovery.ts';
import { ESTATE_KINDS, type EstateKind } from './estate-kinds.ts';
import { makerOf, titleOf, type EstateIssuer, type EstateObject } from './estate-object.ts';
import { Users } from './users.ts';

export type SurveyEvent =
  | { readonly type: 'object'; readonly object: EstateObject }
  | { readonly type: 'issuer'; readonly issuer: EstateIssuer }
  /** Everything of this resource was told: `secrets`, of one namespace or everywhere. */
  | { readonly type: 'listed'; readonly resource: string; readonly namespace: string | undefined }
  /** @property why in words that follow `what`. @property chosen when nobody wanted it listed. */
  | { readonly type: 'unlisted'; readonly what: string; readonly why: string; readonly chosen?: true }
  /** So many of the kinds are done. */
  | { readonly type: 'progress'; readonly done: number };

export const SURVEYED_KINDS = ESTATE_KINDS.length;

type Api = Pick<KubernetesApi, 'get' | 'pages' | 'create' | 'raw'>;
type Options = { readonly signal: AbortSignal };

/** Beyond which namespaces are not asked for one by one: name them instead. */
const MAX_NAMESPACES = 5_000;

const MAY_NOT = 'may not be listed by this account';

/** What is looked at. */
export interface Surveyed {
  /** To look in alone; absent, all. */
  readonly namespaces?: readonly string[];
  /** Plurals of what is left out, and said to be. Absent, none. */
  readonly without?: readonly string[];
  /**
   * Whether namespaces are asked for one by one where a kind may not be listed everywhere: thousands of questions, for a search
   * that a person waits for. Absent, yes.
   */
  readonly eachNamespace?: boolean;
  /** After which no further page is asked for, so that what was seen by then is of use. Absent, there is no end. */
  readonly withinMs?: number;
}

export class EstateSurvey {
  readonly #api: Api;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #beganMs = 0;
  readonly #discovery: Discovery;
  readonly #surveyed: Surveyed;
  readonly #users = new Users();
  #namespaces: Promise<readonly string[] | string> | undefined;

  constructor(
    { api, clock }: { readonly api: Api; readonly clock: Pick<Clock, 'monotonicMs'> },
    surveyed: Surveyed = {},
  ) {
    this.#api = api;
    this.#clock = clock;
    this.#discovery = new Discovery({ api, clock });
    this.#surveyed = surveyed;
  }

  /** @throws KubernetesApiError when the API server cannot say which kinds it serves; the signal's reason. */
  async *events(options: Options): AsyncGenerator<SurveyEvent, void, void> {
    this.#beganMs = this.#clock.monotonicMs();
    let isAnswering = false;
    for (const [done, estateKind] of ESTATE_KINDS.entries()) {
      yield { type: 'progress', done };
      try {
        const served = await this.#discovery.find(estateKind.kind, undefined, options);
        isAnswering = true;
        const kind = served.find((one) => groupOf(one) === estateKind.group);
        if (kind !== undefined) yield* this.#kind(kind, estateKind, options);
      } catch (error) {
        // One that never said which kinds it serves was not looked through at all.
        if (!(error instanceof KubernetesApiError) || !isAnswering) throw error;
        yield { type: 'unlisted', what: estateKind.kind, why: `could not be looked for: ${error.message}` };
      }
    }
    yield { type: 'progress', done: ESTATE_KINDS.length };
  }

  async *#kind(kind: ApiKind, estateKind: EstateKind, options: Options): AsyncGenerator<SurveyEvent, void, void> {
    const resource = resourceName(kind);
    const { namespaces: named, without = [], eachNamespace = true } = this.#surveyed;
    if (without.includes(resource)) {
      const why = 'are not looked at: the configuration leaves them out';
      yield { type: 'unlisted', what: resource, why, chosen: true };
      return;
    }
    const everywhere = !kind.namespaced || named === undefined;
    if (everywhere && (await isAllowed(this.#api, { verb: 'list', kind }, options))) {
      yield* this.#list(kind, estateKind, undefined, options);
      return;
    }
    if (!kind.namespaced) {
      yield { type: 'unlisted', what: resource, why: MAY_NOT };
      return;
    }
    if (named === undefined && !eachNamespace) {
      yield { type: 'unlisted', what: `${resource} in all namespaces`, why: MAY_NOT };
      return;
    }
    const namespaces = await (this.#namespaces ??= this.#knownNamespaces(options));
    if (typeof namespaces === 'string') {
      yield { type: 'unlisted', what: `${resource} in all namespaces`, why: `${MAY_NOT}, and ${namespaces}` };
      return;
    }
    for (const namespace of namespaces) {
      if (await isAllowed(this.#api, { verb: 'list', kind, namespace }, options)) {
        yield* this.#list(kind, estateKind, namespace, options);
      } else {
        yield { type: 'unlisted', what: `${resource} in namespace ${namespace}`, why: MAY_NOT };
      }
    }
  }

  async *#list(
    kind: ApiKind,
    estateKind: EstateKind,
    namespace: string | undefined,
    options: Options,
  ): AsyncGenerator<SurveyEvent, void, void> {
    const resource = resourceName(kind);
    try {
      const { withinMs = Infinity } = this.#surveyed;
      for await (const { items } of this.#api.pages(kind, namespace === undefined ? {} : { namespace }, options)) {
        for (const object of items) yield* this.#object(object, estateKind);
        if (this.#clock.monotonicMs() - this.#beganMs > withinMs) throw tooSlow();
      }
      yield { type: 'listed', resource, namespace };
    } catch (error) {
      if (!(error instanceof KubernetesApiError)) throw error;
      const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
      yield {
        type: 'unlisted',
        what: `${resource}${where}`,
        why: `could not be listed to their end: ${error.message}`,
      };
    }
  }

  *#object(object: KubernetesObject, { texts, names, usedBy, issuer }: EstateKind): Generator<SurveyEvent, void, void> {
    const title = titleOf(object);
    for (const reference of names?.(object) ?? []) this.#users.add(reference, title);
    const { namespace, name } = object.metadata;
    const users = [...this.#users.of(object.kind, namespace, name), ...(usedBy?.(object) ?? [])];
    const makesCas = issuer?.(object);
    if (makesCas !== undefined) {
      yield { type: 'issuer', issuer: { name: title, madeBy: makerOf(object), usedBy: users, ...makesCas } };
    }
    const found = texts?.(object) ?? [];
    if (found.length === 0) return;
    const { kind } = object;
    yield { type: 'object', object: { kind, namespace, name, madeBy: makerOf(object), usedBy: users, texts: found } };
  }

  /** @returns their names, or why they are not known. */
  async #knownNamespaces(options: Options): Promise<readonly string[] | string> {
    const { namespaces: named } = this.#surveyed;
    if (named !== undefined) return named;
    const hint = 'name some with --namespace';
    if (!(await isAllowed(this.#api, { verb: 'list', kind: NAMESPACE }, options))) {
      return `neither may namespaces: ${hint}`;
    }
    const names: string[] = [];
    for await (const { items } of this.#api.pages(NAMESPACE, {}, options)) {
      names.push(...items.map(({ metadata }) => metadata.name));
      if (names.length > MAX_NAMESPACES) return `there are more than ${MAX_NAMESPACES} namespaces: ${hint}`;
    }
    return names;
  }
}

function tooSlow(): KubernetesApiError {
  return new KubernetesApiError({ status: 0, reason: 'TooSlow', message: 'the look takes too long' });
}

/** Where the cluster keeps the CAs of its own (kube-controller-manager, kube-apiserver). */
const OWN_CAS = [
  { name: 'kube-root-ca.crt', keys: ['ca.crt'] },
  { name: 'extension-apiserver-authentication', keys: ['client-ca-file', 'requestheader-client-ca-file'] },
] as const;
const KUBE_SYSTEM = 'kube-system';

/** @returns PEM of each of the cluster's own CAs, and what of them may not be read. */
export async function clusterCas(
  api: Pick<KubernetesApi, 'get'>,
  options: Options,
): Promise<{ readonly pems: readonly string[]; readonly unread: readonly { what: string; why: string }[] }> {
  const pems: string[] = [];
  const unread: { what: string; why: string }[] = [];
  for (const { name, keys } of OWN_CAS) {
    try {
      const map = await api.get(CONFIG_MAP, { namespace: KUBE_SYSTEM, name }, options);
      pems.push(...keys.flatMap((key) => textAt(at(map, 'data'), key) ?? []));
    } catch (error) {
      if (!(error instanceof KubernetesApiError)) throw error;
      const why = "may not be read, so that the CA in it is not known for the cluster's own";
      unread.push({ what: `ConfigMap ${KUBE_SYSTEM}/${name}`, why });
    }
  }
  return { pems, unread };
}
