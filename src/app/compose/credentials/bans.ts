// The bans in force, and where the pods of callers run as their clusters say.
import { Revocations } from '../../../authority/revocation/revocations.ts';
import type { Caller } from '../../../domain/identity/caller.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import type { FollowedLedgers } from '../stores/followed-ledgers.ts';

interface Former {
  readonly ledgers: FollowedLedgers;
  readonly cluster: Pick<Cluster, 'kubernetes'>;
}

export function composeRevocations(
  { clock, startUp, telemetry, running: signal }: Foundation,
  { ledgers, cluster: { kubernetes } }: Former,
): Revocations {
  const nodeOf = ({ identity, pod, remoteCluster }: Caller): string | undefined => {
    if (pod?.podName === undefined || pod.podUid === undefined) return undefined;
    const known = kubernetes?.clusters.of(remoteCluster)?.workloads.pod(identity.namespace, pod.podName);
    return known?.uid === pod.podUid ? known.node : undefined;
  };
  const revocations = new Revocations({ ledger: ledgers.bans, clock, nodeOf });
  startUp.at('load', () => revocations.start({ signal }));
  telemetry.observeBans(() => revocations.kinds());
  return revocations;
}
