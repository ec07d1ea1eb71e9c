// kubectl as the cluster's administrator runs it.
import { findProgram } from '../../programs/programs.ts';
import type { KubernetesCluster } from './cluster.ts';

/** @returns the program and its arguments. @throws Error when it is not installed. */
export function kubectl(cluster: KubernetesCluster, ...args: readonly string[]): readonly [string, string[]] {
  const program = findProgram('kubectl');
  if (program === undefined) throw new Error('kubectl is not installed: npm run peers');
  return [program, ['--kubeconfig', cluster.administratorKubeconfig, ...args]];
}
