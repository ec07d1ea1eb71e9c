// Which cluster a policy tool shall speak of: rules of one bundle may differ from cluster to cluster.
import { InvalidArgumentError, type Command } from 'commander';
import type { ClusterFacts, PolicyBundle } from '../../domain/policy/documents.ts';
import { matchesAny } from '../../domain/policy/names.ts';
import { hasLabels } from '../../domain/policy/sight.ts';

export interface ClusterOptions {
  readonly clusterId: string;
  readonly clusterLabel: Readonly<Record<string, string>>;
}

/** Adds `--cluster-id` and `--cluster-label`. */
export function addClusterOptions(command: Command): Command {
  return command
    .option('--cluster-id <id>', 'the cluster that policies are read for', 'default')
    .option('--cluster-label <name=value>', 'a label of that cluster; may be given again', withLabel, {});
}

export function clusterFactsOf({ clusterId, clusterLabel }: ClusterOptions): ClusterFacts {
  return { id: clusterId, labels: clusterLabel };
}

/** The bundle with those rules only that are for the cluster. */
export function bundleIn(bundle: PolicyBundle, { id, labels }: ClusterFacts): PolicyBundle {
  const rules = bundle.rules.filter(
    ({ match: { clusters } }) => matchesAny(clusters.ids ?? ['*'], id) && hasLabels(clusters.labels, labels),
  );
  return { ...bundle, rules };
}

function withLabel(text: string, known: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write a label as name=value.');
  return Object.fromEntries([...Object.entries(known), [text.slice(0, at), text.slice(at + 1)]]);
}
