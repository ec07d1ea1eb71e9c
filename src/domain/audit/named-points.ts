// What heads say of the chains of an export: which points they name, and what the word of each head is worth.
import { formatTime } from '../text/format-time.ts';
import type { ChainKind, ChainPoint } from './chain.ts';
import type { Tampering } from './findings.ts';
import type { Head } from './head.ts';
import { isSignedBy, statementDigest, type AuditKey, type Signed, type StatementPurpose } from './statement.ts';

/** Who says where a chain stood. */
export interface Source {
  /** As sentences name it: `the head of 2026-01-31 12:00:00 UTC (line 12 of the export)`. */
  readonly name: string;
  readonly timeMs: number;
  /** Whether it is known from elsewhere, so that whoever cut the export could not cut it too. */
  readonly fromElsewhere: boolean;
  /** Whether its signature was verified, or its digest is known from elsewhere. */
  readonly isTrusted: boolean;
}

interface KnownHead {
  readonly source: { -readonly [Field in keyof Source]: Source[Field] };
  readonly previous: string | undefined;
}

export interface NamedPoint extends ChainPoint {
  /** Of the chain. */
  readonly kind: ChainKind;
  readonly lastMs?: number;
  /** Digest of the chain's opening. */
  readonly opening?: string;
  readonly source: Source;
}

export interface Trust {
  /** Those that the server signs with now, and did. */
  readonly keys: readonly AuditKey[];
  /** Digests of heads, or of the end of an export, that somebody has noted. */
  readonly expected: readonly string[];
}

type Place = Pick<Tampering, 'file' | 'line'>;

export class NamedPoints {
  readonly #trust: Trust;
  readonly #found: (tampering: Tampering) => void;
  readonly #points = new Map<string, NamedPoint[]>();
  /** By digest. */
  readonly #heads = new Map<string, KnownHead>();
  readonly #unseen: Set<string>;
  #unverified = false;

  constructor(trust: Trust, found: (tampering: Tampering) => void) {
    this.#trust = trust;
    this.#found = found;
    this.#unseen = new Set(trust.expected);
  }

  /** Expected digests of which there was none. */
  get unseen(): ReadonlySet<string> {
    return this.#unseen;
  }

  /** Whether there was a signature and no key to verify it with. */
  get unverified(): boolean {
    return this.#unverified;
  }

  /** By chain. */
  get all(): ReadonlyMap<string, readonly NamedPoint[]> {
    return this.#points;
  }

  /** @returns the digest of the head. */
  add(head: Head, place: Place): string {
    const { statement } = head;
    const digest = statementDigest(statement);
    const isExpected = this.isExpected(digest);
    const source = {
      name: `the head of ${formatTime(statement.timeMs)} (line ${place.line} of the ${place.file})`,
      timeMs: statement.timeMs,
      fromElsewhere: place.file === 'witness' || isExpected,
      isTrusted: this.isSigned('head', head, place) || isExpected,
    };
    const known = this.#heads.get(digest);
    // One that a witness kept and the export has too.
    if (known === undefined || source.fromElsewhere) this.#heads.set(digest, { source, previous: statement.previous });
    for (const { chain, kind, sequence, digest: of, lastMs, opening } of statement.chains) {
      const points = this.#points.get(chain) ?? [];
      const more = { ...(lastMs !== undefined && { lastMs }), ...(opening !== undefined && { opening }) };
      points.push({ kind, sequence, digest: of, source, ...more });
      this.#points.set(chain, points);
    }
    return digest;
  }

  /** Called once all heads are known: a head names the one before it by its digest, so what is known of it is known of all before. */
  settle(): void {
    for (const { source, previous } of this.#heads.values()) {
      if (source.fromElsewhere && source.isTrusted) this.#trustAllBefore(previous);
    }
  }

  #trustAllBefore(digest: string | undefined): void {
    let before = digest === undefined ? undefined : this.#heads.get(digest);
    while (before !== undefined && !(before.source.fromElsewhere && before.source.isTrusted)) {
      before.source.fromElsewhere = true;
      before.source.isTrusted = true;
      before = before.previous === undefined ? undefined : this.#heads.get(before.previous);
    }
  }

  isExpected(digest: string): boolean {
    this.#unseen.delete(digest);
    return this.#trust.expected.includes(digest);
  }

  /** Whether one of the keys signed it. Where there are keys and none did, that is found. */
  isSigned(purpose: StatementPurpose, signed: Signed<object>, place: Place): boolean {
    const { keys } = this.#trust;
    if (keys.some((key) => isSignedBy(key, purpose, signed))) return true;
    if (keys.length === 0) this.#unverified = true;
    else {
      const what = purpose === 'head' ? 'the head' : 'the end';
      const text = `${what} is not signed by a key that was given: it names the key ${signed.keyId}`;
      this.#found({ code: 'bad_signature', ...place, text });
    }
    return false;
  }
}
