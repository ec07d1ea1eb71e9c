// Which live certificates the policies of today would refuse, judged by one process for all that share the store.
import { LiveWatch } from '../../../authority/drift/live-watch.ts';
import type { PolicySource } from '../../../ports/policy/policy-source.ts';
import { LiveCertificateReview, type LiveCertificates } from '../../../review/drift/live-certificates.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';

interface Former {
  readonly storage: Pick<Storage, 'inventory' | 'newest' | 'lease'>;
  readonly cluster: Pick<Cluster, 'views'>;
  readonly policies: PolicySource;
}

export type CertificateWatch = LiveWatch<LiveCertificates>;

/** What pages name; and in the order of the inventory, those who asked alike are neighbours. */
const BOUNDS = { listed: 100, verdicts: 1_000 };

/** @returns nothing where another process of this server keeps the inventory. */
export function composeLiveWatch(
  { clock, events, telemetry, startUp, running: signal }: Foundation,
  { storage: { inventory, newest, lease }, cluster: { views }, policies }: Former,
): CertificateWatch | undefined {
  if (inventory === undefined) return undefined;
  const watch = new LiveWatch({
    inventory,
    records: newest,
    policies,
    review: (set, nowMs) => {
      const snapshotOf = (remoteCluster: string | undefined) => views.of(remoteCluster).current();
      return new LiveCertificateReview({ policies: set, snapshotOf }, nowMs, BOUNDS);
    },
    lease,
    clock,
  });
  telemetry.observeLiveCertificates(() => watch.seen?.found.reasons);
  startUp.at('listen', () => {
    void watch.run({ signal }).catch((cause: unknown) => events.unexpected({ where: 'live certificates', cause }));
  });
  return watch;
}
