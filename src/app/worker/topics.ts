// What supervisor and worker talk about while a worker serves. A topic may be served at both ends, each its own way.

import type { AnchorsParts } from '../../adapters/http/admin/administer-anchors.ts';
import type { BansParts } from '../../adapters/http/admin/administer-bans.ts';
import type { AuditParts } from '../../adapters/http/admin/records/administer-audit.ts';
import type { RecordsParts } from '../../adapters/http/admin/records/administer-records.ts';
import type { CrlsParts } from '../../adapters/http/admin/administer-crls.ts';
import type { InventoryParts } from '../../adapters/http/admin/administer-inventory.ts';
import type { IssuersParts } from '../../adapters/http/admin/administer-issuers.ts';

/** The worker's numbers: said by it every second, and asked for at each scrape. */
export const METRICS_TOPIC = 'metrics';
/** The parts of the worker with their health. */
export const HEALTH_TOPIC = 'health';
/** The policies that the worker judges by; null before the first. */
export const POLICY_TOPIC = 'policy';
/** The worker's streams and rejections of SDS. */
export const SDS_STATUS_TOPIC = 'sds status';
/** The moment by which the worker judges policy bundles, and how it is set back. */
export const POLICY_TIME_TOPIC = 'policy time';
export const SET_POLICY_TIME_BACK_TOPIC = 'set policy time back';
/** `by`: who asked, for the record; null for a worker that follows another, which has it on record. */
export interface SettingBack {
  readonly expectedMs: number;
  readonly by: { readonly actor: string; readonly role: string } | null;
}

/** What operators ask of issuers, and tell them: one worker answers for all. */
export const ISSUERS_TOPIC = 'issuers';
/** What operators ask of the rotation of trust anchors. */
export const ANCHORS_TOPIC = 'anchors';
/** As of issuers: what operators ask of bans. */
export const BANS_TOPIC = 'bans';
/** And what they ask of revocation lists. */
export const CRLS_TOPIC = 'crls';
/** And what is on record lately. */
export const RECORDS_TOPIC = 'records';
/** And what they ask of the inventory. */
export const INVENTORY_TOPIC = 'inventory';
/** And which CAs should not be there. */
export const ROGUES_TOPIC = 'rogues';
/** And how the journal is proven. */
export const AUDIT_TOPIC = 'audit';
/** What an operator asks by a client certificate: the supervisor answers. */
export const OPERATORS_TOPIC = 'operators';
/** What a scraper asks over TLS: the supervisor answers. */
export const OBSERVATION_TOPIC = 'observation';
/** An operation that one worker records for all. */
export const RECORD_OPERATION_TOPIC = 'record operation';
/** Asked by a worker after it changed a ledger of what operators decided, and by the supervisor of all: look at them. */
export const LEDGER_CHANGED_TOPIC = 'ledger changed';

/** One of the methods of what answers, with its arguments. */
type QuestionOf<Parts extends Record<keyof Parts, (...given: never[]) => unknown>> = {
  [Question in keyof Parts]: { readonly question: Question; readonly given: Parameters<Parts[Question]> };
}[keyof Parts];
export type IssuersQuestion = QuestionOf<IssuersParts>;
export type AnchorsQuestion = QuestionOf<AnchorsParts>;
export type BansQuestion = QuestionOf<BansParts>;
export type AuditQuestion = QuestionOf<AuditParts>;
export type RecordsQuestion = QuestionOf<RecordsParts>;
export type CrlsQuestion = QuestionOf<CrlsParts>;
export type InventoryQuestion = QuestionOf<InventoryParts>;
