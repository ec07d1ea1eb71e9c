// What the journal and its writing thread say to each other: tasks one way, one answer for each, in order.
import type { Cell } from './journal-schema.ts';

export interface JournalWorkerData {
  readonly file: string;
}

export type JournalTask =
  | { readonly kind: 'open' }
  | { readonly kind: 'append'; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: 'prune'; readonly beforeMs: number }
  | { readonly kind: 'close' };

export type JournalAnswer = { readonly ok: true } | { readonly ok: false; readonly problem: string };
