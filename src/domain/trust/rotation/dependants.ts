// Who stands in the way of a step: workloads that do not know an anchor, and those that hang on one. Each is called by its name,
// with why and since when, by the strongest evidence that there is.
import { formatTime } from '../../text/format-time.ts';
import type { ReceivedBundle, StreamEvidence, WorkloadEvidence } from './evidence.ts';

export interface Laggard {
  /** SPIFFE ID. */
  readonly identity: string;
  readonly cluster?: string;
  readonly pod?: string;
  readonly node?: string;
  /** In words that follow its name. */
  readonly why: string;
  /** In ms since the epoch. */
  readonly sinceMs: number;
  /** When it should be none any more if it renews as it should: at half the life of its certificate. */
  readonly dueMs: number;
  /** When it is none any more whatever it does: its last certificate has ended. */
  readonly untilMs: number;
}

/** A share of its life after which a certificate is renewed by Istio's agents, and by SDS unless its configuration says otherwise. */
const RENEWED_AT = 0.5;

/**
 * @param anchors hex SHA-256 of anchors, all of which a peer must know.
 * @returns why the workload is not known to have them; nothing when it is. Of several proxies each must have acknowledged them:
 *   what came with a CSR is weaker, and counts where there is no proxy. Without a pod neither a proxy nor a certificate that was
 *   presented says anything of the other holders, so that each answer to a CSR counts.
 */
export function unawareOf(workload: WorkloadEvidence, anchors: readonly string[]): Laggard | undefined {
  const { streams, received, leaf, presented } = workload;
  const late = streams.find((stream) => !includesAll(stream.anchors, anchors));
  if (late !== undefined) return laggard(workload, wordsOn(late), late.rejected?.timeMs ?? late.timeMs);
  const without = received?.find((one) => !includesAll(one.anchors, anchors));
  const isKnown = streams.length > 0 || received !== undefined;
  if (isKnown && (without === undefined || (streams.length > 0 && isInPod(workload)))) return undefined;
  if (isInPod(workload) && presented !== undefined && anchors.includes(presented.trustAnchor)) return undefined;
  return without === undefined
    ? laggard(workload, 'has no trust bundle that is on record', leaf.issuedMs)
    : laggard(workload, wordsOfSent(workload, without, 'without it'), without.timeMs);
}

/** Whether it is known to verify what hangs on this anchor, hex SHA-256, in every proxy. */
export function isKnownTo(workload: WorkloadEvidence, anchor: string): boolean {
  const { streams, received } = workload;
  const knowing = (those: readonly { readonly anchors: readonly string[] }[]): boolean =>
    those.every(({ anchors }) => anchors.includes(anchor));
  if (streams.length > 0 && (!knowing(streams) || isInPod(workload))) return knowing(streams);
  return received === undefined ? streams.length > 0 : knowing(received);
}

/** @returns why something of the workload needs one of these anchors; nothing when it does not. */
export function dependsOn(workload: WorkloadEvidence, anchors: readonly string[], nowMs: number): Laggard | undefined {
  const { leaf } = workload;
  if (isBelow(leaf, anchors)) {
    const words = `has certificate ${leaf.serial} of issuer ${leaf.issuerName ?? leaf.issuer} below it until ${formatTime(leaf.notAfterMs)}`;
    return laggard(workload, words, leaf.issuedMs);
  }
  const late = lateIn(workload, anchors, nowMs);
  if (late !== undefined) return late;
  // In a pod the newest certificate took the place of those before it. Without one nobody can tell how many holders there are.
  if (isInPod(workload)) return undefined;
  const other = workload.live.find((one) => isBelow(one, anchors) && nowMs < one.latestEndMs);
  if (other === undefined) return undefined;
  const words = `has no pod, so that an earlier certificate below it may be in use until ${formatTime(other.latestEndMs)}`;
  return { ...laggard(workload, words, leaf.issuedMs), dueMs: other.latestEndMs, untilMs: other.latestEndMs };
}

/** A proxy presents the certificate that it acknowledged last, whatever was issued for it since: that may not have arrived. */
function lateIn(workload: WorkloadEvidence, anchors: readonly string[], nowMs: number): Laggard | undefined {
  if (!isOverSds(workload)) return undefined;
  const before = workload.live.find((one) => isBelow(one, anchors) && nowMs < one.latestEndMs);
  for (const { proxy, leaf, timeMs } of workload.streams) {
    const endMs = leaf === undefined ? before?.latestEndMs : leaf.notAfterMs;
    if (endMs === undefined || endMs <= nowMs || (leaf !== undefined && !isBelow(leaf, anchors))) continue;
    const words = `has not acknowledged its new certificate in proxy ${proxy}, and one below it may be in use there until ${formatTime(endMs)}`;
    return { ...laggard(workload, words, Math.max(timeMs, workload.leaf.issuedMs)), untilMs: endMs };
  }
  return undefined;
}

/** Whether it is known to present a certificate that hangs on one of these. */
export function presents(workload: WorkloadEvidence, anchors: readonly string[]): boolean {
  const isNew = (leaf: { readonly trustAnchor?: string } | undefined): boolean =>
    leaf?.trustAnchor !== undefined && anchors.includes(leaf.trustAnchor);
  return isNew(workload.leaf) && (!isOverSds(workload) || workload.streams.every(({ leaf }) => isNew(leaf)));
}

/** Its certificate came over SDS, where proxies acknowledge what they have. */
function isOverSds({ leaf }: WorkloadEvidence): boolean {
  return leaf.api === 'sds';
}

/** @returns why the workload is known to have one of these still; nothing when it is not. */
export function holds(workload: WorkloadEvidence, anchors: readonly string[]): Laggard | undefined {
  const { streams, received } = workload;
  const has = (known: readonly string[]): boolean => anchors.some((anchor) => known.includes(anchor));
  const stream = streams.find((one) => has(one.anchors));
  if (stream !== undefined) return laggard(workload, `has it in proxy ${stream.proxy}`, stream.timeMs);
  const sent = streams.length > 0 && isInPod(workload) ? undefined : received?.find((one) => has(one.anchors));
  return sent && laggard(workload, wordsOfSent(workload, sent, 'with it'), sent.timeMs);
}

function isInPod({ podUid }: WorkloadEvidence): boolean {
  return podUid !== undefined;
}

/** Without a pod a later answer may have gone to another holder. */
function wordsOfSent({ received }: WorkloadEvidence, sent: ReceivedBundle, which: 'with it' | 'without it'): string {
  const words = `was sent a trust bundle ${which}`;
  return sent === received?.[0] ? words : `has no pod, so that a holder may be left that ${words}`;
}

/** `spiffe://... (pod x)` and why. */
export function describe({ identity, cluster, pod, why, sinceMs }: Laggard): string {
  const place = [pod && `pod ${pod}`, cluster && `cluster ${cluster}`].filter(Boolean).join(', ');
  return `${identity}${place && ` (${place})`} ${why}, since ${formatTime(sinceMs)}`;
}

function laggard(workload: WorkloadEvidence, why: string, sinceMs: number): Laggard {
  const { identity, cluster, podName, podUid, nodeName, leaf, live } = workload;
  const pod = podName ?? podUid;
  return {
    identity,
    ...(cluster !== undefined && { cluster }),
    ...(pod !== undefined && { pod }),
    ...(nodeName !== undefined && { node: nodeName }),
    why,
    sinceMs,
    dueMs: leaf.issuedMs + (leaf.notAfterMs - leaf.issuedMs) * RENEWED_AT,
    untilMs: Math.max(leaf.notAfterMs, ...live.map(({ latestEndMs }) => latestEndMs)),
  };
}

/** What was issued before anchors were recorded may hang on any of them. */
function isBelow({ trustAnchor }: { readonly trustAnchor?: string }, anchors: readonly string[]): boolean {
  return trustAnchor === undefined || anchors.includes(trustAnchor);
}

function wordsOn({ proxy, anchors, rejected }: StreamEvidence): string {
  if (rejected !== undefined) return `rejected the trust bundle in proxy ${proxy}: ${rejected.message}`;
  if (anchors.length === 0) return `has not acknowledged a trust bundle in proxy ${proxy}`;
  return `acknowledged a trust bundle without it in proxy ${proxy}`;
}

function includesAll(known: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((one) => known.includes(one));
}
