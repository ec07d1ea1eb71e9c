// What each journal counts of an issuer, and the sum of several journals as an operator is shown it.
import { MAX_GROUPS, type IssuerFigures, type LiveLeaves } from '../../../ports/storage/issuer-statistics.ts';
import type { Row } from '../records.ts';

/** Decisions that one journal is looked through for: the newest. */
export const MAX_COUNTED = 1_000_000;

export interface IssuerCounts {
  readonly sinceMs: number;
  /** `namespace`, null for what is of none; `issued`, `live`, `latestEndMs` of the live ones or null. */
  readonly namespaces: readonly Row[];
  /** `revision`, `issued`, `refused`, `latestMs`. */
  readonly revisions: readonly Row[];
}

/** @param row `count` and `latestEndMs`. */
export function liveLeavesFrom(rows: readonly Row[]): LiveLeaves {
  const count = rows.reduce((sum, row) => sum + Number(row['count'] ?? 0), 0);
  const latestEndMs = Math.max(...rows.map((row) => Number(row['latestEndMs'] ?? 0)));
  return { count, ...(count > 0 && { latestEndMs }) };
}

/** @param journals those of one store. */
export function figuresFrom(journals: readonly IssuerCounts[]): IssuerFigures {
  const ofNamespaces = journals.flatMap(({ namespaces }) => namespaces);
  const namespaces = [...Map.groupBy(ofNamespaces, (row) => textOf(row['namespace']))]
    .filter(([namespace]) => namespace !== '')
    .map(([namespace, rows]) => ({
      namespace,
      issued: sum(rows, 'issued'),
      live: sum(rows, 'live'),
    }))
    .sort((a, b) => b.live - a.live || b.issued - a.issued);
  const ofRevisions = journals.flatMap(({ revisions }) => revisions);
  const revisions = [...Map.groupBy(ofRevisions, (row) => textOf(row['revision']))]
    .sort(([, a], [, b]) => latest(b, 'latestMs') - latest(a, 'latestMs'))
    .filter(([revision]) => revision !== '')
    .map(([revision, rows]) => ({
      revision,
      issued: sum(rows, 'issued'),
      refused: sum(rows, 'refused'),
    }));
  return {
    sinceMs: Math.max(...journals.map(({ sinceMs }) => sinceMs)),
    issued: sum(ofNamespaces, 'issued'),
    refused: sum(ofRevisions, 'refused'),
    live: liveLeavesFrom(ofNamespaces.map((row) => ({ count: row['live'], latestEndMs: row['latestEndMs'] }))),
    namespaces: namespaces.slice(0, MAX_GROUPS),
    revisions: revisions.slice(0, MAX_GROUPS),
  };
}

function sum(rows: readonly Row[], field: string): number {
  return rows.reduce((total, row) => total + Number(row[field] ?? 0), 0);
}

function latest(rows: readonly Row[], field: string): number {
  return Math.max(...rows.map((row) => Number(row[field] ?? 0)));
}

/** Empty for none. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
