// What was decided in the past hour, drawn; the numbers themselves are in words beside it, for who does not see it.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { RecentDecisions } from '../../authority/chores/server-figures.ts';

const HEIGHT = 140;

/** As every other moment on the page, in UTC. */
const clockTime = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(11, 16);

export function DecisionsChart({ lately }: { readonly lately: RecentDecisions }) {
  const place = useRef<HTMLDivElement>(null);
  const { endsMs, issued, refused, stepMs } = lately;
  useEffect(() => {
    const node = place.current;
    if (node === null || endsMs.length < 2) return undefined;
    const colour = (name: string): string => getComputedStyle(node).getPropertyValue(name).trim();
    const perSecond = (counts: readonly number[]): number[] => counts.map((count) => (count * 1_000) / stepMs);
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const plot = new uPlot(
      {
        width: node.clientWidth,
        height: HEIGHT,
        cursor: { show: false },
        legend: { show: false },
        axes: [
          { ...axis, values: (_, moments) => moments.map(clockTime) },
          { ...axis, size: 48 },
        ],
        scales: { y: { range: (_, __, most) => [0, Math.max(1, most)] } },
        series: [
          {},
          { label: 'issued', stroke: colour('--good'), width: 1.5 },
          { label: 'refused', stroke: colour('--bad'), width: 1.5 },
        ],
      },
      [endsMs.map((ms) => ms / 1_000), perSecond(issued), perSecond(refused)],
      node,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: node.clientWidth, height: HEIGHT }));
    resized.observe(node);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [lately]);
  if (endsMs.length < 2) return <p class="none">Drawn once the server has run for half a minute.</p>;
  return (
    <figure>
      <figcaption>
        Per second, by UTC: <span class="key good">issued</span>, <span class="key bad">refused</span>
      </figcaption>
      <div ref={place} class="chart" aria-hidden="true" />
    </figure>
  );
}
