// Which kinds an API server serves, and under which paths: policies name a kind, maybe its group and version, and no more.
// One question for all groups, by aggregated discovery (KEP-3352, Kubernetes 1.30 and later).
import { z } from 'zod';
import type { Clock } from '../../../ports/platform/clock.ts';
import { KubernetesApiError, type ApiKind, type KubernetesApi } from '../api/kubernetes-api.ts';

const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
/** Of the core group, and of all others. */
const PATHS = ['/api', '/apis'];
/** How long an answer counts: many kinds are looked for at once. */
const FRESH_MS = 5_000;
/** A cluster with many operators serves some hundred kinds. */
const MAX_KINDS = 20_000;

const GROUPS = z.object({
  kind: z.literal('APIGroupDiscoveryList'),
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string().default('') }).default({ name: '' }),
      versions: z
        .array(
          z.object({
            version: z.string(),
            resources: z
              .array(
                z.object({
                  resource: z.string(),
                  responseKind: z.object({ kind: z.string() }).optional(),
                  scope: z.enum(['Namespaced', 'Cluster']),
                  verbs: z.array(z.string()),
                }),
              )
              .default([]),
          }),
        )
        .default([]),
    }),
  ),
});

export class Discovery {
  readonly #api: Pick<KubernetesApi, 'raw'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #known: { readonly kinds: Promise<readonly ApiKind[]>; readonly askedMs: number } | undefined;

  constructor({
    api,
    clock,
  }: {
    readonly api: Pick<KubernetesApi, 'raw'>;
    readonly clock: Pick<Clock, 'monotonicMs'>;
  }) {
    this.#api = api;
    this.#clock = clock;
  }

  /**
   * @param apiVersion absent, every group that serves the kind, each in the version that it prefers.
   * @returns what can be listed and watched; nothing where the server has no such kind.
   * @throws KubernetesApiError when it cannot be asked.
   */
  async find(kind: string, apiVersion: string | undefined, options: { readonly signal: AbortSignal }) {
    const served = (await this.#kinds(options)).filter((one) => one.kind === kind);
    if (apiVersion !== undefined) return served.filter((one) => one.apiVersion === apiVersion);
    // The versions of a group come in the order of its preference.
    const byGroup = Map.groupBy(served, groupOf);
    return [...byGroup.values()].flatMap(([preferred]) => preferred ?? []);
  }

  async #kinds(options: { readonly signal: AbortSignal }): Promise<readonly ApiKind[]> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#known === undefined || nowMs - this.#known.askedMs >= FRESH_MS) {
      const kinds = this.#ask(options);
      this.#known = { kinds, askedMs: nowMs };
      // Whoever looks next asks again.
      kinds.catch(() => (this.#known = undefined));
    }
    return this.#known.kinds;
  }

  async #ask({ signal }: { readonly signal: AbortSignal }): Promise<readonly ApiKind[]> {
    const answers = await Promise.all(PATHS.map(async (path) => this.#api.raw(path, { signal, accept: ACCEPT })));
    return answers.flatMap(kindsIn).slice(0, MAX_KINDS);
  }
}

function kindsIn(answer: unknown): readonly ApiKind[] {
  const parsed = GROUPS.safeParse(answer);
  if (!parsed.success) {
    const message = 'the API server does not say which kinds it serves: Kubernetes 1.30 or later is needed';
    throw new KubernetesApiError({ status: 0, reason: 'Malformed', message }, parsed.error);
  }
  return parsed.data.items.flatMap(({ metadata: { name: group }, versions }) =>
    versions.flatMap(({ version, resources }) =>
      resources
        .filter(({ verbs }) => verbs.includes('list') && verbs.includes('watch'))
        .map(({ resource, responseKind, scope }) => ({
          apiVersion: group === '' ? version : `${group}/${version}`,
          kind: responseKind?.kind ?? '',
          plural: resource,
          namespaced: scope === 'Namespaced',
        })),
    ),
  );
}

/** Empty for the core. */
export function groupOf({ apiVersion }: Pick<ApiKind, 'apiVersion'>): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}
