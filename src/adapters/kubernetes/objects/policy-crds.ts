// Whether the kinds of local policies are served, and with the schema of this program. A kind that is absent has no
// objects. That is believed when it is still so after a while: an API server that has just started does not serve them yet.
import { Listeners } from '../../../live/listeners.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { KubernetesApiError, type ApiKind, type KubernetesApi } from '../api/kubernetes-api.ts';
import {
  CLUSTER_ISSUANCE_POLICY,
  crdName,
  CUSTOM_RESOURCE_DEFINITION,
  DISCOVERY_PATH,
  ISSUANCE_POLICY,
} from './policy-kinds.ts';

/** By the name of each CRD: the annotation that says its schema, and the value of this program. */
export interface ExpectedCrds {
  readonly annotation: string;
  readonly values: ReadonlyMap<string, string>;
}

interface Parts {
  readonly api: Pick<KubernetesApi, 'get' | 'raw'>;
  readonly clock: Pick<Clock, 'sleep'>;
}

const KINDS = [ISSUANCE_POLICY, CLUSTER_ISSUANCE_POLICY];
/** Between two looks while something is wrong; absent twice is absent. */
const SOON_MS = 5_000;
/** Between two looks otherwise. */
const LATER_MS = 300_000;
const REMEDY = 'capstan policy schema --crds | kubectl apply --server-side -f -';

export class PolicyCrds {
  readonly #parts: Parts;
  readonly #expected: ExpectedCrds;
  readonly #changes = new Listeners();
  /** Looks in a row at which each was absent. */
  readonly #absent = new Map<ApiKind, number>();
  /** Names of CRDs with another schema. */
  #other: readonly string[] = [];

  constructor(parts: Parts, expected: ExpectedCrds) {
    this.#parts = parts;
    this.#expected = expected;
  }

  areAbsent(kind: ApiKind): boolean {
    return (this.#absent.get(kind) ?? 0) >= 2;
  }

  /** In words for an operator, with the command to run. */
  get problem(): string | undefined {
    const absent = KINDS.filter((kind) => this.areAbsent(kind));
    if (absent.length > 0) {
      const rest = absent.length === KINDS.length ? ', so that the policy bundle alone decides' : '';
      return `${namesOf(absent)} not installed${rest}; run: ${REMEDY}`;
    }
    if (this.#other.length === 0) return undefined;
    return `${this.#other.join(' and ')} have another schema than this server's, which may drop fields of policies; run: ${REMEDY}`;
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#changes.add(listener, options);
  }

  /** Looks again and again until the signal aborts. @param troubled which kinds cannot be followed now. */
  async follow(troubled: () => readonly unknown[], { signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      const before = this.problem;
      await this.#look({ signal });
      if (this.problem !== before) this.#changes.notify();
      const soon = troubled().length > 0 || this.problem !== undefined;
      // The abort ends the loop.
      await this.#parts.clock.sleep(soon ? SOON_MS : LATER_MS, { signal }).catch(() => undefined);
    }
  }

  async #look(options: { readonly signal: AbortSignal }): Promise<void> {
    try {
      const served = await this.#served(options);
      for (const kind of KINDS) this.#absent.set(kind, served.has(kind.plural) ? 0 : (this.#absent.get(kind) ?? 0) + 1);
      this.#other = await this.#otherSchemas(served, options);
    } catch (error) {
      // What cannot be asked now is asked again; the watches say that the API server is away.
      if (!(error instanceof KubernetesApiError) && !options.signal.aborted) throw error;
    }
  }

  async #served(options: { readonly signal: AbortSignal }): Promise<ReadonlySet<string>> {
    try {
      return new Set(resourcesOf(await this.#parts.api.raw(DISCOVERY_PATH, options)));
    } catch (error) {
      if (error instanceof KubernetesApiError && error.status === 404) return new Set();
      throw error;
    }
  }

  async #otherSchemas(
    served: ReadonlySet<string>,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly string[]> {
    const other: string[] = [];
    for (const kind of KINDS.filter(({ plural }) => served.has(plural))) {
      const name = crdName(kind);
      const crd = await this.#parts.api.get(CUSTOM_RESOURCE_DEFINITION, { name }, options).catch((error: unknown) => {
        // A role without this right loses the warning and nothing else.
        if (error instanceof KubernetesApiError && error.status === 403) return undefined;
        throw error;
      });
      const schema = crd?.metadata.annotations?.[this.#expected.annotation];
      if (crd !== undefined && schema !== this.#expected.values.get(name)) other.push(name);
    }
    return other;
  }
}

function namesOf(kinds: readonly ApiKind[]): string {
  const names = kinds.map(crdName);
  return names.length === 1 ? `the CRD ${names.join()} is` : `the CRDs ${names.join(' and ')} are`;
}

/** APIResourceList of the discovery API. */
function resourcesOf(answer: unknown): readonly string[] {
  const { resources } = (answer ?? {}) as { readonly resources?: readonly { readonly name?: unknown }[] };
  return (resources ?? []).flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
}
