// Refusals as Events of Kubernetes.
import { hostname } from 'node:os';
import { RefusalEvents } from '../../../adapters/kubernetes/events/refusal-events.ts';
import type { Config } from '../../../config/schema.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from './kubernetes.ts';

/** @returns who writes them; nothing where they are not wanted. */
export function composeRefusalEvents(
  { cluster }: Config,
  { clock, events, startUp, running, worker }: Foundation,
  kubernetes: Kubernetes | undefined,
): RefusalEvents | undefined {
  if (kubernetes === undefined || !cluster.kubernetes.events) return undefined;
  const { api, clusters } = kubernetes;
  const uidOf = (namespace: string, name: string): string | undefined =>
    clusters.own.workloads.serviceAccount(namespace, name)?.uid;
  const instance = worker === undefined ? hostname() : `${hostname()}-${worker.slot}`;
  const refusals = new RefusalEvents({ api, clock, events, uidOf }, { instance });
  startUp.at('load', () => void refusals.run({ signal: running }));
  return refusals;
}
