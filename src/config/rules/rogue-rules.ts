// Rules about the look for rogue CAs.
import type { Rule } from './rules.ts';

export const ROGUE_RULES: readonly Rule[] = [
  {
    reads: ['rogue.cluster', 'cluster.kubernetes.from'],
    check: ({ rogue, cluster }) =>
      rogue.cluster !== 'none' && cluster.kubernetes.from === undefined
        ? [{ problem: 'needs cluster.kubernetes.from: the cluster is looked through by its API server' }]
        : [],
  },
  {
    reads: ['rogue.knownFile', 'rogue.cluster', 'rogue.paths'],
    check: ({ rogue: { knownFile, cluster, paths } }) =>
      knownFile !== undefined && cluster === 'none' && paths.length === 0
        ? [{ problem: 'is of no use without rogue.cluster or rogue.paths' }]
        : [],
  },
];
