// Where the doctor looks: which API server, which configuration, which port. What stands in the way of looking at all ends the command.
import { ownListeners } from '../../../app/doctor/listeners.ts';
import { openCluster, findConfig, type OpenedCluster } from '../../../app/doctor/open.ts';
import { lookAt, type LookedAt } from '../../../app/doctor/look.ts';
import { localFiles } from '../../../app/doctor/files.ts';
import type { LoadedConfig } from '../../../config/load.ts';
import { loadConfig } from '../../../config/load.ts';
import type { HostPort } from '../../../config/shapes/shapes.ts';
import { diagnose, type Diagnosis } from '../../../review/doctor/diagnose.ts';
import { complainOfConfig } from '../../complaints.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { kubeconfigFiles } from './kubeconfig-files.ts';
import type { Invocation } from '../../invocation.ts';

export interface DoctorPlaces {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Absent: that of the pod, else `istio-system`. */
  readonly namespace?: string;
  readonly server?: HostPort;
  readonly observation?: string;
}

export interface Consulted extends LookedAt {
  readonly diagnosis: Diagnosis;
  readonly loaded: LoadedConfig;
  readonly cluster: OpenedCluster;
}

/** @throws CommandError 2 when there is no API server, no Capstan or no valid configuration to look at. */
export async function consult(places: DoctorPlaces, invocation: Invocation): Promise<Consulted> {
  const { signal, clock, environment } = invocation;
  const { namespace: named, context } = places;
  const kubeconfig = kubeconfigFiles(places.kubeconfig, environment);
  const cluster = await openCluster(
    {
      environment,
      ...(named !== undefined && { namespace: named }),
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(context !== undefined && { context }),
    },
    { signal },
  ).catch((cause: unknown) => {
    throw new CommandError(EXIT.unreadable, `the cluster cannot be looked at: ${wordsOf(cause)}`, { cause });
  });
  const loaded = await configOf(places, cluster, invocation);
  const { capstan } = cluster;
  const { namespace } = cluster;
  const name = capstan?.name ?? (cluster.inPod ? statefulSetOf(environment) : undefined) ?? 'capstan';
  // The chart calls both the same.
  const place = { namespace, name, serviceAccount: capstan?.serviceAccount ?? name };
  const local = places.config !== undefined || capstan === undefined;
  const own = cluster.inPod ? ownListeners(loaded.config) : undefined;
  const server = places.server ?? own?.server;
  const observation = places.observation ?? own?.observation;
  const seen = await lookAt(
    {
      api: cluster.api,
      config: loaded.config,
      place,
      capstan,
      read: local ? localFiles : capstan.readMounted,
      clock,
      asCapstan: cluster.inPod,
      ...(server !== undefined && { server }),
      ...(observation !== undefined && { observation }),
    },
    { signal },
  );
  return { ...seen, loaded, cluster, diagnosis: diagnose(seen.facts) };
}

/** A pod of a StatefulSet is called after it, with a number. */
function statefulSetOf({ HOSTNAME }: Invocation['environment']): string | undefined {
  return /^(.+)-\d+$/.exec(HOSTNAME ?? '')?.[1];
}

async function configOf(
  { config: file }: DoctorPlaces,
  cluster: OpenedCluster,
  { environment, terminal }: Invocation,
): Promise<LoadedConfig> {
  const text = file === undefined ? await findConfig(cluster) : undefined;
  if (file === undefined && text === undefined) {
    const why = cluster.notSeen ?? `there is none of Capstan's pods in the namespace ${cluster.namespace}`;
    const hint = 'name the namespace with --namespace, or a file with --config';
    throw new CommandError(EXIT.unreadable, `there is no configuration to compare with: ${why}; ${hint}`);
  }
  const loaded = loadConfig(file === undefined ? { ...(text && { text }) } : { file, environment });
  if (!('problems' in loaded)) return loaded;
  complainOfConfig(loaded.problems, terminal);
  throw new CommandError(EXIT.unreadable, 'with an invalid configuration there is nothing to compare with');
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
