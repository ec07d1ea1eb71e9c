// Refusals as Events of Kubernetes: of several processes the supervisor writes those of all its workers.
import { hostname } from 'node:os';
import type { KubernetesApi } from '../../../adapters/kubernetes/api/kubernetes-api.ts';
import { RefusalEvents } from '../../../adapters/kubernetes/events/refusal-events.ts';
import { ReportedRefusals } from '../../../adapters/kubernetes/events/refusals-of.ts';
import { relayedRefusalReporter } from '../../../adapters/processes/relays/refusals.ts';
import type { Config } from '../../../config/schema.ts';
import type { RefusalReporter } from '../../../ports/policy/refusal-reporter.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from './kubernetes.ts';

/** @returns who tells of them; nothing where they are not wanted. */
export function composeRefusalEvents(
  { cluster }: Config,
  foundation: Foundation,
  kubernetes: Kubernetes | undefined,
): ReportedRefusals | undefined {
  if (kubernetes === undefined || !cluster.kubernetes.events) return undefined;
  const { api, clusters } = kubernetes;
  const uidOf = (namespace: string, name: string): string | undefined =>
    clusters.own.workloads.serviceAccount(namespace, name)?.uid;
  const { clock, events, worker, running: signal } = foundation;
  const reporter =
    worker === undefined
      ? writtenRefusals(foundation, api)
      : relayedRefusalReporter({ link: worker.link, clock, events }, { signal });
  return new ReportedRefusals({ reporter, uidOf });
}

/** Writes them, from when the server loads on until it stops. */
export function writtenRefusals(
  { clock, events, startUp, running: signal }: Foundation,
  api: Pick<KubernetesApi, 'apply'>,
): RefusalReporter {
  const refusals = new RefusalEvents({ api, clock, events }, { instance: hostname() });
  startUp.at('load', () => void refusals.run({ signal }));
  return refusals;
}
