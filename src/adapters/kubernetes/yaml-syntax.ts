// From text to YAML nodes, one lexeme after the other: nesting is bounded before anything recurses over it.
// The library composes nodes by recursion, and a stack that overflows inside a regular expression ends the process.
import { Composer, Lexer, Parser, type CST, type Document, type LineCounter } from 'yaml';
import { MAX_DEPTH, type NodeProblem } from './plain-data.ts';

/** The parser's stack has a place for each collection that is open, and a few of its own. */
const MAX_OPEN = MAX_DEPTH + 8;

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
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > MAX_OPEN) {
      return { offset: parser.offset, path: '', problem: `is nested deeper than ${MAX_DEPTH} levels` };
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return [...new Composer(OPTIONS).compose(tokens, true, text.length)];
}
