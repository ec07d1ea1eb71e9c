// What workers report of their decisions to the cluster, and the supervisor brings there once for all: refusals as Events, and
// how often policies applied.
import { PolicyDayCounts } from '../../adapters/kubernetes/objects/status/day-counts.ts';
import type { Link } from '../../adapters/processes/link.ts';
import { servePolicyCounter } from '../../adapters/processes/relays/policy-counts.ts';
import { serveRefusalReporter } from '../../adapters/processes/relays/refusals.ts';
import type { Config } from '../../config/schema.ts';
import type { Foundation } from '../compose/foundation.ts';
import { ownApi } from '../compose/kubernetes/kubernetes.ts';
import { writtenRefusals } from '../compose/kubernetes/refusal-events.ts';

/** @returns what is called with the link to each worker, before it starts. */
export function reportForWorkers(config: Config, foundation: Foundation): (link: Link) => void {
  const { from, events } = config.cluster.kubernetes;
  if (from === undefined) return () => undefined;
  const counts = new PolicyDayCounts(foundation.clock);
  const reporter = events ? writtenRefusals(foundation, ownApi(config, foundation.clock).api) : undefined;
  return (link) => {
    servePolicyCounter(link, counts);
    if (reporter !== undefined) serveRefusalReporter(link, reporter);
  };
}
