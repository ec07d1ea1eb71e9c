// What an expression reads, as the variables that expression-language.ts declares. Each view is made once
// for what it shows and forgotten with it.
import type { ExpressionInput } from '../../../domain/policy/condition.ts';
import type { Labels } from '../../../domain/policy/documents.ts';
import type { PolicyRequest } from '../../../domain/policy/request.ts';
import type { SubjectPod } from '../../../domain/policy/subject-pods.ts';
import { compareText } from '../../../domain/text/compare-text.ts';
import { meter } from './meter.ts';
import { Fields, readableOf } from './values.ts';

type Facts = Pick<ExpressionInput, 'request' | 'class' | 'pods' | 'namespaceLabels'>;

export class KeyInput {
  readonly type: string;
  readonly bits: bigint;

  constructor({ type, bits }: PolicyRequest['key']) {
    this.type = type;
    this.bits = BigInt(bits);
  }
}

/** The variable `request`. What is absent is empty text or zero, but for claims, which may be absent. */
export class RequestInput {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly trustDomain: string;
  readonly spiffeId: string;
  readonly class: string;
  readonly issuer: string;
  readonly actor: string;
  readonly key: KeyInput;
  readonly ttlSeconds: bigint;
  readonly claims: Fields;
  /** Those that every pod of the subject has, with the same value. */
  readonly podLabels: Fields;
  readonly namespaceLabels: Fields;
  /** What it was made of. */
  readonly facts: Facts;
  readonly #dnsNames: ReadableList;
  /** Of all pods of the subject. */
  readonly #images: ReadableList;

  constructor(input: Facts) {
    const { request, class: issuanceClass, pods = [], namespaceLabels = {} } = input;
    this.facts = input;
    const { subject } = request;
    this.namespace = subject.namespace;
    this.serviceAccount = subject.serviceAccount;
    this.trustDomain = subject.trustDomain;
    this.spiffeId = subject.spiffeId;
    this.class = issuanceClass;
    this.issuer = request.issuer.name;
    this.actor = request.actor ?? '';
    this.key = new KeyInput(request.key);
    this.ttlSeconds = BigInt(Math.floor(request.requestedTtlMs / 1_000));
    this.claims = new Fields(request.claims);
    this.podLabels = new Fields(sharedLabels(pods));
    this.namespaceLabels = new Fields(namespaceLabels);
    this.#dnsNames = new ReadableList('dnsNames', request.dnsNames);
    this.#images = new ReadableList('images', [...new Set(pods.flatMap(({ images }) => images))].sort(compareText));
  }

  get dnsNames(): unknown {
    return this.#dnsNames.read();
  }

  get images(): unknown {
    return this.#images.read();
  }
}

/** Reading it is paid for each time, for an expression may walk it. */
class ReadableList {
  readonly #field: string;
  readonly #list: readonly string[];
  #known: ReturnType<typeof readableOf> | undefined;

  constructor(field: string, list: readonly string[]) {
    this.#field = field;
    this.#list = list;
  }

  read(): unknown {
    const { value, steps } = (this.#known ??= readableOf(this.#list));
    meter.spend(steps);
    meter.spendOnWalk(this.#field, this.#list.length);
    return value;
  }
}

function sharedLabels([first, ...others]: readonly SubjectPod[]): Labels {
  const all = Object.entries(first?.labels ?? {});
  return Object.fromEntries(all.filter(([name, value]) => others.every(({ labels }) => labels[name] === value)));
}

/** The variable `cluster`. */
export class ClusterInput {
  readonly id: string;
  readonly labels: Fields;

  constructor({ id, labels }: ExpressionInput['cluster']) {
    this.id = id;
    this.labels = new Fields(labels);
  }
}

const requests = new WeakMap<object, RequestInput>();
const clusters = new WeakMap<object, ClusterInput>();
const objects = new WeakMap<object, Fields>();

/** @returns the variables by name. */
export function variablesOf(input: ExpressionInput): Readonly<Record<string, object>> {
  const { cluster, object } = input;
  return {
    request: requestViewOf(input),
    cluster: remembered(clusters, cluster, () => new ClusterInput(cluster)),
    ...(object !== undefined && { object: remembered(objects, object, () => new Fields(object)) }),
  };
}

/** One request may be judged under policies that class it differently, and over several snapshots. */
function requestViewOf(input: ExpressionInput): RequestInput {
  const known = requests.get(input.request);
  const { class: issuanceClass, pods, namespaceLabels } = known?.facts ?? {};
  const same = pods === input.pods && namespaceLabels === input.namespaceLabels;
  if (known !== undefined && issuanceClass === input.class && same) return known;
  const view = new RequestInput(input);
  requests.set(input.request, view);
  return view;
}

function remembered<View>(views: WeakMap<object, View>, of: object, make: () => View): View {
  const known = views.get(of);
  if (known !== undefined) return known;
  const view = make();
  views.set(of, view);
  return view;
}
