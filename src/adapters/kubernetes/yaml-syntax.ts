// From text to YAML nodes, one lexeme after the other: nesting is bounded before anything recurses over it.
// The library composes nodes by recursion, and a stack that overflows inside a regular expression ends the process.
import { Composer, Lexer, Parser, type CST, type Document, type LineCounter, type YAMLError } from 'yaml';
import { MAX_DEPTH, type NodeProblem } from './plain-data.ts';

/** The parser's stack has a place for each collection that is open, and a few of its own. */
const MAX_OPEN = MAX_DEPTH + 8;

/** Words, marks, spaces and line ends of one file: what bounds the time that reading takes, to about a second. */
const MAX_LEXEMES = 600_000;
/** Of a message. */
const MAX_WORDS = 120;

/** `%YAML` directives change nothing: manifests are read the same way, whatever they claim. */
const OPTIONS = {
  prettyErrors: false,
  schema: 'core',
  version: '1.2',
  resolveKnownTags: false,
  stringKeys: true,
  // The library compares each key with each other; PlainReader does it in one pass.
  uniqueKeys: false,
  logLevel: 'silent',
} as const;

/** @returns documents that may have errors of their own, or what makes the text as a whole unreadable. */
export function parseYaml(text: string, lines: LineCounter): readonly Document[] | NodeProblem {
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    lexemes += 1;
    for (const token of parser.next(lexeme)) tokens.push(token);
    const problem = boundPassed(parser.stack.length, lexemes);
    if (problem !== undefined) return { offset: parser.offset, path: '', problem };
  }
  for (const token of parser.end()) tokens.push(token);
  return [...new Composer(OPTIONS).compose(tokens, true, text.length)];
}

function boundPassed(open: number, lexemes: number): string | undefined {
  if (open > MAX_OPEN) return `is nested deeper than ${MAX_DEPTH} levels`;
  return lexemes > MAX_LEXEMES ? `has more than ${MAX_LEXEMES} words and marks in one file` : undefined;
}

/** Where the library would repeat what it could not read. */
const FIXED_WORDS: Partial<Record<YAMLError['code'], string>> = {
  BAD_DQ_ESCAPE: 'has an escape that YAML does not know',
  TAG_RESOLVE_FAILED: 'has a tag that cannot be used',
  BAD_DIRECTIVE: 'has a directive that cannot be used',
};

/** The library's words without what they repeat of the text: manifests may hold Secrets. It stands behind a colon. */
export function errorWords({ code, message }: YAMLError): string {
  const words = FIXED_WORDS[code] ?? message.replace(/: .*$/s, '').replace(/^(Unsupported YAML version).*$/s, '$1');
  return words.slice(0, MAX_WORDS).replaceAll(/\p{Cc}/gu, ' ');
}
