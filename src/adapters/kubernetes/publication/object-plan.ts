// What is to be published of one kind: which objects there are to be, and how they are seen to be now.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { PublishedText } from '../../../ports/issuing/publication.ts';
import type { PublishedKind } from '../../../ports/platform/events.ts';
import type { ApiKind } from '../api/kubernetes-api.ts';

/** `left` is no place of ours, whatever is there; `removed` may hold nothing of ours any more. */
export type Planned = { readonly apply: object; readonly text: string } | 'removed' | 'left';

export interface ObjectPlan {
  readonly what: PublishedKind;
  readonly kind: ApiKind;
  /** What an operator should do when another writer does not stop. */
  readonly advice: string;
  /** Every place that has an object of ours, or is to have one: a namespace, or the object's name. */
  keys(): Iterable<string>;
  planned(key: string, text: PublishedText): Planned;
  /** As it was seen last, cut by `cutTo`. */
  current(key: string): KubernetesObject | undefined;
  isOurs(current: KubernetesObject): boolean;
  /** Whether what is there has the text, and the labels of whichever Capstan. */
  isAsPlanned(current: KubernetesObject, planned: Exclude<Planned, string>): boolean;
  /** Calls `listener` with each place that changed, or with none when all may have, until the signal aborts. */
  onChange(listener: (key?: string) => void, options: { readonly signal: AbortSignal }): void;
}
