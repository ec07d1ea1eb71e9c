// Who has a certificate, as every page shows it: its state, its renewal, and as of when that is known.
import type { InventoryRow, InventoryRows } from '../../authority/inventory/inventory-overview.ts';
import { formatSpan, formatTime } from '../../domain/text/format-time.ts';
import { Moment, Name, State, type Tone } from './values.tsx';

const TONES: Readonly<Record<InventoryRow['state'], Tone>> = {
  live: 'good',
  renewing: 'plain',
  overdue: 'bad',
  revoked: 'bad',
  ended: 'plain',
};
export const INVENTORY_STATES: readonly string[] = Object.keys(TONES);

/** With why it ended, where it did. */
export function StateOf({ of: { state, end } }: { readonly of: InventoryRow }) {
  return (
    <>
      <State word={state} tone={TONES[state]} />
      {end !== undefined && (
        <div class="quiet">
          <Name of={end.reason} />
        </div>
      )}
    </>
  );
}

/** Nobody waits for that of what has ended or was revoked. */
export function RenewalOf({ of: { state, renewalMs } }: { readonly of: InventoryRow }) {
  return state === 'ended' || state === 'revoked' ? <>–</> : <Moment at={renewalMs} />;
}

/** The list is derived from the journal: how far, by the clock of the server alone. */
export function RecordedUntil({ of: { asOfMs, nowMs } }: { readonly of: Pick<InventoryRows, 'asOfMs' | 'nowMs'> }) {
  if (asOfMs === undefined) return <p class="as-of old">The journal is not read yet: nobody is listed.</p>;
  return (
    <p class="as-of">
      With what was on record at {formatTime(asOfMs)}, {formatSpan(Math.max(0, nowMs - asOfMs))} before
    </p>
  );
}
