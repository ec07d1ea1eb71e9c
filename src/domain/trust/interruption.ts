// Times in which nothing could be issued to some. Nobody is late for them: whoever is to renew has, beside them, as long as ever.

/** Whom something keeps from being issued to: with neither field everybody, with both whom both name. */
export interface Barred {
  /** Whose newest certificate is of the issuer of this name. */
  readonly issuer?: string;
  /** Pods of the cluster of this id; of the server's own, empty. */
  readonly cluster?: string;
}

/** In ms since the epoch. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A time in which nothing could be issued to those. */
export interface Interruption extends Span {
  readonly barred: Barred;
}

/** The time that those have lost whom an interruption concerned. */
export interface ExcusedTime {
  /** The cluster by its id, the server's own too. */
  readonly barred: Barred;
  /** One after the other, with gaps between them. */
  readonly spans: readonly Span[];
}

interface Holder {
  readonly issuerName?: string | undefined;
  readonly cluster: string;
  readonly podUid?: string | undefined;
}

/** Of more, those that nothing but the two together concerned are left out: some who are late are late a little early. */
const MAX_EXCUSED = 100;
/** Beyond it the shortest gaps between them count as lost, too. */
const MAX_SPANS = 20;

/** How much of a time they take, where they overlap once. */
export function lostMs(spans: readonly Span[], fromMs: number, toMs: number): number {
  return joined(spans).reduce(
    (sumMs, one) => sumMs + Math.max(0, Math.min(one.toMs, toMs) - Math.max(one.fromMs, fromMs)),
    0,
  );
}

/**
 * @param longestLeafMs of the lives of certificates.
 * @returns those that make a difference to anybody yet: after half of a life in which they could come, all who had been kept are
 *   back or overdue.
 */
export function stillFelt(
  interruptions: readonly Interruption[],
  longestLeafMs: number,
  nowMs: number,
): readonly Interruption[] {
  return interruptions.filter(({ toMs }) => nowMs - toMs - lostMs(interruptions, toMs, nowMs) <= longestLeafMs / 2);
}

/**
 * @param settings.cluster id of the server's own.
 * @returns for each holder that time counts which is first in the list and concerns it; the last concerns everybody. None, where
 *   nothing was interrupted.
 */
export function excusedTimes(
  interruptions: readonly Interruption[],
  { cluster: own }: { readonly cluster: string },
): readonly ExcusedTime[] {
  if (interruptions.length === 0) return [];
  const named = interruptions.map(({ barred, ...span }) => {
    return { ...span, barred: barred.cluster === '' ? { ...barred, cluster: own } : barred };
  });
  const issuers = new Set(named.flatMap(({ barred: { issuer } }) => issuer ?? []));
  const clusters = new Set(named.flatMap(({ barred: { cluster } }) => cluster ?? []));
  const alone = [...[...clusters].map((cluster) => ({ cluster })), ...[...issuers].map((issuer) => ({ issuer })), {}];
  const both = [...issuers].flatMap((issuer) => [...clusters].map((cluster) => ({ issuer, cluster })));
  return [...both.slice(0, Math.max(0, MAX_EXCUSED - alone.length)), ...alone].map((barred: Barred) => {
    const its = named.filter(({ barred: whom }) => isWithin(barred, whom));
    return { barred, spans: fewer(joined(its)) };
  });
}

/** @returns how much of the time since then was lost to the holder, in ms. */
export function excusedMs(times: readonly ExcusedTime[], holder: Holder, sinceMs: number): number {
  const its = times.find(({ barred }) => concerns(barred, holder));
  return its === undefined ? 0 : lostMs(its.spans, sinceMs, Infinity);
}

/** Whether something that keeps some from being issued to keeps this one. */
export function concerns(barred: Barred, { issuerName, cluster, podUid }: Holder): boolean {
  if (barred.issuer !== undefined && barred.issuer !== issuerName) return false;
  // Who is of no pod is asked for at no API server.
  return barred.cluster === undefined || (barred.cluster === cluster && podUid !== undefined);
}

/** Whether all of those are among whom it names. */
function isWithin(those: Barred, { issuer, cluster }: Barred): boolean {
  return (issuer === undefined || issuer === those.issuer) && (cluster === undefined || cluster === those.cluster);
}

/** The same time, in spans that neither overlap nor touch. */
function joined(spans: readonly Span[]): readonly Span[] {
  const apart: Span[] = [];
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = apart.at(-1);
    if (last === undefined || last.toMs < fromMs) apart.push({ fromMs, toMs });
    else apart[apart.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, toMs) };
  }
  return apart;
}

function fewer(spans: readonly Span[]): readonly Span[] {
  const gaps = spans.map(({ fromMs }, index) => fromMs - (spans[index - 1]?.toMs ?? -Infinity));
  const closedMs = gaps.toSorted((a, b) => a - b)[spans.length - MAX_SPANS - 1] ?? 0;
  return joined(
    spans.map((span, index) => {
      const gapMs = gaps[index] ?? Infinity;
      return gapMs <= closedMs ? { ...span, fromMs: span.fromMs - gapMs } : span;
    }),
  );
}
