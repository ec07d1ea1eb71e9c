// Pods in the mesh against pods with an identity, of each cluster whose API server is followed: what operators are shown of it, and its
// metric. Where another process of this server keeps the inventory, that one answers.
import { AuthorityError } from '../../../domain/errors.ts';
import { GAP, type CoverageRow } from '../../../domain/inventory/coverage.ts';
import {
  coverageOverview,
  type AskedCoverage,
  type CoverageAnswer,
} from '../../../authority/inventory/coverage-overview.ts';
import { KeptCoverage } from '../../../authority/inventory/kept-coverage.ts';
import type { Config } from '../../../config/schema.ts';
import { podRefusals, type ExplainedRow } from '../../../review/explain/pod-refusals.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import type { FollowedLedgers } from '../stores/followed-ledgers.ts';
import type { Storage } from '../storage.ts';

interface Former {
  readonly storage: Pick<Storage, 'inventory' | 'lease' | 'newest'>;
  readonly ledgers: Pick<FollowedLedgers, 'bans'>;
  readonly kubernetes: { readonly clusters: Pick<Kubernetes['clusters'], 'all'> } | undefined;
}

/** Refusals that are looked at, and back to when. */
const MAX_RECORDS = 2_000;
const REFUSED_WITHIN_MS = 24 * 3_600_000;
const NO_CLUSTER = 'no API server is followed, which would say which pods are in the mesh: set cluster.kubernetes.from';

export function composeCoverage(
  { cluster }: Pick<Config, 'cluster'>,
  foundation: Pick<Foundation, 'clock' | 'events' | 'telemetry' | 'startUp' | 'running'>,
  { storage: { inventory, lease, newest }, ledgers: { bans }, kubernetes }: Former,
): (asked: AskedCoverage) => Promise<CoverageAnswer<ExplainedRow>> {
  if (kubernetes === undefined) return refusing('CAP-O02', NO_CLUSTER);
  if (inventory === undefined) return refusing('CAP-S07', 'this process keeps no inventory');
  const { clock, events, telemetry, startUp, running: signal } = foundation;
  const clusters = (): ReturnType<typeof kubernetes.clusters.all> => kubernetes.clusters.all();
  const kept = new KeptCoverage({ inventory, bans, clusters, lease, clock }, { cluster: cluster.id, signal });
  telemetry.observeCoverage(() => kept.counts);
  startUp.at('listen', () => {
    void kept.run().catch((cause: unknown) => events.unexpected({ where: 'coverage', cause }));
  });
  const refusalsNow = async () => {
    const query = { outcome: 'refused', sinceMs: clock.nowMs() - REFUSED_WITHIN_MS, limit: MAX_RECORDS } as const;
    const found = await newest.list(query, { signal });
    return podRefusals(
      found.filter((record) => record.outcome === 'refused'),
      cluster.id,
    );
  };
  return async (asked) => {
    const answer = coverageOverview(await kept.current(), asked);
    if (!answer.rows.some(({ state }) => GAP.has(state))) return answer;
    const refusalOf = await refusalsNow();
    const explained = (row: CoverageRow): ExplainedRow => {
      const refusal = GAP.has(row.state) ? refusalOf(row) : undefined;
      return refusal === undefined ? row : { ...row, refusal };
    };
    return { ...answer, rows: answer.rows.map(explained) };
  };
}

function refusing(reason: 'CAP-O02' | 'CAP-S07', detail: string): () => Promise<never> {
  return async () => Promise.reject(new AuthorityError(reason, { detail }));
}
