// What the process itself costs, read only when somebody scrapes.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import { METRICS, type MetricOf } from './metric-table.ts';

const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;
/** One timer per this many milliseconds; a lag shorter than this is not seen. */
const LAG_RESOLUTION_MS = 10;

export interface ObservedProcess extends Disposable {
  /** The lag from here on is that of the next scrape. */
  readonly scraped: () => void;
}

/** Registers the observed metrics of the table; disposing stops the lag timer. */
export function observeProcess(meter: Meter): ObservedProcess {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  const gauge = (key: MetricOf<'observed-gauge'>, read: () => number | undefined): void => {
    const { name, help } = METRICS[key];
    meter.createObservableGauge(name, { description: help }).addCallback((result) => {
      const value = read();
      if (value !== undefined) result.observe(value);
    });
  };
  gauge('eventLoopLag', () => {
    // The histogram measures the whole interval between two timers, the interval itself included.
    const seconds = lag.count === 0 ? 0 : lag.percentile(99) / NANOSECONDS - LAG_RESOLUTION_MS / 1000;
    return Math.max(0, seconds);
  });
  gauge('residentMemory', residentMemory);
  gauge('startTime', () => performance.timeOrigin / 1000);
  const { name, help } = METRICS.cpuSeconds;
  meter.createObservableCounter(name, { description: help }).addCallback((result) => {
    const { user, system } = process.cpuUsage();
    result.observe((user + system) / MICROSECONDS);
  });
  return { scraped: () => lag.reset(), [Symbol.dispose]: () => void lag.disable() };
}

/** @returns nothing while the process has no free file descriptor: it is read from a file (proc_pid_stat(5)). */
function residentMemory(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}
