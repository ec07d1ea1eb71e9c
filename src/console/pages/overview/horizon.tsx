// How many certificates end when, in the day or the month ahead, and the ends of issuers and trust anchors on the same axis: drawn, and
// as a table.
import type { EndsAhead } from '../../../authority/inventory/ends-ahead.ts';
import { formatQuantity } from '../../../domain/text/format-count.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { Choice } from '../../parts/filters.tsx';
import { clockTime, usePlot, type Drawing, type Pen } from '../../parts/plot.ts';
import { Table } from '../../parts/table.tsx';
import { Count, Name, Shown } from '../../parts/values.tsx';
import { goTo, withChoice } from '../../route.ts';
import { useAnswer } from '../../use-answer.ts';
import type { PageProps } from '../pages.tsx';
import uPlot from 'uplot';

/** An issuer or a trust anchor, and its end in ms since the epoch. */
export interface Mark {
  readonly name: string;
  readonly atMs: number;
}

/** By the server: whoever asks more often is given the same. */
const COUNTED_EVERY_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY = '24 hours';
const MONTH = '30 days';
const MARK_PX = 3;
const BAR = 0.8;

export function Horizon({ address, marks }: PageProps & { readonly marks: readonly Mark[] }) {
  const { answer, problem } = useAnswer<EndsAhead>('/api/inventory/ends', { restMs: COUNTED_EVERY_MS });
  const chosen = address.query.get('horizon') === '30d' ? MONTH : DAY;
  return (
    <section>
      <h2>When certificates end</h2>
      {problem !== undefined && (
        <p class="none">
          <Shown text={problem} />
        </p>
      )}
      {answer !== undefined && (
        <>
          <div class="filters">
            <Choice
              label="Ahead"
              value={chosen}
              of={[DAY, MONTH]}
              onChoice={(one) => goTo(withChoice(address, { horizon: one === MONTH ? '30d' : '' }))}
            />
          </div>
          <Ahead of={stepsOf(answer, chosen, marks)} />
        </>
      )}
    </section>
  );
}

interface Step {
  readonly atMs: number;
  readonly count: number;
  readonly marks: readonly Mark[];
}

interface Steps {
  readonly stepMs: number;
  readonly steps: readonly Step[];
  /** What ends after the last of them. */
  readonly later: Step;
  readonly span: string;
}

function stepsOf({ fromMs, hours, days, later }: EndsAhead, span: string, marks: readonly Mark[]): Steps {
  const [stepMs, counts] = span === MONTH ? [24 * HOUR_MS, days] : [HOUR_MS, hours];
  const behind = span === MONTH ? later : later + sum(days) - sum(hours);
  const endMs = fromMs + counts.length * stepMs;
  const between = (from: number, to: number): readonly Mark[] => marks.filter(({ atMs }) => atMs >= from && atMs < to);
  const steps = counts.map((count, index) => {
    const atMs = fromMs + index * stepMs;
    // What is over already stands in the first step: nothing ends earlier than now.
    return { atMs, count, marks: between(index === 0 ? -Infinity : atMs, atMs + stepMs) };
  });
  return { stepMs, steps, later: { atMs: endMs, count: behind, marks: between(endMs, Infinity) }, span };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

function Ahead({ of }: { readonly of: Steps }) {
  const { steps, later, stepMs, span } = of;
  // Answers come every few seconds and are mostly the same: what looks the same is not drawn anew.
  const place = usePlot((pen) => drawingOf(of, pen), [JSON.stringify(of)]);
  const total = sum(steps.map(({ count }) => count));
  const shown = steps.filter(({ count, marks }) => count > 0 || marks.length > 0);
  return (
    <figure>
      <figcaption>
        {formatQuantity(total, 'certificate')} {total === 1 ? 'ends' : 'end'} within {span} from{' '}
        {formatTime(steps[0]?.atMs ?? 0)} on, unless renewed, and <Count of={later.count} /> later:{' '}
        <span class="key good">certificates</span>, <span class="key bad">issuers and trust anchors</span>
      </figcaption>
      <div ref={place} class="chart" aria-hidden="true" />
      <details>
        <summary>The same in numbers</summary>
        <Table
          caption={`Ends within ${span}`}
          head={[stepMs === HOUR_MS ? 'Hour from' : 'Day from', 'Certificates', 'Issuers and trust anchors']}
          numbers={[1]}
          none="Nothing ends."
          rows={[...shown, later].map((step) => ({
            key: String(step.atMs),
            cells: [
              step === later ? `later than ${formatTime(step.atMs)}` : formatTime(step.atMs),
              <Count of={step.count} />,
              step.marks.map(({ name }) => (
                <div key={name}>
                  <Name of={name} />
                </div>
              )),
            ],
          }))}
        />
      </details>
    </figure>
  );
}

function drawingOf({ steps, stepMs }: Steps, { colour, axis }: Pen): Drawing {
  const { bars } = uPlot.paths;
  const marked = steps.flatMap(({ marks }) => marks);
  const dayOf = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(5, 10);
  const from = (steps[0]?.atMs ?? 0) / 1_000;
  const to = from + (steps.length * stepMs) / 1_000;
  return {
    options: {
      axes: [
        { ...axis, values: (_, moments) => moments.map(stepMs === HOUR_MS ? clockTime : dayOf) },
        {
          ...axis,
          size: 56,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6],
        },
      ],
      scales: { x: { range: [from, to] }, y: { range: (_, __, most) => [0, Math.max(1, most)] } },
      series: [
        {},
        {
          label: 'certificates',
          stroke: colour('--good'),
          fill: colour('--good'),
          ...(bars !== undefined && { paths: bars({ size: [BAR] }) }),
          points: { show: false },
        },
      ],
      hooks: {
        draw: [
          (plot) => {
            const { ctx, bbox } = plot;
            ctx.fillStyle = colour('--bad');
            for (const { atMs } of marked) {
              ctx.fillRect(
                plot.valToPos(Math.max(atMs / 1_000, from), 'x', true) - MARK_PX / 2,
                bbox.top,
                MARK_PX,
                bbox.height,
              );
            }
          },
        ],
      },
    },
    data: [steps.map(({ atMs }) => (atMs + stepMs / 2) / 1_000), steps.map(({ count }) => count)],
  };
}
