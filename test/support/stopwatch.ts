// How long something takes on a machine that others use too: without the time in which those who do it had no processor.
import { readFileSync } from 'node:fs';

/**
 * Begins to count.
 * @param pids processes that take part, beside this one; they have to live on.
 * @returns the ms that passed, less those in which the one of them that waited most could run and was given no processor.
 */
export function stopwatch(...pids: readonly number[]): () => number {
  const watches = [process.pid, ...pids].map((pid) => ({ pid, beforeMs: waitedMs(pid) }));
  const startMs = performance.now();
  return () => {
    const passedMs = performance.now() - startMs;
    return passedMs - Math.max(...watches.map(({ pid, beforeMs }) => waitedMs(pid) - beforeMs));
  };
}

/**
 * How long the main thread of a process could run and was given no processor, all in all, in ms: the second number of
 * `schedstat`, in ns (Documentation/scheduler/sched-stats); 0 where the kernel does not count it.
 */
export function waitedMs(pid: number): number {
  return Number(schedstat(pid).split(' ')[1] ?? 0) / 1e6;
}

function schedstat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8');
  } catch {
    return '';
  }
}
