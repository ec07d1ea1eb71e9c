// Data of the cluster and of requests as CEL sees it: maps that show own fields only, converted when they
// are read and then remembered, because the objects of a snapshot never change. CEL's int is a bigint.
import { BeyondBounds, MAX_ELEMENTS, MAX_TEXT, meter } from './meter.ts';

/** What is not there costs an error. */
const MISSING_STEPS = 10;
/** Searching one text for another can take time in the square of their length. */
const TEXT_SQUARE_PER_STEP = 8_192;

const LONG_LIST = new BeyondBounds(`a list has more than ${MAX_ELEMENTS.toLocaleString('en')} elements`);
const LONG_TEXT = new BeyondBounds(`a text has more than ${MAX_TEXT.toLocaleString('en')} characters`);
const NESTED_LIST = new BeyondBounds('a list stands in a list');
const NOT_JSON = new BeyondBounds('a value is not JSON');

interface Readable {
  readonly value: unknown;
  readonly steps: number;
}

/**
 * A JSON object under CEL's eyes. A Map in name, so that neither a prototype nor a field called `constructor`
 * is ever taken for anything but data.
 */
export class Fields extends Map<string, unknown> {
  readonly #fields: object;
  /** What was read; as bounded as the object is. */
  readonly #known = new Map<string, Readable>();

  constructor(fields: object) {
    super();
    this.#fields = fields;
  }

  override get(name: string): unknown {
    const known = this.#known.get(name) ?? this.#read(name);
    meter.spend(known?.steps ?? MISSING_STEPS);
    if (Array.isArray(known?.value)) meter.spendOnWalk(name, known.value.length);
    return known?.value;
  }

  override has(name: string): boolean {
    return Object.hasOwn(this.#fields, name) && this.get(name) !== undefined;
  }

  override get size(): number {
    return Object.keys(this.#fields).length;
  }

  override keys(): MapIterator<string> {
    const names = Object.keys(this.#fields);
    if (names.length > MAX_ELEMENTS) throw LONG_LIST;
    meter.spendOnKeys(names.length);
    return names.values();
  }

  /** CEL looks here only to guess one type for all entries, which data of this kind does not have. */
  override entries(): MapIterator<[string, unknown]> {
    return new Map<string, unknown>().entries();
  }

  /** What `==` compares. */
  override *[Symbol.iterator](): MapIterator<[string, unknown]> {
    for (const name of Object.keys(this.#fields)) yield [name, this.get(name)];
  }

  #read(name: string): Readable | undefined {
    const raw: unknown = Object.hasOwn(this.#fields, name) ? Reflect.get(this.#fields, name) : undefined;
    if (raw === undefined) return undefined;
    const readable = readableOf(raw);
    this.#known.set(name, readable);
    return readable;
  }
}

// CEL tells types by the constructor.
Object.defineProperty(Fields.prototype, 'constructor', { value: Map });

/**
 * @param raw JSON data.
 * @returns it as CEL knows it, and what reading it costs.
 * @throws BeyondBounds when it is too large or not JSON.
 */
export function readableOf(raw: unknown): Readable {
  switch (typeof raw) {
    case 'string':
      if (raw.length > MAX_TEXT) throw LONG_TEXT;
      return { value: raw, steps: 1 + Math.floor(raw.length ** 2 / TEXT_SQUARE_PER_STEP) };
    case 'number':
      return { value: Number.isSafeInteger(raw) ? BigInt(raw) : raw, steps: 1 };
    case 'boolean':
      return { value: raw, steps: 1 };
    case 'object':
      if (raw === null) return { value: raw, steps: 1 };
      return Array.isArray(raw) ? listOf(raw) : { value: fieldsOf(raw), steps: 1 };
    default:
      throw NOT_JSON;
  }
}

/** Lists in lists are refused: their cost could not be told from their place. Kubernetes has none. */
function listOf(raw: readonly unknown[]): Readable {
  if (raw.length > MAX_ELEMENTS) throw LONG_LIST;
  if (raw.some((element) => Array.isArray(element))) throw NESTED_LIST;
  const elements = raw.map(readableOf);
  return {
    value: elements.map(({ value }) => value),
    steps: elements.reduce((steps, element) => steps + element.steps, 1),
  };
}

function fieldsOf(raw: object): Fields {
  const prototype: unknown = Object.getPrototypeOf(raw);
  if (prototype !== Object.prototype && prototype !== null) throw NOT_JSON;
  return new Fields(raw);
}
