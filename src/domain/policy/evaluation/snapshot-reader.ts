// Reads the snapshot for one decision: what it looked at is remembered, and asking anything of a view that has
// not synced makes the decision unavailable.
import type { Labels } from '../documents.ts';
import type { PolicyRequest } from '../request.ts';
import { podNamesOf, podsIn, type SubjectPod } from '../subject-pods.ts';
import { compareText } from '../../text/compare-text.ts';
import {
  referenceTo,
  type ClusterSnapshot,
  type KubernetesObject,
  type NamedObject,
  type ObjectQuery,
  type ObjectReference,
} from '../../cluster/snapshot.ts';

/** Most objects that one decision records; what it looks at beyond that is not recorded. */
const MAX_RECORDED = 50;
/**
 * Most objects that one decision asks an expression, and most that may fail to answer, over all its conditions:
 * who writes policies and objects must not be able to make a decision slow.
 */
const MAX_ASKED = 200;
const MAX_UNANSWERED = 20;

/** Of a request, what says which pods the certificate is for. */
export type Asking = Pick<PolicyRequest, 'subject' | 'claims' | 'pods' | 'recordedPods'>;

export class SnapshotReader {
  readonly #snapshot: ClusterSnapshot;
  readonly #seen = new Set<KubernetesObject>();
  #unsynced: string | undefined;
  #listed: { readonly query: ObjectQuery; readonly objects: readonly KubernetesObject[] } | undefined;
  #asked = 0;
  #unanswered = 0;
  /** Many rules ask for the labels of the same namespace. */
  #namespace: { readonly name: string; readonly labels: Labels; readonly isThere: boolean } | undefined;

  readonly #asking: Asking | undefined;
  #pods: readonly SubjectPod[] | undefined;
  #lacksPods = false;
  #podsUnsynced: string | undefined;

  /** @param asking whose pods may be asked for; absent, of nobody who has one. */
  constructor(snapshot: ClusterSnapshot, asking?: Asking) {
    this.#snapshot = snapshot;
    this.#asking = asking;
  }

  /** Why a question could not be answered; absent when every question was, or none was asked. */
  get unsynced(): string | undefined {
    return this.#unsynced;
  }

  /** A Namespace, ServiceAccount or Pod. */
  find(query: Omit<NamedObject, 'apiVersion'>): KubernetesObject | undefined {
    const named = { ...query, apiVersion: 'v1' };
    this.#ask(named);
    const object = this.#snapshot.find(named);
    if (object === undefined) this.foundNothing();
    else this.note(object);
    return object;
  }

  /**
   * What was asked for is not there: of a view that may lack it nothing follows, least of all that a rule for the
   * labels of a namespace does not apply.
   */
  foundNothing(): void {
    this.#unsynced ??= this.#snapshot.incomplete;
  }

  /** The caller records what decided. */
  list(query: ObjectQuery): readonly KubernetesObject[] {
    this.#ask(query);
    // Many conditions ask for the same objects.
    const { kind, apiVersion, namespace } = query;
    const last = this.#listed;
    if (last?.query.kind === kind && last.query.apiVersion === apiVersion && last.query.namespace === namespace) {
      return last.objects;
    }
    const objects = this.#snapshot.list(query);
    this.#listed = { query, objects };
    return objects;
  }

  labelsOfNamespace(name: string): Labels {
    // What was asked for an audit only is forgotten by it, so that it is noted anew.
    if (this.#namespace?.name === name) this.#noteNamespace(this.#namespace.isThere);
    else {
      const namespace = this.find({ kind: 'Namespace', name });
      this.#namespace = { name, labels: namespace?.metadata.labels ?? {}, isThere: namespace !== undefined };
    }
    return this.#namespace.labels;
  }

  /**
   * The pods that the certificate is for; none where it is for none. Of one that is not in the view nothing can be said,
   * and so nothing of who has it.
   */
  pods(): readonly SubjectPod[] {
    this.#pods ??= this.#findPods();
    // What was asked for an audit only is forgotten by it, so that it is noted anew.
    this.#unsynced ??= this.#podsUnsynced;
    return this.#pods;
  }

  /** Whether pods were asked for that are not in the view. */
  get lacksPods(): boolean {
    return this.#lacksPods;
  }

  /** Whether the certificate is for pods that nobody here has been shown: what a registration authority relays. */
  get podsAreUnknown(): boolean {
    return this.#asking?.claims.authenticationMethod === 'kubernetes-csr';
  }

  /** Those that were asked for. */
  get seenPods(): readonly SubjectPod[] {
    return this.#pods ?? [];
  }

  #findPods(): readonly SubjectPod[] {
    const { subject, recordedPods } = this.#asking ?? {};
    if (recordedPods !== undefined) return recordedPods;
    const names = this.#asking === undefined ? [] : podNamesOf(this.#asking);
    if (subject === undefined || names.length === 0) return [];
    const { namespace } = subject;
    this.#podsUnsynced = this.#unsyncedFor({ kind: 'Pod', apiVersion: 'v1', namespace });
    const found = podsIn(this.#snapshot, namespace, names);
    if (found === undefined) {
      this.#lacksPods = true;
      this.#podsUnsynced ??= `not every pod of ${namespace}/${subject.serviceAccount} is in the view of the cluster`;
      return [];
    }
    for (const { name } of found) {
      const object = this.#snapshot.find({ kind: 'Pod', apiVersion: 'v1', namespace, name });
      if (object !== undefined) this.note(object);
    }
    return found;
  }

  note(object: KubernetesObject): void {
    if (this.#seen.size < MAX_RECORDED) this.#seen.add(object);
  }

  /** The object that decided is recorded whatever was looked at before it. */
  recordAsDecisive(object: KubernetesObject): void {
    this.#seen.add(object);
  }

  /**
   * Asks for what can refuse nobody: a view that has not synced does not make the decision unavailable for it.
   * @returns nothing when the view could not be asked.
   */
  forAudit<T>(ask: () => T): T | undefined {
    const before = this.#unsynced;
    this.#unsynced = undefined;
    const answer = ask();
    const unsynced = this.unsynced !== undefined;
    this.#unsynced = before;
    return unsynced ? undefined : answer;
  }

  /** Whether one more object may be asked an expression. */
  mayAsk(): boolean {
    this.#asked += 1;
    return this.#asked <= MAX_ASKED && this.#unanswered < MAX_UNANSWERED;
  }

  /** An expression gave no answer, which takes longer than giving one. */
  gotNoAnswer(): void {
    this.#unanswered += 1;
  }

  /** By kind, namespace and name. */
  get seen(): readonly ObjectReference[] {
    return Array.from(this.#seen, referenceTo).sort(
      (a, b) =>
        compareText(a.kind, b.kind) || compareText(a.namespace ?? '', b.namespace ?? '') || compareText(a.name, b.name),
    );
  }

  #noteNamespace(isThere: boolean): void {
    this.#ask({ kind: 'Namespace', apiVersion: 'v1' });
    if (!isThere) this.foundNothing();
  }

  #ask(query: ObjectQuery): void {
    this.#unsynced ??= this.#unsyncedFor(query);
  }

  #unsyncedFor(query: ObjectQuery): string | undefined {
    return this.#snapshot.unsynced ?? this.#snapshot.unsyncedFor?.(query);
  }
}

export function hasLabels(wanted: Labels | undefined, actual: Labels | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([name, value]) => actual?.[name] === value);
}

/** `a=1 b=2`, or `none`. */
export function formatLabels(labels: Labels): string {
  const words = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return words.length === 0 ? 'none' : words.sort(compareText).join(' ');
}
