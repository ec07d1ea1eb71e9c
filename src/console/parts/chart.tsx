// What was decided in the past hour, drawn; the numbers themselves are in words beside it, for who does not see it.
import type { RecentDecisions } from '../../authority/chores/server-figures.ts';
import { clockTime, usePlot, type Drawing, type Pen } from './plot.ts';

/** What may stand between two times on the axis, which have no seconds. */
const MINUTES = [1, 2, 5, 10, 20, 30, 60] as const;

export function DecisionsChart({ lately }: { readonly lately: RecentDecisions }) {
  const place = usePlot((pen) => drawingOf(lately, pen), [lately]);
  if (lately.endsMs.length < 2) return <p class="none">Drawn once the server has run for half a minute.</p>;
  return (
    <figure>
      <figcaption>
        Per second, by UTC: <span class="key good">issued</span>, <span class="key bad">refused</span>
      </figcaption>
      <div ref={place} class="chart" aria-hidden="true" />
    </figure>
  );
}

function drawingOf({ endsMs, issued, refused, stepMs }: RecentDecisions, { colour, axis }: Pen): Drawing | undefined {
  if (endsMs.length < 2) return undefined;
  const perSecond = (counts: readonly number[]): number[] => counts.map((count) => (count * 1_000) / stepMs);
  return {
    options: {
      axes: [
        { ...axis, incrs: MINUTES.map((minutes) => minutes * 60), values: (_, moments) => moments.map(clockTime) },
        { ...axis, size: 48 },
      ],
      scales: { y: { range: (_, __, most) => [0, Math.max(1, most)] } },
      series: [
        {},
        { label: 'issued', stroke: colour('--good'), width: 1.5 },
        { label: 'refused', stroke: colour('--bad'), width: 1.5 },
      ],
    },
    data: [endsMs.map((ms) => ms / 1_000), perSecond(issued), perSecond(refused)],
  };
}
