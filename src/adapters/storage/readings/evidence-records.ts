// What is read of decisions, closings and proxies as evidence of trust, whichever database they are in, and what it says of each
// workload: pure.
import type { LiveAnchor, StreamEvidence, WorkloadEvidence } from '../../../domain/trust/rotation/evidence.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import type { ClosedPod } from '../../../ports/storage/closing-journal.ts';
import { SEEN_EVERY_MS, type ProxyNote } from '../../../ports/storage/evidence.ts';
import { podIssuancesFrom } from '../closing-records.ts';
import type { DecisionField, Row } from '../records.ts';

type Value = string | number | null;

export const PROXY_COLUMNS = {
  identity: 'identity',
  remoteCluster: 'remote_cluster',
  podUid: 'pod_uid',
  proxy: 'proxy',
  bundle: 'bundle',
  timeMs: 'time_ms',
  seenMs: 'seen_ms',
  rejection: 'rejection',
  rejectedMs: 'rejected_ms',
  leafAnchor: 'leaf_anchor',
  leafEndMs: 'leaf_end_ms',
} as const;

/** @returns the values of a note, in the order of `PROXY_COLUMNS`: empty where a part of the key is absent. */
export function proxyValues({ identity, remoteCluster, podUid, proxy, ...note }: ProxyNote): readonly Value[] {
  const { bundle, timeMs, seenMs, rejected, leaf } = note;
  const key = [identity, remoteCluster ?? '', podUid ?? '', proxy];
  const moments = [timeMs, seenMs].map(Math.floor);
  const rejection = [rejected?.message ?? null, rejected ? Math.floor(rejected.timeMs) : null];
  return [...key, bundle ?? null, ...moments, ...rejection, leaf?.trustAnchor ?? null, leaf?.notAfterMs ?? null];
}

/** @param row by field. */
export function proxyFrom(row: Row): ProxyNote {
  const { remoteCluster, podUid, bundle, rejection, rejectedMs, leafAnchor, leafEndMs } = row;
  return {
    identity: String(row['identity']),
    ...(isText(remoteCluster) && { remoteCluster }),
    ...(isText(podUid) && { podUid }),
    proxy: String(row['proxy']),
    ...(isText(bundle) && { bundle }),
    timeMs: Number(row['timeMs']),
    seenMs: Number(row['seenMs']),
    ...(typeof rejection === 'string' && { rejected: { message: rejection, timeMs: Number(rejectedMs) } }),
    ...(isText(leafAnchor) && { leaf: { trustAnchor: leafAnchor, notAfterMs: Number(leafEndMs) } }),
  };
}

/** What the live certificates of a workload are grouped by, so that few rows stand for many. */
export const GROUPED_BY = [
  'remoteCluster',
  'podUid',
  'api',
  'trustAnchor',
  'bundle',
  'presentedAnchor',
] as const satisfies readonly DecisionField[];
/** What is read of the newest of a group; beside it `relayedPolicy`, `oldestMs` and `latestEndMs` of the group. */
export const OF_THE_NEWEST = [
  'identity',
  'timeMs',
  'notAfterMs',
  'podName',
  'nodeName',
  'serial',
  'issuer',
  'issuerName',
  'caller',
  'attestation',
] as const satisfies readonly DecisionField[];

/** Digest to anchors. */
export type Bundles = ReadonlyMap<string, readonly string[]>;

/** @param rows `digest` and `anchors`, JSON. */
export function bundlesFrom(rows: readonly Row[]): Bundles {
  return new Map(rows.map(({ digest, anchors }) => [String(digest), textsIn(anchors)]));
}

/** A workload, and whose ends would be its own. */
export interface FoundWorkload {
  readonly evidence: WorkloadEvidence;
  /** Each of these lists, all of it closed, ends the workload. */
  readonly ends: readonly (readonly ClosedPod[])[];
}

/** @param groups of one identity, from all journals, by field. @param proxies of the same. */
export function workloadsFrom(
  groups: readonly Row[],
  proxies: readonly ProxyNote[],
  bundles: Bundles,
): readonly FoundWorkload[] {
  const notes = Map.groupBy(newestNotes(proxies), keyOf);
  return [...Map.groupBy(groups, keyOf)].map(([key, rows]) => workloadFrom(rows, notes.get(key) ?? [], bundles));
}

function workloadFrom(rows: readonly Row[], proxies: readonly ProxyNote[], bundles: Bundles): FoundWorkload {
  const byAge = rows.toSorted((a, b) => Number(b['timeMs']) - Number(a['timeMs']));
  const [newest = {}] = byAge;
  const { remoteCluster: cluster, podUid, podName, nodeName, issuerName, trustAnchor, caller } = newest;
  const identity = String(newest['identity']);
  const oldestMs = byAge.reduce((ms, row) => Math.min(ms, Number(row['oldestMs'])), Infinity);
  const received = receivedIn(byAge, bundles, isText(podUid));
  const presented = byAge.find((row) => isText(row['presentedAnchor']) && row['caller'] === row['identity']);
  const evidence: WorkloadEvidence = {
    identity,
    ...(isText(cluster) && { cluster }),
    ...(isText(podUid) && { podUid }),
    ...(isText(podName) && { podName }),
    ...(isText(nodeName) && { nodeName }),
    ...(isText(caller) && caller !== identity && { relay: caller }),
    leaf: {
      serial: String(newest['serial']),
      api: String(newest['api']),
      issuer: String(newest['issuer']),
      ...(isText(issuerName) && { issuerName }),
      ...(isText(trustAnchor) && { trustAnchor }),
      issuedMs: Number(newest['timeMs']),
      notAfterMs: Number(newest['notAfterMs']),
    },
    live: liveAnchors(byAge),
    ...(received !== undefined && { received }),
    // One that was there when the oldest of them was issued may have it.
    streams: proxies
      .filter(({ seenMs }) => seenMs >= oldestMs - 2 * SEEN_EVERY_MS)
      .map((note) => streamFrom(note, bundles)),
    ...(presented && {
      presented: { trustAnchor: String(presented['presentedAnchor']), timeMs: Number(presented['timeMs']) },
    }),
  };
  return { evidence, ends: endsOf(newest) };
}

/** Latest end of each. */
function liveAnchors(rows: readonly Row[]): readonly LiveAnchor[] {
  return [...Map.groupBy(rows, ({ trustAnchor }) => trustAnchor)].map(([trustAnchor, those]) => ({
    ...(isText(trustAnchor) && { trustAnchor }),
    latestEndMs: those.reduce((ms, row) => Math.max(ms, Number(row['latestEndMs'])), 0),
  }));
}

/** A pod has the newest of what it was sent; of holders without a pod, each may have any. */
function receivedIn(byAge: readonly Row[], bundles: Bundles, isPod: boolean): WorkloadEvidence['received'] {
  const answers = byAge.filter(({ api }) => api === 'csr').slice(0, isPod ? 1 : undefined);
  if (answers.length === 0 || !answers.every(({ bundle }) => isText(bundle))) return undefined;
  const newest = new Map(answers.toReversed().map(({ bundle, timeMs }) => [String(bundle), Number(timeMs)]));
  return [...newest]
    .map(([bundle, timeMs]) => ({ anchors: bundles.get(bundle) ?? [], timeMs }))
    .sort((a, b) => b.timeMs - a.timeMs);
}

function streamFrom({ proxy, bundle = '', timeMs, leaf, rejected }: ProxyNote, bundles: Bundles): StreamEvidence {
  const since = { ...(leaf !== undefined && { leaf }), ...(rejected !== undefined && { rejected }) };
  return { proxy, anchors: bundles.get(bundle) ?? [], timeMs, ...since };
}

/** Of one proxy that came to several processes the one that it was at last, with the leaf that it acknowledged at any of them. */
function newestNotes(proxies: readonly ProxyNote[]): readonly ProxyNote[] {
  const newest = new Map<string, ProxyNote>();
  for (const note of proxies.toSorted((a, b) => a.seenMs - b.seenMs)) {
    const key = JSON.stringify([note.remoteCluster, note.podUid, note.proxy]);
    const leaf = note.leaf ?? newest.get(key)?.leaf;
    newest.set(key, leaf === undefined ? note : { ...note, leaf });
  }
  return [...newest.values()];
}

function endsOf(newest: Row): FoundWorkload['ends'] {
  const { identity, caller, podUid, remoteCluster, attestation, relayedPolicy } = newest;
  const account = parseJson(String(attestation)) as { readonly serviceAccountUid?: unknown } | null | undefined;
  const serviceAccountUid = account?.serviceAccountUid;
  const own: ClosedPod = {
    identity: String(isText(caller) ? caller : identity),
    podUid: isText(podUid) ? podUid : '',
    ...(isText(serviceAccountUid) && { serviceAccountUid }),
    ...(isText(remoteCluster) && { remoteCluster }),
  };
  const ends = isText(podUid) ? [[own]] : [];
  if (!isText(relayedPolicy)) return ends;
  const served = podIssuancesFrom(newest).map((pod): ClosedPod => {
    return { identity: pod.identity, podUid: pod.podUid, ...(isText(remoteCluster) && { remoteCluster }) };
  });
  return served.length === 0 ? ends : [...ends, served];
}

/** The pods to ask for, of which `isOver` is told. */
export function podUidsOf(found: readonly FoundWorkload[]): readonly string[] {
  return [...new Set(found.flatMap(({ ends }) => ends.flat().map(({ podUid }) => podUid)))];
}

/** @returns those that have not ended. @param closed what is on record of `podUidsOf` them. */
export function notEnded(found: readonly FoundWorkload[], closed: readonly ClosedPod[]): readonly WorkloadEvidence[] {
  const byPod = Map.groupBy(closed, ({ podUid }) => podUid);
  const isClosed = (pod: ClosedPod): boolean => (byPod.get(pod.podUid) ?? []).some((one) => isOf(one, pod));
  return found.filter(({ ends }) => !ends.some((pods) => pods.every(isClosed))).map(({ evidence }) => evidence);
}

/** One account of a pod may be over while the pod lives on as another's. */
function isOf(closed: ClosedPod, pod: ClosedPod): boolean {
  const { serviceAccountUid } = pod;
  const ofAccount =
    closed.serviceAccountUid === undefined ||
    serviceAccountUid === undefined ||
    closed.serviceAccountUid === serviceAccountUid;
  return ofAccount && closed.identity === pod.identity && closed.remoteCluster === pod.remoteCluster;
}

function keyOf({ remoteCluster, podUid }: { readonly remoteCluster?: unknown; readonly podUid?: unknown }): string {
  return JSON.stringify([remoteCluster ?? '', podUid ?? '']);
}

function textsIn(json: unknown): readonly string[] {
  const parsed = parseJson(String(json));
  return Array.isArray(parsed) ? parsed.map(String) : [];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
