// From text to YAML nodes. The library composes nodes by recursion, so the nesting of a text is looked at
// while it is read, lexeme by lexeme, before anything can recurse over it; aliases are not followed.
import { Composer, Lexer, Parser, type CST, type Document, type LineCounter, type YAMLError } from 'yaml';

export const MAX_DEPTH = 64;
const MAX_DOCUMENTS = 1_000;
/** Words, marks, spaces and line ends of one file: what bounds the time that reading takes, to about a second. */
const MAX_LEXEMES = 400_000;

/** What the parser keeps open beside the collections themselves: the stream, the document, a scalar. */
const OPEN_BESIDE = 8;

/** Of a message. */
const MAX_WORDS = 120;

const OPTIONS = {
  prettyErrors: false,
  // The JSON-like schema: a date stays the text that was written, and so does `yes`.
  schema: 'core',
  version: '1.2',
  resolveKnownTags: false,
  stringKeys: true,
  // The library compares each key with each other one; plain-yaml.ts looks at each once.
  uniqueKeys: false,
  logLevel: 'silent',
} as const;

/** What is wrong at an offset of the text; `path` as in Problem. */
export interface TextProblem {
  readonly offset: number;
  readonly path: string;
  readonly problem: string;
}

/** @returns documents, each with errors of its own, or why none could be read. */
export function parseYaml(text: string, lines: LineCounter): readonly Document[] | TextProblem {
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    lexemes += 1;
    for (const token of parser.next(lexeme)) tokens.push(token);
    const problem = boundPassed(parser.stack.length - OPEN_BESIDE, lexemes);
    if (problem !== undefined) return { offset: parser.offset, path: '', problem };
  }
  for (const token of parser.end()) tokens.push(token);
  const documents = [...new Composer(OPTIONS).compose(tokens, true, text.length)];
  const surplus = documents[MAX_DOCUMENTS];
  if (surplus === undefined) return documents;
  const problem = `is one more than ${MAX_DOCUMENTS} documents in one file`;
  return { offset: surplus.range[0], path: '', problem };
}

function boundPassed(open: number, lexemes: number): string | undefined {
  if (open > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
  return lexemes > MAX_LEXEMES ? `has more than ${MAX_LEXEMES} words and marks in one file` : undefined;
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

/** The library's words without what they repeat of the text, which may be a secret: it stands behind a colon. */
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
export function problemsOf(errors: readonly YAMLError[], text: string, most: number): readonly TextProblem[] {
  const template = errors.find((error) => opensTemplate(error, text));
  const told = template === undefined ? errors.slice(0, most) : [template];
  return told.map((error) => ({ offset: error.pos[0], path: '', problem: errorWords(error, text) }));
}
