// What a worker answers the supervisor, which speaks to probes, scrapers and operators for all of them. It imports much
// because whatever operators ask of is named here.
import type { PolicyTimeParts } from '../../adapters/http/admin/administer-policy-time.ts';
import type { AnchorsParts } from '../../adapters/http/admin/administer-anchors.ts';
import type { BansParts } from '../../adapters/http/admin/administer-bans.ts';
import type { AuditParts } from '../../adapters/http/admin/records/administer-audit.ts';
import type { RogueParts } from '../../adapters/http/admin/records/administer-rogues.ts';
import type { RecordsParts } from '../../adapters/http/admin/records/administer-records.ts';
import type { CrlsParts } from '../../adapters/http/admin/administer-crls.ts';
import type { InventoryParts } from '../../adapters/http/admin/administer-inventory.ts';
import type { IssuersParts } from '../../adapters/http/admin/administer-issuers.ts';
import type { SdsStatusParts } from '../../adapters/http/admin/administer-sds.ts';
import type { Observed } from '../../adapters/http/observation/routes.ts';
import type { Json, Link } from '../../adapters/processes/link.ts';
import type { Telemetry } from '../../adapters/telemetry/telemetry.ts';
import { every } from '../../live/every.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';
import {
  ANCHORS_TOPIC,
  BANS_TOPIC,
  CRLS_TOPIC,
  HEALTH_TOPIC,
  INVENTORY_TOPIC,
  ISSUERS_TOPIC,
  METRICS_TOPIC,
  POLICY_TIME_TOPIC,
  POLICY_TOPIC,
  RECORD_OPERATION_TOPIC,
  RECORDS_TOPIC,
  ROGUES_TOPIC,
  AUDIT_TOPIC,
  SDS_STATUS_TOPIC,
  SET_POLICY_TIME_BACK_TOPIC,
  type AnchorsQuestion,
  type BansQuestion,
  type CrlsQuestion,
  type InventoryQuestion,
  type IssuersQuestion,
  type RecordsQuestion,
  type AuditQuestion,
  type SettingBack,
} from './topics.ts';

/** What a worker counted since then is lost to the page when it is killed. */
const TELL_EVERY_MS = 1_000;

export interface WorkerAnswers extends Pick<Observed, 'health' | 'policy'> {
  readonly telemetry: Pick<Telemetry, 'state'>;
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
  readonly recordOperation: (record: OperationRecord) => Promise<void>;
  /** As `policyTime.setBack`, after another worker did it and put it on record. */
  readonly followSetBack: (expectedMs: number) => ReturnType<PolicyTimeParts['setBack']>;
}

/** @param link not yet told what topics it serves. */
export function answerSupervisor(link: Link, answers: WorkerAnswers): void {
  const {
    telemetry,
    health,
    policy,
    sds,
    policyTime,
    issuers,
    anchors,
    bans,
    crls,
    records,
    audit,
    recordOperation,
    followSetBack,
  } = answers;
  const { inventory, rogues } = answers;
  link.serve(METRICS_TOPIC, async () => telemetry.state({ scraped: true }));
  link.serve(HEALTH_TOPIC, async () => json(await health()));
  link.serve(POLICY_TOPIC, async () => json((await policy()) ?? null));
  link.serve(SDS_STATUS_TOPIC, async () => json(await sds.status()));
  link.serve(POLICY_TIME_TOPIC, async () => json(await policyTime.read()));
  link.serve(ISSUERS_TOPIC, async (body) => answerIssuers(issuers, body));
  link.serve(ANCHORS_TOPIC, async (body) => answerAnchors(anchors, body));
  link.serve(BANS_TOPIC, async (body) => answerBans(bans, body));
  link.serve(CRLS_TOPIC, async (body) => answerCrls(crls, body));
  link.serve(RECORDS_TOPIC, async (body) => answerRecords(records, body));
  link.serve(INVENTORY_TOPIC, async (body) => answerInventory(inventory, body));
  link.serve(ROGUES_TOPIC, async () => json(await rogues.found()));
  link.serve(AUDIT_TOPIC, async (body) => answerAudit(audit, body));
  link.serve(RECORD_OPERATION_TOPIC, async (body) => {
    await recordOperation(body as unknown as OperationRecord);
    return null;
  });
  link.serve(SET_POLICY_TIME_BACK_TOPIC, async (body) => {
    const { expectedMs, by } = body as unknown as SettingBack;
    return json((await (by === null ? followSetBack(expectedMs) : policyTime.setBack(expectedMs, by))) ?? null);
  });
}

/** @param body as `RelayedIssuers` sends it. */
async function answerIssuers(issuers: IssuersParts, body: Json): Promise<Json> {
  const { question, given } = body as unknown as IssuersQuestion;
  switch (question) {
    case 'list':
      return json([...(await issuers.list())]);
    case 'show':
      return json(await issuers.show(...given));
    case 'pending':
      return json([...(await issuers.pending())]);
    case 'ask':
      return json(await issuers.ask(...given));
    case 'keys':
      return json([...(await issuers.keys(...given))]);
    case 'removeKey':
      return json(await issuers.removeKey(...given));
    case 'rotate':
      return json(await issuers.rotate(...given));
    case 'rotation':
      return json(await issuers.rotation(...given));
    case 'approve':
      return json(await issuers.approve(...given));
  }
}

/** @param body as `gatheredAnchors` sends it. */
async function answerAnchors(anchors: AnchorsParts, body: Json): Promise<Json> {
  const { question, given } = body as unknown as AnchorsQuestion;
  switch (question) {
    case 'status':
      return json(await anchors.status());
    case 'ask':
      return json(await anchors.ask(...given));
    case 'approve':
      return json(await anchors.approve(...given));
  }
}

/** @param body as `gatheredBans` sends it. */
async function answerBans(bans: BansParts, body: Json): Promise<Json> {
  const { question, given } = body as unknown as BansQuestion;
  switch (question) {
    case 'list':
      return json([...(await bans.list())]);
    case 'revoke':
      return json(await bans.revoke(...given));
    case 'lift':
      return json(await bans.lift(...given));
    case 'pending':
      return json([...(await bans.pending())]);
    case 'approve':
      return json(await bans.approve(...given));
  }
}

/** @param body as `gatheredCrls` sends it. */
async function answerCrls(crls: CrlsParts, body: Json): Promise<Json> {
  const { question, given } = body as unknown as CrlsQuestion;
  return json(question === 'list' ? await crls.list() : await crls.show(...given));
}

/** @param body as `gatheredRecords` sends it. */
async function answerRecords(records: RecordsParts, body: Json): Promise<Json> {
  const { question, given } = body as unknown as RecordsQuestion;
  return json(question === 'refusals' ? await records.refusals(...given) : [...(await records.operations(...given))]);
}

/** @param body as `gatheredInventory` sends it. */
async function answerInventory(inventory: InventoryParts, body: Json): Promise<Json> {
  const { question, given } = body as unknown as InventoryQuestion;
  switch (question) {
    case 'list':
      return json(await inventory.list(...given));
    case 'show':
      return json(await inventory.show(...given));
    case 'coverage':
      return json(await inventory.coverage(...given));
    case 'ends':
      return json(await inventory.ends());
  }
}

/** @param body as `gatheredAudit` sends it. */
async function answerAudit(audit: AuditParts, body: Json): Promise<Json> {
  const { question, given } = body as unknown as AuditQuestion;
  switch (question) {
    case 'status':
      return json(await audit.status());
    case 'accept':
      return json(await audit.accept(...given));
    case 'signEnd':
      return json(await audit.signEnd(...given));
  }
}

export interface TellingParts {
  readonly telemetry: Pick<Telemetry, 'state'>;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Hears of numbers that could not be read; the next ones are tried all the same. */
  readonly onFailure: (cause: unknown) => void;
}

/** Says the worker's numbers every second until the signal aborts. */
export async function tellMetrics(
  link: Link,
  { telemetry, clock, onFailure }: TellingParts,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  await every(TELL_EVERY_MS, clock, async () => tellMetricsOnce(link, telemetry).catch(onFailure), options);
}

/** Also the last word of a worker that ends in order. */
export async function tellMetricsOnce(link: Link, telemetry: Pick<Telemetry, 'state'>): Promise<void> {
  link.tell(METRICS_TOPIC, await telemetry.state({ scraped: false }));
}

/** Data all through, which TypeScript does not see of an interface. */
function json(data: object | null): Json {
  return data as Json;
}
