// What the supervisor does for its workers: it speaks for them to probes, scrapers and operators, writes their log, watches
// folders, and accepts on the Unix sockets of SDS. It imports much because it names the parts of all that.
import type { Readable } from 'node:stream';
import { SocketIdentities } from '../../adapters/credentials/socket-identities.ts';
import { watchFolder } from '../../adapters/files/watch-folder.ts';
import { HandingListener } from '../../adapters/grpc/listeners/unix/handing-listener.ts';
import { SharedPinTurns } from '../../adapters/processes/relays/pin-turns.ts';
import { SocketHandover, type OpenSocket } from '../../adapters/processes/socket-handover.ts';
import { WatchRelay } from '../../adapters/processes/watch-relay.ts';
import type { OperatorsRequest } from '../../adapters/http/admin/operators-listener.ts';
import type { ObservationRequest } from '../../adapters/http/observation/metrics-listener.ts';
import type { Config } from '../../config/schema.ts';
import { maxSocketConnections } from '../compose/listeners.ts';
import { serveOperators, type Administration } from '../compose/administration/administration.ts';
import type { Foundation } from '../compose/foundation.ts';
import { followSockets } from '../sockets/follow-sockets.ts';
import { LEDGER_CHANGED_TOPIC, OBSERVATION_TOPIC, OPERATORS_TOPIC } from '../worker/topics.ts';
import { SdsSockets, type WantedSocket } from '../sockets/sds-sockets.ts';
import { askEach, type ServingWorkers } from './gathered/ask-each.ts';
import { gatheredPolicyTime, gatherSdsStatus } from './gathered/gathered-administration.ts';
import { gatheredAnchors } from './gathered/gathered-anchors.ts';
import { gatheredBans } from './gathered/gathered-bans.ts';
import { gatheredCrls } from './gathered/gathered-crls.ts';
import { gatheredAudit } from './gathered/gathered-audit.ts';
import { gatheredRecords } from './gathered/gathered-records.ts';
import { gatheredInventory } from './gathered/gathered-inventory.ts';
import { gatheredRogues } from './gathered/gathered-rogues.ts';
import { gatheredIssuers, recordedByOne } from './gathered/gathered-issuers.ts';
import { gatherHealth } from './gathered/gathered-health.ts';
import { GatheredMetrics, type NewWorker } from './gathered/gathered-metrics.ts';
import { gatherPolicy } from './gathered/gathered-policy.ts';

export interface ForkedWorker extends NewWorker {
  /** The lines of its log; ends with it. */
  readonly log: Readable;
}

export interface Relays {
  readonly administration: Administration;
  readonly sockets: SdsSockets;
  /** Called once for each worker, before it starts. */
  readonly attach: (worker: ForkedWorker) => void;
}

/** Longest that shutting down waits for what workers logged last. */
const LOGS_WITHIN_MS = 2_000;

/** @param workers those that serve now. @param starting those that do not yet. */
export function composeRelays(
  config: Config,
  foundation: Foundation,
  { workers, starting }: { readonly workers: ServingWorkers; readonly starting: ServingWorkers },
): Relays {
  const { clock, telemetry, health: own, running: signal } = foundation;
  const gathering = { workers, clock };
  const metrics = new GatheredMetrics({ ...gathering, telemetry });
  const administration = serveOperators(config, foundation, {
    health: async () => gatherHealth({ ...gathering, starting, own }),
    policy: async () => gatherPolicy(workers, clock),
    collect: async () => metrics.collect(),
    sds: { status: async () => gatherSdsStatus(gathering) },
    policyTime: gatheredPolicyTime(gathering, { signal }),
    issuers: gatheredIssuers(workers, { signal }),
    anchors: gatheredAnchors(workers, { signal }),
    bans: gatheredBans(workers, { signal }),
    crls: gatheredCrls(workers, { signal }),
    records: gatheredRecords(workers, { signal }),
    inventory: gatheredInventory(workers, { signal }),
    audit: gatheredAudit(workers, { signal }),
    rogues: gatheredRogues(workers, { signal }),
    recordOperation: recordedByOne(workers, { signal }),
  });
  const handover = composeHandover(config, foundation, workers);
  const watches = new WatchRelay({ watchFolder });
  const pinTurns = new SharedPinTurns();
  const relayLog = composeLogs(foundation);
  return {
    administration,
    sockets: composeSockets(config, foundation, handover),
    attach: (worker) => {
      const { link, closed, log } = worker;
      // The system gave no process.
      if (closed.aborted) return;
      metrics.attach(worker);
      // Answered when the others know, or after a second: then they know at their next look.
      link.serve(LEDGER_CHANGED_TOPIC, async () => {
        await askEach(workers(), LEDGER_CHANGED_TOPIC, clock);
        return null;
      });
      link.serve(OPERATORS_TOPIC, async (body) => {
        const answered = await administration.answer(body as unknown as OperatorsRequest);
        return { ...answered };
      });
      link.serve(OBSERVATION_TOPIC, async (body) => {
        const answered = await administration.observe(body as unknown as ObservationRequest);
        return { ...answered };
      });
      handover.attach(link, closed);
      watches.attach(link, closed);
      pinTurns.attach(link, closed);
      relayLog(log);
    },
  };
}

/** @returns what writes the log of one worker into that of the server. */
function composeLogs({ telemetry, lifecycle, clock }: Foundation): (log: Readable) => void {
  /** One entry for each worker that has not ended its log. */
  const logs = new Set<Promise<void>>();
  lifecycle.at('flush', 'logs of workers', async () => {
    const late = Promise.withResolvers<undefined>();
    const takeBack = clock.after(LOGS_WITHIN_MS, () => late.resolve(undefined));
    await Promise.race([Promise.all(logs), late.promise]);
    takeBack();
  });
  return (log) => {
    const written = telemetry.relayLog(log).finally(() => logs.delete(written));
    logs.add(written);
  };
}

function composeHandover(config: Config, { events }: Foundation, workers: ServingWorkers): SocketHandover {
  const onRefused = ({ path }: OpenSocket, problem: string): void =>
    events.connectionRefused({ listener: 'unix', remoteAddress: `unix:${path}`, problem });
  return new SocketHandover(
    { workers: () => workers().map(({ link }) => link), onRefused },
    { maxConnections: maxSocketConnections(config) },
  );
}

function composeSockets(config: Config, foundation: Foundation, handover: SocketHandover): SdsSockets {
  const { events, health } = foundation;
  const identities = new SocketIdentities();
  let opened = 0;
  const open = (wanted: WantedSocket): HandingListener => handing(wanted, (opened += 1), handover);
  const sockets = new SdsSockets({ events, open, identities }, { trustDomain: config.trustDomain });
  health.report('sds-sockets', () => sockets.health());
  return sockets;
}

/** Opens them once the workers serve, and closes them before the workers end: called after the workers' own steps are set. */
export function openSockets(config: Config, foundation: Foundation, { sockets }: Relays): void {
  const { startUp, lifecycle, watching, running } = foundation;
  const { drainDeadline: deadlineMs } = config.shutdown;
  startUp.at('listen', async () => followSockets(config, watching, sockets, { signal: running }));
  lifecycle.at('stop-accepting', 'SDS sockets', async () => sockets.drain({ deadlineMs }));
}

/** @param id of this opening of the path. */
function handing(wanted: WantedSocket, id: number, handover: SocketHandover): HandingListener {
  const { path, root, namespace, serviceAccount, mode } = wanted;
  let socket: OpenSocket | undefined;
  return new HandingListener(
    {
      opened: (place) => {
        socket = { id, path, root: root ?? null, namespace, serviceAccount, place };
        handover.opened(socket);
      },
      hand: (connection) => (socket === undefined ? connection.destroy() : handover.hand(socket, connection)),
      closed: (options) => handover.closed(id, options),
    },
    { path, mode, ...(root !== undefined && { root }) },
  );
}
