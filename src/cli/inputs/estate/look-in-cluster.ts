// The cluster in which rogue CAs are looked for: which API server, as whom.
import { KubernetesApiError } from '../../../adapters/kubernetes/api/kubernetes-api.ts';
import { SURVEYED_KINDS } from '../../../adapters/kubernetes/estate/survey.ts';
import { openApi } from '../../../app/doctor/open.ts';
import { lookThrough, type LookedInCluster } from '../../../app/estate/look-through.ts';
import type { Gathered } from '../../../review/rogue/gathered.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { Progress } from '../../progress.ts';
import { kubeconfigFiles } from './kubeconfig-files.ts';

export interface ClusterSearch {
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Absent: all. */
  readonly namespaces?: readonly string[];
  /** Whether to say how far it has come where there is no terminal. */
  readonly progress: boolean;
}

/** @throws CommandError 2 when there is no API server to ask, or it cannot say what it has. */
export async function lookInCluster(
  { kubeconfig, context, namespaces, progress: lines }: ClusterSearch,
  gathered: Gathered,
  invocation: Pick<Invocation, 'terminal' | 'clock' | 'signal' | 'environment'>,
): Promise<LookedInCluster> {
  const { environment, signal, terminal, clock } = invocation;
  const files = kubeconfigFiles(kubeconfig, environment);
  const opened = await openApi(
    { environment, ...(files !== undefined && { kubeconfig: files }), ...(context !== undefined && { context }) },
    { signal },
  ).catch((cause: unknown) => {
    throw signal.aborted ? cause : notLookedAt(cause);
  });
  try {
    const progress = new Progress({ terminal, clock }, { what: 'kinds of objects', total: SURVEYED_KINDS, lines });
    const settings = { ...(namespaces && { namespaces }), progress: (done: number) => progress.reach(done) };
    const looked = await lookThrough(opened, gathered, settings, { signal });
    progress.end();
    return looked;
  } catch (cause) {
    throw cause instanceof KubernetesApiError ? notLookedAt(cause) : cause;
  }
}

function notLookedAt(cause: unknown): CommandError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CommandError(EXIT.unreadable, `the cluster cannot be looked at: ${why}`, { cause });
}
