// Verifies an export line by line, with no other knowledge than keys and what was seen of heads elsewhere. Nothing is kept of a
// record but where its chain stands, so the memory is that of chains and heads.
import { createHash } from 'node:crypto';
import { formatCount } from '../text/format-count.ts';
import { ChainCheck } from './chain-check.ts';
import {
  readLine,
  type ChainLine,
  type ChainRange,
  type EndLine,
  type EndStatement,
  type ExportHeader,
  type ExportLine,
  type HeadLine,
  type LinkLine,
} from './export-line.ts';
import type { Tampering, TamperingCode } from './findings.ts';
import { NamedPoints, type Trust } from './named-points.ts';
import { statementDigest } from './statement.ts';
import { chainVerdict, gapsIn, missing, type Verdict } from './verdict.ts';
import type { WitnessedHeads } from './witnessed-heads.ts';

/** More tell nothing new: what was cut or moved shows again in lines behind. */
export const MAX_TAMPERINGS = 20;
/** The parts of an export, in their order. */
const PARTS: Readonly<Record<ExportLine['kind'], number>> = {
  export: 0,
  chain: 1,
  head: 2,
  decision: 3,
  operation: 3,
  closing: 3,
  end: 4,
};

export class ExportVerifier {
  readonly #tamperings: Tampering[] = [];
  #further = 0;
  readonly #content = createHash('sha256');
  readonly #named: NamedPoints;
  readonly #chains = new Map<string, ChainCheck>();
  #lines = 0;
  #part = -1;
  #hasBegun = false;
  #header: ExportHeader | undefined;
  #heads = 0;
  #headBefore: string | undefined;
  #oldestHead: HeadLine['statement'] | undefined;
  #links = 0;
  #unchained = 0;
  #end: EndLine | undefined;
  #trustedEnd: EndStatement | undefined;

  constructor(trust: Trust, witnessed?: WitnessedHeads) {
    this.#named = new NamedPoints(trust, (tampering) => this.#found(tampering));
    for (const line of witnessed?.malformed ?? []) {
      this.#found({ code: 'malformed', file: 'witness', line, text: 'the line is no head' });
    }
    for (const { line, head } of witnessed?.heads ?? []) this.#named.add(head, { file: 'witness', line });
  }

  /** How many records it has seen. */
  get records(): number {
    return this.#links + this.#unchained;
  }

  /** @param text the next line, without its line feed. */
  take(text: string): void {
    this.#lines += 1;
    const line = readLine(text);
    if (line?.kind !== 'end') this.#content.update(text).update('\n');
    if (line === undefined) this.#fault('malformed', 'the line is none of an export, or not in its canonical spelling');
    else if (this.#isInPlace(line)) this.#takeLine(line);
    else this.#fault('misplaced', `${nameOf(line)} may not stand here`);
  }

  /** The header is first and the end last, each once. */
  #isInPlace({ kind }: ExportLine): boolean {
    const isFirst = this.#lines === 1;
    return isFirst === (kind === 'export') && PARTS[kind] >= this.#part && this.#end === undefined;
  }

  #takeLine(line: ExportLine): void {
    this.#part = PARTS[line.kind];
    if (this.#part > PARTS.head) this.#begin();
    if (line.kind === 'export') this.#header = line;
    else if (line.kind === 'chain') this.#open(line);
    else if (line.kind === 'head') this.#takeHead(line);
    else if (line.kind === 'end') this.#takeEnd(line);
    else if ('chain' in line) this.#takeLink(line);
    else this.#unchained += 1;
  }

  #open(line: ChainLine): void {
    const { chain } = line.opening;
    if (this.#chains.has(chain)) this.#fault('forked', `the chain ${chain} is opened twice`, { chain });
    else this.#chains.set(chain, new ChainCheck(line, this.#lines));
  }

  #takeHead(line: HeadLine): void {
    this.#heads += 1;
    this.#oldestHead ??= line.statement;
    if (this.#headBefore !== undefined && line.statement.previous !== this.#headBefore) {
      this.#fault('heads_out_of_order', 'the head does not follow the head before it');
    }
    this.#headBefore = this.#named.add(line, { file: 'export', line: this.#lines });
  }

  /** Once all heads are known. */
  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#named.settle();
    const isWhole = this.#header?.sinceMs === undefined;
    for (const [chain, check] of this.#chains) {
      const faults = check.begin(this.#named.all.get(chain) ?? [], { isWhole });
      for (const fault of faults) this.#found({ file: 'export', ...fault });
    }
  }

  #takeLink(line: LinkLine): void {
    this.#links += 1;
    const { chain, sequence } = line;
    const check = this.#chains.get(chain);
    if (check === undefined) this.#fault('unknown_chain', `no chain ${chain} is opened`, { chain, sequence });
    else for (const fault of check.take(line, this.#lines)) this.#found({ file: 'export', ...fault });
  }

  #takeEnd(line: EndLine): void {
    this.#end = line;
    const { statement, keyId, algorithm, signature } = line;
    const isSigned =
      keyId !== undefined &&
      algorithm !== undefined &&
      signature !== undefined &&
      this.#named.isSigned('export', { statement, keyId, algorithm, signature }, { file: 'export', line: this.#lines });
    const isExpected = this.#named.isExpected(statementDigest(statement));
    if (isSigned || isExpected) this.#trustedEnd = statement;
    const wrong = this.#wrongIn(statement);
    if (wrong !== undefined) this.#fault('wrong_end', `the end states ${wrong}`);
  }

  /** @returns what the end states that is not so. */
  #wrongIn({ chains, records, unchained, content, sinceMs, untilMs }: EndStatement): string | undefined {
    if (records !== this.#links) return `${formatCount(records)} records, and ${formatCount(this.#links)} are there`;
    if (unchained !== this.#unchained) {
      return `${formatCount(unchained)} records of no chain, and ${formatCount(this.#unchained)} are there`;
    }
    if (sinceMs !== this.#header?.sinceMs || untilMs !== this.#header?.untilMs) return 'other times than the header';
    const ranges = new Map(chains.map((range) => [range.chain, range]));
    const other = [...this.#chains].find(([chain, check]) => !isRangeOf(check, ranges.get(chain)));
    if (other !== undefined) return `another range of the chain ${other[0]} than is there`;
    const gone = chains.find(({ chain }) => !this.#chains.has(chain));
    if (gone !== undefined) return `the chain ${gone.chain}, which is not there`;
    return this.#content.copy().digest('hex') === content
      ? undefined
      : 'another digest than that of the lines before it';
  }

  /** What is to be said when there are no more lines. Called once. */
  verdict(): Verdict {
    this.#begin();
    if (this.#lines === 0) this.#fault('malformed', 'there is no line');
    const [named, chains, end, unchained] = [this.#named, this.#chains, this.#end, this.#unchained];
    const trustedEnd = this.#trustedEnd;
    const seen = { named, chains, end, unchained, trustedEnd, oldestHead: this.#oldestHead };
    for (const { code, text, ...more } of missing(seen)) this.#fault(code, text, more);
    const verdicts = [...chains.values()].map((check) => chainVerdict(check, trustedEnd !== undefined));
    const gaps = gapsIn(seen, verdicts);
    return {
      result: this.#tamperings.length > 0 ? 'tampered' : gaps.length > 0 ? 'not_proven' : 'proven',
      tamperings: this.#tamperings,
      furtherTamperings: this.#further,
      gaps,
      chains: verdicts,
      heads: this.#heads,
      unchained,
      ...(trustedEnd && { end: trustedEnd }),
    };
  }

  #fault(code: TamperingCode, text: string, more: Pick<Tampering, 'chain' | 'sequence'> = {}): void {
    this.#found({ code, file: 'export', line: this.#lines, ...more, text });
  }

  #found(tampering: Tampering): void {
    if (this.#tamperings.length < MAX_TAMPERINGS) this.#tamperings.push(tampering);
    else this.#further += 1;
  }
}

function isRangeOf({ line: { opening, after }, last }: ChainCheck, range: ChainRange | undefined): boolean {
  return range?.kind === opening.kind && isPoint(range.after, after) && isPoint(range.through, last);
}

function isPoint(a: ChainRange['after'], b: ChainRange['after']): boolean {
  return a.sequence === b.sequence && a.digest === b.digest;
}

function nameOf({ kind }: ExportLine): string {
  if (kind === 'export') return 'the header';
  if (kind === 'end') return 'the end';
  return kind === 'operation' ? 'an operation' : `a ${kind}`;
}
