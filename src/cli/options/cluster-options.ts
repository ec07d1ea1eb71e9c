// The cluster that policies are read for: rules of one bundle may differ from cluster to cluster.
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ClusterFacts } from '../../domain/policy/documents.ts';

export interface ClusterOptions {
  readonly clusterId: string;
  readonly clusterLabel: Readonly<Record<string, string>>;
}

/** Adds `--cluster-id` and `--cluster-label`. */
export function addClusterOptions(command: Command): Command {
  return command
    .option('--cluster-id <id>', 'the cluster that policies are read for', 'default')
    .addOption(
      new Option('--cluster-label <name=value>', 'a label of that cluster; may be given again')
        .argParser(withLabel)
        .default({}, 'none'),
    );
}

export function clusterFactsOf({ clusterId, clusterLabel }: ClusterOptions): ClusterFacts {
  return { id: clusterId, labels: clusterLabel };
}

/** Whether a person named a cluster, rather than that the defaults stand in for one. */
export function namesCluster(command: Command): boolean {
  return ['clusterId', 'clusterLabel'].some((name) => command.getOptionValueSource(name) === 'cli');
}

function withLabel(text: string, known: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write a label as name=value.');
  return Object.fromEntries([...Object.entries(known), [text.slice(0, at), text.slice(at + 1)]]);
}
