// A chart as uPlot draws it, in the colours and the width of the page. What is drawn stands in words or in a table beside it, for who
// does not see it.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

const HEIGHT = 140;

export interface Pen {
  /** @param name of a colour of the page, such as `--good`. */
  readonly colour: (name: string) => string;
  /** What the axes have in common. */
  readonly axis: uPlot.Axis;
}

export interface Drawing {
  readonly options: Omit<uPlot.Options, 'width' | 'height' | 'cursor' | 'legend'>;
  readonly data: uPlot.AlignedData;
}

/** @param of what is drawn: it is drawn anew when that is another. @returns where. */
export function usePlot(
  draw: (pen: Pen) => Drawing | undefined,
  of: readonly unknown[],
): RefObject<HTMLDivElement | null> {
  const isDark = useDarkness();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const node = place.current;
    if (node === null) return undefined;
    const colour = (name: string): string => getComputedStyle(node).getPropertyValue(name).trim();
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const drawing = draw({ colour, axis });
    if (drawing === undefined) return undefined;
    const size = (): { readonly width: number; readonly height: number } => ({
      width: node.clientWidth,
      height: HEIGHT,
    });
    const still = { cursor: { show: false }, legend: { show: false } };
    const plot = new uPlot({ ...drawing.options, ...still, ...size() }, drawing.data, node);
    const resized = new ResizeObserver(() => plot.setSize(size()));
    resized.observe(node);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [...of, isDark]);
  return place;
}

/** As every other moment on the page, in UTC. */
export const clockTime = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(11, 16);

const DARK = matchMedia('(prefers-color-scheme: dark)');

/** What is on a canvas does not change its colours with the page. */
function useDarkness(): boolean {
  const [isDark, setDark] = useState(DARK.matches);
  useEffect(() => {
    const changed = (): void => setDark(DARK.matches);
    DARK.addEventListener('change', changed);
    return () => DARK.removeEventListener('change', changed);
  }, []);
  return isDark;
}
