// One decision from its opening to its record. Whatever ends it, an issued certificate or a
// refusal, is durable in the journal before the answer leaves; an answer that cannot be
// recorded is not given. Refusals that come in floods are counted (refusal-records.ts). It imports much because a record says all
// that a decision was made of.
import { AuthorityError } from '../../domain/errors.ts';
import { lineageOf, type Attestation, type Caller } from '../../domain/identity/caller.ts';
import type { FinishedCertificate } from '../../domain/issuance/prepared-certificate.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import { NEVER } from '../../live/abortable.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type {
  Api,
  AttestationTrace,
  DecisionRecord,
  IssuanceJournal,
  IssuedRecord,
} from '../../ports/storage/issuance-journal.ts';
import type { Random } from '../../ports/platform/random.ts';
import type { Revision } from '../../ports/storage/ledgers.ts';
import { policyTraceOf } from './policy-trace.ts';
import type { RefusalRecords } from './refusal-records.ts';

export interface RecorderParts {
  /** Id of the server's own cluster. */
  readonly cluster: string;
  readonly journal: IssuanceJournal;
  readonly refusals: RefusalRecords;
  readonly events: Events;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Records when it may be, by the bans that it saw; again after a look when the journal has seen others.
 * @throws AuthorityError when it may not be.
 */
export type Allowed = (record: (bans?: Revision) => Promise<boolean>) => Promise<void>;

const atOnce: Allowed = async (record) => {
  await record();
};

/** For `DecisionRecorder.issue` alone. */
let recorded: (finished: FinishedCertificate, decisionId: string) => IssuedCertificate;

/** A certificate whose record is durable: the only kind that may be delivered. */
export class IssuedCertificate {
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuer: Issuer;
  /** As policies call it. */
  readonly issuerName: string;
  readonly decisionId: string;
  readonly #finished: FinishedCertificate;

  private constructor(finished: FinishedCertificate, decisionId: string) {
    this.#finished = finished;
    this.serial = finished.serial;
    this.notBeforeMs = finished.contents.notBeforeMs;
    this.notAfterMs = finished.contents.notAfterMs;
    this.issuer = finished.contents.issuer;
    this.issuerName = finished.chosen.name;
    this.decisionId = decisionId;
  }

  get pem(): string {
    return this.#finished.pem;
  }

  static {
    recorded = (finished, decisionId) => new IssuedCertificate(finished, decisionId);
  }
}

/** Ten bytes, so that two decisions of one deployment never share an id. */
const DECISION_ID_BYTES = 10;

export class DecisionRecorder {
  readonly id: string;
  readonly #parts: RecorderParts;
  readonly #api: Api;
  readonly #remoteAddress: string;
  readonly #startedMs: number;
  #caller: Caller | undefined;
  #provenAtMs: number | undefined;
  #policy: PolicyDecision | undefined;
  #asked: string | undefined;
  #subject: Caller['identity'] | undefined;
  #clusterStaleMs: number | undefined;

  private constructor(parts: RecorderParts, api: Api, remoteAddress: string) {
    this.#parts = parts;
    this.#api = api;
    this.#remoteAddress = remoteAddress;
    this.#startedMs = parts.clock.monotonicMs();
    this.id = Buffer.from(parts.random.bytes(DECISION_ID_BYTES)).toString('hex');
  }

  /**
   * Runs `work` as one decision. A refusal thrown by it is recorded, or counted in a record of many, and
   * rethrown with that record's id; anything that is not an AuthorityError is a bug and passes through unrecorded.
   */
  static async run<T>(
    parts: RecorderParts,
    api: Api,
    remoteAddress: string,
    work: (recorder: DecisionRecorder) => Promise<T>,
  ): Promise<T> {
    const recorder = new DecisionRecorder(parts, api, remoteAddress);
    try {
      return await work(recorder);
    } catch (error) {
      if (!(error instanceof AuthorityError)) throw error;
      throw await recorder.#refuse(error);
    }
  }

  /** @param provenAtMs when the caller gave its proof, where that is not now: a stream goes on long after. */
  authenticated(caller: Caller, provenAtMs?: number): void {
    this.#caller = caller;
    this.#provenAtMs = provenAtMs;
  }

  /** The caller's workload is there. @param clusterStaleMs how long its cluster had not been heard, where it should have been. */
  attested({ clusterStaleMs }: Pick<AttestationTrace, 'clusterStaleMs'>): void {
    this.#clusterStaleMs = clusterStaleMs;
  }

  /** Another identity than the caller's own, or of one who is no caller: a refusal is on record for it too. */
  asksFor(identity: string): void {
    this.#asked = identity;
  }

  /** The caller is trusted to ask for others: in a flood its refusals are told apart by them, and count as theirs. */
  speaksFor(subject: Caller['identity']): void {
    this.#subject = subject;
  }

  judgedBy(policy: PolicyDecision): void {
    this.#policy = policy;
  }

  /**
   * Records the certificate; only then does it become one that may be delivered.
   * @param bundle what goes out with an answer that brings one.
   * @param allowed what looks whether it may be given away, and records it by what it saw.
   */
  async issue(
    finished: FinishedCertificate,
    { digest }: Pick<TrustBundle, 'digest'>,
    allowed: Allowed = atOnce,
  ): Promise<IssuedCertificate> {
    finished.take();
    const { contents, chosen } = finished;
    const facts = this.#facts();
    const record: DecisionRecord = {
      ...facts,
      ...this.#proof(facts.timeMs),
      outcome: 'issued',
      identity: contents.names[0]?.value ?? '',
      serial: finished.serial,
      issuer: contents.issuer.id,
      issuerName: chosen.name,
      trustAnchor: contents.issuer.anchorSha256,
      ...(this.#api === 'csr' && { bundle: digest }),
      notBeforeMs: contents.notBeforeMs,
      notAfterMs: contents.notAfterMs,
      keyType: contents.publicKey.keyType,
    };
    await allowed(async (bans) => this.#record(record, { bans }));
    return recorded(finished, this.id);
  }

  /** Our own certificates prove nobody, and go back to no proof. */
  #proof(timeMs: number): Pick<IssuedRecord, 'proofId' | 'provenAtMs'> {
    if (this.#caller === undefined) return {};
    // A clock that was set back since would make the proof count from the future, and last so much longer.
    const here = { id: this.id, provenAtMs: Math.min(this.#provenAtMs ?? timeMs, timeMs) };
    const { id, provenAtMs } = lineageOf(this.#caller, here, this.#subject !== undefined);
    return { proofId: id, provenAtMs };
  }

  async #refuse(error: AuthorityError): Promise<AuthorityError> {
    // A journal that failed once for this decision is not asked again: the caller gets CAP-S04.
    if (error.reason === 'CAP-S04') return error.withDecision(this.id);
    const { reason, message } = error;
    const asked = this.#asked === undefined ? {} : { identity: this.#asked };
    const record = { ...this.#facts(), ...asked, outcome: 'refused', reason, message } as const;
    const countedIn = this.#parts.refusals.count(record, this.#caller, this.#subject);
    if (countedIn !== undefined) {
      this.#parts.events.decided(record, { durationMs: this.#elapsedMs(), counted: true });
      return error.withDecision(countedIn);
    }
    try {
      await this.#record(record, { cause: error.cause });
      return error.withDecision(this.id);
    } catch (journalError) {
      return journalError instanceof AuthorityError ? journalError.withDecision(this.id) : error;
    }
  }

  async #record(
    record: DecisionRecord,
    { bans, cause }: { readonly bans?: Revision | undefined; readonly cause?: unknown },
  ): Promise<boolean> {
    const { journal, events } = this.#parts;
    // The record of a decision outlives the request that asked for it; the journal bounds its own waits.
    const isRecorded = await journal
      .append(record, { signal: NEVER, ...(bans && { bans }) })
      .catch((error: unknown) => {
        throw unrecorded(error);
      });
    if (isRecorded) events.decided(record, { durationMs: this.#elapsedMs(), cause });
    return isRecorded;
  }

  #elapsedMs(): number {
    return this.#parts.clock.monotonicMs() - this.#startedMs;
  }

  #facts() {
    const caller = this.#caller;
    const policy = this.#policy;
    return {
      decisionId: this.id,
      timeMs: this.#parts.clock.nowMs(),
      api: this.#api,
      remoteAddress: this.#remoteAddress,
      cluster: caller?.remoteCluster ?? this.#parts.cluster,
      ...(caller && {
        caller: caller.identity.spiffeId.uri,
        authenticationMethod: caller.authenticationMethod,
        credentialId: caller.credentialId,
      }),
      ...(caller?.authenticationMethod === 'client-certificate' &&
        caller.trustAnchor !== undefined && { presentedAnchor: caller.trustAnchor }),
      ...caller?.pod,
      ...(caller?.attestation && { attestation: this.#attestation(caller.attestation) }),
      ...(caller?.remoteCluster !== undefined && { remoteCluster: caller.remoteCluster }),
      ...(policy && { policyRevision: policy.revision, policy: policyTraceOf(policy) }),
    };
  }

  #attestation(attestation: Attestation): AttestationTrace {
    const clusterStaleMs = this.#clusterStaleMs;
    return { ...attestation, ...(clusterStaleMs !== undefined && { clusterStaleMs }) };
  }
}

/** A journal that fails says no more to a caller than that; that it was not read but written this one knows alone. */
function unrecorded(error: unknown): unknown {
  if (!(error instanceof AuthorityError) || error.reason !== 'CAP-S04' || error.detail !== undefined) return error;
  return new AuthorityError('CAP-S04', { detail: 'the decision could not be recorded', cause: error.cause });
}
