// Evidence of trust: who has which bundle, and what every live workload's certificates hang on. The certificates and what came with
// them are in the journal, before an answer leaves; what proxies acknowledge is noted beside it, a moment later.
import type { AcknowledgedLeaf, WorkloadEvidence } from '../../domain/trust/rotation/evidence.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Whose proxy it is, as decisions name it. */
export interface ProxyName {
  /** SPIFFE ID. */
  readonly identity: string;
  readonly remoteCluster?: string;
  readonly podUid?: string;
  readonly proxy: string;
}

/** What is known now of one proxy; it takes the place of what was noted of it before, but for a leaf where this has none. */
export interface ProxyNote extends ProxyName {
  /** Digest of the newest bundle that it acknowledged; absent before the first. */
  readonly bundle?: string;
  /** When it acknowledged that, or asked first. */
  readonly timeMs: number;
  /** The newest certificate that it acknowledged. */
  readonly leaf?: AcknowledgedLeaf;
  /** When it was last there. */
  readonly seenMs: number;
  readonly rejected?: { readonly message: string; readonly timeMs: number };
}

/** Which anchors a digest stands for, as hex SHA-256. */
export interface BundleNote {
  readonly digest: string;
  readonly anchors: readonly string[];
}

export interface EvidenceNotes {
  readonly bundles: readonly BundleNote[];
  readonly proxies: readonly ProxyNote[];
}

/** Who is told of each proxy, as often as something changes and every `SEEN_EVERY_MS` while it is there. */
export interface ProxyNotes {
  /** At once; it is on record a moment later. */
  note(note: ProxyNote): void;
}

/** Whoever was not seen for longer than twice this is not there. */
export const SEEN_EVERY_MS = 600_000;

/** For an implementer: each note is whole, so writing one twice is harmless; of two of one proxy the later `seenMs` counts. */
export interface EvidenceRecords {
  /**
   * Resolves once they would survive `kill -9` and a power cut.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04); some of them may be there then. The signal's reason.
   */
  recordEvidence(notes: EvidenceNotes, options: Waits): Promise<void>;
}

export interface EvidenceReader {
  /**
   * Each workload that has a certificate that is valid at `nowMs` and has not ended, once, in no order that matters: some are
   * held in memory, also of a hundred thousand. Of the server's own certificates (`self`) there is none. A bundle whose
   * digest is not on record yet has no anchors.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be read now; the signal's reason. What came
   *   before is then not all: nothing may be concluded from it.
   */
  liveWorkloads(moment: { readonly nowMs: number }, options: Waits): AsyncIterable<WorkloadEvidence>;
  /**
   * @returns when the last certificate of a workload was issued before that, by any server, in ms since the epoch, also where
   *   it has ended; nothing where none is on record.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be read now; the signal's reason.
   */
  lastIssuedMs(moment: { readonly beforeMs: number }, options: Waits): Promise<number | undefined>;
}
