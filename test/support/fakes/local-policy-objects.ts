// Local policies as objects that a test writes and deletes, as somebody does with kubectl.
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { LocalPolicyObject, LocalPolicyObjects } from '../../../src/ports/policy/local-policy-objects.ts';

export class FakePolicyObjects implements LocalPolicyObjects {
  readonly #objects = new Map<string, LocalPolicyObject>();
  /** Of those whose text is not kept in memory. */
  readonly #elsewhere = new Map<string, string>();
  readonly #listeners = new Set<(namespace: string | undefined) => void>();
  /** Nobody knows yet which there are. */
  isUnknown = false;
  /** Reading single objects fails. */
  isAway = false;
  reads = 0;

  all(): readonly LocalPolicyObject[] {
    if (this.isUnknown) throw new AuthorityError('CAP-S12', { detail: 'they are not known yet' });
    return [...this.#objects.values()];
  }

  async read({ namespace, name }: LocalPolicyObject): Promise<string | undefined> {
    this.reads += 1;
    if (this.isAway) throw new AuthorityError('CAP-S12', { detail: 'the API server is away' });
    return this.#elsewhere.get(`${namespace}/${name}`);
  }

  placeOf({ namespace, name }: Pick<LocalPolicyObject, 'namespace' | 'name'>): string {
    return namespace === undefined ? `clusterissuancepolicies/${name}` : `issuancepolicies/${namespace}/${name}`;
  }

  onChange(listener: (namespace: string | undefined) => void, { signal }: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  /** @param spec of an IssuancePolicy, or without a namespace of a ClusterIssuancePolicy. */
  write(namespace: string | undefined, name: string, spec: object, { kept = true } = {}): void {
    const kind = namespace === undefined ? 'ClusterIssuancePolicy' : 'IssuancePolicy';
    const metadata = { name, ...(namespace !== undefined && { namespace }) };
    const text = JSON.stringify({ apiVersion: 'capstan.dev/v1alpha1', kind, metadata, spec });
    const bytes = text.length;
    this.#elsewhere.set(`${namespace}/${name}`, text);
    this.#objects.set(`${namespace}/${name}`, {
      name,
      bytes,
      ...(namespace !== undefined && { namespace }),
      ...(kept && { text }),
    });
    this.tell(namespace);
  }

  delete(namespace: string | undefined, name: string): void {
    this.#objects.delete(`${namespace}/${name}`);
    this.tell(namespace);
  }

  tell(namespace: string | undefined): void {
    for (const listener of this.#listeners) listener(namespace);
  }
}
