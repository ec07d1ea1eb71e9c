// What every other part stands on: time, randomness, telemetry, and how parts start, stop and are asked how they are.
import { SystemRandom } from '../../adapters/clock/system-random.ts';
import { WatchClock } from '../../adapters/clock/watch-clock.ts';
import { watchFolder, type Watching } from '../../adapters/files/watch-folder.ts';
import { RelayedWatches } from '../../adapters/processes/relayed-watches.ts';
import { WORKER_LOG_FD } from '../../adapters/processes/worker-process.ts';
import { openTelemetry, type Telemetry } from '../../adapters/telemetry/telemetry.ts';
import type { Config } from '../../config/schema.ts';
import { SettledTime } from '../../live/settled-time.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import { notReady, READY, type Health } from '../../ports/platform/health.ts';
import type { Random } from '../../ports/platform/random.ts';
import type { Tracer } from '../../ports/platform/tracer.ts';
import type { Lifecycle } from '../lifecycle.ts';
import { Readiness } from '../readiness.ts';
import { StartUp } from '../start-up.ts';
import { StartWait } from '../start-wait.ts';
import { tellMetrics, tellMetricsOnce } from '../worker/answer-supervisor.ts';
import type { WorkerPlace } from '../worker-place.ts';

export interface Foundation {
  readonly clock: Clock;
  /** What the wall clock is believed to be where a conclusion cannot be taken back. */
  readonly settled: SettledTime;
  /** The clock of loops that look at something again and again: a demand to look now reaches all of them. */
  readonly watching: WatchClock;
  /** By what files are followed: the same clock, and notice of changes. */
  readonly files: Watching;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly events: Events;
  readonly tracer: Tracer;
  readonly health: Health;
  readonly startUp: StartUp;
  /** For what is not known while others are away. */
  readonly startWait: StartWait;
  readonly lifecycle: Lifecycle;
  /** What answers probes and operators until all records are flushed; closed then, the latest first. */
  readonly untilFlushed: AsyncDisposableStack;
  /** Aborts when watchers stop: work that goes on in the background ends with it. */
  readonly running: AbortSignal;
  /** Where this process is one worker of a server. */
  readonly worker: WorkerPlace | undefined;
}

const STDERR = 2;

export function composeFoundation(
  config: Config,
  lifecycle: Lifecycle,
  clock: Clock,
  worker?: WorkerPlace,
): Foundation {
  const { logLevel, logFile, traces, logs } = config.telemetry;
  const { endpoint, sampleRatio } = traces;
  const telemetry = openTelemetry({
    log: { level: logLevel, ...placeOfLog(logFile, worker) },
    ...(endpoint !== undefined && { traces: { endpoint, sampleRatio } }),
    ...(logs.endpoint !== undefined && { logs: { endpoint: logs.endpoint } }),
  });
  // Registered first, so flushed last: every other part may still have something to say.
  lifecycle.at('flush', 'telemetry', async () => telemetry[Symbol.asyncDispose]());
  const untilFlushed = new AsyncDisposableStack();
  lifecycle.at('flush', 'HTTP and administration', async () => untilFlushed.disposeAsync());
  const background = new AbortController();
  lifecycle.at('stop-watchers', 'background work', () => background.abort());
  const health = new Readiness();
  health.report('server', () => (lifecycle.stopping ? notReady('the server is shutting down') : READY));
  telemetry.observeHealth(health);
  const { events } = telemetry;
  worker?.onFailure((topic, cause) => events.unexpected({ where: `link ${topic}`, cause }));
  const watching = new WatchClock(clock);
  const settled = new SettledTime(clock);
  // So that it knows what the clock was before the first step of it.
  settled.nowMs();
  const startUp = new StartUp();
  if (worker !== undefined) {
    const { link } = worker;
    const onFailure = (cause: unknown): void => events.unexpected({ where: 'numbers for the supervisor', cause });
    startUp.at('observe', () => void tellMetrics(link, { telemetry, clock, onFailure }, { signal: background.signal }));
    lifecycle.at('flush', 'last numbers', async () => tellMetricsOnce(link, telemetry));
  }
  return {
    clock,
    settled,
    watching,
    files: { clock: watching, watchFolder: worker === undefined ? watchFolder : relayedWatches(worker) },
    random: new SystemRandom(),
    telemetry,
    events,
    tracer: telemetry.tracer,
    health,
    startUp,
    startWait: new StartWait(clock),
    lifecycle,
    untilFlushed,
    running: background.signal,
    worker,
  };
}

/** Of several processes the supervisor writes the one log. */
function placeOfLog(logFile: string | undefined, worker: WorkerPlace | undefined) {
  if (worker !== undefined) return { destination: WORKER_LOG_FD, worker: worker.slot };
  return { destination: logFile ?? STDERR };
}

function relayedWatches({ link }: WorkerPlace): Watching['watchFolder'] {
  const watches = new RelayedWatches(link);
  return async (...watched) => watches.watchFolder(...watched);
}
