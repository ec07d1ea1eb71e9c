// Base64 as programs write it into texts: with the escapes of JSON and YAML, and in lines of some width. Whoever wrote the text may mean
// harm, so it is walked over once, and no regular expression repeats anything in it: one that does runs out of stack in a long run.

/** `\/` of PHP, `\u002B` of .NET, `\x2b` of YAML; of printable characters alone, so that lines stay what they are. */
const ESCAPED = /\\(?:\/|(?:u00|x)([2-7][0-9a-f]))/gi;
/** Beside n, r and t behind a backslash, which no other is in what stands between characters of base64. */
const NO_LINE_END = /[^\s\\nrt]/;
const LINE_END = /[\n\r\\]/;
const BACKSLASH = 0x5c;

export interface Run {
  readonly base64: string;
  /** Where in the text it begins. */
  readonly index: number;
}

export function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(ESCAPED, (_, hex: string | undefined) =>
    hex === undefined ? '/' : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/**
 * @returns runs of so many characters of base64 or more, without padding, in the order of their ends: in one line as they stand, and
 *   with the lines behind and before put together, as who decodes them reads them.
 */
export function* runsIn(text: string, atLeast: number): Generator<Run> {
  let lines: Run[] = [];
  for (let [before, begin] = [0, next(text, 0)]; begin < text.length;) {
    if (!isLineEnd(text.slice(before, begin))) {
      yield* joined(lines, atLeast);
      lines = [];
    }
    const end = endOf(text, begin);
    const run = { base64: text.slice(begin, end), index: begin };
    if (run.base64.length >= atLeast) yield run;
    lines.push(run);
    [before, begin] = [end, next(text, end)];
  }
  yield* joined(lines, atLeast);
}

function* joined(lines: readonly Run[], atLeast: number): Generator<Run> {
  const [first] = lines;
  if (first === undefined || lines.length === 1) return;
  const base64 = lines.map((line) => line.base64).join('');
  if (base64.length >= atLeast) yield { base64, index: first.index };
}

function isLineEnd(between: string): boolean {
  return LINE_END.test(between) && !NO_LINE_END.test(between);
}

/** @returns where the next character of base64 is that is not a part of an escape. */
function next(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isBase64(text.charCodeAt(at))) {
    const escapes = text.charCodeAt(at) === BACKSLASH && 'nrt'.includes(text.charAt(at + 1) || ' ');
    at += escapes ? 2 : 1;
  }
  return at;
}

function endOf(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBase64(text.charCodeAt(at))) at += 1;
  return at;
}

const BASE64 = new Set(Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'));
/** By character of Latin-1. */
const IS_BASE64 = Array.from({ length: 0x100 }, (_, code) => BASE64.has(code));

function isBase64(code: number): boolean {
  return IS_BASE64[code] === true;
}
