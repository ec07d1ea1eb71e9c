// What probes and scrapers read over HTTP, and what an operator on this machine asks over the Unix socket. Of several
// processes the supervisor serves both and asks its workers.
import { administerPolicyTime, type PolicyTimeParts } from '../../../adapters/http/admin/administer-policy-time.ts';
import { administerAudit, type AuditParts } from '../../../adapters/http/admin/records/administer-audit.ts';
import { administerOverview, type OverviewParts } from '../../../adapters/http/admin/administer-overview.ts';
import { administerRogues, type RogueParts } from '../../../adapters/http/admin/records/administer-rogues.ts';
import { administerRecords, type RecordsParts } from '../../../adapters/http/admin/records/administer-records.ts';
import { administerSds, type SdsStatusParts } from '../../../adapters/http/admin/administer-sds.ts';
import { administerAnchors, type AnchorsParts } from '../../../adapters/http/admin/administer-anchors.ts';
import { administerBans, type BansParts } from '../../../adapters/http/admin/administer-bans.ts';
import { administerCrls, type CrlsParts } from '../../../adapters/http/admin/administer-crls.ts';
import { administerInventory, type InventoryParts } from '../../../adapters/http/admin/administer-inventory.ts';
import { administerIssuers, type IssuersParts } from '../../../adapters/http/admin/administer-issuers.ts';
import { AdministrationSocket } from '../../../adapters/http/admin/administration-socket.ts';
import { administrationRoutes, type AdministrationParts } from '../../../adapters/http/admin/administration.ts';
import { OperatorRates } from '../../../adapters/http/admin/operator-rates.ts';
import {
  answerOperator,
  relayedOperator,
  type OperatorsParts,
} from '../../../adapters/http/admin/operators-listener.ts';
import { LOCAL_OPERATOR } from '../../../authority/administration/roles.ts';
import { loopbackReaders } from '../../../adapters/http/observation/loopback-readers.ts';
import {
  answerObservation,
  RELAYED_READERS,
  type MetricsListenerParts,
} from '../../../adapters/http/observation/metrics-listener.ts';
import { observationRoutes, type Observed, type PolicyInForce } from '../../../adapters/http/observation/routes.ts';
import { HttpServer } from '../../../adapters/http/observation/server.ts';
import { administrationSocketOf } from '../../../config/administration-socket.ts';
import type { Config } from '../../../config/schema.ts';
import { RefusedOperations } from '../../../authority/administration/refused-operations.ts';
import { FiguresOfLately } from '../../../authority/chores/server-figures.ts';
import { figuresIn } from '../../../adapters/telemetry/figures/figures-in.ts';
import type { OperationRecord } from '../../../ports/storage/operation-journal.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import { policyInForce } from '../../policy-in-force.ts';
import { answerSupervisor } from '../../worker/answer-supervisor.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import { recordSetBack } from '../policy/policy-bundle.ts';
import type { Policy } from '../policy/policy.ts';
import type { Services } from '../services.ts';
import type { Storage } from '../storage.ts';
import type { PublishedTrust } from '../kubernetes/published-roots.ts';
import { composeAnchorAdministration } from './anchor-administration.ts';
import { composeBanAdministration } from './ban-administration.ts';
import { composeCoverage } from './coverage-administration.ts';
import { composeCrlAdministration } from './crl-administration.ts';
import { composeRecordAdministration } from './record-administration.ts';
import { composeInventoryAdministration } from './inventory-administration.ts';
import { composeRogueAdministration } from './rogue-administration.ts';
import { composeIssuerAdministration } from './issuer-administration.ts';
import type { FollowedLedgers } from '../stores/followed-ledgers.ts';
import type { KnownInterruptions } from '../trust/interruptions.ts';
import type { Revocation } from '../trust/revocation.ts';
import type { Trust } from '../trust/trust.ts';

export interface Administration {
  readonly http: HttpServer;
  /** Of operators who showed a client certificate to whichever process. */
  readonly answer: OperatorsParts['answer'];
  /** Of scrapers who asked whichever process over TLS. */
  readonly observe: MetricsListenerParts['answer'];
}

/** Whatever is asked, by whom it is answered: by this process, or by several for which it speaks. */
export interface Answers extends Omit<Observed, 'events' | 'readers'> {
  readonly sds: SdsStatusParts;
  readonly policyTime: PolicyTimeParts;
  readonly issuers: IssuersParts;
  readonly anchors: AnchorsParts;
  readonly bans: BansParts;
  readonly crls: CrlsParts;
  readonly records: RecordsParts;
  readonly inventory: InventoryParts;
  readonly audit: AuditParts;
  readonly rogues: RogueParts;
  /** Resolves once it is on record. */
  readonly recordOperation: (record: OperationRecord) => Promise<void>;
}

interface Former {
  readonly cluster: Cluster;
  readonly storage: Storage;
  readonly policy: Policy;
  readonly trust: Trust;
  readonly ledgers: FollowedLedgers;
  readonly services: Services;
  readonly audit: AuditParts;
  /** Absent where anchors are published nowhere. */
  readonly published: PublishedTrust | undefined;
  /** Absent where revocation lists are handed out nowhere. */
  readonly revocation: Revocation | undefined;
  /** Absent where no inventory is kept. */
  readonly interruptions: KnownInterruptions | undefined;
}

/** @returns nothing for a worker, which answers its supervisor instead. */
export function composeAdministration(
  config: Config,
  foundation: Foundation,
  former: Former,
): Administration | undefined {
  const { worker, telemetry, health, clock, running: signal } = foundation;
  const { policies, bundles, watch, certificates } = former.policy;
  const { journal } = former.storage;
  const answers: Answers = {
    health: () => health.parts(),
    policy: () =>
      policyInForce(policies, unseenKinds(former.cluster), { drift: watch?.seen, certificates: certificates?.seen }),
    collect: telemetry.collect,
    recordOperation: async (operation: OperationRecord) => journal.recordOperation(operation, { signal }),
    issuers: composeIssuerAdministration(config, foundation, former),
    anchors: composeAnchorAdministration(config, foundation, former),
    bans: composeBanAdministration(config, foundation, former),
    crls: composeCrlAdministration(foundation, former),
    records: composeRecordAdministration(foundation, former.storage),
    inventory: {
      ...composeInventoryAdministration(config, foundation, former),
      coverage: composeCoverage(config, foundation, { ...former, kubernetes: former.cluster.kubernetes }),
    },
    audit: former.audit,
    rogues: composeRogueAdministration(config, foundation, former),
    sds: { status: () => former.services.sds.status() },
    policyTime: {
      read: () => ({ timeMs: bundles.timeMs(), clockMs: clock.nowMs() }),
      setBack: async (expectedMs, by) => bundles.setTimeBack(expectedMs, recordSetBack(journal, by), { signal }),
    },
  };
  if (worker === undefined) return serveOperators(config, foundation, answers);
  const follow = async (expectedMs: number) => bundles.setTimeBack(expectedMs, RECORDED_ALREADY, { signal });
  answerSupervisor(worker.link, { ...answers, telemetry, followSetBack: follow });
  return undefined;
}

/** Of the own cluster first. */
function unseenKinds({ live }: Cluster): NonNullable<PolicyInForce['unseen']> {
  return live === undefined ? [] : [...live.own.unseen(), ...live.views.unseen()];
}

/** Another worker has it on record: it is one deed of one operator. */
const RECORDED_ALREADY = async (): Promise<void> => undefined;

/** Opens both from the first moment on that there is something to say. */
export function serveOperators(config: Config, foundation: Foundation, answers: Answers): Administration {
  const { events, clock, health, startUp, running, untilFlushed } = foundation;
  const { address } = config.listen.http;
  const pages = observationRoutes({ ...answers, readers: loopbackReaders(events), events });
  const http = untilFlushed.use(new HttpServer({ routes: pages }, address));
  const relayedPages = observationRoutes({ ...answers, readers: RELAYED_READERS, events });
  const parts = [
    administerSds(answers.sds),
    administerPolicyTime(answers.policyTime),
    administerIssuers(answers.issuers),
    administerAnchors(answers.anchors),
    administerBans(answers.bans),
    administerCrls(answers.crls),
    administerRecords(answers.records, () => clock.nowMs()),
    administerAudit(answers.audit),
    administerOverview(composeOverview(config, foundation, answers)),
    administerInventory(answers.inventory),
    administerRogues(answers.rogues),
  ];
  const bounded = boundOperators(foundation, answers);
  const routes = administrationRoutes(parts, { events, ...bounded, operatorOf: () => LOCAL_OPERATOR });
  const relayed = administrationRoutes(parts, { events, ...bounded, operatorOf: relayedOperator });
  const place = { path: administrationSocketOf(config) };
  const socket = untilFlushed.use(new AdministrationSocket({ routes, clock }, place));
  startUp.at('observe', async (options) => http.start(options));
  startUp.at('administer', async () => {
    await socket.open();
    void socket.keep({ signal: running });
  });
  health.report('administration', () => degradedBy(socket.problem));
  return {
    http,
    answer: async (request) => answerOperator(relayed, request),
    observe: async (request) => answerObservation(relayedPages, request),
  };
}

/** Numbers of lately are kept where there is a page that shows them. */
function composeOverview(
  { trustDomain, listen }: Config,
  { clock, events, startUp, running: signal }: Foundation,
  { health, policy, collect }: Answers,
): OverviewParts {
  const figures = new FiguresOfLately({ read: async () => figuresIn(await collect()), clock });
  if (listen.console.address !== undefined) {
    startUp.at('administer', () => {
      void figures.run({ signal }).catch((cause: unknown) => events.unexpected({ where: 'figures', cause }));
    });
  }
  return {
    trustDomain,
    health,
    policy,
    nowMs: () => clock.nowMs(),
    figures: async () => figures.now(),
    lately: () => figures.lately(),
  };
}

/** What one operator may ask for, and the record of what is refused. */
function boundOperators(
  { clock, startUp, running: signal }: Foundation,
  { recordOperation }: Answers,
): Pick<AdministrationParts, 'overloaded' | 'refused'> {
  const rates = new OperatorRates(clock);
  // The journal says by itself that it cannot be written.
  const record = async (operation: OperationRecord) => recordOperation(operation).catch(() => undefined);
  const refusals = new RefusedOperations({ record, clock });
  startUp.at('administer', () => void refusals.run({ signal }));
  return {
    overloaded: (actor) => rates.overloaded(actor),
    refused: ({ method, path, ...who }) =>
      refusals.note({ operation: `${method} ${path}`.slice(0, MAX_OPERATION), ...who }),
  };
}

/** Characters of a path that somebody made up. */
const MAX_OPERATION = 200;
