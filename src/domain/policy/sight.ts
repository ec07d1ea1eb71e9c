// The snapshot as one decision sees it: what it looked at is remembered, and asking anything of a view
// that has not synced makes the decision unavailable.
import type { Labels } from './documents.ts';
import { compareText } from './names.ts';
import {
  referenceTo,
  type ClusterSnapshot,
  type KubernetesObject,
  type ObjectQuery,
  type ObjectReference,
} from './snapshot.ts';

/** Most objects that one decision records; what it looks at beyond that is not recorded. */
const MAX_RECORDED = 50;

export class Sight {
  readonly #snapshot: ClusterSnapshot;
  readonly #seen = new Set<KubernetesObject>();
  #blind: string | undefined;
  /** Many rules ask for the labels of the same namespace. */
  #namespace: { readonly name: string; readonly labels: Labels } | undefined;

  constructor(snapshot: ClusterSnapshot) {
    this.#snapshot = snapshot;
  }

  /** Why a question could not be answered; absent when every question was, or none was asked. */
  get blind(): string | undefined {
    return this.#blind;
  }

  find(query: ObjectQuery & { readonly name: string }): KubernetesObject | undefined {
    this.#ask();
    const object = this.#snapshot.find(query);
    if (object !== undefined) this.note(object);
    return object;
  }

  /** The caller notes what it relied on. */
  list(query: ObjectQuery): readonly KubernetesObject[] {
    this.#ask();
    return this.#snapshot.list(query);
  }

  labelsOfNamespace(name: string): Labels {
    if (this.#namespace?.name !== name) {
      const labels = this.find({ kind: 'Namespace', name })?.metadata.labels ?? {};
      this.#namespace = { name, labels };
    }
    return this.#namespace.labels;
  }

  note(object: KubernetesObject): void {
    if (this.#seen.size < MAX_RECORDED) this.#seen.add(object);
  }

  /** By kind, namespace and name. */
  get seen(): readonly ObjectReference[] {
    return Array.from(this.#seen, referenceTo).sort(
      (a, b) =>
        compareText(a.kind, b.kind) || compareText(a.namespace ?? '', b.namespace ?? '') || compareText(a.name, b.name),
    );
  }

  #ask(): void {
    this.#blind ??= this.#snapshot.unsynced;
  }
}

export function hasLabels(wanted: Labels | undefined, actual: Labels | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([name, value]) => actual?.[name] === value);
}

/** `a=1 b=2`, or `none`. */
export function labelsInWords(labels: Labels): string {
  const words = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return words.length === 0 ? 'none' : words.sort(compareText).join(' ');
}
