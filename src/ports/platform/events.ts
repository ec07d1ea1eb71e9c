// What the CA reports about itself: one function per business event. The adapter writes
// the log line and moves the metric together, so that they cannot disagree. No event ever carries
// a private key, a token or a whole CSR.
// It is long because every business event has its facts here.
import type { InventoryEntry } from '../../domain/inventory/entry.ts';
import type { BanTarget } from '../../domain/revocation/ban.ts';
import type { PolicyDrift } from '../../domain/policy/history/policy-drift.ts';
import type { LifecycleState } from '../../domain/trust/issuer-state.ts';
import type { RotationPhase } from '../../domain/trust/rotation/rotation.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { ClosingRecord } from '../storage/closing-journal.ts';
import type { DecisionRecord, RefusedRecord } from '../storage/issuance-journal.ts';

/** What a connection comes through; the value of the label and log field `listener`. */
export type ListenerKind = 'tls' | 'plaintext' | 'unix';

/** A file or remote document that is reloaded while the server runs. */
export type ReloadedSource =
  | 'policy'
  | 'policy-bundle'
  | 'cluster'
  | 'issuer'
  | 'further-issuers'
  | 'federated-bundle'
  | 'token-keys'
  | 'serving-certificate'
  | 'istiod-tls'
  | 'crls'
  | 'upstream';

/** The value of the label `cause`. */
export type NoTurn = 'line_full' | 'too_late' | 'gone';

export interface StreamFacts {
  readonly streamId: string;
  /** SPIFFE ID of the authenticated caller. */
  readonly caller: string;
  readonly protocol: 'sotw' | 'delta';
}

/** What a proxy rejected, as far as it may be logged. */
export interface RejectedSecret {
  /** As the proxy asked for it. */
  readonly name: string;
  /** Of the content; never sent again to this proxy. */
  readonly version: string;
  /** Of a certificate, as the journal spells it. */
  readonly serial?: string;
  /** Of a trust bundle. */
  readonly digest?: string;
}

export interface RejectionFacts extends StreamFacts {
  /** As the proxy names itself, not authenticated; may be empty. */
  readonly nodeId: string;
  readonly podName?: string;
  /** Where the stream comes from. */
  readonly remoteAddress: string;
  readonly secrets: readonly RejectedSecret[];
  /** Envoy's own text, cut to 300 characters. */
  readonly message: string;
}

/** What is published in Kubernetes; the value of the label and log field `object`. */
export type PublishedKind = 'root-config-map' | 'cluster-trust-bundle' | 'crl-config-map';

export interface PublishedPlace {
  readonly object: PublishedKind;
  readonly place: string;
}

export interface WorkerFacts {
  /** 1 up to the number of workers. */
  readonly slot: number;
  /** Of the process; absent when there was none. */
  readonly pid: number | undefined;
}

/** Why a watch ended: its version was too old, the API server refused or throttled it, was not reached, or anything else. */
export type WatchEnd = 'expired' | 'refused' | 'throttled' | 'unreachable' | 'failed';

export interface WatchFacts {
  /** Id of the cluster. */
  readonly cluster: string;
  /** Plural of the objects, such as `pods`. */
  readonly kind: string;
}

/** How somebody signs in to the console; the value of the label and log field `way`. */
export type SignInWay = 'link' | 'certificate' | 'oidc';

/** Of a request for the metrics, or another page that is not for strangers. */
export interface ObservationFacts {
  /** By what who asked was known: their place on this machine, what they showed, or nothing. */
  readonly reader: 'local' | 'token' | 'certificate' | 'stranger';
  readonly refused: boolean;
  /** Where from, as far as one party is told from another. */
  readonly source: string;
}

export interface SignInFacts {
  readonly way: SignInWay;
  /** `refused`: the person is known or not, and may not; `failed`: nobody could tell. */
  readonly outcome: 'signed_in' | 'refused' | 'failed';
  /** Of the role that it gives, where it gives one. */
  readonly role?: string;
  /** By what name, where it is known. */
  readonly actor?: string;
  /** As `sourceOf` spells it. */
  readonly source: string;
  /** Why not. No token, no code and no secret is in it. */
  readonly problem?: string;
  readonly cause?: unknown;
}

/** What is in force, and the commits that are known of. */
export interface DriftFacts {
  /** Of the policies in force. */
  readonly revision: string;
  /** Of the checkout; absent where it is not known, or only a digest is. */
  readonly gitRevision?: string;
  /** Of which the policies in force are; absent when they are those of none that was seen. */
  readonly gitRevisionInForce?: string;
}

/** What the look for rogue CAs found. */
export interface RogueFacts {
  /** The value of the label `kind`. */
  readonly kind: string;
  /** The subject of the certificate, or the issuer of cert-manager. */
  readonly name: string;
  /** Hex, of the certificate; absent for an issuer that has none. */
  readonly sha256?: string;
  /** The first of its places, in words. */
  readonly place: string;
  /** Whether its private key lies beside it. */
  readonly privateKey: boolean;
  readonly expired: boolean;
}

export interface Events {
  /**
   * A request was decided and its record is durable; or, when it is `counted`, will be with others of its kind.
   * `cause` is logged once and goes nowhere else.
   */
  decided(
    record: DecisionRecord,
    facts: { readonly durationMs: number; readonly cause?: unknown; readonly counted?: true },
  ): void;
  /** The durable record of `count` refusals, each of which was `decided` and `counted`. */
  refusalsCounted(record: RefusedRecord): void;
  /** It did not renew when it should have, and its certificate still lives; once for each certificate. */
  identityOverdue(entry: InventoryEntry): void;
  /** A known identity got its first certificate on a node that is known too; once, as far as entries are kept. */
  newIdentityNodePair(entry: InventoryEntry): void;
  /** A CA that does not lead to the corporate anchors, which the look before did not find; once while it is there. */
  rogueFound(facts: RogueFacts): void;
  connectionRefused(facts: {
    readonly listener: ListenerKind;
    readonly remoteAddress: string;
    readonly problem: string;
  }): void;
  /**
   * A request was dropped without a decision: too many in flight, not answered in time, or the listener drains. It has no
   * record. Named as in kube-apiserver (`apiserver_dropped_requests_total`).
   */
  requestDropped(facts: {
    readonly listener: ListenerKind;
    readonly remoteAddress: string;
    readonly reason: Reason;
  }): void;
  /**
   * A request waited for the turn of its namespace in vain: its line was full, the turn did not come in time, or its caller
   * was gone first. The decision that refuses it is on record as others are.
   */
  noTurn(facts: { readonly cause: NoTurn }): void;
  /** The socket of a workload lets callers in, as `identity`. */
  socketOpened(facts: { readonly path: string; readonly identity: string }): void;
  socketClosed(facts: { readonly path: string; readonly why: string }): void;
  /** A wanted socket cannot be opened, or a folder of them not be read; tried again every second, reported once. */
  socketUnusable(facts: { readonly path: string; readonly problem: string }): void;
  streamOpened(facts: StreamFacts): void;
  streamClosed(facts: StreamFacts & { readonly why: string }): void;
  secretPushed(facts: StreamFacts & { readonly names: readonly string[]; readonly version: string }): void;
  secretAcknowledged(facts: StreamFacts & { readonly latencyMs: number }): void;
  /** Envoy said no to what we sent. */
  secretRejected(facts: RejectionFacts): void;
  /** A caller named a secret that is not its own or does not exist. */
  secretUnavailable(facts: StreamFacts & { readonly name: string; readonly why: string }): void;
  /** Our own check stopped a secret before it reached the wire. */
  secretInvalid(facts: { readonly identity: string; readonly problem: string }): void;
  /**
   * A token was to be confirmed by the API server. `skipped`: it was not asked, because too many were to be or it was away.
   */
  tokenReviewed(facts: { readonly outcome: 'confirmed' | 'refused' | 'unavailable' | 'skipped' }): void;
  reloaded(facts: { readonly source: ReloadedSource; readonly revision: string }): void;
  /** The last good version stays in force, unless `kept` says that there is none. */
  reloadFailed(facts: { readonly source: ReloadedSource; readonly problem: string; readonly kept?: boolean }): void;
  /** `name` as policies call it; `issuer` is its id. */
  issuerInForce(facts: { readonly name: string; readonly issuer: string; readonly notAfterMs: number }): void;
  /**
   * An issuer came into another state, by an operator or by itself; said by the process that did it. `name` and `issuer` as in
   * `issuerInForce`. `from` is absent of a key whose certificate is asked for: it had none.
   */
  issuerMoved(facts: {
    readonly name: string;
    readonly issuer: string;
    readonly from?: LifecycleState;
    readonly to: LifecycleState;
    readonly actor: string;
    readonly reason: string;
  }): void;
  /** A rotation of trust anchors came into another phase; said by the process that did it. `from` is absent of the first. */
  rotationMoved(facts: {
    readonly rotation: string;
    readonly from?: RotationPhase;
    readonly to: RotationPhase;
    readonly actor: string;
    readonly reason: string;
  }): void;
  /**
   * The bridge of a rotation was given or taken back; said by the process that did it. `certificate` is the hex SHA-256 of the
   * cross-certificate, first 16 digits.
   */
  bridgeChanged(facts: {
    readonly act: 'bridge' | 'unbridge';
    readonly rotation: string;
    readonly certificate: string;
    readonly actor: string;
    readonly reason: string;
  }): void;
  /** An operator revoked something, or took that back; said by the process that did it. `id` is of the ban. */
  banChanged(facts: {
    readonly act: 'revoke' | 'lift';
    readonly id: string;
    readonly kind: BanTarget['kind'];
    readonly target: string;
    readonly actor: string;
    readonly reason: string;
  }): void;
  /** An operator asked for something. `none` is somebody without a role. */
  administered(facts: {
    readonly role: 'none' | 'viewer' | 'operator' | 'security';
    readonly outcome: 'answered' | 'refused';
  }): void;
  /** Somebody asked for a page about the server that is not for strangers. */
  observed(facts: ObservationFacts): void;
  /** Somebody signed in to the console, or tried to. */
  signIn(facts: SignInFacts): void;
  /** `notAfterMs` is that of the anchor that ends first. */
  bundleInForce(facts: { readonly digest: string; readonly anchors: number; readonly notAfterMs: number }): void;
  /** Trust material in force works and should not be as it is, or a trust anchor that was given does not go out. Said once. */
  trustWarning(facts: { readonly problem: string }): void;
  /** What proves the journal is late or lacks something: no head was signed, or a witness keeps none. Said once. */
  auditWarning(facts: { readonly problem: string }): void;
  /** The signing key of an issuer does not answer: it signs nothing until it is back. `name` as policies call the issuer. */
  issuerKeyLost(facts: { readonly name: string; readonly problem: string }): void;
  issuerKeyBack(facts: { readonly name: string }): void;
  /** A trust anchor has left the file while leaves may live under it: peers will refuse them. Said once for each issuer. */
  issuerStranded(facts: {
    /** Issuer id. */
    readonly issuer: string;
    readonly subject: string;
    /** The anchor or CA above the highest certificate that is known of its chain, in words. */
    readonly signedBy: string;
  }): void;
  /** An object of Kubernetes was written or removed, by us. `place` is a namespace, or the name of an object of the cluster. */
  objectPublished(facts: PublishedPlace & { readonly change: 'created' | 'updated' | 'removed' }): void;
  /** It could not be, and is tried again. Said once for each problem of an object. */
  publicationFailed(facts: PublishedPlace & { readonly problem: string }): void;
  /** Another writer keeps changing what we write: we stop there, and try once more after a while. Said once for each writer. */
  publicationContested(facts: PublishedPlace & { readonly by: string; readonly advice: string }): void;
  /** Trust anchors come in force though they are not published everywhere: the wait for it is over. */
  rootsLate(facts: {
    readonly digest: string;
    /** How many places lack one; absent where that cannot be known. */
    readonly lacking: number | undefined;
    readonly waitedMs: number;
  }): void;
  /** A revision of all policies came in force. Expiries are the bundle's; Infinity is never. */
  policyInForce(facts: {
    readonly revision: string;
    /** `name@sequence` */
    readonly policyBundle: string;
    readonly softExpiryMs: number;
    readonly hardExpiryMs: number;
  }): void;
  /** Local policies of an owner are broken and none were ever good: who depends on them is refused. */
  policyMissing(facts: { readonly owner: string; readonly problem: string }): void;
  /** Local policies are in force as their files say, and no copy of them could be written for the next start. */
  policyNotKept(facts: { readonly owner: string; readonly problem: string }): void;
  /** A policy in force is not as it should be, or not there; once, and again when it differs in another way. */
  policyDrifted(facts: DriftFacts & { readonly policy: string; readonly drift: PolicyDrift['drift'] }): void;
  /** The policies in force are those that should be, after they were not. */
  policyDriftOver(facts: DriftFacts): void;
  /** The policies that should be in force cannot be read: nobody hears of a drift now. */
  policyDriftUnknown(facts: { readonly problem: string }): void;
  /** The policy bundle is past its soft expiry: somebody must sign a newer one. Said again every hour. */
  policyBundleExpiring(facts: { readonly policyBundle: string; readonly hardExpiryMs: number }): void;
  /** An operator set the time by which policy bundles are judged back to the clock's. */
  policyTimeSetBack(facts: { readonly atMs: number; readonly fromMs: number }): void;
  /** Dev mode takes the policy bundle on trust. */
  policyBundleUnsigned(facts: { readonly place: string }): void;
  /** A refusal was not reported where its workload's owner looks: too many were, or the API server did not take it. */
  refusalNotReported(facts: { readonly why: 'full' | 'refused' }): void;
  /**
   * The API server takes no answer to a signing request; nothing more is made for it. `request` is its resource, namespace and
   * name; `certificates` are on record for it, and nobody has them.
   */
  requestGivenUp(facts: {
    /** Plural of its kind. */
    readonly kind: string;
    readonly request: string;
    readonly signer: string;
    readonly certificates: number;
    readonly problem: string;
  }): void;
  /** A cluster beside the own one is followed from now on, or not any more. */
  remoteCluster(
    facts: { readonly cluster: string } & (
      { readonly state: 'added'; readonly server: string } | { readonly state: 'removed' }
    ),
  ): void;
  /** A kubeconfig of such a cluster is not taken; what it said before stays. `all`: their folder cannot be listed. */
  remoteClusterFailed(facts: { readonly cluster: string; readonly problem: string }): void;
  /** Objects of a kind are not followed any more: what was last known of them stays. Said once for each problem. */
  watchFailing(facts: WatchFacts & { readonly problem: string }): void;
  /** They are followed again. */
  watchRecovered(facts: WatchFacts): void;
  /** A namespace has more objects of a kind than its share of memory: those beyond it are as if they were not there. */
  objectsLeftOut(facts: WatchFacts & { readonly namespace: string }): void;
  /** A watch ended otherwise than in order, and is opened again. */
  watchRestarted(facts: WatchFacts & { readonly reason: WatchEnd }): void;
  /** A pod's identity ended, and that is on record: it is renewed no more. */
  identityClosed(record: ClosingRecord): void;
  journalFailing(facts: { readonly problem: string }): void;
  journalRecovered(): void;
  lifecycle(facts: {
    readonly phase: 'starting' | 'waiting' | 'ready' | 'rereading' | 'draining' | 'stopped';
    readonly detail?: string;
  }): void;
  /** A worker of a server with several processes answers callers from now on; one that is replaced is said again. */
  workerServes(facts: WorkerFacts): void;
  /** A worker is gone that nobody told to end, with its connections; another takes its slot. */
  workerLost(facts: WorkerFacts & { readonly why: string }): void;
  /** A worker that was to replace another could not start; tried again, more and more slowly. */
  workerFailed(facts: { readonly slot: number; readonly cause: unknown }): void;
  /** The journal is looked through after a stop that was not in order, while the server serves. */
  journalCheck(facts: {
    readonly state: 'begun' | 'under way' | 'sound';
    readonly bytes: number;
    readonly elapsedMs: number;
  }): void;
  /** A bug or a surprise at an edge: logged with its stack, counted, never shown to a caller. */
  unexpected(facts: { readonly where: string; readonly cause: unknown }): void;
}
