// One chain of an export, link by link: whether each follows the one before, and whether it is what heads say it was.
import { linkDigest, openingPoint, type ChainPoint } from './chain.ts';
import type { ChainLine, LinkLine } from './export-line.ts';
import type { Tampering, TamperingCode } from './findings.ts';
import { isKeptForGood } from './kept-since.ts';
import type { NamedPoint } from './named-points.ts';

export type Fault = Omit<Tampering, 'file'>;

export class ChainCheck {
  readonly line: ChainLine;
  readonly lineNumber: number;
  #last: ChainPoint;
  #links = 0;
  #provenThrough = 0;
  #knownThrough: number | undefined;
  #named: readonly NamedPoint[] = [];
  #next = 0;

  constructor(line: ChainLine, lineNumber: number) {
    this.line = line;
    this.lineNumber = lineNumber;
    this.#last = line.after;
  }

  get last(): ChainPoint {
    return this.#last;
  }

  /** How many links the export has of it. */
  get links(): number {
    return this.#links;
  }

  /** Up to where a trusted head names what is there; 0 where none does. */
  get provenThrough(): number {
    return this.#provenThrough;
  }

  /** Up to where somebody elsewhere has seen it; nothing where nobody has. */
  get knownThrough(): number | undefined {
    return this.#knownThrough;
  }

  /** Heads that name points behind the last one that is there. */
  get ahead(): readonly NamedPoint[] {
    return this.#named.slice(this.#next);
  }

  /** What heads name of it, also of what is not there, by sequence. */
  get named(): readonly NamedPoint[] {
    return this.#named;
  }

  /** Called once, before the first link. @param named of this chain in any order. */
  begin(named: readonly NamedPoint[], { isWhole }: { readonly isWhole: boolean }): readonly Fault[] {
    const { opening, after, removed } = this.line;
    this.#named = named.toSorted((a, b) => a.sequence - b.sequence);
    const beginning = removed ?? openingPoint(opening);
    const faults: Fault[] = [];
    if (after.sequence < beginning.sequence || (isWhole && after.sequence > beginning.sequence)) {
      const from = `its records begin after ${after.sequence}, and the journal has them from ${beginning.sequence + 1} on`;
      faults.push(this.#fault('truncated', this.lineNumber, after.sequence, from));
    } else if (after.sequence === beginning.sequence && after.digest !== beginning.digest) {
      const what = 'the point that it begins at has not the digest of the opening';
      faults.push(this.#fault('changed', this.lineNumber, after.sequence, what));
    }
    if (removed !== undefined && isKeptForGood(opening.kind)) {
      const what = `records up to ${removed.sequence} are gone, and retention takes none of its kind`;
      faults.push(this.#fault('truncated', this.lineNumber, removed.sequence, what));
    }
    faults.push(...this.#otherOpening());
    while (this.#expected !== undefined && this.#expected.sequence < after.sequence) this.#next += 1;
    return [...faults, ...this.#compare(this.lineNumber)];
  }

  /** Where the export has its first link, that proves it. */
  #otherOpening(): readonly Fault[] {
    const { opening, after } = this.line;
    if (after.sequence === 0) return [];
    const { digest } = openingPoint(opening);
    const other = this.#named.find(({ opening: named }) => named !== undefined && named !== digest);
    if (other === undefined) return [];
    return [this.#fault('changed', this.lineNumber, 0, `the opening is not the one that ${other.source.name} names`)];
  }

  /** @returns what is wrong with it: none of it where it follows the link before. */
  take(link: LinkLine, lineNumber: number): readonly Fault[] {
    const { sequence, digest, kind } = link;
    const last = this.#last;
    this.#links += 1;
    if (kind !== this.line.opening.kind) {
      const what = `is a ${kind} in a chain of ${this.line.opening.kind}s`;
      return [this.#fault('misplaced', lineNumber, sequence, `record ${sequence} ${what}`)];
    }
    if (sequence <= last.sequence) return [this.#again(link, lineNumber)];
    const faults: Fault[] = [];
    if (sequence > last.sequence + 1) {
      const gone = sequence - last.sequence - 1;
      const which =
        gone === 1 ? `record ${last.sequence + 1} is` : `records ${last.sequence + 1} to ${sequence - 1} are`;
      faults.push(this.#fault('missing', lineNumber, last.sequence + 1, `${which} not there`));
    } else if (linkDigest(last.digest, link) !== digest) {
      const what = `record ${sequence} is not what was linked to record ${last.sequence}: one of the two was changed`;
      faults.push(this.#fault('changed', lineNumber, sequence, what));
    }
    this.#last = { sequence, digest };
    return [...faults, ...this.#compare(lineNumber)];
  }

  #again({ sequence, digest }: LinkLine, lineNumber: number): Fault {
    const last = this.#last;
    if (sequence < last.sequence) {
      const what = `record ${sequence} stands behind record ${last.sequence}`;
      return this.#fault('out_of_order', lineNumber, sequence, what);
    }
    return digest === last.digest
      ? this.#fault('repeated', lineNumber, sequence, `record ${sequence} is there twice`)
      : this.#fault('forked', lineNumber, sequence, `there are two records ${sequence}, of two histories`);
  }

  get #expected(): NamedPoint | undefined {
    return this.#named[this.#next];
  }

  /** With what heads say of the point that was reached; those of points that were jumped over say nothing. */
  #compare(lineNumber: number): readonly Fault[] {
    const faults: Fault[] = [];
    const { sequence, digest } = this.#last;
    for (;;) {
      const expected = this.#expected;
      if (expected === undefined || expected.sequence > sequence) return faults;
      this.#next += 1;
      if (expected.sequence < sequence) continue;
      if (expected.digest === digest) this.#confirm(expected);
      else faults.push(this.#fault('forked', lineNumber, sequence, otherHistory(sequence, expected)));
    }
  }

  #confirm({ sequence, source: { isTrusted, fromElsewhere } }: NamedPoint): void {
    if (!isTrusted) return;
    this.#provenThrough = sequence;
    if (fromElsewhere) this.#knownThrough = sequence;
  }

  #fault(code: TamperingCode, line: number, sequence: number, what: string): Fault {
    const { chain, kind } = this.line.opening;
    return { code, line, chain, sequence, text: `in the chain ${chain} of ${kind}s ${what}` };
  }
}

function otherHistory(sequence: number, { source }: NamedPoint): string {
  return `${source.name} names another record ${sequence}: of the two histories one is not the journal's`;
}
