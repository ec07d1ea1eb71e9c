// The supervisor's parts: it takes the data directory, proves that the addresses are free, starts the workers and answers
// probes. It imports much because it names the parts of a process of its own, as app/compose does.
import { extname } from 'node:path';
import { freePorts, type WantedAddress } from '../../adapters/grpc/listeners/free-port.ts';
import { forkWorker } from '../../adapters/processes/worker-process.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import { composeFoundation, type Foundation } from '../compose/foundation.ts';
import { LeftJournals } from '../compose/stores/left-journals.ts';
import { degradedBy } from '../../ports/platform/health.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { ServeReport, Server } from '../serve.ts';
import { composeRelays, openSockets, type Relays } from './compose-relays.ts';
import { takeDataDirectory } from './data-directory.ts';
import type { ServingWorker } from './gathered/ask-each.ts';
import { keepKeys } from './kept-keys.ts';
import { REREAD_TOPIC } from './start-of-worker.ts';
import { reportForWorkers } from './shared-reports.ts';
import { shareWithWorkers } from './shared-state.ts';
import type { WorkerSlot } from './worker-slot.ts';
import { Workers } from './workers.ts';

/** The program that we are ourselves, from its sources or from what was built of them. */
const ENTRY = new URL(`../../main${extname(import.meta.url)}`, import.meta.url);
/** Beyond the deadline of calls, for what workers without a supervisor do last. */
const PREDECESSORS_FLUSH_MS = 10_000;

interface SupervisorParts {
  readonly workers: Workers;
  readonly relays: Relays;
  /** That of the first worker, once all serve. */
  report: ServeReport | undefined;
  /** As configured, until the ports are known. */
  config: Config;
}

/** @param count how many workers there are; more than one. */
export function composeSupervisor(config: Config, count: number, lifecycle: Lifecycle, clock: Clock): Server {
  const foundation = composeFoundation(config, lifecycle, clock);
  const { events, health } = foundation;
  const onFailure = (topic: string, cause: unknown): void => events.unexpected({ where: `link ${topic}`, cause });
  const share = shareWithWorkers(config, clock);
  const report = reportForWorkers(config, foundation);
  const shareKeys = keepKeys(config);
  const workers = new Workers(count, {
    clock,
    events,
    fork: () => {
      const forked = forkWorker({ clock, onFailure }, { entry: ENTRY, argv: ['worker'] });
      share(forked.link);
      report(forked.link);
      return forked;
    },
    place: (slot, process) => {
      relays.attach({ slot, ...process });
      shareKeys(process.link, process.closed);
      return { slot, of: count, config: parts.config };
    },
  });
  const relays = composeRelays(config, foundation, {
    workers: () => workers.serving.flatMap(({ slot, link }) => reached(slot, link)),
    starting: () => workers.starting.flatMap(({ slot, starting }) => reached(slot, starting)),
  });
  const parts: SupervisorParts = { workers, relays, report: undefined, config };
  health.report('workers', () => workers.health());
  holdDirectory(config, count, foundation);
  runWorkers(foundation, parts);
  openSockets(config, foundation, relays);
  return {
    foundation,
    reread: () => {
      foundation.watching.rouse();
      workers.tellAll(REREAD_TOPIC, null);
    },
    report: () => reportOf(foundation, parts),
  };
}

function reached(slot: number, link: WorkerSlot['link']): readonly ServingWorker[] {
  return link === undefined ? [] : [{ slot, link }];
}

/** Held until the last worker is gone. */
function holdDirectory(config: Config, count: number, foundation: Foundation): void {
  const { clock, events, startUp, lifecycle, health, running } = foundation;
  const { store } = config.journal;
  // A database keeps its servers apart by itself.
  if (store.kind === 'postgres') return;
  const { file } = store;
  const left = new LeftJournals({ clock, events }, { file, processes: count, retentionMs: config.journal.retention });
  startUp.at('storage', async ({ signal }) => {
    const withinMs = config.shutdown.drainDeadline + PREDECESSORS_FLUSH_MS;
    const onWaiting = (journal: string): void =>
      events.lifecycle({ phase: 'waiting', detail: `a worker of a former server still writes ${journal}` });
    const lock = await takeDataDirectory({ journal: file, count }, clock, { signal, withinMs, onWaiting });
    await left.start({ signal, running, lock });
  });
  lifecycle.at('flush', 'data directory', async () => left[Symbol.asyncDispose]());
  health.report('journals that are left', () => degradedBy(left.problem));
}

function runWorkers({ clock, events, startUp, lifecycle }: Foundation, parts: SupervisorParts): void {
  const { workers, config } = parts;
  startUp.at('listen', async (options) => {
    const onWaiting = (named: string): void =>
      events.lifecycle({ phase: 'waiting', detail: `another process still listens on ${named}` });
    const ports = await freePorts(addressesOf(config), clock, { ...options, onWaiting });
    parts.config = withPorts(config, ports);
    parts.report = await workers.start(options);
  });
  const { drainDeadline: deadlineMs } = config.shutdown;
  // Each worker stops accepting first of all when it drains.
  lifecycle.at('stop-accepting', 'workers', async () => workers.drain({ deadlineMs }));
}

function addressesOf({ listen: { tls, plaintext, administration, metrics } }: Config): readonly WantedAddress[] {
  const named = (name: string, { host, port }: { readonly host: string; readonly port: number }): WantedAddress => ({
    host,
    port,
    named: `the ${name} address ${host}:${port}`,
  });
  return [
    named('TLS', tls.address),
    ...(plaintext.address === undefined ? [] : [named('plaintext', plaintext.address)]),
    ...(administration.address === undefined ? [] : [named('administration', administration.address)]),
    ...(metrics.address === undefined ? [] : [named('metrics', metrics.address)]),
  ];
}

/** @param ports of `addressesOf`, in its order. */
function withPorts(config: Config, ports: readonly number[]): Config {
  const left = [...ports];
  const withNext = <T extends { readonly port: number }>(address: T): T => ({ ...address, port: left.shift() ?? 0 });
  const { listen } = config;
  const { tls, plaintext, administration, metrics } = listen;
  return {
    ...config,
    listen: {
      ...listen,
      tls: { address: withNext(tls.address) },
      plaintext: { address: plaintext.address && withNext(plaintext.address) },
      administration: { ...administration, address: administration.address && withNext(administration.address) },
      metrics: { ...metrics, address: metrics.address && withNext(metrics.address) },
    },
  };
}

function reportOf({ health }: Foundation, { report, relays }: SupervisorParts): ServeReport {
  if (report === undefined) throw new Error('the workers have not started');
  const own = health.parts().flatMap((part) => (part.state === 'ready' ? [] : [part]));
  const { administration, sockets } = relays;
  const troubled = [...report.troubled, ...own];
  return { ...report, httpAddress: administration.http.address(), sockets: sockets.paths, troubled };
}
