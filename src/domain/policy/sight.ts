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
  readonly #seen = new Map<string, ObjectReference>();
  #blind: string | undefined;

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
    return this.find({ kind: 'Namespace', name })?.metadata.labels ?? {};
  }

  note(object: KubernetesObject): void {
    if (this.#seen.size >= MAX_RECORDED) return;
    const reference = referenceTo(object);
    this.#seen.set(`${reference.kind} ${reference.namespace ?? ''}/${reference.name}`, reference);
  }

  /** By kind, namespace and name. */
  get seen(): readonly ObjectReference[] {
    if (this.#seen.size === 0) return [];
    return [...this.#seen].sort(([a], [b]) => compareText(a, b)).map(([, reference]) => reference);
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
