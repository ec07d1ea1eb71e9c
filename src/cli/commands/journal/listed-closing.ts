// An identity that ended, as `capstan journal list` shows it beside the decisions.
import { formatQuantity } from '../../../domain/text/format-count.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import type { ClosingJournalReader, ClosingQuery, ClosingRecord } from '../../../ports/storage/closing-journal.ts';

/** Told from a decision by its outcome. */
export type ListedClosing = ClosingRecord & { readonly outcome: 'closed' };

/** Newest first. @param query of decisions; the conditions that closings have too count. */
export async function listedClosings(
  reader: ClosingJournalReader,
  { identity, sinceMs, limit }: ClosingQuery,
  signal: AbortSignal,
): Promise<readonly ListedClosing[]> {
  const query = { limit, ...(identity !== undefined && { identity }), ...(sinceMs !== undefined && { sinceMs }) };
  const closings = await reader.closings(query, { signal });
  return closings.map((closing) => ({ outcome: 'closed', ...closing }));
}

/** In the columns of a decision: its last certificate ends at VALID UNTIL. */
export function closingRow(closing: ListedClosing): readonly string[] {
  const { timeMs, identity, reason, liveCertificates, latestEndMs, cluster, namespace, podName } = closing;
  return [
    formatTime(timeMs),
    'closed',
    identity,
    `${reason} (${formatQuantity(liveCertificates, 'certificate')} live)`,
    formatTime(latestEndMs),
    '-',
    '-',
    `pod ${namespace}/${podName} of ${cluster}`,
    '-',
  ];
}

/** Times as a person's tools read them, beside nothing else changed. */
export function closingWithTimes(closing: ListedClosing): Readonly<Record<string, unknown>> {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const { timeMs, lastSeenMs, latestEndMs, ...rest } = closing;
  const seen = lastSeenMs === undefined ? {} : { lastSeen: iso(lastSeenMs) };
  return { time: iso(timeMs), ...rest, ...seen, latestEnd: iso(latestEndMs) };
}
