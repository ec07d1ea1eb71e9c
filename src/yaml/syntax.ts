// From a text, or a part of one, to YAML nodes, one lexeme after the other: nesting is bounded before anything
// recurses over it. The library composes nodes by recursion, and a stack that overflows inside a regular
// expression ends the process.
import { Composer, Lexer, Parser, type CST, type Document, type YAMLError } from 'yaml';
import { MAX_DEPTH, type NodeProblem } from './plain-data.ts';

/** The parser's stack has a place for each collection that is open, and a few of its own. */
const MAX_OPEN = MAX_DEPTH + 8;
/** Of a message. */
const MAX_WORDS = 120;

/** Every scalar stays text: what Kubernetes takes it for is said by PlainReader. */
const OPTIONS = {
  prettyErrors: false,
  schema: 'failsafe',
  version: '1.2',
  resolveKnownTags: false,
  stringKeys: true,
  // The library compares each key with each other; PlainReader does it in one pass.
  uniqueKeys: false,
  logLevel: 'silent',
} as const;

/** Words, marks, spaces and line ends of one file: what bounds the time and the memory that reading takes. */
export class LexemeBudget {
  readonly #most: number;
  #spent = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isOver(): boolean {
    return this.#spent > this.#most;
  }

  /** @returns what is wrong once there are too many. */
  spend(): string | undefined {
    this.#spent += 1;
    return this.isOver ? `has more than ${this.#most} words and marks in one file` : undefined;
  }
}

/** @returns documents that may have errors of their own, or what makes the text as a whole unreadable. */
export function parseYaml(text: string, budget: LexemeBudget): readonly Document[] | NodeProblem {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    const problem = parser.stack.length > MAX_OPEN ? `is nested deeper than ${MAX_DEPTH} levels` : budget.spend();
    if (problem !== undefined) return { offset: parser.offset, path: '', problem };
  }
  for (const token of parser.end()) tokens.push(token);
  return [...new Composer(OPTIONS).compose(tokens, true, text.length)];
}

/** `{{` opens a mapping whose key is a mapping. */
const TEMPLATE = 'is a template, such as of Helm, that was not rendered: {{ }} is no YAML';

/** Where the library would repeat what it could not read. */
const FIXED_WORDS: Partial<Record<YAMLError['code'], string>> = {
  NON_STRING_KEY: 'must have a key that is text',
  BAD_DQ_ESCAPE: 'has an escape that YAML does not know',
  TAG_RESOLVE_FAILED: 'has a tag that cannot be used',
  BAD_DIRECTIVE: 'has a directive that cannot be used',
};

/** The library's words without what they repeat of the text: manifests may hold Secrets. It stands behind a colon. */
function errorWords(error: YAMLError, text: string): string {
  if (opensTemplate(error, text)) return TEMPLATE;
  const { code, message } = error;
  const words = FIXED_WORDS[code] ?? message.replace(/: .*$/s, '').replace(/^(Unsupported YAML version).*$/s, '$1');
  return words.slice(0, MAX_WORDS).replaceAll(/\p{Cc}/gu, ' ');
}

function opensTemplate({ code, pos: [at] }: YAMLError, text: string): boolean {
  return code === 'NON_STRING_KEY' && text.startsWith('{{', at - 1);
}

/** @returns the first problems; of a template that it is one, and nothing of what follows from that. */
export function problemsOf(errors: readonly YAMLError[], text: string, most: number): readonly NodeProblem[] {
  const template = errors.find((error) => opensTemplate(error, text));
  const reported = template === undefined ? errors.slice(0, most) : [template];
  return reported.map((error) => ({ offset: error.pos[0], path: '', problem: errorWords(error, text) }));
}
