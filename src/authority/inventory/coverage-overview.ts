// What an operator asks of the coverage, out of the last count: by cluster and namespace, the gap first.
import {
  COVERAGE_STATES,
  GAP,
  gapOf,
  sumOf,
  type CoverageCounts,
  type CoverageRow,
  type CoverageState,
} from '../../domain/inventory/coverage.ts';
import { AuthorityError } from '../../domain/errors.ts';
import { compareText } from '../../domain/text/compare-text.ts';
import type { CoverageSeen, SeenCluster } from './kept-coverage.ts';

export interface AskedCoverage {
  readonly cluster?: string;
  readonly namespace?: string;
  readonly state?: CoverageState;
  /** Only who has no identity and should have one. */
  readonly gap?: true;
  /** At most as many rows. */
  readonly limit: number;
  /** Only what is of these is shown; absent, all. */
  readonly namespaces?: readonly string[];
}

export interface CoverageByNamespace {
  readonly cluster: string;
  readonly namespace: string;
  readonly counts: CoverageCounts;
}

/** @typeParam Row as the domain tells it, with what is added to it on the way out. */
export interface CoverageAnswer<Row extends CoverageRow = CoverageRow> {
  /** As of when the pods are. */
  readonly nowMs: number;
  /** As of when the certificates are; absent where nothing is known. */
  readonly asOfMs?: number;
  /** A team is told of those alone in which something is of it, and of those of which nothing can be said. */
  readonly clusters: readonly {
    readonly cluster: string;
    /** Why nothing can be said of it; absent when something can. */
    readonly unavailable?: string;
    /** Namespaces of it that have more pods than are kept. */
    readonly leftOut?: readonly string[];
  }[];
  /** Of what was asked for, whatever its state; exact also where rows are left out. */
  readonly total: CoverageCounts;
  /** Those with the largest gap first, and how many more there are. */
  readonly namespaces: readonly CoverageByNamespace[];
  readonly moreNamespaces: number;
  /** Pods that are not covered: the gap first, then by cluster, namespace and name; and how many more there are. */
  readonly rows: readonly Row[];
  readonly more: number;
}

export const MAX_COVERAGE_ROWS = 1_000;
const MAX_NAMESPACES = 1_000;

/** @throws AuthorityError `policy_denied` (CAP-O01) for a namespace that is not shown; `malformed_request` (CAP-O02) for a cluster that is not known. */
export function coverageOverview(seen: CoverageSeen, asked: AskedCoverage): CoverageAnswer {
  const { namespace, namespaces, cluster, limit } = asked;
  if (namespace !== undefined && namespaces?.includes(namespace) === false) {
    throw new AuthorityError('CAP-O01', { detail: `the caller sees ${namespaces.join(', ')} alone` });
  }
  const theirs = namespaces === undefined ? seen.clusters : seen.clusters.filter(mayHave(namespaces));
  const clusters = theirs.filter((one) => cluster === undefined || one.cluster === cluster);
  if (clusters.length === 0 && cluster !== undefined) {
    const known = theirs.map((one) => one.cluster).join(', ');
    throw new AuthorityError('CAP-O02', {
      detail: `the pods of the cluster are not known here${known && `, but those of ${known}`}`,
    });
  }
  const isShown = (one: string): boolean =>
    (namespace === undefined || one === namespace) && (namespaces?.includes(one) ?? true);
  const counted = clusters.flatMap((one) => countedIn(one, isShown)).toSorted(byGap);
  const rows = clusters.flatMap((one) => rowsIn(one, (row) => isShown(row.namespace) && isAsked(row, asked)));
  const total = sumOf(counted.map(({ counts }) => counts));
  const { nowMs, asOfMs } = seen;
  return {
    nowMs,
    ...(asOfMs !== undefined && { asOfMs }),
    clusters: clusters.map((one) => shownOf(one, isShown)),
    total,
    namespaces: counted.slice(0, MAX_NAMESPACES),
    moreNamespaces: Math.max(0, counted.length - MAX_NAMESPACES),
    rows: rows.toSorted(byUrgency).slice(0, limit),
    more: Math.max(0, askedOf(total, asked) - Math.min(limit, rows.length)),
  };
}

/** Of which clusters a team hears: those with something of it, and those of which nobody can say whether there is. */
function mayHave(namespaces: readonly string[]): (seen: SeenCluster) => boolean {
  return (seen) => !('coverage' in seen) || namespaces.some((one) => seen.coverage.namespaces.has(one));
}

function countedIn(seen: SeenCluster, isShown: (namespace: string) => boolean): readonly CoverageByNamespace[] {
  if (!('coverage' in seen)) return [];
  const { cluster, coverage } = seen;
  const shown = coverage.namespaces.entries().filter(([namespace]) => isShown(namespace));
  return shown.map(([namespace, counts]) => ({ cluster, namespace, counts })).toArray();
}

function rowsIn(seen: SeenCluster, isAsked: (row: CoverageRow) => boolean): readonly CoverageRow[] {
  return 'coverage' in seen ? seen.coverage.rows.filter(isAsked) : [];
}

function shownOf(seen: SeenCluster, isShown: (namespace: string) => boolean): CoverageAnswer['clusters'][number] {
  const { cluster } = seen;
  if (!('coverage' in seen)) return { cluster, unavailable: seen.unavailable };
  const leftOut = seen.leftOut.filter(isShown);
  return { cluster, ...(leftOut.length > 0 && { leftOut }) };
}

function isAsked({ state }: Pick<CoverageRow, 'state'>, asked: Pick<AskedCoverage, 'state' | 'gap'>): boolean {
  return asked.gap === true ? GAP.has(state) : asked.state === undefined || asked.state === state;
}

/** @returns how many rows there are of what is asked for, those without room included. */
function askedOf(total: CoverageCounts, asked: AskedCoverage): number {
  return COVERAGE_STATES.reduce(
    (sum, state) => (state !== 'covered' && isAsked({ state }, asked) ? sum + total[state] : sum),
    0,
  );
}

function byGap(a: CoverageByNamespace, b: CoverageByNamespace): number {
  const gap = gapOf(b.counts) - gapOf(a.counts);
  return gap || compareText(a.cluster, b.cluster) || compareText(a.namespace, b.namespace);
}

const URGENCY: readonly CoverageState[] = ['without', 'not_joined', 'starting', 'outside', 'gone'];

function byUrgency(a: CoverageRow, b: CoverageRow): number {
  const state = URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state);
  const names = (['cluster', 'namespace', 'podName', 'podUid'] as const).map((name) => compareText(a[name], b[name]));
  return state || (names.find((difference) => difference !== 0) ?? 0);
}
