// What Kubernetes takes a plain YAML scalar for. Its reader (sigs.k8s.io/yaml, over go-yaml v2) keeps YAML 1.1's
// words and bases, but neither its base 60 nor its timestamps, and reads integers as Go spells them. Where that
// differs from YAML 1.2, one file means one thing to us and another to the cluster that it is applied to.

export type PlainValue = string | number | boolean | null;

const BOOLEANS = { true: ['y', 'yes', 'true', 'on'], false: ['n', 'no', 'false', 'off'] };

/** In lower case, capitals and with a capital: no other mixture counts. */
const spellings = (words: readonly string[]): readonly string[] =>
  words.flatMap((word) => [word, word.toUpperCase(), word.charAt(0).toUpperCase() + word.slice(1)]);

const NOT_FINITE = ['inf', 'Inf', 'INF'];
const WORDS: ReadonlyMap<string, PlainValue> = new Map<string, PlainValue>([
  ...spellings(BOOLEANS.true).map((word) => [word, true] as const),
  ...spellings(BOOLEANS.false).map((word) => [word, false] as const),
  ...['', '~', ...spellings(['null'])].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...NOT_FINITE.flatMap((word) => [[`.${word}`, Infinity] as const, [`+.${word}`, Infinity] as const]),
  ...NOT_FINITE.map((word) => [`-.${word}`, -Infinity] as const),
]);

const FLOAT = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/;
/** What strconv.ParseFloat takes of what begins with a dot: underscores only between digits. */
const DOTTED = /^\.\d+(_\d+)*([eE][-+]?\d+(_\d+)*)?$/;
/** As strconv.ParseInt has it with base 0; `0400` is octal. */
const INTEGER = /^([-+]?)(?:0[xX]([\da-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9]\d*))$/;
const BASES = ['0x', '0b', '0o', ''] as const;

const LEAST = -(2n ** 63n);
/** A negative number and one with a plus is signed; one without may use all 64 bits. */
const MOST = { signed: 2n ** 63n - 1n, unsigned: 2n ** 64n - 1n };

/** @param text of a plain scalar. @returns what Kubernetes reads; NaN and the infinities are no JSON, and refused there. */
export function kubernetesScalar(text: string): PlainValue {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (text.startsWith('.')) return DOTTED.test(text) ? finite(text.replaceAll('_', ''), text) : text;
  return /^[-+\d]/.test(text) ? numberOf(text) : text;
}

/** A date is none, and go-yaml hands it on as text. */
function numberOf(text: string): PlainValue {
  const plain = text.replaceAll('_', '');
  const integer = integerOf(plain);
  if (integer !== undefined) return integer;
  return FLOAT.test(plain) ? finite(plain, text) : text;
}

function integerOf(plain: string): number | undefined {
  const [, sign = '', ...digits] = INTEGER.exec(plain) ?? [];
  const index = digits.findIndex((some: string | undefined) => some !== undefined);
  if (index < 0) return undefined;
  const magnitude = BigInt(`${BASES[index] ?? ''}${digits[index] ?? ''}`);
  const value = sign === '-' ? -magnitude : magnitude;
  return value < LEAST || value > (sign === '' ? MOST.unsigned : MOST.signed) ? undefined : Number(value);
}

/** A number too large for a double is text. */
function finite(plain: string, text: string): PlainValue {
  const value = Number(plain);
  return Number.isFinite(value) ? value : text;
}

/** The core schema of YAML 1.2 (section 10.3.2). */
function coreScalar(text: string): PlainValue {
  if (/^(~|null|Null|NULL)?$/.test(text)) return null;
  if (/^(true|True|TRUE|false|False|FALSE)$/.test(text)) return text.toLowerCase() === 'true';
  if (/^(0o[0-7]+|0x[\da-fA-F]+)$/.test(text) || FLOAT.test(text)) return Number(text);
  if (/^\.(nan|NaN|NAN)$/.test(text)) return Number.NaN;
  return /^[-+]?\.(inf|Inf|INF)$/.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : text;
}

/**
 * @param text of a plain scalar, which is a value.
 * @returns what is wrong with it and how to write it so that YAML 1.1 and 1.2 agree; nothing when they do.
 */
export function ambiguityOfValue(text: string): string | undefined {
  const [theirs, ours] = [kubernetesScalar(text), coreScalar(text)];
  if (Object.is(theirs, ours) || (theirs === 0 && ours === 0)) return undefined;
  const advice = typeof theirs === 'string' ? 'put it in quotes' : `write ${String(theirs)}, or put it in quotes`;
  return `is ${format(text, theirs)} to Kubernetes and ${format(text, ours)} to YAML 1.2: ${advice}`;
}

/** As `ambiguityOfValue`, for the name of a field: to YAML 1.2, as it is read here, each is text. */
export function ambiguityOfName(text: string): string | undefined {
  const theirs = kubernetesScalar(text);
  return String(theirs) === text && theirs !== null
    ? undefined
    : `is ${String(theirs)} to Kubernetes: put it in quotes`;
}

/** Enough of anything that both may read differently. */
const MAX_SHOWN = 40;

function format(text: string, value: PlainValue): string {
  return typeof value === 'string' ? `the text '${text.slice(0, MAX_SHOWN)}'` : String(value);
}
